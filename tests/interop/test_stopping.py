"""How the agent ends, whatever is going on: soon, leaving no socket and no pinentry behind; and what the
programs that it starts get of it."""

import os
import signal
import subprocess
import time
import unittest

import card_proxy as fault
from world import BIN, World, main, wait_until

SOON = 8  # seconds; a card has ten for a command


class StopWorld(World):
    def __init__(self, ends_with=0):
        super().__init__()
        self.ends_with = ends_with

    def __enter__(self):
        super().__enter__()
        self.make_mail()
        self.start_agent(ends_with=self.ends_with)
        self.proxy = self.start_token_behind_proxy()
        self.insert(self.proxy)
        return self

    def __exit__(self, *problem):
        self.proxy.close()
        super().__exit__(*problem)

    def begin(self):
        """A client that has said all and waits for its answer."""
        client = self.connect()
        client.command("SETKEY " + self.keygrip)
        client.send(b"PKDECRYPT\n")
        while not client.read_line().startswith(b"INQUIRE"):
            pass
        client.reply_to("CIPHERTEXT", {"CIPHERTEXT": self.request})
        return client

    def begin_prompt(self):
        self.pinentry(MODE="hang")
        client = self.begin()
        wait_until(lambda: self.prompts() and "GETPIN" in self.prompts()[-1], "a prompt")
        return client

    def begin_hanging_command(self, instruction):
        """A client whose request the card never answers from this command on."""
        self.insert(self.proxy, lambda _, command: fault.never if command[1] == instruction else None)
        client = self.begin()
        wait_until(lambda: self.proxy.commands and self.proxy.commands[-1][2:4] == f"{instruction:02X}",
                   "the command")
        return client

    def sockets(self):
        return [path for path in (self.agent_socket, self.slot()) if os.path.exists(path)]


class Ending(unittest.TestCase):
    def ends(self, w, *clients, how=signal.SIGTERM, status=0):
        """Ends soon, with all clients hung up and nothing left behind."""
        children = w.agent_children()
        begun = time.monotonic()
        if callable(how):
            how()
        else:
            w.agent_process.send_signal(how)
        self.assertEqual(w.agent_process.wait(20), status)
        self.assertLess(time.monotonic() - begun, SOON)
        for client in clients:
            try:
                while client.read_line():
                    pass
            except (EOFError, ConnectionResetError):
                client.close()
        for child in children:
            self.assertFalse(os.path.exists(f"/proc/{child}"), "a pinentry is left")
        self.assertEqual(w.sockets(), [])
        self.assertEqual(len(w.proxy.verifies()), w.typed())

    def test_idle(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with StopWorld() as w:
                self.ends(w, how=how)

    def test_idle_clients(self):
        with StopWorld() as w:
            clients = [w.connect() for _ in range(50)]
            for half, client in zip((b"GET", b"PKDECRYPT\n", b"HELP\n" * 2000), clients):
                client.send(half)
            self.ends(w, *clients)

    def test_open_prompt(self):
        with StopWorld() as w:
            self.ends(w, w.begin_prompt())

    def test_open_prompt_and_many_behind_it(self):
        with StopWorld() as w:
            first = w.begin_prompt()
            self.ends(w, first, *[w.begin() for _ in range(20)])

    def test_pinentry_that_ignores_everything(self):
        with StopWorld() as w:
            w.pinentry(MODE="ignore-term")
            client = w.begin()
            wait_until(lambda: w.prompts() and "GETPIN" in w.prompts()[-1], "a prompt")
            self.ends(w, client)

    def test_open_loopback(self):
        with StopWorld() as w:
            client = w.connect()
            client.command("OPTION pinentry-mode=loopback")
            client.command("SETKEY " + w.keygrip)
            client.send(b"PKDECRYPT\n")
            while not client.read_line().startswith(b"INQUIRE"):
                pass
            client.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.request})
            while not client.read_line().startswith(b"INQUIRE PASSPHRASE"):
                pass
            self.ends(w, client)

    def test_command_in_flight(self):
        """The card never answers: SELECT has ten seconds, PSO:DECIPHER a minute, and stopping neither."""
        for instruction in (0xA4, 0x2A):
            with StopWorld() as w:
                self.ends(w, w.begin_hanging_command(instruction))

    def test_hangup_does_not_wait(self):
        """SIGHUP makes the card forget its PIN; where it cannot be reached, nothing waits for that."""
        with StopWorld() as w:
            client = w.begin_prompt()
            w.agent_process.send_signal(signal.SIGHUP)
            wait_until(lambda: "hangup" in w.log(), "SIGHUP was seen")
            self.ends(w, client)

    def test_hangup_with_a_card_that_hangs(self):
        with StopWorld() as w:
            w.insert(w.proxy, lambda _, command: fault.never if command[:2] == b"\0\x20" and
                     command[2] == 0xFF else None)
            with w.connect() as client:
                client.decrypt(w.keygrip, w.request)
            w.agent_process.send_signal(signal.SIGHUP)
            wait_until(lambda: w.proxy.commands[-1].startswith("0020FF82"), "the card is told to forget")
            self.ends(w)

    def test_card_is_locked(self):
        """Who comes after the agent must ask for the PIN."""
        with StopWorld() as w:
            with w.connect() as client:
                client.decrypt(w.keygrip, w.request)
            self.ends(w)
            self.assertEqual(w.proxy.commands[-1], "0020FF82")

    def test_killagent(self):
        with StopWorld() as w:
            client = w.connect()
            self.ends(w, client, how=lambda: client.command("KILLAGENT"))
        with StopWorld() as w:
            self.ends(w, how=lambda: subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=w.env, check=True))

    def test_killed_and_started_again(self):
        """After kill -9 the next agent takes the dead sockets' place, also in the middle of a request."""
        with StopWorld(ends_with=-signal.SIGKILL) as w:
            for begin in (w.begin_prompt, lambda: w.begin_hanging_command(0x2A)):
                client = begin()
                children = w.agent_children()
                w.agent_process.kill()
                w.agent_process.wait()
                client.close()
                for child in children:
                    os.kill(int(child), signal.SIGKILL)
                self.assertEqual(len(w.sockets()), 2)
                w.proxy.pull()
                self.assertEqual(w.proxy.tries_left(), 3)
                w.pinentry()
                w.start_agent(ends_with=None)
                w.proxy.insert()
                w.wait_for_card()
                self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")


