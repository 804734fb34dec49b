#!/usr/bin/env python3
"""The scenarios of the virtual machine: run in it, by ./check --vm, in this order."""
import sys
import time
import unittest

from bench import (PATIENCE, REMOTE_USER, SEAT_USER, Bench, Pcsc, Pcscd, Reader, Udev, as_user, devices, may_open,
                   output, seat, wait_until)
from families import FAMILIES
from mail import Mail, Ours, Theirs, idle_wakeups, measure, our_driver_ms, scdaemon_ms, table

SELECT = "00A4040006D27600012401"
VERIFY_ADMIN = "0020008308" + "3132333435363738"
PUT_LONG, GET_LONG = "00DA7F21000400" + 1024 * "A5", "00CA7F21000000"


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
                    self.assertEqual(card.send(PUT_LONG), "9000")
                    self.assertEqual(card.send(GET_LONG), 1024 * "A5" + "9000")


class Driver(Scenario):
    """Cardea's own driver, below the agent."""

    def exchange(self, model, card):
        """A kilobyte each way, where the card takes that."""
        self.assertEqual(card.send(SELECT), "9000")
        self.assertEqual(card.send(VERIFY_ADMIN), "9000")
        if model != "nitrokey-start":
            self.assertEqual(card.send(PUT_LONG), "9000")
            self.assertEqual(card.send(GET_LONG), 1024 * "A5" + "9000")

    def test_every_model(self):
        for model in [*FAMILIES, "gnuk", "gemalto-ct30", "spr532"]:
            with self.subTest(model=model), self.bench.token(model) as token, Reader() as card:
                card.connect()
                self.exchange(model, card)
                counts = token.counts()
                # The kernel's own at plugging in; we change nothing, and touch no other interface.
                self.assertEqual((counts["configurations"], counts["interfaces"], counts["resets"]), (1, 0, 0))
                self.assertEqual(self.held(token), 1)

    def held(self, token):
        """How many of its interfaces somebody has; those are of CCID readers."""
        held = [p.parent for p in token.path.glob("*:1.*/driver")]
        self.assertLessEqual({(p / "bInterfaceClass").read_text() for p in held}, {"0b\n", "ff\n"})
        return len(held)

    def test_composite(self):
        """A keyboard and a FIDO token are in it, too; those stay free for whoever is to have them."""
        with self.bench.token("yubikey-5") as token, Reader() as card:
            classes = [(p / "bInterfaceClass").read_text() for p in sorted(token.path.glob("*:1.*"))]
            self.assertEqual(classes, ["03\n", "03\n", "0b\n"])
            card.connect()
            self.assertEqual(card.send(SELECT), "9000")
            self.assertEqual(self.held(token), 1)

    def test_users(self):
        for user, may in ((SEAT_USER, True), (REMOTE_USER, False)):
            with self.bench.token("yubikey-5"), Reader(user=user, group=user, extra_groups=[]) as card:
                if may:
                    card.connect()
                    self.assertEqual(card.send(SELECT), "9000")
                else:
                    self.assertFalse(card.ask("connect").startswith("ok"))

    def test_full_packets(self):
        """52 octets of answer fill a packet together with the header and the status word."""
        for model in ("yubikey-5", "nitrokey-3"):
            with self.bench.token(model) as token, Reader() as card:
                card.connect()
                card.send(SELECT)
                card.send(VERIFY_ADMIN)
                self.assertEqual(card.send("00DA005E34" + 52 * "A5"), "9000")
                for zlp in ("sent", "never", "late"):
                    with self.subTest(model=model, zlp=zlp):
                        token.tell("zlp", zlp)
                        for _ in range(2):
                            self.assertEqual(card.send("00CA005E00"), 52 * "A5" + "9000")
                        self.assertEqual(card.send(SELECT), "9000")

    def test_bent_answers(self):
        """What a driver gets over without anybody's noticing."""
        with self.bench.token("yubikey-5") as token, Reader() as card:
            card.connect()
            for fault in ("stale", "trailing", "empty-first", "split", "extension 0 1 3"):
                with self.subTest(fault=fault):
                    token.tell("fault", fault)
                    self.assertEqual(card.send(SELECT), "9000")
                    self.assertEqual(card.send("00CA004F00")[-4:], "9000")

    def test_broken_answers(self):
        """An error in bounded time, or the answer; and then all is well again, and nothing else is disturbed."""
        with self.bench.token("yubikey-5") as token, Reader() as card:
            for fault in ("babble", "stall", "stall-out", "short-header", "cut", "huge-length", "wrong-slot",
                          "wrong-sequence", "wrong-type", "endless-stale", "endless-extension",
                          "failed-status 0 1 0xFC"):
                with self.subTest(fault=fault):
                    card.connect()
                    token.tell("fault", fault)
                    self.assertRegex(card.ask("send", SELECT, 2000), "^(ok 9000|error [A-Z])")
                    token.tell("fault", "none")
                    card.connect()
                    self.assertEqual(card.send(SELECT), "9000")
            counts = token.counts()
            self.assertEqual((counts["configurations"], counts["resets"]), (1, 0))
            self.assertGreaterEqual(counts["halts_cleared"], 2)

    def test_t1(self):
        """ISO/IEC 7816-3 rule by rule: what is damaged is sent again, more time is given, and sizes are agreed."""
        with self.bench.token("nitrokey-pro") as token, Reader() as card:
            card.connect()
            card.send(SELECT)
            for fault in ("bad-lrc", "cut", "mute", "not-heard", "bad-lrc 0 2", "wtx 0 1 2", "ifs 0 1 32"):
                with self.subTest(fault=fault):
                    token.tell("t1", fault)
                    self.assertRegex(card.send("00CA004F00"), "^D27600012401.*9000$")
            self.exchange("nitrokey-pro", card)

    def test_t1_resynchronised(self):
        """The command begins anew if its last block was not sent, for then the card cannot have run it."""
        with self.bench.token("nitrokey-pro") as token, Reader() as card:
            card.connect()
            card.send(SELECT)
            card.send(VERIFY_ADMIN)
            token.tell("t1", "deaf", 1)
            self.assertEqual(card.send(PUT_LONG), "9000")
            self.assertEqual(token.tell("t1", "deaf"), "resynchs=1")
            for fault in ("deaf", "abort", "dead"):  # after the last block: the card may have run it
                with self.subTest(fault=fault):
                    token.tell("t1", fault)
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
                before, name = token.node, card.tell("list")
                token.unplug()
                wait_until(lambda: card.tell("list") == "0", "the reader is gone")
                token.plug()
                card.connect()
                self.assertNotEqual(token.node, before)
                if model == "nitrokey-3":  # it has a number of its own, and is the same wherever it comes back
                    self.assertEqual(card.tell("list"), name)
                self.assertEqual(card.send(SELECT), "9000")

    def test_unplugged_in_flight(self):
        with self.bench.token("yubikey-5") as token, Reader() as card:
            for state in ("no-answer", "endless-extension"):
                with self.subTest(state=state):
                    card.connect()
                    token.tell("fault", state)
                    before = token.counts()["blocks"]
                    card.say("send", SELECT, 60000)
                    wait_until(lambda before=before: token.counts()["blocks"] > before, "the command is there")
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
        cls.mails = {algorithm: cls.enterClassContext(Mail(algorithm)) for algorithm in set(FAMILIES.values())}
        cls.mail = cls.mails["cv25519"]

    def test_rsa(self):
        """Longer than a short APDU, and than the messages of the small ones."""
        mail = self.mails["rsa2048"]
        for model in ("nitrokey-start", "gnuk"):
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

    def test_remote_user(self):
        """Who may not open the token is told by what means that could be changed."""
        def is_told():
            with Mail() as mail:
                mail.start_agent(readers=["usb"])
                self.assertNotEqual(mail.decrypt(mail.mail, check=False).returncode, 0)
                self.assertRegex(mail.log(), "local session with Cardea's udev rules, or give a group access")
        with self.bench.token("yubikey-5", self.mail.key_file):
            self.assertTrue(as_user(REMOTE_USER, is_told))

    def test_idle(self):
        """Nothing wakes it: with an interrupt transfer pending, and with a token that cannot interrupt."""
        with self.bench.token("yubikey-5", self.mail.key_file), self.bench.token("nitrokey-3"), Ours(self.mail) as ours:
            self.mail.read()
            self.assertEqual(idle_wakeups(ours.pid(), ours.patience, seconds=5), 0)

    def compare(self, model, mail):
        """Two rows of the table: ours and theirs, one after the other on the same token."""
        mail.forget_tokens()
        with self.bench.token(model, mail.key_file) as token:
            ours, theirs = measure(Ours(mail), token), measure(Theirs(mail), token)
            theirs["command_ms"] = scdaemon_ms(mail.home)
            ours["command_ms"] = our_driver_ms()
        return ours, theirs

    def test_figures(self):
        """Mail is read with every family. It takes no more commands and transfers than with scdaemon's own driver, on
        the same token. Nothing wakes the agent when it is idle; so it is no tick by which it knows of a removal."""
        rows = {model: self.compare(model, self.mails[algorithm]) for model, algorithm in FAMILIES.items()}
        print("\n" + table(rows))
        for model, (ours, theirs) in rows.items():
            with self.subTest(model=model):
                self.assertEqual(ours["again"][0], 1)
                self.assertEqual(ours["wakeups"], 0)
                for what in ("first", "again"):
                    self.assertLessEqual(ours[what][0], theirs[what][0])
                    self.assertLessEqual(ours[what][1], theirs[what][1])


if __name__ == "__main__":
    BENCH = Bench(Udev())
    started = time.monotonic()
    result = unittest.main(exit=False, verbosity=2).result
    print(f"{time.monotonic() - started:.1f} s in the machine, up {open('/proc/uptime').read().split()[0]} s")
    sys.exit(not result.wasSuccessful())
