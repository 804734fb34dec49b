"""cardea watch and cardea lock: events for people and for scripts."""

import datetime
import json
import os
import select
import signal
import subprocess
import unittest

from codes import Code
from test_client import ClientWorld
from test_watch import remembers_touches
from world import PATIENCE, main, wait_until

MAIL = "Dear Alice"


class Watching:
    """A `cardea watch` whose lines are read as they come."""

    def __init__(self, world, *options):
        self.process = world.popen("watch", *options, stdout=subprocess.PIPE)
        self.read = b""
        self.wait_for("watching")

    def lines(self):
        fd = self.process.stdout.fileno()
        while select.select([fd], [], [], 0)[0]:
            more = os.read(fd, 4096)
            if not more:
                break
            self.read += more
        return self.read.decode().split("\n")[:-1]

    def wait_for(self, text, count=1):
        """The last line with this in it, once there are as many."""
        def found():
            return [l for l in self.lines() if text in l]
        wait_until(lambda: len(found()) >= count, f"cardea watch tells {text}: {self.lines()}")
        return found()[-1]

    def end(self):
        """How it ends by itself, and what it says."""
        status = self.process.wait(PATIENCE)
        return status, self.process.stderr.read().decode()


class WatchCommand(unittest.TestCase):
    def begin(self, w, *token_options):
        self.fingerprint = w.make_key()
        self.mail = w.encrypt(MAIL)
        w.start_agent()
        w.start_token(*token_options)

    def test_lines_for_people(self):
        with ClientWorld() as w:
            self.begin(w, "--uif", "dec=on")
            subkey = w.fingerprints(self.fingerprint)[1]
            watching = Watching(w)
            w.decrypt(self.mail)
            watching.wait_for("served")
            w.cardea("lock")
            watching.wait_for("PINs forgotten")
            w.pinentry(MODE="cancel")
            w.decrypt(self.mail, check=False)
            self.assertRegex(watching.wait_for("failed"), r"gpg \(process \d+\).*: Operation (fully )?cancelled$")
            w.stop_token()
            watching.wait_for("card out")
            lines = watching.lines()
            about = rf": (?:python3.*, through )?gpg \(process \d+\), .*, key {subkey}"
            for line, what in zip(lines, ["watching$", "PIN wanted" + about, "PIN no longer wanted" + about,
                                          "touch wanted" + about, "touch no longer wanted" + about,
                                          "served" + about + "$", "PINs forgotten$", "PIN wanted" + about,
                                          "PIN no longer wanted" + about, "failed" + about, "card out: "]):
                self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{3}  " + what)
            self.assertEqual(len(lines), 11)

    def test_objects_for_scripts(self):
        with ClientWorld() as w:
            self.begin(w, "--uif", "dec=on")
            keygrip, subkey = w.keygrips(self.fingerprint)[1], w.fingerprints(self.fingerprint)[1]
            watching = Watching(w, "--json")
            before = datetime.datetime.now(datetime.timezone.utc)
            w.decrypt(self.mail)
            watching.wait_for("served")
            objects = [json.loads(line) for line in watching.lines()]
            self.assertEqual([o["event"] for o in objects],
                             ["watching", "pin-wanted", "pin-done", "touch-wanted", "touch-done", "served"])
            serial = json.loads(w.cardea("list", "--json").stdout)[0]["serial"]
            for o in objects[1:]:
                self.assertEqual(o["request"], 1)
                self.assertEqual(o["key"], {"keygrip": keygrip, "fingerprint": subkey})
                self.assertEqual(o["card"]["serial"], serial)
                self.assertEqual(set(o["card"]), {"name", "serial", "reader"})
                self.assertIn("gpg", o["client"]["name"])
                self.assertIn(str(o["client"]["pid"]), o["client"]["name"])
                self.assertRegex(o["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                late = datetime.datetime.fromisoformat(o["time"]) - before
                self.assertTrue(-0.01 < late.total_seconds() < PATIENCE, late)
            self.assertEqual([o.get("policy") for o in objects], [None, None, None, "on", None, None])
            self.assertIs(objects[-1]["from-cache"], False)
            w.pinentry(MODE="cancel")
            w.cardea("lock")
            w.decrypt(self.mail, check=False)
            error = json.loads(watching.wait_for('"failed"'))["error"]
            self.assertEqual(error["code"], Code.FULLY_CANCELED)
            self.assertIn("cancelled", error["text"])

    def test_a_touch_that_may_be_remembered(self):
        """Under a cached policy nobody but the token knows whether it waits."""
        with ClientWorld() as w:
            w.make_key()
            mail = w.encrypt(MAIL)
            w.start_agent()
            with w.start_token_behind_proxy("--uif", "dec=on") as proxy:
                w.insert(proxy, lambda _number, _command: remembers_touches)
                watching, objects = Watching(w), Watching(w, "--json")
                w.cardea("decrypt", data=mail)
                self.assertRegex(watching.wait_for("touch wanted"), "touch wanted, perhaps: ")
                self.assertEqual(json.loads(objects.wait_for("touch-wanted"))["policy"], "cached")

    def test_a_missed_touch_in_words(self):
        with ClientWorld() as w:
            self.begin(w, "--uif", "dec=on", "--touch", "never")
            watching = Watching(w)
            said = w.cardea("decrypt", data=self.mail, good=False).stderr.decode()
            self.assertIn("nobody touched the token in time", said)
            self.assertNotRegex(said, "PIN|secret key")
            self.assertIn("nobody touched the token in time", watching.wait_for("failed"))

    def test_ends(self):
        """By a signal as that, with the agent with 1 and a word, and when nobody reads."""
        for number in signal.SIGINT, signal.SIGTERM:
            with self.subTest(number), ClientWorld() as w:
                w.start_agent()
                watching = Watching(w)
                watching.process.send_signal(number)
                self.assertEqual(watching.end(), (-number, ""))
        for number in signal.SIGTERM, signal.SIGKILL:
            with self.subTest("agent", number=number), ClientWorld() as w:
                w.start_agent(ends_with=-number if number == signal.SIGKILL else 0)
                watching = Watching(w)
                w.stop_agent(number)
                self.assertEqual(watching.end(), (1, "cardea: the agent has ended\n"))
        with self.subTest("reader"), ClientWorld() as w:
            w.start_agent()
            watching = Watching(w)
            watching.process.stdout.close()
            w.cardea("lock")
            status, said = watching.end()
            self.assertEqual(status, 1)
            self.assertIn("standard output cannot be written", said)

    def test_many_at_once(self):
        with ClientWorld() as w:
            self.begin(w)
            watchings = [Watching(w, "--json") for _ in range(10)]
            for _ in range(5):
                w.cardea("decrypt", data=self.mail)
            for watching in watchings:
                watching.wait_for('"served"', 5)


class LockCommand(unittest.TestCase):
    def test_the_pin_is_asked_for_anew(self):
        with ClientWorld() as w:
            w.make_key()
            mail = w.encrypt(MAIL)
            w.start_agent()
            w.start_token()
            w.decrypt(mail)
            w.decrypt(mail)
            self.assertEqual(len(w.prompts()), 1)
            w.forget_commands()
            run = w.cardea("lock")
            self.assertEqual((run.stdout, run.stderr), (b"", b""))
            self.assertEqual(w.commands(), ["0020FF82"])
            w.decrypt(mail)
            self.assertEqual(len(w.prompts()), 2)

    def test_no_agent_is_started(self):
        with ClientWorld() as w:
            run = w.cardea("lock", good=False)
            self.assertIn("No agent running", run.stderr.decode())
            self.assertFalse(w.agent_answers())


if __name__ == "__main__":
    main()
