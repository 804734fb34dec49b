"""A pinentry that hangs holds up its own request, for as long as a human may take; nobody else waits."""

import threading
import time
import unittest

import openpgp
from codes import Code
from world import AssuanError, World, main, wait_until

SOON = 5  # seconds, on a machine with much else to do; a decryption takes milliseconds


class TwoCards(World):
    """Alice's and Bob's tokens in two readers; no PIN was asked for yet."""

    def __init__(self, timeout):
        super().__init__()
        self.configure(f"[pinentry]\ntimeout = {timeout}\n")

    def __enter__(self):
        super().__enter__()
        other = self.folder / "other"
        self.make_key(name="bob@example.org")
        bobs_key = self.key_file
        self.make_key()
        self.mail = {name: openpgp.request(self.encrypt("Read me", f"{name}@example.org"))
                     for name in ("alice", "bob")}
        self.keygrip = {name: self.keygrips(name)[1] for name in ("alice", "bob")}
        self.start_agent(readers=[self.reader(), f"socket:{other}"])
        self.start_token()
        self.start_token("--serial", "2", connect=other, imports=bobs_key)
        return self

    def ask(self, name):
        """One decryption: the value or the error, and the seconds it took."""
        begun = time.monotonic()
        with self.connect() as client:
            try:
                result = client.decrypt(self.keygrip[name], self.mail[name])
            except (AssuanError, EOFError) as error:
                result = error
        return result, time.monotonic() - begun

    def begin(self, name, results):
        """A decryption in the background."""
        thread = threading.Thread(target=lambda: results.append(self.ask(name)))
        thread.start()
        return thread

    def wait_for_prompt(self, count=1):
        wait_until(lambda: len(self.prompts()) == count and "GETPIN" in self.prompts()[-1], "a prompt")


class HangingPrompt(unittest.TestCase):
    def reads(self, w, name):
        value, seconds = w.ask(name)
        self.assertNotIsInstance(value, AssuanError)
        self.assertEqual(len(value), 33)
        return seconds

    def test_another_card_is_served(self):
        with TwoCards(timeout=20) as w:
            self.reads(w, "bob")
            w.pinentry(MODE="hang")
            results = []
            thread = w.begin("alice", results)
            w.wait_for_prompt(2)
            for _ in range(5):
                self.assertLess(self.reads(w, "bob"), SOON)
            with w.connect() as client:
                begun = time.monotonic()
                for command in ("SCD SERIALNO", "KEYINFO --list", "TOKENS", "GETINFO version"):
                    client.command(command)
                self.assertLess(time.monotonic() - begun, SOON)
            self.assertEqual(results, [], "the prompt is still there")
            self.assertEqual(len(w.prompts()), 2)
            w.stop_agent()
            thread.join()

    def test_a_prompt_behind_it(self):
        """Of two prompts the second has its turn when the first is over; the wait for it counts."""
        with TwoCards(timeout=4) as w:
            w.pinentry(MODE="hang")
            results = []
            threads = [w.begin("alice", results)]
            w.wait_for_prompt()
            threads.append(w.begin("bob", results))
            for thread in threads:
                thread.join()
            for error, seconds in results:
                self.assertEqual(error.code, Code.TIMEOUT)
                self.assertLess(seconds, 7, "and not two times over")
            w.pinentry()
            self.reads(w, "bob")
            self.reads(w, "alice")

    def test_it_goes_on_behind_one_that_is_canceled(self):
        """Whoever waits for a turn has it as soon as the first pinentry has ended."""
        with TwoCards(timeout=20) as w:
            w.pinentry(MODE="hang")
            alice = w.connect()
            alice.command("SETKEY " + w.keygrip["alice"])
            alice.send(b"PKDECRYPT\n")
            alice.read_line()
            alice.read_line()
            alice.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.mail["alice"]})
            w.wait_for_prompt()
            results = []
            thread = w.begin("bob", results)
            w.pinentry()
            alice.close()
            thread.join()
            self.assertEqual(len(results[0][0]), 33)
            self.assertLess(results[0][1], 10)


if __name__ == "__main__":
    main()
