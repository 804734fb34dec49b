"""Sixteen readers of PC/SC, or twenty sockets: every card is seen, each message goes to the card with its key."""

import unittest

from world import PCSC, PORTS, World, main, wait_until

READERS = 16 if PCSC else 20
BOBS = 4  # a reader in the midst of the others


class Readers(unittest.TestCase):
    def start(self, w, reader, key_file):
        return w.start_token("--serial", str(reader + 1), reader=reader, imports=key_file, wait=False)

    def test_many(self):
        if PCSC and len(PORTS) < READERS:
            raise unittest.SkipTest("missing: a pcscd with 16 readers (run by with-pcscd)")
        with World() as w:
            w.make_key(name="bob@example.org")
            bobs = w.key_file
            w.make_key()
            mails = {name: w.encrypt(f"Dear {name}", name + "@example.org") for name in ("alice", "bob")}
            w.start_agent(readers=None if PCSC else [w.reader(i) for i in range(READERS)])
            keys = {BOBS: bobs, READERS - 1: w.key_file}
            tokens = [self.start(w, i, keys.get(i, False)) for i in range(READERS)]
            wait_until(lambda: w.card_events() == READERS, "all cards are in")
            with w.connect() as client:
                client.command("SCD SERIALNO --all")
                self.assertEqual(len(client.status), READERS)
            for name, reader in (("alice", READERS - 1), ("bob", BOBS)):
                self.assertEqual(w.decrypt(mails[name]).stdout.decode(), "Dear " + name)
                for token in tokens:
                    token.forget_commands()
                self.assertEqual(w.decrypt(mails[name]).stdout.decode(), "Dear " + name)
                self.assertEqual([len(t.commands()) for t in tokens], [int(i == reader) for i in range(READERS)])


if __name__ == "__main__":
    main()
