"""A world for one test: a home for gpg, an agent, a token, a pinentry, all in a scratch folder.

Everything that a world starts it also ends, by process id, whatever the test does, and it minds how
they end: a sanitizer that has something to say fails the test. The programs are those of the build
tree named by CARDEA_BIN. Run by with-pcscd, a world's cards are in the readers of that pcscd;
otherwise the agent reads them from a socket."""

import concurrent.futures
import functools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import openpgp
import sexp
from card_proxy import CardProxy

BIN = pathlib.Path(os.environ.get("CARDEA_BIN", "build/debug/bin")).resolve()
PORTS = [int(port) for port in os.environ.get("VPCD_PORTS", "").split()]
PCSC = bool(PORTS)  # the back end of this run
PATIENCE = 20  # seconds until something that should have happened is taken not to happen

PIN = "123456"
ADMIN_PIN = "12345678"

RSA = ["rsa2048", "rsa3072", "rsa4096"]
CURVES = ["cv25519", "nistp256", "nistp384", "nistp521", "brainpoolP256r1", "brainpoolP384r1",
          "brainpoolP512r1", "secp256k1"]


def wait_until(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.005)


def process_stat(pid):
    """The fields of /proc/PID/stat from the state on (proc(5)); none when the process is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def process_state(pid):
    """R, S, Z and so on; empty when it is gone."""
    return "".join(process_stat(pid)[:1])


def side_by_side(check, cases):
    """check(case) of all cases at once, for worlds that mostly wait; an error says of which case."""
    def run(case):
        try:
            check(case)
        except Exception as error:
            error.add_note(f"with {case}")
            raise
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in pool.map(run, cases):
            pass


def need(*programs):
    """Skips a test that lacks a program, and names it; under CI=true that is a failure."""
    missing = [p for p in programs if not shutil.which(p)]
    if not missing:
        return
    if os.environ.get("CI") == "true":
        raise AssertionError("missing: " + ", ".join(missing))
    raise unittest.SkipTest("missing: " + ", ".join(missing))


def main():
    """Runs the calling module's tests; exit status 77 when all were skipped."""
    result = unittest.main(module="__main__", exit=False, verbosity=2).result
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(77 if len(result.skipped) == result.testsRun else 0)


class AssuanError(Exception):
    def __init__(self, line):
        super().__init__(line)
        self.number = int(line.split()[1])
        self.code = self.number & 0xFFFF
        self.source = self.number >> 24


class Assuan:
    """A client that speaks the bare protocol, so that a test can say exactly what goes over the wire."""

    def __init__(self, path, patience=PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience)
        self.pending = b""
        self.status = []
        try:
            self.socket.connect(str(path))
            self.greeting = self.read_line()
        except (OSError, EOFError):
            self.close()
            raise

    @classmethod
    def over(cls, connection, greeting):
        """A client over a connection that has been greeted."""
        client = cls.__new__(cls)
        client.socket, client.greeting = connection, greeting
        client.pending, client.status = b"", []
        return client

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def read_line(self):
        while b"\n" not in self.pending:
            more = self.socket.recv(4096)
            if not more:
                raise EOFError("the agent hung up")
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line

    @staticmethod
    def escape(data):
        return data.replace(b"%", b"%25").replace(b"\r", b"%0D").replace(b"\n", b"%0A")

    @staticmethod
    def unescape(data):
        out = bytearray()
        i = 0
        while i < len(data):
            if data[i:i + 1] == b"%":
                out.append(int(data[i + 1:i + 3], 16))
                i += 3
            else:
                out.append(data[i])
                i += 1
        return bytes(out)

    def answer(self, inquiries=None):
        """Reads until OK or ERR. Returns the data; status lines are left in self.status."""
        data = b""
        self.status = []
        while True:
            line = self.read_line()
            if line.startswith(b"D "):
                data += self.unescape(line[2:])
            elif line.startswith(b"S "):
                self.status.append(line[2:].decode(errors="surrogateescape"))
            elif line.startswith(b"INQUIRE "):
                self.reply_to(line[8:].decode(), inquiries or {})
            elif line == b"OK" or line.startswith(b"OK "):
                return data
            elif line.startswith(b"ERR "):
                raise AssuanError(line.decode())

    def reply_to(self, inquiry, inquiries):
        reply = inquiries.get(inquiry.split()[0])
        if reply is None:
            self.send(b"CAN\n")
            return
        reply = self.escape(reply)
        while reply:
            # An escape is not cut in two.
            cut = len(reply) if len(reply) <= 900 else 900 - (2 if b"%" in reply[898:900] else 0)
            self.send(b"D " + reply[:cut] + b"\n")
            reply = reply[cut:]
        self.send(b"END\n")

    def command(self, line, **inquiries):
        self.send(line.encode() + b"\n")
        return self.answer(inquiries)

    def decrypt(self, keygrip, request, options="", **inquiries):
        """SETKEY and PKDECRYPT; returns the octets of the value."""
        self.command("SETKEY " + keygrip)
        return sexp.value(self.command("PKDECRYPT" + options, CIPHERTEXT=request, **inquiries))


