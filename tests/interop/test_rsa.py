"""gpg opens mail for RSA keys, whatever number the cryptogram is: OpenPGP writes it without its leading
zeros, and the card wants it as long as the modulus (OpenPGP card specification §7.2.11)."""

import os
import re
import secrets
import unittest

import openpgp
from world import RSA, World, main

DECIPHER = "002A8086"
HEAD = 8  # octets of CLA to Lc in extended length, and the padding indicator


def with_cryptogram(mail, octets):
    """A message to one RSA key with another cryptogram (RFC 4880 §5.1)."""
    start, end = 15, 3 + int.from_bytes(mail[1:3], "big")
    assert mail[0] == 0x85 and mail[start:end] == openpgp.Pkesk(mail).c
    number = int.from_bytes(octets, "big")
    octets = octets.lstrip(b"\0")
    body = mail[3:start - 2] + number.bit_length().to_bytes(2, "big") + octets
    return b"\x85" + len(body).to_bytes(2, "big") + body + mail[end:]


def encode(session_key, length):
    """EME-PKCS1-v1_5 of algorithm, session key and checksum, as a number (RFC 4880 §5.1, §13.1.1)."""
    algorithm, digits = session_key.split(":")
    key = bytes.fromhex(digits)
    content = bytes([int(algorithm)]) + key + (sum(key) % 65536).to_bytes(2, "big")
    padding = bytes(secrets.randbelow(255) + 1 for _ in range(length - len(content) - 3))
    return int.from_bytes(b"\0\2" + padding + b"\0" + content, "big")


class Rsa(unittest.TestCase):
    def read(self, w, mail, what):
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice", what)

    def read_warm(self, w, mail):
        """Returns the session key, as gpg shows it."""
        self.read(w, mail, "cold")
        w.forget_commands()
        result = w.decrypt(mail, options=["--show-session-key"])
        self.assertEqual(result.stdout, b"Dear Alice")
        self.assertEqual([c[:8] for c in w.commands()], [DECIPHER])
        return re.search(r"session key: '(.*)'", result.stderr.decode())[1]

    def read_with_a_zero(self, w, mail, session_key):
        """A cryptogram with one leading zero is found by trying; the card does the arithmetic."""
        key = openpgp.encryption_key(w.gpg("--export", "alice").stdout)
        n, e = int.from_bytes(key.n, "big"), int.from_bytes(key.e, "big")
        number = n
        while number >> 8 * (len(key.n) - 1):
            number = pow(encode(session_key, len(key.n)), e, n)
        self.read(w, with_cryptogram(mail, number.to_bytes(len(key.n), "big")), "a zero by chance")

    def read_with_zeros(self, w, mail, proxy):
        """More zeros cannot be found: on its way to the token the true cryptogram takes the place of such
        a number, but only of all its octets, the zeros included."""
        true = openpgp.Pkesk(mail).c
        length = len(openpgp.encryption_key(w.gpg("--export", "alice").stdout).n)
        for zeros in range(1, 17):
            octets = bytes(zeros) + bytes([secrets.randbelow(255) + 1]) + os.urandom(length - zeros - 1)

            def put_true(_proxy, command, ask, octets=octets):
                if command[HEAD:-2] == octets:
                    command = command[:HEAD] + true.rjust(length, b"\0") + command[-2:]
                return ask(command)
            proxy.faults = lambda _number, _command, fault=put_true: fault
            self.read(w, with_cryptogram(mail, octets), f"{zeros} leading zeros")

    def test_every_size(self):
        for algorithm in RSA:
            with self.subTest(algorithm), World() as w:
                w.make_key(algorithm)
                mail = openpgp.dearmor(w.encrypt("Dear Alice"))
                w.start_agent()
                with w.start_token_behind_proxy() as proxy:
                    w.insert(proxy)
                    session_key = self.read_warm(w, mail)
                    self.read_with_a_zero(w, mail, session_key)
                    self.read_with_zeros(w, mail, proxy)


if __name__ == "__main__":
    main()
