"""Remembered session keys: the same message again costs no card, PIN or touch; nothing else is answered so."""

import os
import signal
import subprocess
import threading
import unittest

import sexp
from desktop import DesktopWorld
from test_session_key import pkesks
from test_watch import Watcher, command
from world import BIN, PATIENCE, World, main, need, wait_until

TEXT = "the cake is in the oven"


class RememberingWorld(World):
    def begin(self, seconds, *token_options, config="", mails=1, algorithm="cv25519"):
        fingerprint = self.make_key(algorithm)
        self.keygrip = self.keygrips(fingerprint)[1]
        self.mails = [self.encrypt(f"{TEXT} {i}") for i in range(mails)]
        if seconds is not None:
            config += f"[agent]\nsession-key-cache = {seconds}\n"
        self.configure(config)
        self.start_agent()
        self.start_token(*token_options)

    def ask(self, mail=None):
        """Through SESSIONKEY, as cardea and libcardea do."""
        with self.connect() as client:
            return client.command("SESSIONKEY", PKESK=b"".join(pkesks(mail or self.mails[0])))

    def list(self):
        return subprocess.run([BIN / "cardea", "list"], env=self.env, capture_output=True, text=True,
                              check=True).stdout


class Remembering(unittest.TestCase):
    def test_off_by_default(self):
        for seconds in None, 0:
            with self.subTest(seconds=seconds), RememberingWorld() as w:
                w.begin(seconds)
                for _ in range(3):
                    self.assertEqual(w.decrypt(w.mails[0]).stdout.decode(), TEXT + " 0")
                    w.ask()
                self.assertEqual(len(w.deciphers()), 6)
                self.assertEqual(remembered(w), (0, 0))
                self.assertNotIn("remembered", w.list())

    def test_thirty_selections_cost_one_operation(self):
        """By gpg and by SESSIONKEY alike, with the same answers as the card's."""
        with RememberingWorld() as w:
            w.begin(600)
            first = w.ask()
            with Watcher(w) as watcher:
                for _ in range(15):
                    self.assertEqual(w.decrypt(w.mails[0]).stdout.decode(), TEXT + " 0")
                    self.assertEqual(w.ask(), first)
                watcher.wait_for("served", 30)
                self.assertEqual(set(watcher.names()), {"served"})
                self.assertEqual({e["from-cache"] for e in watcher.events}, {"yes"})
                self.assertEqual({e["keygrip"] for e in watcher.events}, {w.keygrip})
            self.assertEqual(len(w.deciphers()), 1)
            self.assertEqual(remembered(w), (1, 600))
            self.assertIn("\nSession keys remembered: 1, for 600 s each\n", w.list())

    def test_without_pin_and_touch(self):
        with RememberingWorld() as w:
            w.begin(600, "--uif", "dec=on", "--touch", "manual", config="[pin-cache]\nttl = 0\n")
            with Watcher(w) as watcher:
                asker = threading.Thread(target=w.ask)
                asker.start()
                watcher.wait_for("touch-wanted")
                w.touch()
                asker.join(PATIENCE)
                w.ask()
                w.decrypt(w.mails[0])
                watcher.wait_for("served", 3)
                self.assertEqual((len(w.prompts()), watcher.names().count("touch-wanted")), (1, 1))

    def test_two_at_once_cost_one_operation(self):
        """Who waits behind one that asks the same finds the answer when its turn comes."""
        with RememberingWorld() as w:
            w.begin(600, "--uif", "dec=on", "--touch", "manual")
            with Watcher(w) as watcher:
                answers = []
                askers = [threading.Thread(target=lambda: answers.append(w.ask())) for _ in range(5)]
                for asker in askers:
                    asker.start()
                watcher.wait_for("touch-wanted")
                w.touch()
                for asker in askers:
                    asker.join(PATIENCE)
                self.assertEqual((len(answers), len(set(answers))), (5, 1))
                self.assertEqual(watcher.names().count("touch-wanted"), 1)
            self.assertEqual(len(w.deciphers()), 1)

    def test_each_message_for_itself(self):
        with RememberingWorld() as w:
            w.begin(600, mails=5)
            keys = [w.ask(mail) for mail in w.mails]
            self.assertEqual([w.ask(mail) for mail in w.mails], keys)
            self.assertEqual((len(set(keys)), len(w.deciphers())), (5, 5))
            self.assertEqual(remembered(w), (5, 600))

    def test_never_for_another_key(self):
        """The same ciphertext, asked for with the key of another token."""
        with RememberingWorld() as w:
            w.make_key(name="bob@example.org")
            bob, bobs_file = w.keygrips("bob@example.org")[1], w.key_file
            other = w.folder / "other"
            alice = w.keygrips(w.make_key())[1]
            w.configure("[agent]\nsession-key-cache = 600\n")
            w.start_agent(readers=[w.reader(), f"socket:{other}"])
            tokens = [w.start_token(), w.start_token("--serial", "2", connect=other, imports=bobs_file)]
            request = point_request(os.urandom(32))
            with w.connect() as client:
                values = [client.decrypt(grip, request) for grip in (alice, bob, alice, bob)]
            self.assertEqual(values[:2], values[2:])
            self.assertNotEqual(values[0], values[1])
            self.assertEqual([len(of_token(t)) for t in tokens], [1, 1])

    def test_hidden_recipients(self):
        """All packets are tried once; not again to find the one that is remembered. An RSA packet for somebody
        else is one that the card fails to open, where its number happens to be below the card's modulus."""
        for algorithm in "cv25519", "rsa2048":
            with self.subTest(algorithm), RememberingWorld() as w:
                for name in "bob@example.org", "carol@example.org":
                    w.make_key(algorithm, name)
                    w.key_file.unlink()
                w.begin(600, algorithm=algorithm)
                mail = w.encrypt(TEXT, "bob@example.org", "carol@example.org", "alice@example.org",
                                 options=["--throw-keyids"])
                key = w.ask(mail)
                tried = len(w.deciphers())
                self.assertIn(tried, [3] if algorithm == "cv25519" else [1, 2, 3])
                for _ in range(5):
                    self.assertEqual(w.ask(mail), key)
                self.assertEqual(len(w.deciphers()), tried)

    def test_bounded_in_number(self):
        with RememberingWorld() as w:
            w.begin(600)
            requests = [point_request(os.urandom(32)) for _ in range(260)]
            with w.connect() as client:
                for request in requests:
                    client.decrypt(w.keygrip, request)
                self.assertEqual(remembered(w)[0], 256)
                w.forget_commands()
                client.decrypt(w.keygrip, requests[-1])
                self.assertEqual(w.commands(), [])
                client.decrypt(w.keygrip, requests[0])
                self.assertEqual(len(w.deciphers()), 1)


