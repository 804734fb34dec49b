"""Cardea beside gpg-agent with scdaemon, on the same tokens, in one run; by with-pcscd --slots 4. Counts are exact;
times are medians of many, taken in turns, and only their ratios mean something on another machine.

BENCH_ROUNDS (11), BENCH_DECRYPTIONS (100000, for the growth of memory) and BENCH_FIGURES (names, separated by
blanks; all) say how much."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

from contestants import CARDEA, GNUPG, READERS, Match, median, percentile  # noqa: E402
from test_idle import wakeups  # noqa: E402
from world import BIN, Assuan, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "11"))
DECRYPTIONS = int(os.environ.get("BENCH_DECRYPTIONS", "100000"))
IDLE_SECONDS = 10
# Without the YubiKey 5.2, of which scdaemon 2.2 wants nothing to do.
PROFILES = {"generic": "cv25519 rsa2048", "yubikey-neo": "rsa2048", "yubikey-4.2": "rsa2048", "yubikey-4": "rsa2048",
            "yubikey-5.4": "cv25519 rsa2048", "yubikey-5.7": "cv25519 rsa2048",
            "nitrokey-pro": "rsa2048", "nitrokey-pro2": "nistp256 rsa2048", "nitrokey-storage": "nistp256 rsa2048",
            "nitrokey-start": "cv25519 rsa2048", "nitrokey-3": "cv25519 rsa2048", "smartpgp": "nistp256 rsa2048",
            "smartpgp-ext": "nistp256 rsa2048", "canokey": "cv25519 rsa2048", "ledger": "cv25519 rsa2048"}


def row(what, ours, theirs, goal, unit="", bare=""):
    """One line of the table; the ratio is of GnuPG to Cardea."""
    def text(value):
        return "-" if value is None else f"{value:.2f}{unit}" if isinstance(value, float) else f"{value}{unit}"
    ratio = f"{theirs / ours:.1f}" if isinstance(theirs, (int, float)) and ours else "-"
    print(f"{what:58} {bare:>9} {text(ours):>11} {text(theirs):>11} {ratio:>6}  {goal}", flush=True)


def commands_of(token, contestant):
    """How many gpg -d takes; None where it fails."""
    token.forget_commands()
    return len(token.commands()) if contestant.gpg() else None


def counts():
    """Commands per decryption with gpg -d, first and warm; the token's other slots but one are empty."""
    for profile, algorithms in PROFILES.items():
        for algorithm in algorithms.split():
            with Match(algorithm, ("--profile", profile)) as m:
                found = {}
                for contestant, reader in (m.cardea, CARDEA), (m.gnupg, GNUPG):
                    contestant.start()
                    contestant.connect().close()
                    found[contestant.name] = [commands_of(m.tokens_in[reader], contestant) for _ in range(3)]
                ours, theirs = found["Cardea"], found["GnuPG"]
                row(f"commands, first decryption: {profile}, {algorithm}", ours[0], theirs[0], "<= 7, and parts")
                row(f"commands, each later one: {profile}, {algorithm}", ours[2], theirs[2], "1, or its parts")


def added():
    """Time over the bare command, with a token that answers at once and one that takes a millisecond."""
    for algorithm, delay in ("cv25519", 0), ("cv25519", 1), ("rsa2048", 1):
        with Match(algorithm, ("--delay-ms", str(delay)) if delay else ()) as m:
            for contestant in m.contestants():
                contestant.start()
                contestant.decrypt()
            bare, ours, theirs = [], [], []
            for _ in range(ROUNDS):
                bare += m.bare(100)
                ours += m.cardea.times(100)
                theirs += m.gnupg.times(100)
            card = f"{algorithm}, {delay} ms"
            least = median(bare)
            row(f"decryption, median us: {card}", median(ours), median(theirs),
                f"Cardea/bare {median(ours) / least:.2f}" + (" (<= 1.25)" if delay else ""), bare=f"{least:.0f}")
            row(f"decryption, p99 us: {card}", percentile(ours, .99), percentile(theirs, .99), "",
                bare=f"{percentile(bare, .99):.0f}")
            row(f"added to the bare command, us: {card}", median(ours) - least, median(theirs) - least, "ratio >= 2")


