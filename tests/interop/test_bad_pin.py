"""PINs that are wrong, too short, too long or never typed, and pinentries that fail: no VERIFY without a
typed PIN, and the human learns how many tries are left."""

import hashlib
import os
import subprocess
import threading
import time
import unittest

import card_proxy as fault
import openpgp
import sexp
from codes import AGENT, Code
from world import ADMIN_PIN, PIN, AssuanError, World, main, wait_until

WRONG = "654321"
SELECT = "00A4040006D27600012401"


class PinWorld(World):
    """Agent and token with a key, whose PIN was not asked for yet."""

    def __init__(self, config="", token=(), **agent):
        super().__init__()
        self.configure(config)
        self.token_options = token
        self.agent_options = agent

    def __enter__(self):
        super().__enter__()
        self.make_mail()
        self.start_agent(**self.agent_options)
        self.proxy = self.start_token_behind_proxy(*self.token_options)
        self.insert(self.proxy)
        return self

    def __exit__(self, *problem):
        self.proxy.close()
        super().__exit__(*problem)

    def ask(self, mode=None, **inquiries):
        """One decryption by a client of its own: the value, or the error."""
        with self.connect() as client:
            if mode:
                client.command("OPTION pinentry-mode=" + mode)
            try:
                return client.decrypt(self.keygrip, self.request, **inquiries)
            except AssuanError as error:
                return error

    def on_the_side(self, *commands):
        """Another program asks the token, while the card is in and the agent is silent."""
        return [self.proxy.ask(bytes.fromhex(c)) for c in commands]

    def spend_tries(self, count):
        self.on_the_side(SELECT, *["0020008206" + WRONG.encode().hex()] * count)


class PinTest(unittest.TestCase):
    def fails(self, w, code, **how):
        error = w.ask(**how)
        self.assertIsInstance(error, AssuanError)
        self.assertEqual((error.code, error.source), (code, AGENT))

    def works(self, w, **how):
        value = w.ask(**how)
        self.assertNotIsInstance(value, AssuanError)
        self.assertEqual(len(value), 33)
        self.assertEqual(value[0], 0x40)

    def counts(self, w, typed, verifies=None):
        self.assertEqual(w.typed(), typed)
        self.assertEqual(len(w.proxy.verifies()), typed if verifies is None else verifies)

    def said(self, prompt, command):
        """What a prompt was told by a command such as SETERROR; None when it was not."""
        for line in prompt:
            if line.startswith(command + " "):
                return line[len(command) + 1:].replace("%0A", "\n")
        return None


