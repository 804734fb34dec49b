"""gpg reads a mail with a token, through cardea-agent or through its own agent and scdaemon; and what that costs."""
import contextlib
import pathlib
import re
import shutil
import statistics
import subprocess
import time

from bench import BIN, KEYS, PATIENCE, wait_until
from world import World

TEXT = "the cake is in the oven"
WARM = 3  # decryptions after the first
COMMANDS = 30  # of which the time is taken
REST_SECONDS = 0.5
IDLE_SECONDS = 1
KEY_FILES = {"cv25519": "curve25519.gpg", "nistp256": "nistp256.asc", "rsa2048": "rsa2048.asc"}
GET_AID = "00CA004F00"


def wakeups(pid):
    files = pathlib.Path(f"/proc/{pid}/task").glob("*/status")
    return sum(int(n) for f in files for n in re.findall(r"ctxt_switches:\t(\d+)", f.read_text()))


def idle_wakeups(pid, patience, seconds=IDLE_SECONDS):
    """Of a process that has come to rest; or has not, for as long as that is waited for."""
    last = [None, time.monotonic()]

    def rested():
        now = wakeups(pid)
        if now != last[0]:
            last[:] = now, time.monotonic()
        return time.monotonic() - last[1] > REST_SECONDS
    with contextlib.suppress(AssertionError):
        wait_until(rested, "rest", patience)
    before = wakeups(pid)
    time.sleep(seconds)  # it is this time that is measured
    return wakeups(pid) - before


class Mail(World):
    """A world with a key and a mail; the tokens come from the bench. The key is one of tests/token/keys, because
    making one takes seconds here; gpg has its public part alone, having no agent that would take the rest."""

    def __init__(self, algorithm="cv25519"):
        super().__init__()
        self.key_file = KEYS / KEY_FILES[algorithm]
        self.gpg("--no-autostart", "--import", self.key_file, check=False)
        self.mail = self.encrypt(TEXT, self.key_file.stem + "@example.org")

    def forget_tokens(self):
        """What an agent has written down of tokens that it saw."""
        shutil.rmtree(self.env["XDG_STATE_HOME"], ignore_errors=True)

    def read(self):
        text = self.decrypt(self.mail).stdout.decode()
        if text != TEXT:
            raise AssertionError(text)


class Ours:
    """cardea-agent with its own USB driver."""

    name = "cardea-agent"
    patience = PATIENCE  # until it rests

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
    patience = 2  # it never rests with a token that cannot tell of a removal

    def __init__(self, mail):
        """gpg notes once which keys are on the token; that is not counted."""
        self.mail = mail
        (mail.home / "gpg-agent.conf").write_text(f"pinentry-program {BIN / 'fake-pinentry'}\n")
        mail.gpg("--card-status")
        subprocess.run(["gpgconf", "--kill", "all"], env=mail.env, check=True)
        wait_until(lambda: not mail.agent_answers(), "gpg-agent has ended")

    def __enter__(self):
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


def measure(side, token):
    """A row of the table, from the program's start on; the token is plugged in anew afterwards."""
    row, mail = {}, side.mail
    start = token.counts()
    with side:
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
        row["wakeups"] = idle_wakeups(side.pid(), side.patience)
        row["removal_ms"] = until_removed(side, token) * 1000
    token.unplug()
    token.plug()
    return row


def command_ms(ask):
    times = []
    for _ in range(COMMANDS):
        begin = time.monotonic()
        ask()
        times.append(time.monotonic() - begin)
    return statistics.median(times) * 1000


def talk(*program):
    """A program on a pipe, and a function that tells it a line and reads until it has answered."""
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(line):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        while not (answer := process.stdout.readline()).lower().startswith((b"ok", b"err")):
            if not answer:
                raise AssertionError(f"{program[0]} hung up")
        return answer.lower().startswith(b"ok")
    return process, ask


def driver_ms(program, first, command):
    """The middle time of one command through a program that has nothing but its driver."""
    process, ask = talk(*program)
    with process:
        wait_until(lambda: ask(first), f"{program[0]} has the token")
        took = command_ms(lambda: ask(command))
        process.stdin.close()
    return took


def scdaemon_ms(home):
    return driver_ms(["/usr/lib/gnupg/scdaemon", "--homedir", home, "--server"], "SERIALNO openpgp", "APDU " + GET_AID)


def our_driver_ms():
    return driver_ms([BIN / "usb-reader", "usb"], "connect", "send " + GET_AID)


HEAD = ("token", "", "first mail", "", "each mail after", "", "", "command", "removal", "idle wake-ups")
UNITS = ("", "", "commands", "transfers", "commands", "transfers", "ms", "ms", "known, ms", f"in {IDLE_SECONDS} s")


def table(rows):
    """rows: for each model what was measured of ours and of theirs."""
    lines = [HEAD, UNITS]
    for model, sides in rows.items():
        for name, row in zip((Ours.name, Theirs.name), sides):
            lines.append((model, name, *row["first"], *(f"{n:g}" for n in row["again"]), f"{row['mail_ms']:.0f}",
                          f"{row['command_ms']:.2f}", f"{row['removal_ms']:.0f}", row["wakeups"]))
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(HEAD))]
    return "\n".join("  ".join(str(word).ljust(width) for word, width in zip(line, widths)).rstrip()
                     for line in lines)
