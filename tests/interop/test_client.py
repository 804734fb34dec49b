"""The command cardea: messages, session keys and tokens for people and programs without GnuPG."""

import array
import email.message
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from codes import Code
from test_session_key import gpg_session_key, packet, pkesks
from openpgp import dearmor
from world import BIN, CURVES, RSA, World, main, need, process_state, wait_until

CARDEA = BIN / "cardea"
TEXT = "Dear Alice\n" * 20
OTHER = "bob@example.org"


def body_of(message):
    """What follows the PKESK packets."""
    data, at = dearmor(message), 0
    while data[at] & 0x3C == 1 << 2 and not data[at] & 0x40 or data[at] == 0xC1:
        head = data[at]
        if head & 0x40:
            first = data[at + 1]
            at += 2 + first if first < 192 else 3 + (first - 192 << 8) + data[at + 2] + 192
        else:
            size = (1, 2, 4)[head & 3]
            at += 1 + size + int.from_bytes(data[at + 1:at + 1 + size], "big")
    return data[at:]


def waiting_in(pipe):
    """How many octets."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


class ClientWorld(World):
    def cardea(self, *words, data=None, good=True, env=None, **options):
        run = subprocess.run([CARDEA, *map(str, words)], input=data, capture_output=True, timeout=60,
                             env=env or self.env, check=False, **options)
        if good and run.returncode:
            raise AssertionError(f"{words}: {run.returncode}: {run.stderr.decode()}")
        if not good and run.returncode != 1:
            raise AssertionError(f"{words}: ended with {run.returncode}, not 1: {run.stderr.decode()}")
        return run

    def popen(self, *words, **options):
        process = subprocess.Popen([CARDEA, *map(str, words)], env=self.env, stderr=subprocess.PIPE,
                                   **options)
        process.ends_with = None
        self.processes.append(process)
        return process

    def stop_all(self):
        problems = super().stop_all()
        for process in self.processes:
            for pipe in process.stdin, process.stdout, process.stderr:
                if pipe:
                    pipe.close()
        return problems

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def random_message(self, text):
        """Of version 1, and as large as the text."""
        return self.gpg("--trust-model", "always", "-z0", "-e", "-r", "alice@example.org",
                        data=text).stdout

    def litter(self):
        """What nobody asked for in the folder `out`."""
        return [p.name for p in (self.folder / "out").iterdir()]


class Shared(unittest.TestCase):
    """Tests that share a world with a token that holds Alice's key."""

    @classmethod
    def setUpClass(cls):
        cls.w = ClientWorld()
        cls.addClassCleanup(cls.w.__exit__, None, None, None)
        w = cls.w
        w.make_key("rsa2048", OTHER)
        w.key_file.unlink()
        cls.fingerprint = w.make_key()
        w.start_agent()
        w.start_token()
        cls.mail = w.encrypt(TEXT)
        cls.key = gpg_session_key(w, cls.mail)

    def setUp(self):
        self.out = self.w.folder / "out"
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()

    def check_refused(self, *words, data, says, partial=b""):
        run = self.w.cardea("decrypt", *words, data=data, good=False)
        self.assertTrue(partial.startswith(run.stdout), run.stdout)
        self.assertIn(says, run.stderr.decode())
        target = self.out / "file"
        run = self.w.cardea("decrypt", *words, "-o", target, data=data, good=False)
        self.assertEqual(run.stdout, b"")
        self.assertEqual(self.w.litter(), [])


