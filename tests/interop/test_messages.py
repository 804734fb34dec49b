"""The messages that people send: signed, to many, to nobody in particular; and many readers at once."""

import subprocess
import unittest

from world import World, main


def start(w):
    w.start_agent()
    w.start_token()


class Messages(unittest.TestCase):
    def test_signed_and_encrypted(self):
        with World() as w:
            w.make_key()
            # Bob's key stays with the real agent, which signs before ours takes its place.
            w.gpg("--passphrase", "", "--quick-gen-key", "bob@example.org", "ed25519", "sign", "never")
            mail = w.encrypt("Yours, Bob", options=["--sign", "--local-user", "bob@example.org"])
            w.forget_secret_keys()
            start(w)
            result = w.decrypt(mail, options=["--status-fd", "2"])
            self.assertEqual(result.stdout, b"Yours, Bob")
            self.assertIn(b"[GNUPG:] GOODSIG", result.stderr)
            self.assertIn(b"[GNUPG:] DECRYPTION_OKAY", result.stderr)

    def check_hidden(self, w, *recipients):
        mail = w.encrypt("For your eyes only", *recipients, options=["--throw-keyids"])
        # With every agent, gpg ends with 2 when another's session key was the first that it tried.
        result = w.decrypt(mail, check="bob" != recipients[0])
        self.assertEqual(result.stdout, b"For your eyes only")
        self.assertIn(b"anonymous recipient; trying secret key", result.stderr)

    def test_hidden_recipients(self):
        """Messages without key ids: gpg asks the agent which keys it has, and tries them."""
        for algorithm in ("cv25519", "rsa2048"):
            with self.subTest(algorithm), World() as w:
                w.make_key(algorithm, name="bob@example.org")
                w.make_key(algorithm)
                start(w)
                self.check_hidden(w, "alice")
                self.check_hidden(w, "bob", "alice")
                self.check_hidden(w, "alice", "bob")
                mail = w.encrypt("Not for Alice", "bob", options=["--throw-keyids"])
                result = w.decrypt(mail, check=False)
                self.assertEqual((result.returncode, result.stdout), (2, b""))
                self.check_hidden(w, "alice")
                self.assertEqual(len(w.prompts()), 1)

    def test_thirty_recipients(self):
        """Alice is the last of thirty, and the only one whose key is on a token."""
        with World() as w:
            others = [f"friend{i}@example.org" for i in range(29)]
            w.env["GNUPGHOME"] = str(w.folder / "friends")
            (w.folder / "friends").mkdir(mode=0o700)
            for other in others:
                w.gpg("--passphrase", "", "--quick-gen-key", other, "future-default", "default", "never")
            keys = w.gpg("--export").stdout
            subprocess.run(["gpgconf", "--kill", "all"], env=w.env, check=True)
            w.env["GNUPGHOME"] = str(w.home)
            w.gpg("--import", data=keys)
            w.make_key()
            mail = w.encrypt("Dear all", *others, "alice@example.org")
            start(w)
            self.assertEqual(w.decrypt(mail).stdout, b"Dear all")
            w.forget_commands()
            self.assertEqual(w.decrypt(mail).stdout, b"Dear all")
            self.assertEqual(len(w.commands()), 1, w.commands())

    def test_eight_at_once(self):
        """The first asks for the PIN, the others wait for it; all read."""
        with World() as w:
            w.make_key()
            mails = [w.encrypt(f"Mail {i}") for i in range(8)]
            start(w)
            for _ in range(2):
                readers = [subprocess.Popen(["gpg", "--batch", "-d"], env=w.env, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                           for _ in mails]
                for reader, mail in zip(readers, mails):
                    reader.stdin.write(mail)
                    reader.stdin.close()
                for i, reader in enumerate(readers):
                    with reader:
                        self.assertEqual(reader.stdout.read(), f"Mail {i}".encode(), reader.stderr.read())
                self.assertEqual(len(w.prompts()), 1)


if __name__ == "__main__":
    main()
