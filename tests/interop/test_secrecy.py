"""What must not be seen, and what must not stay."""

import os
import pathlib
import re
import unittest

from world import World, main, wait_until

PIN = "70241986"
TEXT = "the cake is in the oven"


class SecretWorld(World):
    def begin(self, config=""):
        self.make_key("rsa2048")
        self.mail = self.encrypt(TEXT)
        self.pinentry(PIN=PIN)
        self.configure(config)
        self.start_agent("--log-level", "debug")
        self.start_token("--pin", PIN)

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.agent_process.pid}/{name}")

    def read(self):
        return self.decrypt(self.mail, options=["--show-session-key"])


class Secrecy(unittest.TestCase):
    def test_no_secret_in_the_log(self):
        with SecretWorld() as w:
            w.begin("[agent]\nsession-key-cache = 600\n")
            w.read()
            result = w.read()  # from memory
            self.assertEqual(len(w.deciphers()), 1)
            self.assertEqual(result.stdout.decode(), TEXT)
            key = re.search(rb"session key: '\d+:([0-9A-F]+)'", result.stderr).group(1).decode()
            log = w.log()
            self.assertIn("0020008", log, "the test is of a log that shows commands")
            for secret in PIN, PIN.encode().hex(), TEXT, key:
                self.assertNotIn(secret.lower(), log.lower())
            self.assertNotIn(f"lc={len(PIN)} ", log, "the length of a PIN is nobody's business")

    def test_no_file_is_written(self):
        with SecretWorld() as w:
            w.begin()
            w.read()  # gpg and the stand-ins make their files the first time
            before = set(w.folder.rglob("*"))
            with w.connect() as client:
                client.command("RELOADAGENT")
            w.read()
            self.assertEqual(len(w.prompts()), 2)
            new = {p for p in set(w.folder.rglob("*")) - before if w.token.folder not in p.parents}
            self.assertEqual(new, set())

    def test_nobody_looks_into_the_process(self):
        with SecretWorld() as w:
            w.begin()
            limits = w.proc("limits").read_text()
            self.assertRegex(limits, r"Max core file size +0 +0")
            self.assertRegex(w.proc("status").read_text(), r"NoNewPrivs:\s+1")
            if os.geteuid() != 0:
                # A process that may not be dumped belongs to root in /proc, whoever runs it.
                self.assertEqual(w.proc("mem").stat().st_uid, 0)


class Keeping(unittest.TestCase):
    """The PIN and what it opened end by the clock, on the card too."""

    def prompts_after(self, w, seconds, config):
        w.begin(config)
        w.read()
        self.assertEqual(len(w.prompts()), 1)
        w.read()
        before = len(w.prompts())
        w.forget_commands()
        wait_until(lambda: "0020FF82" in w.commands(), f"the card is locked after {seconds} s")
        w.read()
        return len(w.prompts()) - before

    def test_idle_time(self):
        with SecretWorld() as w:
            self.assertEqual(self.prompts_after(w, 1, "[pin-cache]\nttl = 1\n"), 1)

    def test_maximum(self):
        with SecretWorld() as w:
            self.assertEqual(self.prompts_after(w, 1, "[pin-cache]\nmax-ttl = 1\n"), 1)

    def test_none(self):
        with SecretWorld() as w:
            w.begin("[pin-cache]\nttl = 0\n")
            w.read()
            w.read()
            self.assertEqual(len(w.prompts()), 2)
            self.assertIn("0020FF82", w.commands())


if __name__ == "__main__":
    main()