def wait_for_pcscd(tokens):
    """pcscd looks at its readers now and then; a card that takes another's place between two looks is the
    old one to it, and is never powered. Waits until it sees no more cards than there are tokens."""
    def sees():
        log = pathlib.Path(os.environ["PCSCD_LOG"]).read_text(errors="replace")
        return log.count("Card inserted into") - log.count("Card Removed From")
    if PCSC:
        wait_until(lambda: sees() <= tokens, "pcscd has seen the cards leave")


class Token:
    """A virtual card in a reader, as a process."""

    def __init__(self, world, connect, options):
        wait_for_pcscd(len(world.tokens()))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="token-", dir=world.folder))
        self.trace = self.folder / "trace"
        self.control = self.folder / "control"
        self.process = world.start(BIN / "cardea-token", "--connect", connect,
                                   "--trace", self.trace, "--control", self.control, *options,
                                   stderr=subprocess.DEVNULL)

    def tell(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(self.control))
            client.sendall(line.encode() + b"\n")
            reply = client.makefile().readline().strip()
        if not reply.startswith("ok"):
            raise AssertionError(f"token: {line}: {reply}")
        return reply

    def commands(self):
        """The commands that went to the token, as hex strings."""
        text = self.trace.read_text() if self.trace.exists() else ""
        return [l[2:] for l in text.splitlines() if l.startswith("> ")]

    def forget_commands(self):
        with open(self.trace, "w"):
            pass


