"""What a client can say wrong: lines, inquiries and S-expressions, each field at its limits. Every one gets
a clear error, the card is not bothered with what cannot be, and the next good request works."""

import contextlib
import random
import unittest

import openpgp
import sexp
from codes import AGENT, SCD, Code
from curves import CURVES, P25519, x25519
from world import AssuanError, World, main

LINE_MAX = 1000  # octets before the LF (gnupg-protocols.md 1.1)
CIPHERTEXT_MAX = 4096
NOBODYS = "0123456789ABCDEF0123456789ABCDEF01234567"


class Lines(unittest.TestCase):
    """One world for all tests of a class; each leaves it in working order."""

    algorithm = "cv25519"

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.__exit__, None, None, None)
        cls.world.make_key(cls.algorithm)
        cls.keygrip = cls.world.keygrips("alice")[1]
        cls.fingerprint = cls.world.fingerprints("alice")[1]
        cls.mail = cls.world.encrypt("Dear Alice")
        cls.pkesk = openpgp.Pkesk(cls.mail)
        cls.request = openpgp.request(cls.mail)
        cls.world.start_agent()
        cls.world.start_token()
        with cls.world.connect() as client:
            cls.value = client.decrypt(cls.keygrip, cls.request)

    def setUp(self):
        self.client = self.world.connect()
        self.world.forget_commands()

    def tearDown(self):
        self.client.close()
        with self.world.connect() as client:
            self.assertEqual(client.decrypt(self.keygrip, self.request), self.value)
        self.assertEqual(self.world.decrypt(self.mail).stdout, b"Dear Alice")
        self.assertEqual(len(self.world.prompts()), 1)
        self.assertEqual(self.world.verifies(), [], "the PIN of the first decryption is enough")

    def error(self, what, *codes, source=AGENT):
        """The next answer is an error with one of these codes."""
        with self.assertRaises(AssuanError, msg=what) as caught:
            self.client.answer()
        self.assertIn(caught.exception.code, codes, what)
        self.assertEqual(caught.exception.source, source, what)

    def line(self, line, *codes, source=AGENT):
        self.client.send(line + b"\n")
        self.error(line[:60], *codes, source=source)
        self.assertEqual(self.client.command("NOP"), b"", "the session goes on")

    def hung_up(self):
        with self.assertRaises((EOFError, ConnectionResetError)):
            self.client.read_line()

    def request_fails(self, request, *codes, kem="", asks_card=False):
        """PKDECRYPT of this request fails so, and the session goes on."""
        commands = len(self.world.deciphers())
        what = kem + " " + request[:100].hex()
        with self.assertRaises(AssuanError, msg=what) as caught:
            self.client.decrypt(self.keygrip, request, kem)
        self.assertIn(caught.exception.code, codes, what)
        self.assertEqual(caught.exception.source, AGENT, what)
        self.assertEqual(len(self.world.deciphers()) > commands, asks_card, what)
        self.assertEqual(self.client.decrypt(self.keygrip, self.request), self.value)


# libgcrypt takes no atom without octets.
EMPTY = (Code.INV_SEXP, Code.INV_DATA)


