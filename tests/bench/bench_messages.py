"""Large messages from file to file, by cardea, gpg and sq in turns; medians of five runs."""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BIN = pathlib.Path(os.environ.get("CARDEA_BIN", "build/release/bin")).resolve()
SIZE = int(os.environ.get("BENCH_MB", "100")) * 1000 * 1000
RUNS = 5
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

    def commands(self, message):
        found = {
            "cardea": [BIN / "cardea", "decrypt", "--session-key", self.key, "-o", self.out, message],
            "gpg": ["gpg", "--homedir", self.home, "--batch", "--quiet", "--override-session-key", self.key,
                    "-o", self.out, "-d", message],
            "sq": ["sq", "decrypt", "--session-key", self.key, "-o", self.out, message],
        }
        return {n: c for n, c in found.items() if shutil.which(str(c[0]))}

    def run(self, command):
        """Seconds, peak MB and seconds of processor, or None for a program that cannot do it."""
        self.out.unlink(missing_ok=True)
        # By a small process: what is forked from a large one begins with its peak.
        run = subprocess.run([sys.executable, "-c", LAUNCHER, *map(str, command)], capture_output=True,
                             text=True, check=True)
        status, taken, peak, worked = run.stdout.split()
        if int(status) or not self.out.exists() or self.out.read_bytes() != self.text:
            return None
        return float(taken), int(peak) / 1024, float(worked)

    def compare(self, message):
        runs = {name: [] for name in self.commands(message)}
        for _ in range(RUNS):  # in turns, so that what else goes on meets all alike
            for name, command in self.commands(message).items():
                runs[name].append(self.run(command))
        base = None
        for name, results in runs.items():
            if None in results:
                print(f"{message.name:18} {name:8} cannot read it")
                continue
            seconds = statistics.median(r[0] for r in results)
            base = base or seconds
            print(f"{message.name:18} {name:8} {seconds:7.3f} s {SIZE / 1e6 / seconds:7.0f} MB/s "
                  f"{max(r[1] for r in results):6.0f} MB {statistics.median(r[2] for r in results):7.3f} s of "
                  f"processor   cardea is {seconds / base:.2f} times as fast")


def main():
    print(f"{SIZE // 1000000} MB from file to file, medians of {RUNS} runs, peak memory")
    with tempfile.TemporaryDirectory(prefix="cardea-bench-") as folder:
        bench = Bench(pathlib.Path(folder))
        try:
            for message in bench.make():
                bench.compare(message)
        finally:
            subprocess.run(["gpgconf", "--homedir", bench.home, "--kill", "all"], check=False)
    count = subprocess.run([BIN / "bench_pkesk"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"PKESK packets read and opened without a card: {count} a second")


if __name__ == "__main__":
    sys.exit(main())
