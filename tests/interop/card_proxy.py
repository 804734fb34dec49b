"""A cable between cardea-token and the agent's reader that can be cut, garbled and slowed at any command.

Both ends speak the protocol of vpcd (ccid/vpcd.h): messages of a 16-bit length and that many octets; of
the agent's, those of one octet are controls, longer ones commands. The token stays connected all the time;
towards the agent each `insert` is a card inserted and each cut one removed."""

import socket
import threading

GET_ATR = b"\4"
OFF = b"\0"
ON = b"\1"


class Pulled(Exception):
    """The card is to leave the reader."""


def framed(message):
    return len(message).to_bytes(2, "big") + message


def send(connection, message):
    connection.sendall(framed(message))


def receive(connection):
    head = connection.recv(2, socket.MSG_WAITALL)
    message = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL) if len(head) == 2 else b""
    if len(head) < 2 or len(message) < int.from_bytes(head, "big"):
        raise EOFError("the other end of the cable")
    return message


# Faults: called with the proxy, the command and a function that asks the token. They return the answer for
# the agent, or None for none, or raise Pulled.

def pull_before(_proxy, _command, _ask):
    raise Pulled


def pull_after(_proxy, command, ask):
    ask(command)
    raise Pulled


def answer(reply):
    return lambda _proxy, _command, _ask: reply


def half_a_message(proxy, command, ask):
    reply = ask(command)
    proxy.card.sendall(len(reply).to_bytes(2, "big") + reply[:-1])
    raise Pulled


def two_answers(proxy, command, ask):
    """At once: the agent must have no time for another command in between."""
    proxy.card.sendall(framed(ask(command)) + framed(b"\x90\0"))


def never(proxy, _command, _ask):
    proxy.freed.wait()
    raise Pulled


class CardProxy:
    """Listens at token_side for the token and connects to agent_side, a path or HOST:PORT, as a card.
    `faults` maps the number of a command since the insertion (from 1) to a fault, or is a function
    of number and command that returns one."""

    def __init__(self, agent_side, token_side):
        self.agent_side = str(agent_side)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(token_side))
        self.listener.listen(1)
        self.token = None
        self.card = None
        self.thread = None
        self.faults = {}
        self.commands = []
        self.controls = []  # power and resets
        self.freed = threading.Event()

    def accept_token(self):
        self.token, _ = self.listener.accept()

    def close(self):
        self.pull()
        for connection in (self.listener, self.token):
            if connection:
                connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, command):
        send(self.token, command)
        return receive(self.token)

    def connect(self):
        if not self.agent_side.startswith("/"):
            host, port = self.agent_side.split(":")
            return socket.create_connection((host, int(port)))
        card = socket.socket(socket.AF_UNIX)
        try:
            card.connect(self.agent_side)
        except OSError:
            card.close()
            raise
        return card

    def insert(self, faults=None):
        self.pull()
        self.faults = faults or {}
        self.commands = []
        self.controls = []
        self.freed.clear()
        self.card = self.connect()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def pull(self):
        """Takes the card out, if it is in, and waits until nobody asks the token any more."""
        if not self.thread:
            return
        self.freed.set()
        try:
            self.card.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other end was faster
        self.thread.join()
        self.thread = None

    def serve(self):
        try:
            while True:
                message = receive(self.card)
                if len(message) > 1:
                    reply = self.answer_command(message)
                    if reply is not None:
                        send(self.card, reply)
                elif message == GET_ATR:
                    send(self.card, self.ask(message))
                else:
                    self.controls.append(message)
                    send(self.token, message)
        except (Pulled, EOFError, OSError):
            self.card.close()

    def answer_command(self, command):
        self.commands.append(command.hex().upper())
        number = len(self.commands)
        fault = self.faults(number, command) if callable(self.faults) else self.faults.get(number)
        return fault(self, command, self.ask) if fault else self.ask(command)

    def verifies(self):
        """The PINs that went over the cable since the insertion."""
        return [c for c in self.commands if c[2:4] == "20" and len(c) > 10]

    def tries_left(self):
        """What the token says of its user PIN (DO C4); only while no card is in."""
        assert not self.thread
        send(self.token, ON)
        self.ask(bytes.fromhex("00A4040006D27600012401"))
        status = self.ask(bytes.fromhex("00CA00C400"))
        assert status[-2:] == b"\x90\0", status.hex()
        return status[4]
