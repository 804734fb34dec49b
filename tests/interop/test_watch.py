"""WATCH: what happens is told as it happens, with who asked, for which key, on which card."""

import signal
import socket
import statistics
import threading
import time
import unittest
import urllib.parse

from codes import AGENT, SCD, Code
from test_session_key import packet, pkesks
from world import PATIENCE, PCSC, AssuanError, World, main, wait_until

MAIL = "Dear Alice"
STORY = ["pin-wanted", "pin-done", "touch-wanted", "touch-done", "served"]


class Event(dict):
    """One line of events: its name, and what it tells by key."""

    def __init__(self, line):
        self.name, *pairs = line.split(" ")
        super().__init__((key, urllib.parse.unquote_plus(value))
                         for key, _, value in (pair.partition("=") for pair in pairs))
        self.heard = time.time()


class Watcher:
    """A client that watches, in a thread of its own."""

    def __init__(self, world):
        self.client = world.connect()
        self.client.socket.settimeout(None)
        self.client.send(b"WATCH\n")
        assert self.client.read_line().rstrip() == b"S WATCHING"
        self.events, self.lost, self.last = [], 0, None
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.client.close()

    def listen(self):
        try:
            while True:
                line = self.client.read_line().decode()
                if line.startswith("S EVENT "):
                    self.events.append(Event(line[8:]))
                elif line.startswith("S LOST "):
                    self.lost += int(line[7:])
                else:
                    self.last = line
        except (EOFError, OSError):
            self.last = self.last or "EOF"

    def names(self):
        return [e.name for e in self.events]

    def wait_for(self, name, count=1):
        """The last event of this name, once there are as many."""
        def found():
            return [e for e in self.events if e.name == name]
        wait_until(lambda: len(found()) >= count, f"{name} is told; there were {self.names()}")
        return found()[-1]


class WatchWorld(World):
    def begin(self, *token_options, algorithm="cv25519", **agent_options):
        fingerprint = self.make_key(algorithm)
        self.subkey, self.keygrip = self.fingerprints(fingerprint)[1], self.keygrips(fingerprint)[1]
        self.mail = self.encrypt(MAIL)
        self.start_agent(**agent_options)
        self.start_token(*token_options)

    def ask(self, client=None):
        """One request by a client of our own; its session key."""
        with client or self.connect() as asker:
            return asker.command("SESSIONKEY", PKESK=b"".join(pkesks(self.mail)))


