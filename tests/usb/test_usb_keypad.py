"""gpg reads mails with a PIN that is typed on the reader's keypad: the real agent and libusb, the reader behind
umockdev. What the card was sent is counted in the reader's own trace."""
import hashlib
import re
import signal
import subprocess
import time
import unittest

from test_usb_agent import BIN, PATIENCE, Bed, main, need, wait_until
from test_watch import Watcher

RIGHT, WRONG = "123456", "654321"
GEMPC_PINPAD, VEGA_ALPHA, CHERRY_XX44 = (0x08E6, 0x3478), (0x0982, 0x0008), (0x046A, 0x0010)
SLOWLY = 20000
NOBODY = ","  # types a PIN that is none, again and again: the reader's time is over
SELECT, ADMIN = "00A4040006D27600012401", "0020008308" + b"12345678".hex()


def verify(pin):
    return f"00200082{len(pin):02X}{pin.encode().hex().upper()}"


def kdf_object():
    """SHA-256 over 100000 octets of salt and PIN (OpenPGP card 3.4.1, 4.3.2), with the default PINs' digests."""
    def digest(salt, pin):
        return hashlib.sha256(((salt + pin) * (100000 // len(salt + pin) + 1))[:100000]).digest()
    salts = [bytes([n]) * 8 for n in (1, 2, 3)]
    fields = {0x81: b"\3", 0x82: b"\10", 0x83: (100000).to_bytes(4, "big"),
              0x84: salts[0], 0x85: salts[1], 0x86: salts[2],
              0x87: digest(salts[0], b"123456"), 0x88: digest(salts[2], b"12345678")}
    return b"".join(bytes([tag, len(value)]) + value for tag, value in fields.items())


class KeypadBed(Bed):
    def __init__(self):
        super().__init__("nistp256")

    def begin(self, typed=None, config="", kdf=False, reader=None):
        """A SPR532, or a reader with these ids, at whose keypad these PINs are typed; None: its cancel key is
        pressed."""
        self.bed.tell("new", "token", "gemalto-ct30" if reader else "spr532", 1)
        if reader:
            self.bed.tell("keypad", "token", 1, *reader)
        if kdf:
            value = kdf_object()
            for command in (SELECT, ADMIN, f"00DA00F9{len(value):02X}" + value.hex()):
                answer = self.bed.tell("apdu", "token", command)
                if answer != "9000":
                    raise AssertionError(f"the card takes no KDF: {command}: {answer}")
        self.bed.tell("import", "token", self.key_file)
        self.bed.tell("trace", "token", self.folder / "trace")
        self.type(typed)
        self.bed.tell("plug", "token")
        self.configure(config)
        self.start_usb_agent()
        self.wait_for_card()

    def type(self, typed, milliseconds=0):
        self.bed.tell("pin", "token", *([typed, milliseconds] if typed else []))

    def verifies(self):
        return re.findall("^> (002000.*)$", (self.folder / "trace").read_text(), re.M)

    def secures(self):
        """How often the reader was told to ask; and it has nothing to complain of."""
        counts = self.bed.tell("counts", "token")
        if "complaint=none" not in counts:
            raise AssertionError(counts)
        return int(re.search(r"secures=(\d+)", counts)[1])

    def begin_reading(self, ends_with=0):
        (self.folder / "mail").write_bytes(self.mail)
        return self.start("gpg", "--batch", "--no-tty", "-d", self.folder / "mail", ends_with=ends_with,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def begin_typing(self, ends_with):
        """gpg, while a human is busy at the keypad for long."""
        self.type(RIGHT, SLOWLY)
        reading = self.begin_reading(ends_with)
        wait_until(lambda: self.secures() == 1, "the keypad waits")
        return reading

    def keypad_was_stopped(self):
        return "aborts=1" in self.bed.tell("counts", "token")

    def fails(self):
        if self.decrypt(self.mail, check=False).returncode != 2:
            raise AssertionError("it was read")


class Keypad(unittest.TestCase):
    def setUp(self):
        if not (BIN / "usb-umockdev").exists():
            need("libumockdev-dev")

    def test_right(self):
        """One PIN, which this machine never sees; the token's state serves the next mail."""
        with KeypadBed() as w:
            w.begin(RIGHT)
            w.read()
            w.read()
            self.assertEqual((w.secures(), w.verifies(), w.typed()), (1, [verify(RIGHT)], 0))
            [prompt] = w.prompts()
            text = "\n".join(prompt)
            self.assertIn("on the keypad of reader SCM", text)
            self.assertIn("wants to open an encrypted message", text)
            self.assertNotIn("GETPIN", text)

    def test_wrong(self):
        with KeypadBed() as w:
            w.begin(f"{WRONG},{RIGHT}")
            w.read()
            self.assertEqual((w.secures(), w.verifies()), (2, [verify(WRONG), verify(RIGHT)]))
            self.assertIn("Wrong PIN: 2 tries left", "\n".join(w.prompts()[1]))
            self.assertEqual(len(w.prompts()), 2)

    def test_last_try(self):
        """It wants an explicit yes before the keypad is asked."""
        with KeypadBed() as w:
            w.begin(f"{WRONG},{WRONG},{RIGHT}")
            w.read()
            self.assertEqual((w.secures(), len(w.verifies()), len(w.prompts())), (3, 3, 4))
            self.assertIn("Only one try is left", "\n".join(w.prompts()[2]))

    def test_blocked(self):
        with KeypadBed() as w:
            w.begin(WRONG)
            w.fails()
            w.fails()
            self.assertEqual((w.secures(), len(w.verifies())), (3, 3))

    def test_not_typed(self):
        """Cancelled at the reader, or nobody there: the card hears nothing, and the next mail is read."""
        for typed, why in ((None, "cancel"), (NOBODY, "[Tt]imeout")):
            with self.subTest(why=why), KeypadBed() as w:
                w.begin(typed)
                w.fails()
                self.assertRegex(w.log(), "failed: .*" + why)
                self.assertEqual((w.secures(), w.verifies()), (1, []))
                w.type(RIGHT)
                w.read()
                self.assertEqual((w.secures(), w.verifies()), (2, [verify(RIGHT)]))

    def test_meanwhile(self):
        """While the human types, the token is listed from what is known; and whoever watches knows."""
        with KeypadBed() as w:
            w.begin()
            w.bed.tell("touch", "token", 1, 0, 0, 100)  # no touch; a time extension every 100 ms
            w.type(RIGHT, 5000)
            with Watcher(w) as watcher, w.connect() as client:
                reading = w.begin_reading()
                wait_until(lambda: w.secures() == 1, "the keypad waits")
                client.command("TOKENS")
                self.assertNotIn("> 002A8086", (w.folder / "trace").read_text())
                self.assertEqual(reading.wait(PATIENCE), 0)
                wait_until(lambda: "served" in watcher.names(), "it is told")
                self.assertEqual([n for n in watcher.names() if n != "card-in"],
                                 ["pin-wanted", "pin-done", "pin-wanted", "pin-done", "served"])

    def test_nobody_waits_any_more(self):
        """gpg is interrupted: the keypad stops to ask, no PIN goes to the card, and the next mail is read."""
        with KeypadBed() as w:
            w.begin()
            reading = w.begin_typing(ends_with=None)
            reading.send_signal(signal.SIGINT)
            wait_until(w.keypad_was_stopped, "the keypad is told")
            self.assertNotEqual(reading.wait(PATIENCE), 0)
            w.type(RIGHT)
            w.read()
            self.assertEqual((w.secures(), w.verifies()), (2, [verify(RIGHT)]))

    def test_agent_ends(self):
        """Told so, or by a signal: at once, with the keypad at rest and the card without a PIN."""
        for how in ("KILLAGENT", "SIGTERM"):
            with self.subTest(how=how), KeypadBed() as w:
                w.begin()
                w.begin_typing(ends_with=2)
                begun = time.monotonic()
                if how == "KILLAGENT":
                    with w.connect() as client:
                        client.command("KILLAGENT")
                else:
                    w.agent_process.terminate()
                self.assertEqual(w.agent_process.wait(PATIENCE), 0)
                self.assertLess(time.monotonic() - begun, SLOWLY / 2000)
                self.assertTrue(w.keypad_was_stopped())
                self.assertEqual((w.secures(), w.verifies()), (1, []))

    def test_reader_is_pulled(self):
        with KeypadBed() as w:
            w.begin()
            reading = w.begin_typing(ends_with=2)
            w.bed.tell("unplug", "token")
            self.assertEqual(reading.wait(PATIENCE), 2)
            w.wait_for_card(False)
            w.type(RIGHT)
            w.bed.tell("plug", "token")
            w.wait_for_card()
            w.read()
            self.assertEqual((w.secures(), w.verifies()), (2, [verify(RIGHT)]))

    def test_length_is_told(self):
        """Keypads that have to know it."""
        for reader in (GEMPC_PINPAD, VEGA_ALPHA):
            with self.subTest(reader=reader), KeypadBed() as w:
                w.begin(RIGHT, "[pinentry]\nkeypad-pin-length = 6\n", reader=reader)
                w.read()
                self.assertEqual((w.secures(), w.verifies(), w.typed()), (1, [verify(RIGHT)], 0))

    def test_length_is_another(self):
        """The reader takes no PIN of six digits for one of eight, and the card hears nothing of it."""
        with KeypadBed() as w:
            w.begin(RIGHT, "[pinentry]\nkeypad-pin-length = 8\n", reader=GEMPC_PINPAD)
            w.fails()
            self.assertEqual((w.secures(), w.verifies()), (1, []))

    def test_length_is_not_told(self):
        """The PIN is asked for here."""
        with KeypadBed() as w:
            w.begin(WRONG, reader=GEMPC_PINPAD)
            w.read()
            self.assertEqual((w.secures(), w.verifies(), w.typed()), (0, [verify(RIGHT)], 1))
            self.assertIn("keypad-pin-length", w.log())

    def test_message_of_the_vendor(self):
        with KeypadBed() as w:
            w.begin(RIGHT, reader=CHERRY_XX44)
            w.read()
            self.assertEqual((w.secures(), w.verifies(), w.typed()), (1, [verify(RIGHT)], 0))

    def test_prompt_refused(self):
        with KeypadBed() as w:
            w.begin(RIGHT)
            w.pinentry(MODE="cancel")
            w.fails()
            self.assertEqual((w.secures(), w.verifies()), (0, []))

    def test_kdf(self):
        """A keypad cannot hash: the PIN is asked for here."""
        with KeypadBed() as w:
            w.begin(WRONG, kdf=True)
            w.read()
            self.assertEqual((w.secures(), len(w.verifies()), w.typed()), (0, 1, 1))

    def test_switched_off(self):
        with KeypadBed() as w:
            w.begin(WRONG, config="[pinentry]\nkeypad = no\n")
            w.read()
            self.assertEqual((w.secures(), w.verifies(), w.typed()), (0, [verify(RIGHT)], 1))

    def test_reader_refuses(self):
        """A reader that does not do it after all: the PIN is asked for here."""
        with KeypadBed() as w:
            w.begin(WRONG)
            w.bed.tell("keypad", "token", 0)
            w.read()
            self.assertEqual((w.secures(), w.verifies(), w.typed()), (1, [verify(RIGHT)], 1))

    def test_state_ends(self):
        """As that of a PIN that is kept: with its time to live, or at once without one."""
        with KeypadBed() as w:
            w.begin(RIGHT, config="[pin-cache]\nttl = 1\n")
            w.read()
            wait_until(lambda: "> 0020FF82" in (w.folder / "trace").read_text(), "the state is dropped")
            w.read()
            self.assertEqual(w.secures(), 2)
        with KeypadBed() as w:
            w.begin(RIGHT, config="[pin-cache]\nttl = 0\n")
            w.read()
            w.read()
            self.assertEqual(w.secures(), 2)


if __name__ == "__main__":
    main()
