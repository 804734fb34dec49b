"""Other PC/SC programs use the same card, and both go on: between every two of a thousand decryptions one
selects its own application, resets the card, or keeps it for a while."""

import select
import subprocess
import time
import unittest

from codes import Code
from card_proxy import OFF
from test_profiles import PROFILES, Keys, blocks
from test_session_key import pkesks
from world import BIN, AssuanError, World, main, need, wait_until

DECRYPTIONS = 1000
HOLD_MS = 200
HOLD_EVERY = 20  # the others only cost what they cost; this one costs its time
SELECT = "00A4040006D27600012401"
PIV = "00A4040009A00000030800001000"


class Other:
    """Another program at the same card."""

    def __init__(self, world):
        self.process = world.start(BIN / "other-program", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().decode().strip()

    def do(self, line):
        self.tell(line)
        return self.answer()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(20)


class SharedWorld(World):
    def __enter__(self):
        need("pcscd")
        super().__enter__()
        self.make_mail()
        return self

    def ask(self, client):
        return client.decrypt(self.keygrip, self.request)


class Sharing(unittest.TestCase):
    def disturb(self, other, number):
        """One of the three, in turn; a transaction is left running while the decryption is asked for."""
        if number % HOLD_EVERY == 0:
            self.assertEqual(other.do(f"hold {HOLD_MS}"), "held")
            return True
        if number % 2:
            self.assertEqual(other.do("select"), "9000 done")
        else:
            self.assertEqual(other.do("reset"), "done")
        return False

    def check_commands(self, commands):
        """What a foreign application hears of us is one command, after which ours is selected."""
        foreign = False
        for before, command in zip([""] + commands, commands):
            if command == PIV:
                foreign = True
            elif command.startswith(SELECT):
                foreign = False
            elif foreign:
                self.assertTrue(command.startswith("002A8086"), command)
                self.assertEqual(before, PIV, "one command reveals it")

    def test_a_thousand(self):
        with SharedWorld() as w:
            w.start_agent()
            w.start_token("--piv")
            with w.connect() as client:
                good = w.ask(client)
                other = Other(w)
                for number in range(1, DECRYPTIONS + 1):
                    holds = self.disturb(other, number)
                    self.assertEqual(w.ask(client), good, number)
                    if holds:
                        self.assertEqual(other.answer(), "done")
                self.assertEqual(other.end(), 0)
            self.check_commands(w.commands())
            self.assertGreater(len(w.deciphers()), DECRYPTIONS)
            # One human, asked once; the card has taken the PIN that it lost.
            self.assertEqual((w.typed(), len(w.prompts())), (1, 1))
            self.assertLessEqual(len(w.verifies()), 1 + DECRYPTIONS)

    def test_others_may_go_on_between(self):
        """Nothing is held between two decryptions: the other program gets its turn at once."""
        with SharedWorld() as w:
            w.start_agent()
            w.start_token("--piv")
            with w.connect() as client:
                w.ask(client)
                other = Other(w)
                waits = []
                for _ in range(20):
                    w.ask(client)
                    begun = time.monotonic()
                    other.do("select")
                    waits.append(time.monotonic() - begun)
                self.assertEqual(other.end(), 0)
            print(f"another program waited {sorted(waits)[10] * 1000:.1f} ms in the median")
            self.assertLess(sorted(waits)[10], 0.25)


class Costs(unittest.TestCase):
    """A decryption is one command, whatever went before, unless the card has lost what it knew of us."""

    AGAIN = ["00A40400", "00CA006E", "00200082"]  # SELECT, DO 6E, VERIFY with the PIN that is kept
    USES = {"read": (0, []), "hold 1": (0, []), "reset": (0, AGAIN), "select": (1, AGAIN)}

    def check(self, w, other, name, use):
        said = other.do(use)
        if said == "held":
            said = other.answer()
        self.assertTrue(said.endswith("done"), said)
        before = len(w.commands())
        self.assertEqual(len(w.ask("rsa2048")), 35)
        refused, again = self.USES[use]
        decipher = ["102A8086"] * (blocks(PROFILES[name], "rsa2048") - 1) + ["002A8086"]
        self.assertEqual([c[:8] for c in w.commands()[before:]], refused * decipher + again + decipher)

    def test_after_another_program(self):
        """On every device: one that read, one that held the card, one that reset it, one with its own application."""
        need("pcscd")
        with Keys(["rsa2048"]) as w:
            for name in PROFILES:
                with w.device(name, "rsa2048", "--piv"):
                    self.assertEqual(len(w.ask("rsa2048")), 35)
                    other = Other(w)
                    for use in self.USES:
                        with self.subTest(name, use=use):
                            self.check(w, other, name, use)
                    self.assertEqual(other.end(), 0)

    def test_after_a_rest(self):
        """pcscd takes the power from a card that nobody is connected to. We stay connected to one that was used:
        it keeps its power and its state."""
        with SharedWorld() as w:
            w.start_agent(readers=[w.reader(0)])
            w.start_token("--wait")
            with w.connect() as client:
                w.ask(client)
                used = w.token
                with w.start_token_behind_proxy("--serial", "2", reader=1) as unused:
                    unused.insert()
                    wait_until(lambda: unused.controls[-1:] == [OFF], "pcscd takes the power from the other card")
                    used.forget_commands()
                    w.ask(client)
                    self.assertEqual([c[:8] for c in used.commands()], ["002A8086"])


class Held(unittest.TestCase):
    """A reader that another program has for itself."""

    def hold(self, w):
        process = w.start(BIN / "hold-reader", "exclusive", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        self.addCleanup(process.stdout.close)
        return process

    def test_holder_is_named(self):
        with SharedWorld() as w:
            w.start_agent()
            w.start_token()
            holder = self.hold(w)
            name = rf"hold-reader \(process {holder.pid}\)"
            with w.connect() as client:
                begun = time.monotonic()
                with self.assertRaises(AssuanError) as caught:
                    w.ask(client)
                waited = time.monotonic() - begun
            self.assertEqual(caught.exception.code, Code.LOCKED)
            self.assertTrue(0.9 < waited < 8, waited)
            self.assertRegex(w.log(), rf"the reader is held by ([^\n]*, )?{name}")
            for command in (["list"], ["decrypt", "-"]):
                ran = subprocess.run([BIN / "cardea", "--socket", w.agent_socket, *command], input=w.mail,
                                     capture_output=True, timeout=60)
                self.assertNotEqual(ran.returncode, 0)
                self.assertEqual(ran.stdout, b"")
                self.assertRegex(ran.stderr.decode(), rf"the reader is held by ([^\n]*, )?{name}: end it")
            self.assertEqual(w.commands(), [])
            holder.stdin.close()
            self.assertEqual(holder.wait(20), 0)

    def release(self, holder):
        """The holder has ended; when that was."""
        holder.stdin.close()
        self.assertEqual(holder.wait(20), 0)
        return time.monotonic()

    def insert_anew(self, w):
        """An agent that has used a card is connected to it, and nobody has the reader for itself."""
        w.forget_token()
        w.tell_token("remove")
        w.wait_for_card(False)
        w.tell_token("insert")
        w.wait_for_card()

    def test_released_at_once(self):
        """A request that comes right after works the first time; for gpg, too, which asks for the key before."""
        with SharedWorld() as w:
            w.start_agent()
            w.start_token("--wait")
            for _ in range(5):
                self.insert_anew(w)
                self.release(self.hold(w))
                self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")
                self.insert_anew(w)
                self.release(self.hold(w))
                with w.connect() as client:
                    self.assertTrue(w.ask(client))

    def begin(self, w, client, command):
        """A request that has said all and waits for its answer."""
        client.command("SETKEY " + w.keygrip)
        client.send(command.encode() + b"\n")
        while not (line := client.read_line()).startswith(b"INQUIRE "):
            pass
        packets = b"".join(pkesks(w.mail))
        client.reply_to(line.split()[1].decode(), {"CIPHERTEXT": w.request, "PKESK": packets})

    def test_released_meanwhile(self):
        """A request that finds the reader held waits for a second, and goes on when the holder ends within it."""
        with SharedWorld() as w:
            w.start_agent()
            w.start_token("--wait")
            for command in ("PKDECRYPT", "SESSIONKEY"):
                self.insert_anew(w)
                holder = self.hold(w)
                with w.connect() as client:
                    self.begin(w, client, command)
                    self.assertEqual(select.select([client.socket], [], [], 0.3)[0], [], "it waits")
                    released = self.release(holder)
                    self.assertTrue(client.answer())
                    self.assertLess(time.monotonic() - released, 4)
            self.assertEqual(len(w.prompts()), w.typed())
            self.assertLessEqual(len(w.verifies()), w.typed())

    def test_inserted_while_held(self):
        """Who has a reader for itself keeps it when the token goes and another comes. That one works when the
        holder has ended, without being inserted anew."""
        with SharedWorld() as w:
            w.start_agent()
            w.start_token("--wait")
            w.wait_for_card()
            holder = self.hold(w)
            before = w.card_events()
            self.insert_anew(w)
            self.assertEqual(w.card_events(), before + 2)
            with w.connect() as client:
                with self.assertRaises(AssuanError) as caught:
                    w.ask(client)
                self.assertEqual(caught.exception.code, Code.LOCKED)
                self.assertEqual(w.commands(), [])
                self.release(holder)
                self.assertTrue(w.ask(client))
            self.assertEqual(w.card_events(), before + 2)

    def test_released(self):
        """Works again soon after the release, for whoever keeps asking."""
        with SharedWorld() as w:
            w.start_agent()
            w.start_token()
            holder = self.hold(w)
            with w.connect() as client:
                with self.assertRaises(AssuanError):
                    w.ask(client)
                holder.stdin.close()
                self.assertEqual(holder.wait(20), 0)
                released = time.monotonic()

                def works():
                    try:
                        return w.ask(client)
                    except AssuanError:
                        return None
                wait_until(works, "decryption after the release")
                self.assertLess(time.monotonic() - released, 4)

    def test_scdaemon(self):
        """The usual suspect, by name."""
        with SharedWorld() as w:
            w.start_agent()
            w.start_token()
            home = w.folder / "other-home"
            home.mkdir(mode=0o700)
            (home / "scdaemon.conf").write_text("disable-ccid\npcsc-driver libpcsclite.so.1\n")
            scdaemon = w.start("/usr/lib/gnupg/scdaemon", "--server", "--homedir", home,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.addCleanup(scdaemon.stdout.close)
            self.assertTrue(scdaemon.stdout.readline().startswith(b"OK "))
            scdaemon.stdin.write(b"SERIALNO\n")
            scdaemon.stdin.flush()
            while not (line := scdaemon.stdout.readline()).startswith((b"OK", b"ERR")):
                pass
            self.assertEqual(line, b"OK\n")
            with w.connect() as client:
                with self.assertRaises(AssuanError) as caught:
                    w.ask(client)
                self.assertEqual(caught.exception.code, Code.LOCKED)
                self.assertRegex(w.log(), rf"the reader is held by ([^\n]*, )?scdaemon \(process {scdaemon.pid}\)")
                scdaemon.stdin.close()
                scdaemon.wait(20)
                self.assertTrue(w.ask(client))


if __name__ == "__main__":
    main()
