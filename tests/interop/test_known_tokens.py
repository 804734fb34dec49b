"""Tokens that were in once are remembered, across insertions and agents: public facts, and never in place of
what the token says itself."""

import os
import subprocess
import unittest

from world import ADMIN_PIN, BIN, AssuanError, World, main, wait_until

SELECT = "00A4040006D27600012401"
PUT_NAME = "00DA005B0D" + b"Virtue<<Alice".hex()


class Known(unittest.TestCase):
    def files(self, w):
        folder = w.folder / "state-home" / "cardea" / "tokens"
        return sorted(folder.iterdir()) if folder.exists() else []

    def begin(self, w, *options):
        w.make_key()
        w.start_agent()
        w.start_token(*options)
        mail = w.encrypt("Dear Alice")
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
        return mail

    def restart(self, w):
        w.stop_agent()
        w.start_agent(wait=False)
        w.wait_for_agent()

    def test_what_is_written(self):
        """One file for the owner alone, with nothing in it that the token would not tell anybody."""
        with World() as w:
            self.begin(w, "--serial", "12345678")
            file, = self.files(w)
            self.assertEqual(file.name, "D276000124010304FF00123456780000")
            self.assertEqual(file.stat().st_mode & 0o7777, 0o600)
            self.assertEqual(file.parent.stat().st_mode & 0o7777, 0o700)
            text = file.read_text()
            self.assertIn(w.fingerprints("alice")[1], text)
            self.assertIn(w.keygrips("alice")[1], text)
            self.assertNotIn(b"123456".hex(), text.replace("12345678", ""))

    def test_none(self):
        with World() as w:
            w.configure("[agent]\nstate-directory = none\n")
            self.begin(w)
            self.assertFalse((w.folder / "state-home").exists())

    def test_another_place(self):
        with World() as w:
            w.configure(f"[agent]\nstate-directory = {w.folder}/elsewhere\n")
            self.begin(w)
            self.assertEqual(len(list((w.folder / "elsewhere" / "tokens").iterdir())), 1)
            self.assertFalse((w.folder / "state-home").exists())

    def test_damaged(self):
        """It is moved aside and made anew, and the mail is read."""
        with World() as w:
            mail = self.begin(w)
            file, = self.files(w)
            good = file.read_bytes()
            for bad in (b"", good[:-5], b"\0" * 100, good.replace(b"token 1", b"token 2")):
                w.stop_token()
                w.stop_agent()
                file.write_bytes(bad)
                w.start_agent(wait=False)
                w.wait_for_agent()
                w.start_token()
                self.assertIn(f"it is now {file.name}.aside", w.log())
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertEqual(file.read_bytes(), good)

    def test_no_room(self):
        """A warning, once, and the mail is read."""
        with World() as w:
            (w.folder / "state-home").write_text("in the way")
            mail = self.begin(w)
            w.tell_token("remove")
            w.wait_for_card(False)
            w.tell_token("insert")
            w.wait_for_card()
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual(w.log().count("tokens cannot be remembered"), 1)

    def test_rekeyed(self):
        """The same token with another key: the new one is found, the old one is gone, and no PIN is
        wasted."""
        with World() as w:
            w.make_key(name="bob@example.org")
            bobs = w.key_file
            mail = self.begin(w)
            w.stop_token()
            w.wait_for_card(False)
            w.start_token(imports=bobs)
            self.assertEqual(w.decrypt(w.encrypt("Dear Bob", "bob@example.org")).stdout, b"Dear Bob")
            self.assertIn(b"No secret key", w.decrypt(mail, check=False).stderr)
            self.restart(w)
            with w.connect() as client, self.assertRaises(AssuanError) as refused:
                client.command("HAVEKEY " + w.keygrips("alice")[1])
            self.assertEqual(refused.exception.code, 17)  # GPG_ERR_NO_SECKEY
            self.assertEqual(len(w.verifies()), 1)

    def test_backup(self):
        """The same key on a token that was never in: it is known, and none is asked for it again."""
        with World() as w:
            w.make_key("rsa2048")
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            for serial, reads in (("1", 1), ("2", 0), ("1", 0), ("2", 0)):
                w.start_token("--serial", serial)
                self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                self.assertEqual([c[:8] for c in w.commands()].count("00478100"), reads)
                w.stop_token()
                w.wait_for_card(False)
            self.assertEqual(len(self.files(w)), 2)

    def begin_named(self, w):
        """A token whose holder is Alice Virtue. Returns its proxy and a mail."""
        w.make_key()
        mail = w.encrypt("Dear Alice")
        w.start_agent()
        proxy = w.start_token_behind_proxy()
        w.insert(proxy)
        for command in (SELECT, "0020008308" + ADMIN_PIN.encode().hex(), PUT_NAME):
            self.assertEqual(proxy.ask(bytes.fromhex(command))[-2:], b"\x90\0")
        w.insert(proxy)
        return proxy, mail

    def read(self, w, mail):
        """Decrypts, and returns the prompt for the PIN as it was told to the pinentry."""
        before = len(w.prompts())
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
        prompt, = w.prompts()[before:]
        return "\n".join(prompt)

    def check_holder_is_known(self, w, proxy, mail):
        """Without asking the card, to the next agent too: in the first prompt, and in that for a token not in."""
        for restart in (False, True):
            proxy.pull()
            w.wait_for_card(False)
            if restart:
                self.restart(w)
            proxy.insert()
            w.wait_for_card()
            self.assertIn("%0AHolder: Alice Virtue%0AKey: ", self.read(w, mail))
            self.assertNotIn("00CA0065", [c[:8] for c in proxy.commands])
        with w.connect() as client:
            client.command("TOKENS")
        self.assertIn("HOLDER Alice Virtue", client.status)
        proxy.pull()
        w.wait_for_card(False)
        w.pinentry(MODE="cancel")
        before = len(w.prompts())
        w.decrypt(mail, check=False)
        wait_until(lambda: len(w.prompts()) > before, "the prompt for the token")
        self.assertIn(" (Alice Virtue)%0AKey: ", "\n".join(w.prompts()[before]))

    def test_holder_of_a_listing(self):
        with World() as w:
            proxy, mail = self.begin_named(w)
            with proxy:
                subprocess.run([BIN / "cardea", "list"], env=w.env, check=True, stdout=subprocess.DEVNULL, timeout=60)
                self.check_holder_is_known(w, proxy, mail)

    def test_holder_of_a_later_prompt(self):
        """It asks the card, and what the card says is remembered."""
        with World() as w:
            proxy, mail = self.begin_named(w)
            with proxy:
                self.assertNotIn("Holder", self.read(w, mail))
                with w.connect() as client:
                    client.command("RELOADAGENT")
                self.assertIn("Holder: Alice Virtue", self.read(w, mail))
                self.check_holder_is_known(w, proxy, mail)

    def test_two_agents(self):
        """Agents of two homes share the directory."""
        with World() as w, World() as other:
            other.env["XDG_STATE_HOME"] = w.env["XDG_STATE_HOME"]
            self.begin(w, "--serial", "1")
            self.begin(other, "--serial", "2")
            self.assertEqual(len(self.files(w)), 2)

    def test_nothing_in_the_real_home(self):
        """What keeps these tests from writing where a human's tokens are remembered."""
        with World() as w:
            self.assertTrue(w.env["XDG_STATE_HOME"].startswith(str(w.folder)))
            self.assertNotEqual(w.env["HOME"], os.environ.get("HOME"))


if __name__ == "__main__":
    main()