class Heirs(unittest.TestCase):
    """A command that the agent runs, and its pinentries, inherit no descriptor and no signal setting."""

    INSPECT = """
for fd in /proc/self/fd/*; do readlink $fd; done
grep Sig /proc/self/status
grep NoNewPrivs /proc/self/status
"""

    def inspected(self, text):
        descriptors = [line for line in text.splitlines() if line.startswith(("/", "socket:", "pipe:", "anon"))]
        signals = dict(line.split(":") for line in text.splitlines() if line.startswith("Sig"))
        own = 0b11 << 31  # signals 32 and 33 are the C library's
        for name in ("SigBlk", "SigIgn", "SigPnd"):
            self.assertEqual(int(signals[name], 16) & ~own, 0, name)
        return descriptors

    def run_with(self, *command, **options):
        """The agent with a command, on a home of its own."""
        with World() as w:
            return subprocess.run([BIN / "cardea-agent", "--gnupghome", w.home, "--reader",
                                   w.reader(), "--", *command], env=w.env,
                                  capture_output=True, text=True, timeout=30, check=False, **options)

    def test_command(self):
        result = self.run_with("sh", "-c", self.INSPECT, stdin=subprocess.DEVNULL)
        # Two pipes of ours, /dev/null, and the folder that the shell is just listing.
        self.assertLessEqual(len(self.inspected(result.stdout)), 4, result.stdout)
        self.assertNotIn("socket:", result.stdout)
        self.assertNotIn("anon", result.stdout)

    def test_command_environment_and_status(self):
        with World() as w:
            result = subprocess.run([BIN / "cardea-agent", "--gnupghome", w.home, "--reader",
                                     w.reader(), "--", "sh", "-c",
                                     'echo "$GNUPGHOME"; gpg-connect-agent --no-autostart "GETINFO cardea_version" '
                                     '/bye; exit 7'], env=w.env, capture_output=True, text=True, timeout=30,
                                    check=False)
            self.assertEqual(result.returncode, 7, result.stderr)
            self.assertEqual(result.stdout.splitlines()[0], str(w.home))
            self.assertIn("D 0.", result.stdout)
            self.assertFalse(os.path.exists(w.agent_socket))

    def test_command_that_cannot_run(self):
        self.assertEqual(self.run_with("/nowhere/at/all").returncode, 127)
        self.assertEqual(self.run_with("/etc/passwd").returncode, 126)
        self.assertEqual(self.run_with("sh", "-c", "kill -KILL $$").returncode, 128 + signal.SIGKILL)

    def test_parent_that_ignores_its_children(self):
        """SIGCHLD may be ignored by whoever starts us; we see our children all the same."""
        result = self.run_with("true", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(result.returncode, 0)

    def test_no_standard_descriptors(self):
        """Started with none of them open, the agent writes its log into no socket of its own."""
        with StopWorld() as w:
            w.stop_agent()
            w.agent_process = w.start(BIN / "cardea-agent", "--gnupghome", w.home, "--log-level", "debug",
                                      "--reader", w.reader(), "--pinentry", BIN / "fake-pinentry",
                                      preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
            w.wait_for_agent()
            w.insert(w.proxy)
            if os.getuid() == 0:  # others may not look into a process that sees PINs
                for fd in range(3):
                    self.assertEqual(os.readlink(f"/proc/{w.agent_process.pid}/fd/{fd}"), "/dev/null")
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")

    def test_command_is_told_to_end(self):
        """The agent, told to end, tells its command; Ctrl-C at a terminal is for the command alone."""
        with World() as w:
            said = w.folder / "said"
            script = f"trap 'echo term >{said}; exit 3' TERM; trap 'echo int >{said}' INT; echo up >{said}; " \
                     "while :; do sleep 0.01; done"
            w.start_agent("--", "sh", "-c", script, ends_with=128 + signal.SIGTERM)
            wait_until(said.exists, "the command runs")
            w.agent_process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            self.assertIsNone(w.agent_process.poll())
            w.agent_process.terminate()
            self.assertEqual(w.agent_process.wait(SOON), 128 + signal.SIGTERM)
            wait_until(lambda: said.read_text() == "term\n", "the command was told")

    def test_pinentry(self):
        with StopWorld() as w:
            w.stop_agent()
            script, seen = w.folder / "pinentry.sh", w.folder / "seen"
            script.write_text(f"#!/bin/sh\n( {self.INSPECT} ) >{seen}\nexec {BIN}/fake-pinentry\n")
            script.chmod(0o755)
            w.start_agent(pinentry=script)
            w.insert(w.proxy)
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")
            descriptors = self.inspected(seen.read_text())
            self.assertEqual(sum(d.startswith("socket:") for d in descriptors), 1,
                             "its input; output and errors go elsewhere in the script")
            self.assertNotIn("anon", "".join(descriptors))


if __name__ == "__main__":
    main()
