"""Cards come and go in the midst of requests: another card with the key takes over, and no card gets a PIN that
was meant for another."""

import threading
import time
import unittest

import card_proxy as fault
import openpgp
from codes import Code
from world import PCSC, AssuanError, World, main, wait_for_pcscd, wait_until

INS_VERIFY, INS_PSO = 0x20, 0x2A


class TwinWorld(World):
    """Two tokens with Alice's key: one at the end of a cable, `first` by the order of insertion, and one in
    another reader."""

    def __enter__(self):
        super().__enter__()
        self.make_key()
        self.keygrip = self.keygrips("alice")[1]
        self.request = openpgp.request(self.encrypt("Dear Alice"))
        self.configure("[pinentry]\ninsertion = no\n")
        self.start_agent(readers=[self.reader(0), self.reader(1)])
        self.proxy = self.start_token_behind_proxy("--serial", "1")
        self.one = self.token
        return self

    def __exit__(self, *problem):
        self.proxy.close()
        super().__exit__(*problem)

    def insert_both(self, faults=None):
        before = self.card_events()
        self.proxy.insert(faults)
        wait_until(lambda: self.card_events() == before + 1, "the first token is in")
        self.two = self.start_token("--serial", "2", reader=1)

    def start_asking(self):
        result = []
        thread = threading.Thread(target=lambda: result.append(self.ask()))
        thread.start()
        thread.result = result
        return thread

    def wait_for_pin_prompt(self, count, serial):
        wait_until(lambda: len(self.prompts()) >= count and "GETPIN" in self.prompts()[count - 1], "a PIN prompt")
        assert f"FF00:{serial:08}" in "\n".join(self.prompts()[count - 1]), self.prompts()


