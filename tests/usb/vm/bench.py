"""What the scenarios of the virtual machine work with: tokens on the virtual USB controller, udevd with our rules,
seats, pcscd, and a world (tests/interop/world.py) whose agent reads them. Everything that is waited for is waited
for at most PATIENCE seconds."""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "interop")]
from console import Console  # noqa: E402
from world import BIN, PATIENCE, wait_until  # noqa: E402

KEYS = HERE.parents[1] / "token" / "keys"
RULES = BIN.parent / "udev" / "60-cardea.rules"
STOCK_RULES = ["50-udev-default.rules", "60-fido-id.rules", "70-uaccess.rules", "71-seat.rules",
               "73-seat-late.rules", "99-systemd.rules"]
NETLINK_UEVENTS, FROM_UDEVD = 15, 2  # linux/netlink.h; the group to which udevd tells what it is done with
SCOPE_SYSTEM, SHARE_SHARED, PROTOCOL_T1, LEAVE_CARD = 2, 2, 2, 0  # winscard.h
SEAT_USER, REMOTE_USER = 1000, 1001


def output(*words, check=True, **options):
    return subprocess.run([str(w) for w in words], check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=60, **options).stdout


class Udev:
    """systemd's udevd, with the rules of systemd that concern us, and ours."""

    def __init__(self):
        for folder in ("/usr/lib/udev/rules.d", "/etc/udev/rules.d", "/run/udev/rules.d"):
            for path in pathlib.Path(folder).glob("*.rules"):
                if path.name not in STOCK_RULES:
                    path.unlink()
        shutil.copy(RULES, "/usr/lib/udev/rules.d/60-cardea.rules")
        self.events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_UEVENTS)
        self.events.bind((0, FROM_UDEVD))
        self.events.settimeout(PATIENCE)
        output("/lib/systemd/systemd-udevd", "--daemon", "--resolve-names=early")

    def reload(self):
        """udevd takes what it is told in turn: when it answers the second, it has done the first."""
        output("udevadm", "control", "--reload")
        output("udevadm", "control", "--ping", f"--timeout={PATIENCE}")

    @contextlib.contextmanager
    def without(self, name):
        """As long as one of the files of rules is not there."""
        path, aside = pathlib.Path("/usr/lib/udev/rules.d", name), pathlib.Path("/run", name)
        shutil.move(path, aside)
        self.reload()
        try:
            yield
        finally:
            shutil.move(aside, path)
            self.reload()

    def wait_for(self, action):
        """Waits until udevd is done with a device that has come ("bind": its driver has come to it, too) or gone
        ("remove"), and returns its place in /sys."""
        while True:
            event = self.events.recv(65536)
            start = int.from_bytes(event[16:20], sys.byteorder)  # struct monitor_netlink_header of libsystemd
            words = dict(word.partition("=")[::2] for word in event[start:].decode(errors="replace").split("\0"))
            if (words.get("ACTION"), words.get("DEVTYPE")) == (action, "usb_device"):
                return pathlib.Path("/sys" + words["DEVPATH"])


