"""The desktop says that the token waits for a touch: when it has waited for half a second, and for as long as
it waits. Whatever is wrong with the desktop, the mail is read."""

import pathlib
import socket
import subprocess
import threading
import time
import unittest

import openpgp
from desktop import DesktopWorld
from world import AssuanError, main, wait_until

TOKEN = "unmanaged S/N range FF00:00000001"


class Notification(unittest.TestCase):
    def world(self, *parts, config="", token=("--touch", "manual"), bus=True):
        """A desktop, an agent, and a token that waits for touches and whose PIN is verified."""
        w = self.enterContext(DesktopWorld())
        w.make_key()
        w.mail = w.encrypt("Read me")
        w.configure(config)
        if bus:
            w.start_bus()
        if parts:
            w.start_desktop(*parts)
        w.start_agent()
        w.start_token("--uif", "dec=on", *token)
        return w

    def waits(self, w):
        return "waiting-for-touch" in w.tell_token("status")

    def begin(self, w):
        """A gpg that waits for a touch."""
        mail = w.folder / "mail"
        mail.write_bytes(w.mail)
        gpg = subprocess.Popen(["gpg", "--batch", "--no-tty", "-d", mail], env=w.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        wait_until(lambda: self.waits(w), "the token waits for a touch")
        return gpg

    def finish(self, w, gpg):
        w.tell_token("touch")
        out, err = gpg.communicate(timeout=20)
        self.assertEqual(out, b"Read me", err)

    def shown(self, w, count=1):
        """Number, summary, body, urgency, transience and time of the notification."""
        number, rest = w.wait_for("notify", count).split(" ", 2)[1:]
        return (number, *rest.split("|"))

    def test_appears_and_closes(self):
        w = self.world("server")
        gpg = self.begin(w)
        number, summary, body, urgency, transient, expire = self.shown(w)
        key_id = w.fingerprints("alice")[1][-16:]
        self.assertEqual(summary, f"Touch the token {TOKEN}")
        self.assertRegex(body, r"^python3( in [^(]*)?, through gpg \(process [0-9]+\) "
                               rf"wants to open an encrypted message\.\\nKey: {key_id}$")
        self.assertEqual((urgency, transient), ("2", "1"))
        self.assertGreater(int(expire), 15000)  # tokens wait as long
        self.assertEqual(w.heard("close"), [])
        self.finish(w, gpg)
        w.wait_for(f"close {number}")
        gpg = self.begin(w)
        other = self.shown(w, 2)[0]
        self.finish(w, gpg)
        w.wait_for(f"close {other}")
        self.assertEqual(len(w.heard("notify")), 2)

    def test_not_before_half_a_second(self):
        w = self.world("server")
        begun = time.monotonic()
        gpg = self.begin(w)
        self.shown(w)
        self.assertGreaterEqual(time.monotonic() - begun, 0.5)
        self.finish(w, gpg)

    def test_nothing_for_quick_touches(self):
        w = self.world("server", token=("--touch", "auto"))
        for _ in range(3):
            self.assertEqual(w.decrypt(w.mail).stdout, b"Read me")
        time.sleep(0.7)  # in which nothing may happen
        self.assertEqual([l for l in w.heard() if l != "ready"], [])

    def ask_as(self, w, name):
        """A decryption of a program with this name."""
        def ask():
            own = pathlib.Path("/proc/self/comm")
            before = own.read_text()
            own.write_text(name)
            try:
                with w.connect() as client:
                    client.decrypt(w.keygrips("alice")[1], openpgp.request(w.mail))
            finally:
                own.write_text(before)
        thread = threading.Thread(target=ask)
        thread.start()
        return thread

    def test_markup_is_escaped(self):
        for server, expected in (("server", "&lt;b&gt;&amp;lt;x "), ("server-plain", "<b>&lt;x ")):
            with self.subTest(server):
                w = self.world(server)
                thread = self.ask_as(w, "<b>&lt;x")
                body = self.shown(w)[2]
                w.tell_token("touch")
                thread.join()
                self.assertIn(expected, body + " ")
                self.assertTrue(body.startswith(expected))

    def test_closes_when_nobody_touches(self):
        w = self.world("server", token=("--touch", "manual", "--touch-timeout-ms", "1500"))
        with w.connect() as client, self.assertRaises(AssuanError):
            client.decrypt(w.keygrips("alice")[1], openpgp.request(w.mail))
        w.wait_for(f"close {self.shown(w)[0]}")

    def test_closes_with_the_agent(self):
        w = self.world("server")
        gpg = self.begin(w)
        number = self.shown(w)[0]
        w.stop_agent()
        w.wait_for(f"close {number}")
        gpg.kill()
        gpg.communicate()

    def test_switched_off(self):
        w = self.world("server", config="[agent]\nnotifications = no\n")
        gpg = self.begin(w)
        time.sleep(0.8)  # in which nothing may happen
        self.finish(w, gpg)
        self.assertEqual(w.heard(), ["ready"])

    def slow_touch(self, w):
        """Longer than it takes until a notification would be shown."""
        gpg = self.begin(w)
        time.sleep(0.8)
        self.finish(w, gpg)

    def test_no_bus(self):
        w = self.world(bus=False)
        self.slow_touch(w)
        w.start_bus()
        w.start_desktop("server")
        gpg = self.begin(w)
        number = self.shown(w)[0]
        self.finish(w, gpg)
        w.wait_for(f"close {number}")

    def test_no_server(self):
        w = self.world("logind")
        self.slow_touch(w)
        self.assertNotIn("warning", w.log())

    def test_server_hangs(self):
        w = self.world("server-hang")
        for touch in 1, 2:
            gpg = self.begin(w)
            w.wait_for("capabilities", touch)
            self.finish(w, gpg)

    def test_server_answers_too_late(self):
        """The touch is over before the server has said which notification it shows."""
        w = self.world("server-late")
        gpg = self.begin(w)
        self.shown(w)
        self.finish(w, gpg)
        w.do("answer 77")
        w.wait_for("close 77")

    def test_server_ends_while_it_shows(self):
        w = self.world("server")
        gpg = self.begin(w)
        self.shown(w)
        w.stop_desktop()
        self.finish(w, gpg)
        w.start_desktop("server")
        gpg = self.begin(w)
        number = self.shown(w, 2)[0]
        self.finish(w, gpg)
        w.wait_for(f"close {number}")

    def test_bus_ends_while_it_shows(self):
        w = self.world("server")
        gpg = self.begin(w)
        self.shown(w)
        w.stop_bus()
        self.finish(w, gpg)
        self.slow_touch(w)

    def test_bus_hangs(self):
        """A bus that accepts and says nothing; one whose queue is full."""
        for queue in (8, 0):
            with self.subTest(queue), socket.socket(socket.AF_UNIX) as mute:
                w = self.world(bus=False)
                mute.bind(str(w.bus_path))
                mute.listen(queue)
                self.slow_touch(w)
                self.slow_touch(w)
                self.slow_touch(w)


if __name__ == "__main__":
    main()
