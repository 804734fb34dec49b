"""What is said of the commands: --help, man pages and completions agree."""

import os
import pathlib
import pty
import re
import subprocess
import tempfile
import unittest

from world import BIN, main, need, wait_until

ROOT = pathlib.Path(__file__).parents[2]
COMPLETION = ROOT / "client" / "completion"
COMMANDS = ["decrypt", "session-key", "list", "watch", "lock", "forget"]

# Writes what Tab offers to the file $OFFERED, and then makes $OFFERED.done.
ZSH = r"""
autoload -Uz compinit && compinit -u -D
compadd() {
    [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] || {
        local -a offered
        builtin compadd -O offered "$@"
        print -rl -- $offered >>$OFFERED
    }
    builtin compadd "$@"
}
offer() { zle complete-word; print >$OFFERED.done }
zle -N offer
bindkey '^I' offer
print >$OFFERED.done
"""


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
        for words in ["=", "READ"], ["="]:
            self.assertIn("README.md", self.bash("cardea-sop", "decrypt", "--session-key-out", *words))
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

    def zsh(self, *lines):
        """What each line is offered, by a zsh at a terminal."""
        with tempfile.TemporaryDirectory(prefix="cardea-") as folder:
            offered, done = pathlib.Path(folder, "offered"), pathlib.Path(folder, "offered.done")
            pathlib.Path(folder, "init").write_text(f"fpath=({COMPLETION} $fpath){ZSH}")
            pid, terminal = pty.fork()
            if pid == 0:
                os.chdir(ROOT)
                os.execvpe("zsh", ["zsh", "-f", "-i"], os.environ | {"OFFERED": str(offered), "TERM": "dumb"})
            try:
                for line in f"source {folder}/init\n", *(f"{line}\t" for line in lines):
                    offered.write_text("")
                    os.write(terminal, line.encode())
                    wait_until(done.exists, f"zsh completes {line}")
                    done.unlink()
                    if line.endswith("\t"):
                        yield set(offered.read_text().split())
                        os.write(terminal, b"\x15")  # Ctrl-U
            finally:
                os.close(terminal)
                os.waitpid(pid, 0)

    def test_zsh(self):
        need("zsh")
        def only_options(offered):
            return {o[2:].rstrip("=") for o in offered if o.startswith("--")}
        lines = [f"cardea {c} --" for c in COMMANDS]
        for command, offered in zip(COMMANDS, self.zsh(*lines)):
            self.assertEqual(only_options(offered), self.own[command] | self.common - {"version"})
        names, flags, files, output = self.zsh("cardea ", "cardea --", "cardea --socket x decrypt READ",
                                               "cardea decrypt -o READ")
        self.assertEqual((names, files, output), (set(COMMANDS), {"README.md"}, {"README.md"}))
        self.assertEqual(only_options(flags), self.common)
        names, version, decrypt, files = self.zsh("cardea-sop ", "cardea-sop version --", "cardea-sop decrypt --",
                                                  "cardea-sop decrypt --session-key-out=READ")
        self.assertEqual((names, files), ({"version", "decrypt", "--help"}, {"README.md"}))
        self.assertEqual(only_options(version | decrypt), helped("cardea-sop"))


if __name__ == "__main__":
    main()