class Forgetting(unittest.TestCase):
    def check_forgotten(self, w):
        """Nothing is remembered; the card is asked."""
        self.assertEqual(remembered(w)[0], 0)
        w.forget_commands()
        w.ask()
        self.assertEqual(len(w.deciphers()), 1)

    def test_by_the_clock(self):
        with RememberingWorld() as w:
            w.begin(1)
            w.ask()
            wait_until(lambda: remembered(w)[0] == 0, "its time is over")
            self.check_forgotten(w)

    def test_when_told_to(self):
        with RememberingWorld() as w:
            w.begin(600)
            for lock in (lambda: command(w, "LOCK"), lambda: command(w, "RELOADAGENT"),
                         lambda: w.agent_process.send_signal(signal.SIGHUP)):
                w.ask()
                self.assertEqual(remembered(w)[0], 1)
                with Watcher(w) as watcher:
                    lock()
                    watcher.wait_for("locked")
                self.check_forgotten(w)

    def test_with_the_card(self):
        with RememberingWorld() as w:
            w.begin(600)
            w.ask()
            w.tell_token("remove")
            wait_until(lambda: remembered(w)[0] == 0, "it is forgotten with the card")
            w.tell_token("insert")
            w.wait_for_card()
            self.check_forgotten(w)

    def test_when_the_machine_sleeps_and_the_screen_is_locked(self):
        for signal_of_logind in "sleep true", "lock own":
            with self.subTest(signal_of_logind), DesktopWorld() as w:
                w.make_key()
                mail = w.encrypt(TEXT)
                w.configure("[agent]\nsession-key-cache = 600\n")
                w.start_bus()
                w.start_desktop("logind")
                w.start_agent()
                w.start_token()
                w.decrypt(mail)
                w.wait_for("inhibit sleep cardea-agent delay")
                self.assertEqual(remembered(w)[0], 1)
                w.do(signal_of_logind)
                wait_until(lambda w=w: remembered(w)[0] == 0, "it is forgotten with the PIN")