class Decrypt(Shared):
    def test_ways_in_and_out(self):
        w = self.w
        file = w.write("mail.asc", self.mail)
        self.assertEqual(w.cardea("decrypt", data=self.mail).stdout.decode(), TEXT)
        self.assertEqual(w.cardea("decrypt", "-", data=dearmor(self.mail)).stdout.decode(), TEXT)
        run = w.cardea("decrypt", file)
        self.assertEqual((run.stdout.decode(), run.stderr), (TEXT, b""))
        target = self.out / "text"
        for options in ["-o", target], [f"--output={target}", "--overwrite"]:
            run = w.cardea("decrypt", file, *options)  # options may stand behind
            self.assertEqual((run.stdout, run.stderr), (b"", b""))
            self.assertEqual(target.read_text(), TEXT)
        self.assertEqual(w.litter(), ["text"])
        self.assertEqual(w.cardea("decrypt", "-o", "-", file).stdout.decode(), TEXT)

    def test_what_is_there_stays(self):
        target = self.w.write("out/there", b"precious")
        dangling = self.out / "link"
        dangling.symlink_to(self.out / "nowhere")
        for path in target, dangling:
            run = self.w.cardea("decrypt", "-o", path, data=self.mail, good=False)
            self.assertIn("--overwrite", run.stderr.decode())
        self.assertEqual(target.read_bytes(), b"precious")
        self.w.cardea("decrypt", "-o", target, "--overwrite", data=self.mail[:-60], good=False)
        self.assertEqual(target.read_bytes(), b"precious")
        self.assertEqual(sorted(self.w.litter()), ["link", "there"])

    def test_devices_are_written_to(self):
        self.w.cardea("decrypt", "-o", "/dev/null", "--overwrite", data=self.mail)
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())
        pipe = self.out / "pipe"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
        self.w.cardea("decrypt", "-o", pipe, data=self.mail)
        self.assertEqual(reader.communicate(timeout=20)[0].decode(), TEXT)
        run = self.w.cardea("decrypt", "-o", self.out, "--overwrite", data=self.mail, good=False)
        self.assertIn("directory", run.stderr.decode())

    def test_standard_output_by_its_other_names(self):
        """Where it is a file, too: that is written to, and nothing in /dev is replaced."""
        for name in "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
            for options in [], ["--overwrite"]:
                with open(self.out / "file", "wb") as file:
                    subprocess.run([CARDEA, "decrypt", "-o", name, *options], input=self.mail, stdout=file,
                                   env=self.w.env, check=True)
                self.assertEqual((self.out / "file").read_text(), TEXT)
            self.assertEqual(self.w.cardea("decrypt", "-o", name, data=self.mail).stdout.decode(), TEXT)
        self.assertTrue(pathlib.Path("/dev/stdout").is_symlink())

    def test_saved_mail(self):
        mail = email.message.EmailMessage()
        mail["From"] = "Jörg <j@example.org>"
        mail.add_attachment(b"Version: 1\n", "application", "pgp-encrypted")
        mail.add_attachment(self.mail.decode(), "plain", filename="encrypted.asc", cte="7bit")
        file = self.w.write("mail.eml", mail.as_bytes())
        self.assertEqual(self.w.cardea("decrypt", file).stdout.decode(), TEXT)

    def test_json_and_names(self):
        w = self.w
        mail = w.encrypt(TEXT, options=["--set-filename", "brief.txt"])
        said = json.loads(w.cardea("decrypt", "--json", data=mail).stderr)
        self.assertEqual((said["octets"], said["file-name"], said["touch"], said["signatures"]),
                         (len(TEXT), "brief.txt", False, []))
        self.assertEqual(said["key"], w.fingerprints(self.fingerprint)[1])
        self.assertAlmostEqual(said["date"], time.time(), delta=100)
        said = json.loads(w.cardea("--json", "decrypt", "-o", self.out / "x", data=mail).stdout)
        self.assertEqual(said["octets"], len(TEXT))

    def test_one_among_many(self):
        w = self.w
        theirs = packet(1, dearmor(b"".join(pkesks(w.encrypt("x", OTHER))))[6:])
        ours, body = pkesks(self.mail)[0], body_of(self.mail)
        for others in 29, 64, 200:
            for message in theirs * others + ours + body, ours + theirs * others + body:
                self.assertEqual(w.cardea("decrypt", data=message).stdout.decode(), TEXT)
        w.forget_commands()
        run = w.cardea("decrypt", data=theirs * 100 + body, good=False)
        self.assertIn("other keys", run.stderr.decode())
        self.assertEqual(w.commands_but_looks(), [])

    def test_hidden_recipients(self):
        w = self.w
        mail = w.encrypt(TEXT, options=["--throw-keyids"])
        self.assertEqual(w.cardea("decrypt", data=mail).stdout.decode(), TEXT)
        # Those that are named come first, and cost nothing but one decryption, also beyond a batch.
        hidden, named = pkesks(mail)[0], pkesks(self.mail)[0]
        w.forget_commands()
        message = hidden * 70 + named + body_of(self.mail)
        self.assertEqual(w.cardea("decrypt", data=message).stdout.decode(), TEXT)
        self.assertEqual(len(w.commands()), 1)
        # One of another message, that fits but does not open, does not end the search.
        other = bytearray(hidden)
        other[-1] ^= 1
        message = bytes(other) * 65 + hidden + body_of(mail)
        self.assertEqual(w.cardea("decrypt", data=message).stdout.decode(), TEXT)

    def test_session_keys(self):
        w = self.w
        file = w.write("key", self.key.encode() + b"\n")
        away = w.env | {"CARDEA_SOCKET": "/nowhere", "KEY": self.key}
        for words in ["--session-key", self.key], ["--session-key-file", file], \
                ["--session-key-file", "@ENV:KEY"]:
            run = w.cardea("decrypt", *words, data=self.mail, env=away)
            self.assertEqual(run.stdout.decode(), TEXT)
        with open(file, "rb") as f:
            run = w.cardea("decrypt", "--session-key-file", f"@FD:{f.fileno()}", data=self.mail,
                           env=away, pass_fds=[f.fileno()])
            self.assertEqual(run.stdout.decode(), TEXT)
        wrong = self.key[:-1] + ("0" if self.key[-1] != "0" else "1")
        run = w.cardea("decrypt", "--session-key", self.key.replace(":", ".2:"), data=self.mail, env=away)
        self.assertEqual(run.stdout.decode(), TEXT)  # as gpg writes it for packet 20
        for key in wrong, "9:00", "nonsense", "", "@ENV:NOT", self.key + "0" * 4000:
            run = w.cardea("decrypt", "--session-key-file", w.write("key", key.encode()),
                           data=self.mail, env=away, good=False)
            self.assertEqual(run.stdout, b"")
            self.assertTrue(run.stderr)
        for key in "9:00", "nonsense", self.key + "00":
            run = w.cardea("decrypt", "--session-key", key, data=self.mail, env=away, good=False)
            self.assertIn("the session key is not ALGO:HEX", run.stderr.decode())
        for name in "/nowhere", "@ENV:NOT", "@FD:99", "@FD:x", "@WORD:x":
            w.cardea("decrypt", "--session-key-file", name, data=self.mail, good=False)

    def test_an_argument_is_hidden(self):
        process = self.w.popen("decrypt", "--session-key", self.key, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        line = pathlib.Path(f"/proc/{process.pid}/cmdline")
        wait_until(lambda: b"cardea" in line.read_bytes() and
                   self.key[2:].encode() not in line.read_bytes(), "the key is gone from the arguments")
        out, _ = process.communicate(self.mail, timeout=20)
        self.assertEqual(out.decode(), TEXT)

    def test_list(self):
        w = self.w
        tokens = json.loads(w.cardea("list", "--json").stdout)
        self.assertEqual(len(tokens), 1)
        self.assertEqual((tokens[0]["pin-tries"], tokens[0]["admin-pin-tries"]), (3, 3))
        key = next(k for k in tokens[0]["keys"] if k["use"] == "decrypt")
        self.assertEqual((key["fingerprint"], key["keygrip"], key["algorithm"]),
                         (w.fingerprints(self.fingerprint)[1], w.keygrips(self.fingerprint)[1], "cv25519"))
        table = w.cardea("list").stdout.decode()
        for word in key["fingerprint"], "PIN tries", "decrypt", "cv25519":
            self.assertIn(word, table)
        self.assertNotIn("\t", table)

    def test_session_key_command(self):
        w = self.w
        self.assertEqual(w.cardea("session-key", data=self.mail).stdout.decode().strip(), self.key)
        said = json.loads(w.cardea("session-key", "--json", data=self.mail).stdout)
        self.assertEqual(said["session-key"], self.key)
        packets = b"".join(pkesks(self.mail)).hex()
        run = w.cardea("session-key", "--pkesk", packets)
        self.assertEqual(run.stdout.decode().strip(), self.key)
        for bad in "", "0", "zz", "00" * 20, packets[:-2]:
            w.cardea("session-key", "--pkesk", bad, good=False)

    def test_command_line(self):
        for words in [], ["sing"], ["--sing"], ["decrypt", "--sing"], ["decrypt", "a", "b"], \
                ["decrypt", "--max-output", "many"], ["decrypt", "--memory-limit", "0"], \
                ["list", "x"], ["session-key", "--pkesk", "00", "file"], ["list", "--output", "x"]:
            run = subprocess.run([CARDEA, *words], capture_output=True, env=self.w.env, check=False)
            self.assertEqual((run.returncode, run.stdout), (2, b""), words)
            begins = f"cardea {words[0]}: " if words and words[0] in ("decrypt", "list", "session-key") \
                else "cardea: " if words else "Usage: "
            self.assertTrue(run.stderr.decode().rpartition("bin/")[2].startswith(begins), run.stderr)
        for words in ["--help"], ["--version"], ["decrypt", "--help"], ["list", "--help"], \
                ["session-key", "--help"]:
            self.assertTrue(self.w.cardea(*words).stdout)


class Signatures(unittest.TestCase):
    def test_signatures(self):
        with ClientWorld() as w:
            w.make_key()
            signer = "carol@example.org"
            w.gpg("--passphrase", "", "--quick-gen-key", signer, "ed25519", "sign", "never")
            key_id = w.fingerprints(signer)[0][-16:]
            mail = w.encrypt(TEXT, options=["--sign", "-u", signer])
            w.forget_secret_keys()
            w.start_agent()
            w.start_token()
            run = w.cardea("decrypt", data=mail)
            self.assertEqual(run.stdout.decode(), TEXT)
            self.assertIn(f"signed with EdDSA key {key_id}, not verified by Cardea",
                          run.stderr.decode())
            self.assertEqual(w.cardea("-q", "decrypt", data=mail).stderr, b"")
            signatures = json.loads(w.cardea("decrypt", "--json", data=mail).stderr)["signatures"]
            self.assertIn(key_id, [s["key-id"] for s in signatures])
            self.assertFalse(any(s["verified"] for s in signatures))
            inside = w.folder / "packets"
            w.cardea("decrypt", "--unwrap", "-o", inside, data=mail)
            checked = w.gpg("--status-fd", "1", "-o", w.folder / "text", "--decrypt", inside)
            self.assertIn(b"GOODSIG " + key_id.encode(), checked.stdout)
            self.assertEqual((w.folder / "text").read_text(), TEXT)
            need("sq")
            certificate = w.write("carol", w.gpg("--export", signer).stdout)
            checked = subprocess.run(["sq", "verify", "--signer-cert", certificate, inside],
                                     capture_output=True, check=False)
            self.assertEqual((checked.returncode, checked.stdout.decode()), (0, TEXT), checked.stderr)


class Threads(Shared):
    def test_several_at_once(self):
        run = subprocess.run([BIN / "client-threads", self.w.write("mail", self.mail), self.key],
                             env=self.w.env, capture_output=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stdout), (0, b"ok\n"), run.stderr.decode())