class Wrong(PinTest):
    def test_asks_again_with_the_tries_left(self):
        with PinWorld() as w:
            w.pinentry(PIN=f"{WRONG} {PIN}")
            self.works(w)
            self.counts(w, 2)
            first, second = w.prompts()
            self.assertIsNone(self.said(first, "SETERROR"))
            self.assertIn("\nTries left: 3", self.said(first, "SETDESC"))
            self.assertEqual(self.said(second, "SETERROR"), "Wrong PIN: 2 tries left.")
            self.assertIn("\nTries left: 2", self.said(second, "SETDESC"))
            self.works(w)
            self.counts(w, 2)

    def test_last_try_is_confirmed(self):
        with PinWorld() as w:
            w.pinentry(PIN=f"{WRONG} {WRONG} {PIN}")
            self.works(w)
            self.counts(w, 3)
            first, second, question, third = w.prompts()
            self.assertIn("CONFIRM", question)
            self.assertNotIn("GETPIN", question)
            self.assertIn("Only one try is left", self.said(question, "SETDESC"))
            self.assertEqual(self.said(question, "SETOK"), "Use the last try")
            self.assertEqual(self.said(third, "SETERROR"), "Wrong PIN: 1 try left.")
            for prompt in (first, second, third):
                self.assertIn("GETPIN", prompt)
                self.assertNotIn("CONFIRM", prompt)

    def test_last_try_is_refused(self):
        for mode, code in (("not-ok", Code.NOT_CONFIRMED), ("cancel", Code.FULLY_CANCELED)):
            with PinWorld() as w:
                w.spend_tries(2)
                w.pinentry(MODE=mode)
                self.fails(w, code)
                self.assertEqual(len(w.prompts()), 1)
                self.counts(w, 0)
                w.pinentry()
                self.works(w)
                self.counts(w, 1)

    def test_blocked(self):
        with PinWorld() as w:
            w.pinentry(PIN=WRONG)
            self.fails(w, Code.PIN_BLOCKED)
            self.counts(w, 3)
            self.assertIn("unblock it with the reset code or the admin PIN", w.log())
            prompts = len(w.prompts())
            self.fails(w, Code.PIN_BLOCKED)
            self.assertEqual(len(w.prompts()), prompts, "nobody is asked for a PIN that is blocked")
            self.counts(w, 3)
            w.on_the_side(SELECT, "0020008308" + ADMIN_PIN.encode().hex(),
                          "002C028106" + PIN.encode().hex())
            w.pinentry()
            self.works(w)
            self.counts(w, 4)

    def test_another_program_spends_a_try(self):
        """The human agreed to three tries; with two left the PIN is not sent, but asked for again."""
        with PinWorld() as w:
            w.pinentry_that_waits()
            result = []
            thread = threading.Thread(target=lambda: result.append(w.ask()))
            thread.start()
            wait_until(lambda: w.prompts() and "GETPIN" in w.prompts()[0], "a prompt")
            w.spend_tries(1)
            w.let_it_be_typed()
            thread.join()
            self.assertEqual(len(result[0]), 33)
            self.counts(w, 2, verifies=1)
            self.assertEqual(self.said(w.prompts()[1], "SETERROR"),
                             "Another program used up a try meanwhile: 2 left.")

    def test_refused_pin_is_not_kept(self):
        """After a wrong PIN nothing is sent that was not typed anew."""
        with PinWorld() as w:
            w.pinentry(PIN=WRONG)
            w.spend_tries(1)
            with w.connect() as client:
                client.command("SETKEY " + w.keygrip)
                client.send(b"PKDECRYPT\n")
                client.read_line()
                client.read_line()
                client.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.request})
                wait_until(lambda: len(w.proxy.verifies()) == 1, "a VERIFY")
            w.pinentry()
            self.works(w)
            self.assertLessEqual(len(w.proxy.verifies()), w.typed())


