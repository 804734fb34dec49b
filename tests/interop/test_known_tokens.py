"""Tokens that were in once are remembered, across insertions and agents: public facts, and never in place of
what the token says itself."""

import os
import unittest

from world import AssuanError, World, main


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
