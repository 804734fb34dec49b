"""A token that is known and not in is asked for by name; insertion ends the prompt, and nobody else waits."""

import json
import subprocess
import threading
import time
import unittest

import openpgp
from codes import AGENT, Code
from test_session_key import pkesks
from test_watch import Watcher
from world import BIN, PATIENCE, PCSC, AssuanError, World, main, wait_until

SERIALS = {"alice": "11111111", "bob": "22222222"}


class TokenWorld(World):
    """Alice's token was in reader 0 once, or Bob's in reader 1, or both; it is out now."""

    def __init__(self, config="", names=("alice",)):
        super().__init__()
        self.configure(config)
        self.names = names
        self.token_of, self.keygrip, self.mail, self.request = {}, {}, {}, {}

    def __enter__(self):
        super().__enter__()
        for name in (*self.names, "carol"):  # of whose token nobody has heard
            self.make_key(name=f"{name}@example.org")
        self.start_agent(readers=[self.reader(i) for i in range(len(self.names))])
        for reader, name in enumerate(self.names):
            key_file = self.folder / f"{name}@example.org.key"
            self.token_of[name] = self.start_token("--serial", SERIALS[name], reader=reader,
                                                   imports=key_file)
            self.keygrip[name] = self.keygrips(name)[1]
            self.mail[name] = self.encrypt(f"Dear {name}", f"{name}@example.org")
            self.request[name] = openpgp.request(self.mail[name])
            self.decrypt(self.mail[name])
        self.key_file = self.folder / "alice@example.org.key"
        for name in self.names:
            self.pull(name)
        self.seen = len(self.prompts())
        self.pinentry(MODE="hang")
        return self

    def pull(self, name):
        before = self.card_events()
        self.token_of[name].tell("remove")
        wait_until(lambda: self.card_events() > before, "the agent sees the token leave")

    def put_in(self, name):
        """Inserted, and the human who saw the prompt types the PIN."""
        self.pinentry()
        self.token_of[name].tell("insert")

    def new_prompts(self):
        return self.prompts()[self.seen:]

    def wait_for_prompt(self, count=1, question="CONFIRM"):
        wait_until(lambda: len(self.new_prompts()) >= count and
                   question in self.new_prompts()[count - 1], f"prompt {count}: {question}")
        return "\n".join(self.new_prompts()[count - 1])

    def ask(self, name, *options):
        with self.connect() as client:
            try:
                for option in options:
                    client.command("OPTION " + option)
                return client.decrypt(self.keygrip[name], self.request[name])
            except (AssuanError, EOFError) as error:
                return error

    def start_asking(self, name):
        """A request in a thread, whose result it will append to the list."""
        result = []
        thread = threading.Thread(target=lambda: result.append(self.ask(name)))
        thread.start()
        thread.result = result
        return thread


class Asking(unittest.TestCase):
    def finish(self, thread):
        thread.join(20)
        self.assertFalse(thread.is_alive())
        return thread.result[0]

    def assert_opened(self, result):
        self.assertEqual(len(result), 33, result)