class BadMessages(Shared):
    def test_what_is_no_message(self):
        w = self.w
        signed = subprocess.run(["gpg", "--batch", "--store"], input=b"x", env=w.env,
                                capture_output=True, check=True).stdout
        self.check_refused(data=b"", says="no OpenPGP message")
        self.check_refused(data=b"Dear Alice\n" * 100, says="no OpenPGP message")
        self.check_refused(data=signed, says="nothing to decrypt")

    def test_passphrase_alone(self):
        mail = self.w.gpg("-c", "--passphrase", "x", "--pinentry-mode", "loopback", data=b"x",
                          check=False).stdout
        if mail:
            self.check_refused(data=mail, says="passphrase")

    def test_held_in_a_file(self):
        w = self.w
        text = os.urandom(3_000_000)
        file = w.write("m", w.random_message(text))
        run = w.cardea("decrypt", "--memory-limit", "64K", file, env=w.env | {"TMPDIR": str(self.out)})
        self.assertEqual(run.stdout, text)
        self.assertEqual(w.litter(), [])
        run = w.cardea("decrypt", "--memory-limit", "64K", file,
                       env=w.env | {"TMPDIR": str(w.folder / "nowhere")}, good=False)
        self.assertEqual(run.stdout, b"")
        self.assertIn("no room to hold", run.stderr.decode())

    def test_outputs_that_fail(self):
        w = self.w
        run = w.cardea("decrypt", "-o", "/dev/full", data=self.mail, good=False)
        self.assertIn("No space left on device: the output cannot be written", run.stderr.decode())
        with open("/dev/full", "wb") as full:
            for words in ["list"], ["list", "--json"], ["--help"], ["session-key"], ["decrypt"]:
                run = subprocess.run([CARDEA, *words], env=w.env, input=self.mail, stdout=full,
                                     stderr=subprocess.PIPE, check=False)
                self.assertEqual(run.returncode, 1, words)
                self.assertIn(b"No space left", run.stderr, words)
            run = subprocess.run([CARDEA, "watch"], env=w.env, stdout=full, stderr=subprocess.PIPE, timeout=60,
                                 check=False)
            self.assertEqual(run.returncode, 1)
            self.assertRegex(run.stderr, rb"^cardea: standard output cannot be written(: No space left on device)?\n$")
        run = w.cardea("decrypt", "-o", w.folder / "no" / "file", data=self.mail, good=False)
        self.assertIn("No such file", run.stderr.decode())

    def test_disk_full(self):
        need("unshare", "mount")
        w = self.w
        message = w.write("m", w.random_message(os.urandom(3_000_000)))
        script = 'mount -t tmpfs -o size=1m none "$1" || exit 77; shift; dir=$1; shift; ' \
                 '"$@"; status=$?; ls -A "$dir" >&2; exit $status'
        key = gpg_session_key(w, message.read_bytes())
        for options in ["-o", self.out / "file"], ["--memory-limit", "64K"]:
            run = subprocess.run(
                ["unshare", "-rm", "sh", "-c", script, "sh", self.out, self.out, CARDEA, "decrypt",
                 "--session-key", key, *options, message],
                env=w.env | {"TMPDIR": str(self.out)}, capture_output=True, check=False)
            if run.returncode == 77 or b"unshare" in run.stderr:
                if os.environ.get("CI") == "true":
                    self.fail("no tmpfs can be mounted")
                self.skipTest("no tmpfs can be mounted")
            self.assertEqual((run.returncode, run.stdout), (1, b""))
            lines = run.stderr.decode().splitlines()
            self.assertEqual(len(lines), 1, lines)  # and ls found nothing
            self.assertIn("No space left on device", lines[0])

    def test_permission_denied(self):
        need("setpriv")
        weakly = [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        self.out.chmod(0o500)
        self.addCleanup(self.out.chmod, 0o700)
        run = subprocess.run([*weakly, CARDEA, "decrypt", "--session-key", self.key, "-o", self.out / "file"],
                             input=self.mail, capture_output=True, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn(b"Permission denied", run.stderr)
        self.assertEqual(self.w.litter(), [])
        # What is said of a file is about that, and not about cards.
        secret = self.w.write("secret", b"")
        secret.chmod(0)
        run = subprocess.run([*weakly, CARDEA, "decrypt", "--session-key-file", secret], input=self.mail,
                             capture_output=True, check=False)
        self.assertEqual((run.returncode, run.stderr.decode()), (1, f"cardea: {secret}: Permission denied\n"))

    def test_closed_descriptors(self):
        w = self.w
        script = 'exec "$@" 2>&-'
        target = self.out / "file"
        subprocess.run(["sh", "-c", script, "sh", CARDEA, "decrypt", "-o", target], input=self.mail,
                       env=w.env, check=True)
        self.assertEqual(target.read_text(), TEXT)
        file = w.write("mail", self.mail)
        for closed, words in (">&-", ["decrypt", file]), ("<&- >&-", ["decrypt", file]), (">&-", ["list"]), \
                (">&-", ["session-key", file]), (">&-", ["--version"]), ("<&-", ["decrypt"]):
            run = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", CARDEA, *words], env=w.env,
                                 capture_output=True, check=False)
            self.assertEqual((run.returncode, run.stdout), (1, b""), (closed, words))
            self.assertIn(b"Bad file descriptor", run.stderr, (closed, words))
        self.assertEqual(file.read_bytes(), self.mail)
        subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", CARDEA, "decrypt", "-o", "/dev/null", file], env=w.env,
                       check=True)


