"""gpg opens mail for keys on every curve, and a warm token hears one command for it."""

import unittest

from world import CURVES, World, main


class Ecdh(unittest.TestCase):
    def test_every_curve(self):
        for curve in CURVES:
            with self.subTest(curve), World() as w:
                w.make_key(curve)
                mail = w.encrypt("Dear Alice")
                w.start_agent()
                w.start_token()
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertEqual([c[:8] for c in w.commands()].count("002A8086"), 1)
                w.forget_commands()
                self.assertEqual(w.decrypt(w.encrypt("Again")).stdout, b"Again")
                # PSO:DECIPHER (OpenPGP card specification §7.2.11)
                self.assertEqual([c[:8] for c in w.commands()], ["002A8086"])
                self.assertEqual(len(w.prompts()), 1)
                # gpg has neither secret keys nor stubs of them, and needs no place for them.
                self.assertFalse((w.home / "private-keys-v1.d").exists())


if __name__ == "__main__":
    main()