class Lengths(PinTest):
    def test_too_short_and_too_long_never_reach_the_card(self):
        with PinWorld() as w:
            for pin in ("12345", "1" * 128, "1" * 200):
                w.pinentry(PIN=pin)
                self.fails(w, Code.BAD_PIN)
                self.assertEqual(w.prompts()[-1].count("GETPIN"), 3)
                self.assertEqual(self.said(w.prompts()[-1], "SETERROR"), "This PIN has 6 to 127 characters.")
            for mode in ("empty-pin", "long-pin"):
                w.pinentry(MODE=mode)
                self.assertIn(w.ask().code, (Code.BAD_PIN, Code.PIN_ENTRY))
            self.assertEqual(w.proxy.verifies(), [])
            w.pinentry(PIN=f"12345 {PIN}")
            self.works(w)
            self.assertEqual(len(w.proxy.verifies()), 1)

    def test_shortest_and_longest(self):
        for pin in ("123456", "z" * 127):
            with PinWorld(token=["--pin", pin]) as w:
                w.pinentry(PIN=pin)
                self.works(w)
                self.assertEqual(w.proxy.verifies(), [f"00200082{len(pin):02X}{pin.encode().hex().upper()}"])

    def test_kdf(self):
        """What reaches the card is the digest that its KDF-DO asks for (OpenPGP card 3.4.1, 4.3.2)."""
        with PinWorld(token=["--kdf"]) as w:
            w.pinentry(PIN=f"{WRONG} 12345 {PIN}")
            self.works(w)
            kdf = w.on_the_side(SELECT, "00CA00F900")[0 + 1]
            fields = dict(tlv(kdf[:-2]))
            self.assertEqual((fields[0x81], fields[0x82]), (b"\3", b"\10"))
            count, salt = int.from_bytes(fields[0x83], "big"), fields[0x84]
            digests = [hashlib.sha256(((salt + pin.encode()) * (count // 14 + 1))[:count]).hexdigest().upper()
                       for pin in (WRONG, PIN)]
            self.assertEqual(w.proxy.verifies(), ["0020008220" + digest for digest in digests])

    def test_kdf_nobody_knows(self):
        """A KDF of the future, or one that takes for ever: no PIN is sent."""
        for kdf in ("810104820108830400001000840830313233343536378601",
                    "810103820108 8304FFFFFFFF 84083031323334353637",
                    "810103", "81", "8101038201FF83040000100084083031323334353637"):
            with PinWorld(token=["--kdf"]) as w:
                reply = bytes.fromhex(kdf) + b"\x90\0"
                w.insert(w.proxy, lambda _, command, reply=reply:
                         fault.answer(reply) if command[1:4] == b"\xca\0\xf9" else None)
                self.fails(w, Code.UNSUPPORTED_PROTOCOL)
                self.assertEqual(w.proxy.verifies(), [])
                self.assertIn("no PIN was sent", w.log())
                w.insert(w.proxy)
                self.works(w)


def tlv(data):
    """(tag, value) of simple objects with short lengths; a constructed F9 around them is taken off."""
    if data[0] == 0xF9:
        data = data[2:]
    while data:
        yield data[0], data[2:2 + data[1]]
        data = data[2 + data[1]:]


class Pinentries(PinTest):
    def after(self, w, what):
        """No pinentry is left, no PIN was sent, and the next one works."""
        wait_until(lambda: not w.agent_children(), f"{what}: all pinentries have ended")
        self.assertEqual(w.proxy.verifies(), [], what)
        w.pinentry()
        w.insert(w.proxy)
        self.works(w)
        self.assertEqual(len(w.proxy.verifies()), 1, what)
        w.insert(w.proxy)

    def test_failing(self):
        modes = {"cancel": Code.FULLY_CANCELED, "not-ok": Code.FULLY_CANCELED, "timeout": Code.TIMEOUT,
                 "fail": Code.PIN_ENTRY, "die": Code.NO_PIN_ENTRY, "die-asked": Code.PIN_ENTRY,
                 "garbage": Code.PIN_ENTRY, "garbage-answer": Code.PIN_ENTRY, "flood": Code.PIN_ENTRY,
                 "long-line": Code.PIN_ENTRY, "long-pin": Code.PIN_ENTRY, "empty-pin": Code.BAD_PIN,
                 "err-zero": Code.PIN_ENTRY}
        with PinWorld() as w:
            for mode, code in modes.items():
                with self.subTest(mode=mode):
                    w.pinentry(MODE=mode)
                    self.fails(w, code)
                    self.after(w, mode)
            self.assertIn("install a pinentry", w.log())

    def test_hanging(self):
        with PinWorld("[pinentry]\ntimeout = 1\n") as w:
            for mode in ("hang", "hang-greeting", "half-line", "ignore-term", "orphan"):
                with self.subTest(mode=mode):
                    w.pinentry(MODE=mode)
                    begun = time.monotonic()
                    self.fails(w, Code.TIMEOUT)
                    self.assertLess(time.monotonic() - begun, 8)
                    self.after(w, mode)
            self.assertIn("nobody answered the pinentry within 1 seconds", w.log())

    def test_odd_but_well(self):
        with PinWorld() as w:
            for mode in ("split", "inquire", "status", "no-options"):
                with self.subTest(mode=mode):
                    w.pinentry(MODE=mode)
                    w.insert(w.proxy)
                    self.works(w)

    def test_missing(self):
        for program in ("/nowhere/pinentry", "/dev/null", "/tmp", "no-such-pinentry"):
            with PinWorld(pinentry=program) as w:
                self.fails(w, Code.NO_PIN_ENTRY)
                self.assertIn(f"pinentry program {program}", w.log())
                self.assertIn("--pinentry", w.log())
                self.counts(w, 0)
                self.works(w, mode="loopback", PASSPHRASE=PIN.encode())

    def test_nothing_of_the_client_is_shown(self):
        """The prompt is made of what card and kernel say; the client's description is its own affair."""
        with PinWorld() as w:
            with w.connect() as client:
                client.command("OPTION ttyname=/dev/pts/%0ASETDESC")
                client.command("SETKEY " + w.keygrip)
                client.command("SETKEYDESC Your+bank+wants+your+PIN%0A")
                client.command("PKDECRYPT", CIPHERTEXT=w.request)
            prompt = w.prompts()[0]
            self.assertNotIn("bank", "".join(prompt))
            description = self.said(prompt, "SETDESC")
            key_id = w.fingerprints("alice")[1][-16:]
            who, what = description.split("\n\n")
            self.assertRegex(who, rf"^python3( in [^(]*)? \(process {os.getpid()}\) "
                                  r"wants to open an encrypted message\.$")
            self.assertEqual(what, f"Token: unmanaged S/N range FF00:00000001\nKey: {key_id} (cv25519)\nTries left: 3")

    def test_whoever_runs_gpg_is_named(self):
        """gpg is only the messenger, and a shell between the two no more."""
        with PinWorld() as w:
            w.pinentry(MODE="cancel")
            mail = w.folder / "mail"
            mail.write_bytes(w.mail)
            subprocess.run(["sh", "-c", f"gpg --batch --no-tty -d {mail}; true"], env=w.env, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
            self.assertRegex(self.said(w.prompts()[0], "SETDESC"),
                             r"^python3( in [^(]*)?, through gpg \(process [0-9]+\) wants")
            self.assertRegex(w.log(), r"python3.*, through gpg \(process [0-9]+\): decryption with key")

    def test_whoever_uses_gpgme_is_named(self):
        """GPGME leaves its gpg to init, so that no parent tells who asked."""
        python = "/usr/bin/python3"  # Debian's, which has python3-gpg
        if subprocess.run([python, "-c", "import gpg"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.assertNotEqual(os.environ.get("CI"), "true", "missing: python3-gpg")
            self.skipTest("missing: python3-gpg")
        with PinWorld() as w:
            mail = w.folder / "mail"
            mail.write_bytes(w.mail)
            program = ("import gpg, pathlib, sys; pathlib.Path('/proc/self/comm').write_text('mailer');"
                       "print(gpg.Context().decrypt(open(sys.argv[1], 'rb').read(), verify=False)[0])")
            result = subprocess.run([python, "-c", program, mail], env=w.env, check=True, stdout=subprocess.PIPE,
                                    start_new_session=True, timeout=60)
            self.assertEqual(result.stdout, b"b'Dear Alice'\n")
            self.assertRegex(self.said(w.prompts()[0], "SETDESC"),
                             r"^mailer( in [^(]*)?, through gpg \(process [0-9]+\) wants")

    def test_the_holder_is_named(self):
        """As the card has it, which may be anything."""
        for holder, shown in ((b"Virtue<<Alice", "Alice Virtue"), (b"A\nToken: B%0A\xff", "A?Token: B%250A?")):
            with PinWorld() as w:
                w.on_the_side(SELECT, "0020008308" + ADMIN_PIN.encode().hex(),
                              f"00DA005B{len(holder):02X}" + holder.hex())
                with w.connect() as client:
                    client.command("TOKENS")
                self.works(w)
                self.assertIn(f"\nHolder: {shown}\nKey: ", self.said(w.prompts()[0], "SETDESC"))

    def test_confirmation_is_the_clients_word(self):
        with PinWorld() as w:
            with w.connect() as client:
                client.command("GET_CONFIRMATION Really+100%25%0AToken:+another%1B[31m")
                self.assertRegex(self.said(w.prompts()[0], "SETDESC"),
                                 rf"^python3.* \(process {os.getpid()}\) says:\n\n"
                                 r"Really 100%25\?Token: another\?\[31m$")
                for line, code in (("GET_CONFIRMATION", Code.ASS_PARAMETER), ("GET_CONFIRMATION 5%", Code.ASS_SYNTAX)):
                    with self.assertRaises(AssuanError) as caught:
                        client.command(line)
                    self.assertEqual(caught.exception.code, code)
                w.pinentry(MODE="not-ok")
                with self.assertRaises(AssuanError) as caught:
                    client.command("GET_CONFIRMATION Really")
                self.assertEqual(caught.exception.code, Code.NOT_CONFIRMED)

    def begin(self, w):
        """A client whose prompt is open, which waits for its answer."""
        client = w.connect()
        client.command("SETKEY " + w.keygrip)
        client.send(b"PKDECRYPT\n")
        self.assertEqual(client.read_line(), b"S INQUIRE_MAXLEN 4096")
        self.assertEqual(client.read_line(), b"INQUIRE CIPHERTEXT")
        prompts = len(w.prompts())
        client.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.request})
        wait_until(lambda: len(w.prompts()) > prompts and "GETPIN" in w.prompts()[-1], "a prompt")
        return client

    def test_client_goes_during_the_prompt(self):
        with PinWorld() as w:
            w.pinentry(MODE="hang")
            self.begin(w).close()
            self.after(w, "the client went")

    def test_client_says_no_more_but_listens(self):
        with PinWorld() as w:
            w.pinentry_that_waits()
            client = self.begin(w)
            client.socket.shutdown(1)
            w.let_it_be_typed()
            self.assertEqual(len(sexp.value(client.answer())), 33)
            client.close()

    def test_another_client_waits_for_the_prompt(self):
        """Whoever waits behind an open prompt is served when its client gives up."""
        with PinWorld() as w:
            w.pinentry(MODE="hang")
            first = self.begin(w)
            result = []
            thread = threading.Thread(target=lambda: result.append(w.ask()))
            thread.start()
            with w.connect() as client:  # what is known is told all the same
                client.command("HAVEKEY " + w.keygrip)
            w.pinentry()
            first.close()
            thread.join()
            self.assertEqual(len(result[0]), 33)
            self.counts(w, 1)

    def test_others_are_answered_during_the_prompt(self):
        """A human who thinks keeps nobody from looking at the card, and from reading what was not read yet."""
        with PinWorld() as w:
            w.pinentry(MODE="hang")
            first = self.begin(w)
            with w.connect() as client:
                client.command("KEYINFO --list")
                self.assertEqual(len(client.status), 2)
                for command in ("SCD SERIALNO", "SCD LEARN --force", "READKEY OPENPGP.1", "TOKENS"):
                    client.command(command)
            self.assertEqual(len(w.prompts()), 1)
            self.assertEqual(w.proxy.verifies(), [])
            w.pinentry()
            first.close()
            self.works(w)
            self.counts(w, 1)

    def test_card_changes_while_others_look(self):
        """The PIN is for the card that the prompt named, even when another client has learned meanwhile that the
        card is another now."""
        with PinWorld() as w:
            changed = threading.Event()

            def disguise(_proxy, command, ask):
                answer = ask(command)
                return answer.replace(bytes.fromhex("FF0000000001"), bytes.fromhex("FF0000000002"))
            w.insert(w.proxy, lambda *_: disguise if changed.is_set() else None)
            w.pinentry_that_waits()
            client = self.begin(w)
            changed.set()
            with w.connect() as other:
                other.command("SCD LEARN --force")
                self.assertIn("SERIALNO D276000124010304FF00000000020000", other.status)
            w.let_it_be_typed()
            with self.assertRaises(AssuanError) as caught:
                client.answer()
            self.assertEqual(caught.exception.code, Code.WRONG_CARD)
            client.close()
            self.assertEqual(w.proxy.verifies(), [])

    def test_modes_without_a_human(self):
        with PinWorld() as w:
            self.fails(w, Code.CANCELED, mode="cancel")
            self.fails(w, Code.NO_PIN_ENTRY, mode="error")
            self.assertEqual(w.prompts(), [])
            self.counts(w, 0)
            self.works(w, mode="ask")


class Loopback(PinTest):
    """The client gives the PIN: one VERIFY for each inquiry, and none for the last try."""

    def test_right(self):
        with PinWorld() as w:
            self.works(w, mode="loopback", PASSPHRASE=PIN.encode())
            self.assertEqual(w.prompts(), [])
            self.assertEqual(len(w.proxy.verifies()), 1)

    def test_gpg(self):
        with PinWorld() as w:
            wrong = w.decrypt(w.mail, check=False, options=["--pinentry-mode", "loopback", "--passphrase", WRONG])
            self.assertIn(b"Bad PIN", wrong.stderr)
            self.assertEqual(len(w.proxy.verifies()), 1)
            right = w.decrypt(w.mail, options=["--pinentry-mode", "loopback", "--passphrase", PIN])
            self.assertEqual(right.stdout, b"Dear Alice")
            self.assertEqual(len(w.proxy.verifies()), 2)

    def test_wrong(self):
        with PinWorld() as w:
            for tries in (3, 2):
                self.fails(w, Code.BAD_PIN, mode="loopback", PASSPHRASE=WRONG.encode())
                self.assertEqual(len(w.proxy.verifies()), 4 - tries)
            self.fails(w, Code.NOT_CONFIRMED, mode="loopback", PASSPHRASE=PIN.encode())
            self.assertEqual(len(w.proxy.verifies()), 2)
            self.assertIn("not spent by loopback: use a pinentry", w.log())
            self.works(w)
            self.assertIn("CONFIRM", w.prompts()[0])

    def test_bad_answers(self):
        with PinWorld() as w:
            for pin, code in ((b"", Code.BAD_PIN), (b"12345", Code.BAD_PIN), (b"1" * 128, Code.BAD_PIN),
                              (b"12345\0" + b"6" * 20, Code.BAD_PIN), (b"1" * 255, Code.BAD_PIN),
                              (b"1" * 256, Code.ASS_TOO_MUCH_DATA), (b"1" * 5000, Code.ASS_TOO_MUCH_DATA),
                              (None, Code.CANCELED)):
                self.fails(w, code, mode="loopback", PASSPHRASE=pin)
            self.assertEqual(w.proxy.verifies(), [])
            self.works(w, mode="loopback", PASSPHRASE=PIN.encode() + b"\0\0")

    def test_stalling_client(self):
        """A client that is asked for the PIN and says nothing, or half a line, holds the card no longer than
        a human may."""
        with PinWorld("[pinentry]\ntimeout = 1\n") as w:
            for half in (b"", b"D 1234", b"D 123456\n"):
                with w.connect() as client:
                    client.command("OPTION pinentry-mode=loopback")
                    client.command("SETKEY " + w.keygrip)
                    client.send(b"PKDECRYPT\n")
                    client.read_line()
                    client.read_line()
                    client.reply_to("CIPHERTEXT", {"CIPHERTEXT": w.request})
                    self.assertEqual(client.read_line(), b"S INQUIRE_MAXLEN 255")
                    self.assertEqual(client.read_line(), b"INQUIRE PASSPHRASE")
                    client.send(half)
                    result = []
                    other = threading.Thread(target=lambda: result.append(w.ask()))
                    other.start()
                    with self.assertRaises(AssuanError) as caught:
                        client.answer()
                    self.assertEqual(caught.exception.number, 67108926)
                    other.join()
                    self.assertEqual(len(result[0]), 33)
                w.insert(w.proxy)

    def test_session_key_of_many_packets(self):
        """A message may have many packets that name nobody: one wrong PIN is one VERIFY all the same, and
        nobody waits for ten prompts."""
        with PinWorld("[pinentry]\ntimeout = 1\n") as w:
            hidden = w.gpg("--trust-model", "always", "-e", "-R", "alice", data=b"x").stdout
            packets = openpgp.packet(openpgp.PKESK, next(openpgp.packets(hidden))[1]) * 10
            with w.connect() as client:
                client.command("OPTION pinentry-mode=loopback")
                for pin, verifies, code in ((WRONG, 1, Code.BAD_PIN), ("12345", 1, Code.BAD_PIN)):
                    with self.assertRaises(AssuanError) as caught:
                        client.command("SESSIONKEY", PKESK=packets, PASSPHRASE=pin.encode())
                    self.assertEqual(caught.exception.code, code)
                    self.assertEqual(len(w.proxy.verifies()), verifies)
                w.pinentry(MODE="hang")
                client.command("OPTION pinentry-mode=ask")
                begun = time.monotonic()
                with self.assertRaises(AssuanError) as caught:
                    client.command("SESSIONKEY", PKESK=packets)
                self.assertEqual(caught.exception.code, Code.TIMEOUT)
                self.assertLess(time.monotonic() - begun, 8)
                w.pinentry()
                self.assertRegex(client.command("SESSIONKEY", PKESK=packets), rb"^9:[0-9A-F]{64}")
            self.assertEqual(len(w.proxy.verifies()), 2)

    def test_not_allowed(self):
        with PinWorld("[pinentry]\nloopback = no\n") as w:
            with w.connect() as client:
                with self.assertRaises(AssuanError) as caught:
                    client.command("OPTION pinentry-mode=loopback")
            self.assertEqual(caught.exception.code, Code.NOT_SUPPORTED)
            self.works(w)


if __name__ == "__main__":
    main()