class Watch(unittest.TestCase):
    def test_a_card_comes_and_goes(self):
        with WatchWorld() as w:
            w.make_key()
            w.start_agent()
            with Watcher(w) as watcher:
                w.start_token()
                event = watcher.wait_for("card-in")
                self.assertIn("Virtual PCD" if PCSC else "reader0", event["reader"])
                self.assertNotIn("serial", event, "no card is asked before it is needed")
                w.decrypt(w.encrypt(MAIL))
                w.stop_token()
                event = watcher.wait_for("card-out")
                self.assertIn("Virtual PCD" if PCSC else "reader0", event["reader"])
                self.assertRegex(event["serial"], "^D27600012401")

    def test_a_request_from_begin_to_end(self):
        """With PIN and touch: every event names the client, the key and the card."""
        with WatchWorld() as w:
            w.begin("--uif", "dec=on", "--touch", "manual")
            with Watcher(w) as watcher:
                (w.folder / "mail").write_bytes(w.mail)
                gpg = w.start("gpg", "--batch", "-qd", "--output", w.folder / "out", w.folder / "mail")
                watcher.wait_for("touch-wanted")
                self.assertEqual(watcher.names(), STORY[:3])
                w.touch()
                watcher.wait_for("served")
                self.assertEqual(watcher.names(), STORY)
                self.assertEqual(gpg.wait(PATIENCE), 0)
                for event in watcher.events:
                    self.assertEqual(event["pid"], str(gpg.pid))
                    self.assertIn("gpg", event["client"])
                    self.assertEqual(event["request"], "1")
                    self.assertEqual(event["keygrip"], w.keygrip)
                    self.assertEqual(event["fingerprint"], w.subkey)
                    self.assertRegex(event["serial"], "^D27600012401")
                    self.assertIn("card", event)
                    self.assertIn("reader", event)
                    self.assertNotIn("from-cache", event)
                self.assertEqual([e.get("policy") for e in watcher.events],
                                 [None, None, "on", None, None])

    def test_failures_tell_why(self):
        with WatchWorld() as w:
            w.begin()
            w.pinentry(MODE="cancel")
            with Watcher(w) as watcher:
                self.assertNotEqual(w.decrypt(w.mail, check=False).returncode, 0)
                event = watcher.wait_for("failed")
                self.assertEqual(watcher.names(), ["pin-wanted", "pin-done", "failed"])
                self.assertEqual(int(event["error"]), AGENT << 24 | Code.FULLY_CANCELED)

    def test_cached_touch_is_no_promise(self):
        """A token that may still remember a touch is not claimed to wait for one."""
        with WatchWorld() as w:
            w.make_key()
            w.mail = w.encrypt(MAIL)
            w.start_agent()
            with w.start_token_behind_proxy("--uif", "dec=on") as proxy, Watcher(w) as watcher:
                w.insert(proxy, lambda _number, _command: remembers_touches)
                w.ask()
                self.assertEqual(watcher.wait_for("touch-wanted")["policy"], "cached")

    def test_locking(self):
        with WatchWorld() as w:
            w.begin()
            w.ask()
            ways = {"LOCK": lambda: command(w, "LOCK"),
                    "RELOADAGENT": lambda: command(w, "RELOADAGENT"),
                    "SIGHUP": lambda: w.agent_process.send_signal(signal.SIGHUP)}
            for number, (name, lock) in enumerate(ways.items(), 1):
                with self.subTest(name), Watcher(w) as watcher:
                    w.forget_commands()
                    lock()
                    watcher.wait_for("locked")
                    self.assertEqual(w.commands(), ["0020FF82"], "the card's state is dropped, too")
                    w.ask()
                    self.assertEqual(len(w.prompts()), 1 + number)

    def test_the_moment_they_happen(self):
        """From the event to the watcher."""
        with WatchWorld() as w:
            w.begin()
            w.ask()
            with Watcher(w) as watcher:
                for _ in range(50):
                    w.ask()
                watcher.wait_for("served", 50)
                late = [e.heard - int(e["time"]) / 1000 for e in watcher.events]
                print(f"event to watcher: median {1000 * statistics.median(late):.2f} ms, "
                      f"most {1000 * max(late):.2f} ms")
                self.assertLess(statistics.median(late), 1)


class Watching(unittest.TestCase):
    """A watcher is a guest: it leaves when it likes, and keeps nobody waiting."""

    def test_ends_by_a_line(self):
        with World() as w:
            w.start_agent()
            for line in b"END\n", b"\n", b"WATCH\n":
                with w.connect() as client:
                    client.send(b"WATCH\n")
                    self.assertEqual(client.read_line().rstrip(), b"S WATCHING")
                    client.send(line)
                    client.answer()
                    self.assertTrue(client.command("GETINFO pid"), "the session goes on")

    def test_ends_by_a_line_that_came_early(self):
        with World() as w:
            w.start_agent()
            with w.connect() as client:
                client.send(b"WATCH\nEND\nGETINFO pid\n")
                client.answer()
                self.assertEqual(client.answer(), str(w.agent_process.pid).encode())

    def test_hanging_up_is_noticed(self):
        with World() as w:
            w.start_agent("--config", limit(w, 1), wait=False)
            for _ in range(5):
                with welcome(w) as client:
                    client.send(b"WATCH\n")
                    self.assertEqual(client.read_line().rstrip(), b"S WATCHING")
            welcome(w).close()

    def test_counts_as_a_connection(self):
        with World() as w:
            w.start_agent("--config", limit(w, 1), wait=False)
            with welcome(w) as client:
                client.send(b"WATCH\n")
                self.assertEqual(client.read_line().rstrip(), b"S WATCHING")
                with w.connect() as other:
                    self.assertIn(b"too many connections", other.greeting)

    def test_one_who_does_not_read_delays_nobody(self):
        """And hears how much it has lost."""
        with WatchWorld() as w:
            w.begin()
            w.ask()
            with w.connect() as sleeper, w.connect() as client:
                sleeper.send(b"WATCH\n")
                self.assertEqual(sleeper.read_line().rstrip(), b"S WATCHING")
                foreign = packet(1, b"\3" + bytes(8) + b"\x10" + b"\0\1\1" * 2)  # Elgamal
                count = 3000
                for _ in range(count):
                    with self.assertRaises(AssuanError):
                        client.command("SESSIONKEY", PKESK=foreign)
                heard, lost = 0, 0
                while heard + lost < count:
                    line = sleeper.read_line()
                    heard += line.startswith(b"S EVENT failed")
                    lost += int(line[7:]) if line.startswith(b"S LOST ") else 0
                self.assertGreater(lost, 0, "the test filled the watcher's room")
                self.assertEqual(heard + lost, count)

    def test_the_agent_stops(self):
        with World() as w:
            w.start_agent()
            with Watcher(w) as watcher:
                self.assertEqual(w.stop_agent(), 0)
                wait_until(lambda: watcher.last, "the watcher hears of it")


