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

    def warm_commands(self, algorithm, *options):
        """The commands of a warm decryption, with a card of that kind."""
        with World() as w:
            w.make_key(algorithm)
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token(*options)
            self.read(w, mail)
            w.forget_commands()
            self.read(w, mail)
            self.assertEqual(len(w.prompts()), 1)
            return w.commands()

    def refusal(self, algorithm, *options):
        """What gpg and the agent say of a decryption that such a card cannot do."""
        with World() as w:
            w.make_key(algorithm)
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token(*options)
            result = w.decrypt(mail, check=False, options=["--status-fd", "2"])
            self.assertEqual(result.returncode, 2)
            self.assertEqual(w.prompts(), [], "no PIN is asked for in vain")
            return result.stderr.decode(), w.log()

    def test_kdf(self):
        """The PIN never crosses the wire: its digest of SHA-256 does."""
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.pinentry(PIN=f"654321 {PIN}", STATE=w.folder / "typed")
            w.start_agent()
            w.start_token("--kdf")
            self.read(w, mail)
            self.assertEqual(len(w.prompts()), 2, "one wrong, one right")
            sent = [c[8:] for c in w.commands() if c[:8] == VERIFY]
            self.assertEqual([bytes.fromhex(s)[0] for s in sent], [32, 32])
            self.assertNotIn(PIN.encode().hex(), "".join(w.commands()))

    def test_without_extended_length(self):
        """A cryptogram and its first octet in blocks of at most 254 (ISO 7816-4 §5.3.3)."""
        for algorithm, octets in (("rsa2048", 257), ("rsa4096", 513)):
            with self.subTest(algorithm):
                commands = self.warm_commands(algorithm, "--no-extended")
                blocks = -(-octets // 254)
                self.assertEqual(heads(commands), [DECIPHER_CHAINED] * (blocks - 1) + [DECIPHER])
                self.assertEqual(sum(bytes.fromhex(c)[4] for c in commands), octets)
        self.assertEqual(heads(self.warm_commands("nistp521", "--no-extended")), [DECIPHER])

    def test_without_chaining(self):
        for algorithm in ("rsa2048", "cv25519"):
            with self.subTest(algorithm):
                self.assertEqual(heads(self.warm_commands(algorithm, "--no-chaining")), [DECIPHER])

    def test_without_get_response(self):
        for algorithm in ("rsa2048", "cv25519"):
            with self.subTest(algorithm):
                self.assertEqual(heads(self.warm_commands(algorithm, "--no-get-response")), [DECIPHER])

    def test_without_extended_length_and_chaining(self):
        """No way leads an RSA cryptogram into such a card; a point fits."""
        options = ("--no-extended", "--no-chaining")
        self.assertEqual(heads(self.warm_commands("cv25519", *options)), [DECIPHER])
        said, log = self.refusal("rsa2048", *options)
        self.assertIn("Provided object is too large", said)
        self.assertIn("neither extended length nor command chaining", log)

    def test_without_extended_length_and_get_response(self):
        """An RSA key does not come out of such a card, and nobody knows which key it holds."""
        options = ("--no-extended", "--no-get-response")
        said, log = self.refusal("rsa2048", *options)
        self.assertIn("No secret key", said)
        self.assertIn("cannot be asked", log)


if __name__ == "__main__":
    main()