class World:
    """Use as a context: `with World() as w:`."""

    def __init__(self):
        need("gpg", "gpgconf")
        # A socket's path is short: 107 octets with gpg's own names behind it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))
        self.home = self.folder / "g"
        self.home.mkdir(mode=0o700)
        self.agent_log = self.folder / "agent.log"
        self.pinentry_log = self.folder / "pinentry.log"
        self.pinentry_settings = self.folder / "pinentry"
        self.pinentry_state = self.folder / "turn"
        self.typed_file = self.folder / "typed"
        self.typing_file = self.folder / "type"
        self.key_file = self.folder / "key"
        self.agent_process = None
        self.token = None  # the last one started
        self.processes = []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FAKE_PINENTRY")}
        self.env.update(GNUPGHOME=str(self.home), LC_ALL="C.UTF-8", TZ="UTC",
                        HOME=str(self.folder), XDG_CONFIG_HOME=str(self.folder / "config"),
                        XDG_STATE_HOME=str(self.folder / "state-home"),
                        FAKE_PINENTRY_CONTROL=str(self.pinentry_settings))
        # Never the desktop of whoever runs the tests.
        self.env.update(DBUS_SESSION_BUS_ADDRESS=f"unix:path={self.folder}/no-bus",
                        DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.folder}/no-bus")
        self.env.pop("GPG_TTY", None)
        self.env.pop("DISPLAY", None)
        self.pinentry(MODE="pin", PIN=PIN)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        problems = self.stop_all()
        if kind or problems:
            print(f"--- agent log\n{self.log()}", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        if problems and not kind:
            raise AssertionError("; ".join(problems))

    # Processes

    def start(self, *command, ends_with=0, **options):
        """ends_with: its exit status, whenever it ends; None when that does not matter."""
        process = subprocess.Popen([str(c) for c in command], env=self.env,
                                   **{"stdin": subprocess.DEVNULL, **options})
        process.ends_with = ends_with
        self.processes.append(process)
        return process

    def stop(self, process, number=signal.SIGTERM):
        if process and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{process.args[0]} had to be killed")
        return process.returncode if process else None

    def tokens(self):
        """Processes of tokens, as far as they have not ended."""
        return [p for p in self.processes if p.args[0] == str(BIN / "cardea-token") and p.poll() is None]

    def stop_all(self):
        """Returns what was wrong with the way in which they ended."""
        problems = []
        # Agents before tokens: an agent that ends takes leave of its cards, and vpcd (3.3), asked to reach
        # a card that has just gone, may never notice the next one.
        tokens = self.tokens()
        for process in sorted(self.processes, key=tokens.__contains__):
            try:
                status = self.stop(process)
                if process.ends_with not in (None, status):
                    problems.append(f"{process.args[0]} ended with {status}")
            except AssertionError as problem:
                problems.append(str(problem))
        # The real agent that gpg started while the keys were made.
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env, stderr=subprocess.DEVNULL,
                       check=False)
        return problems

    def pinentry(self, **settings):
        """What the fake pinentry of the next prompts does: see tests/interop/fake_pinentry.c. Several
        PINs, separated by blanks, are typed one after the other, across the prompts."""
        settings = {"LOG": self.pinentry_log, "SAY": self.typed_file, "STATE": self.pinentry_state,
                    **settings}
        self.pinentry_state.unlink(missing_ok=True)
        new = self.pinentry_settings.with_suffix(".new")
        new.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        new.rename(self.pinentry_settings)

    def pinentry_that_waits(self, **settings):
        """As pinentry, but nothing is answered before let_it_be_typed."""
        self.typing_file.unlink(missing_ok=True)
        self.pinentry(UNTIL=self.typing_file, **settings)

    def let_it_be_typed(self):
        self.typing_file.touch()

    def typed(self):
        """How many PINs were typed."""
        return len(self.typed_file.read_text().splitlines()) if self.typed_file.exists() else 0

    def prompts(self):
        """What the pinentries were told, one list of lines per prompt."""
        text = self.pinentry_log.read_text() if self.pinentry_log.exists() else ""
        return [p.splitlines() for p in text.split("PID ")[1:]]

    # The agent

    def configure(self, text):
        """What the configuration file of the next agent says."""
        path = self.folder / "config" / "cardea" / "agent.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def reader(self, number=None):
        """What the agent's --reader calls one of the readers; without a number the one that will do."""
        if not PCSC:
            return f"socket:{self.folder}/reader{number or 0}"
        return "pcsc" if number is None else f"pcsc:Virtual PCD 00 {number:02}"

    def start_agent(self, *options, readers=None, wait=True, pinentry=BIN / "fake-pinentry",
                    ends_with=0, run_by=()):
        """run_by: the words of a program that starts another, which goes before the agent's."""
        command = [*run_by, BIN / "cardea-agent", "--gnupghome", self.home, "--log-level", "info"]
        for reader in readers or [self.reader()]:
            command += ["--reader", reader]
        if pinentry:
            command += ["--pinentry", pinentry]
        with open(self.agent_log, "ab") as log:
            self.agent_process = self.start(*command, *options, stderr=log, ends_with=ends_with)
        if wait:
            self.wait_for_agent()
        if wait and PCSC and not self.token:
            self.wait_for_card(False)  # pcscd may still show the last test's
        return self.agent_process

    @functools.cached_property
    def agent_socket(self):
        return subprocess.run(["gpgconf", "--list-dirs", "agent-socket"], env=self.env,
                              capture_output=True, text=True, check=True).stdout.strip()

    def agent_answers(self):
        """Whichever agent it is."""
        try:
            self.connect().close()
            return True
        except (OSError, EOFError):
            return False

    def wait_for_agent(self):
        def answers():
            if self.agent_process.poll() is not None:
                raise AssertionError("the agent ended: " + self.log())
            return self.agent_answers()
        wait_until(answers, "the agent answers")

    def agent_cpu(self):
        """Seconds of processor time that the agent has used."""
        fields = process_stat(self.agent_process.pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def agent_children(self):
        """Living processes that the agent started."""
        found = []
        for task in pathlib.Path(f"/proc/{self.agent_process.pid}/task").iterdir():
            try:
                found += (task / "children").read_text().split()
            except OSError:
                pass  # a thread that has ended
        return found

    def stop_agent(self, number=signal.SIGTERM):
        return self.stop(self.agent_process, number)

    def log(self):
        return self.agent_log.read_text(errors="replace") if self.agent_log.exists() else ""

    def connect(self):
        return Assuan(self.agent_socket)

    # The token

    def slot(self, reader=0):
        """Where a token connects to be in a reader."""
        return f"127.0.0.1:{PORTS[reader]}" if PCSC else f"{self.folder}/reader{reader}"

    def start_token(self, *options, reader=0, connect=None, imports=True, wait=True):
        """Starts a token in a reader; imports: the file of its keys, or those made last."""
        before = self.card_events() if wait else 0
        key_file = self.key_file if imports is True else imports
        if key_file and key_file.exists():
            options += ("--import", key_file)
        self.token = Token(self, connect or self.slot(reader), options)
        if wait:
            self.wait_for_card()
            wait_until(lambda: self.card_events() > before, "the agent sees the token")
        return self.token

    def wait_for_card(self, present=True):
        def seen():
            if self.token and self.token.process.poll() is not None and present:
                raise AssertionError("the token ended")
            with self.connect() as client:
                status = client.command("SCD GETINFO status")
            return (status == b"u") == present
        wait_until(seen, f"card present: {present}")

    def card_events(self):
        """How many insertions and removals the agent has seen."""
        with self.connect() as client:
            client.command("GETEVENTCOUNTER")
            return int(client.status[0].split()[3])

    def start_token_behind_proxy(self, *options, reader=0, imports=True):
        """As start_token, but with a cable that tests can cut; no card is in yet. Returns the proxy."""
        path = self.folder / "p"
        proxy = CardProxy(self.slot(reader), path)
        self.start_token(*options, connect=path, imports=imports, wait=False)
        proxy.accept_token()
        return proxy

    def insert(self, proxy, faults=None):
        """Inserts the proxy's card, taking out the one before, and waits until the agent has seen both."""
        proxy.pull()
        self.wait_for_card(False)
        proxy.insert(faults)
        self.wait_for_card()

    def forget_token(self, aid="D276000124010304FF00000000010000"):
        """Makes the agent forget a token, by default the one that is started without a serial number."""
        with self.connect() as client:
            try:
                client.command("FORGET " + aid)
            except AssuanError as error:
                if error.code != 27:  # GPG_ERR_NOT_FOUND
                    raise

    def forget_tokens(self):
        """All that are known; none is in."""
        with self.connect() as client:
            client.command("TOKENS")
            for aid in [line.split()[1] for line in client.status if line.startswith("ABSENT ")]:
                client.command("FORGET " + aid)

    def stop_token(self):
        self.stop(self.token.process)

    def tell_token(self, line):
        return self.token.tell(line)

    def touch(self):
        """Touches the token, once it waits for that: an event says so before the command is there."""
        wait_until(lambda: "waiting-for-touch" in self.tell_token("status"), "the token waits for a touch")
        self.tell_token("touch")

    def commands(self):
        return self.token.commands()

    def commands_but_looks(self):
        """Without the looks, once in a second at most, whether another program has put the key there that is asked
        for and on no card: how many there are is the machine's affair."""
        return [c for c in self.commands() if not c.startswith("00CA006E")]

    def verifies(self):
        """The PINs that went to the token."""
        return [c for c in self.commands() if c[2:4] == "20" and len(c) > 10]

    def deciphers(self):
        """The ends of decryptions: of a chained command the last part."""
        return [c for c in self.commands() if c.startswith("002A8086")]

    def forget_commands(self):
        self.token.forget_commands()

    # gpg

    def gpg(self, *arguments, data=None, check=True, program="gpg"):
        result = subprocess.run([program, "--batch", "--no-tty", *map(str, arguments)],
                                env=self.env, input=data, capture_output=True, check=False,
                                timeout=120)
        if check and result.returncode:
            raise AssertionError(f"{program} {arguments}: {result.stderr.decode(errors='replace')}")
        return result

    def make_key(self, algorithm="cv25519", name="alice@example.org", primary="ed25519",
                 authentication=None, export="--export-secret-keys"):
        """Makes a key with the real gpg-agent, keeps its secret part in a file of its own, key_file, for
        the token, and leaves gpg with the public part alone. Returns the primary key's fingerprint."""
        self.gpg("--passphrase", "", "--quick-gen-key", name, primary, "sign", "never")
        fingerprint = self.fingerprints(name)[0]
        subkeys = [(algorithm, "encr")] + ([(authentication, "auth")] if authentication else [])
        for subkey in subkeys:
            self.gpg("--passphrase", "", "--quick-add-key", fingerprint, *subkey, "never")
        self.key_file = self.folder / f"{name}.key"
        self.key_file.write_bytes(self.gpg("--passphrase", "", export, name).stdout)
        self.key_file.chmod(0o600)
        self.forget_secret_keys()
        return fingerprint

    def forget_secret_keys(self):
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env, check=True)
        wait_until(lambda: not self.agent_answers(), "gpg-agent has ended")
        shutil.rmtree(self.home / "private-keys-v1.d")

    def fingerprints(self, name):
        """Of the primary key and the subkeys, in order."""
        out = self.gpg("--list-keys", "--with-colons", name).stdout.decode()
        return [l.split(":")[9] for l in out.splitlines() if l.startswith("fpr:")]

    def keygrips(self, name):
        out = self.gpg("--list-keys", "--with-colons", "--with-keygrip", name).stdout.decode()
        return [l.split(":")[9] for l in out.splitlines() if l.startswith("grp:")]

    def encrypt(self, text, *recipients, options=()):
        arguments = ["--trust-model", "always", "-e", "-a", *options]
        for recipient in recipients or ["alice@example.org"]:
            arguments += ["-r", recipient]
        return self.gpg(*arguments, data=text.encode()).stdout

    def make_mail(self):
        """A key, and a mail for it: `keygrip` of the decryption key, `mail`, and `request`, what gpg asks the agent."""
        self.make_key()
        self.keygrip = self.keygrips("alice")[1]
        self.mail = self.encrypt("Dear Alice")
        self.request = openpgp.request(self.mail)

    def ask(self):
        """One decryption by a client of its own: the value, or the error."""
        with self.connect() as client:
            try:
                return client.decrypt(self.keygrip, self.request)
            except AssuanError as error:
                return error

    def decrypt(self, message, check=True, options=()):
        return self.gpg(*options, "-d", data=message, check=check)
