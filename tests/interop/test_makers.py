"""What gpg, sq, sqop and OpenPGP.js make, the whole way: the command, the agent, a token. And the session keys that
the command gives out, back to all of them."""

import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys
import types
import unittest

from keywrap import openpgp_frame
from openpgp import ECDH, PublicKey, dearmor, packets
from openpgp_js import run_script
from test_client import ClientWorld
from world import BIN, CURVES, RSA, main, need

try:
    import message_maker as make
    from soft_token import for_token, secret_keys
except ImportError as missing:
    print(f"missing: {missing.name} for python3")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

TEXTS = [b"", b"Treffen um acht.\nBring nichts mit.\n" * 3, os.urandom(9000) + b"wiederholt " * 2000]
ARMOR = {"--armor": True, "--no-armor": False}
SEQUOIA_CURVES = ["cv25519", "nistp256", "nistp384", "nistp521"]  # of those that Nettle has


class Makers(unittest.TestCase):
    def setUp(self):
        self.w = ClientWorld()
        self.addCleanup(self.w.__exit__, None, None, None)
        self.w.start_agent()

    def insert(self, secret):
        """Puts a token with that key in the place of the last one."""
        if self.w.token:
            self.w.stop_token()
            self.w.wait_for_card(False)
        self.w.start_token(imports=self.w.write("secret", secret))

    def check_all(self, cases, *options):
        """cases: (name, message, text)."""
        def run(case):
            return subprocess.run([BIN / "cardea", "decrypt", *map(str, options)], input=case[1],
                                  capture_output=True, env=self.w.env, timeout=60, check=False)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for (name, _, text), run in zip(cases, pool.map(run, cases)):
                with self.subTest(name):
                    self.assertEqual((run.returncode, run.stderr, run.stdout), (0, b"", text))

    def session_key(self, message, *options):
        return self.w.cardea("session-key", *options, data=message).stdout.decode().strip()

    def check_openpgp_js(self, opened):
        """opened: (name, message, session key, text)."""
        cases = [{"message": message.hex(), "session_key": key} for _, message, key, _ in opened]
        said = run_script("open_messages.js", cases=cases)
        self.assertEqual(len(said), len(opened))
        for (name, _, _, text), answer in zip(opened, said):
            with self.subTest(name, by="OpenPGP.js"):
                self.assertEqual(answer, {"text": text.hex()})

    def check_gpg_takes(self, message, key, text):
        """In a home without any key."""
        home = self.w.folder / "empty"
        home.mkdir(mode=0o700, exist_ok=True)
        run = self.w.gpg("--homedir", home, "--override-session-key", key, "-d", data=message)
        self.assertEqual(run.stdout, text)

    def check_sqop_takes(self, message, key, text):
        file = self.w.write("session-key", key.encode() + b"\n")
        run = subprocess.run(["sqop", "decrypt", "--with-session-key", file], input=message,
                             capture_output=True, check=False)
        self.assertEqual((run.returncode, run.stdout), (0, text), run.stderr)


class Gpg(Makers):
    CIPHERS = ["3DES", "CAST5", "AES", "AES192", "AES256", "TWOFISH", "CAMELLIA128", "CAMELLIA192",
               "CAMELLIA256"]

    def encrypt(self, algorithm, text, *options):
        return self.w.gpg("--trust-model", "always", "-r", f"{algorithm}@example.org", *options, "-e",
                          data=text).stdout

    def make(self, algorithm):
        """A key of this kind, as a file for a token; gpg keeps it, too, to say what it sees."""
        name = f"{algorithm}@example.org"
        self.w.gpg("--homedir", self.makers, "--passphrase", "", "--quick-gen-key", name, "ed25519", "sign",
                   "never")
        fingerprint = re.search(rb"fpr:+(\w+):", self.w.gpg("--homedir", self.makers, "--with-colons", "-K",
                                                            name).stdout)[1].decode()
        self.w.gpg("--homedir", self.makers, "--passphrase", "", "--quick-add-key", fingerprint, algorithm,
                   "encr", "never")
        self.w.gpg("--import", data=self.w.gpg("--homedir", self.makers, "--export", name).stdout)
        return self.w.gpg("--homedir", self.makers, "--passphrase", "", "--export-secret-keys", name).stdout

    def shown_by_gpg(self, message):
        said = self.w.gpg("--homedir", self.makers, "--show-session-key", "-d", data=message).stderr
        return re.search(rb"session key: '(.*)'", said)[1].decode()

    def setUp(self):
        super().setUp()
        self.makers = self.w.folder / "m"
        self.makers.mkdir(mode=0o700)
        self.addCleanup(subprocess.run, ["gpgconf", "--homedir", self.makers, "--kill", "all"], check=False)

    def test_every_body(self):
        self.insert(self.make("cv25519"))
        self.check_all([
            (f"{cipher} {compression} {armor} {len(text)}", self.encrypt(
                "cv25519", text, "--cipher-algo", cipher, "--compress-algo", compression, armor), text)
            for cipher in self.CIPHERS for compression in ("uncompressed", "zip", "zlib", "bzip2")
            for armor, text in (("--armor", TEXTS[1]), ("--no-armor", TEXTS[2]))])

    def test_every_key(self):
        """The session key is the one that gpg shows, and everybody takes it."""
        need("sq", "sqop", "node", "npm")
        opened = []
        for algorithm in RSA + CURVES:
            with self.subTest(algorithm):
                self.insert(self.make(algorithm))
                cases = [(armor, self.encrypt(algorithm, text, armor), text) for armor in ARMOR for text in TEXTS]
                self.check_all(cases)
                _, message, text = cases[1]
                key = self.session_key(message)
                self.assertEqual(key, self.shown_by_gpg(message))
                self.check_gpg_takes(message, key, text)
                self.check_sqop_takes(message, key, text)
                opened.append((algorithm, message, key, text))
        self.check_openpgp_js(opened)


