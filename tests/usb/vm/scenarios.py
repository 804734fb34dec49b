#!/usr/bin/env python3
"""The scenarios of the virtual machine: run in it, by ./check --vm, in this order."""
import os
import subprocess
import sys
import time
import unittest

from bench import (HERE, KEYS, REMOTE_USER, SEAT_USER, Bench, Pcsc, Pcscd, Udev, devices, may_open, output, seat)

FAMILIES = ["yubikey-5", "nitrokey-start", "nitrokey-pro", "nitrokey-storage", "nitrokey-3"]
SELECT = "00A4040006D27600012401"


class Scenario(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = BENCH

    def setUp(self):
        self.assertEqual(devices(), [])
        seat(SEAT_USER)


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
        self.assertIn("dwFeatures 0x000104BA", said.replace("104ba", "104BA"))

    def test_libccid(self):
        for model in [*FAMILIES, "gnuk"]:
            with self.subTest(model=model), self.bench.token(model), Pcscd(), Pcsc() as card:
                self.assertEqual(card.send(SELECT), "9000")
                self.assertEqual(card.send("0020008308" + "3132333435363738"), "9000")
                if model != "nitrokey-start":
                    self.assertEqual(card.send("00DA7F21000400" + 1024 * "A5"), "9000")
                    self.assertEqual(card.send("00CA7F21000000"), 1024 * "A5" + "9000")


if __name__ == "__main__":
    BENCH = Bench(Udev())
    started = time.monotonic()
    result = unittest.main(exit=False, verbosity=2).result
    print(f"{time.monotonic() - started:.1f} s in the machine, up {open('/proc/uptime').read().split()[0]} s")
    sys.exit(not result.wasSuccessful())
