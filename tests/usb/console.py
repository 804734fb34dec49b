"""A program that is told lines on its standard input and answers each with one."""
import pathlib
import queue
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
from world import PATIENCE  # noqa: E402


class Console:
    """A program that is told lines and answers each with one."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.lines = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.put(line.rstrip("\n"))

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words, patience=PATIENCE):
        self.say(*words)
        return self.lines.get(timeout=patience)

    def tell(self, *words):
        answer = self.ask(*words)
        if not answer.startswith("ok"):
            raise AssertionError(f"{words}: {answer}")
        return answer[3:]

    def close(self):
        self.process.stdin.close()
        return self.process.wait(PATIENCE)
