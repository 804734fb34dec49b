"""Cardea and GnuPG, each with a token of its own in a reader of the same pcscd: the same program, key and
commands. They are asked in turns, so that what else goes on meets both alike."""

import os
import pathlib
import re
import signal
import statistics
import subprocess
import time

import openpgp
from curves import x25519
from world import BIN, Assuan, World, process_state, wait_until

READERS = ["Virtual PCD 00 00", "Virtual PCD 00 01", "Virtual PCD 2 00 00"]  # with-pcscd --slots 4
CARDEA, GNUPG, BARE = 0, 1, 2  # their readers
SELECT, VERIFY = "00A4040006D27600012401", "0020008206313233343536"


def median(values):
    return statistics.median(values)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def runs(pid):
    """And is not a zombie, which nobody of ours may reap."""
    return process_state(pid) not in ("", "Z")


def children(pid):
    """Of all its threads, some of which may just end."""
    found = set()
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.update(map(int, task.read_text().split()))
        except OSError:
            pass
    return sorted(found)


class Contestant:
    """An agent of the one kind or the other, not yet running."""

    def __init__(self, world, home, reader):
        self.world, self.home, self.reader = world, home, reader
        self.env = dict(world.env, GNUPGHOME=str(home))
        self.socket = subprocess.run(["gpgconf", "--list-dirs", "agent-socket"], env=self.env,
                                     capture_output=True, text=True, check=True).stdout.strip()
        self.process, self.running = None, False

    def start(self):
        self.process = subprocess.Popen([str(c) for c in self.command()], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.running = True

    def start_and_decrypt(self):
        """Milliseconds from its start until it greets, and until it has given the first session key."""
        out = subprocess.run([BIN / "bench-client", "start", self.socket, self.world.keygrip,
                              self.world.payload, *self.command()], env=self.env, stdout=subprocess.PIPE,
                             text=True, check=True).stdout
        self.running = True
        return [int(word) / 1000 for word in out.splitlines()[-1].split()]

    def stop(self):
        if self.running:
            pids = self.pids()
            os.kill(pids[0], signal.SIGTERM)
            wait_until(lambda: not any(map(runs, pids)), "its processes have ended")
        if self.process:
            self.process.wait()
        self.process, self.running = None, False

    def connect(self):
        """A client, as soon as there is somebody to answer."""
        while True:
            try:
                return Assuan(self.socket, 60)
            except (OSError, EOFError):
                time.sleep(0.0002)

    def pids(self):
        """The agent, which may have put itself into the background, and its scdaemon."""
        with self.connect() as client:
            agent = int(client.command("GETINFO pid"))
        return [agent, *children(agent)]

    def memory(self):
        """KiB of the memory that is its own share (PSS), of all its processes."""
        rollups = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids()]
        return sum(int(re.search(r"Pss:\s+(\d+)", text)[1]) for text in rollups)

    def times(self, count, clients=1):
        """Microseconds of each SETKEY and PKDECRYPT at its socket."""
        out = subprocess.run([BIN / "bench-client", "agent", self.socket, self.world.keygrip,
                              self.world.payload, str(count), str(clients)],
                             capture_output=True, text=True, check=True).stdout
        return [int(line.split()[1]) for line in out.splitlines()]

    def decrypt(self):
        with self.connect() as client:
            client.decrypt(self.world.keygrip, self.world.request)

    def gpg(self):
        """gpg -d by way of it; false when it could not."""
        return subprocess.run(["gpg", "--batch", "--no-tty", "-d"], input=self.world.mail, env=self.env,
                              capture_output=True, check=False, timeout=60).returncode == 0



class Cardea(Contestant):
    name = "Cardea"

    def command(self):
        return [BIN / "cardea-agent", "--gnupghome", self.home, "--reader", f"pcsc:{self.reader}",
                "--pinentry", BIN / "fake-pinentry"]


class GnuPG(Contestant):
    name = "GnuPG"

    def command(self):
        return ["gpg-agent", "--homedir", self.home, "--daemon"]

    def configure(self, public_key):
        self.home.mkdir(mode=0o700)
        (self.home / "gpg-agent.conf").write_text(f"pinentry-program {BIN}/fake-pinentry\n")
        (self.home / "scdaemon.conf").write_text(f"reader-port {self.reader}\ndisable-ccid\n")
        subprocess.run(["gpg", "--batch", "--import"], input=public_key, env=self.env, check=True,
                       capture_output=True)

    def learn(self):
        """As people do once for a new card."""
        subprocess.run(["gpg", "--batch", "--card-status"], env=self.env, check=True, capture_output=True,
                       timeout=60)
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env, check=True)
        wait_until(lambda: not os.path.exists(self.socket), "gpg's own agent has ended")


class Match(World):
    """Both contestants, and a reader with a third token for bare commands."""

    def __init__(self, algorithm="cv25519", token=()):
        super().__init__()
        self.algorithm, self.options = algorithm, token

    def __enter__(self):
        super().__enter__()
        try:
            self.prepare()
        except BaseException as problem:
            self.__exit__(type(problem), problem, None)
            raise
        return self

    def prepare(self):
        self.make_key(self.algorithm, primary="ed25519" if "25519" in self.algorithm else self.algorithm)
        self.keygrip = self.keygrips("alice")[1]
        self.mail = self.encrypt("Dear Alice")
        self.request = openpgp.request(self.mail)
        self.payload = self.folder / "payload"
        self.payload.write_bytes(self.reply())
        self.cardea = Cardea(self, self.home, READERS[CARDEA])
        self.gnupg = GnuPG(self, self.folder / "h", READERS[GNUPG])
        self.gnupg.configure(self.gpg("--export", "alice").stdout)
        self.tokens_in = [self.start_token(*self.options, reader=r, wait=False) for r in range(3)]
        for token in self.tokens_in:
            wait_until(lambda t=token: self.is_powered(t), "a card is powered")
        self.gnupg.learn()

    def is_powered(self, token):
        if token.process.poll() is not None:
            raise AssertionError(f"no token for {self.algorithm} {self.options}")
        return token.trace.exists() and "on" in token.trace.read_text()

    def __exit__(self, *problem):
        for contestant in self.contestants():
            contestant.stop()
        super().__exit__(*problem)

    def contestants(self):
        return [c for c in (getattr(self, "cardea", None), getattr(self, "gnupg", None)) if c]

    def reply(self):
        """What answers the inquiry of the ciphertext, as it goes over the wire."""
        rest, lines = Assuan.escape(self.request), b""
        while rest:
            cut = len(rest) if len(rest) <= 900 else 900 - (2 if b"%" in rest[898:900] else 0)
            lines, rest = lines + b"D " + rest[:cut] + b"\n", rest[cut:]
        return lines + b"END\n"

    def bare(self, count):
        """Microseconds of each PSO:DECIPHER over PC/SC alone."""
        if self.algorithm == "cv25519":
            point = x25519(os.urandom(32))
            data = bytes.fromhex("A6") + bytes([37]) + bytes.fromhex("7F4922" "8620") + point
            command = b"\0\x2a\x80\x86" + bytes([len(data)]) + data + b"\0"
        else:
            data = b"\0" + openpgp.Pkesk(self.mail).c.rjust(int(self.algorithm[3:]) // 8, b"\0")
            command = b"\0\x2a\x80\x86\0" + len(data).to_bytes(2, "big") + data + b"\x08\x00"
        out = subprocess.run([BIN / "bench-client", "bare", READERS[BARE], str(count), SELECT, VERIFY,
                              command.hex()], capture_output=True, text=True, check=True).stdout
        return [int(line) for line in out.splitlines()]
