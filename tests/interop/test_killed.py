"""kill -9 of the agent at random moments: nothing that matters is lost, and nothing is left behind that
would be in the way. CARDEA_KILLS and CARDEA_SEED say how many moments, and which."""

import ctypes
import os
import pathlib
import random
import subprocess
import threading
import time
import unittest

import openpgp
import sexp
from curves import x25519
from world import BIN, AssuanError, World, main, wait_until

KILLS = int(os.environ.get("CARDEA_KILLS", "500"))
SEED = int(os.environ.get("CARDEA_SEED", random.randrange(1 << 32)))
SOON = 4  # seconds within which the next decryption is done, from the start of its agent
PR_SET_CHILD_SUBREAPER = 36


class KillWorld(World):
    """An agent that is killed and started again, and a token that stays. What a killed agent leaves behind
    becomes a child of this process."""

    def __enter__(self):
        super().__enter__()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.make_key()
        self.keygrip = self.keygrips("alice")[1]
        self.point = openpgp.encryption_key(self.gpg("--export", "alice").stdout).point[1:]
        self.proxy = self.start_token_behind_proxy()
        self.ours = self.children()
        self.verifies = 0
        return self

    def __exit__(self, *problem):
        self.proxy.close()
        super().__exit__(*problem)

    def children(self):
        found = set()
        for task in pathlib.Path("/proc/self/task").iterdir():
            try:
                found |= set(map(int, (task / "children").read_text().split()))
            except OSError:
                pass  # a thread that has ended
        return found

    def begin(self, pinentry=BIN / "fake-pinentry"):
        command = [BIN / "cardea-agent", "--gnupghome", self.home, "--reader", self.reader(),
                   "--pinentry", pinentry]
        with open(self.agent_log, "ab") as log:
            self.agent_process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stderr=log)

    def insert_soon(self, stop):
        """Inserts the card as soon as there is a reader."""
        while not stop.is_set():
            try:
                self.proxy.insert()
                return
            except OSError:
                time.sleep(0.0005)

    def decrypt_until(self, stop, once=False):
        """A client's decryptions, begun as soon as somebody listens. The answers are right, or there are
        none because the agent was killed. Returns how many there were."""
        secret, done = os.urandom(32), 0
        request = sexp.ecdh(b"\x40" + x25519(secret))
        wanted = b"\x40" + x25519(secret, self.point)
        while not stop.is_set() and not (once and done):
            try:
                with self.connect() as client:
                    while not stop.is_set() and not (once and done):
                        assert client.decrypt(self.keygrip, request) == wanted
                        done += 1
            except (OSError, EOFError, AssuanError):
                time.sleep(0.0005)  # no agent, or no card in it yet
        return done

    def kill(self):
        self.agent_process.kill()
        self.agent_process.wait()
        self.proxy.pull()
        self.verifies += len(self.proxy.verifies())

    def orphans(self):
        """Children that a killed agent left behind, as far as they have not ended by themselves."""
        left = self.children() - self.ours
        for pid in left:
            os.waitpid(pid, os.WNOHANG)
        return left


class Killed(unittest.TestCase):
    def victim(self, w, moment):
        """An agent and its client, until the moment comes."""
        stop = threading.Event()
        w.begin()
        threads = [threading.Thread(target=w.insert_soon, args=(stop,)),
                   threading.Thread(target=w.decrypt_until, args=(stop,))]
        for thread in threads:
            thread.start()
        time.sleep(moment)
        stop.set()
        w.agent_process.kill()
        for thread in threads:
            thread.join()
        w.kill()

    def successor(self, w):
        """The next agent takes the dead one's place, and serves. Returns how long that took."""
        begun = time.monotonic()
        w.pinentry()
        w.begin()
        w.insert_soon(threading.Event())
        self.assertEqual(w.decrypt_until(threading.Event(), once=True), 1)
        took = time.monotonic() - begun
        self.assertLess(took, SOON)
        w.kill()
        return took

    def test_at_random_moments(self):
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        with KillWorld() as w:
            span = 1.5 * max(self.successor(w) for _ in range(3))
            slowest = 0
            for number in range(KILLS):
                w.pinentry(MODE="hang" if number % 3 == 0 else "pin", DELAY_MS=chance.randrange(5))
                self.victim(w, chance.uniform(0, span))
                wait_until(lambda: not w.orphans(), f"the pinentry of kill {number} has ended", SOON)
                self.assertEqual(w.proxy.tries_left(), 3)
                slowest = max(slowest, self.successor(w))
                self.assertLessEqual(w.verifies, w.typed())
            print(f"{KILLS} kills within {1000 * span:.0f} ms of a start, {len(w.prompts())} prompts, "
                  f"{w.verifies} PINs sent of {w.typed()} typed, "
                  f"slowest next decryption {1000 * slowest:.0f} ms after a start", flush=True)
            self.assertGreater(len(w.prompts()), KILLS, "many a victim got as far as its prompt")

    def wait_for_human(self, w, pinentry, **settings):
        """An agent that is killed while a prompt is open, and the prompt."""
        w.pinentry(**settings)
        asked = len(w.prompts())
        stop = threading.Event()
        w.begin(pinentry)
        w.insert_soon(stop)
        client = threading.Thread(target=w.decrypt_until, args=(stop,))
        client.start()
        wait_until(lambda: len(w.prompts()) > asked, "a prompt")
        self.assertEqual(len(w.agent_children()), 1)
        stop.set()
        w.kill()
        client.join()

    def test_pinentries_that_wait_for_their_human(self):
        """They do not look whether anybody still wants an answer."""
        with KillWorld() as w:
            script = w.folder / "pinentry.sh"
            script.write_text(f"#!/bin/sh\nexec {BIN}/fake-pinentry\n")
            script.chmod(0o755)
            for pinentry in (BIN / "fake-pinentry", script):
                for mode in ("hang", "hang-greeting", "half-line"):
                    self.wait_for_human(w, pinentry, MODE=mode)
                    wait_until(lambda: not w.orphans(), "the pinentry has ended", SOON)
                    self.assertEqual(w.proxy.tries_left(), 3)


if __name__ == "__main__":
    main()
