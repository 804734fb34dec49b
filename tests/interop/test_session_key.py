"""SESSIONKEY: the session key of a message from its PKESK packets, without GnuPG's help."""

import re
import unittest

from codes import Code
from openpgp import PKESK, dearmor, packets
from world import CURVES, RSA, AssuanError, World, main

OTHER = "bob@example.org"


def packet(tag, body):
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def pkesks(message):
    """The PKESK packets of a message, each with a header of its own."""
    return [packet(tag, body) for tag, body in packets(dearmor(message)) if tag == PKESK]


def gpg_session_key(world, message):
    said = world.decrypt(message, options=["--show-session-key"]).stderr.decode()
    return re.search(r"session key: '([^']+)'", said).group(1)


class SessionKey(unittest.TestCase):
    def test_equals_what_gpg_shows(self):
        for algorithm in RSA[:1] + CURVES:
            with self.subTest(algorithm), World() as w:
                fingerprint = w.make_key(algorithm)
                subkey, keygrip = w.fingerprints(fingerprint)[1], w.keygrips(fingerprint)[1]
                mail = w.encrypt("Dear Alice")
                w.start_agent()
                w.start_token()
                with w.connect() as client:
                    key = client.command("SESSIONKEY", PKESK=b"".join(pkesks(mail))).decode()
                    self.assertIn("KEY " + subkey, client.status)
                    self.assertIn("KEYGRIP " + keygrip, client.status)
                    self.assertIn("TOUCH no", client.status)
                    self.assertIn("SERIALNO D276000124010304FF00000000010000", client.status)
                self.assertEqual(key, gpg_session_key(w, mail))
                plain = w.gpg("--override-session-key", key, "-d", data=mail).stdout
                self.assertEqual(plain, b"Dear Alice")

    def test_touch_is_told(self):
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token("--uif", "dec=on")
            with w.connect() as client:
                client.command("SESSIONKEY", PKESK=b"".join(pkesks(mail)))
                self.assertIn("TOUCH yes", client.status)

    def test_hidden_recipient(self):
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice", options=["--throw-keyids"])
            w.start_agent()
            w.start_token()
            with w.connect() as client:
                key = client.command("SESSIONKEY", PKESK=b"".join(pkesks(mail))).decode()
            self.assertEqual(key, gpg_session_key(w, mail))

    def test_no_card_is_asked_for_a_foreign_key(self):
        for options in [], ["--throw-keyids"]:
            with self.subTest(options), World() as w:
                w.make_key("rsa2048", OTHER)
                w.key_file.unlink()
                w.make_key("cv25519")
                foreign = w.encrypt("Dear Bob", OTHER, options=options)
                own = w.encrypt("Dear Alice")
                w.start_agent()
                w.start_token()
                with w.connect() as client:
                    client.command("SESSIONKEY", PKESK=b"".join(pkesks(own)))
                    w.forget_commands()
                    with self.assertRaises(AssuanError) as caught:
                        client.command("SESSIONKEY", PKESK=b"".join(pkesks(foreign)))
                self.assertEqual(caught.exception.code, Code.NO_SECKEY)
                self.assertEqual(w.commands_but_looks(), [])

    def test_picks_ours_among_thirty(self):
        with World() as w:
            w.make_key("rsa2048", OTHER)
            w.key_file.unlink()
            w.make_key("cv25519")
            ours, theirs = pkesks(w.encrypt("x"))[0], pkesks(w.encrypt("x", OTHER))[0]
            w.start_agent()
            w.start_token()
            with w.connect() as client:
                client.command("SESSIONKEY", PKESK=ours)
                w.forget_commands()
                client.command("SESSIONKEY --only-inserted", PKESK=theirs * 29 + ours)
            self.assertEqual(len(w.commands()), 1)

    def test_bounds(self):
        with World() as w:
            w.make_key()
            one = pkesks(w.encrypt("x"))[0]
            w.start_agent()
            w.start_token()
            with w.connect() as client:
                client.command("SESSIONKEY", PKESK=one * 64)
                for bad, code in [(one * 65, Code.TOO_LARGE), (b"", Code.NO_DATA),
                                  (one[:-1], None), (b"\x00" * 10, None),
                                  (packet(PKESK, b"\x03"), None),
                                  (packet(PKESK, b"\x03" + bytes(8) + b"\x08" + bytes(9)),
                                   Code.UNSUPPORTED_ALGORITHM),
                                  (b"\xC1" * 65537, Code.ASS_TOO_MUCH_DATA)]:
                    with self.assertRaises(AssuanError) as caught:
                        client.command("SESSIONKEY", PKESK=bad)
                    if code:
                        self.assertEqual(caught.exception.code, code, bad[:20])
                client.command("SESSIONKEY", PKESK=one)

    def test_no_token(self):
        with World() as w:
            w.make_key()
            one = pkesks(w.encrypt("x"))[0]
            w.start_agent()
            with w.connect() as client, self.assertRaises(AssuanError) as caught:
                client.command("SESSIONKEY", PKESK=one)
            self.assertEqual(caught.exception.code, Code.CARD_NOT_PRESENT)


if __name__ == "__main__":
    main()
