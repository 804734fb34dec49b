"""PINs end when the machine sleeps and when the screen is locked."""

import socket
import subprocess
import time
import unittest

from desktop import DesktopWorld
from world import BIN, main, wait_until

FORGOTTEN = "0020FF82"  # VERIFY of OpenPGP card 3.4, 7.2.2, that drops the verified state
INHIBIT = "inhibit sleep cardea-agent delay"


class Logind(unittest.TestCase):
    def world(self, *parts, config=""):
        """An agent on a desktop, whose token is open."""
        w = self.enterContext(DesktopWorld())
        w.make_key()
        w.mail = w.encrypt("Read me")
        w.configure(config)
        w.start_bus()
        w.start_desktop(*parts)
        w.start_agent()
        w.start_token()
        self.reads(w, 1)
        if "logind" in parts:
            w.wait_for(INHIBIT)
        elif "logind-deny" in parts:
            w.wait_for("denied")
        return w

    def reads(self, w, prompts):
        """One decryption, and how many prompts there were ever."""
        self.assertEqual(w.decrypt(w.mail).stdout, b"Read me")
        self.assertEqual(len(w.prompts()), prompts)

    def locked(self, w):
        return w.log().count("PINs are asked for anew")

    def is_forgotten(self, w):
        wait_until(lambda: any(c.startswith(FORGOTTEN) for c in w.commands()), "the card is locked")

    def test_first_prompt(self):
        """Before it there is nothing to forget, and nothing is loaded for that: neither libsystemd nor what it
        brings along."""
        needed = subprocess.run(["ldd", BIN / "cardea-agent"], capture_output=True, text=True, check=True).stdout
        self.assertIn("libgcrypt", needed)
        self.assertNotIn("libsystemd", needed)
        with DesktopWorld() as w:
            w.make_key()
            mail = w.encrypt("Read me")
            w.start_bus()
            w.start_desktop("logind")
            w.start_agent()
            w.start_token()
            self.assertEqual(w.heard("inhibit"), [])
            w.decrypt(mail)
            w.wait_for(INHIBIT)

    def test_sleep(self):
        w = self.world("logind")
        w.wait_for(INHIBIT)
        self.reads(w, 1)
        w.forget_commands()
        w.do("sleep true")
        w.wait_for("released")
        self.assertEqual([c[:8] for c in w.commands()], [FORGOTTEN], "first the PIN, then the sleep")
        w.do("sleep false")
        w.wait_for(INHIBIT, 2)
        self.reads(w, 2)
        w.do("sleep true")
        w.wait_for("released", 2)
        self.reads(w, 3)

    def test_sleep_that_does_not_wait(self):
        w = self.world("logind-deny")
        w.forget_commands()
        w.do("sleep true")
        self.is_forgotten(w)
        self.reads(w, 2)
        self.assertEqual(w.heard("inhibit"), [])

    def test_typed_before_the_sleep_came(self):
        """Between the word and the sleep a human may type a PIN: it ends with the sleep."""
        w = self.world("logind")
        w.do("sleep true")
        w.wait_for("released")
        self.reads(w, 2)
        before = self.locked(w)
        w.do("sleep false")
        wait_until(lambda: self.locked(w) > before, "the agent has heard")
        self.reads(w, 3)

    def test_locked_screen(self):
        for signal in ("lock own", "hint own true"):
            with self.subTest(signal):
                w = self.world("logind")
                w.wait_for(INHIBIT)
                w.forget_commands()
                w.do(signal)
                self.is_forgotten(w)
                self.reads(w, 2)
                self.assertIn("the screen is locked", w.log())

    def test_session_keys_are_forgotten_too(self):
        w = self.world("logind", config="[agent]\nsession-key-cache = 600\n")
        w.wait_for(INHIBIT)
        w.forget_commands()
        self.reads(w, 1)
        self.assertEqual(w.commands(), [], "remembered")
        w.do("lock own")
        self.is_forgotten(w)
        self.reads(w, 2)

    def test_what_locks_nothing(self):
        """The screens of others, and one that is unlocked. What comes on a bus comes in order."""
        w = self.world("logind")
        w.wait_for(INHIBIT)
        for signal in ("lock other", "hint other true", "hint own false"):
            w.do(signal)
        w.wait_for("user other", 2)
        self.reads(w, 1)
        w.do("lock own")
        w.wait_for("user own")
        wait_until(lambda: self.locked(w), "the agent has heard")
        self.assertEqual(self.locked(w), 1)
        self.reads(w, 2)

    def test_logind_comes_back(self):
        w = self.world("logind")
        w.wait_for(INHIBIT)
        w.stop_desktop()
        self.reads(w, 1)
        w.start_desktop("logind")
        w.wait_for(INHIBIT, 2)
        w.do("lock own")
        wait_until(lambda: self.locked(w), "the agent has heard")
        self.reads(w, 2)

    def test_bus_comes_back(self):
        w = self.world("logind")
        w.wait_for(INHIBIT)
        w.stop_bus()
        wait_until(lambda: w.desktop.poll() is not None, "the bus is gone")
        self.reads(w, 1)
        busy = w.agent_cpu()
        time.sleep(2)  # of which the agent may use next to nothing
        self.assertLess(w.agent_cpu() - busy, 0.2)
        w.start_bus()
        w.start_desktop("logind")
        w.wait_for(INHIBIT, 2)
        w.do("lock own")
        wait_until(lambda: self.locked(w), "the agent has heard")
        self.reads(w, 2)

    def test_bus_that_says_nothing(self):
        with DesktopWorld() as w, socket.socket(socket.AF_UNIX) as mute:
            w.make_key()
            w.mail = w.encrypt("Read me")
            mute.bind(str(w.bus_path))
            mute.listen(0)
            w.start_agent()
            w.start_token()
            self.reads(w, 1)
            self.reads(w, 1)
            begun = time.monotonic()
            w.stop_agent()
            self.assertLess(time.monotonic() - begun, 10)

    def test_bus_without_logind(self):
        w = self.world("server")
        self.reads(w, 1)
        self.assertNotIn("warning", w.log())
        w.stop_desktop()
        w.start_desktop("logind")
        w.wait_for(INHIBIT)
        w.do("lock own")
        wait_until(lambda: self.locked(w), "the agent has heard")
        self.reads(w, 2)


if __name__ == "__main__":
    main()
