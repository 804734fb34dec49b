"""message/ without an agent, against gpg. The others, and the whole way, are in test_makers.py."""

import email.message
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from world import BIN, CURVES, main, need

try:
    from soft_token import secret_keys, unprotected_body
except ImportError as missing:
    print(f"missing: {missing.name} for python3")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

TOOL = BIN / "message-tool"
TEXT = b"Treffen um acht.\nBring nichts mit.\n" * 3


def tool(*words, data=None, good=True):
    run = subprocess.run([TOOL, *map(str, words)], input=data, capture_output=True)
    if good and run.returncode:
        raise AssertionError(f"{words}: {run.stderr.decode()}")
    if not good and run.returncode != 1:
        raise AssertionError(f"{words}: ended with {run.returncode}, not 1: {run.stderr.decode()}")
    return run


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cardea-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.home = self.path / "home"
        self.home.mkdir(mode=0o700)
        self.addCleanup(subprocess.run, ["gpgconf", "--homedir", self.home, "--kill", "all"],
                        stderr=subprocess.DEVNULL)

    def write(self, name, data):
        path = self.path / name
        path.write_bytes(data)
        return path

    def run_program(self, *words, data=None):
        return subprocess.run([str(w) for w in words], input=data, capture_output=True, check=True)

    def gpg(self, *words, data=None):
        return self.run_program("gpg", "--homedir", self.home, "--batch", "--quiet", "--yes",
                                "--trust-model", "always", *words, data=data)

    def make_gpg_key(self, name, algorithm):
        self.gpg("--passphrase", "", "--quick-gen-key", name,
                 "rsa2048" if algorithm.startswith("rsa") else "ed25519", "cert,sign")
        fingerprint = self.fingerprint(name)
        self.gpg("--passphrase", "", "--quick-add-key", fingerprint, algorithm, "encr")

    def fingerprint(self, name):
        return re.search(rb"^fpr:+([0-9A-F]+):", self.gpg("--with-colons", "-K", name).stdout,
                         re.MULTILINE)[1].decode()

    def gpg_session_key(self, message):
        run = self.gpg("--passphrase", "", "--pinentry-mode", "loopback", "--show-session-key",
                       "-o", "/dev/null", "-d", message)
        return re.search(rb"session key: '(.*)'", run.stderr)[1].decode()

    def encrypt(self, *words, data=TEXT, key="alice"):
        path = self.path / "message"
        self.gpg("-r", key, "-o", path, *words, "-e", data=data)
        return path

    def open_by_token(self, message, secret, certificate):
        """The session key from what a card would answer, by each way to the parameters."""
        keys = secret_keys(secret)
        facts = [line.split() for line in tool("keys", certificate).stdout.decode().splitlines()]
        opened = []
        for index, line in enumerate(tool("recipients", message).stdout.decode().splitlines()):
            _, algorithm, on_token, recipient, encrypted = line.split()
            self.assertEqual(on_token, "1")
            for place, key in keys.items():
                fingerprint = facts[place][3]
                key_id = fingerprint[-16:] if key.version == 4 else fingerprint[:16]
                if recipient not in (fingerprint, key_id):
                    continue
                self.assertEqual(key.algorithm, int(algorithm))
                result = key.decipher(bytes.fromhex(encrypted)).hex()
                run = tool("open", message, index, result, certificate, place)
                opened.append(run.stdout.decode().strip())
                if key.algorithm == 18 and key.version == 4:
                    run = tool("open", message, index, result, key.created, key.oid,
                               key.card_point().hex(), fingerprint)
                    opened.append(run.stdout.decode().strip())
        self.assertTrue(opened)
        return opened


