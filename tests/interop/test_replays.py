"""What clients say that are not here: the exchanges of gpg 2.4.8 and 2.5.12, Sequoia, gpgsm and gpgme, replayed
from records of them, and answered as a second opinion computes it."""

import hashlib
import os
import re
import subprocess
import unittest

import keywrap
import openpgp
import sexp
from codes import Code
from curves import CURVES, P448, x448, x25519
from world import AssuanError, World, main

CIPHER = {"cv25519": 7, "nistp256": 7, "nistp384": 8, "nistp521": 9, "brainpoolP256r1": 7,
          "brainpoolP384r1": 8, "brainpoolP512r1": 9}

DESCRIPTION = ("SETKEYDESC Please+enter+the+passphrase+to+unlock+the+OpenPGP+secret+key:%0A%22rsa@x.org%22%0A"
               "2048-bit+RSA+key,+ID+BE5FC5DC05B60FC0,%0Acreated+2026-01-01+(main+key+ID+3BB217FF797A37DD).%0A")


class KeyWorld(World):
    """Agent and token with a key, a mail for it, and what gpg itself finds in that mail."""

    def __init__(self, algorithm):
        super().__init__()
        self.algorithm = algorithm

    def __enter__(self):
        super().__enter__()
        self.make_key(self.algorithm)
        self.keygrip = self.keygrips("alice")[1]
        self.fingerprint = self.fingerprints("alice")[1]
        self.key = openpgp.encryption_key(self.gpg("--export", "alice").stdout)
        self.mail = self.encrypt("Dear Alice", options=["--cipher-algo", "AES256"])
        self.pkesk = openpgp.Pkesk(self.mail)
        self.start_agent()
        self.start_token()
        shown = self.decrypt(self.mail, options=["--show-session-key"])
        assert shown.stdout == b"Dear Alice"
        found = re.search(rb"session key: '9:([0-9A-F]{64})'", shown.stderr)
        self.session_key = bytes.fromhex(found[1].decode())
        return self

    def request(self):
        return openpgp.request(self.mail)

    def params(self):
        return openpgp.kdf_params(self.key, self.fingerprint)

    def kem_request(self):
        """As gpg 2.5.12 builds it of the same message."""
        return sexp.kem(self.pkesk.point, self.pkesk.wrapped, self.params(), cipher=self.key.kdf[3],
                        digest=self.key.kdf[2])

    def frame(self):
        return keywrap.openpgp_frame(self.session_key, self.pkesk.wrapped[0] - 8)