class Commands(Lines):
    def test_no_command(self):
        for line in (b"FOO", b"foo bar", b"\xff\xfe", b"OK", b"ERR 1", b"INQUIRE X", b"S x", b"INPUT FD=3",
                     b"X" * LINE_MAX, b"%47%45%54INFO version"):
            self.line(line, Code.ASS_UNKNOWN_CMD)
        self.client.send(b"#comment\n\nNOP\n")
        self.assertEqual(self.client.answer(), b"")

    def test_arguments(self):
        for line in (b"SETKEY", b"SETKEY x", b"SETKEY " + b"A" * 39, b"SETKEY " + b"A" * 41,
                     b"SETKEY " + b"A" * 42, b"SETKEY " + b"G" * 40, b"HAVEKEY", b"HAVEKEY x", b"HAVEKEY --",
                     b"KEYINFO", b"KEYINFO --data", b"GETINFO", b"GETINFO x", b"GETINFO cmd_has_option x",
                     b"GETINFO cmd_has_option", b"SCD", b"SCD  "):
            self.line(line, Code.ASS_PARAMETER)
        for line in (b"READKEY", b"READKEY x", b"READKEY OPENPGP.0", b"READKEY OPENPGP.4", b"READKEY OPENPGP."):
            self.line(line, Code.INV_ID)
            self.line(b"SCD " + line, Code.INV_ID, source=SCD)
        self.line(b"SCD FOO", Code.ASS_UNKNOWN_CMD, source=SCD)
        for line in (b"SCD APDU 00A40400", b"SCD PASSWD 1", b"SCD WRITEKEY OPENPGP.2", b"SCD SETDATA 00"):
            self.line(line, Code.NOT_SUPPORTED, source=SCD)
        for line in (b"PKSIGN", b"GENKEY", b"PASSWD", b"EXPORT_KEY x", b"GET_PASSPHRASE x"):
            self.line(line, Code.NOT_SUPPORTED)
        for line in (b"PKDECRYPT --kem", b"PKDECRYPT --kem=PQC-PGP", b"PKDECRYPT --kem=X", b"PKDECRYPT --kem=pgp"):
            self.line(line, Code.UNSUPPORTED_ALGORITHM)
        self.line(b"PKDECRYPT", Code.NO_SECKEY)

    def test_options(self):
        self.line(b"OPTION foo=bar", Code.UNKNOWN_OPTION)
        self.line(b"OPTION putenv=LD_PRELOAD=/tmp/x.so", Code.UNKNOWN_OPTION)
        self.line(b"OPTION pinentry-program=/tmp/x", Code.UNKNOWN_OPTION)
        for line in (b"OPTION display=\x01", b"OPTION pinentry-mode=x", b"OPTION pinentry-mode"):
            with self.assertRaises(AssuanError):
                self.client.command(line.decode())
        self.client.command("OPTION ttyname=" + "x" * 512)
        self.line(b"OPTION ttyname=" + b"x" * 513, Code.TOO_LARGE)

    def test_line_of_the_greatest_length(self):
        self.client.send(b"SETKEY " + self.keygrip.encode() + b" " * (LINE_MAX - 47) + b"\n")
        self.assertEqual(self.client.answer(), b"")

    def test_line_too_long(self):
        """Where the next command begins nobody can tell after that: the session ends, with a word."""
        for length in (LINE_MAX + 2, LINE_MAX + 3, 2 * LINE_MAX, 100000):
            with self.subTest(length=length):
                self.client.close()
                self.client = self.world.connect()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.client.send(b"X" * length + b"\n")  # it need not hear all of it
                self.error(f"{length} octets", Code.ASS_LINE_TOO_LONG)
                self.hung_up()

    def test_octets_of_all_kinds(self):
        """No line of any octets does more than end its session."""
        dice = random.Random(8)
        for _ in range(300):
            with self.world.connect() as client:
                line = bytes(dice.choice(b"\0\r%+ DENSKPY=-\xff\x80" if dice.random() < .5 else range(256))
                             for _ in range(dice.randrange(80))).replace(b"\n", b"")
                client.send(line + b"\nBYE\n")
                try:
                    while True:
                        client.read_line()
                except (EOFError, ConnectionResetError):
                    pass

    def test_keygrip_nobody_holds(self):
        self.line(b"HAVEKEY " + NOBODYS.encode(), Code.NO_SECKEY)
        self.line(b"KEYINFO " + NOBODYS.encode(), Code.NOT_FOUND)
        self.line(b"SCD KEYINFO " + NOBODYS.encode(), Code.NOT_FOUND, source=SCD)
        with self.assertRaises(AssuanError) as caught:
            self.client.decrypt(NOBODYS, self.request)
        self.assertEqual(caught.exception.number, 67108881)
        self.assertEqual(self.client.command("HAVEKEY " + NOBODYS + " " + self.keygrip), b"")