class Gpg(Scratch):
    def test_ciphers_we_do_not_have_are_named(self):
        self.make_gpg_key("alice", "cv25519")
        for cipher in ("BLOWFISH", "IDEA"):
            message = self.encrypt("--cipher-algo", cipher)
            # A cipher unknown is one of the ways in which a session key can be wrong.
            self.assertTrue(tool("decrypt", self.gpg_session_key(message), message,
                                 good=False).stderr)

    def test_every_key_of_a_card(self):
        for algorithm in ["rsa2048", "rsa3072"] + CURVES:
            with self.subTest(algorithm):
                self.make_gpg_key(algorithm, algorithm)
                message = self.encrypt(key=algorithm)
                certificate = self.write("certificate", self.gpg("--export", algorithm).stdout)
                secret = self.gpg("--export-secret-keys", algorithm).stdout
                key = self.gpg_session_key(message)
                self.assertEqual(set(self.open_by_token(message, secret, certificate)), {key})
                self.assertEqual(tool("decrypt", key, message).stdout, TEXT)
                armored = self.write("armored", self.gpg("--armor", "--export", algorithm).stdout)
                self.assertEqual(tool("keys", certificate).stdout, tool("keys", armored).stdout)

    def test_signed_message_is_reported_and_unwrapped(self):
        self.make_gpg_key("alice", "cv25519")
        message = self.encrypt("--sign", "-u", "alice")
        key = self.gpg_session_key(message)
        run = tool("decrypt", key, message)
        self.assertEqual(run.stdout, TEXT)
        key_id = self.fingerprint("alice")[-16:]
        lines = run.stderr.decode().splitlines()
        self.assertIn(f"one-pass {key_id} 22 10 not verified by Cardea", lines)
        self.assertIn(f"signature {key_id} 22 10 not verified by Cardea", lines)
        packets = tool("decrypt", "--unwrap", key, message).stdout
        run = self.gpg("--status-fd", "2", "-d", self.write("unwrapped", packets))
        self.assertEqual(run.stdout, TEXT)
        self.assertIn(b"GOODSIG", run.stderr)

    def test_name_and_date_are_reported(self):
        self.make_gpg_key("alice", "cv25519")
        message = self.encrypt("--set-filename", "brief.txt", "--textmode")
        run = tool("decrypt", self.gpg_session_key(message), message)
        self.assertRegex(run.stderr.decode(), r"^literal t [0-9]+ brief.txt")

    def test_hidden_recipients(self):
        self.make_gpg_key("alice", "cv25519")
        self.make_gpg_key("bob", "rsa2048")
        message = self.encrypt("-R", "bob", "--throw-keyids")
        lines = tool("recipients", message).stdout.decode().splitlines()
        self.assertEqual([line.split()[3] for line in lines], ["0" * 16] * 2)

    def test_passphrase_beside_a_recipient(self):
        self.make_gpg_key("alice", "cv25519")
        message = self.encrypt("-c", "--passphrase", "x", "--pinentry-mode", "loopback")
        self.assertEqual(len(tool("recipients", message).stdout.splitlines()), 1)
        key = self.gpg_session_key(message)
        self.assertEqual(tool("decrypt", key, message).stdout, TEXT)

    def test_saved_mail(self):
        self.make_gpg_key("alice", "cv25519")
        armored = self.encrypt("--armor").read_bytes()
        key = self.gpg_session_key(self.path / "message")
        mail = email.message.EmailMessage()
        mail["From"] = "Jörg <j@example.org>"
        mail["Subject"] = "..."
        mail.add_attachment(b"Version: 1\n", "application", "pgp-encrypted")
        mail.add_attachment(armored.decode(), "plain", filename="encrypted.asc", cte="7bit")
        for data in (mail.as_bytes(), mail.as_bytes().replace(b"\n", b"\r\n"),
                     b"> quoted\n" + armored + b"-- \nJ\n",
                     armored.replace(b"=", b"=3D")):  # quoted-printable, as some mailers do
            self.assertEqual(tool("decrypt", key, "-", data=data).stdout, TEXT)

    def test_cut_and_wrong(self):
        self.make_gpg_key("alice", "cv25519")
        message = self.encrypt().read_bytes()
        key = self.gpg_session_key(self.path / "message")
        for length in range(len(message)):
            run = tool("decrypt", key, "-", data=message[:length], good=False)
            self.assertEqual(run.stdout, b"")
        wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
        self.assertIn(b"Decryption failed", tool("decrypt", wrong, "-", data=message,
                                                 good=False).stderr)

    def test_body_without_protection(self):
        """No program of today makes one; gpg says whether ours is right."""
        key = bytes(range(32))
        literal = b"\xcb" + bytes([6 + len(TEXT)]) + b"b\0\0\0\0\0" + TEXT
        body = unprotected_body(key, literal)
        message = self.write("message", b"\xc9" + bytes([len(body)]) + body)
        words = ("9:" + key.hex().upper(), message)
        run = self.gpg("--ignore-mdc-error", "--override-session-key", words[0], "-d", message)
        self.assertEqual(run.stdout, TEXT)
        self.assertIn(b"--accept-unprotected", tool("decrypt", *words, good=False).stderr)
        self.assertEqual(tool("decrypt", "--accept-unprotected", *words).stdout, TEXT)

    def test_max_output(self):
        self.make_gpg_key("alice", "cv25519")
        message = self.encrypt(data=bytes(10_000_000))
        self.assertLess(message.stat().st_size, 50_000)
        key = self.gpg_session_key(message)
        run = tool("decrypt", "--max-output", 1_000_000, key, message, good=False)
        self.assertLessEqual(len(run.stdout), 1_000_000)
        self.assertIn(b"Provided object is too large", run.stderr)


if __name__ == "__main__":
    need("gpg")
    main()
