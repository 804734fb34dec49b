"""gpg reads mails with tokens on USB: the real agent, libusb and libudev, the tokens behind umockdev."""
import pathlib
import re
import subprocess
import time
import unittest

from console import Console
from families import FAMILIES
from test_watch import Watcher
from world import BIN, PATIENCE, World, main, need, wait_until

WITH_UMOCKDEV = pathlib.Path(__file__).resolve().with_name("with-umockdev")
TEXT = "the cake is in the oven"


class Bed(World):
    """A world whose agent's tokens are on USB."""

    def __init__(self, algorithm="cv25519"):
        super().__init__()
        self.bed = Console(WITH_UMOCKDEV, BIN / "usb-umockdev")
        self.env["UMOCKDEV_DIR"] = self.bed.lines.get(timeout=20).removeprefix("ok ")
        self.make_key(algorithm, export="--export-secret-subkeys")
        self.mail = self.encrypt(TEXT)

    def stop_all(self):
        problems = super().stop_all()
        status = self.bed.close()
        return problems + ([f"usb-umockdev ended with {status}"] if status else [])

    def add(self, name, model, serial=1):
        self.bed.tell("new", name, model, serial)
        self.bed.tell("import", name, self.key_file)
        self.bed.tell("plug", name)

    def drop(self, name):
        counts = self.bed.tell("counts", name)
        self.bed.tell("drop", name)
        self.wait_for_card(False)
        if "complaint=none" not in counts:
            raise AssertionError(counts)

    def blocks(self, name):
        return int(re.search(r"blocks=(\d+)", self.bed.tell("counts", name))[1])

    def start_usb_agent(self, *options):
        return self.start_agent(*options, readers=["usb"], run_by=[WITH_UMOCKDEV])

    def read(self):
        if self.decrypt(self.mail).stdout.decode() != TEXT:
            raise AssertionError("that is not the text")


class Agent(unittest.TestCase):
    def setUp(self):
        if not (BIN / "usb-umockdev").exists():
            need("libumockdev-dev")

    def test_families(self):
        for model, algorithm in FAMILIES.items():
            with self.subTest(model=model), Bed(algorithm) as w:
                w.start_usb_agent()
                w.add("token", model)
                w.wait_for_card()
                w.read()
                w.read()
                w.drop("token")

    def test_rsa(self):
        """Chained both ways by the small ones."""
        with Bed("rsa2048") as w:
            w.start_usb_agent()
            for model in [*FAMILIES, "gnuk"]:
                with self.subTest(model=model):
                    w.add("token", model)
                    w.wait_for_card()
                    w.read()
                    w.drop("token")

    def test_unplugged_in_flight_and_back(self):
        with Bed() as w:
            w.add("token", "yubikey-5")
            w.start_usb_agent()
            w.wait_for_card()
            w.read()
            w.bed.tell("fault", "token", "no-answer")
            (w.folder / "mail").write_bytes(w.mail)
            before = w.blocks("token")
            reading = w.start("gpg", "--batch", "--no-tty", "-d", w.folder / "mail", ends_with=2,
                              stderr=subprocess.DEVNULL)
            wait_until(lambda: w.blocks("token") > before, "the command is there")
            w.bed.tell("unplug", "token")
            self.assertEqual(reading.wait(PATIENCE), 2)
            w.wait_for_card(False)
            w.bed.tell("fault", "token", "none")
            w.bed.tell("plug", "token")
            w.wait_for_card()
            w.read()

    def test_held_by_another(self):
        with Bed() as w:
            w.add("token", "yubikey-5")
            w.bed.tell("hold", "token", 1)
            w.start_usb_agent()
            wait_until(lambda: "another program" in w.log() or "holds" in w.log(), "the log says it")
            w.bed.tell("hold", "token", 0)

    def test_touch(self):
        with Bed() as w:
            w.add("token", "nitrokey-start")
            w.start_usb_agent()
            w.wait_for_card()
            w.bed.tell("touch", "token", 1, 1, 1000, 100)
            start = time.monotonic()
            w.read()
            self.assertGreater(time.monotonic() - start, 1)

    def test_touch_told_once(self):
        """By the key's policy, or else by the token itself, which says what it waits for."""
        for policy, slow in ((1, 0), (0, 1000)):
            with self.subTest(policy=policy), Bed() as w:
                w.add("token", "nitrokey-start")
                w.start_usb_agent()
                w.wait_for_card()
                w.bed.tell("touch", "token", 1, policy, 1000, 100)
                with Watcher(w) as watcher:
                    w.bed.tell("slow", "token", slow)
                    w.read()
                    wait_until(lambda: "served" in watcher.names(), "it is told")
                    self.assertEqual([n for n in watcher.names() if n != "card-in"],
                                     ["pin-wanted", "pin-done", "touch-wanted", "touch-done", "served"])


if __name__ == "__main__":
    main()