class Inquiries(Lines):
    def begin(self):
        self.client.command("SETKEY " + self.keygrip)
        self.client.send(b"PKDECRYPT\n")
        self.assertEqual(self.client.read_line(), b"S INQUIRE_MAXLEN 4096")
        self.assertEqual(self.client.read_line(), b"INQUIRE CIPHERTEXT")

    def answered(self, answer, *codes):
        self.begin()
        self.client.send(answer)
        self.error(answer[:60], *codes)
        self.assertEqual(self.client.command("NOP"), b"", "the session goes on")

    def lines_of(self, length):
        return b"".join(b"D " + b"(" * min(900, length - at) + b"\n" for at in range(0, length, 900))

    def test_size(self):
        for answer in (b"END\n", b"D \nEND\n", self.lines_of(1) + b"END\n",
                       self.lines_of(CIPHERTEXT_MAX) + b"END\n"):
            self.answered(answer, Code.INV_SEXP)
        for length in (CIPHERTEXT_MAX + 1, 10 * CIPHERTEXT_MAX):
            self.answered(self.lines_of(length) + b"END\n", Code.ASS_TOO_MUCH_DATA)

    def test_cancelled(self):
        self.answered(b"CAN\n", Code.ASS_CANCELED)
        self.answered(b"D (\nCAN\n", Code.ASS_CANCELED)

    def test_no_data(self):
        for answer in (b"FOO\n", b"RESET\n", b"D\n", b"INQUIRE X\n", b"OK\n", b"BYE\n"):
            self.answered(answer, Code.ASS_UNEXPECTED_CMD)

    def test_bad_escape(self):
        """libassuan 2.5.5 would go round for ever over the first two."""
        for data in (b"%", b"%4", b"(7:enc-val%", b"%zz", b"%-1", b"% 1"):
            self.answered(b"D " + data + b"\nEND\n", Code.ASS_SYNTAX)

    def test_line_too_long(self):
        self.begin()
        self.client.send(b"D " + b"(" * LINE_MAX + b"KILLAGENT\nEND\n")
        self.error("a long line", Code.ASS_LINE_TOO_LONG)
        self.hung_up()

    def test_split_anywhere(self):
        """gpg splits where it likes: every octet in a line of its own is as good."""
        self.begin()
        for octet in self.request:
            self.client.send(b"D " + self.client.escape(bytes([octet])) + b"\n")
        self.client.send(b"END\n")
        self.assertEqual(sexp.value(self.client.answer()), self.value)