class Derivations(Makers):
    def test_all_nine(self):
        """What a version 4 key derives with stands in its fingerprint alone; gpg makes keys of one pair."""
        with ClientWorld() as maker:
            maker.make_key()
            *_, key = secret_keys(maker.key_file.read_bytes()).values()
        for digest in 8, 9, 10:
            for cipher in 7, 8, 9:
                with self.subTest(digest=digest, cipher=cipher):
                    key.material = key.material[:-2] + bytes([digest, cipher])
                    self.insert(for_token(key))
                    self.check_all([("", self.message(key.created, key.material), TEXTS[1])])

    @staticmethod
    def message(created, material):
        body = b"\4" + created.to_bytes(4, "big") + bytes([ECDH]) + material
        fingerprint = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest()
        session_key = os.urandom(32)
        frame = openpgp_frame(session_key, 40)
        return make.Recipient(PublicKey(body), fingerprint).pkesk(frame) + make.seipd1(
            session_key, make.literal(TEXTS[1]))


class Sequoia(Makers):
    def setUp(self):
        need("sq", "sqop")
        super().setUp()

    def program(self, *words, data=None):
        return subprocess.run([str(w) for w in words], input=data, capture_output=True, check=True).stdout

    def encrypted(self, certificate):
        for text in TEXTS:
            for compression in "none", "pad", "zip", "zlib", "bzip2":
                for binary in [], ["--binary"]:
                    yield (f"sq {compression} {binary} {len(text)}", self.program(
                        "sq", "encrypt", "--compression", compression, *binary, "--recipient-cert",
                        certificate, data=text), text)
            for armor in [], ["--no-armor"]:
                yield f"sqop {armor}", self.program("sqop", "encrypt", *armor, certificate, data=text), text

    def test_every_suite(self):
        need("node", "npm")
        opened = []
        for suite in "cv25519", "rsa3k", "rsa4k":
            secret = self.w.folder / f"{suite}.key"
            self.program("sq", "key", "generate", "-u", "a", "--cipher-suite", suite, "--export", secret)
            certificate = self.w.write("certificate", self.program("sq", "key", "extract-cert", secret))
            self.insert(secret.read_bytes())
            cases = list(self.encrypted(certificate))
            self.check_all(cases)
            name, message, text = cases[-1]
            out = self.w.folder / f"{suite}.session-key"
            self.program("sqop", "decrypt", "--session-key-out", out, secret, data=message)
            key = self.session_key(message)
            self.assertEqual(key, out.read_text().strip())
            self.check_sqop_takes(message, key, text)
            self.check_gpg_takes(message, key, text)
            opened.append((suite, message, key, text))
        self.check_openpgp_js(opened)

    def test_keys_of_gpg(self):
        """sq makes keys on one curve, and encrypts to those on others."""
        for algorithm in SEQUOIA_CURVES + ["rsa2048"]:
            with ClientWorld() as maker:
                maker.make_key(algorithm)
                certificate = self.w.write("certificate", maker.gpg("--export").stdout)
                self.insert(maker.key_file.read_bytes())
            cases = [(f"{algorithm} {armor}", self.program("sqop", "encrypt", *armor, certificate, data=text), text)
                     for armor in ([], ["--no-armor"]) for text in TEXTS]
            self.check_all(cases)


