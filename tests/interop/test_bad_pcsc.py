"""The PC/SC service is missing, dies, or is busy with others: each time the log says what to do, the agent
lives on, and the next good request works."""

import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

import card_proxy as fault
from codes import AGENT, Code
from world import BIN, PCSC, World, main, process_state, wait_until

GONE = {Code.CARD_REMOVED, Code.CARD_NOT_PRESENT, Code.ENODEV}


class ServiceWorld(World):
    def __init__(self):
        if not PCSC and os.environ.get("CI") != "true":
            raise unittest.SkipTest("missing: a pcscd of our own (run by with-pcscd)")
        assert PCSC, "missing: a pcscd of our own (run by with-pcscd)"
        super().__init__()

    def __enter__(self):
        super().__enter__()
        self.configure("[pinentry]\ninsertion = no\n")
        self.make_mail()
        return self

    def open(self, *token):
        self.start_agent()
        self.start_token(*token)

    def insert(self, proxy, faults=None):
        """A token that the agent knows nothing of: what is sent to it does not depend on what was before."""
        self.forget_token()
        super().insert(proxy, faults)


class Service(unittest.TestCase):
    def pid(self):
        return int(pathlib.Path(os.environ["PCSCD_PIDFILE"]).read_text().strip("\0\n"))

    def kill_pcscd(self):
        """Kills it as only SIGKILL does, and has it started again at the end."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: process_state(pid) in ("", "Z"), "pcscd has ended")
        self.addCleanup(self.start_pcscd)
        self.killed = True

    def start_pcscd(self):
        if self.killed:
            subprocess.run([os.environ["PCSCD_START"]], check=True)
        self.killed = False

    def well(self, w):
        """The token is back, and mail can be read."""
        w.wait_for_card()
        self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")
        self.assertLessEqual(len(w.verifies()), w.typed())

    def test_none(self):
        with ServiceWorld() as w:
            self.kill_pcscd()
            w.start_agent()
            error = w.ask()
            self.assertEqual(error.number, 67141712)  # gnupg-protocols.md 1.8, no such device
            self.assertIn("no PC/SC service answers: install and start pcscd", w.log())
            cpu = w.agent_cpu()
            time.sleep(0.5)
            self.assertLess(w.agent_cpu() - cpu, 0.1, "the agent waits quietly for a service")
            self.start_pcscd()
            w.start_token("--wait")
            self.well(w)
            self.assertIn("the reader service answers", w.log())

    def test_killed_while_idle(self):
        with ServiceWorld() as w:
            w.open("--wait")
            self.well(w)
            self.kill_pcscd()
            w.wait_for_card(False)
            self.assertIn(w.ask().code, GONE)
            self.start_pcscd()
            self.well(w)

    def test_killed_between_two_requests(self):
        """Nobody has told the agent yet."""
        with ServiceWorld() as w:
            w.open("--wait")
            self.well(w)
            self.kill_pcscd()
            self.assertIn(w.ask().code, GONE)
            self.start_pcscd()
            self.well(w)

    def test_while_a_token_is_asked_for(self):
        """pcscd may go and come meanwhile; without it nobody is asked for a token."""
        with ServiceWorld() as w:
            w.configure("")
            w.open("--wait")
            self.well(w)
            w.tell_token("remove")
            w.wait_for_card(False)
            w.pinentry(MODE="hang")
            result = []
            thread = threading.Thread(target=lambda: result.append(w.ask()))
            thread.start()
            wait_until(lambda: "CONFIRM" in w.prompts()[-1], "the token is asked for")
            self.kill_pcscd()
            wait_until(lambda: "no PC/SC service answers" in w.log(), "the agent has seen it")
            prompts = len(w.prompts())
            self.assertEqual(w.ask().code, Code.ENODEV)
            self.assertEqual(len(w.prompts()), prompts)
            w.pinentry()
            self.start_pcscd()
            w.tell_token("insert")
            thread.join(20)
            self.assertEqual(len(result[0]), 33)

    def test_killed_in_mid_command(self):
        with ServiceWorld() as w:
            w.start_agent()
            with w.start_token_behind_proxy() as proxy:
                for number in (1, 3, 6, 7):
                    reached = threading.Event()

                    def stop(proxy, command, ask, reached=reached):
                        reached.set()
                        return fault.never(proxy, command, ask)
                    w.insert(proxy, {number: stop})
                    typed, result = w.typed(), []
                    thread = threading.Thread(target=lambda result=result: result.append(w.ask()))
                    thread.start()
                    self.assertTrue(reached.wait(20))
                    self.kill_pcscd()
                    thread.join(8)
                    self.assertIn(result[0].code, GONE, number)
                    self.assertLessEqual(len(proxy.verifies()), w.typed() - typed)
                    proxy.pull()
                    self.assertEqual(proxy.tries_left(), 3)
                    self.start_pcscd()
                    w.insert(proxy)
                    self.assertEqual(len(w.ask()), 33)

    def test_removed_at_every_command(self):
        with ServiceWorld() as w:
            w.start_agent()
            with w.start_token_behind_proxy() as proxy:
                for number in range(1, 8):
                    w.insert(proxy, {number: fault.pull_before})
                    typed = w.typed()
                    # Of this reader pcscd learns by asking it now and then that the card is gone.
                    self.assertIn(w.ask().code, GONE | {Code.CARD}, number)
                    self.assertLessEqual(len(proxy.verifies()), w.typed() - typed)
                    proxy.pull()
                    self.assertEqual(proxy.tries_left(), 3)
                w.insert(proxy)
                self.assertEqual(len(w.ask()), 33)


class Others(unittest.TestCase):
    """Programs that use the same reader."""

    def other(self, w, what):
        process = w.start(BIN / "hold-reader", what, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def end(self, process):
        process.stdin.close()
        process.stdout.close()
        self.assertEqual(process.wait(20), 0)

    def test_exclusive(self):
        with ServiceWorld() as w:
            w.open()
            other = self.other(w, "exclusive")
            error = w.ask()
            self.assertEqual((error.code, error.source), (Code.LOCKED, AGENT))
            self.assertIn("another program holds the reader for itself (often scdaemon: gpgconf --kill scdaemon)",
                          w.log())
            self.assertEqual(w.commands(), [])
            self.assertEqual(w.prompts(), [])
            self.end(other)
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")

    def test_transaction(self):
        """A transaction of others is waited for."""
        with ServiceWorld() as w:
            w.open()
            other = self.other(w, "transaction")
            result = []
            thread = threading.Thread(target=lambda: result.append(w.ask()))
            thread.start()
            time.sleep(0.3)
            self.assertEqual((result, w.commands()), ([], []))
            self.end(other)
            thread.join()
            self.assertEqual(len(result[0]), 33)

    def test_reset_and_selected(self):
        """Others that reset the card or select their own application cost no second prompt: the PIN that the
        card accepted is sent again."""
        for what in ("reset", "select"):
            with ServiceWorld() as w:
                w.open()
                self.assertEqual(len(w.ask()), 33)
                self.end(self.other(w, what))
                self.assertEqual(len(w.ask()), 33)
                self.assertEqual(len(w.prompts()), 1)
                self.assertEqual(w.typed(), 1)
                self.assertLessEqual(len(w.verifies()), 2)

    def test_stopping_in_mid_command(self):
        with ServiceWorld() as w:
            w.start_agent()
            with w.start_token_behind_proxy() as proxy:
                w.insert(proxy, lambda _, command: fault.never if command[1] == 0x2A else None)
                client = w.connect()
                client.command("SETKEY " + w.keygrip)
                client.send(b"PKDECRYPT\n")
                client.read_line()
                client.read_line()
                client.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.request})
                wait_until(lambda: proxy.commands and proxy.commands[-1].startswith("002A"), "PSO:DECIPHER")
                begun = time.monotonic()
                self.assertEqual(w.stop_agent(), 0)
                self.assertLess(time.monotonic() - begun, 8)
                self.assertFalse(os.path.exists(w.agent_socket))
                client.close()


if __name__ == "__main__":
    main()