class Takeover(unittest.TestCase):
    def finish(self, thread):
        thread.join(20)
        self.assertFalse(thread.is_alive())
        return thread.result[0]

    def verifies_of(self, token):
        return [c for c in token.commands() if c[2:4] == "20" and len(c) > 10]

    def test_either_works(self):
        with TwinWorld() as w:
            w.insert_both()
            self.assertEqual(len(w.ask()), 33)
            w.proxy.pull()
            self.assertEqual(len(w.ask()), 33)
            self.assertEqual((len(w.proxy.verifies()), len(self.verifies_of(w.two))), (1, 1))
            self.assertEqual(w.typed(), 2)

    def test_pulled_in_mid_command(self):
        """At each command of the request the other token takes over by itself, with a PIN of its own."""
        for instruction in (0xA4, 0xCA, INS_VERIFY, INS_PSO):
            with self.subTest(hex(instruction)), TwinWorld() as w:
                w.insert_both(lambda _, command, ins=instruction:
                              fault.pull_before if command[1] == ins else None)
                self.assertEqual(len(w.ask()), 33)
                self.assertEqual(len(self.verifies_of(w.two)), 1)
                self.assertLessEqual(len(w.proxy.verifies()) + 1, w.typed())
                w.proxy.pull()
                self.assertEqual(w.proxy.tries_left(), 3)

    def test_pulled_in_mid_prompt(self):
        """The prompt goes with its token; the other token's prompt names that one."""
        with TwinWorld() as w:
            w.pinentry(MODE="hang")
            w.insert_both()
            asking = w.start_asking()
            w.wait_for_pin_prompt(1, 1)
            w.pinentry()
            w.proxy.pull()
            self.assertEqual(len(self.finish(asking)), 33)
            w.wait_for_pin_prompt(2, 2)
            self.assertEqual((w.proxy.verifies(), len(self.verifies_of(w.two))), ([], 1))

    def test_blocked_pin(self):
        """A token whose PIN is blocked does not keep the other one from its work."""
        with TwinWorld() as w:
            for command in ["00A4040006D27600012401"] + ["0020008206363534333231"] * 3:
                w.proxy.ask(bytes.fromhex(command))
            w.insert_both()
            self.assertEqual(len(w.ask()), 33)
            self.assertEqual(w.proxy.verifies(), [])

    def test_both_pulled(self):
        with TwinWorld() as w:
            w.pinentry(MODE="hang")
            w.insert_both()
            asking = w.start_asking()
            w.wait_for_pin_prompt(1, 1)
            w.proxy.pull()
            w.wait_for_pin_prompt(2, 2)
            w.two.tell("remove")
            self.assertEqual(self.finish(asking).code, Code.CARD_REMOVED)
            wait_until(lambda: not w.agent_children(), "no prompt is left")
            self.assertEqual((w.proxy.verifies(), self.verifies_of(w.two)), ([], []))

    def test_swapped_in_one_reader(self):
        """Another token in the same reader while the human types: with another key it gets nothing, with the
        same key a prompt of its own."""
        for same in (False, True):
            with self.subTest(same_key=same), TwinWorld() as w:
                if not same:
                    w.stop_agent()
                    alices = w.key_file
                    w.make_key(name="bob@example.org")
                    bobs, w.key_file = w.key_file, alices
                    w.start_agent()
                    imports = bobs
                else:
                    imports = w.key_file
                before = w.card_events()
                w.proxy.insert()
                wait_until(lambda: w.card_events() > before, "the first token is in")
                w.pinentry(MODE="hang")
                asking = w.start_asking()
                w.wait_for_pin_prompt(1, 1)
                w.pinentry()
                w.proxy.pull()
                other = w.start_token("--serial", "7", imports=imports, wait=False)
                result = self.finish(asking)
                self.assertEqual(w.proxy.verifies(), [])
                if same and not isinstance(result, AssuanError):
                    w.wait_for_pin_prompt(2, 7)
                    self.assertEqual(len(self.verifies_of(other)), 1)
                else:
                    self.assertEqual(result.code, Code.CARD_REMOVED)
                    self.assertEqual(self.verifies_of(other), [])

    def ask_over_a_replug(self, w, faults, lost, pause=0.0):
        """What a request gets whose token is lost to it when `lost` is set, and is put in again at once; or after the
        pause, and when the service has seen it leave. An error counts only when this machine did its part in the half
        second that the agent waits: else once more."""
        for _ in range(10):
            lost.clear()
            w.insert(w.proxy, faults)
            w.typed_before = w.typed()
            asking = w.start_asking()
            self.assertTrue(lost.wait(20))
            begun = time.monotonic()
            asking.join(pause)
            if pause:
                w.proxy.pull()
                wait_for_pcscd(0)
            w.proxy.insert()
            w.card_events()  # the agent, too, had a turn
            took = time.monotonic() - begun
            result = self.finish(asking)
            if not isinstance(result, AssuanError) or took < pause + 0.1:
                return result
        raise AssertionError("this machine was too busy ten times over")

    def test_replugged_in_mid_command(self):
        """Out and in within 100 ms while a command is under way: the request goes on, with a new PIN; or with the
        one that is kept, where the service has not seen the card leave."""
        with TwinWorld() as w:
            pulled = threading.Event()

            def pull(*_):
                pulled.set()
                raise fault.Pulled
            result = self.ask_over_a_replug(w, lambda _, command: pull if command[1] == INS_PSO else None, pulled)
            self.assertEqual(len(result), 33)
            self.assertIn(w.typed() - w.typed_before, {1, 2} if PCSC else {2})
            self.assertLessEqual(len(w.proxy.verifies()), 1)
            self.assertEqual(len(w.ask()), 33)

    def test_mute_before_it_is_out(self):
        """A card that is pulled answers nothing for a while before its reader tells: that is no verdict yet."""
        with TwinWorld() as w:
            mute = threading.Event()

            def answer(_, command):
                if command[1] == INS_PSO:
                    mute.set()
                return fault.answer(b"") if mute.is_set() else None
            self.assertEqual(len(self.ask_over_a_replug(w, answer, mute, pause=0.2)), 33)
            self.assertLessEqual(len(w.proxy.verifies()), 1)


if __name__ == "__main__":
    main()
