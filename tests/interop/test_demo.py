"""./demo shows what it promises, and leaves nothing behind."""
import os
import pathlib
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest

import world

DEMO = pathlib.Path(__file__).resolve().parents[2] / "demo"


class Demo(unittest.TestCase):
    def setUp(self):
        world.need("gpg", "gpgconf", "gpg-connect-agent", "awk")
        scratch = tempfile.TemporaryDirectory(prefix="d")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.env = dict(os.environ, CARDEA_BIN=str(world.BIN), TMPDIR=scratch.name)
        self.env.pop("GNUPGHOME", None)

    def tearDown(self):
        self.assertEqual(os.listdir(self.scratch), [])
        self.assertEqual(self.processes(), [])

    def processes(self):
        """Command lines of the processes that know our folder."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.scratch).encode() in (folder / "cmdline").read_bytes():
                    found.append((folder / "cmdline").read_bytes())
            except OSError:
                pass  # has ended
        return found

    def check_output(self, text):
        self.assertEqual(text.count("| the cake is in the oven."), 2, text)
        self.assertRegex(text, r"VERIFY PIN +ok\n")
        self.assertNotIn("313233343536", text)
        counts = [int(n) for n in re.findall(r"(\d+) command\(s\), \d+ ms", text)]
        self.assertEqual(len(counts), 2)
        self.assertLessEqual(counts[0], 7)
        self.assertEqual(counts[1], 1)
        self.assertNotIn("\033", text)

    def run_demo(self, *arguments):
        return subprocess.run([DEMO, *arguments], env=self.env, text=True, capture_output=True,
                              timeout=120)

    def test_default(self):
        done = self.run_demo()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check_output(done.stdout)

    def test_other_algorithm(self):
        done = self.run_demo("--algo", "nistp384")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check_output(done.stdout)

    def test_pcsc(self):
        done = self.run_demo("--pcsc")
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check_output(done.stdout)

    def test_usb(self):
        if not (world.BIN / "usb-umockdev").exists():
            world.need("libumockdev-dev")
        done = self.run_demo("--usb")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.check_output(done.stdout)

    def test_usage(self):
        for arguments in (["--algo", "rot13"], ["--algo"], ["--nonsense"]):
            self.assertEqual(self.run_demo(*arguments).returncode, 2)
        self.assertEqual(self.run_demo("--help").returncode, 0)

    def interrupt_after(self, mark, *arguments):
        """Runs the demo on a terminal and presses Ctrl-C once the mark is seen."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(DEMO, ["demo", *arguments], self.env)
        output = b""
        pressed = False
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break  # hung up
            output += piece
            if mark in output and not pressed:
                pressed = True
                os.write(terminal, b"\x03")
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertEqual(status, 130, output.decode())
        self.assertNotIn(b"The end", output)

    def test_ctrl_c(self):
        for mark in (b"1. ", b"3. ", b"4. ", b"5. "):
            with self.subTest(mark=mark):
                self.interrupt_after(mark)
                self.assertEqual(os.listdir(self.scratch), [])


if __name__ == "__main__":
    world.main()