class Prompt(Asking):
    def test_insertion_ends_it(self):
        with TokenWorld() as w:
            (w.folder / "mail").write_bytes(w.mail["alice"])
            reader = w.start("gpg", "--batch", "-o", w.folder / "out", "-d", w.folder / "mail")
            said = w.wait_for_prompt()
            self.assertIn("FF00:11111111", said)
            self.assertIn(w.fingerprints("alice")[1][-16:], said)
            self.assertIn(f"gpg (process {reader.pid})", said)
            self.assertIn("Insert the token", said)
            w.put_in("alice")
            self.assertEqual(reader.wait(20), 0)
            self.assertEqual((w.folder / "out").read_text(), "Dear alice")
            self.assertEqual(len(w.new_prompts()), 2)
            wait_until(lambda: not w.agent_children(), "no prompt is left")

    def test_after_a_restart(self):
        """Also when no token was in yet under this agent; and gpg lists the key."""
        with TokenWorld() as w:
            w.stop_agent()
            w.stop_token()
            w.start_agent(wait=False)
            w.wait_for_agent()
            self.assertIn(b"ssb>", w.gpg("-K").stdout)
            with w.connect() as client:
                client.command("KEYINFO " + w.keygrip["alice"])
                self.assertEqual(client.status[0].split()[2:5], ["T", "D276000124010304FF00111111110000",
                                                                "OPENPGP.2"])
                self.assertEqual(client.status[0].split()[-1], "-")
                self.assertIn(bytes.fromhex(w.keygrip["alice"]), client.command("HAVEKEY --list=1000"))
                self.assertIn(b"public-key", client.command("READKEY " + w.keygrip["alice"]))
            asking = w.start_asking("alice")
            w.wait_for_prompt()
            w.pinentry()
            w.start_token("--serial", SERIALS["alice"])
            self.assert_opened(self.finish(asking))

    def test_watchers_are_told(self):
        with TokenWorld() as w, Watcher(w) as watcher:
            asking = w.start_asking("alice")
            w.wait_for_prompt()
            w.put_in("alice")
            self.assert_opened(self.finish(asking))
            wait_until(lambda: watcher.events and watcher.events[-1].name == "served", "the end of the story")
            self.assertEqual([e.name for e in watcher.events if e.name != "card-out"],
                             ["insert-wanted", "card-in", "insert-done", "pin-wanted", "pin-done", "served"])
            wanted = watcher.events[0]
            self.assertIn("FF00:11111111", wanted["card"])
            self.assertEqual(wanted["keygrip"], w.keygrip["alice"])
            self.assertIn("python3", wanted["client"])

    def test_cancelled(self):
        with TokenWorld() as w:
            w.pinentry(MODE="cancel")
            error = w.ask("alice")
            self.assertEqual((error.code, error.source), (Code.FULLY_CANCELED, AGENT))
            self.assertEqual(len(w.new_prompts()), 1)
            w.put_in("alice")
            w.wait_for_card()
            self.assert_opened(w.ask("alice"))

    def test_nobody_answers(self):
        with TokenWorld("[pinentry]\ntimeout = 1\n") as w:
            begun = time.monotonic()
            self.assertEqual(w.ask("alice").code, Code.CARD_NOT_PRESENT)
            self.assertLess(time.monotonic() - begun, 8)
            self.assertEqual(len(w.new_prompts()), 1)
            wait_until(lambda: not w.agent_children(), "the prompt has gone")

    def test_no_pinentry(self):
        with TokenWorld() as w:
            w.stop_agent()
            w.stop_token()
            w.start_agent(wait=False, pinentry="/nonexistent")
            w.wait_for_agent()
            self.assertEqual(w.ask("alice").code, Code.CARD_NOT_PRESENT)

    def test_client_gone(self):
        with TokenWorld() as w:
            client = w.connect()
            client.command("SETKEY " + w.keygrip["alice"])
            client.send(b"PKDECRYPT\n")
            client.read_line()
            client.read_line()
            client.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.request["alice"]})
            w.wait_for_prompt()
            client.close()
            wait_until(lambda: not w.agent_children(), "the prompt has gone with its client")

    def test_agent_stops(self):
        with TokenWorld() as w:
            asking = w.start_asking("alice")
            w.wait_for_prompt()
            begun = time.monotonic()
            self.assertEqual(w.stop_agent(), 0)
            self.assertLess(time.monotonic() - begun, 8)
            self.assertIsInstance(self.finish(asking), (AssuanError, EOFError))

    def test_nobody_is_to_be_asked(self):
        """By the mode of the client's prompts, its own wish, or the configuration: at once, whatever else the
        machine has to do now and then."""
        with TokenWorld() as w:
            for mode in ("cancel", "error", "loopback"):
                self.assertLess(min(self.refused_after(w, mode) for _ in range(5)), 0.4)
            with w.connect() as client, self.assertRaises(AssuanError) as refused:
                client.command("SESSIONKEY --only-inserted", PKESK=pkesks(w.mail["alice"])[0])
            self.assertEqual(refused.exception.code, Code.CARD_NOT_PRESENT)
            w.stop_agent()
            w.stop_token()
            w.configure("[pinentry]\ninsertion = no\n")
            w.start_agent(wait=False)
            w.wait_for_agent()
            self.assertEqual(w.ask("alice").code, Code.CARD_NOT_PRESENT)
            self.assertEqual(w.new_prompts(), [])

    def refused_after(self, w, mode):
        begun = time.monotonic()
        self.assertEqual(w.ask("alice", f"pinentry-mode={mode}").code, Code.CARD_NOT_PRESENT)
        return time.monotonic() - begun

    def test_it_is_said_to_be_in(self):
        """A human who says so too early is asked again, and not in a hurry."""
        with TokenWorld("[pinentry]\ntimeout = 3\n") as w:
            w.pinentry()
            self.assertEqual(w.ask("alice").code, Code.CARD_NOT_PRESENT)
            self.assertIn(len(w.new_prompts()), range(2, 5))
            self.assertIn("No token with this key is in", "\n".join(w.new_prompts()[1]))

    @unittest.skipIf(PCSC, "pcscd takes longer to see it than a human waits")
    def test_replugged(self):
        """A token that is back at once has never been away."""
        with TokenWorld() as w:
            w.token_of["alice"].tell("insert")
            w.wait_for_card()
            w.pinentry()
            for _ in range(3):
                w.token_of["alice"].tell("remove")
                asking = w.start_asking("alice")
                w.token_of["alice"].tell("insert")
                self.assert_opened(self.finish(asking))
            self.assertNotIn("CONFIRM", sum(w.new_prompts(), []))

    def test_session_key(self):
        """Without GnuPG, the same."""
        with TokenWorld() as w:
            result = []

            def ask():
                with w.connect() as client:
                    result.append(client.command("SESSIONKEY", PKESK=pkesks(w.mail["alice"])[0]))
            thread = threading.Thread(target=ask)
            thread.start()
            self.assertIn("FF00:11111111", w.wait_for_prompt())
            w.put_in("alice")
            thread.join(20)
            self.assertTrue(result[0].startswith(b"9:"), result)


