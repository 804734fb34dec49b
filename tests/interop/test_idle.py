"""An agent with nothing to do does nothing, so that a laptop sleeps."""

import pathlib
import re
import time
import unittest

from world import World, main, wait_until

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

    def test_with_a_card_in_use(self):
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token()
            w.decrypt(mail)
            threads = pathlib.Path(f"/proc/{w.agent_process.pid}/task")
            self.come_to_rest(w.agent_process.pid)
            before = wakeups(w.agent_process.pid)
            w.forget_commands()
            count = len(list(threads.iterdir()))
            time.sleep(IDLE_SECONDS)
            self.assertEqual(wakeups(w.agent_process.pid) - before, 0)
            self.assertEqual(len(list(threads.iterdir())), count)
            self.assertEqual(w.commands(), [])
            # Resting, not dead.
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual(len(w.prompts()), 1)


if __name__ == "__main__":
    main()
