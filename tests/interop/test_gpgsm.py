"""gpgsm reads S/MIME mail with a key that lives on a token: the RSA key of a certificate."""

import re
import unittest

from world import World, main, need

PARAMETERS = """Key-Type: RSA
Key-Grip: {keygrip}
Key-Usage: encrypt
Serial: random
Name-DN: CN=Alice
Name-Email: alice@example.org
"""


class Gpgsm(unittest.TestCase):
    def setUp(self):
        need("gpgsm")

    def make_certificate(self, w):
        """With the real gpg-agent, for gpg's encryption key; then its secret part goes."""
        keygrip = w.keygrips("alice")[1]
        w.gpg("--import", w.key_file)
        certificate = w.gpg("--gen-key", program="gpgsm", data=PARAMETERS.format(keygrip=keygrip).encode())
        w.gpg("--import", program="gpgsm", data=certificate.stdout)
        listing = w.gpg("--list-keys", "--with-colons", program="gpgsm").stdout.decode()
        # gpgsm encrypts only to certificates that it trusts.
        fingerprint = re.search(r"^fpr:+([0-9A-F]{40})", listing, re.M)[1]
        (w.home / "trustlist.txt").write_text(f"{fingerprint} S relax\n")

    def encrypt_cms(self, w, text):
        return w.gpg("--disable-crl-checks", "--armor", "-e", "-r", "alice@example.org", program="gpgsm",
                     data=text.encode()).stdout

    def test_decrypts(self):
        with World() as w:
            w.make_key("rsa2048")
            self.make_certificate(w)
            mail = self.encrypt_cms(w, "Dear Alice")
            self.assertIn(b"BEGIN ENCRYPTED MESSAGE", mail)
            w.forget_secret_keys()
            w.start_agent()
            w.start_token()
            self.assertEqual(w.gpg("-d", program="gpgsm", data=mail).stdout, b"Dear Alice")
            w.forget_commands()
            self.assertEqual(w.gpg("-d", program="gpgsm", data=mail).stdout, b"Dear Alice")
            self.assertEqual([c[:8] for c in w.commands()], ["002A8086"])
            self.assertEqual(len(w.prompts()), 1)
            # The same card reads gpg's mail, without another prompt.
            self.assertEqual(w.decrypt(w.encrypt("Hello")).stdout, b"Hello")
            self.assertEqual(len(w.prompts()), 1)
            listing = w.gpg("-K", program="gpgsm").stdout
            self.assertIn(b"CN=Alice", listing)


if __name__ == "__main__":
    main()
