"""The examples of man pages and --help do what they say when they are pasted."""

import os
import pathlib
import re
import signal
import subprocess
import unittest

from test_client import TEXT, ClientWorld
from world import BIN, main, need, wait_until

ROOT = pathlib.Path(__file__).parents[2]

# Those that go on until somebody ends them.
LASTING = {"cardea watch", "cardea watch --json | jq -r 'select(.event == \"touch-wanted\").client.name'",
           "swayidle -w before-sleep 'cardea lock'"}


def manual(name):
    """Its examples, as they are shown."""
    text = (ROOT / "doc" / name).read_text().split("\n.Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.S | re.M) + re.findall(r"^\.Dl (.*)", text, re.M)
    return [block.replace("\\e", "\\").rstrip("\n") for block in blocks]


def helped(*words):
    text = subprocess.run([BIN / words[0], *words[1:], "--help"], capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in text.split("\nExamples:\n")[1].splitlines()]


class Examples(unittest.TestCase):
    def setUp(self):
        self.w = w = ClientWorld()
        self.addCleanup(w.__exit__, None, None, None)
        self.work = w.folder / "work"
        self.work.mkdir()
        w.env["PATH"] = f"{BIN}:{os.environ['PATH']}"

    def sh(self, script, status=0):
        run = subprocess.run(["sh", "-c", script], cwd=self.work, env=self.w.env, capture_output=True, text=True,
                             timeout=60, check=False)
        self.assertEqual(run.returncode, status, (script, run.stderr))
        return run.stdout

    def make_messages(self):
        """What the examples find: messages to Alice, and Bob, who signed some of them."""
        w = self.w
        w.make_key()
        w.gpg("--passphrase", "", "--quick-gen-key", "bob@example.org", "ed25519", "sign", "never")
        (self.work / "bob.pgp").write_bytes(w.gpg("--export", "bob@example.org").stdout)
        mail = w.encrypt(TEXT, options=["--sign", "-u", "bob@example.org"])
        for name in "mail.eml", "mail.asc", "report.pdf.gpg":
            (self.work / name).write_bytes(mail)
        w.forget_secret_keys()

    def test_commands(self):
        need("jq", "sq", "sqop")
        self.make_messages()
        self.w.start_agent()
        self.w.start_token()
        expected = {"cardea decrypt mail.eml": TEXT, "cardea decrypt -o report.pdf report.pdf.gpg": "",
                    "cardea decrypt --unwrap mail.asc | sq verify --signer-cert bob.pgp": TEXT,
                    "cardea session-key mail.asc | gpg --override-session-key-fd 0 -d mail.asc": TEXT,
                    "cardea list --json | jq -r '.[].keys[].fingerprint'":
                        "".join(f + "\n" for f in self.w.fingerprints("alice")),
                    "cardea-sop decrypt <mail.asc": TEXT,
                    "cardea-sop decrypt --session-key-out=key <mail.asc": TEXT,
                    "sqop decrypt --with-session-key key <mail.asc": TEXT,
                    "cardea list --json | jq -r '.[] | select(.inserted | not).serial'": "",
                    "cardea forget D2760001240103040006123456780000": None}  # it is not known
        lines = [line for name in ("cardea.1", "cardea-sop.1") for block in manual(name)
                 for line in block.splitlines()]
        for command in "decrypt", "session-key", "list", "forget", "watch", "lock":
            lines += helped("cardea", command)
        for line in dict.fromkeys(lines + helped("cardea")):
            if line in LASTING:
                continue
            with self.subTest(line):
                (self.work / "report.pdf").unlink(missing_ok=True)
                said = self.sh(line, status=1 if expected.get(line, "") is None else 0)
                if expected.get(line):
                    self.assertEqual(said, expected[line])
        self.assertEqual((self.work / "key").read_text(), self.sh("cardea session-key mail.asc"))

    def test_agent(self):
        w = self.w
        self.make_messages()
        (self.work / "secret.key").write_bytes(w.key_file.read_bytes())
        w.configure(f"[agent]\nreader = {w.reader()}\n[pinentry]\nprogram = {BIN}/fake-pinentry\n")
        w.start_token(wait=False)
        wait_until(lambda: "Card inserted into" in pathlib.Path(os.environ["PCSCD_LOG"]).read_text(), "a card is in")
        lasting, virtual, once = manual("cardea-agent.1")
        self.assertEqual(self.sh(once), TEXT)
        for example in lasting, virtual.replace("/tmp/reader", f"{self.work}/reader"):
            with self.subTest(example):
                shell = w.start("sh", "-c", example, cwd=self.work, ends_with=None, stderr=subprocess.DEVNULL,
                                start_new_session=True)
                wait_until(w.agent_answers, "the agent answers")
                w.wait_for_card()
                self.assertEqual(self.sh("cardea decrypt mail.asc"), TEXT)
                self.sh("gpgconf --kill gpg-agent")
                if shell.poll() is None:  # the token would wait for the next agent
                    os.killpg(shell.pid, signal.SIGTERM)
                wait_until(lambda: shell.poll() is not None and not w.agent_answers(), "all has ended")

    def test_configuration(self):
        for number, example in enumerate(manual("cardea-agent.conf.5")):
            file = self.work / f"conf{number}"
            file.write_text(example)
            self.sh(f"cardea-agent --config {file} --reader {self.w.reader()} -- true")


if __name__ == "__main__":
    main()
