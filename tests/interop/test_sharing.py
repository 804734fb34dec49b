"""Other PC/SC programs use the same card, and both go on: between every two of a thousand decryptions one
selects its own application, resets the card, or keeps it for a while."""

import subprocess
import time
import unittest

from codes import Code
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
                with self.assertRaises(AssuanError) as caught:
                    w.ask(client)
            self.assertEqual(caught.exception.code, Code.LOCKED)
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

    def test_released(self):
        """Works again within a second of the release, for whoever keeps asking."""
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
                self.assertLess(time.monotonic() - released, 1)

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