class Expressions(Lines):
    """The classic form, and --kem=PGP and --kem=CMS, with a key of Curve25519."""

    POINT = b"\x40" + x25519(bytes(range(32)))
    PARAMS = b"p" * 40
    WRAPPED = bytes(range(40))

    def kem(self, codes, kem="--kem=PGP", asks_card=False, **fields):
        fields = {"cipher": 7, "digest": 8, "point": self.POINT, "params": self.PARAMS,
                  "wrapped": self.wrapped(kem, len(self.WRAPPED)), **fields}
        codes = codes if isinstance(codes, tuple) else (codes,)
        self.request_fails(sexp.kem(**fields), *codes, kem=" " + kem, asks_card=asks_card)

    def wrapped(self, kem, length):
        """OpenPGP counts the octets of the wrapped key, CMS does not."""
        return (bytes([length]) if kem == "--kem=PGP" else b"") + bytes(length)

    def test_not_one(self):
        for request in (b"(", b")", b"(7:enc-val", b"(99999999999:x)", b"(7:enc-val(4:ecdh(1:e",
                        b"(" * 4096, b"(-1:x)", b"(07:enc-val)", b"[7:display]7:enc-val", b"7:enc-val", b"()",
                        sexp.sexp(["foo", ["ecdh", ["e", self.POINT]]])):
            self.request_fails(request, Code.INV_SEXP)
        for request in (sexp.sexp(["enc-val"]), sexp.sexp(["enc-val", ["foo", ["a", "b"]]]),
                        sexp.sexp(["enc-val", ["elg", ["a", "b"], ["b", "b"]]]),
                        sexp.sexp(["enc-val", ["ecc", ["e", self.POINT]]])):
            self.request_fails(request, Code.UNSUPPORTED_ALGORITHM)
        self.request_fails(sexp.rsa(b"\1" * 256), Code.WRONG_PUBKEY_ALGO)
        self.request_fails(self.request, Code.UNSUPPORTED_ALGORITHM, kem=" --kem=PGP")

    def test_deep(self):
        deep = b"(7:enc-val" + b"(1:x" * 500 + b")" * 500 + b")"
        self.request_fails(deep, Code.UNSUPPORTED_ALGORITHM, Code.INV_SEXP)

    def test_point(self):
        self.request_fails(sexp.ecdh(b""), *EMPTY)
        self.kem(EMPTY, point=b"")
        for point in (self.POINT + b"\0", b"\x41" + self.POINT[1:], b"\x04" + self.POINT[1:],
                      b"\x40" + self.POINT, bytes(133), bytes(134), bytes(1000)):
            self.request_fails(sexp.ecdh(point), Code.INV_DATA)
            self.kem(Code.INV_DATA, point=point)
        for request in (sexp.sexp(["enc-val", ["ecdh"]]), sexp.sexp(["enc-val", ["ecdh", ["e"]]]),
                        sexp.sexp(["enc-val", ["ecdh", ["e", ["x"]]]])):
            self.request_fails(request, Code.INV_DATA)

    def test_point_forms(self):
        """40 and 32 octets, 00 and 32 octets, 32 octets, and fewer when leading zeros were lost."""
        point = self.pkesk.point
        for form in (point, b"\0" + point[1:], point[1:]):
            self.assertEqual(self.client.decrypt(self.keygrip, sexp.ecdh(form)), self.value)

    def test_ids(self):
        for kem in ("--kem=PGP", "--kem=CMS"):
            self.kem(EMPTY, kem, cipher=b"")
            self.kem(EMPTY, kem, digest=b"")
            for bad in (b"7a", b"-7", b" 7", b"1234", b"\0"):
                self.kem(Code.INV_DATA, kem, cipher=bad)
                self.kem(Code.INV_DATA, kem, digest=bad)
            for cipher in (0, 2, 6, 10, 999):
                self.kem(Code.CIPHER_ALGO, kem, cipher=cipher, asks_card=True)
            for digest in (0, 1, 7, 11, 999):
                self.kem(Code.DIGEST_ALGO, kem, digest=digest, asks_card=True)

    def test_kdf_params(self):
        for kem in ("--kem=PGP", "--kem=CMS"):
            self.kem(EMPTY, kem, params=b"")
            self.kem(Code.INV_DATA, kem, params=b"p" * 257)
            for length in (1, 256):
                self.kem(Code.DECRYPT_FAILED, kem, params=b"p" * length, asks_card=True)

    def test_wrapped(self):
        """RFC 3394 wraps two blocks of eight octets at least; OpenPGP's length octet counts up to 255."""
        for kem in ("--kem=PGP", "--kem=CMS"):
            for length in (8, 16, 23, 25, 247):
                self.kem(Code.INV_DATA, kem, wrapped=self.wrapped(kem, length))
            for length in (24, 32, 248):
                self.kem(Code.DECRYPT_FAILED, kem, wrapped=self.wrapped(kem, length), asks_card=True)
            self.kem(EMPTY, kem, wrapped=b"")
            self.kem(EMPTY, kem, wrapped=self.wrapped(kem, 0))
        self.kem(Code.INV_DATA, "--kem=CMS", wrapped=bytes(256))
        for stated, length in ((0, 40), (39, 40), (41, 40), (255, 40), (40, 48), (248, 256)):
            self.kem(Code.INV_DATA, wrapped=bytes([stated]) + bytes(length))

    def test_low_order(self):
        """Points of a small order, and what is the same modulo p: the shared secret would be zero (RFC 7748
        section 6.1)."""
        order_8 = (325606250916557431795983626356110631294008115727848805560023387167927233504,
                   39382357235489614581723060781553021112529911719440698176882885853963445705823)
        points = (0, 1, P25519 - 1, P25519, P25519 + 1, *order_8)
        for u in (*points, *(u + 2**255 for u in points)):  # the topmost bit is passed over
            point = u.to_bytes(32, "little")
            self.assertEqual(x25519(bytes(range(32)), point), bytes(32))
            for form in (point, b"\x40" + point):
                self.request_fails(sexp.ecdh(form), Code.INV_DATA)
                self.kem(Code.INV_DATA, point=form)


