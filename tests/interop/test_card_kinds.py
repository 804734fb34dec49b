"""Cards that lack what others have: extended length, chaining, GET RESPONSE; and a card with a KDF."""

import unittest

from world import PIN, World, main

VERIFY = "00200082"
DECIPHER = "002A8086"
DECIPHER_CHAINED = "102A8086"


def heads(commands):
    return [c[:8] for c in commands]


class CardKinds(unittest.TestCase):
    def read(self, w, mail):
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")

    def begin(self, w, algorithm):
        w.make_key(algorithm)
        w.start_agent()
        return w.encrypt("Dear Alice")

    def warm_commands(self, w, mail, *options):
        """What a card of that kind hears of a warm decryption."""
        before = len(w.prompts())
        w.start_token(*options)
        self.read(w, mail)
        w.forget_commands()
        self.read(w, mail)
        self.assertEqual(len(w.prompts()) - before, 1)
        w.stop_token()
        w.wait_for_card(False)
        return w.commands()

    def refusal(self, w, mail, *options):
        """What gpg says of a decryption that such a card cannot do, and no PIN is asked for in vain."""
        before = len(w.prompts())
        w.start_token(*options)
        result = w.decrypt(mail, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(w.prompts()), before)
        return result.stderr.decode()

    def check_chained(self, commands, octets):
        """Blocks of at most 254 octets, all but the last with the bit for chaining (ISO 7816-4 §5.3.3)."""
        blocks = -(-octets // 254)
        self.assertEqual(heads(commands), [DECIPHER_CHAINED] * (blocks - 1) + [DECIPHER])
        self.assertEqual(sum(bytes.fromhex(c)[4] for c in commands), octets)

    def test_kdf(self):
        """The PIN never crosses the wire: its digest of SHA-256 does."""
        with World() as w:
            mail = self.begin(w, "cv25519")
            w.pinentry(PIN=f"654321 {PIN}")
            w.start_token("--kdf")
            self.read(w, mail)
            self.assertEqual(len(w.prompts()), 2, "one wrong, one right")
            sent = [c[8:] for c in w.commands() if c[:8] == VERIFY]
            self.assertEqual([bytes.fromhex(s)[0] for s in sent], [32, 32])
            self.assertNotIn(PIN.encode().hex(), "".join(w.commands()))

    def test_rsa(self):
        """The padding indicator and the cryptogram, 257 octets, find their way in; or nobody is asked
        for a PIN."""
        with World() as w:
            mail = self.begin(w, "rsa2048")
            self.check_chained(self.warm_commands(w, mail, "--no-extended"), 257)
            for option in ("--no-chaining", "--no-get-response"):
                self.assertEqual(heads(self.warm_commands(w, mail, option)), [DECIPHER], option)
            said = self.refusal(w, mail, "--no-extended", "--no-chaining")
            self.assertIn("Provided object is too large", said)
            self.assertIn("neither extended length nor command chaining", w.log())

    def test_rsa_key_that_does_not_come_out(self):
        """With neither extended length nor GET RESPONSE nobody learns which key such a card holds."""
        with World() as w:
            mail = self.begin(w, "rsa2048")
            said = self.refusal(w, mail, "--no-extended", "--no-get-response")
            self.assertIn("No secret key", said)
            self.assertIn("cannot be asked", w.log())

    def test_longest_cryptogram(self):
        with World() as w:
            mail = self.begin(w, "rsa4096")
            self.check_chained(self.warm_commands(w, mail, "--no-extended"), 513)

    def test_points(self):
        """They fit into any command."""
        with World() as w:
            mail = self.begin(w, "nistp521")
            for options in (["--no-extended"], ["--no-extended", "--no-chaining"], ["--no-get-response"]):
                self.assertEqual(heads(self.warm_commands(w, mail, *options)), [DECIPHER], options)


if __name__ == "__main__":
    main()