class Touch(unittest.TestCase):
    def test_others_are_answered_while_one_is_awaited(self):
        with WatchWorld() as w:
            w.begin("--uif", "dec=on", "--touch", "manual")
            command(w, "KEYINFO --list")  # from now on all keys are known
            with Watcher(w) as watcher:
                asker = threading.Thread(target=w.ask)
                asker.start()
                watcher.wait_for("touch-wanted")
                for line in ("GETINFO pid", "HAVEKEY " + w.keygrip, "HAVEKEY --list=1000", "KEYINFO --list",
                             "READKEY " + w.keygrip, "TOKENS", "GETEVENTCOUNTER"):
                    begun = time.monotonic()
                    command(w, line)
                    self.assertLess(time.monotonic() - begun, 5, line)  # the touch may take 15
                self.assertEqual(watcher.names()[-1], "touch-wanted", "it is still awaited")
                w.touch()
                asker.join(PATIENCE)
                watcher.wait_for("served")
                self.assertEqual(watcher.names(), STORY)

    def test_a_touch_that_never_came(self):
        """Its own error; the PIN stays, and none is burned."""
        with WatchWorld() as w:
            w.begin("--uif", "dec=on", "--touch", "never")
            with Watcher(w) as watcher:
                for attempt in 1, 2:
                    with self.assertRaises(AssuanError) as caught:
                        w.ask()
                    self.assertEqual((caught.exception.source, caught.exception.code), (SCD, Code.TIMEOUT))
                    self.assertIn("nobody touched the token in time", str(caught.exception))
                    event = watcher.wait_for("failed", attempt)
                    self.assertEqual(int(event["error"]), SCD << 24 | Code.TIMEOUT)
                self.assertEqual(watcher.names(), [*STORY[:4], "failed", *STORY[2:4], "failed"])
                said = w.decrypt(w.mail, check=False).stderr.decode()
                self.assertIn("public key decryption failed: Timeout", said)
                self.assertNotIn("PIN", said)
                self.assertEqual((len(w.verifies()), len(w.prompts())), (1, 1))
                self.assertIn("nobody touched the token in time", w.log())


def command(world, line):
    with world.connect() as client:
        return client.command(line)


def limit(world, connections):
    path = world.folder / "limits"
    path.write_text(f"[agent]\nmax-connections = {connections}\n")
    return path


def welcome(world):
    """A client that is served, once the agent has room for one."""
    clients = []

    def served():
        try:
            clients.append(world.connect())
        except OSError:
            return False
        if clients[-1].greeting.startswith(b"OK"):
            return True
        clients.pop().close()
        return False
    wait_until(served, "there is room for a client")
    return clients[0]


def remembers_touches(_proxy, command, ask):
    """The token, but that its touch policy is another: cached, in DO D7."""
    return ask(command).replace(bytes.fromhex("D7020120"), bytes.fromhex("D7020320"))


if __name__ == "__main__":
    main()