class Numbers(Lines):
    """RSA."""

    algorithm = "rsa2048"

    def test_cryptogram(self):
        self.request_fails(sexp.sexp(["enc-val", ["rsa", ["a", b""]]]), *EMPTY)
        for c in (b"\0", bytes(300), b"\1" + bytes(256), b"\xff" * 257, b"\xff" * 512, b"\xff" * 513,
                  b"\1" * 4000):
            self.request_fails(sexp.sexp(["enc-val", ["rsa", ["a", c]]]), Code.INV_DATA)
        for request in (sexp.sexp(["enc-val", ["rsa"]]), sexp.sexp(["enc-val", ["rsa", ["a"]]]),
                        sexp.sexp(["enc-val", ["rsa", ["b", b"\1" * 256]]])):
            self.request_fails(request, Code.INV_DATA)
        self.request_fails(sexp.ecdh(b"\x40" + bytes(32)), Code.WRONG_PUBKEY_ALGO)

    def test_what_the_card_refuses(self):
        """Numbers that a cryptogram could be, but that hold no padding, and the modulus' own length."""
        for c in (b"\1", b"\2" * 255, b"\1" * 256):
            self.request_fails(sexp.rsa(c), Code.DECRYPT_FAILED, asks_card=True)

    def test_leading_zeros(self):
        c = self.pkesk.c
        for zeros in (0, 1, 3):
            request = sexp.sexp(["enc-val", ["flags", "pkcs1"], ["rsa", ["a", bytes(zeros) + c]]])
            self.assertEqual(self.client.decrypt(self.keygrip, request), self.value)


class Points(Lines):
    """NIST P-256: a point that is not on the curve would tell about the secret key."""

    algorithm = "nistp256"

    def test_points(self):
        curve = CURVES["nistp256"]
        x, y = curve.multiply(0x1234567)
        good = curve.encode((x, y))
        self.request_fails(sexp.ecdh(b""), *EMPTY)
        for point in (good[:-1], good + b"\0", good[1:], b"\x02" + good[1:33], b"\x03" + good[1:33],
                      b"\x05" + good[1:], b"\x40" + good[1:], b"\0" + good[1:], bytes(65), b"\4" + bytes(64),
                      curve.encode((x, y ^ 1)), curve.encode((x ^ 1, y)), curve.encode((y, x)), b"\0",
                      b"\4" + b"\xff" * 64, bytes(133), bytes(134)):
            self.request_fails(sexp.ecdh(point), Code.INV_DATA)

    def test_point_of_another_curve(self):
        other = CURVES["brainpoolP256r1"]
        self.request_fails(sexp.ecdh(other.encode(other.g)), Code.INV_DATA)


class WidePoints(Lines):
    """NIST P-521: its octets have room for numbers beyond the field."""

    algorithm = "nistp521"

    def test_coordinates_beyond_the_field(self):
        curve = CURVES["nistp521"]
        x, y = curve.multiply(0x1234567)
        for point in ((x + curve.p, y), (x, y + curve.p)):
            self.request_fails(sexp.ecdh(curve.encode(point)), Code.INV_DATA)


del Lines  # has no tests of its own

if __name__ == "__main__":
    main()
