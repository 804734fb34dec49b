"""Where a message's text goes: files that are whole or not there, disks that are full, and people at terminals."""

import os
import pty
import re
import resource
import select
import signal
import stat
import subprocess
import sys
import time

from test_client import Shared
from world import BIN, PATIENCE, main, need, wait_until

try:
    import message_maker as make
except ImportError as missing:
    print(f"missing: {missing.name} for python3")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

KEY = bytes(range(32))
KEY_TEXT = "9:" + KEY.hex().upper()
LARGE = os.urandom(4_000_000)


def in_chunks(text):
    return make.in_chunks(make.SEIPD, KEY, make.literal(text), make.OCB, 10)


class Output(Shared):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.large = cls.w.write("large", in_chunks(LARGE))
        # The same, with something wrong at its end.
        message = cls.large.read_bytes()
        cls.spoilt = cls.w.write("spoilt", message[:-1] + bytes([message[-1] ^ 1]))
        cls.sealed = cls.w.write("sealed", make.seipd1(KEY, make.literal(LARGE[:200_000])))

    def decrypt(self, *words, **options):
        return self.w.cardea("decrypt", "--session-key", KEY_TEXT, *words, **options)


class Files(Output):
    """On a file system that has nameless files, and on one that has none."""

    def each(self):
        yield self.w.env
        yield self.w.env | {"LD_PRELOAD": str(BIN / "no-nameless.so"),
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def test_whole_or_not_there(self):
        for env in self.each():
            target = self.out / "file"
            self.decrypt("-o", target, self.large, env=env)
            self.assertEqual(target.read_bytes(), LARGE)
            self.assertEqual(stat.S_IMODE(target.stat().st_mode) & 0o077 & ~0o044, 0)
            self.decrypt("-o", target, self.large, env=env, good=False)  # it is there
            target.write_bytes(b"precious")
            self.decrypt("-o", target, "--overwrite", self.spoilt, env=env, good=False)
            self.assertEqual(target.read_bytes(), b"precious")
            self.decrypt("-o", target, "--overwrite", self.large, env=env)
            self.assertEqual(target.read_bytes(), LARGE)
            target.unlink()
            self.decrypt("-o", target, self.spoilt, env=env, good=False)
            self.assertEqual(self.w.litter(), [])

    def test_what_is_replaced(self):
        """Nobody reads the new file who could not read the old one, and a link still leads to it."""
        for env in self.each():
            target, link = self.out / "file", self.out / "link"
            target.write_bytes(b"precious")
            link.symlink_to("file")
            for mode in 0o600, 0o640, 0o666:
                target.chmod(mode)
                self.decrypt("-o", link, "--overwrite", self.sealed, env=env)
                self.assertTrue(link.is_symlink())
                self.assertEqual(target.read_bytes(), LARGE[:200_000])
                self.assertEqual(stat.S_IMODE(target.stat().st_mode), mode)
            self.assertEqual(sorted(self.w.litter()), ["file", "link"])
            target.unlink()
            link.unlink()

    def test_whose_it_was(self):
        """The group that could read the old file reads the new one, and no other does in its place."""
        groups = [99] if os.geteuid() == 0 else [g for g in os.getgroups() if g != os.getegid()]
        if not groups:
            self.skipTest("this user has one group only")
        for env in self.each():
            target = self.out / "file"
            target.write_bytes(b"precious")
            os.chown(target, -1, groups[0])
            target.chmod(0o640)
            self.decrypt("-o", target, "--overwrite", self.sealed, env=env)
            there = target.stat()
            self.assertEqual((there.st_gid, stat.S_IMODE(there.st_mode)), (groups[0], 0o640))
            target.unlink()

    def test_without_proc(self):
        """Which names the files that have none."""
        need("unshare", "mount")
        # Of all of /proc sanitizers cannot do without.
        script = 'mount -t tmpfs none /proc/$$/fd || exit 77; exec "$@"'
        for options in [], ["--overwrite"]:
            run = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", BIN / "cardea", "decrypt",
                                  "--session-key", KEY_TEXT, *options, "-o", self.out / "file", self.sealed],
                                 env=self.w.env, capture_output=True, check=False)
            if run.returncode == 77 or b"unshare" in run.stderr:
                if os.environ.get("CI") == "true":
                    self.fail("/proc cannot be covered")
                self.skipTest("/proc cannot be covered")
            self.assertEqual((run.returncode, run.stdout, run.stderr), (0, b"", b""))
            self.assertEqual((self.out / "file").read_bytes(), LARGE[:200_000])
            self.assertEqual(self.w.litter(), ["file"])

    def test_what_waits_to_be_verified(self):
        for env in self.each():
            target = self.out / "file"
            self.decrypt("--memory-limit", "64K", "-o", target, self.sealed, env=env)
            self.assertEqual(target.read_bytes(), LARGE[:200_000])
            self.assertEqual(self.w.litter(), ["file"])
            target.unlink()
            cut = self.w.write("cut", self.sealed.read_bytes()[:-1])
            self.decrypt("--memory-limit", "64K", "-o", target, cut, env=env, good=False)
            self.assertEqual(self.w.litter(), [])

    def test_a_limit_of_size(self):
        """The signal of ulimit -f is an error like any other."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        for env in self.each():
            for options in [], ["--memory-limit", "64K"]:
                for message in self.large, self.sealed:
                    run = self.decrypt(*options, "-o", self.out / "file", message, env=env, good=False,
                                       preexec_fn=limit)
                    self.assertRegex(run.stderr.decode(), r"\A[^\n]*File too large: [^\n]*\n\Z")
                    self.assertEqual(self.w.litter(), [])
        run = self.decrypt("--memory-limit", "64K", self.sealed, good=False, preexec_fn=limit)
        self.assertIn("no room to hold the message", run.stderr.decode())
        self.assertEqual(run.stdout, b"")

    def test_signals(self):
        """In mid-message: nothing is left, but by what ends it without a warning where every file has a name."""
        for nameless, env in zip((True, False), self.each()):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
                with open(self.large, "rb") as message:
                    half = message.read()[:2_500_000]
                process = subprocess.Popen([BIN / "cardea", "decrypt", "--session-key", KEY_TEXT, "-o",
                                            self.out / "file"], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                           env=env)
                self.addCleanup(process.kill)
                self.addCleanup(process.stdin.close)
                self.addCleanup(process.stderr.close)
                process.stdin.write(half)
                process.stdin.flush()
                # All but what fits into the pipe has been taken, so plaintext has been written.
                process.send_signal(number)
                self.assertEqual(process.wait(PATIENCE), -number)
                left = self.w.litter()
                if number == signal.SIGKILL and not nameless:
                    self.assertRegex(left.pop(), r"\A\.cardea-")
                self.assertEqual(left, [])
                said = b"" if number == signal.SIGKILL else b"cardea: interrupted\n"
                self.assertEqual(process.stderr.read(), said)


    def test_ignored_signals(self):
        """As nohup has it: they stay so."""
        message = self.large.read_bytes()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            target = self.out / "file"
            process = subprocess.Popen([BIN / "cardea", "decrypt", "--session-key", KEY_TEXT, "-o", target],
                                       stdin=subprocess.PIPE, env=self.w.env,
                                       preexec_fn=lambda n=number: signal.signal(n, signal.SIG_IGN))
            with process:
                process.stdin.write(message[:2_500_000])
                process.send_signal(number)
                process.stdin.write(message[2_500_000:])
            self.assertEqual((process.returncode, target.read_bytes()), (0, LARGE))
            target.unlink()


class Terminal(Output):
    """A pipe in the place of the output makes the work last."""

    def setUp(self):
        super().setUp()
        self.pipe = self.out / "pipe"
        os.mkfifo(self.pipe)
        self.said = b""

    def start(self, *words):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.execve(BIN / "cardea", ["cardea", "decrypt", "--session-key", KEY_TEXT, *map(str, words)], self.w.env)
        self.addCleanup(os.close, self.terminal)
        return pid

    def listen(self, patience=0.0):
        """Reads what came to the terminal; False when it is hung up."""
        while select.select([self.terminal], [], [], patience)[0]:
            try:
                self.said += os.read(self.terminal, 4096)
            except OSError:
                return False
            patience = 0.0
        return True

    def read_slowly(self, fd, enough):
        """Takes the text piece by piece until enough() is true or there is no more."""
        got, end = b"", time.monotonic() + PATIENCE
        while not enough() and time.monotonic() < end:
            piece = os.read(fd, 16384)
            if not piece:
                break
            got += piece
            self.listen(0.01)
        return got

    def read_out(self, fd):
        got = b""
        while piece := os.read(fd, 1 << 16):
            got += piece
        return got

    def ends(self, pid):
        wait_until(lambda: not self.listen(0.01), "the terminal is left")
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def follow(self, pattern, *words):
        """Decrypts the large message until the terminal shows the pattern, and then to the end."""
        pid = self.start("-o", self.pipe, *words)
        fd = os.open(self.pipe, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        got = self.read_slowly(fd, lambda: re.search(pattern, self.said))
        got += self.read_out(fd)
        self.assertEqual(self.ends(pid), 0, self.said)
        self.assertEqual(got, LARGE)

    def test_bar(self):
        self.follow(rb"\r\[#+ +\] +\d+%.*\r\[#+ +\] +\d+%", self.large)
        shares = [int(n) for n in re.findall(rb"(\d+)%", self.said)]
        self.assertEqual(shares, sorted(shares))
        self.assertGreater(len(set(shares)), 1, self.said)
        self.assertTrue(self.said.endswith(b"\r\x1b[K"), self.said[-40:])  # and it is gone

    def test_unknown_length(self):
        """Of a pipe nobody knows how much will come."""
        source = self.out / "source"
        os.mkfifo(source)
        feeder = subprocess.Popen(["cp", self.large, source])
        self.addCleanup(feeder.wait)
        self.follow(rb"\r +\d\.\d MB", source)
        self.assertTrue(self.said.endswith(b"\r\x1b[K"), self.said[-40:])

    def test_quiet(self):
        begun = time.monotonic()
        pid = self.start("--quiet", "-o", self.pipe, self.large)
        fd = os.open(self.pipe, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        self.read_slowly(fd, lambda: time.monotonic() > begun + 1)
        self.read_out(fd)
        self.assertEqual((self.ends(pid), self.said), (0, b""))

    def test_short_work_shows_nothing(self):
        """Short work may be long on a busy machine, but not each time."""
        said = []
        for i in range(10):
            pid, self.said = self.start("-o", self.out / f"file{i}", self.sealed), b""
            self.assertEqual(self.ends(pid), 0)
            said.append(self.said)
            if not self.said:
                break
        self.assertIn(b"", said)

    def test_ctrl_c(self):
        """While the bar is shown."""
        text = self.large.read_bytes()
        message = self.out / "message"
        os.mkfifo(message)
        pid = self.start("-o", self.out / "file", message)
        with open(message, "wb", buffering=0) as feed:
            begun, at = time.monotonic(), 0
            while b"MB" not in self.said and time.monotonic() < begun + PATIENCE and at < 3_000_000:
                at += feed.write(text[at:at + 16384])
                self.listen(0.01)
            self.assertIn(b"MB", self.said)
            os.write(self.terminal, b"\x03")
            self.assertEqual(self.ends(pid), -signal.SIGINT)
        self.assertIn(b"\r\x1b[K", self.said)
        self.assertIn(b"cardea: interrupted", self.said)
        self.assertEqual(sorted(self.w.litter()), ["message", "pipe"])


if __name__ == "__main__":
    main()