class Provisional(Shared):
    """What is written to a file before the end of the message, which is when it can be verified."""

    def setUp(self):
        super().setUp()
        self.text = os.urandom(3_000_000)
        self.message = self.w.random_message(self.text)
        self.key = gpg_session_key(self.w, self.message)
        self.words = ["decrypt", "--session-key", self.key, "-o", self.out / "file"]

    def read_almost_all(self, process):
        """Gives it all but the end of the message, and waits until it wants that, too."""
        process.stdin.write(self.message[:-10])
        process.stdin.flush()
        left = array.array("i", [1])

        def waits():
            fcntl.ioctl(process.stdin, termios.FIONREAD, left)
            return not left[0] and process_state(process.pid) == "S"
        wait_until(waits, "the message is read")

    @staticmethod
    def unnamed(process):
        """The size of the file without a name that it has open."""
        fds = pathlib.Path(f"/proc/{process.pid}/fd").iterdir()
        return sum(fd.stat().st_size for fd in fds if os.readlink(fd).endswith(" (deleted)"))

    def without_tmpfile(self):
        """Words that run a command for which the output's folder has no files without names."""
        need("strace")
        return ["strace", "-D", "-qq", "-o", self.w.folder / "strace", "-P", self.out, "-e",
                "trace=openat", "-e", "inject=openat:error=EOPNOTSUPP"]

    def env_without_tmpfile(self):
        # A leak checker is a tracer itself, and there may be but one.
        return self.w.env | {"ASAN_OPTIONS": "detect_leaks=0", "LSAN_OPTIONS": "detect_leaks=0"}

    def popen_without_tmpfile(self):
        process = subprocess.Popen([*self.without_tmpfile(), CARDEA, *self.words],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.env_without_tmpfile())
        process.ends_with = None
        self.w.processes.append(process)
        return process

    def test_is_seen_by_nobody(self):
        process = self.w.popen(*self.words, stdin=subprocess.PIPE)
        self.read_almost_all(process)
        self.assertGreater(self.unnamed(process), 2_000_000)
        self.assertEqual(self.w.litter(), [])
        process.stdin.write(self.message[-10:])
        process.stdin.close()
        self.assertEqual(process.wait(10), 0)
        self.assertEqual((self.out / "file").read_bytes(), self.text)

    def test_is_gone_with_us(self):
        for number in signal.SIGKILL, signal.SIGINT:
            process = self.w.popen(*self.words, stdin=subprocess.PIPE)
            self.read_almost_all(process)
            self.assertGreater(self.unnamed(process), 2_000_000)
            process.send_signal(number)
            self.assertEqual(process.wait(10), -number)
            self.assertEqual(self.w.litter(), [])

    def test_is_gone_when_it_was_changed(self):
        for at in -1, -30, len(self.message) // 2, len(self.message) - len(self.text):
            changed = bytearray(self.message)
            changed[at] ^= 1
            run = self.w.cardea(*self.words, data=bytes(changed), good=False)
            self.assertIn("was changed", run.stderr.decode())
            self.assertEqual(self.w.litter(), [], at)
        (self.out / "file").write_text("old")
        self.w.cardea(*self.words, "--overwrite", data=bytes(changed), good=False)
        self.assertEqual((self.out / "file").read_text(), "old")
        self.assertEqual(self.w.litter(), ["file"])

    def peak(self):
        """The most memory that it took to read almost all of the message, in KiB."""
        process = self.w.popen(*self.words, stdin=subprocess.PIPE)
        self.read_almost_all(process)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        process.kill()
        process.wait(10)
        return int(status.partition("VmHWM:")[2].split()[0])

    def test_takes_no_memory(self):
        small = self.peak()
        self.message = self.w.random_message(os.urandom(40_000_000))
        self.words[2] = gpg_session_key(self.w, self.message)
        self.assertLess(self.peak() - small, 10_000)

    def test_library(self):
        changed = bytearray(self.message)
        changed[-1] ^= 1
        text = len(self.text)
        for message, error, left, named in [(self.message, 0, text, [text, text]),
                                            (changed, Code.DECRYPT_FAILED, 0, [0, 0])]:
            file = self.w.write("m", bytes(message))
            run = subprocess.run([BIN / "client-provisional", self.key, self.out, file],
                                 capture_output=True, check=True, env=self.w.env)
            said = [[int(n) for n in line.split()] for line in run.stdout.splitlines()]
            self.assertEqual([line[0] for line in said], [error, error])
            self.assertGreater(said[0][1], text - 500_000)
            self.assertEqual((said[0][2], said[1][1:]), (left, named))

    def test_never_in_a_file_with_a_name(self):
        process = self.popen_without_tmpfile()
        self.read_almost_all(process)
        self.assertEqual([p.stat().st_size for p in self.out.iterdir()], [0])
        process.stdin.write(self.message[-10:])
        process.stdin.close()
        self.assertEqual(process.wait(10), 0)
        self.assertEqual((self.out / "file").read_bytes(), self.text)
        self.assertEqual(self.w.litter(), ["file"])
        self.assertIn("(INJECTED)", (self.w.folder / "strace").read_text())

    def test_held_beside_a_file_with_a_name(self):
        self.words += ["--memory-limit", "64K"]
        process = self.popen_without_tmpfile()
        self.read_almost_all(process)
        self.assertGreater(self.unnamed(process), 2_000_000)
        self.assertEqual([p.stat().st_size for p in self.out.iterdir()], [0])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), -signal.SIGINT)
        self.assertEqual(self.w.litter(), [])


