"""Unmodified gpg reads mail with a key that lives on a token, and the token hears only what is needed."""

import time
import unittest

from world import Assuan, World, main, wait_until


class FirstLight(unittest.TestCase):
    def test_counts(self):
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token()
            self.assertEqual(w.commands(), [], "a card that nobody asks for is left alone")
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertLessEqual(len(w.commands()), 7, w.commands())
            w.forget_commands()
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual(len(w.commands()), 1, w.commands())
            self.assertEqual(len(w.prompts()), 1)


if __name__ == "__main__":
    main()
