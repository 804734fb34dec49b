"""Tokens come and go, and there may be two."""

import subprocess
import unittest

from world import AssuanError, World, main, wait_until

CARD_NOT_PRESENT = 112  # GPG_ERR_CARD_NOT_PRESENT
NO_SECKEY = 17  # GPG_ERR_NO_SECKEY


class Insertion(unittest.TestCase):
    def pkdecrypt_error(self, w, keygrip):
        with w.connect() as client:
            client.command(f"SETKEY {keygrip}")
            with self.assertRaises(AssuanError) as refused:
                client.command("PKDECRYPT", CIPHERTEXT=b"(7:enc-val(4:ecdh(1:s3:\x02ab)(1:e3:\x40cd)))")
        return refused.exception

    def reinsert(self, w):
        w.tell_token("remove")
        w.wait_for_card(False)
        w.tell_token("insert")
        w.wait_for_card()

    def test_removed_and_inserted_again(self):
        """A card that was out has forgotten that it was opened: the human is asked again."""
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token()
            for prompts in (1, 2):
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertEqual(len(w.prompts()), prompts)
                self.reinsert(w)

    def test_remembered_absence(self):
        """gpg learns that the card is missing, not that there is no such key; a key that never was in
        is no key of ours."""
        with World() as w:
            w.make_key(name="bob@example.org")
            w.make_key()
            alice, bob = (w.keygrips(f"{name}@example.org")[1] for name in ("alice", "bob"))
            mail = w.encrypt("Dear Alice")
            w.configure("[pinentry]\ninsertion = no\n")
            w.start_agent()
            w.start_token()
            w.decrypt(mail)
            w.tell_token("remove")
            w.wait_for_card(False)
            error = self.pkdecrypt_error(w, alice)
            self.assertEqual((error.code, error.source), (CARD_NOT_PRESENT, 4))
            with w.connect() as client:
                client.command(f"HAVEKEY {alice}")
                with self.assertRaises(AssuanError) as refused:
                    client.command(f"HAVEKEY {bob}")
            self.assertEqual(refused.exception.code, NO_SECKEY)
            result = w.decrypt(mail, check=False, options=["--status-fd", "2"])
            self.assertIn(b"public key decryption failed: Card not present", result.stderr)
            self.assertIn("insert the token that holds the key", w.log())
            w.tell_token("insert")
            w.wait_for_card()
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual(self.pkdecrypt_error(w, bob).code, NO_SECKEY)

    def test_removed_while_the_pin_is_typed(self):
        """The PIN goes nowhere."""
        with World() as w:
            w.make_key()
            (w.folder / "mail").write_bytes(w.encrypt("Dear Alice"))
            w.pinentry_that_waits()
            w.start_agent()
            w.start_token()
            reader = w.start("gpg", "--batch", "-d", w.folder / "mail", ends_with=2,
                             stderr=subprocess.DEVNULL)
            wait_until(lambda: w.prompts() and "GETPIN" in w.prompts()[0], "the PIN is asked for")
            w.tell_token("remove")
            self.assertEqual(reader.wait(20), 2)
            self.assertIn("the token was taken out", w.log())
            self.assertEqual([c for c in w.commands() if c.startswith("00200082")], [])

    def test_two_tokens(self):
        """Each message goes to the card with its key, and costs the other card nothing."""
        with World() as w:
            w.make_key(name="bob@example.org")
            bobs_key = w.key_file
            w.make_key()
            w.start_agent(readers=[w.reader(0), w.reader(1)])
            bob = w.start_token("--serial", "1", imports=bobs_key)
            alice = w.start_token("--serial", "2", reader=1)
            for name, token, other in (("alice", alice, bob), ("bob", bob, alice)):
                mail = w.encrypt(f"Dear {name}", f"{name}@example.org")
                self.assertEqual(w.decrypt(mail).stdout.decode(), f"Dear {name}")
                bob.forget_commands()
                alice.forget_commands()
                self.assertEqual(w.decrypt(mail).stdout.decode(), f"Dear {name}")
                self.assertEqual([len(token.commands()), len(other.commands())], [1, 0])
            self.assertEqual(len(w.prompts()), 2)
            # A message to both: either will do.
            mail = w.encrypt("Dear both", "alice@example.org", "bob@example.org")
            self.assertEqual(w.decrypt(mail).stdout, b"Dear both")
            before = w.card_events()
            bob.tell("remove")
            wait_until(lambda: w.card_events() == before + 1, "Bob's token is out")
            self.assertEqual(w.decrypt(mail).stdout, b"Dear both")
            self.assertEqual(len(w.prompts()), 2)


if __name__ == "__main__":
    main()
