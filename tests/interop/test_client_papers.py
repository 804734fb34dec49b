"""What is said of the commands: --help, man pages and completions agree; pkg-config leads to the library."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from world import BIN, main, need

ROOT = pathlib.Path(__file__).parents[2]
COMPLETION = ROOT / "client" / "completion"
COMMANDS = ["decrypt", "session-key", "list", "watch", "lock", "forget"]


def options(text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text))


def helped(*words):
    return options(subprocess.run([BIN / words[0], *words[1:], "--help"], capture_output=True, text=True,
                                  check=True).stdout.split("\nExamples:")[0])


def manual(name):
    text = (ROOT / "doc" / name).read_text().split(".Sh EXAMPLES")[0]
    return {o.rstrip(",") for o in re.findall(r"Fl -([a-z][a-z-]+)", text)}


class Papers(unittest.TestCase):
    def setUp(self):
        self.common = helped("cardea")
        self.own = {c: helped("cardea", c) - self.common for c in COMMANDS}
        self.all = self.common.union(*self.own.values())

    def test_manuals(self):
        self.assertEqual(manual("cardea.1"), self.all)
        self.assertEqual(manual("cardea-sop.1"), helped("cardea-sop"))

    def test_every_function_is_in_the_manual(self):
        header = (ROOT / "client" / "cardea.h").read_text()
        functions = set(re.findall(r"\b(cardea_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.S)))
        text = (ROOT / "doc" / "libcardea.3").read_text()
        self.assertEqual(functions, set(re.findall(r"^\.Nm (\w+)", text, re.M)))
        self.assertEqual(functions, set(re.findall(r"^\.F[no] (\w+)", text.split(".Sh DESCR")[0], re.M)))
        exported = subprocess.run(["nm", "-D", "--defined-only", BIN.parent / "lib" / "libcardea.so"],
                                  capture_output=True, text=True, check=True).stdout
        names = {l.split()[2].split("@")[0] for l in exported.splitlines() if l.split()[1] == "T"}
        self.assertEqual(functions, names)

    def bash(self, *words):
        script = f'source {COMPLETION}/cardea.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' \
                 f'_{words[0].replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        run = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                             check=True, cwd=ROOT)
        self.assertEqual(run.stderr, "")
        return set(run.stdout.split())

    def test_bash(self):
        need("bash")
        self.assertEqual(self.bash("cardea", ""), set(COMMANDS))
        self.assertEqual(self.bash("cardea", "--socket", "x", "se"), {"session-key"})
        for words, expected in [([], self.common)] + \
                [([c], self.own[c] | self.common - {"version"}) for c in COMMANDS]:
            offered = self.bash("cardea", *words, "--")
            self.assertEqual({o[2:] for o in offered if o != "--"}, expected, words)
        self.assertEqual(self.bash("cardea", "decrypt", "READ"), {"README.md"})
        self.assertEqual(self.bash("cardea", "decrypt", "-o", "READ"), {"README.md"})
        self.assertEqual(self.bash("cardea", "decrypt", "--max-output", ""), set())
        self.assertEqual(self.bash("cardea-sop", ""), {"version", "decrypt", "--help"})
        offered = self.bash("cardea-sop", "version", "--") | self.bash("cardea-sop", "decrypt", "--")
        self.assertEqual({o[2:].rstrip("=") for o in offered}, helped("cardea-sop"))

    def test_fish(self):
        need("fish")
        def offered(line):
            run = subprocess.run(["fish", "--no-config", "-c", f"source {COMPLETION}/cardea.fish; "
                                  f"complete -C '{line}'"], capture_output=True, text=True, check=True)
            return {l.split("\t")[0] for l in run.stdout.splitlines()}
        self.assertLessEqual(set(COMMANDS), offered("cardea "))
        for command in COMMANDS:
            self.assertEqual({o[2:] for o in offered(f"cardea {command} --")},
                             self.own[command] | self.common - {"version"})
        both = offered("cardea-sop version --") | offered("cardea-sop decrypt --")
        self.assertEqual({o[2:].rstrip("=") for o in both}, helped("cardea-sop"))

    def test_zsh(self):
        need("zsh")
        subprocess.run(["zsh", "-n", COMPLETION / "_cardea"], check=True)
        text = (COMPLETION / "_cardea").read_text()
        self.assertEqual(options(text), self.all | helped("cardea-sop"))

    def test_pkg_config(self):
        need("cmake", "cc", "pkg-config")
        library = BIN.parent / "lib" / "libcardea.so"
        linked = subprocess.run(["ldd", library], capture_output=True, text=True, check=True).stdout
        flags = [f"-fsanitize={name}" for lib, name in (("libasan", "address"), ("libtsan", "thread"),
                                                        ("libubsan", "undefined")) if lib in linked]
        with tempfile.TemporaryDirectory(prefix="cardea-") as folder:
            prefix = pathlib.Path(folder) / "p"
            subprocess.run(["cmake", "--install", BIN.parent, "--prefix", prefix], check=True,
                           capture_output=True)
            found = next(prefix.rglob("cardea.pc"))
            self.assertTrue((prefix / "share/man/man3/libcardea.3").exists())
            self.assertTrue((prefix / "share/bash-completion/completions/cardea").exists())
            words = subprocess.run(
                ["pkg-config", f"--define-variable=libdir={found.parents[1]}",
                 f"--define-variable=includedir={prefix}/include", "--cflags", "--libs", "cardea"],
                env=os.environ | {"PKG_CONFIG_PATH": str(found.parent)}, capture_output=True, text=True,
                check=True).stdout.split()
            example = (ROOT / "doc" / "libcardea.3").read_text()
            example = re.search(r"^#include.*?^}$", example, re.S | re.M)[0].replace("\\e", "\\")
            source = pathlib.Path(folder) / "example.c"
            source.write_text(example)
            program = pathlib.Path(folder) / "example"
            subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", program, source, *words, *flags],
                           check=True)
            run = subprocess.run([program], input=b"no message", capture_output=True, check=False,
                                 env=os.environ | {"LD_LIBRARY_PATH": str(found.parents[1]),
                                                   "CARDEA_SOCKET": "/nowhere"})
            self.assertEqual((run.returncode, run.stdout), (1, b""))
            self.assertIn(b"No agent running", run.stderr)


if __name__ == "__main__":
    main()
