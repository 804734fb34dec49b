"""Many clients at once, clients that stall, more of them than may be, and other people's: everybody is served
in turn or refused with a word, and nobody in the way of others."""

import os
import pathlib
import resource
import socket
import subprocess
import sys
import time
import unittest

import openpgp
import sexp
from codes import AGENT, Code
from curves import x25519
from world import Assuan, AssuanError, World, main, wait_until

NOBODY = 65534


def refusal(code):
    return b"ERR %d " % (AGENT << 24 | code)


class ClientWorld(World):
    """Agent and token with a key, and a mail for it."""

    def __init__(self, config="", token=()):
        super().__init__()
        self.configure(config)
        self.token_options = token

    def __enter__(self):
        super().__enter__()
        self.make_mail()
        self.point = openpgp.encryption_key(self.gpg("--export", "alice").stdout).point[1:]
        return self

    def open(self):
        self.start_agent()
        self.start_token(*self.token_options)

    def begin(self, request):
        """A client that has said all and waits for its answer."""
        client = self.connect()
        client.command("SETKEY " + self.keygrip)
        client.send(b"PKDECRYPT\n")
        while not client.read_line().startswith(b"INQUIRE"):
            pass
        client.reply_to("CIPHERTEXT", {"CIPHERTEXT": request})
        return client

    def threads_in_line(self):
        """Threads of the agent that wait for their turn; None when the system does not tell."""
        count = 0
        for task in pathlib.Path(f"/proc/{self.agent_process.pid}/task").iterdir():
            try:
                place = (task / "wchan").read_text()
            except OSError:
                continue  # it has ended
            if place == "0":
                return None
            count += "futex" in place
        return count