class Interrupted(Shared):
    def test_while_the_pin_is_asked_for(self):
        for number in signal.SIGINT, signal.SIGTERM:
            with ClientWorld() as w:
                process = self.ask(w)
                begun = time.monotonic()
                process.send_signal(number)
                said = process.stderr.read()
                self.assertEqual(process.wait(10), -number)
                self.assertLess(time.monotonic() - begun, 10)
                self.assertIn(b"interrupted", said)
                self.assertEqual(w.litter(), [])
                wait_until(lambda: not w.agent_children(), "the prompt is gone, too")

    @staticmethod
    def ask(w):
        """A cardea that waits for a PIN that nobody types."""
        w.make_key()
        mail = w.write("mail", w.encrypt(TEXT))
        w.start_agent()
        w.start_token()
        w.pinentry(MODE="hang")
        (w.folder / "out").mkdir()
        process = w.popen("decrypt", "-o", w.folder / "out" / "file", mail)
        wait_until(lambda: w.pinentry_log.exists() and "GETPIN" in w.pinentry_log.read_text(),
                   "the PIN is asked for")
        return process

    def test_while_writing(self):
        w = self.w
        text = os.urandom(1_000_000)
        message = w.write("m", w.random_message(text))
        process = w.popen("decrypt", message, stdout=subprocess.PIPE)
        got = process.stdout.read(1000)
        wait_until(lambda: waiting_in(process.stdout) > 60000, "the pipe is full")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), -signal.SIGINT)
        self.assertTrue(text.startswith(got + process.stdout.read()))
        # A reader that has enough.
        process = w.popen("decrypt", message, stdout=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(10), 1)
        self.assertIn(b"Broken pipe", process.stderr.read())

    def test_agent_killed(self):
        with ClientWorld() as w:
            process = self.ask(w)
            pinentries = w.agent_children()
            w.agent_process.ends_with = -signal.SIGKILL
            w.agent_process.kill()
            w.agent_process.wait()
            self.assertEqual(process.wait(10), 1)
            self.assertIn(b"agent ended", process.stderr.read())
            self.assertEqual(w.litter(), [])
            for pid in pinentries:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass


