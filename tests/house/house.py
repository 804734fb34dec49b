#!/usr/bin/env python3
"""house.py CHECK [ROOT]: one rule of the house over all files of the tree.

Checks: format, text, includes, logging, functions, headers, scripts, manuals. Prints FILE:LINE: what is wrong,
and ends with 1; with 0 when all is well; with 77 (1 when CI=true) when a program is missing, which it
names. tests/house/test_house.py shows that each can fail."""
import fnmatch
import functools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

CLANG_FORMAT_VERSION = "14"  # others lay out some things differently
LIBRARIES = ["gpg-error", "libgcrypt", "libassuan", "libpcsclite", "libusb-1.0", "inih", "cmocka",
             "umockdev-1.0"]

# Which folders a folder may include from, besides itself (doc/architecture.md).
MAY_INCLUDE = {
    "base": [],
    "ccid": ["base/"],
    "apdu": ["base/", "ccid/reader.h"],
    "message": ["base/"],
    "agent": ["base/", "message/", "apdu/", "ccid/reader.h"],
    "client": ["base/", "message/"],
}
MAY_NOT_INCLUDE = {
    "base": ["winscard.h", "libusb.h", "assuan.h"],
    "ccid": ["assuan.h"],
    "apdu": ["winscard.h", "libusb.h", "assuan.h"],
    "message": ["winscard.h", "libusb.h", "assuan.h"],
    "agent": ["winscard.h", "libusb.h"],
}
DEBUG_ONLY = ["base", "ccid", "apdu", "message", "client"]
FORBIDDEN = ["strcpy", "stpcpy", "strcat", "sprintf", "vsprintf", "atoi", "atol", "alloca", "gets",
             "strtok", "mktemp", "tmpnam"]
OPENPGP_WORDS = r"\b(INS_\w+|ISO7816_\w+|\w*OPENPGP\w*|\w*DECIPHER\w*|PSO\w*)\b"


class Missing(Exception):
    """A program that the check needs is not there."""


def need(program):
    found = shutil.which(program)
    if not found:
        raise Missing(program)
    return found


