"""OpenPGP.js, from npm: installed once for all tests of a build tree."""

import fcntl
import json
import os
import pathlib
import subprocess
import unittest

from world import BIN, need

HERE = pathlib.Path(__file__).parent
PACKAGES = ["openpgp@6", "openpgp5@npm:openpgp@5"]


def install(folder):
    done = folder / "node_modules" / ".complete"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        run = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder,
                              *PACKAGES], capture_output=True, check=False)
        if run.returncode and os.environ.get("CI") != "true":
            raise unittest.SkipTest("npm cannot install openpgp")
        run.check_returncode()
        done.touch()


def modules():
    """The folder node_modules: that of OPENPGP_JS, or one in the build tree."""
    need("node", "npm")
    if "OPENPGP_JS" in os.environ:
        return pathlib.Path(os.environ["OPENPGP_JS"]) / "node_modules"
    folder = BIN.parent / "npm"
    folder.mkdir(exist_ok=True)
    install(folder)
    return folder / "node_modules"


def run_script(name, *words, cases=()):
    """Runs a script of this folder, which takes JSON lines and gives some."""
    run = subprocess.run(["node", HERE / name, *words], capture_output=True, check=True,
                         input="".join(json.dumps(c) + "\n" for c in cases).encode(),
                         env=os.environ | {"NODE_PATH": str(modules())})
    return [json.loads(line) for line in run.stdout.splitlines()]