def crowd():
    """64 clients at once."""
    with Match() as m:
        for contestant in m.contestants():
            contestant.start()
            contestant.decrypt()
        ratios = {c.name: [] for c in m.contestants()}
        medians = {c.name: [] for c in m.contestants()}
        slowest = {c.name: [] for c in m.contestants()}
        for _ in range(ROUNDS):
            for contestant in m.contestants():
                times = contestant.times(20, 64)
                slowest[contestant.name].append(max(times) / 1000)
                ratios[contestant.name].append(percentile(times, .99) / median(times))
                medians[contestant.name].append(median(times) / 1000)
        row("64 clients at once, p99 / median", median(ratios["Cardea"]), median(ratios["GnuPG"]), "<= 2")
        row("64 clients at once, median ms", median(medians["Cardea"]), median(medians["GnuPG"]), "")
        row("64 clients at once, slowest ms", median(slowest["Cardea"]), median(slowest["GnuPG"]), "")


def start():
    """From the start of the agent until it answers, and to the first session key; the PIN is typed at once."""
    with Match() as m:
        took = {c.name: [] for c in m.contestants()}
        for _ in range(ROUNDS):
            for contestant in m.contestants():
                took[contestant.name].append(contestant.start_and_decrypt())
                contestant.stop()
        for i, what in enumerate(("greeting", "first session key")):
            ours, theirs = ([times[i] for times in took[c.name]] for c in m.contestants())
            row(f"agent start to {what}, median ms", median(ours), median(theirs), "ratio >= 2" if i else "")
            row("  the same, fastest", min(ours), min(theirs), "ratio >= 2" if i else "")


