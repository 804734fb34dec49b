"""How the agent starts, is found, is told to forget or to end, and what it leaves behind."""

import os
import pathlib
import signal
import stat
import subprocess
import unittest

from world import BIN, World, main, wait_until

class Life(unittest.TestCase):
    def ready(self, w):
        w.make_key()
        mail = w.encrypt("Dear Alice")
        w.start_agent()
        w.start_token()
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
        w.forget_commands()
        return mail

    def gpgconf(self, w, *arguments):
        return subprocess.run(["gpgconf", *arguments], env=w.env, capture_output=True, check=True,
                              timeout=60).stdout

    # Ending

    def ends(self, w, how):
        """It ends of itself, with status 0, and its sockets are gone."""
        path = pathlib.Path(w.agent_socket)
        self.assertTrue(stat.S_ISSOCK(path.stat().st_mode))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        how()
        self.assertEqual(w.agent_process.wait(10), 0)
        self.assertFalse(os.path.lexists(path))
        self.assertEqual([p.name for p in w.folder.glob("reader*")], [])

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), World() as w:
                w.start_agent()
                self.ends(w, lambda: w.agent_process.send_signal(number))

    def test_kill_by_gpgconf(self):
        with World() as w:
            self.ready(w)
            self.ends(w, lambda: self.gpgconf(w, "--kill", "gpg-agent"))

    def test_kill_is_answered(self):
        """Whoever ends the agent hears that it was understood, and not that the agent hung up."""
        with World() as w:
            for _ in range(10):
                w.start_agent()
                with w.connect() as client:
                    self.assertEqual(client.command("KILLAGENT"), b"")
                self.assertEqual(w.agent_process.wait(10), 0)

    def test_end_with_clients(self):
        """Clients that are connected, and one that waits for a PIN, do not hold it up."""
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.pinentry(MODE="hang")
            w.start_agent()
            w.start_token()
            idle = w.connect()
            waiting = subprocess.Popen(["gpg", "--batch", "-d"], env=w.env, stdin=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            waiting.stdin.write(mail)
            waiting.stdin.close()
            wait_until(lambda: w.prompts() and "GETPIN" in w.prompts()[0], "the PIN is asked for")
            self.ends(w, lambda: w.agent_process.send_signal(signal.SIGTERM))
            self.assertIn(b"decryption failed", waiting.stderr.read())
            self.assertEqual(waiting.wait(10), 2)
            waiting.stderr.close()
            idle.close()

    # Being found

    def test_found_by_gpgconf(self):
        """gpgconf --launch and every client find the agent, and start no other."""
        with World() as w:
            w.start_agent()
            self.gpgconf(w, "--launch", "gpg-agent")
            out = subprocess.run(["gpg-connect-agent", "--no-autostart", "GETINFO pid", "/bye"], env=w.env,
                                 capture_output=True, check=True).stdout
            self.assertEqual(out, f"D {w.agent_process.pid}\nOK\n".encode())

    def test_second_agent(self):
        """Of two agents in one home the second does not start, whichever it is."""
        with World() as w:
            w.start_agent()
            second = subprocess.run([BIN / "cardea-agent", "--gnupghome", w.home, "--reader",
                                     f"socket:{w.folder}/other"], env=w.env, capture_output=True, text=True,
                                    check=False, timeout=20)
            self.assertEqual(second.returncode, 1)
            self.assertIn(str(w.agent_process.pid), second.stderr)
            self.assertFalse((w.folder / "other").exists())
            real = subprocess.run(["gpg-agent", "--homedir", w.home, "--daemon"], env=w.env,
                                  capture_output=True, text=True, check=False, timeout=20)
            self.assertEqual(real.returncode, 2)
            self.assertIn("already running", real.stderr)
            self.assertTrue(w.agent_answers())
            self.assertIsNone(w.agent_process.poll())

    def test_beside_gpg_agent(self):
        """The real agent keeps its socket, and ours says what to do."""
        with World() as w:
            self.gpgconf(w, "--launch", "gpg-agent")
            ours = w.start_agent(wait=False, ends_with=1)
            self.assertEqual(ours.wait(20), 1)
            self.assertIn("gpgconf --kill gpg-agent", w.log())
            self.assertTrue(w.agent_answers())

    def test_stale_socket(self):
        """An agent that was killed leaves a socket; the next one takes its place."""
        with World() as w:
            w.start_agent(ends_with=-signal.SIGKILL)
            w.agent_process.kill()
            w.agent_process.wait()
            self.assertTrue(os.path.lexists(w.agent_socket))
            w.start_agent()

    # Forgetting

    def forgets(self, w, mail, how):
        """The PIN is asked for anew, and the card itself closed at once (VERIFY with P1 FF)."""
        how()
        wait_until(w.commands, "the card hears of it")
        self.assertEqual([c[:8] for c in w.commands()], ["0020FF82"])
        self.assertEqual(len(w.prompts()), 1)
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
        self.assertEqual(len(w.prompts()), 2)
        self.assertIsNone(w.agent_process.poll())

    def test_hangup(self):
        with World() as w:
            mail = self.ready(w)
            self.forgets(w, mail, lambda: w.agent_process.send_signal(signal.SIGHUP))

    def test_reload_by_gpgconf(self):
        with World() as w:
            mail = self.ready(w)
            self.forgets(w, mail, lambda: self.gpgconf(w, "--reload", "gpg-agent"))

    # With a command

    def test_command(self):
        """gpg in the command finds the agent by GNUPGHOME; agent and command end together."""
        wait = "until gpg-connect-agent 'SCD GETINFO status' /bye | grep -q 'D u'; do sleep 0.02; done"
        with World() as w:
            w.make_key()
            (w.folder / "mail").write_bytes(w.encrypt("Dear Alice"))
            del w.env["GNUPGHOME"]
            script = f"{wait}; gpg --batch -d {w.folder}/mail >{w.folder}/out; exit 3"
            w.start_agent("--", "sh", "-c", script, wait=False, ends_with=3)
            w.start_token("--wait", wait=False)
            self.assertEqual(w.agent_process.wait(20), 3)
            self.assertEqual((w.folder / "out").read_bytes(), b"Dear Alice")
            w.env["GNUPGHOME"] = str(w.home)
            self.assertFalse(os.path.lexists(w.agent_socket))
            w.stop_token()

    def test_status_of_command(self):
        """As a shell tells it."""
        for command, status in ((["true"], 0), (["sh", "-c", "exit 42"], 42),
                                (["sh", "-c", "kill -KILL $$"], 128 + 9),
                                (["no-such-command"], 127), (["/etc/passwd"], 126)):
            with self.subTest(command), World() as w:
                w.start_agent("--", *command, wait=False, ends_with=status)
                self.assertEqual(w.agent_process.wait(20), status)
                self.assertFalse(os.path.lexists(w.agent_socket))

    def test_command_ends_with_agent(self):
        with World() as w:
            w.start_agent("--", "sh", "-c", f"echo $$ >{w.folder}/pid; exec sleep 1000",
                          ends_with=128 + signal.SIGTERM)
            wait_until(lambda: (w.folder / "pid").exists() and (w.folder / "pid").read_text(), "sleep")
            pid = int((w.folder / "pid").read_text())
            w.agent_process.terminate()
            self.assertEqual(w.agent_process.wait(20), 128 + signal.SIGTERM)
            wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the command has ended too")


if __name__ == "__main__":
    main()
