"""The table of devices is in order, and the rules made from it are what udev reads."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

TABLE = pathlib.Path(__file__).parents[2] / "udev" / "devices.table"
RULES = pathlib.Path(os.environ["CARDEA_UDEV_RULES"])
# udev(7): key, operator, quoted value; and the keys and labels that rules of this kind need.
TERM = re.compile(r'(ACTION|SUBSYSTEM|TEST|TAG|LABEL|GOTO|ENV\{\w+\}|ATTR\{[\w/]+\})(==|!=|=|\+=)"([^"]*)"')
# Interfaces of class FF that speak CCID, in libccid's collection of descriptors.
VENDOR_CLASS = """046a:003e 04e6:5111 04e6:5120 04e6:511a 04e6:5121 04e6:512b 04e6:512c 04e6:5291 04e6:5292
    04e6:e003 0c4b:0300 0c4b:0500 076b:532a 076b:5340 08e6:2202 08e6:1359 08e6:ace0 09be:0002 0973:0003
    1a74:6354 1a74:6356 1db2:0600 1db2:0604 413c:2100""".split()


def rows():
    lines = TABLE.read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def lines():
    return [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]


class Table(unittest.TestCase):
    def test_fields(self):
        for row in rows():
            with self.subTest(row=row):
                self.assertEqual(len(row), 5)
                vendor, product, kind, name, source = row
                self.assertRegex(vendor + product, r"^[0-9a-f]{8}$")
                self.assertIn(kind, ("0b", "ff"))
                self.assertRegex(name, r"^[\x21-\x7e]+( [\x21-\x7e]+)*$")
                self.assertIn(source, ("libccid", "scdaemon"))

    def test_sorted_and_each_once(self):
        ids = [(row[0], row[1]) for row in rows()]
        self.assertEqual(ids, sorted(set(ids)))

    def test_vendor_class(self):
        self.assertEqual(sorted(f"{r[0]}:{r[1]}" for r in rows() if r[2] == "ff"), sorted(VENDOR_CLASS))


class Rules(unittest.TestCase):
    def test_number(self):
        self.assertTrue(50 < int(RULES.name.split("-")[0]) < 73)

    def test_syntax(self):
        labels, jumps = set(), set()
        for line in lines():
            with self.subTest(line=line):
                terms = line.split(", ")
                for term in terms:
                    self.assertRegex(term, f"^{TERM.pattern}$")
                labels.update(t[7:-1] for t in terms if t.startswith("LABEL="))
                jumps.update(t[6:-1] for t in terms if t.startswith("GOTO="))
        self.assertEqual(labels, jumps)

    def test_every_device(self):
        text = RULES.read_text()
        for vendor, product, _, name, _ in rows():
            self.assertIn(f'# {name}\nATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}", '
                          'GOTO="cardea_reader"\n', text)

    def test_what_they_leave_alone(self):
        self.assertEqual(lines()[0], 'ACTION=="remove", GOTO="cardea_end"')
        for word in ("GROUP", "OWNER", "MODE", "RUN", 'ACTION=="add"', "ATTRS"):
            self.assertNotIn(word, "\n".join(lines()))

    def test_udev_reads_them(self):
        if not shutil.which("udevadm"):
            self.assertNotEqual(os.environ.get("CI"), "true", "missing: udevadm")
            self.skipTest("missing: udevadm")
        done = subprocess.run(["udevadm", "verify", RULES], capture_output=True, text=True)
        # Before 254 there is no such verb; the virtual machine's udevd reads them in any case.
        if "Unknown command verb" not in done.stderr:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