class Agents(unittest.TestCase):
    def test_a_fresh_machine(self):
        """A home with nothing in it, no gpg anywhere: the token, the message, and Cardea."""
        for algorithm in RSA + CURVES:
            with self.subTest(algorithm):
                self.check_fresh_machine(algorithm)

    def check_fresh_machine(self, algorithm):
        with ClientWorld() as w:
            w.make_key(algorithm)
            mail = w.encrypt(TEXT)
            home = w.folder / "h"
            home.mkdir()
            config = home / ".config" / "cardea" / "agent.conf"
            config.parent.mkdir(parents=True)
            config.write_text(f"[agent]\nreader = {w.reader()}\n"
                              f"[pinentry]\nprogram = {BIN / 'fake-pinentry'}\n")
            env = {"HOME": str(home), "PATH": "/nowhere",
                   "FAKE_PINENTRY_CONTROL": str(w.pinentry_settings)}
            if "LD_PRELOAD" in os.environ:
                env["LD_PRELOAD"] = os.environ["LD_PRELOAD"]
            probe = subprocess.run([CARDEA, "list"], env=env, capture_output=True, timeout=20,
                                   check=False)
            agents = self.agents_of(home)
            try:
                self.assertEqual(probe.returncode, 0, probe.stderr)
                self.assertEqual(len(agents), 1)
                for fd in range(3):
                    self.assertEqual(os.readlink(f"/proc/{agents[0]}/fd/{fd}"), "/dev/null")
                w.start_token(wait=False)
                wait_until(lambda: b"decrypt" in subprocess.run(
                    [CARDEA, "list"], env=env, capture_output=True, timeout=20, check=False).stdout,
                    "the token is seen")
                run = subprocess.run([CARDEA, "decrypt"], env=env, input=mail, capture_output=True,
                                     timeout=20, check=False)
                self.assertEqual((run.stdout.decode(), run.stderr), (TEXT, b""))
                self.assertEqual(self.agents_of(home), agents)
            finally:
                for pid in agents:
                    os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not self.agents_of(home), "the agent has ended")

    @staticmethod
    def agents_of(home):
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes()
                if b"cardea-agent" in line and str(home).encode() in line \
                        and process_state(process.name) not in ("", "Z"):
                    found.append(int(process.name))
            except OSError:
                pass
        return found

    def test_ways_to_the_agent(self):
        with ClientWorld() as w:
            w.start_agent()
            away = {k: v for k, v in w.env.items() if k not in ("GNUPGHOME", "CARDEA_SOCKET")}
            for words, env in ([], w.env), (["--gnupghome", w.home], away), (["--socket", w.agent_socket], away), \
                    ([], away | {"CARDEA_SOCKET": w.agent_socket}), \
                    (["--socket", w.agent_socket], w.env | {"CARDEA_SOCKET": "/nowhere"}):
                run = w.cardea("list", "--no-start", *words, env=env)
                self.assertEqual(run.stdout, b"No token is inserted.\n")
            w.cardea("list", "--no-start", env=away, good=False)

    def test_no_agent(self):
        with ClientWorld() as w:
            for words, env in (["--no-start", "list"], w.env), \
                    (["--socket", "/nowhere", "list"], w.env), \
                    (["list"], w.env | {"CARDEA_SOCKET": "/nowhere"}):
                run = w.cardea(*words, env=env, good=False)
                self.assertIn("cardea-agent", run.stderr.decode())

    def test_gpg_agent_has_the_socket(self):
        need("gpg-agent")
        with ClientWorld() as w:
            subprocess.run(["gpg-connect-agent", "/bye"], env=w.env, check=True, capture_output=True)
            run = w.cardea("list", good=False)
            self.assertIn("gpgconf --kill gpg-agent", run.stderr.decode())

    def test_no_token(self):
        with ClientWorld() as w:
            w.make_key()
            mail = w.encrypt(TEXT)
            w.start_agent()
            self.assertEqual(w.cardea("list").stdout, b"No token is inserted.\n")
            self.assertEqual(json.loads(w.cardea("list", "--json").stdout), [])
            run = w.cardea("decrypt", data=mail, good=False)
            self.assertIn("insert the token", run.stderr.decode())

    def test_two_start_at_once(self):
        with ClientWorld() as w:
            w.configure(f"[agent]\nreader = {w.reader()}\n")
            clients = [w.popen("list", stdout=subprocess.PIPE) for _ in range(6)]
            try:
                for client in clients:
                    out, err = client.communicate(timeout=30)
                    self.assertEqual((client.returncode, out), (0, b"No token is inserted.\n"), err)
                wait_until(lambda: len(self.agents_of(w.home)) == 1, "one agent is left")
            finally:
                for pid in self.agents_of(w.home):
                    os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not self.agents_of(w.home), "the agent has ended")


