#!/usr/bin/env python3
"""The scenarios of the virtual machine: run in it, by ./check --vm, in this order."""
import sys
import time
import unittest

from bench import (PATIENCE, REMOTE_USER, SEAT_USER, Bench, Pcsc, Pcscd, Reader, Udev, devices, may_open, output,
                   seat, wait_until)
from mail import Mail, Ours, Theirs, measure, our_driver_ms, scdaemon_ms, table

FAMILIES = ["yubikey-5", "nitrokey-start", "nitrokey-pro", "nitrokey-storage", "nitrokey-3"]
LEVELS = ["yubikey-5", "nitrokey-start", "nitrokey-pro"]  # extended APDU, short APDU, T=1
SELECT = "00A4040006D27600012401"
VERIFY_ADMIN = "0020008308" + "3132333435363738"


class Scenario(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = BENCH

    def setUp(self):
        self.assertEqual(devices(), [])
        seat(SEAT_USER)
        self.started = time.monotonic()

    def tearDown(self):
        print(f"{time.monotonic() - self.started:.1f} s ", end="", file=sys.stderr)


class Rules(Scenario):
    def test_seat_user_and_remote_user(self):
        for model in ("yubikey-5", "nitrokey-start", "spr532"):
            with self.subTest(model=model), self.bench.token(model) as token:
                properties = token.properties()
                self.assertIn("ID_SMARTCARD_READER=1\n", properties)
                self.assertRegex(properties, "CURRENT_TAGS=.*:uaccess:")
                self.assertTrue(may_open(token.node, SEAT_USER))
                self.assertFalse(may_open(token.node, REMOTE_USER))
                self.assertEqual((token.path / "power" / "persist").read_text(), "0\n")
                self.assertEqual(token.node.stat().st_gid, 0)

    def has_access(self, model):
        self.bench.udev.reload()
        with self.bench.token(model) as token:
            return may_open(token.node, SEAT_USER)

    def test_whose_rules_they_are(self):
        """systemd knows the class of most by itself since 248; the others it learns from us alone."""
        for rules, model, may in (("60-cardea.rules", "yubikey-5", True), ("60-cardea.rules", "spr532", False),
                                  ("60-fido-id.rules", "yubikey-5", True), ("60-fido-id.rules", "spr532", True)):
            with self.subTest(rules=rules, model=model), self.bench.udev.without(rules):
                # udevd has been seen to go on with the old ones for a while.
                wait_until(lambda model=model, may=may: self.has_access(model) == may, f"access is {may}")

    def test_nobody_at_the_seat(self):
        seat(None)
        with self.bench.token("yubikey-5") as token:
            self.assertFalse(may_open(token.node, SEAT_USER))

    def test_udev_has_nothing_against_them(self):
        with self.bench.token("yubikey-5") as token:
            said = output("udevadm", "test", "--action=bind", token.path)
            self.assertIn("60-cardea.rules", said)
            self.assertNotRegex(said, "60-cardea.rules:[0-9]+ (?!Importing).*(nvalid|gnoring|nknown)")


class Others(Scenario):
    """Programs that are not ours find the tokens to be what they are."""

    def test_lsusb(self):
        with self.bench.token("nitrokey-pro"):
            said = " ".join(output("lsusb", "-v", "-d", "20a0:4108").split())
        self.assertIn("ChipCard Interface Descriptor: bLength 54 bDescriptorType 33 bcdCCID 1.00", said)
        self.assertIn("dwMaxCCIDMsgLen 271", said)
        self.assertIn("dwFeatures 000104BA", said)

    def test_libccid(self):
        for model in ("yubikey-5", "gnuk", "nitrokey-start", "nitrokey-storage"):
            with self.subTest(model=model), self.bench.token(model), Pcscd(), Pcsc() as card:
                self.assertEqual(card.send(SELECT), "9000")
                self.assertEqual(card.send(VERIFY_ADMIN), "9000")
                if model != "nitrokey-start":
                    self.assertEqual(card.send("00DA7F21000400" + 1024 * "A5"), "9000")
                    self.assertEqual(card.send("00CA7F21000000"), 1024 * "A5" + "9000")


class Driver(Scenario):
    """Cardea's own driver, below the agent."""

    def exchange(self, model, card):
        """A kilobyte each way."""
        self.assertEqual(card.send(SELECT), "9000")
        self.assertEqual(card.send(VERIFY_ADMIN), "9000")
        if model != "nitrokey-start":
            self.assertEqual(card.send("00DA7F21000400" + 1024 * "A5"), "9000")
            self.assertEqual(card.send("00CA7F21000000"), 1024 * "A5" + "9000")

    def test_every_model(self):
        for model in [*FAMILIES, "gnuk", "gemalto-ct30", "spr532"]:
            with self.subTest(model=model), self.bench.token(model) as token, Reader() as card:
                card.connect()
                self.exchange(model, card)
                counts = token.counts()
                # The kernel's own at plugging in; we change nothing, and touch no other interface.
                self.assertEqual((counts["configurations"], counts["interfaces"], counts["resets"]), (1, 0, 0))
                held = [p.parent.name for p in token.path.glob("*:1.*/driver")]
                self.assertEqual(len(held), 1)
                self.assertIn((token.path / held[0] / "bInterfaceClass").read_text(), ("0b\n", "ff\n"))

    def test_users(self):
        for user, may in ((SEAT_USER, True), (REMOTE_USER, False)):
            with self.bench.token("yubikey-5"), Reader(user=user, group=user, extra_groups=[]) as card:
                if may:
                    card.connect()
                    self.assertEqual(card.send(SELECT), "9000")
                else:
                    self.assertFalse(card.ask("connect").startswith("ok"))

    def full_packets(self, model, zlp):
        """54 octets of answer fill a packet together with the header."""
        with self.bench.token(model) as token, Reader() as card:
            card.connect()
            card.send(SELECT)
            card.send(VERIFY_ADMIN)
            token.tell("zlp", zlp)
            self.assertEqual(card.send("00DA005E34" + 52 * "A5"), "9000")
            for _ in range(2):
                self.assertEqual(card.send("00CA005E00"), 52 * "A5" + "9000")
            self.assertEqual(card.send(SELECT), "9000")

    def test_full_packets(self):
        for model in ("yubikey-5", "nitrokey-3"):
            for zlp in ("sent", "never", "late"):
                with self.subTest(model=model, zlp=zlp):
                    self.full_packets(model, zlp)

    def test_bent_answers(self):
        """What a driver gets over without anybody's noticing."""
        for fault in ("stale", "trailing", "empty-first", "split", "extension 0 1 3"):
            with self.subTest(fault=fault), self.bench.token("yubikey-5") as token, Reader() as card:
                card.connect()
                token.tell("fault", fault)
                self.assertEqual(card.send(SELECT), "9000")
                self.assertEqual(card.send("00CA004F00")[-4:], "9000")

    def test_broken_answers(self):
        """An error in bounded time, or the answer; and then all is well again."""
        for fault in ("babble", "stall", "stall-out", "short-header", "cut", "failed-status 0 1 0xFC"):
            with self.subTest(fault=fault), self.bench.token("yubikey-5") as token, Reader() as card:
                card.connect()
                token.tell("fault", fault)
                start = time.monotonic()
                answer = card.ask("send", SELECT, 3000)
                self.assertLess(time.monotonic() - start, 8)
                self.assertRegex(answer, "^(ok 9000|error [A-Z])")
                card.connect()
                self.assertEqual(card.send(SELECT), "9000")
                self.assertEqual(token.counts()["resets"], 0)

    def test_t1(self):
        """ISO/IEC 7816-3 rule by rule: what is damaged is sent again."""
        for fault in ("bad-lrc", "cut", "not-heard", "wtx 0 1 2", "ifs 0 1 32"):
            with self.subTest(fault=fault), self.bench.token("nitrokey-pro") as token, Reader() as card:
                card.connect()
                card.send(SELECT)
                token.tell("t1", fault)
                self.assertRegex(card.send("00CA004F00"), "^D27600012401.*9000$")
                self.assertEqual(card.send(VERIFY_ADMIN), "9000")
                self.exchange("nitrokey-pro", card)

    def test_t1_resynchronised(self):
        """The command begins anew if its last block was not sent, for then the card cannot have run it."""
        with self.bench.token("nitrokey-pro") as token, Reader() as card:
            card.connect()
            card.send(SELECT)
            card.send(VERIFY_ADMIN)
            token.tell("t1", "deaf", 1)
            self.assertEqual(card.send("00DA7F21000400" + 1024 * "A5"), "9000")
            self.assertEqual(token.tell("t1", "deaf"), "resynchs=1")
            self.assertRegex(card.ask("send", "00CA004F00"), "^error ")
            card.connect()
            self.exchange("nitrokey-pro", card)

    def test_slot_change(self):
        with self.bench.token("yubikey-5") as token, Reader() as card:
            card.connect()
            token.tell("card", "out")
            wait_until(lambda: " present" not in card.tell("list"), "the card is gone")
            token.tell("card", "in")
            card.connect()
            self.assertEqual(card.send(SELECT), "9000")

    def test_unplugged_idle_and_back(self):
        for model in ("yubikey-5", "nitrokey-3"):  # with and without an interrupt endpoint
            with self.subTest(model=model), self.bench.token(model) as token, Reader() as card:
                card.connect()
                before = token.node
                token.unplug()
                wait_until(lambda: card.tell("list") == "0", "the reader is gone")
                token.plug()
                self.assertNotEqual(token.node, before)
                card.connect()
                self.assertEqual(card.send(SELECT), "9000")

    def test_unplugged_in_flight(self):
        for state in ("no-answer", "endless-extension"):
            with self.subTest(state=state), self.bench.token("yubikey-5") as token, Reader() as card:
                card.connect()
                token.tell("fault", state)
                card.say("send", SELECT, 60000)
                wait_until(lambda: token.counts()["blocks"], "the command is there")
                token.unplug()
                self.assertRegex(card.lines.get(timeout=PATIENCE), "^error ")
                token.tell("fault", "none")
                token.plug()
                card.connect()
                self.assertEqual(card.send(SELECT), "9000")

    def test_two_alike(self):
        with self.bench.token("nitrokey-start") as one, self.bench.token("nitrokey-start") as two, Reader() as card:
            wait_until(lambda: card.tell("list").count(" present") == 2, "both are there")
            names = card.tell("list").split("] present")
            self.assertNotEqual(names[0].partition("[")[2], names[1].partition("[")[2])
            one.unplug()
            wait_until(lambda: card.tell("list").count(" present") == 1, "one is there")
            card.connect()
            self.assertEqual(card.send(SELECT), "9000")
            self.assertGreater(two.counts()["blocks"], 0)


class Sharing(Scenario):
    """One token, two programs that want its interface."""

    def test_pcscd_first(self):
        with self.bench.token("yubikey-5"), Pcscd():
            with Pcsc() as theirs, Reader() as ours:
                ours.wait_for("exclusive")
                self.assertFalse(ours.ask("connect").startswith("ok"))
                self.assertEqual(theirs.send(SELECT), "9000")

    def test_cardea_first(self):
        with self.bench.token("yubikey-5") as token, Reader() as ours:
            ours.connect()
            with Pcscd() as service:
                wait_until(lambda: "LIBUSB_ERROR_BUSY" in service.text(), "pcscd has tried")
                self.assertEqual(ours.send(SELECT), "9000")
                self.assertEqual(ours.close(), 0)
                token.unplug()
                token.plug()
                with Pcsc() as theirs:
                    self.assertEqual(theirs.send(SELECT), "9000")


class Agent(Scenario):
    """The whole way: gpg, cardea-agent --reader usb, the driver, the kernel, the token."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mail = cls.enterClassContext(Mail())

    def test_mail(self):
        for model in FAMILIES:
            with self.subTest(model=model), self.bench.token(model, self.mail.key_file) as token, Ours(self.mail):
                self.mail.read()
                before = token.counts()["commands"]
                self.mail.read()
                self.assertEqual(token.counts()["commands"] - before, 1)

    def test_rsa(self):
        """Longer than a short APDU, and than the messages of the small ones."""
        with Mail("rsa2048") as mail:
            for model in ("nitrokey-start", "nitrokey-storage", "yubikey-5"):
                with self.subTest(model=model), self.bench.token(model, mail.key_file), Ours(mail):
                    mail.read()

    def test_unplugged_and_back_again(self):
        with self.bench.token("yubikey-5", self.mail.key_file) as token, Ours(self.mail):
            self.mail.read()
            token.unplug()
            self.mail.wait_for_card(False)
            token.plug()
            self.mail.wait_for_card()
            self.mail.read()

    def test_touch(self):
        with self.bench.token("nitrokey-start", self.mail.key_file) as token, Ours(self.mail):
            token.tell("touch", 1, 1, 2000, 200)
            start = time.monotonic()
            self.mail.read()
            self.assertGreater(time.monotonic() - start, 2)

    def test_figures(self):
        """No more commands and transfers than scdaemon's own driver, on the same token; asleep when idle."""
        rows, mail = [], self.mail
        for model in LEVELS:
            with self.bench.token(model, mail.key_file) as token:
                idle = model in ("yubikey-5", "nitrokey-start")  # with and without an interrupt endpoint
                ours, theirs = measure(Ours(mail), token, idle), measure(Theirs(mail), token, idle)
                theirs["command_ms"] = scdaemon_ms(mail.home)
                ours["command_ms"] = our_driver_ms()
            rows += [(model, Ours.name, ours), (model, Theirs.name, theirs)]
        print("\n" + table(rows))
        for model, side, row in rows:
            if side == Ours.name:
                with self.subTest(model=model):
                    self.assertIn(row["wakeups"], (0, "-"))
                    self.assertLess(row["removal_ms"], 1000)
        for (model, _, ours), (_, _, theirs) in zip(rows[::2], rows[1::2]):
            with self.subTest(model=model):
                for what in ("first", "again"):
                    self.assertLessEqual(ours[what][0], theirs[what][0])
                    self.assertLessEqual(ours[what][1], theirs[what][1])


if __name__ == "__main__":
    BENCH = Bench(Udev())
    started = time.monotonic()
    result = unittest.main(exit=False, verbosity=2).result
    print(f"{time.monotonic() - started:.1f} s in the machine, up {open('/proc/uptime').read().split()[0]} s")
    sys.exit(not result.wasSuccessful())
