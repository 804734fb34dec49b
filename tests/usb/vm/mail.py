"""gpg reads a mail with a token, through cardea-agent or through its own agent and scdaemon; and what that costs."""
import contextlib
import pathlib
import re
import statistics
import subprocess
import time

from bench import BIN, wait_until
from world import World

TEXT = "the cake is in the oven"
WARM = 5  # decryptions after the first
COMMANDS = 100  # of which the time is taken
IDLE_SECONDS = 5
GET_AID = "00CA004F00"


def wakeups(pid):
    files = pathlib.Path(f"/proc/{pid}/task").glob("*/status")
    return sum(int(n) for f in files for n in re.findall(r"ctxt_switches:\t(\d+)", f.read_text()))


def idle_wakeups(pid):
    def rested():
        before = wakeups(pid)
        time.sleep(1.5)
        return wakeups(pid) == before
    with contextlib.suppress(AssertionError):  # one that never rests is measured as it is
        wait_until(rested, "rest", 6)
    before = wakeups(pid)
    time.sleep(IDLE_SECONDS)
    return wakeups(pid) - before


class Mail(World):
    """A world with a key and a mail; the tokens come from the bench."""

    def __init__(self, algorithm="cv25519"):
        super().__init__()
        self.make_key(algorithm)
        self.mail = self.encrypt(TEXT)

    def read(self):
        text = self.decrypt(self.mail).stdout.decode()
        if text != TEXT:
            raise AssertionError(text)


class Ours:
    """cardea-agent with its own USB driver."""

    name = "cardea-agent"

    def __init__(self, mail):
        self.mail = mail

    def __enter__(self):
        self.mail.start_agent(readers=["usb"])
        self.mail.wait_for_card()
        return self

    def pid(self):
        return self.mail.agent_process.pid

    def __exit__(self, *_):
        self.mail.stop_agent()


class Theirs:
    """gpg-agent and scdaemon with its own CCID driver."""

    name = "gpg-agent and scdaemon"

    def __init__(self, mail):
        self.mail = mail
        (mail.home / "gpg-agent.conf").write_text(f"pinentry-program {BIN / 'fake-pinentry'}\n")

    def __enter__(self):
        self.mail.gpg("--card-status")
        return self

    def pid(self):
        with self.mail.connect() as client:
            return int(client.command("SCD GETINFO pid"))

    def __exit__(self, *_):
        self.mail.forget_secret_keys()  # the notes that they are on this token


def transfers(before, after):
    kinds = ("bulk_out", "bulk_in", "control", "interrupt_in")
    return sum(after[k] - before[k] for k in kinds)


def until_removed(side, token):
    """Seconds from the token's leaving until one may know of it."""
    with side.mail.connect() as client:
        start = time.monotonic()
        token.tell("unplug")
        wait_until(lambda: client.command("SCD GETINFO status") == b"r", "the removal is known")
        return time.monotonic() - start


def measure(side_of, mail, token):
    """A row of the table; the token is plugged in anew afterwards."""
    row = {}
    with side_of(mail) as side:
        start = token.counts()
        mail.read()
        first = token.counts()
        times = []
        for _ in range(WARM):
            begin = time.monotonic()
            mail.read()
            times.append(time.monotonic() - begin)
        last = token.counts()
        row["first"] = (first["commands"] - start["commands"], transfers(start, first))
        row["again"] = ((last["commands"] - first["commands"]) / WARM, transfers(first, last) / WARM)
        row["mail_ms"] = statistics.median(times) * 1000
        row["wakeups"] = idle_wakeups(side.pid())
        row["removal_ms"] = until_removed(side, token) * 1000
    token.unplug()
    token.plug()
    return row


def scdaemon_command_ms(home):
    """One command through scdaemon alone."""
    with subprocess.Popen(["/usr/lib/gnupg/scdaemon", "--homedir", home, "--server"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        def ask(line):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            while not (answer := process.stdout.readline()).startswith((b"OK", b"ERR")):
                if not answer:
                    raise AssertionError("scdaemon hung up")
            if not answer.startswith(b"OK"):
                raise AssertionError(f"scdaemon: {line}: {answer}")
        process.stdout.readline()
        ask("SERIALNO openpgp")
        took = command_ms(lambda: ask("APDU " + GET_AID))
        process.stdin.close()
    return took


def command_ms(send):
    times = []
    for _ in range(COMMANDS):
        begin = time.monotonic()
        send()
        times.append(time.monotonic() - begin)
    return statistics.median(times) * 1000


HEAD = ("token", "", "first mail", "", "each mail after", "", "", "command", "removal", "idle wake-ups")
UNITS = ("", "", "commands", "transfers", "commands", "transfers", "ms", "ms", "known, ms", f"in {IDLE_SECONDS} s")


def table(rows):
    lines = [HEAD, UNITS]
    for model, side, row in rows:
        lines.append((model, side, *row["first"], *(f"{n:g}" for n in row["again"]), f"{row['mail_ms']:.0f}",
                      f"{row['command_ms']:.2f}", f"{row['removal_ms']:.0f}", row["wakeups"]))
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(HEAD))]
    return "\n".join("  ".join(str(word).ljust(width) for word, width in zip(line, widths)).rstrip()
                     for line in lines)
