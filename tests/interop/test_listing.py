"""What gpg shows of a card through our agent is what it shows through gpg-agent and scdaemon."""

import shutil
import subprocess
import unittest

from world import ADMIN_PIN, BIN, World, main, need, wait_until

# Primary key, encryption and authentication subkey.
KEYS = [("ed25519", "cv25519", "ed25519"),
        ("nistp256", "nistp384", "nistp521/ecdsa"),
        ("brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1/ecdsa"),
        ("rsa2048", "rsa3072", "secp256k1/ecdsa")]

LISTINGS = [["--card-status"], ["--card-status", "--with-colons"], ["-K"], ["-K", "--with-colons"],
            ["-K", "--with-keygrip"]]

# What gpg-agent, asked raw, says word for word like us.
QUESTIONS = ["SCD SERIALNO", "SCD SERIALNO openpgp", "SCD GETINFO status", "SCD GETINFO card_list",
             "SCD GETINFO reader_list", "SCD READKEY OPENPGP.1", "SCD READKEY OPENPGP.2",
             # As people type it.
             "scd serialno", "scd SerialNo --all", "SCD SERIALNO OpenPGP", "scd getinfo status",
             "scd getinfo STATUS", "scd getattr key-fpr"] + [
                 f"SCD GETATTR {name}" for name in (
                     "SERIALNO", "APPTYPE", "EXTCAP", "MANUFACTURER", "DISP-NAME", "DISP-LANG", "DISP-SEX",
                     "PUBKEY-URL", "LOGIN-DATA", "KEY-FPR", "KEY-TIME", "KEY-ATTR", "CA-FPR", "CHV-STATUS",
                     "SIG-COUNTER", "KDF", "PRIVATE-DO-1", "PRIVATE-DO-2", "$DISPSERIALNO", "$SIGNKEYID",
                     "$ENCRKEYID", "$AUTHKEYID", "NO-SUCH-THING")]

OWNER = ["DISP-NAME Virtue<<Alice%20Maria", "DISP-LANG deen", "DISP-SEX 2", "LOGIN-DATA alice%20%25+x",
         "PUBKEY-URL https://example.org/alice.asc", "CA-FPR-2 " + "%C3" * 20, "PRIVATE-DO-2 mine", "CHV-STATUS-1 %01"]


def ask(w, question):
    """Status lines and data, or the error's number."""
    result = subprocess.run(["gpg-connect-agent", question, "/bye"], env=w.env, capture_output=True,
                            check=True, timeout=60)
    return [l.split()[:2] if l.startswith(b"ERR") else l for l in result.stdout.splitlines()]


class Listing(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        need("gpg-connect-agent", "gpgconf")
        folder = subprocess.run(["gpgconf", "--list-dirs", "libexecdir"], capture_output=True, check=True)
        need(folder.stdout.decode().strip() + "/scdaemon")

    def observe(self, w):
        """All that gpg shows of the card and of the keys on it."""
        seen = {}
        for listing in LISTINGS:
            seen[" ".join(listing)] = w.gpg(*listing).stdout.decode().splitlines()
        for question in QUESTIONS:
            seen[question] = ask(w, question)
        return seen

    def start_scdaemon(self, w):
        (w.home / "gpg-agent.conf").write_text(f"pinentry-program {BIN}/fake-pinentry\n")
        (w.home / "scdaemon.conf").write_text("disable-ccid\n")
        wait_until(lambda: w.gpg("--card-status", check=False).returncode == 0, "scdaemon sees the card")

    def stop_scdaemon(self, w):
        subprocess.run(["gpgconf", "--kill", "all"], env=w.env, check=True)
        wait_until(lambda: not w.agent_answers(), "gpg-agent has ended")
        shutil.rmtree(w.home / "private-keys-v1.d")

    def write_owner(self, w):
        w.pinentry(MODE="pin", PIN=ADMIN_PIN)
        for attribute in OWNER:
            self.assertEqual(ask(w, f"SCD SETATTR {attribute}"), [b"OK"])

    def compare(self, w):
        """Both on the same card, one after the other."""
        theirs = self.observe(w)
        self.stop_scdaemon(w)
        w.start_agent()
        w.wait_for_card()
        ours = self.observe(w)
        self.assertFalse((w.home / "private-keys-v1.d").exists(), "no stub, nor any other file")
        for name, lines in theirs.items():
            with self.subTest(name):
                self.assertEqual(ours[name], lines)

    def test_all_keys(self):
        for primary, encryption, authentication in KEYS:
            with self.subTest(encryption), World() as w:
                w.make_key(encryption, primary=primary, authentication=authentication)
                w.start_token(wait=False)
                self.start_scdaemon(w)
                self.compare(w)

    def test_owner(self):
        with World() as w:
            w.make_key()
            w.start_token("--kdf", "--manufacturer", "0006", "--serial", "12345678", wait=False)
            self.start_scdaemon(w)
            self.write_owner(w)
            self.compare(w)

    def test_empty_card(self):
        with World() as w:
            w.start_token("--no-button", imports=False, wait=False)
            self.start_scdaemon(w)
            self.compare(w)


if __name__ == "__main__":
    main()