class Helpers(unittest.TestCase):
    """The second opinions, against their specifications."""

    def test_aes(self):
        """FIPS 197, appendix C."""
        for octets, expected in ((16, "69c4e0d86a7b0430d8cdb78070b4c55a"), (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
                                 (32, "8ea2b7ca516745bfeafc49904b496089")):
            block = keywrap.encrypt_block(keywrap.expand(bytes(range(octets))),
                                          bytes.fromhex("00112233445566778899aabbccddeeff"))
            self.assertEqual(block.hex(), expected)

    def test_wrap(self):
        """RFC 3394, 4.6."""
        self.assertEqual(keywrap.wrap(bytes(range(32)), bytes.fromhex(
            "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")).hex().upper(),
            "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21")

    def test_montgomery(self):
        """RFC 7748, 5.2."""
        self.assertEqual(
            x25519(bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                   bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")).hex(),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
        self.assertEqual(
            x448(bytes.fromhex("3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c"
                               "984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3"),
                 bytes.fromhex("06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031"
                               "ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086")).hex(),
            "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaad"
            "eb445fc66a01b0779d98223961111e21766282f73dd96b6f")

    def test_weierstrass(self):
        for name, curve in CURVES.items():
            self.assertTrue(curve.holds(curve.g), name)
            self.assertIsNone(curve.multiply(curve.n), name)


class Gpg(unittest.TestCase):
    def start_up(self, client):
        """gnupg-protocols.md 1.3, the same in 2.2.40, 2.4.8 and 2.5.12."""
        client.command("RESET")
        for option in ("ttytype=xterm", "ttyname=/dev/pts/1", "display=:0", "putenv=XDG_SESSION_TYPE=tty",
                       "lc-ctype=C.UTF-8", "lc-messages=C.UTF-8"):
            client.command("OPTION " + option)
        version = client.command("GETINFO version").decode()
        self.assertGreaterEqual([int(n) for n in version.split(".")], [2, 5, 12], "gpg warns of older agents")
        client.command("OPTION allow-pinentry-notify")
        client.command("OPTION agent-awareness=2.1.0")

    def look_for_cards(self, w, client):
        """What 2.4.8 and 2.5.12 ask before any decryption (1.5)."""
        serial = "D276000124010304FF00000000010000"
        for _ in range(2):
            self.assertEqual(client.command("SCD SERIALNO"), b"")
            self.assertEqual(client.status, ["SERIALNO " + serial])
        self.assertEqual(client.command("SCD KEYINFO --list=encr"), b"")
        self.assertEqual(client.status, [f"KEYINFO {w.keygrip} T {serial} OPENPGP.2 e"])
        grips = client.command("HAVEKEY --list=1000")
        self.assertEqual(len(grips) % 20, 0)
        self.assertIn(bytes.fromhex(w.keygrip), [grips[i:i + 20] for i in range(0, len(grips), 20)])

    def decrypt(self, w, client, request, options=""):
        client.command("RESET")
        client.command("SETKEY " + w.keygrip)
        client.command(DESCRIPTION)
        return sexp.value(client.command("PKDECRYPT" + options, CIPHERTEXT=request))

    def check_point(self, w, value):
        """A shared point of which the derivation of RFC 6637 makes the key that opens what gpg wrapped."""
        x = value[1:] if w.algorithm == "cv25519" else value[1:1 + CURVES[w.algorithm].octets]
        kek = keywrap.openpgp_kek(x, w.params(), w.key.kdf[3], w.key.kdf[2])
        self.assertEqual(keywrap.wrap(kek, w.frame()), w.pkesk.wrapped[1:])

    def test_2_4_rsa(self):
        with KeyWorld("rsa2048") as w, w.connect() as client:
            self.start_up(client)
            w.forget_commands()
            self.look_for_cards(w, client)
            self.assertEqual(w.commands(), [], "all of this is known")
            value = self.decrypt(w, client, w.request())
            self.assertEqual(client.status, ["INQUIRE_MAXLEN 4096", "PADDING 0"])
            checksum = sum(w.session_key) & 0xFFFF
            self.assertEqual(value, b"\x09" + w.session_key + checksum.to_bytes(2, "big"))
            self.assertEqual(len(w.commands()), 1)

    def test_2_4_ecdh(self):
        for algorithm in CIPHER:
            with self.subTest(algorithm=algorithm), KeyWorld(algorithm) as w, w.connect() as client:
                self.start_up(client)
                w.forget_commands()
                self.look_for_cards(w, client)
                value = self.decrypt(w, client, w.request())
                self.assertEqual(client.status, ["INQUIRE_MAXLEN 4096"])
                self.check_point(w, value)
                self.assertEqual(len(w.commands()), 1)

    def test_2_5_kem(self):
        """PKDECRYPT --kem=PGP gives what was wrapped, padding included (1.7)."""
        for algorithm in CIPHER:
            with self.subTest(algorithm=algorithm), KeyWorld(algorithm) as w, w.connect() as client:
                self.start_up(client)
                self.look_for_cards(w, client)
                self.assertEqual(w.key.kdf[3], CIPHER[algorithm])
                self.assertEqual(self.decrypt(w, client, w.kem_request(), " --kem=PGP"), w.frame())
                self.assertEqual(client.status, ["INQUIRE_MAXLEN 4096"])

    def test_2_5_composite_keys(self):
        """Half of an ML-KEM key would be in software (1.7)."""
        with KeyWorld("cv25519") as w, w.connect() as client:
            client.command("SETKEY " + w.keygrip)
            for line in ("SETKEY --another " + w.keygrip, "PKDECRYPT --kem=PQC-PGP", "PKDECRYPT --kem"):
                with self.assertRaises(AssuanError) as caught:
                    client.command(line)
                self.assertEqual(caught.exception.number, 67108948)

    def test_2_2(self):
        with KeyWorld("cv25519") as w, w.connect() as client:
            self.start_up(client)
            primary = w.keygrips("alice")[0]
            client.command("HAVEKEY " + w.keygrip)
            client.command(f"HAVEKEY {primary} {w.keygrip}")
            client.command("KEYINFO " + w.keygrip)
            self.assertRegex(client.status[0], f"^KEYINFO {w.keygrip} T D276[0-9A-F]{{28}} OPENPGP.2 - - - - A$")
            self.check_point(w, self.decrypt(w, client, w.request()))

    def test_gpgconf(self):
        """gpgconf --launch, --reload: what they say, and that the agent stays (1.2)."""
        with KeyWorld("cv25519") as w:
            for action in ("--launch", "--reload"):
                subprocess.run(["gpgconf", action, "gpg-agent"], env=w.env, check=True)
                self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")
            self.assertEqual(len(w.prompts()), 2, "reloading forgets the PIN")


class Sequoia(unittest.TestCase):
    """sequoia-ipc 0.28: no RESET, no GETINFO, no HAVEKEY; an inquiry that it does not expect is a protocol
    error, and only 04 x y will do for a point of NIST or brainpool (1.5, 1.6, 1.10)."""

    def strict_answer(self, client, request):
        """Reads as it does, and takes no inquiry but that for the ciphertext."""
        data, asked = b"", 0
        while True:
            line = client.read_line()
            if line.startswith(b"S "):
                continue
            if line.startswith(b"INQUIRE "):
                self.assertEqual((line, asked), (b"INQUIRE CIPHERTEXT", 0))
                asked = 1
                client.reply_to("CIPHERTEXT", {"CIPHERTEXT": request})
            elif line.startswith(b"D "):
                data += client.unescape(line[2:])
            else:
                self.assertEqual(line[:2], b"OK", line)
                return data

    def decrypt(self, w, client, request):
        for option in ("ttyname=/dev/pts/3", "ttytype=xterm-256color", "display=:0",
                       "xauthority=/run/user/0/xauth", "putenv=DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/0/bus"):
            client.send(f"OPTION {option}\n".encode())
            self.strict_answer(client, None)
        client.send(f"SETKEY {w.keygrip}\n".encode())
        self.strict_answer(client, None)
        client.send(b"SETKEYDESC Please enter the passphrase\n")
        self.strict_answer(client, None)
        client.send(b"PKDECRYPT\n")
        return sexp.value(self.strict_answer(client, request))

    def test_x25519(self):
        secret = bytes(range(32))
        with KeyWorld("cv25519") as w, w.connect() as client:
            value = self.decrypt(w, client, sexp.ecdh(b"\x40" + x25519(secret), w.pkesk.wrapped))
            self.assertEqual(value, b"\x40" + x25519(secret, w.key.point[1:]))

    def test_points(self):
        for algorithm, curve in CURVES.items():
            with self.subTest(algorithm=algorithm), KeyWorld(algorithm) as w, w.connect() as client:
                k = int.from_bytes(hashlib.sha512(algorithm.encode()).digest(), "big") % curve.n
                shared = curve.multiply(k, curve.decode(w.key.point))
                value = self.decrypt(w, client, sexp.ecdh(curve.encode(curve.multiply(k)), w.pkesk.wrapped))
                # The card tells x alone; either y belongs to it, and no client uses y.
                x, y = shared
                self.assertIn(value, (curve.encode((x, y)), curve.encode((x, curve.p - y))))

    def test_rsa(self):
        with KeyWorld("rsa2048") as w, w.connect() as client:
            value = self.decrypt(w, client, w.request())
            self.assertEqual(value[1:-2], w.session_key)


class Gpgsm(unittest.TestCase):
    """1.5 and 1.6: no HAVEKEY; flags before the rsa; it knows no PADDING and takes a bare key of 16, 24 or 32
    octets."""

    def start_up(self, client):
        client.command("RESET")
        for option in ("ttytype=xterm", "lc-ctype=C.UTF-8"):
            client.command("OPTION " + option)
        client.command("GETINFO version")
        client.command("OPTION allow-pinentry-notify")

    def test_rsa(self):
        with KeyWorld("rsa2048") as w, w.connect() as client:
            self.start_up(client)
            for octets in (16, 24, 32):
                key = os.urandom(octets)
                padded = b"\0\2" + b"\x55" * (253 - octets) + b"\0" + key  # PKCS #1 v1.5, RFC 8017 7.2.1
                c = pow(int.from_bytes(padded, "big"), int.from_bytes(w.key.e, "big"), int.from_bytes(w.key.n, "big"))
                request = sexp.sexp(["enc-val", ["flags", "pkcs1"],
                                     ["rsa", ["a", sexp.signed(c.to_bytes((c.bit_length() + 7) // 8, "big"))]]])
                client.command("RESET")
                client.command("SETKEY " + w.keygrip)
                client.command("SETKEYDESC S/MIME")
                self.assertEqual(sexp.value(client.command("PKDECRYPT", CIPHERTEXT=request)), key)

    def test_listing(self):
        with KeyWorld("rsa2048") as w, w.connect() as client:
            self.start_up(client)
            client.command("HAVEKEY " + w.keygrip)
            client.command("KEYINFO " + w.keygrip)
            self.assertEqual(len(client.status[0].split()), 10)

    def test_cms(self):
        """PKDECRYPT --kem=CMS of 2.5.13: no length octet, the derivation of X9.63, the bare key back (1.7)."""
        info = bytes.fromhex("3015300b060960864801650304012da2060404") + (256).to_bytes(4, "big")
        secret = hashlib.sha256(b"ephemeral").digest()
        with KeyWorld("cv25519") as w, w.connect() as client:
            shared = x25519(secret, w.key.point[1:])
            self.check(w, client, b"\x40" + x25519(secret), shared, info)
        with KeyWorld("nistp256") as w, w.connect() as client:
            curve, k = CURVES["nistp256"], int.from_bytes(secret, "big") % CURVES["nistp256"].n
            shared = curve.multiply(k, curve.decode(w.key.point))[0].to_bytes(32, "big")
            self.check(w, client, curve.encode(curve.multiply(k)), shared, info)

    def check(self, w, client, point, shared, info):
        content_key = bytes(range(32))
        for cipher in (7, 8, 9):
            for digest in (2, 8, 9, 10):
                wrapped = keywrap.wrap(keywrap.cms_kek(shared, info, cipher, digest), content_key)
                request = sexp.kem(point, wrapped, info, cipher, digest)
                self.assertEqual(client.decrypt(w.keygrip, request, " --kem=CMS"), content_key)
                with self.assertRaises(AssuanError) as caught:
                    client.decrypt(w.keygrip, sexp.kem(point, bytes([wrapped[0] ^ 1]) + wrapped[1:], info, cipher,
                                                       digest), " --kem=CMS")
                self.assertEqual(caught.exception.code, Code.DECRYPT_FAILED)


class Gpgme(unittest.TestCase):
    def test_raw(self):
        """The "Assuan protocol" context: commands without any start-up, and BYE (1.5)."""
        with KeyWorld("cv25519") as w, w.connect() as client:
            self.assertEqual(client.command("KEYINFO --list"), b"")
            status = client.status
            self.assertEqual(len(status), 2, "signing and decryption key")
            for line in status:
                self.assertRegex(line, r"^KEYINFO [0-9A-F]{40} T D276[0-9A-F]{28} OPENPGP\.[12] - - - - A$")
            data = client.command("KEYINFO --list --data").decode().splitlines()
            self.assertEqual(["KEYINFO " + line for line in data], status)
            client.command("BYE")
            with self.assertRaises(EOFError):
                client.read_line()


class X448(unittest.TestCase):
    """gpg 2.2 makes no such keys: the token's memory is written by hand, and the keygrip by the rules of
    gnupg-protocols.md 1.11."""

    SECRET = hashlib.sha512(b"the card's").digest()[:56]
    EPHEMERAL = hashlib.sha512(b"the sender's").digest()[:56]
    FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"

    def keygrip(self):
        parameters = {
            "p": P448.to_bytes(56, "big"), "a": bytes.fromhex("98A9"), "b": b"\1",
            "g": b"\4" + (5).to_bytes(56, "big") + bytes.fromhex(
                "7D235D1295F5B1F66C98AB6E58326FCECBAE5D34F55545D060F75DC28DF3F6EDB8027E2346430D21"
                "1312C4B150677AF76FD7223D457B5B1A"),
            "n": (2**446 - 0x8335DC163BB124B65129C96FDE933D8D723A70AADC873D6D54A7BB0D).to_bytes(56, "big"),
            "q": x448(self.SECRET)}
        return hashlib.sha1(b"".join(sexp.sexp([name, value]) for name, value in parameters.items())).hexdigest()

    def memory(self, w):
        path = w.folder / "state"
        path.write_text("cardea-token 1\npw1 313233343536\npw1-tries 03\npw3 3132333435363738\npw3-tries 03\n"
                        "sign-attributes 010800002000\ndecrypt-attributes 122B656F\ndecrypt-origin 02\n"
                        f"decrypt-fingerprint {self.FINGERPRINT}\ndecrypt-d {self.SECRET.hex().upper()}\n"
                        "authenticate-attributes 010800002000\nend\n")
        return path

    def test_all_forms(self):
        with World() as w:
            w.start_agent()
            w.start_token("--state", self.memory(w))
            shared = x448(self.EPHEMERAL, x448(self.SECRET))
            self.assertEqual(shared, x448(self.SECRET, x448(self.EPHEMERAL)))
            point, grip = x448(self.EPHEMERAL), self.keygrip()
            with w.connect() as client:
                client.command("HAVEKEY " + grip)
                self.assertEqual(client.decrypt(grip, sexp.ecdh(point)), shared)
                self.check_pgp(client, grip, point, shared)
                self.check_cms(client, grip, point, shared)
                self.check_refusals(client, grip)
            self.assertEqual(len(w.verifies()), 1)

    def check_pgp(self, client, grip, point, shared):
        params = (b"\3" + openpgp.OID["cv448"] + b"\x12\3\1\x0a\x09" + b"Anonymous Sender    "
                  + bytes.fromhex(self.FINGERPRINT))
        frame = keywrap.openpgp_frame(bytes(range(32)), 40)
        wrapped = keywrap.wrap(keywrap.openpgp_kek(shared, params, 9, 10), frame)
        request = sexp.kem(point, bytes([len(wrapped)]) + wrapped, params, 9, 10)
        self.assertEqual(client.decrypt(grip, request, " --kem=PGP"), frame)

    def check_cms(self, client, grip, point, shared):
        wrapped = keywrap.wrap(keywrap.cms_kek(shared, b"info", 9, 10), bytes(range(24)))
        request = sexp.kem(point, wrapped, b"info", 9, 10)
        self.assertEqual(client.decrypt(grip, request, " --kem=CMS"), bytes(range(24)))

    def check_refusals(self, client, grip):
        for u in (0, 1, P448 - 1, P448, P448 + 1):
            low = u.to_bytes(56, "little")
            self.assertEqual(x448(self.SECRET, low), bytes(56))
            with self.assertRaises(AssuanError) as caught:
                client.decrypt(grip, sexp.ecdh(low))
            self.assertEqual(caught.exception.code, Code.INV_DATA)
        for point in (bytes(57), b"\x40" + bytes(57), bytes(58)):
            with self.assertRaises(AssuanError) as caught:
                client.decrypt(grip, sexp.ecdh(point))
            self.assertEqual(caught.exception.code, Code.INV_DATA)


if __name__ == "__main__":
    main()
