#!/usr/bin/env python3
"""Every check of the house passes on a small sound tree and fails on the same tree when it is broken."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HOUSE = pathlib.Path(__file__).resolve().with_name("house.py")
ROOT = HOUSE.parents[2]

SOUND = {
    "base/bytes.h": "/* Bytes. */\n#pragma once\n\nint bytes_count(const char *text);\n",
    "base/bytes.c": '#include "base/bytes.h"\n\nint bytes_count(const char *text)\n{\n'
                    "    return text[0];\n}\n",
    "ccid/reader.h": '/* Readers. */\n#pragma once\n\n#include "base/bytes.h"\n',
    "ccid/other.h": "/* Other. */\n#pragma once\n",
    "apdu/card.c": '/* strcpy(here) is a comment, "and atoi()" a string. */\n#include "ccid/reader.h"\n',
    "agent/session.c": '#include "base/bytes.h"\n#include "ccid/reader.h"\n',
    "tests/fuzz/corpus/x/seed": "  tab\tand blanks  ",
    "run": "#!/bin/sh\nset -eu\necho \"$1\"\n",
    "doc/x.1": '.Dd May 1, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd a test\n',
}


def run(check, root, **environment):
    return subprocess.run([sys.executable, HOUSE, check, root], capture_output=True, text=True,
                          env=dict(os.environ, **environment))


class House(unittest.TestCase):
    def tree(self, changes):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in {**SOUND, **changes}.items():
            path = pathlib.Path(folder.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        for name in (".clang-format", ".editorconfig"):
            (pathlib.Path(folder.name) / name).write_text((ROOT / name).read_text())
        return folder.name

    def expect(self, check, changes, problem):
        """The check fails with the problem, and without the changes it passes."""
        sound = run(check, self.tree({}))
        if sound.returncode == 77:
            self.skipTest(sound.stderr.strip())
        self.assertEqual((sound.returncode, sound.stderr), (0, ""))
        broken = run(check, self.tree(changes))
        self.assertEqual(broken.returncode, 1, broken.stderr)
        self.assertIn(problem, broken.stderr)

    def test_format(self):
        self.expect("format", {"base/bytes.c": "int  x;\n"}, "base/bytes.c:1")

    def test_text(self):
        for text, problem in (("x", "x:1: no line feed"), ("x \n", "x:1: white space"),
                              ("x\r\n", "x:1: a carriage return"), ("\tx\n", "x:1: a tab"),
                              ("y" * 121 + "\n", "x:1: 121 characters"), (b"\xff\n", "x:1: no UTF-8")):
            with self.subTest(problem):
                self.expect("text", {"x": text}, problem)
        self.expect("text", {"agent/x.c": "/* " + "y" * 98 + "\n */\n"}, "agent/x.c:1: 101 characters")

    def test_includes(self):
        for name, line, problem in (
                ("base/x.c", '#include "ccid/reader.h"', "base/ may not include ccid/reader.h"),
                ("ccid/x.c", '#include "apdu/card.h"', "ccid/ may not include apdu/card.h"),
                ("apdu/x.c", '#include "ccid/other.h"', "apdu/ may not include ccid/other.h"),
                ("apdu/x.c", "# include <winscard.h>", "apdu/ knows nothing of winscard.h"),
                ("apdu/x.c", "#include <PCSC/winscard.h>", "apdu/ knows nothing of PCSC/winscard.h"),
                ("message/x.c", "#include <assuan.h>", "message/ knows nothing of assuan.h"),
                ("message/x.h", '#include "agent/x.h"', "message/ may not include agent/x.h"),
                ("agent/x.c", '#include "ccid/other.h"', "agent/ may not include ccid/other.h"),
                ("agent/x.c", '#include "client/x.h"', "agent/ may not include client/x.h"),
                ("client/x.c", '#include "agent/x.h"', "client/ may not include agent/x.h"),
                ("base/x.c", '#include "tests/token/token.h"', "base/ may not include tests/"),
                ("ccid/x.c", "int x = INS_VERIFY;", "ccid/ knows nothing of INS_VERIFY")):
            with self.subTest(problem):
                self.expect("includes", {name: line + "\n"}, f"{name}:1: {problem}")

    def test_logging(self):
        for name in ("base/x.c", "ccid/x.c", "apdu/x.c", "message/x.c", "client/x.c"):
            with self.subTest(name):
                self.expect("logging", {name: 'void f(void)\n{\n    log_warning("x");\n}\n'},
                            f"{name}:3: only agent/")
        self.assertEqual(run("logging", self.tree({"agent/x.c": 'log_warning("x");\n'})).returncode, 0)

    def test_functions(self):
        for name in ("strcpy", "strcat", "sprintf", "atoi", "alloca", "gets"):
            with self.subTest(name):
                self.expect("functions", {"tests/x.c": f"int f(void)\n{{\n    return {name}(x);\n}}\n"},
                            f"tests/x.c:3: {name} is not used here")
        sound = self.tree({"agent/x.c": "snprintf(x); fgets(y); p->gets(z); my_atoi(a);\n"})
        self.assertEqual(run("functions", sound).returncode, 0)

    def test_headers(self):
        self.expect("headers", {"base/x.h": "#pragma once\nsize_t x(void);\n"}, "base/x.h:1")
        self.expect("headers", {"base/x.h": "int x(void);\n"}, "base/x.h:1: no #pragma once")

    def test_scripts(self):
        self.expect("scripts", {"bad": "#!/bin/sh\necho $1\n"}, "bad:2:6: note: Double quote")
        self.expect("scripts", {"bad.sh": "#!/bin/bash\nfoo(\n"}, "bad.sh:2")

    def test_manuals(self):
        self.expect("manuals", {"doc/y.8": ".Dd May 1, 2026\n.Dt Y 8\n.Os\n.Sh NAME\n.Xx\n"}, "doc/y.8:5")

    def test_missing_programs(self):
        empty = tempfile.TemporaryDirectory()
        self.addCleanup(empty.cleanup)
        for check, program in (("format", "clang-format"), ("scripts", "shellcheck"),
                               ("manuals", "mandoc"), ("headers", "cc")):
            for ci, status in (("", 77), ("true", 1)):
                done = run(check, self.tree({}), PATH=empty.name, CI=ci)
                self.assertEqual(done.returncode, status)
                self.assertIn(f"{program} is missing", done.stderr)

    def test_usage(self):
        self.assertEqual(run("nonsense", "/").returncode, 2)


if __name__ == "__main__":
    unittest.main()
