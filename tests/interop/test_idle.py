"""An agent with nothing to do does nothing, so that a laptop sleeps."""

import pathlib
import re
import time
import unittest

from desktop import DESKTOP_HEEDED, DesktopWorld
from world import main, wait_until

IDLE_SECONDS = 10


def wakeups(pid):
    """How often any thread of the process gave the processor back, having had it."""
    files = pathlib.Path(f"/proc/{pid}/task").glob("*/status")
    return sum(int(n) for f in files for n in re.findall(r"ctxt_switches:\t(\d+)", f.read_text()))


class Idle(unittest.TestCase):
    def come_to_rest(self, pid):
        """The last client's session ends a moment after the client, and a change of readers is looked
        at once more a second later."""
        def rested():
            before = wakeups(pid)
            time.sleep(1.5)
            return wakeups(pid) == before
        wait_until(rested, "the agent comes to rest")

    def test_with_open_cards(self):
        """Both back ends at once, each with a card that was used and is still open, and a watcher; on a desktop."""
        with DesktopWorld() as w:
            if DESKTOP_HEEDED:
                w.start_bus()
                w.start_desktop("logind", "server")
            other = w.folder / "other"
            w.make_key(name="bob@example.org")
            bobs_key = w.key_file
            w.make_key()
            mails = [w.encrypt("Read me", f"{name}@example.org") for name in ("alice", "bob")]
            w.start_agent(readers=[w.reader(), f"socket:{other}"])
            tokens = [w.start_token(), w.start_token("--serial", "2", connect=other, imports=bobs_key)]
            for mail in mails:
                w.decrypt(mail)
            watcher = w.connect()
            self.addCleanup(watcher.close)
            watcher.send(b"WATCH\n")
            self.come_to_rest(w.agent_process.pid)
            for token in tokens:
                token.forget_commands()
            before = wakeups(w.agent_process.pid)
            time.sleep(IDLE_SECONDS)
            self.assertEqual(wakeups(w.agent_process.pid), before)
            self.assertEqual([token.commands() for token in tokens], [[], []])
            # Resting, not dead.
            for mail in mails:
                self.assertEqual(w.decrypt(mail).stdout, b"Read me")
            self.assertEqual(len(w.prompts()), 2)


if __name__ == "__main__":
    main()