@functools.lru_cache
def files(root):
    """All files that are, or could be, in version control."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        names = {n for n in listed.stdout.split("\0") if n}
    else:
        names = {str(p.relative_to(root)) for p in pathlib.Path(root).rglob("*") if p.is_file()}
        names = {n for n in names if n.split("/")[0] not in ("build", ".git")}
    return sorted(n for n in names if (pathlib.Path(root) / n).is_file())


def sources(root):
    return [n for n in files(root) if n.endswith((".c", ".h"))]


def read(root, name):
    return (pathlib.Path(root) / name).read_text(errors="surrogateescape")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


COMMENT_OR_STRING = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE)


def code(root, name):
    """The lines of a source, numbered, without comments and strings."""
    return enumerate(COMMENT_OR_STRING.sub(blank, read(root, name)).split("\n"), 1)


def includes(root, name):
    """Line, and what is included."""
    text = re.sub(r"/\*.*?\*/", blank, read(root, name), flags=re.DOTALL)
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1)


def check_format(root):
    program = need("clang-format")
    version = re.search(r"version (\d+)", subprocess.run(
        [program, "--version"], capture_output=True, text=True).stdout)
    if not version or version.group(1) != CLANG_FORMAT_VERSION:
        raise Missing(f"clang-format {CLANG_FORMAT_VERSION}")
    names = sources(root)
    if not names:
        return
    done = subprocess.run([program, "--dry-run", "-Werror", "-style=file", *names], cwd=root,
                          capture_output=True, text=True)
    for line in done.stderr.splitlines():
        if ": error:" in line:
            yield line
    if done.returncode and not done.stderr:
        yield "clang-format fails"


def editor_rules(root):
    """The sections of .editorconfig: pattern and settings."""
    sections = []
    for line in read(root, ".editorconfig").splitlines():
        line = line.strip()
        if line.startswith("["):
            sections.append((line[1:-1], {}))
        elif "=" in line and sections and not line.startswith(("#", ";")):
            key, value = line.split("=", 1)
            sections[-1][1][key.strip()] = value.strip()
    return sections


def expand_braces(pattern):
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        return [pattern]
    return [p for choice in match.group(1).split(",")
            for p in expand_braces(pattern[:match.start()] + choice + pattern[match.end():])]


def rules_for(sections, name):
    rules = {}
    for pattern, settings in sections:
        for p in expand_braces(pattern):
            subject = name if "/" in p else os.path.basename(name)
            if fnmatch.fnmatch(subject, p.lstrip("/")):
                rules.update(settings)
    return rules


def check_lines(name, text, rules):
    limit = rules.get("max_line_length", "off")
    for number, line in enumerate(text.split("\n"), 1):
        if rules.get("end_of_line") == "lf" and "\r" in line:
            yield f"{name}:{number}: a carriage return"
        if rules.get("trim_trailing_whitespace") == "true" and line.rstrip() != line:
            yield f"{name}:{number}: white space at the end"
        if rules.get("indent_style") == "space" and re.match(r" *\t", line):
            yield f"{name}:{number}: a tab in the indentation"
        if limit.isdigit() and len(line) > int(limit):
            yield f"{name}:{number}: {len(line)} characters, {limit} are allowed"


def check_text(root):
    sections = editor_rules(root)
    for name in files(root):
        data = (pathlib.Path(root) / name).read_bytes()
        rules = rules_for(sections, name)
        # Seeds are what they are, and binary files have no lines.
        if "/corpus/" in name or not data or b"\0" in data:
            continue
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            yield f"{name}:1: no UTF-8, byte {error.start}"
            continue
        if rules.get("insert_final_newline") == "true" and not text.endswith("\n"):
            yield f"{name}:{text.count(chr(10)) + 1}: no line feed at the end"
        yield from check_lines(name, text, rules)


def check_includes(root):
    for name in sources(root):
        folder = name.split("/")[0]
        if folder not in MAY_INCLUDE:
            continue
        allowed = [folder + "/", *MAY_INCLUDE[folder]]
        for number, included in includes(root, name):
            if included.split("/")[-1] in MAY_NOT_INCLUDE.get(folder, []):
                yield f"{name}:{number}: {folder}/ knows nothing of {included}"
            ours = included.split("/")[0] in [*MAY_INCLUDE, "tests"] and "/" in included
            if ours and not included.startswith(tuple(allowed)):
                yield f"{name}:{number}: {folder}/ may not include {included}"
        if folder != "ccid":
            continue
        for number, line in code(root, name):
            word = re.search(OPENPGP_WORDS, line)
            if word:
                yield f"{name}:{number}: ccid/ knows nothing of {word.group()}"


def check_logging(root):
    for name in sources(root):
        if name.split("/")[0] not in DEBUG_ONLY or name in ("base/log.c", "base/log.h"):
            continue
        for number, line in code(root, name):
            found = re.search(r"\blog_(error|warning|info)\s*\(", line)
            if found:
                yield f"{name}:{number}: only agent/ logs above debug"


def check_functions(root):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(FORBIDDEN) + r")\s*\(")
    for name in sources(root):
        for number, line in code(root, name):
            for found in pattern.finditer(line):
                yield f"{name}:{number}: {found.group(1)} is not used here"


def check_headers(root):
    compiler = need(os.environ.get("CC", "cc"))
    flags = []
    for library in LIBRARIES:
        found = subprocess.run([need("pkg-config"), "--cflags", library], capture_output=True, text=True)
        if found.returncode:
            raise Missing(f"{library} (by pkg-config)")
        flags += shlex.split(found.stdout)
    for name in sources(root):
        if not name.endswith(".h"):
            continue
        done = subprocess.run(
            [compiler, "-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
             "-D_FILE_OFFSET_BITS=64", "-I.", *flags, "-x", "c", "-"],
            cwd=root, input=f'#include "{name}"\n', capture_output=True, text=True)
        if done.returncode:
            yield f"{name}:1: does not compile alone: {done.stderr.strip()}"
        if not re.search(r"^#pragma once$|^#ifndef (\w+_H)\n#define \1$", read(root, name), re.MULTILINE):
            yield f"{name}:1: no #pragma once"


def is_script(root, name):
    with open(pathlib.Path(root) / name, "rb") as file:
        first = file.readline(80)
    return bool(re.match(rb"#!\s*(/usr)?/bin/(env )?(ba|da)?sh\b", first)) or name.endswith(".sh")


def check_scripts(root):
    program = need("shellcheck")
    names = [n for n in files(root) if "/corpus/" not in n and is_script(root, n)]
    if not names:
        return
    done = subprocess.run([program, "--format=gcc", "--external-sources", "--source-path=SCRIPTDIR", *names],
                          cwd=root, capture_output=True, text=True)
    yield from done.stdout.splitlines()
    if done.returncode and not done.stdout:
        yield f"shellcheck fails: {done.stderr.strip()}"


def check_manuals(root):
    program = need("mandoc")
    names = [n for n in files(root) if re.fullmatch(r"doc/[^/]+\.[1-9]", n)]
    for name in names:
        done = subprocess.run([program, "-T", "lint", "-W", "warning", name], cwd=root,
                              capture_output=True, text=True)
        yield from done.stdout.splitlines()
        if done.returncode and not done.stdout:
            yield f"{name}:1: {done.stderr.strip()}"


def main(arguments):
    check = globals().get("check_" + arguments[0]) if arguments else None
    if not check or len(arguments) > 2 or arguments[0] == "lines":
        print(__doc__, file=sys.stderr)
        return 2
    root = arguments[1] if len(arguments) == 2 else str(pathlib.Path(__file__).resolve().parents[2])
    try:
        problems = list(check(root))
    except Missing as missing:
        print(f"{arguments[0]}: {missing} is missing", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 77
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