def seat(user):
    """Who sits at the machine; None: nobody does."""
    path = pathlib.Path("/run/systemd/seats/seat0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"IS_SEAT0=1\nACTIVE=1\nACTIVE_UID={user}\n" if user else "IS_SEAT0=1\n")


class Bench(Console):
    """usb-vhci and its tokens."""

    def __init__(self, udev):
        super().__init__(BIN / "usb-vhci")
        self.udev = udev
        self.count = 0

    def token(self, model, key=None, serial=None):
        return Token(self, model, key, serial)


class Token:
    """Use as a context: it is unplugged at the end, and must not have had reason to complain."""

    def __init__(self, bench, model, key, serial):
        bench.count += 1
        self.path = None
        self.bench, self.model, self.name = bench, model, f"t{bench.count % 4}"
        bench.tell("new", self.name, model, serial or 0x1000 + bench.count)
        if key:
            self.tell("import", key)

    def tell(self, command, *words):
        return self.bench.tell(command, self.name, *words)

    def __enter__(self):
        self.plug()
        return self

    def __exit__(self, kind, value, trace):
        complaint = self.counts()["complaint"]
        self.unplug()
        self.bench.tell("drop", self.name)
        if not kind and complaint != "none":
            raise AssertionError(f"{self.model}: {complaint}")

    def plug(self):
        self.tell("plug")
        self.path = self.bench.udev.wait_for("bind")

    def unplug(self):
        """If it is not yet."""
        self.tell("unplug")
        if self.path:
            self.bench.udev.wait_for("remove")
        self.path = None

    def counts(self):
        words = dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", self.tell("counts")))
        return {k: int(v) if v.isdigit() else v for k, v in words.items()}

    @property
    def node(self):
        bus, device = ((self.path / f).read_text().strip() for f in ("busnum", "devnum"))
        return pathlib.Path(f"/dev/bus/usb/{int(bus):03}/{int(device):03}")

    def properties(self):
        return output("udevadm", "info", "--query=property", f"--path={self.path}")


def devices():
    """The devices that are no hubs."""
    return [p for p in pathlib.Path("/sys/bus/usb/devices").glob("[0-9]*-*") if ":" not in p.name]


def as_user(user, work):
    """Whether this user, in no group, gets it done: in a process of its own."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    status = 1
    try:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        work()
        status = 0
    except PermissionError:
        pass
    except BaseException:  # which must not come back to who forked
        traceback.print_exc()
    finally:
        os._exit(status)


def may_open(node, user):
    return as_user(user, lambda: os.open(node, os.O_RDWR))


class Pcscd:
    """Use as a context: pcscd with libccid on the system's own socket."""

    def __enter__(self):
        self.log = open("/tmp/pcscd.log", "w+", encoding="utf-8", errors="replace")
        pathlib.Path("/run/pcscd").mkdir(exist_ok=True)
        self.process = subprocess.Popen(["pcscd", "--foreground", "--info"],
                                        stdout=self.log, stderr=self.log)
        wait_until(lambda: "daemon ready" in self.text(), "pcscd is ready")
        return self

    def text(self):
        return pathlib.Path("/tmp/pcscd.log").read_text(encoding="utf-8", errors="replace")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.log.close()
        for name in ("pcscd.comm", "pcscd.pid"):
            pathlib.Path("/run/pcscd", name).unlink(missing_ok=True)


class Reader(Console):
    """Cardea's own driver, by usb-reader. Use as a context."""

    def __init__(self, spec="usb", **options):
        super().__init__(BIN / "usb-reader", spec, **options)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.close()
        if status and not kind:
            raise AssertionError(f"usb-reader ended with {status}")

    def wait_for(self, text, patience=PATIENCE):
        wait_until(lambda: text in self.tell("list"), f"the list says {text}", patience)

    def connect(self):
        """To the first card, once there is one."""
        self.wait_for(" present")
        self.tell("connect")

    def send(self, apdu):
        return self.tell("send", apdu)


class Pcsc:
    """A client of pcscd, by libpcsclite. Use as a context: the card in the only reader, once it is there."""

    def __enter__(self):
        self.pcsclite = ctypes.CDLL("libpcsclite.so.1")
        self.context, self.handle = ctypes.c_long(), ctypes.c_long()
        wait_until(lambda: not self.call("SCardEstablishContext", SCOPE_SYSTEM, None, None,
                                         ctypes.byref(self.context), may_fail=True), "pcscd answers")
        wait_until(self.connect, "pcscd has the card")
        return self

    def call(self, name, *arguments, may_fail=False):
        arguments = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
        result = getattr(self.pcsclite, name)(*arguments) & 0xFFFFFFFF
        if result and not may_fail:
            raise AssertionError(f"{name}: {result:08X}")
        return result

    def readers(self):
        text, size = ctypes.create_string_buffer(2048), ctypes.c_ulong(2048)
        failed = self.call("SCardListReaders", self.context, None, text, ctypes.byref(size), may_fail=True)
        return [] if failed else [n for n in text.raw[:size.value].split(b"\0") if n]

    def connect(self):
        protocol = ctypes.c_ulong()
        return any(not self.call("SCardConnect", self.context, name, SHARE_SHARED, PROTOCOL_T1,
                                 ctypes.byref(self.handle), ctypes.byref(protocol), may_fail=True)
                   for name in self.readers())

    def send(self, apdu):
        apdu = bytes.fromhex(apdu)
        answer, size = ctypes.create_string_buffer(65538), ctypes.c_ulong(65538)
        header = (ctypes.c_ulong * 2)(PROTOCOL_T1, 2 * ctypes.sizeof(ctypes.c_ulong))
        self.call("SCardTransmit", self.handle, header, apdu, len(apdu), None, answer, ctypes.byref(size))
        return answer.raw[:size.value].hex().upper()

    def __exit__(self, *_):
        self.call("SCardDisconnect", self.handle, LEAVE_CARD, may_fail=True)
        self.call("SCardReleaseContext", self.context)