class Rfc9580(Makers):
    """Appendices A.3, A.4 and A.8: a message to a version 6 key, opened by a token that has its scalar and the time at
    which it was made, and nothing else."""

    CREATED = 0x63877FE3
    POINT = "8693248367F9E5015DB922F8F48095DDA784987F2D5985B12FBAD16CAF5E4435"
    SCALAR = "4D600A4F794D44775C57A26E0FEEFED558E9AFFFD6AD0D582D57FB2BA2DCEDB8"
    MESSAGE = b"""-----BEGIN PGP MESSAGE-----

wV0GIQYSyD8ecG9jCP4VGkF3Q6HwM3kOk+mXhIjR2zeNqZMIhRmHzxjV8bU/gXzO
WgBM85PMiVi93AZfJfhK9QmxfdNnZBjeo1VDeVZheQHgaVf7yopqR6W1FT6NOrfS
aQIHAgZhZBZTW+CwcW1g4FKlbExAf56zaw76/prQoN+bAzxpohup69LA7JW/Vp0l
yZnuSj3hcFj0DfqLTGgr4/u717J+sPWbtQBfgMfG9AOIwwrUBqsFE9zW+f1zdlYo
bhF30A+IitsxxA==
-----END PGP MESSAGE-----
"""

    def test_sample(self):
        numbers = bytes.fromhex(self.SCALAR)
        key = types.SimpleNamespace(created=self.CREATED, algorithm=25, material=bytes.fromhex(self.POINT),
                                    numbers=numbers)
        self.insert(for_token(key))
        self.check_all([("A.8", self.MESSAGE, b"Hello, world!")])


class OpenPgpJs(Makers):
    @classmethod
    def setUpClass(cls):
        need("node", "npm")
        cls.keys, cls.cases = {}, {}
        for line in run_script("make_messages.js"):
            if "secret" in line:
                cls.keys[line["key"]] = line
            else:
                cls.cases.setdefault(line["key"], []).append(
                    (line["name"], bytes.fromhex(line["message"]), bytes.fromhex(line["text"]),
                     line["session_key"]))

    def insert_key(self, name, created=None):
        """Returns the options that the command needs."""
        line = self.keys[name]
        *_, key = secret_keys(bytes.fromhex(line["secret"])).values()
        self.insert(for_token(key, created))
        certificate = self.w.write("certificate", bytes.fromhex(line["certificate"]))
        alone = line["version"] == 4 or key.algorithm in (25, 26)
        return [] if alone and created is None else ["--certificate", certificate]

    def check_key(self, name):
        options = self.insert_key(name)
        self.check_all([case[:3] for case in self.cases[name]], *options)
        opened = []
        for container in {case[0].split()[1] for case in self.cases[name]}:
            case, message, text, expected = next(c for c in self.cases[name] if container in c[0])
            key = self.session_key(message, *options)
            algorithm, octets = key.split(":")
            self.assertEqual(octets, expected.split(":")[1])
            if algorithm != "0":
                self.assertEqual(key, expected)
            opened.append((f"{name} {case}", message, key, text))
        self.check_openpgp_js(opened)
        return opened

    def test_rfc9580(self):
        names = [name for name in self.keys if "packet 20" not in name]
        self.assertEqual(len(names), 13)
        for name in names:
            with self.subTest(name):
                self.check_key(name)

    def test_packet_20(self):
        for name in "packet 20 v4", "packet 20 v5":
            for _, message, key, text in self.check_key(name):
                self.check_gpg_takes(message, key, text)

    def test_recipients_are_hidden(self):
        """They are opened above with all others; here it is seen that nobody is named."""
        hidden = [message for cases in self.cases.values() for name, message, *_ in cases if "hidden" in name]
        self.assertEqual(len(hidden), 26)
        for message in hidden:
            _, body = next(packets(dearmor(message)))
            self.assertIn(body[:9], (b"\3" + bytes(8), b"\6\0" + body[2:9]))

    def test_a_certificate_makes_up_for_the_token(self):
        """A token that has another time of making knows neither the fingerprints nor the derivation."""
        for name in self.keys:
            options = self.insert_key(name, created=1)
            cases = [case[:3] for case in self.cases[name]][::18]
            with self.subTest(name):
                self.check_all(cases, *options)
                run = self.w.cardea("decrypt", data=cases[0][1], good=False)
                self.assertEqual(run.stdout, b"")


if __name__ == "__main__":
    need("gpg")
    main()
