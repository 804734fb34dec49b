"""Who takes a token on USB by default: the agent, where no PC/SC service answers. Beside a pcscd of its own."""
import os
import pathlib
import re
import signal
import unittest

from test_usb_agent import WITH_UMOCKDEV, Bed
from world import BIN, main, need, wait_until

DEFAULT = ["pcsc", "usb:spare"]  # as tests/unit/test_config.c shows


class Sharing(unittest.TestCase):
    def setUp(self):
        if not (BIN / "usb-umockdev").exists():
            need("libumockdev-dev")

    def heard(self, w):
        """What the token has heard from anybody but the kernel."""
        return re.findall(r"(?:bulk|blocks|powers?|controls?)[^ ]*=\d+", w.bed.tell("counts", "token"))

    def test_no_service(self):
        with Bed() as w:
            w.env["PCSCLITE_CSOCK_NAME"] = str(w.folder / "nowhere")
            w.start_agent(readers=DEFAULT, run_by=[WITH_UMOCKDEV])
            w.add("token", "yubikey-5")
            w.wait_for_card()
            w.read()
            self.assertIn("tokens on USB are used without one", w.log())

    def test_in_before_the_agent(self):
        """The first client is not told that there is no token, while there is one that is just being taken."""
        for readers in DEFAULT, DEFAULT[::-1], ["pcsc", "usb"]:
            with self.subTest(readers), Bed() as w:
                w.env["PCSCLITE_CSOCK_NAME"] = str(w.folder / "nowhere")
                w.add("token", "yubikey-5")
                w.start_agent(readers=readers, run_by=[WITH_UMOCKDEV], wait=False)
                w.wait_for_agent()
                w.read()

    def test_service_that_ends(self):
        """Nothing is taken while it answers, nor as soon as it does not: it could be coming back."""
        with Bed() as w:
            w.add("token", "yubikey-5")
            untouched = self.heard(w)
            w.start_agent(readers=DEFAULT, run_by=[WITH_UMOCKDEV])
            self.assertNotEqual(w.decrypt(w.mail, check=False).returncode, 0)
            self.assertEqual(self.heard(w), untouched)
            os.kill(int(pathlib.Path(os.environ["PCSCD_PIDFILE"]).read_text().split()[0]), signal.SIGTERM)
            wait_until(lambda: "no PC/SC service answers" in w.log(), "the agent has noticed")
            self.assertEqual(self.heard(w), untouched)
            w.wait_for_card()
            w.read()
            self.assertNotEqual(self.heard(w), untouched)


if __name__ == "__main__":
    main()