class Listing(unittest.TestCase):
    """cardea list and cardea forget."""

    def cardea(self, w, *arguments, status=0):
        result = subprocess.run([BIN / "cardea", *arguments], env=w.env, capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stdout

    def test_absent(self):
        with TokenWorld() as w:
            said = self.cardea(w, "list")
            self.assertIn("FF00:11111111", said)
            self.assertIn("not inserted", said)
            self.assertIn(w.fingerprints("alice")[1], said)
            token, = json.loads(self.cardea(w, "list", "--json"))
            self.assertIs(token["inserted"], False)
            self.assertEqual(token["serial"], "D276000124010304FF00111111110000")
            self.assertNotIn("reader", token)
            self.assertNotIn("pin-tries", token)
            self.assertIn(w.keygrip["alice"], [key["keygrip"] for key in token["keys"]])
            w.token_of["alice"].tell("insert")
            w.wait_for_card()
            token, = json.loads(self.cardea(w, "list", "--json"))
            self.assertIs(token["inserted"], True)
            self.assertEqual(token["pin-tries"], 3)

    def test_forget(self):
        with TokenWorld() as w:
            serial = "D276000124010304FF00111111110000"
            self.cardea(w, "forget", serial)
            self.cardea(w, "forget", serial, status=1)
            self.cardea(w, "forget", "11111111", status=1)
            self.cardea(w, "forget", status=2)
            self.assertEqual(json.loads(self.cardea(w, "list", "--json")), [])
            self.assertEqual(w.ask("alice").code, Code.CARD_NOT_PRESENT)
            self.assertEqual(w.new_prompts(), [])
            with w.connect() as client, self.assertRaises(AssuanError):
                client.command("HAVEKEY " + w.keygrip["alice"])


class Several(Asking):
    def test_present_cards_are_served(self):
        """While a token is asked for: also PINs of others, for which its prompt makes room."""
        with TokenWorld(names=("alice", "bob")) as w:
            asking = w.start_asking("alice")
            w.wait_for_prompt()
            w.put_in("bob")
            wait_until(lambda: len(w.new_prompts()) >= 2, "Bob's token does not end it for good")
            self.assert_opened(w.ask("bob"))
            questions = [[line for line in prompt if line in ("CONFIRM", "GETPIN")]
                         for prompt in w.new_prompts()]
            self.assertIn(["GETPIN"], questions)
            self.assert_opened(w.ask("bob"))
            w.put_in("alice")
            self.assert_opened(self.finish(asking))

    def test_gives_way_and_comes_back(self):
        with TokenWorld(names=("alice", "bob")) as w:
            before = w.card_events()
            w.token_of["bob"].tell("insert")
            wait_until(lambda: w.card_events() > before, "Bob's token is in")
            alice = w.start_asking("alice")
            w.wait_for_prompt(1, "CONFIRM")
            bob = w.start_asking("bob")
            w.wait_for_prompt(2, "GETPIN")
            self.assertEqual(len(w.agent_children()), 1, "one prompt at a time")
            w.pinentry(MODE="hang")
            w.pull("bob")
            self.assertEqual(self.finish(bob).code, Code.CARD_REMOVED)
            self.assertIn("FF00:11111111", w.wait_for_prompt(3, "CONFIRM"))
            w.put_in("alice")
            self.assert_opened(self.finish(alice))

    def test_two_wait_for_one(self):
        with TokenWorld() as w:
            both = [w.start_asking("alice") for _ in range(2)]
            w.wait_for_prompt()
            w.put_in("alice")
            for asking in both:
                self.assert_opened(self.finish(asking))
            self.assertEqual(w.typed(), 2)  # once when it was first in

    def test_any_token_with_the_key_will_do(self):
        with TokenWorld() as w:
            asking = w.start_asking("alice")
            w.wait_for_prompt()
            w.stop_token()
            w.pinentry()
            w.start_token("--serial", "33333333")
            self.assert_opened(self.finish(asking))
            w.stop_token()
            w.wait_for_card(False)
            w.pinentry(MODE="hang")
            w.seen = len(w.prompts())
            asking = w.start_asking("alice")
            said = w.wait_for_prompt()
            self.assertIn("Insert one of these tokens", said)
            self.assertIn("FF00:11111111", said)
            self.assertIn("FF00:33333333", said)
            w.pinentry(MODE="cancel")
            w.stop_agent()
            self.finish(asking)


class Choice(Asking):
    """Messages to several keys."""

    def both_in(self, w, name):
        w.pinentry()
        before = w.card_events()
        w.token_of[name].tell("insert")
        wait_until(lambda: w.card_events() > before, "the token is in")

    def test_inserted_first(self):
        """SESSIONKEY sees all recipients: what an inserted token opens, no other is asked for."""
        with TokenWorld(names=("alice", "bob")) as w:
            mail = w.encrypt("Dear both", "alice@example.org", "bob@example.org")
            for name in ("alice", "bob"):
                self.both_in(w, name)
                with w.connect() as client:
                    client.command("SESSIONKEY", PKESK=b"".join(pkesks(mail)))
                w.pull(name)
            self.assertNotIn("CONFIRM", sum(w.new_prompts(), []))

    def test_gpg(self):
        """gpg 2.2 asks for one key after the other, in the message's order. When the first is that of an
        absent token, the human is asked; a no leads to the next key."""
        with TokenWorld(names=("alice", "bob")) as w:
            mail = w.encrypt("Dear both", "alice@example.org", "bob@example.org")
            self.both_in(w, "alice")
            self.assertEqual(w.decrypt(mail).stdout, b"Dear both")
            self.assertNotIn("CONFIRM", sum(w.new_prompts(), []))
            w.pull("alice")
            w.seen = len(w.prompts())
            self.both_in(w, "bob")
            w.decrypt(w.mail["bob"])
            w.seen = len(w.prompts())
            w.pinentry(MODE="cancel")
            self.assertEqual(w.decrypt(mail).stdout, b"Dear both")
            self.assertEqual(["CONFIRM" in prompt for prompt in w.new_prompts()], [True])

    def test_somebody_elses(self):
        with TokenWorld() as w:
            mail = w.encrypt("Dear Carol", "carol@example.org")
            self.assertIn(b"No secret key", w.decrypt(mail, check=False).stderr)
            with w.connect() as client, self.assertRaises(AssuanError) as refused:
                client.command("SESSIONKEY", PKESK=pkesks(mail)[0])
            self.assertEqual(refused.exception.code, Code.CARD_NOT_PRESENT)
            self.assertEqual(w.new_prompts(), [])


if __name__ == "__main__":
    main()
