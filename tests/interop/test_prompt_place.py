"""Where prompts appear: in the session of the agent, or on a terminal of its user; never where else a client
would have them."""

import os
import pty
import unittest

import openpgp
from world import World, main

OWN = {"DISPLAY": ":1", "WAYLAND_DISPLAY": "wayland-1", "XAUTHORITY": "/home/a/.Xauthority",
       "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}
FOREIGN = ["display=:9", "putenv=WAYLAND_DISPLAY=wayland-9", "xauthority=/sandbox/xauth",
           "putenv=DBUS_SESSION_BUS_ADDRESS=unix:path=/sandbox/bus", "putenv=QT_QPA_PLATFORM=offscreen",
           "putenv=XDG_SESSION_TYPE=tty", "putenv=GTK_IM_MODULE=evil", "pinentry-user-data=USE_CURSES=1"]


class PromptPlace(unittest.TestCase):
    def prompt(self, own, *options):
        """The lines of a prompt: of an agent with these variables, for a client with these options."""
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            for name in (*OWN, "GPG_TTY", "TERM", "QT_QPA_PLATFORM", "XDG_SESSION_TYPE"):
                w.env.pop(name, None)
            w.env.update(own)
            w.pinentry(MODE="pin", PIN="123456",
                       LOG_ENV=" ".join(OWN) + " GTK_IM_MODULE QT_QPA_PLATFORM PINENTRY_USER_DATA")
            w.start_agent()
            w.start_token()
            with w.connect() as client:
                for option in options:
                    client.command(f"OPTION {option}")
                client.command("UPDATESTARTUPTTY")
                value = client.decrypt(w.keygrips("alice@example.org")[1], openpgp.request(mail))
                self.assertEqual(len(value), 33)
            return w.prompts()[0]

    def places(self, prompt):
        """What the prompt was told of its place, by its environment and by options."""
        ours = ("OPTION display", "OPTION xauthority", "OPTION tty")
        return sorted(l for l in prompt if l.startswith(("ENV ", *ours)))

    def test_in_our_own_session(self):
        prompt = self.prompt(OWN, *FOREIGN)
        self.assertEqual(self.places(prompt),
                         sorted([f"ENV {name}={value}" for name, value in OWN.items()] +
                                ["OPTION display=:1", "OPTION xauthority=/home/a/.Xauthority"]))
        self.assertNotIn("9", "".join(self.places(prompt)))

    def test_without_a_session(self):
        """An agent that was started where no display is, as over ssh, does not borrow the client's."""
        self.assertEqual(self.places(self.prompt({}, *FOREIGN)), [])

    def test_on_a_terminal_of_our_user(self):
        master, slave = pty.openpty()
        try:
            name = os.ttyname(slave)
            prompt = self.prompt({"GPG_TTY": "/dev/pts/none", "TERM": "dumb"}, f"ttyname={name}", "ttytype=xterm")
        finally:
            os.close(master)
            os.close(slave)
        self.assertEqual(self.places(prompt), [f"OPTION ttyname={name}", "OPTION ttytype=xterm"])

    def test_on_nothing_else(self):
        prompt = self.prompt({"GPG_TTY": "/dev/pts/none", "TERM": "dumb"}, "ttyname=/dev/null", "ttytype=xterm")
        self.assertEqual(self.places(prompt), ["OPTION ttyname=/dev/pts/none", "OPTION ttytype=dumb"])

    def test_in_the_clients_language(self):
        prompt = self.prompt({"LC_MESSAGES": "C"}, "lc-messages=de_DE.UTF-8", "lc-ctype=de_DE.UTF-8")
        self.assertIn("OPTION lc-messages=de_DE.UTF-8", prompt)
        self.assertIn("OPTION lc-ctype=de_DE.UTF-8", prompt)


if __name__ == "__main__":
    main()