class InOrder(unittest.TestCase):
    def in_order(self, count):
        with ClientWorld() as w:
            w.open()
            w.pinentry(MODE="hang")
            secrets = [bytes([i]) * 32 for i in range(count)]
            first = w.begin(w.request)
            wait_until(lambda: w.prompts(), "the first client's prompt")
            clients = []
            for secret in secrets:
                clients.append(w.begin(sexp.ecdh(b"\x40" + x25519(secret))))
                if w.threads_in_line() is None:
                    time.sleep(0.05)
                else:
                    wait_until(lambda: w.threads_in_line() == len(clients), "the client stands in line")
            w.pinentry()
            first.close()
            for secret, client in zip(secrets, clients):
                self.assertEqual(sexp.value(client.answer()), b"\x40" + x25519(secret, w.point))
                client.close()
            asked = [bytes.fromhex(c)[12:44] for c in w.deciphers()]
            self.assertEqual(asked, [x25519(secret) for secret in secrets], "in the order in which they came")
            self.assertEqual(len(w.verifies()), 1)
            self.assertEqual(w.typed(), 1)

    def test_8(self):
        self.in_order(8)

    def test_64(self):
        self.in_order(64)

    def test_gpg_8(self):
        """Eight gpgs, all started at once."""
        with ClientWorld() as w:
            w.open()
            for number in range(8):
                (w.folder / f"mail{number}").write_bytes(w.encrypt(f"Dear Alice {number}"))
            gpgs = [subprocess.Popen(["gpg", "--batch", "-d", w.folder / f"mail{number}"], env=w.env,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                    for number in range(8)]
            for number, gpg in enumerate(gpgs):
                self.assertEqual(gpg.communicate(timeout=60)[0], b"Dear Alice %d" % number)
            self.assertEqual(len(w.verifies()), 1)
            self.assertEqual(len(w.prompts()), 1)


class Stalling(unittest.TestCase):
    def honest(self, w):
        begun = time.monotonic()
        self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")
        self.assertLess(time.monotonic() - begun, 8, "before the others are hung up on")

    def test_silent_and_half_said(self):
        with ClientWorld() as w:
            w.open()
            clients = []
            for sent in (b"", b"G", b"GETINFO ver", b"PKDECRYPT\nD (7:enc", b"X" * 900) * 10:
                client = w.connect()
                client.send(sent)
                clients.append(client)
            for half in (b"", b"D (7:en"):
                client = w.connect()
                client.command("SETKEY " + w.keygrip)
                client.send(b"PKDECRYPT\n" + half)
                clients.append(client)
            self.honest(w)
            for client in clients:
                client.close()
            self.honest(w)

    def test_never_reads(self):
        """Clients that ask and never read what they asked for."""
        with ClientWorld() as w:
            w.open()
            for _ in range(5):
                client = w.connect()
                self.addCleanup(client.close)
                client.socket.setblocking(False)
                try:
                    while True:
                        client.socket.send(b"HELP\n" * 1000)
                except BlockingIOError:
                    pass  # the agent waits for it to read
            self.honest(w)
            self.assertEqual(w.stop_agent(), 0)

    def test_floods(self):
        """One client's stream of commands leaves time for others."""
        with ClientWorld() as w:
            w.open()
            flood = subprocess.Popen([sys.executable, "-c", FLOOD, w.agent_socket], stdout=subprocess.PIPE)
            flood.stdout.read(1)
            self.honest(w)
            flood.kill()
            flood.communicate()


FLOOD = """
import socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def drain():
    while s.recv(65536):
        pass
threading.Thread(target=drain, daemon=True).start()
print("!", flush=True)
while True:
    s.sendall(b"GETINFO version\\n" * 100)
"""


class TooMany(unittest.TestCase):
    def greeting(self, w):
        """The first line that a new client hears, and the client."""
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(10)
        client.connect(w.agent_socket)
        return client.makefile("rb").readline(), client

    def test_max_connections(self):
        with ClientWorld("[agent]\nmax-connections = 4\n") as w:
            w.open()
            clients = []

            def full():
                line, client = self.greeting(w)
                clients.append(client)
                return line.startswith(b"ERR")
            wait_until(full, "the agent is full")
            line, client = self.greeting(w)
            self.assertEqual(line[:len(refusal(Code.RESOURCE_LIMIT))], refusal(Code.RESOURCE_LIMIT))
            self.assertIn(b"too many connections", line)
            self.assertEqual(client.recv(1), b"", "and hangs up")
            self.assertIn("was refused: 4 connections are open", w.log())
            for client in clients:
                client.close()
            wait_until(lambda: self.greeting(w)[0].startswith(b"OK"), "there is room again")
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")

    def test_few_descriptors(self):
        """64 clients where 32 descriptors are all there is."""
        with ClientWorld() as w:
            w.open()
            hard = resource.prlimit(w.agent_process.pid, resource.RLIMIT_NOFILE)[1]
            resource.prlimit(w.agent_process.pid, resource.RLIMIT_NOFILE, (32, hard))
            greetings, clients = zip(*[self.greeting(w) for _ in range(64)])
            served = [g for g in greetings if g.startswith(b"OK")]
            self.assertGreater(len(served), 5)
            self.assertLess(len(served), 32)
            for greeting in greetings:
                if not greeting.startswith(b"OK"):
                    self.assertTrue(greeting.startswith(refusal(Code.EMFILE)), greeting)
            self.assertIn("out of file descriptors", w.log())
            for client in clients[40:]:
                client.close()
            # With all descriptors taken no prompt can open; the answer is an error, and not silence.
            client = Assuan.over(clients[0], greetings[0])
            with self.assertRaises(AssuanError):
                client.decrypt(w.keygrip, w.request)
            for client in clients:
                client.close()
            wait_until(lambda: self.greeting(w)[0].startswith(b"OK"), "there is room again")
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")

    def test_no_descriptor_at_all(self):
        """Clients that cannot even be accepted to be refused: they wait, and the agent does not spin."""
        with ClientWorld() as w:
            w.open()
            with w.connect() as client:
                soft, hard = resource.prlimit(w.agent_process.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(w.agent_process.pid, resource.RLIMIT_NOFILE, (3, hard))
                waiting = [socket.socket(socket.AF_UNIX) for _ in range(5)]
                for each in waiting:
                    self.addCleanup(each.close)
                    each.connect(w.agent_socket)
                cpu, lines = w.agent_cpu(), len(w.log().splitlines())
                time.sleep(1)
                self.assertLess(w.agent_cpu() - cpu, 0.2)
                self.assertLess(len(w.log().splitlines()) - lines, 20)
                self.assertEqual(client.command("NOP"), b"", "who is in is served")
                resource.prlimit(w.agent_process.pid, resource.RLIMIT_NOFILE, (soft, hard))
                for each in waiting:
                    each.settimeout(10)
                    self.assertIn(each.recv(4), (b"OK C", b"ERR "))
                    each.close()
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")


@unittest.skipIf(os.getuid() != 0 and os.environ.get("CI") != "true", "needs root, to be somebody else")
class OtherUsers(unittest.TestCase):
    def as_nobody(self, path):
        """What a process of another user hears at a socket: its greeting and answers, or the name of the
        exception."""
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(10)
                    client.connect(str(path))
                    os.write(theirs, client.recv(1000))
                    client.sendall(b"GETINFO version\nHAVEKEY --list\n")
                    while more := client.recv(1000):
                        os.write(theirs, more)
            except OSError as error:
                os.write(theirs, type(error).__name__.encode())
            finally:
                os._exit(0)
        os.close(theirs)
        with open(ours, "rb") as pipe:
            heard = pipe.read()
        os.waitpid(child, 0)
        return heard

    def open_up(self, w):
        """As nobody should, but somebody may have done."""
        for folder in (w.folder, w.home):
            folder.chmod(0o755)
        for path in (w.agent_socket, w.slot()):
            os.chmod(path, 0o777)

    def test_closed_doors(self):
        with ClientWorld() as w:
            w.open()
            self.assertEqual(os.stat(w.agent_socket).st_mode & 0o777, 0o600)
            self.assertEqual(os.stat(w.slot()).st_mode & 0o777, 0o600)
            self.assertEqual(self.as_nobody(w.agent_socket), b"PermissionError")

    def test_open_doors(self):
        with ClientWorld() as w:
            w.open()
            self.open_up(w)
            greeting, after = self.as_nobody(w.agent_socket).split(b"\n")
            self.assertTrue(greeting.startswith(refusal(Code.FORBIDDEN)), greeting)
            self.assertIn(after, (b"", b"BrokenPipeError", b"ConnectionResetError"))
            self.assertIn(f"of user {NOBODY} was refused: this agent serves user 0 only", w.log())
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")

    def test_no_card_of_others(self):
        """Another user's process is no card."""
        with ClientWorld() as w:
            w.start_agent()
            self.open_up(w)
            self.assertEqual(self.as_nobody(w.slot()), b"BrokenPipeError")
            with w.connect() as client:
                self.assertEqual(client.command("SCD GETINFO status"), b"r")
            w.start_token()
            self.assertEqual(w.decrypt(w.mail).stdout, b"Dear Alice")


if __name__ == "__main__":
    main()