class Programs(unittest.TestCase):
    """Mail programs that open each message again and again: one operation per message."""

    MAILS = 8

    def begin(self, w, seconds):
        w.begin(seconds)
        w.mailbox = w.folder / "mail"
        for folder in "cur", "new", "tmp":
            (w.mailbox / folder).mkdir(parents=True)
        for i in range(self.MAILS):
            (w.mailbox / "cur" / f"{i}:2,S").write_bytes(pgp_mime(w, i))

    def check_costs(self, w, rounds, use):
        """Asked for in each round, and by the card answered once, or each time when nothing is remembered."""
        with Watcher(w) as watcher:
            use()
            watcher.wait_for("served", rounds * self.MAILS)
        self.assertEqual(len(w.deciphers()), self.MAILS if remembered(w)[1] else rounds * self.MAILS)
        self.assertEqual(watcher.names().count("served"), rounds * self.MAILS)

    def test_notmuch(self):
        need("notmuch")
        for seconds in 600, 0:
            with self.subTest(seconds=seconds), RememberingWorld() as w:
                self.begin(w, seconds)
                w.env["NOTMUCH_CONFIG"] = str(w.folder / "notmuch")
                (w.folder / "notmuch").write_text(f"[database]\npath={w.mailbox}\n"
                                                  "[user]\nname=Alice\nprimary_email=alice@example.org\n")

                def use(w=w):
                    run(w, "notmuch", "--config=" + str(w.folder / "notmuch"), "new", "--decrypt=nostash")
                    for _ in range(2):
                        shown = run(w, "notmuch", "show", "--decrypt=true", "*")
                        self.assertEqual(shown.count(TEXT), self.MAILS)
                self.check_costs(w, 3, use)
                self.assertEqual(run(w, "notmuch", "count", "oven").strip(), str(self.MAILS))

    def test_neomutt_body_search(self):
        need("neomutt")
        for seconds in 600, 0:
            with self.subTest(seconds=seconds), RememberingWorld() as w:
                self.begin(w, seconds)
                self.check_costs(w, 3, lambda w=w: neomutt(
                    w, *["<limit>~b oven<return>", "<limit>all<return>"] * 3))


def remembered(world):
    """How many, and for how many seconds."""
    count, seconds = command(world, "GETINFO session_keys").decode().split()
    return int(count), int(seconds)


def point_request(point):
    """What gpg sends for Curve25519 without a KEM."""
    return sexp.ecdh(b"\x40" + point)


def of_token(token):
    return [c for c in token.commands() if c.startswith("002A8086")]


def pgp_mime(world, number):
    """RFC 3156 §4"""
    inner = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{TEXT}, number {number}\r\n"
    return (f"From: bob@example.org\nTo: alice@example.org\nSubject: ...\nMessage-ID: <{number}@example.org>\n"
            "Date: Sun, 22 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
            'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"\n\n'
            "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n"
            "--b\nContent-Type: application/octet-stream\n\n"
            ).encode() + world.encrypt(inner) + b"\n--b--\n"


def run(world, *words):
    done = subprocess.run(words, env=world.env, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise AssertionError(f"{words}: {done.stderr}")
    return done.stdout


def neomutt(world, *keys):
    """Opens the mailbox on a terminal of its own, presses the keys, and quits."""
    settings = ("set crypt_use_gpgme=yes thorough_search=yes quit=yes wait_key=no move=no mark_old=no "
                f"sleep_time=0 header_cache='' folder={world.folder} tmpdir={world.folder}")
    terminal, end = os.openpty()
    world.env["TERM"] = "xterm"
    process = world.start("neomutt", "-n", "-F", "/dev/null", "-f", world.mailbox, "-e", settings,
                          "-e", f'push "{"".join(keys)}<quit>"', stdin=end, stdout=end, stderr=end,
                          start_new_session=True)
    os.close(end)

    def drain():
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass
    reader = threading.Thread(target=drain)
    reader.start()
    process.wait(3 * PATIENCE)
    reader.join(PATIENCE)
    os.close(terminal)


if __name__ == "__main__":
    main()