class Hostile(unittest.TestCase):
    """What has the agent's socket and is no agent."""

    def serve(self, path, *lines):
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(path))
        server.listen()
        pid = os.fork()
        if not pid:
            connection, _ = server.accept()
            connection.sendall(b"OK hello\n")
            for line in lines:
                if not connection.recv(70000):
                    break
                connection.sendall(line)
            time.sleep(0.1)
            os._exit(0)
        self.addCleanup(os.waitpid, pid, 0)

    def test_answers(self):
        with ClientWorld() as w:
            w.make_key()
            mail = w.encrypt(TEXT)
            for number, lines in enumerate([
                    [b"D x\nOK\n", b"S TOKEN \nOK\n"],
                    [b"D x\nOK\n", b"S TOKEN " + b"A" * 500 + b"\nOK\n"],
                    [b"D x\nOK\n", b"S TOKEN D2 3.4 3 3 3 x\nS KEY 9 a b c 1 no\nOK\n"],
                    [b"D x\nOK\n", b"S TOKEN D2 3.4 3 3 3 x\n" * 100 + b"OK\n"],
                    [b"D x\nOK\n", b"garbage\n"], [b"D x\nOK\n", b"D " + b"x" * 3000 + b"\nOK\n"],
                    [b"D x\nOK\n", b""]]):
                path = w.folder / f"s{number}"
                self.serve(path, *lines)
                w.cardea("--socket", path, "list", good=False)
            for number, lines in enumerate([
                    [b"D x\nOK\n", b"D 9:" + b"A" * 200 + b"\nOK\n"], [b"D x\nOK\n", b"OK\n"],
                    [b"D x\nOK\n", b"D nonsense\nOK\n"], [b"D x\nOK\n", b"D 9:00%00\nOK\n"],
                    [b"D x\nOK\n", b"INQUIRE OTHER\n", b"D 9:00\nOK\n"],
                    [b"D x\nOK\n", b"INQUIRE PKESK\n", b"INQUIRE PKESK\n", b"ERR 1 x\n"]]):
                path = w.folder / f"t{number}"
                self.serve(path, *lines)
                run = w.cardea("--socket", path, "decrypt", data=mail, good=False)
                self.assertEqual(run.stdout, b"")


if __name__ == "__main__":
    main()
