"""cardea-sop, the Stateless OpenPGP interface, against the exit codes that the draft gives."""

import os
import signal
import subprocess
import unittest

from test_client import TEXT, ClientWorld
from test_session_key import gpg_session_key
from world import BIN, PATIENCE, main, need, wait_until

SOP = BIN / "cardea-sop"


def forget_times(_proxy, command, ask):
    """The card does not say when its keys were made (DO CD)."""
    reply = ask(command)
    at = reply.find(b"\xCD\x0C")
    return reply if at < 0 else reply[:at + 2] + bytes(12) + reply[at + 14:]


class Sop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = w = ClientWorld()
        cls.addClassCleanup(w.__exit__, None, None, None)
        w.make_key("rsa2048", "bob@example.org")
        w.key_file.unlink()
        cls.other = w.write("other", w.gpg("--export", "bob@example.org").stdout)
        cls.fingerprint = w.make_key()
        w.start_agent()
        w.start_token()
        cls.mail = w.encrypt(TEXT)
        cls.key = gpg_session_key(w, cls.mail)
        cls.certificate = w.write("cert", w.gpg("--export", cls.fingerprint).stdout)
        cls.armored = w.write("cert.asc", w.gpg("--armor", "--export", cls.fingerprint).stdout)

    def sop(self, *words, data=None, status=0, env=None, **options):
        run = subprocess.run([SOP, *map(str, words)], input=self.mail if data is None else data,
                             capture_output=True, env=env or self.w.env, timeout=60, check=False,
                             **options)
        self.assertEqual(run.returncode, status, (words, run.stderr))
        self.assertEqual(bool(run.stderr), status != 0, run.stderr)
        if status:
            self.assertEqual(run.stdout, b"")
        return run.stdout

    def test_version(self):
        self.assertRegex(self.sop("version").decode(), r"^cardea \d+\.\d+\.\d+\n$")
        self.assertTrue(self.sop("version", "--backend"))
        self.assertEqual(self.sop("version", "--extended").decode().splitlines()[0],
                         self.sop("version").decode().strip())
        self.sop("version", "--sop-spec", status=37)  # no draft is claimed
        self.sop("version", "--sopv", status=37)
        self.sop("version", "--backend", "--extended", status=83)

    def test_decrypt(self):
        self.assertEqual(self.sop("decrypt").decode(), TEXT)
        self.assertEqual(self.sop("decrypt", self.certificate).decode(), TEXT)
        self.assertEqual(self.sop("decrypt", "--", self.armored, self.certificate).decode(), TEXT)
        env = self.w.env | {"CERT": self.armored.read_text()}
        self.assertEqual(self.sop("decrypt", "@ENV:CERT", env=env).decode(), TEXT)
        with open(self.certificate, "rb") as f:
            out = self.sop("decrypt", f"@FD:{f.fileno()}", pass_fds=[f.fileno()])
        self.assertEqual(out.decode(), TEXT)

    def test_session_keys(self):
        need("sqop")
        w = self.w
        out = w.folder / "key-out"
        out.unlink(missing_ok=True)
        self.assertEqual(self.sop("decrypt", f"--session-key-out={out}").decode(), TEXT)
        self.assertEqual(out.read_text(), self.key + "\n")
        self.sop("decrypt", f"--session-key-out={out}", status=59)
        self.assertEqual(out.read_text(), self.key + "\n")
        away = w.env | {"CARDEA_SOCKET": "/nowhere", "KEY": self.key}
        wrong = w.write("wrong", self.key[:-1].encode() + (b"0" if self.key[-1] != "0" else b"1"))
        for words in [f"--with-session-key={out}"], ["--with-session-key=@ENV:KEY"], \
                [f"--with-session-key={wrong}", f"--with-session-key={out}"]:
            self.assertEqual(self.sop("decrypt", *words, env=away).decode(), TEXT)
        self.sop("decrypt", f"--with-session-key={wrong}", status=29)
        self.assertEqual(self.sop("decrypt", f"--with-session-key={wrong}",
                                  self.certificate).decode(), TEXT)
        self.sop("decrypt", f"--with-session-key={w.write('bad', b'nonsense')}", status=41)
        self.assertEqual(self.key, self.key.upper())
        # What others make of the file.
        run = subprocess.run(["sqop", "decrypt", "--with-session-key", out], input=self.mail,
                             capture_output=True, check=False)
        self.assertEqual((run.returncode, run.stdout.decode()), (0, TEXT), run.stderr)

    def test_session_key_file_is_there_only_when_all_is_well(self):
        w = self.w
        folder = w.folder / "keys"
        folder.mkdir()
        out = folder / "out"
        cut = self.mail[:len(self.mail) // 2]
        self.sop("decrypt", f"--session-key-out={out}", data=cut, status=41)
        self.sop("decrypt", f"--session-key-out={out}", data=w.encrypt("x", "bob@example.org"), status=97)
        with open("/dev/full", "wb") as full:
            run = subprocess.run([SOP, "decrypt", f"--session-key-out={out}"], input=self.mail, env=w.env,
                                 stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(list(folder.iterdir()), [])
        self.sop("decrypt", f"--session-key-out={folder / 'no' / 'out'}", status=1)
        out.symlink_to(folder / "nowhere")
        self.sop("decrypt", f"--session-key-out={out}", status=59)
        self.assertEqual(list(folder.iterdir()), [out])
        with open(folder / "fd", "w+b") as f:
            run = self.sop("decrypt", f"--session-key-out=@FD:{f.fileno()}", pass_fds=[f.fileno()])
            f.seek(0)
            self.assertEqual((run.decode(), f.read().decode()), (TEXT, self.key + "\n"))

    def test_session_key_descriptor_that_takes_nothing(self):
        """No text comes out when the session key cannot."""
        with open("/dev/null", "rb") as f:
            for fd, passed in (f.fileno(), [f.fileno()]), (99, []), ("x", []):
                self.sop("decrypt", f"--session-key-out=@FD:{fd}", pass_fds=passed, status=61)

    def test_interrupted(self):
        """Also where every file has a name, no session key file is left."""
        folder = self.w.folder / "interrupted"
        folder.mkdir()
        env = self.w.env | {"LD_PRELOAD": str(BIN / "no-nameless.so"),
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        process = subprocess.Popen([SOP, "decrypt", f"--session-key-out={folder}/out"], env=env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            process.stdin.write(self.mail[:100])
            process.stdin.flush()
            wait_until(lambda: list(folder.iterdir()), "the session key has a file")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(PATIENCE), -signal.SIGINT)
        self.assertEqual(list(folder.iterdir()), [])

    def test_closed_descriptors(self):
        for closed in ">&-", "<&-":
            run = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", SOP, "decrypt"], input=self.mail,
                                 env=self.w.env, capture_output=True, check=False)
            self.assertEqual((run.returncode, run.stdout), (1, b""))
            self.assertIn(b"Bad file descriptor", run.stderr)

    def test_exit_codes(self):
        w = self.w
        foreign = w.encrypt("x", "bob@example.org")
        for words, data, status in [
                (["decrypt"], foreign, 97), (["decrypt"], b"", 41), (["decrypt"], b"Dear Alice", 41),
                (["decrypt"], self.mail[:len(self.mail) // 2], 41),
                (["decrypt", "/nowhere"], None, 61), (["decrypt", "@ENV:NOT"], None, 61),
                (["decrypt", "@WORD:x"], None, 71), (["decrypt", "--session-key-out=@ENV:X"], None, 71),
                (["decrypt", w.write("none", b"nothing")], None, 41),
                (["decrypt", "--with-session-key"], None, 19), ([], None, 19),
                (["decrypt", "--what"], None, 37), (["decrypt", "--with-password=x"], None, 37),
                (["decrypt", "--verify-with=x"], None, 37), (["decrypt", "--verifications-out=x"], None, 37),
                (["decrypt", "--session-key-out=/a", "--session-key-out=/b"], None, 83),
                (["encrypt"], None, 69), (["sign"], None, 69), (["list-profiles", "x"], None, 69)]:
            with self.subTest(words=words, status=status):
                self.sop(*words, data=data, status=status)

    def test_token_trouble(self):
        with ClientWorld() as w:
            w.make_key()
            mail = w.encrypt(TEXT)
            w.start_agent()
            self.sop("decrypt", data=mail, env=w.env, status=97)
            self.sop("decrypt", data=mail, env=w.env | {"CARDEA_SOCKET": "/nowhere"}, status=101)
            w.start_token()
            w.pinentry(MODE="cancel")
            self.sop("decrypt", data=mail, env=w.env, status=67)
            w.pinentry(MODE="empty-pin")
            self.sop("decrypt", data=mail, env=w.env, status=67)
            w.pinentry(MODE="pin", PIN="654321")
            self.sop("decrypt", data=mail, env=w.env, status=101)  # blocked after the last try

    def test_certificate_overrides(self):
        """A token that does not know when its key was made cannot tell how it derives."""
        with ClientWorld() as w:
            fingerprint = w.make_key()
            mail = w.encrypt(TEXT)
            certificate = w.write("cert", w.gpg("--export", fingerprint).stdout)
            w.start_agent()
            with w.start_token_behind_proxy() as proxy:
                proxy.insert(lambda _number, _command: forget_times)
                w.wait_for_card()
                self.sop("decrypt", data=mail, env=w.env, status=29)
                self.assertEqual(self.sop("decrypt", certificate, data=mail, env=w.env).decode(), TEXT)
                run = w.cardea("decrypt", "--certificate", certificate, data=mail)
                self.assertEqual(run.stdout.decode(), TEXT)
                run = w.cardea("decrypt", "--certificate", self.other, data=mail, good=False)
                self.assertEqual(run.stdout, b"")
                w.cardea("decrypt", "--certificate", "/dev/null", data=mail, good=False)


if __name__ == "__main__":
    main()