def system_calls(pids):
    """How many there are in a while; None where nobody may look."""
    tracers = [subprocess.Popen(["strace", "-f", "-c", "-o", "/proc/self/fd/1", "-p", str(pid)],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for pid in pids]
    time.sleep(IDLE_SECONDS)
    total = 0
    for tracer in tracers:
        tracer.send_signal(signal.SIGINT)
        said = tracer.communicate()[0]
        # Calls that were interrupted by strace itself: one for each thread that slept.
        rows = [line.split() for line in said.splitlines() if re.match(r"\s*[\d.]+ +[\d.]+ +\d+ +\d+", line)]
        total += sum(int(r[3]) for r in rows if r[-1] not in ("total", "restart_syscall"))
    return total


def idle():
    with Match() as m:
        found = {}
        for contestant in m.contestants():
            contestant.start()
            contestant.decrypt()
        time.sleep(3)
        for contestant in m.contestants():
            pids = contestant.pids()  # which costs it a client
            time.sleep(1)
            before = sum(map(wakeups, pids))
            time.sleep(IDLE_SECONDS)
            woken = sum(map(wakeups, pids)) - before
            found[contestant.name] = woken, system_calls(pids) if os.getuid() == 0 else None
        row(f"wake-ups in {IDLE_SECONDS} s idle", found["Cardea"][0], found["GnuPG"][0], "0")
        row(f"system calls in {IDLE_SECONDS} s idle", found["Cardea"][1], found["GnuPG"][1], "0")


class Notices:
    """Lines "WHO WHAT AT" of bench-client, as they come."""

    def __init__(self, reader, path):
        self.process = subprocess.Popen([BIN / "bench-client", "readers", reader, path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def next(self, who):
        """Of each of these the next notice, in microseconds."""
        times = {}
        while set(times) != set(who):
            name, _, at = self.process.stdout.readline().split()
            times[name] = int(at)
        return times

    def close(self):
        self.process.communicate()


def hotplug():
    """After PC/SC has told a program of its own."""
    with Match() as m:
        m.cardea.start()
        m.cardea.decrypt()
        late = {"remove": [], "insert": []}
        notices = Notices(READERS[CARDEA], m.cardea.socket)
        notices.next({"pcsc", "agent"})
        for _ in range(2 * ROUNDS):
            for what, delays in late.items():
                m.tokens_in[CARDEA].tell(what)
                times = notices.next({"pcsc", "agent"})
                delays.append((times["agent"] - times["pcsc"]) / 1000)
        notices.close()
        theirs = gnupg_removals(m)
        row("removal noticed after PC/SC knows, median ms", median(late["remove"]), theirs, "<= 5")
        row("  the same, slowest", max(late["remove"]), None, "<= 5")
        row("insertion noticed after PC/SC knows, median ms", median(late["insert"]), None, "<= 5 (GnuPG: never)")
        row("  the same, slowest", max(late["insert"]), None, "<= 5")


def gnupg_removals(m):
    """scdaemon writes what it sees of its reader into a file; None where it does not."""
    m.gnupg.start()
    delays = []
    notices = Notices(READERS[GNUPG], "")
    notices.next({"pcsc"})
    for _ in range(ROUNDS):
        m.gnupg.decrypt()
        status = list(m.gnupg.home.glob("reader_*.status"))
        if not status:
            return None
        before = status[0].read_text()
        m.tokens_in[GNUPG].tell("remove")
        known = notices.next({"pcsc"})["pcsc"]
        wait_until(lambda: status[0].read_text() != before, "scdaemon sees it")
        delays.append((time.monotonic() * 1e6 - known) / 1000)
        m.tokens_in[GNUPG].tell("insert")
        notices.next({"pcsc"})
    notices.close()
    return float(median(delays))


def memory():
    if os.getuid() != 0:
        print("memory: only root may look at the share of another process", flush=True)
        return
    with Match() as m:
        fresh, after = {}, {}
        for contestant in m.contestants():  # one alone, or the other: what they share would count by halves
            contestant.start()
            contestant.decrypt()
            time.sleep(1)  # what an agent does after its first decryption belongs to it
            fresh[contestant.name] = contestant.memory()
            thousand(contestant, m)
            time.sleep(1)
            after[contestant.name] = contestant.memory()
            contestant.stop()
        row("memory (PSS) after the first decryption, KiB", fresh["Cardea"], fresh["GnuPG"], "ratio >= 1")
        row("memory (PSS) after 1,000 clients at once, KiB", after["Cardea"], after["GnuPG"], "ratio >= 1")
        m.cardea.start()
        m.cardea.decrypt()
        m.cardea.times(1000)
        before = m.cardea.memory()
        for _ in range(DECRYPTIONS // 1000):
            m.cardea.times(1000)
        time.sleep(1)
        row(f"growth over {DECRYPTIONS} decryptions, KiB", m.cardea.memory() - before, None, "0")


def thousand(contestant, m):
    """As many as there are places ask, and are gone."""
    clients = []
    for _ in range(1000):
        client = Assuan(contestant.socket, 60)
        if client.greeting.startswith(b"OK"):
            client.command(f"HAVEKEY {m.keygrip}")
        clients.append(client)
    for client in clients:
        client.close()


FIGURES = {f.__name__: f for f in (counts, added, crowd, start, idle, hotplug, memory)}


def main():
    version = subprocess.run(["gpg-agent", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    print(f"{version[0]}; {os.cpu_count()} processors, {cpu[1] if cpu else 'unknown'}; {ROUNDS} rounds")
    print(f"{'':58} {'bare':>9} {'Cardea':>11} {'GnuPG':>11} {'ratio':>6}  goal", flush=True)
    for name in os.environ.get("BENCH_FIGURES", " ".join(FIGURES)).split():
        FIGURES[name]()


if __name__ == "__main__":
    main()
