"""How many commands a token hears. Each is time on a human's clock, and another program's turn."""

import time
import unittest

import openpgp
from world import AssuanError, World, main

FIRST_MAX = 7  # SELECT, DO 6E, the public key, the KDF, DO 6E again, VERIFY and DECIPHER


def words(commands):
    return [c[:8] for c in commands]


class Counts(unittest.TestCase):
    def test_insertion_costs_nothing(self):
        with World() as w:
            w.make_key()
            w.start_agent()
            w.start_token()
            self.assertEqual(w.commands(), [])

    def test_first_decryption(self):
        """Also with all slots filled, and with a KDF: the slots that do not matter are not read."""
        for algorithm, options in (("cv25519", []), ("rsa2048", []), ("cv25519", ["--kdf"])):
            with self.subTest(algorithm, options=options), World() as w:
                w.make_key(algorithm, primary="ed25519" if algorithm == "cv25519" else algorithm,
                           authentication="ed25519" if algorithm == "cv25519" else algorithm)
                mail = w.encrypt("Dear Alice")
                w.start_agent()
                w.start_token(*options)
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertIn("00200082", words(w.commands()))
                self.assertIn("002A8086", words(w.commands()))
                self.assertLessEqual(len(w.commands()), FIRST_MAX, w.commands())

    def check_known(self, algorithm, *options, at_most):
        """A token that was in before, also under another agent, is not asked for its key again."""
        with World() as w:
            w.make_key(algorithm)
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token(*options)
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertIn("00478100", words(w.commands()))
            first = len(w.commands())
            for restart in (False, True):
                w.tell_token("remove")
                w.wait_for_card(False)
                if restart:
                    w.stop_agent()
                    w.start_agent(wait=False)
                    w.wait_for_agent()
                w.forget_commands()
                w.tell_token("insert")
                w.wait_for_card()
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertNotIn("00478100", words(w.commands()))
                self.assertLess(len(w.commands()), first)
                self.assertLessEqual(len(w.commands()), at_most, w.commands())

    def test_known_token(self):
        self.check_known("cv25519", at_most=6)
        self.check_known("rsa2048", at_most=6)

    def test_known_token_without_extended_length(self):
        self.check_known("rsa2048", "--no-extended", at_most=7)

    def test_a_later_prompt_names_the_holder(self):
        """Once for each insertion, and not while the first decryption waits."""
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token()
            for prompts, reads in ((1, 0), (2, 1), (3, 0)):
                w.forget_commands()
                w.decrypt(mail)
                self.assertEqual(len(w.prompts()), prompts)
                self.assertEqual(words(w.commands()).count("00CA0065"), reads)
                self.assertLessEqual(len(w.commands()), FIRST_MAX, w.commands())
                with w.connect() as client:
                    client.command("RELOADAGENT")

    def test_three_slots_are_three_keys(self):
        """What the test above believes of the token: real keys in all slots."""
        with World() as w:
            w.make_key("cv25519", authentication="ed25519")
            grips = w.keygrips("alice@example.org")
            w.start_agent()
            w.start_token()
            with w.connect() as client:
                client.command("SCD KEYINFO --list")
            self.assertEqual([l.split()[1] for l in client.status], grips)

    def ask_as_gpg_2_4(self, client, grips):
        """What gpg 2.4 and 2.5 say before each decryption (observed with 2.4.8 and 2.5.12)."""
        client.command("RESET")
        client.command("OPTION ttytype=xterm")
        client.command("GETINFO version")
        client.command("OPTION allow-pinentry-notify")
        client.command("OPTION agent-awareness=2.1.0")
        client.command("SCD SERIALNO")
        client.command("SCD SERIALNO")
        client.command("SCD KEYINFO --list=encr")
        self.assertIn(grips[1], client.status[0])
        held = client.command("HAVEKEY --list=1000")
        self.assertIn(bytes.fromhex(grips[1]), [held[i:i + 20] for i in range(0, len(held), 20)])
        client.command("RESET")
        client.command(f"SETKEY {grips[1]}")
        client.command("SETKEYDESC Please+enter+the+passphrase")

    def test_questions_of_gpg_2_4(self):
        with World() as w:
            w.make_key(authentication="ed25519")
            grips = w.keygrips("alice@example.org")
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token()
            w.decrypt(mail)
            w.forget_commands()
            with w.connect() as client:
                self.ask_as_gpg_2_4(client, grips)
            self.assertEqual(w.commands(), [])

    def test_first_decryption_of_gpg_2_4(self):
        """Its questions read what the decryption needs, and not the keys in the other slots."""
        for algorithm in ("cv25519", "rsa2048"):
            with self.subTest(algorithm), World() as w:
                w.make_key(algorithm, authentication="ed25519")
                request = openpgp.request(w.encrypt("Dear Alice"))
                w.start_agent()
                w.start_token()
                with w.connect() as client:
                    self.ask_as_gpg_2_4(client, w.keygrips("alice@example.org"))
                    client.command("PKDECRYPT", CIPHERTEXT=request)
                self.assertEqual(len(w.deciphers()), 1)
                self.assertLessEqual(len(w.commands()), FIRST_MAX, w.commands())

    def test_a_warm_decryption_later(self):
        """One command, and the other token hears nothing: also after more than the second in which a card that was
        looked at is not looked at again, and though gpg asks for the primary key, too, which is on no token."""
        with World() as w:
            w.make_key(name="bob@example.org")
            bobs = w.key_file
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent(readers=[w.reader(0), w.reader(1)])
            tokens = [w.start_token("--serial", "1", imports=bobs), w.start_token("--serial", "2", reader=1)]
            for name in ("bob", "alice"):
                w.decrypt(w.encrypt("Read me", f"{name}@example.org"))
            for token in tokens:
                token.forget_commands()
            time.sleep(1.1)
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual([words(token.commands()) for token in tokens], [[], ["002A8086"]])

    def test_mail_for_somebody_else(self):
        with World() as w:
            w.make_key(name="bob@example.org")
            w.make_key()
            bobs = w.keygrips("bob@example.org")[1]
            w.start_agent()
            w.start_token()
            w.decrypt(w.encrypt("Dear Alice"))
            mail = w.encrypt("Dear Bob", "bob@example.org")
            w.forget_commands()
            result = w.decrypt(mail, check=False)
            self.assertIn(b"decryption failed: No secret key", result.stderr)
            with w.connect() as client:
                client.command(f"SETKEY {bobs}")
                with self.assertRaises(AssuanError) as refused:
                    client.command("PKDECRYPT", CIPHERTEXT=b"(7:enc-val(4:ecdh(1:s3:\x02ab)(1:e3:\x40cd)))")
            self.assertEqual(refused.exception.code, 17)  # GPG_ERR_NO_SECKEY
            self.assertEqual(w.commands_but_looks(), [])
            self.assertEqual(len(w.prompts()), 1)

    def test_listings(self):
        """The first listing of keys reads the other slots; the next costs nothing. That of the card reads
        what may have changed. What they show is for test_listing."""
        with World() as w:
            w.make_key(authentication="ed25519")
            w.start_agent()
            w.start_token()
            self.assertEqual(w.gpg("-K").stdout.count(b"ssb>"), 2)
            w.forget_commands()
            w.gpg("-K")
            self.assertEqual(w.commands_but_looks(), [])
            self.assertIn(b"Serial number ....: 00000001", w.gpg("--card-status").stdout)
            self.assertLessEqual(len(w.commands()), 8, w.commands())


if __name__ == "__main__":
    main()
