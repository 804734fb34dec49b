"""Where the agent cannot or must not start: it says why and what to do, ends with an error, and leaves what
it found as it was."""

import os
import pathlib
import shutil
import socket
import stat
import subprocess
import unittest

from world import BIN, World, main, wait_until

USAGE = 2
SUN_PATH = 107  # octets of a Unix socket's path


class Place(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.__exit__, None, None, None)

    def refuses(self, *said, options=(), readers=None, status=1, home=None):
        """A new agent ends at once and has said so."""
        w = self.world
        command = [BIN / "cardea-agent", "--gnupghome", home or w.home]
        for reader in readers or [f"socket:{w.folder}/other-reader"]:
            command += ["--reader", reader]
        result = subprocess.run([*command, *options], env=w.env, capture_output=True, text=True, timeout=30,
                                check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        for words in said:
            self.assertIn(words, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertFalse((w.folder / "other-reader").exists())

    def starts(self):
        self.world.start_agent()
        self.assertEqual(os.stat(self.world.agent_socket).st_mode & 0o7777, 0o600)
        self.assertEqual(self.world.stop_agent(), 0)


class Sockets(Place):
    def listen(self, path):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen()
        return listener

    def test_another_cardea(self):
        w = self.world
        first = w.start_agent()
        self.refuses("cardea-agent is running already", f"process {first.pid}", w.agent_socket)
        with w.connect() as client:
            self.assertEqual(client.command("NOP"), b"")

    def test_another_cardea_that_is_full(self):
        w = self.world
        w.configure("[agent]\nmax-connections = 1\n")
        w.start_agent()
        wait_until(lambda: self.holds_the_only_place(w), "the only place is taken")
        w.configure("")
        self.refuses("listens at", w.agent_socket)

    def holds_the_only_place(self, w):
        try:
            client = w.connect()
        except (OSError, EOFError):
            return False
        self.addCleanup(client.close)
        return client.greeting.startswith(b"OK")

    def test_gpg_agent(self):
        w = self.world
        subprocess.run(["gpg-agent", "--daemon"], env=w.env, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.refuses("gpg-agent 2.", "is running already", 'end it with "gpgconf --kill gpg-agent"')
        self.assertTrue(w.agent_answers())
        w.forget_secret_keys()
        self.starts()

    def test_somebody_else(self):
        w = self.world
        self.listen(w.agent_socket)
        self.refuses(f"a program that we do not know (process {os.getpid()}) listens at {w.agent_socket} already")

    def test_stale(self):
        self.listen(self.world.agent_socket).close()
        self.starts()

    def test_no_socket(self):
        path = pathlib.Path(self.world.agent_socket)
        path.write_text("precious")
        self.refuses(f"{path} is not a socket: move it away")
        self.assertEqual(path.read_text(), "precious")
        path.unlink()
        path.symlink_to("/nowhere")
        self.refuses("is not a socket")

    def test_socket_taken_away(self):
        """Who removed our socket, or put another there, finds that one untouched when we end."""
        w = self.world
        w.start_agent()
        os.unlink(w.agent_socket)
        self.listen(w.agent_socket)
        self.assertEqual(w.stop_agent(), 0)
        self.assertTrue(stat.S_ISSOCK(os.stat(w.agent_socket).st_mode))


class Folders(Place):
    def home_of(self, length):
        """A home of which the socket's path has this length, where gpg keeps it there."""
        name = "h" * (length - len(str(self.world.folder)) - len("//S.gpg-agent"))
        home = self.world.folder / name
        home.mkdir(mode=0o700)
        path = subprocess.run(["gpgconf", "--list-dirs", "agent-socket"], text=True, check=True,
                              env={**self.world.env, "GNUPGHOME": str(home)}, capture_output=True).stdout.strip()
        return home, path

    def test_path_too_long(self):
        home, path = self.home_of(SUN_PATH + 1)
        if len(path) <= SUN_PATH:
            # The system keeps sockets below /run/user; a redirect is as long as one likes.
            pathlib.Path(path).write_text(f"%Assuan%\nsocket={self.world.folder}/{'r' * 120}\n")
            self.addCleanup(os.unlink, path)
            self.refuses("no place for the socket", "redirect", home=home)
        else:
            self.refuses("has a name of 108 bytes, but the system allows 107", "--gnupghome", home=home)

    def test_longest_path(self):
        home, path = self.home_of(SUN_PATH)
        result = subprocess.run([BIN / "cardea-agent", "--gnupghome", home, "--reader",
                                 self.world.reader(), "--", "test", "-S", path],
                                env=self.world.env, timeout=30, check=False)
        self.assertEqual(result.returncode, 0)

    def test_no_folder(self):
        if os.path.dirname(self.world.agent_socket) != str(self.world.home):
            return  # gpg keeps sockets elsewhere, and so do we
        shutil.rmtree(self.world.home)
        self.refuses("cannot make a socket in", "No such file or directory", "gpg -k")

    def test_others_may_write(self):
        folder = os.path.dirname(self.world.agent_socket)
        for mode in (0o770, 0o707, 0o777, 0o1777):
            os.chmod(folder, mode)
            self.refuses(f"others may write to the directory {folder}", f'run "chmod go-w {folder}"')
        os.chmod(folder, 0o700)
        self.starts()

    @unittest.skipIf(os.getuid() != 0 and os.environ.get("CI") != "true", "needs root, to give a folder away")
    def test_not_ours(self):
        folder = os.path.dirname(self.world.agent_socket)
        os.chown(folder, 65534, 65534)
        self.refuses(f"the directory {folder} belongs to user 65534 and not to us (0)")
        os.chown(folder, 0, 0)
        self.starts()


class Readers(Place):
    def test_specs(self):
        folder = self.world.folder
        (folder / "file").write_text("precious")
        for spec, words in (("socket:" + "/r" * 60, "too long"), ("socket:relative", "means nothing"),
                            ("socket:192.0.2.1:5000", "means nothing"), ("socket:localhost:x", "means nothing"),
                            (f"socket:{folder}/file", "File exists"), ("socket:/nowhere/at/all", "No such file")):
            self.refuses(f'reader "{spec}"', words, readers=[spec])
        for spec in ("", "pcsc:", "usb:1", "usb:12345:1234", "floppy", "socket:", "socket"):
            result = subprocess.run([BIN / "cardea-agent", "--gnupghome", self.world.home, "--reader", spec],
                                    env=self.world.env, capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(result.returncode, USAGE)
            self.assertIn(f"--reader {spec}: expected pcsc, pcsc:NAME", result.stderr)
        self.assertEqual((folder / "file").read_text(), "precious")
        self.assertFalse(os.path.exists(self.world.agent_socket))

    def test_taken(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.world.slot())
            other.listen()
            self.refuses("another program is listening there", readers=[self.world.reader()])

    def test_second_reader_is_bad(self):
        """Nothing stays of the good one before it."""
        self.refuses("means nothing", readers=[self.world.reader(), "socket:relative"])
        self.assertFalse(os.path.exists(self.world.slot()))
        self.assertFalse(os.path.exists(self.world.agent_socket))


class Settings(Place):
    def test_file(self):
        """Each names the file, the line and what could be there instead."""
        path = self.world.folder / "config/cardea/agent.conf"
        for text, line, words in (
                ("[agent]\n\n# fine\nlog-levle = debug\n", 4, 'unknown setting "log-levle"'),
                ("[agnet]\n", 1, "unknown section [agnet]"),
                ("log-level = debug\n", 1, '"log-level" stands before the first section'),
                ("[agent]\nlog-level = loud\n", 2, "error, warning, info or debug"),
                ("[agent]\nlog-level = info\nmax-connections = 0\n", 3, "a number from 1 to 10000"),
                ("[agent]\nmax-connections = 10001\n", 2, "a number from 1 to 10000"),
                ("[agent]\nmax-connections = many\n", 2, "a number from 1 to 10000"),
                ("[agent]\nreader = floppy\n", 2, "pcsc, pcsc:NAME"),
                ("[pinentry]\ntimeout = 0\n", 2, "seconds, from 1 to 3600"),
                ("[pinentry]\ntimeout = 99999999999999999999\n", 2, "seconds, from 1 to 3600"),
                ("[pinentry]\nloopback = maybe\n", 2, "yes or no"),
                ("[pinentry]\nprogram = ./pinentry\n", 2, "an absolute path"),
                ("[pin-cache]\nttl = -1\n", 2, "seconds, from 0"),
                ("[agent]\nlog-level\n", 2, "expected NAME = VALUE"),
                ("[agent\nlog-level = info\n", 1, ""),
                ("[agent]\nlog-level = in\0fo\n", 2, "bytes that are no text"),
                ("[agent]\n" + "x" * 5000, 2, "the line is longer than"),
        ):
            self.world.configure(text)
            self.refuses(f"{path}:{line}: ", words, status=USAGE)
        self.world.configure("[agent]\n" + "# x\n" * 100000)
        self.refuses(f"cannot read {path}: Provided object is too large", status=USAGE)
        self.world.configure("[agent]\nlog-level = info\n")
        self.starts()

    def test_no_file(self):
        self.refuses("cannot read /nowhere: No such file", options=["--config", "/nowhere"], status=USAGE)
        self.refuses("cannot read /: Is a directory", options=["--config", "/"], status=USAGE)

    def test_options(self):
        for options, words in ((["--loud"], "unknown option --loud"), (["-x"], "unknown option -x"),
                               (["gpg"], "unexpected argument gpg"), (["--"], "no command after --"),
                               (["--log-level"], "a value is missing after --log-level"),
                               (["--log-level", "loud"], "expected error, warning, info or debug"),
                               (["--pinentry", "a/b"], "expected an absolute path")):
            self.refuses(words, options=options, status=USAGE)
        self.refuses("unknown option --a?b?[31m", options=["--a\nb\x1b[31m"], status=USAGE)
        self.starts()


if __name__ == "__main__":
    main()
