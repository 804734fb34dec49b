"""What `cmake --install` leaves in a root of its own, and whether it works from there."""

import os
import pathlib
import re
import subprocess
import unittest

from test_client import ClientWorld
from world import BIN, main, need

ROOT = pathlib.Path(__file__).parents[2]

FILES = """
bin/cardea bin/cardea-agent bin/cardea-sop bin/cardea-token
include/cardea.h LIB/libcardea.so LIB/libcardea.so.0 LIB/libcardea.so.VERSION LIB/pkgconfig/cardea.pc
share/man/man1/cardea.1 share/man/man1/cardea-agent.1 share/man/man1/cardea-sop.1 share/man/man1/cardea-token.1
share/man/man3/libcardea.3 share/man/man5/cardea-agent.conf.5
share/bash-completion/completions/cardea share/bash-completion/completions/cardea-sop
share/fish/vendor_completions.d/cardea.fish share/fish/vendor_completions.d/cardea-sop.fish
share/zsh/site-functions/_cardea
"""
UDEV_RULES = "lib/udev/rules.d/60-cardea.rules"


def run(*words, **options):
    return subprocess.run([str(w) for w in words], **{"check": True, "capture_output": True, "text": True, **options})


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("cmake", "pkg-config")
        cls.w = w = ClientWorld()
        cls.addClassCleanup(w.__exit__, None, None, None)
        cls.cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (BIN.parent / "CMakeCache.txt").read_text(), re.M))
        cls.root = w.folder / "root"
        run("cmake", "--install", BIN.parent, env=os.environ | {"DESTDIR": str(cls.root)})
        cls.prefix = cls.root / cls.cache["CMAKE_INSTALL_PREFIX"].lstrip("/")
        cls.lib = cls.prefix / cls.cache["CMAKE_INSTALL_LIBDIR"]
        # A program of others knows nothing of the sanitizers that the library may be built with.
        linked = run("ldd", cls.lib / "libcardea.so").stdout
        cls.flags = [f"-fsanitize={name}" for lib, name in (
            ("libasan", "address"), ("libtsan", "thread"), ("libubsan", "undefined")) if lib in linked]

    def pkg_config(self, *words):
        env = os.environ | {"PKG_CONFIG_PATH": str(self.lib / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}
        return run("pkg-config", *words, "cardea", env=env).stdout.split()

    def test_every_file_has_its_place(self):
        version = run(self.prefix / "bin" / "cardea", "--version").stdout.split()[1]
        expected = set(FILES.replace("LIB", str(self.lib.relative_to(self.prefix)))
                       .replace("VERSION", version).split())
        if subprocess.run(["pkg-config", "--exists", "udev"], check=False).returncode == 0:
            expected.add(UDEV_RULES)
        self.assertEqual({str(p.relative_to(self.prefix)) for p in self.prefix.rglob("*") if not p.is_dir()},
                         expected)
        self.assertEqual(self.pkg_config("--modversion"), [version])
        self.assertEqual({p for p in self.root.rglob("*") if not p.is_dir() and self.prefix not in p.parents}, set())

    def test_manuals_lead_to_each_other(self):
        manuals = {p.name: p.read_text() for p in (self.prefix / "share" / "man").rglob("*.?")}
        for name, text in manuals.items():
            for page, section in re.findall(r"^\.Xr ((?:lib)?cardea\S*) (\d)", text, re.M):
                self.assertIn(f"{page}.{section}", manuals, name)

    def test_header(self):
        """Alone, in every dialect that a program may be written in."""
        need("cc", "clang++")
        source = self.w.folder / "header"
        source.write_text("#include <cardea.h>\n")
        for compiler, language, standards in ("cc", "c", ("c99", "c11", "c17")), \
                ("clang++", "c++", ("c++98", "c++11", "c++20")):
            for standard in standards:
                run(compiler, "-x", language, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror",
                    "-fsyntax-only", source, *self.pkg_config("--cflags"))

    def test_program(self):
        """The example of libcardea(3), as somebody would build it."""
        need("cc")
        example = (self.prefix / "share/man/man3/libcardea.3").read_text()
        source, program = self.w.folder / "example.c", self.w.folder / "example"
        source.write_text(re.search(r"^#include.*?^}$", example, re.S | re.M)[0].replace("\\e", "\\"))
        run("cc", "-Wall", "-Wextra", "-Werror", "-o", program, source,
            *self.pkg_config("--cflags", "--libs"), *self.flags)
        ended = run(program, input="no message", check=False,
                    env=os.environ | {"LD_LIBRARY_PATH": str(self.lib), "CARDEA_SOCKET": "/nowhere"})
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertIn("No agent running", ended.stderr)

    def test_the_agent_is_found(self):
        """By the command beside it, wherever both lie; by the library where it was to be installed."""
        w = self.w
        w.configure(f"[agent]\nreader = {w.reader()}\n")
        self.addCleanup(run, "gpgconf", "--kill", "gpg-agent", env=w.env)
        self.assertIn("No token", run(self.prefix / "bin" / "cardea", "list", env=w.env).stdout)
        with w.connect() as client:
            pid = client.command("GETINFO pid").decode()
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), str(self.prefix / "bin" / "cardea-agent"))
        self.assertIn(self.cache["CMAKE_INSTALL_PREFIX"].encode() + b"/bin/cardea-agent\0",
                      (self.lib / "libcardea.so").read_bytes())

    def test_completions_are_taken(self):
        for shell, folder, line in (
                ("bash", "share/bash-completion/completions", "source {}; complete -p {}"),
                ("fish", "share/fish/vendor_completions.d", "source {}.fish; complete -c {}")):
            need(shell)
            for program in "cardea", "cardea-sop":
                told = run(shell, "-c", line.format(self.prefix / folder / program, program)).stdout
                self.assertIn(program, told, shell)


if __name__ == "__main__":
    main()
