"""The pinentries that people have, on a terminal of their own."""
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time
import unittest

import world

TEXT = "for the terminal\n"


class Terminal:
    """A terminal with a human before it, who reads what comes and types."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.name = os.ttyname(slave)
        self.slave = slave  # held open, so that the screen stays when a pinentry ends
        self.screen = b""

    def close(self):
        os.close(self.master)
        os.close(self.slave)

    def wait_for(self, *words, patience=world.PATIENCE):
        """Reads until one of the words is on the screen; returns it."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            for word in words:
                if word in self.screen:
                    return word
            if select.select([self.master], [], [], 0.1)[0]:
                self.screen += os.read(self.master, 4096)
        raise AssertionError(f"not on the screen: {words}: {self.screen}")

    def wait_for_silence(self):
        """A pinentry that has asked sees to it that nothing is echoed; it drops what came before that."""
        world.wait_until(lambda: not termios.tcgetattr(self.slave)[3] & termios.ECHO, "nothing is echoed")

    def type(self, text):
        """As a human, who is not as fast as that."""
        self.wait_for_silence()
        self.screen = b""
        os.write(self.master, text)


class RealPinentry(unittest.TestCase):
    def setUp(self):
        self.terminal = Terminal()
        self.addCleanup(self.terminal.close)

    def ask(self, w):
        """gpg -d, under way, on our terminal."""
        env = dict(w.env, GPG_TTY=self.terminal.name, TERM="xterm")
        message = w.folder / "message"
        message.write_bytes(w.encrypt(TEXT))
        return subprocess.Popen(["gpg", "--batch", "-d", message], env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_with(self, program, dialogue, status):
        path = shutil.which(program)
        world.need(program)
        with world.World() as w:
            w.make_key()
            w.start_agent(pinentry=path)
            w.start_token()
            gpg = self.ask(w)
            try:
                dialogue()
                out, err = gpg.communicate(timeout=world.PATIENCE)
            finally:
                gpg.kill()
                gpg.communicate()
            self.assertEqual(gpg.returncode, status, err)
            self.assertEqual(out, TEXT if status == 0 else "")
            return w.verifies()

    def test_tty(self):
        def dialogue():
            self.terminal.wait_for(b"PIN")
            self.terminal.wait_for(b": ")
            self.terminal.type(b"123456\n")

        self.assertEqual(len(self.run_with("pinentry-tty", dialogue, 0)), 1)
        self.assertNotIn(b"123456", self.terminal.screen)

    def test_tty_wrong_then_right(self):
        def dialogue():
            self.terminal.wait_for(b"PIN")
            self.terminal.wait_for(b": ")
            self.terminal.type(b"111111\n")
            self.terminal.wait_for(b"2 tries")
            self.terminal.wait_for(b": ")
            self.terminal.type(b"123456\n")

        self.assertEqual(len(self.run_with("pinentry-tty", dialogue, 0)), 2)

    def test_curses(self):
        def dialogue():
            self.terminal.wait_for(b"<OK>")
            self.terminal.type(b"123456\r")

        self.assertEqual(len(self.run_with("pinentry-curses", dialogue, 0)), 1)

    def test_curses_cancel(self):
        def dialogue():
            self.terminal.wait_for(b"<OK>")
            self.terminal.type(b"\t\t\r")  # to the button

        self.assertEqual(self.run_with("pinentry-curses", dialogue, 2), [])

    def test_agent_killed(self):
        """The prompt leaves the terminal as it was, and does not wait for anybody any more. A pinentry that is not
        yet reading keys when it is told to end would go on until its own time is over."""
        for program, shown in (("pinentry-tty", b": "), ("pinentry-curses", b"<OK>")):
            path = shutil.which(program)
            world.need(program)
            with self.subTest(program), world.World() as w:
                w.make_key()
                w.start_agent(pinentry=path, ends_with=-signal.SIGKILL)
                w.start_token("--wait")
                before = termios.tcgetattr(self.terminal.slave)
                gpg = self.ask(w)
                self.terminal.wait_for(shown)
                (pinentry,) = w.agent_children()
                self.terminal.wait_for_silence()
                world.wait_until(lambda pid=pinentry: world.process_state(pid) == "S", "the pinentry reads keys")
                w.stop_agent(signal.SIGKILL)
                gpg.communicate(timeout=world.PATIENCE)
                self.assertEqual(gpg.returncode, 2)
                world.wait_until(lambda: not os.path.exists(f"/proc/{pinentry}"), "the pinentry has ended")
                self.assertEqual(termios.tcgetattr(self.terminal.slave), before)
                self.terminal.screen = b""


if __name__ == "__main__":
    world.main()
