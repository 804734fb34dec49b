"""Sixteen readers: every card is seen, each message goes to the card with its key."""

import unittest

from world import PORTS, World, main, wait_until

READERS = 16


class Readers(unittest.TestCase):
    def test_sixteen(self):
        if len(PORTS) < READERS:
            raise unittest.SkipTest("missing: a pcscd with 16 readers (run by with-pcscd)")
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            tokens = [w.start_token("--serial", str(i + 1), reader=i, imports=False, wait=False)
                      for i in range(READERS - 1)]
            tokens.append(w.start_token("--serial", str(READERS), reader=READERS - 1, wait=False))
            wait_until(lambda: w.card_events() == READERS, "all cards are in")
            with w.connect() as client:
                client.command("SCD SERIALNO --all")
                self.assertEqual(len(client.status), READERS)
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            for token in tokens:
                token.forget_commands()
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual([len(t.commands()) for t in tokens], [0] * (READERS - 1) + [1])


if __name__ == "__main__":
    main()
