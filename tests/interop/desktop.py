"""A bus of the tests' own, and behind it what a desktop is to the agent: see fake_desktop.c."""

import socket
import subprocess

from world import BIN, World, need, wait_until

# Cardea may be built without libsystemd.
DESKTOP_HEEDED = (BIN / "fake-desktop").exists()

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class DesktopWorld(World):
    """A world with a bus, which is both the system's and the session's; nobody is on it yet."""

    def __init__(self):
        need("dbus-daemon")
        super().__init__()
        self.bus_path = self.folder / "bus"
        self.told = self.folder / "told"
        address = f"unix:path={self.bus_path}"
        self.env.update(DBUS_SESSION_BUS_ADDRESS=address, DBUS_SYSTEM_BUS_ADDRESS=address)
        self.bus = self.desktop = None

    def start_bus(self):
        config = self.folder / "bus.conf"
        config.write_text(CONFIG.format(path=self.bus_path))
        self.bus_path.unlink(missing_ok=True)
        self.bus = self.start("dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}", ends_with=None,
                              stderr=subprocess.DEVNULL)
        wait_until(self.bus_answers, "the bus answers")

    def bus_answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.bus_path))
            except OSError:
                return False
        return True

    def stop_bus(self):
        self.stop(self.bus)

    def start_desktop(self, *parts):
        """parts: as fake-desktop names them."""
        if self.desktop:
            self.desktop.stdin.close()
        ready = self.heard().count("ready")
        with open(self.told, "ab") as told:
            self.desktop = self.start(BIN / "fake-desktop", *parts, stdin=subprocess.PIPE, stdout=told,
                                      ends_with=None)
        wait_until(lambda: self.heard().count("ready") > ready, "the desktop is there")

    def stop_desktop(self):
        self.desktop.stdin.close()
        self.desktop.wait()

    def stop_all(self):
        if self.desktop:
            self.desktop.stdin.close()
        return super().stop_all()

    def do(self, line):
        """Has the desktop do something."""
        self.desktop.stdin.write(line.encode() + b"\n")
        self.desktop.stdin.flush()

    def heard(self, start=""):
        """What the desktop was asked, or the part that starts so."""
        lines = self.told.read_text().splitlines() if self.told.exists() else []
        return [l for l in lines if l.startswith(start)]

    def wait_for(self, start, count=1):
        """Until so many lines that start so were heard; returns the last."""
        wait_until(lambda: len(self.heard(start)) >= count, f"{count} times {start!r}")
        return self.heard(start)[count - 1]
