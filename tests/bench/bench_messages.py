"""Large messages from file to file and to /dev/null, by cardea, gpg and sq in turns, round by round, so that
what else goes on meets all alike. Speeds are medians; a ratio is the median of the ratios of the rounds."""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import typing

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BIN = pathlib.Path(os.environ.get("CARDEA_BIN", "build/release/bin")).resolve()
SIZE = int(os.environ.get("BENCH_MB", "100")) * 1000 * 1000
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "11"))
LAUNCHER = """
import os, subprocess, sys, time
begun = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(status, time.monotonic() - begun, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""
CHUNK_OCTET = 16  # chunks of 4 MiB


def packet(tag, body):
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def chunks(key, nonce, fixed, with_index, plain):
    """The chunks of RFC 9580 section 5.13.2 or of LibrePGP section 5.16, and the final tag."""
    cipher, size, out = AESOCB3(key), 1 << 6 + CHUNK_OCTET, []
    index = lambda i: i.to_bytes(8, "big") if with_index else b""
    count = 0
    for count, at in enumerate(range(0, len(plain), size), 1):
        out.append(cipher.encrypt(nonce(count - 1), plain[at:at + size], fixed + index(count - 1)))
    out.append(cipher.encrypt(nonce(count), b"", fixed + index(count) + len(plain).to_bytes(8, "big")))
    return b"".join(out)


def packet_20(key, plain):
    head, iv = bytes([1, 9, 2, CHUNK_OCTET]), os.urandom(15)
    nonce = lambda i: iv[:7] + (int.from_bytes(iv[7:], "big") ^ i).to_bytes(8, "big")
    return packet(20, head + iv + chunks(key, nonce, b"\xD4" + head, True, plain))


def seipd_2(key, plain):
    head, salt = bytes([2, 9, 2, CHUNK_OCTET]), os.urandom(32)
    derived = HKDF(hashes.SHA256(), 32 + 7, salt, b"\xD2" + head).derive(key)
    nonce = lambda i: derived[32:] + i.to_bytes(8, "big")
    return packet(18, head + salt + chunks(derived[:32], nonce, b"\xD2" + head, False, plain))


class Run(typing.NamedTuple):
    seconds: float
    processor: float
    peak: float


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self.out = folder / "out"

    def gpg(self, *words):
        return subprocess.run(["gpg", "--homedir", self.home, "--batch", "--yes", "--quiet", "--passphrase",
                               "", "--pinentry-mode", "loopback", "--trust-model", "always", *words],
                              capture_output=True, check=True)

    def make(self):
        """Messages by the name of their container; the same key and recipient for all."""
        text = self.folder / "text"
        text.write_bytes(os.urandom(SIZE))
        self.gpg("--quick-gen-key", "a", "ed25519", "sign")
        fingerprint = re.search(rb"fpr:+(\w+):", self.gpg("--with-colons", "-K").stdout)[1].decode()
        self.gpg("--quick-add-key", fingerprint, "cv25519", "encr")
        first = self.folder / "SEIPDv1 AES-256"
        self.gpg("-z0", "--cipher-algo", "AES256", "-r", "a", "-o", first, "-e", text)
        said = self.gpg("--show-session-key", "-o", self.out, "-d", first).stderr
        self.key = re.search(rb"session key: '(.*)'", said)[1].decode()
        pkesk = first.read_bytes()[:2 + first.read_bytes()[1]]
        octets = bytes.fromhex(self.key.split(":")[1])
        plain = packet(11, b"b\0\0\0\0\0" + text.read_bytes())
        for name, body in ("packet 20 OCB", packet_20(octets, plain)), ("SEIPDv2 OCB", seipd_2(octets, plain)):
            (self.folder / name).write_bytes((pkesk if name != "SEIPDv2 OCB" else b"") + body)
        self.text = text.read_bytes()
        return [first, self.folder / "packet 20 OCB", self.folder / "SEIPDv2 OCB"]

    def commands(self, message, out):
        found = {
            "cardea": [BIN / "cardea", "decrypt", "--session-key", self.key, "-o", out, message],
            "gpg": ["gpg", "--homedir", self.home, "--batch", "--yes", "--quiet", "--override-session-key",
                    self.key, "-o", out, "-d", message],
            "sq": ["sq", "--force", "decrypt", "--session-key", self.key, "-o", out, message],
        }
        return {n: c for n, c in found.items() if shutil.which(str(c[0]))}

    def run(self, command, out):
        """Seconds, seconds of processor and peak MB, or None for a program that cannot do it."""
        self.out.unlink(missing_ok=True)
        # By a small process: what is forked from a large one begins with its peak.
        run = subprocess.run([sys.executable, "-c", LAUNCHER, *map(str, command)], capture_output=True,
                             text=True, check=True)
        status, taken, peak, worked = run.stdout.split()
        if int(status) or (out == self.out and (not out.exists() or out.read_bytes() != self.text)):
            return None
        return Run(float(taken), float(worked), int(peak) / 1024)

    def measure(self, messages):
        """Runs by container, output and program."""
        ways = [(m, o, n, c) for m in messages for o in (self.out, pathlib.Path("/dev/null"))
                for n, c in self.commands(m, o).items()]
        runs = {}
        for _ in range(ROUNDS):
            for message, out, name, command in ways:
                key = message.name, "file" if out == self.out else "/dev/null", name
                if None not in runs.setdefault(key, []):
                    runs[key].append(self.run(command, out))
        return runs


def ratio(theirs, ours, field):
    return statistics.median(getattr(t, field) / getattr(o, field) for t, o in zip(theirs, ours))


def report(runs):
    for (message, out, name), results in runs.items():
        where = f"{message:15} to {out:9} {name:6}"
        if None in results:
            print(f"{where} cannot read it")
            continue
        seconds = statistics.median(r.seconds for r in results)
        processor = statistics.median(r.processor for r in results)
        print(f"{where} {seconds:6.3f} s {SIZE / 1e6 / seconds:5.0f} MB/s, {processor:6.3f} s of processor, "
              f"{max(r.peak for r in results):4.0f} MB", end="")
        ours = runs[message, out, "cardea"]
        print(f"; cardea is {ratio(results, ours, 'seconds'):.2f} times as fast, "
              f"{ratio(results, ours, 'processor'):.2f} by processor" if results is not ours else "")


def report_goals(runs):
    gpg = runs["SEIPDv1 AES-256", "file", "gpg"]
    for message, goal in ("SEIPDv1 AES-256", 1), ("SEIPDv2 OCB", 1.5):
        ours = runs[message, "file", "cardea"]
        print(f"{message} from file to file, to gpg with SEIPDv1: {ratio(gpg, ours, 'seconds'):.2f} (goal: {goal}), "
              f"peak {max(r.peak for r in ours):.0f} MB (goal for OCB: below 64)")


def main():
    print(f"{SIZE // 1000000} MB, medians of {ROUNDS} rounds, peak memory", flush=True)
    with tempfile.TemporaryDirectory(prefix="cardea-bench-") as folder:
        bench = Bench(pathlib.Path(folder))
        try:
            runs = bench.measure(bench.make())
            report(runs)
            report_goals(runs)
        finally:
            subprocess.run(["gpgconf", "--homedir", bench.home, "--kill", "all"], check=False)
    count = subprocess.run([BIN / "bench_pkesk"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"PKESK packets read and opened without a card: {count} a second")


if __name__ == "__main__":
    sys.exit(main())
