"""Cards that leave, lie, stutter, or are the wrong one: each gets a clear error, no PIN try is lost, and the
next good request works."""

import threading
import time
import unittest

import card_proxy as fault
import openpgp
import sexp
import soft_token
from codes import AGENT, SCD, Code
from test_session_key import pkesks
from world import ADMIN_PIN, AssuanError, World, main, side_by_side, wait_until

WRONG_PIN = "654321"


class CardWorld(World):
    """A world with a key and a message for it, whose token is at the end of a cable. Each time it is
    inserted, the agent knows nothing of it; nobody is asked to insert it."""

    def __init__(self, algorithm="cv25519", config=""):
        super().__init__()
        self.algorithm = algorithm
        self.configure("[pinentry]\ninsertion = no\n" + config)

    def __enter__(self):
        super().__enter__()
        self.make_key(self.algorithm)
        self.keygrip = self.keygrips("alice")[1]
        self.mail = self.encrypt("Dear Alice")
        self.request = openpgp.request(self.mail)
        self.start_agent()
        self.proxy = self.start_token_behind_proxy()
        self.insert(self.proxy)
        self.good = self.ask()
        self.length = len(self.proxy.commands)
        return self

    def __exit__(self, *problem):
        self.proxy.close()
        super().__exit__(*problem)

    def take_out(self):
        self.proxy.pull()
        self.wait_for_card(False)

    def insert(self, proxy, faults=None):
        self.forget_token()
        super().insert(proxy, faults)


class Fault(unittest.TestCase):
    SELECT, DATA, KEY, KDF, DATA_AGAIN, VERIFY, DECIPHER = range(1, 8)

    def check_counters(self, w, typed, what):
        """The card is out; since the insertion `typed` PINs were typed, all of them right."""
        self.assertLessEqual(len(w.proxy.verifies()), typed, f"{what}: VERIFYs and typed PINs")
        self.assertEqual(w.proxy.tries_left(), 3, what)

    def check_fault(self, w, faults, what, codes, may_work=False):
        """Inserts a card with faults and asks it; then everything is well again."""
        w.insert(w.proxy, faults)
        typed = w.typed()
        result = w.ask()
        typed = w.typed() - typed
        w.take_out()
        if isinstance(result, AssuanError):
            self.assertIn(result.code, codes, what)
            missed_touch = f"command {self.DECIPHER} is answered with 6600" in what
            self.assertEqual(result.source, SCD if missed_touch else AGENT, what)
        else:
            self.assertTrue(may_work, f"{what}: {result}")
            self.assertEqual(result, w.good, what)
        self.check_counters(w, typed, what)
        return result

    def check_all_well(self, w, what):
        w.insert(w.proxy)
        self.assertEqual(w.ask(), w.good, what)
        w.take_out()


class Removal(Fault):
    """The card is taken out at every command of the first decryption, before and after the card has done it,
    and in the middle of its answer."""

    def sweep(self, algorithm):
        faults = {"before": fault.pull_before, "after": fault.pull_after, "amid": fault.half_a_message}

        def take_out(name):
            with CardWorld(algorithm) as w:
                for number in range(1, w.length + 1):
                    what = f"{algorithm}: taken out {name} command {number}"
                    self.check_fault(w, {number: faults[name]}, what, {Code.CARD_REMOVED})
                    self.check_all_well(w, what)
                self.assertIn("the token was taken out: insert it and try again", w.log())
        side_by_side(take_out, faults)

    def test_x25519(self):
        self.sweep("cv25519")

    def test_rsa(self):
        self.sweep("rsa2048")


class Lies(Fault):
    """A card answers one command, or every command from one on, with something else than it should."""

    ANSWERS = {
        "no octet": fault.answer(b""),
        "one octet": fault.answer(b"\x90"),
        "nothing and 9000": fault.answer(b"\x90\0"),
        "65535 octets": fault.answer(b"\xff" * 65535),
        "a TLV that ends too soon": fault.answer(bytes.fromhex("6E81FF4F10D276 9000")),
        "zeros": fault.answer(bytes(300) + b"\x90\0"),
        "6100 without end": fault.answer(b"\x61\0"),
        "6C00 without end": fault.answer(b"\x6c\0"),
        "6D00": fault.answer(b"\x6d\0"),
        "6E00": fault.answer(b"\x6e\0"),
        "6A82": fault.answer(b"\x6a\x82"),
        "6A88": fault.answer(b"\x6a\x88"),
        "6700": fault.answer(b"\x67\0"),
        "6982": fault.answer(b"\x69\x82"),
        "6983": fault.answer(b"\x69\x83"),
        "63C0": fault.answer(b"\x63\xc0"),
        "63C2": fault.answer(b"\x63\xc2"),
        "6985": fault.answer(b"\x69\x85"),
        "6600": fault.answer(b"\x66\0"),
        "6285": fault.answer(b"\x62\x85"),
        "6F00": fault.answer(b"\x6f\0"),
        "6581": fault.answer(b"\x65\x81"),
    }

    # What may be said of a card that does not work. Of its PIN only after a PIN, of a refusal only when it
    # was asked to decipher.
    ALWAYS = {Code.CARD, Code.NO_SECKEY, Code.CARD_NOT_PRESENT, Code.OBJ_TERM_STATE}
    OF_VERIFY = {Code.BAD_PIN, Code.PIN_BLOCKED, Code.USE_CONDITIONS, Code.TIMEOUT}
    OF_DECIPHER = {Code.DECRYPT_FAILED, Code.USE_CONDITIONS, Code.TIMEOUT, Code.INV_DATA}

    def allowed(self, number):
        codes = set(self.ALWAYS)
        if number == self.KDF:
            codes.add(Code.UNSUPPORTED_PROTOCOL)
        if number == self.VERIFY:
            codes |= self.OF_VERIFY
        if number == self.DECIPHER:
            codes |= self.OF_DECIPHER
        return codes

    def sweep(self, algorithm, numbers, answers):
        def lie_to(number):
            # Without a PIN kept, every VERIFY must have a typed PIN of its own.
            with CardWorld(algorithm, "[pin-cache]\nttl = 0\n") as w:
                for name, lie in answers.items():
                    what = f"{algorithm}: command {number} is answered with {name}"
                    self.check_fault(w, {number: lie}, what, self.allowed(number), may_work=True)
                    self.check_fault(w, lambda n, _, lie=lie: lie if n >= number else None,
                                     what + ", and all that follow", self.allowed(number))
                self.check_all_well(w, what)
        side_by_side(lie_to, numbers)

    def test_x25519(self):
        self.sweep("cv25519", range(1, self.DECIPHER + 1), self.ANSWERS)

    def test_rsa(self):
        # Whatever octets a card gives for a cryptogram may be what was in it.
        self.sweep("rsa2048", (self.KEY, self.DECIPHER),
                   {name: lie for name, lie in self.ANSWERS.items() if len(name) == 4})

    def test_zero_secret(self):
        """What RFC 7748 section 6.1 tells to refuse."""
        with CardWorld() as w:
            self.check_fault(w, {self.DECIPHER: fault.answer(bytes(32) + b"\x90\0")}, "zeros",
                             {Code.INV_DATA})
            self.assertIn("the message cannot have been made for this key", w.log())
            self.check_all_well(w, "afterwards")

    def test_two_answers(self):
        """An answer too many would be taken for that of the next command: the card is dropped instead."""
        with CardWorld() as w:
            for number in range(1, w.length):
                what = f"two answers to command {number}"
                self.check_fault(w, {number: fault.two_answers}, what,
                                 {Code.CARD, Code.CARD_REMOVED, Code.CARD_NOT_PRESENT})
            self.check_all_well(w, what)

    def test_accepted_pin_is_verified_again_once(self):
        """A card that loses its PIN state gets the PIN that it has accepted, without a second question, once;
        and a card that never lets us decipher gets it twice at most."""
        with CardWorld() as w:
            lost = fault.answer(b"\x69\x82")
            for faults, works in (({self.DECIPHER: lost}, True),
                                  (lambda n, command: lost if command[1] == 0x2A else None, False)):
                w.insert(w.proxy, faults)
                typed = w.typed()
                result = w.ask()
                self.assertEqual(w.typed() - typed, 1)
                w.take_out()
                self.assertEqual(len(w.proxy.verifies()), 2)
                self.assertEqual(w.proxy.tries_left(), 3)
                if works:
                    self.assertEqual(result, w.good)
                else:
                    self.assertEqual(result.code, Code.USE_CONDITIONS)
            self.check_all_well(w, "afterwards")


class Slow(Fault):
    def test_slow(self):
        """A card may take its time for every command."""
        def dawdle(_proxy, command, ask):
            time.sleep(0.15)
            return ask(command)
        with CardWorld() as w:
            w.insert(w.proxy, lambda _number, _command: dawdle)
            self.assertEqual(w.ask(), w.good)

    def test_hangs(self):
        """A card that never answers to the PIN: time runs out, and the PIN is not sent a second time."""
        with CardWorld() as w:
            begun = time.monotonic()
            self.check_fault(w, {Lies.VERIFY: fault.never}, "no answer to VERIFY", {Code.TIMEOUT})
            self.assertLess(time.monotonic() - begun, 15)
            self.assertIn("plug it in anew", w.log())
            self.check_all_well(w, "after the card that hung")


# The memory of a token with three keys that are nobody's.
THREE_KEYS = "\n".join([
    "cardea-token 1", "pw1 313233343536", "pw1-tries 03", "pw3 3132333435363738", "pw3-tries 03",
    *(f"{slot}-{field}" for slot, attributes, octet in (("sign", "162B06010401DA470F01", "11"),
                                                        ("decrypt", "122B060104019755010501", "22"),
                                                        ("authenticate", "162B06010401DA470F01", "33"))
      for field in ("attributes " + attributes, "origin 02", "fingerprint " + 20 * octet, "d " + 32 * octet)),
    "end", ""])


class Absent(Fault):
    def test_no_card(self):
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            with w.connect() as client:
                with self.assertRaises(AssuanError) as caught:
                    client.decrypt(w.keygrips("alice")[1], openpgp.request(mail))
                self.assertEqual(caught.exception.number, 67108976)  # gnupg-protocols.md 1.8
            self.assertIn("insert the token that holds the key", w.log())
            w.start_token()
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")

    def test_wrong_card(self):
        """A card with other keys is in: a key that was never seen is nobody's, one that was is absent."""
        with CardWorld() as w:
            strange = "0123456789ABCDEF0123456789ABCDEF01234567"
            with w.connect() as client:
                with self.assertRaises(AssuanError) as caught:
                    client.decrypt(strange, w.request)
            self.assertEqual(caught.exception.number, 67108881)
            w.take_out()
            w.stop_token()
            w.start_token("--serial", "2", imports=False)
            result = w.ask()
            self.assertEqual(result.number, 67108976)
            self.assertIn("insert the token that holds the key", w.log())
            self.assertEqual(w.verifies(), [], "only the right card got the PIN")
            w.stop_token()
            w.wait_for_card(False)
            w.start_token()
            self.assertEqual(w.ask(), w.good)

    def test_absence_outlives_the_comings_and_goings_of_another(self):
        """A token that loses its contact again and again does not make the other one's key unheard of."""
        with CardWorld() as w:
            w.take_out()
            w.stop_token()
            (w.folder / "state").write_text(THREE_KEYS)
            (w.folder / "p").unlink()
            with w.start_token_behind_proxy("--state", w.folder / "state", "--serial", "2",
                                            imports=False) as other:
                for _ in range(10):
                    other.insert()
                    w.wait_for_card()
                    with w.connect() as client:
                        client.command("KEYINFO --list")
                        self.assertEqual(len(client.status), 3 + 1)  # and that of the absent token
                    other.pull()
                    w.wait_for_card(False)
                other.insert()
                w.wait_for_card()
                self.assertEqual(w.ask().code, Code.CARD_NOT_PRESENT)

    def test_empty_slot(self):
        with World() as w:
            w.make_key()
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token(imports=False)
            with w.connect() as client:
                with self.assertRaises(AssuanError) as caught:
                    client.decrypt(w.keygrips("alice")[1], openpgp.request(mail))
                self.assertEqual(caught.exception.number, 67108881)
                with self.assertRaises(AssuanError) as caught:
                    client.command("READKEY OPENPGP.2")
                self.assertEqual(caught.exception.code, Code.NO_OBJ)
            self.assertEqual(w.verifies(), [])

    def test_terminated(self):
        with CardWorld() as w:
            w.take_out()
            for command in ("00A4040006D27600012401", "00200083 08" + ADMIN_PIN.encode().hex(), "00E60000"):
                self.assertEqual(w.proxy.ask(bytes.fromhex(command)), b"\x90\0")
            w.insert(w.proxy)
            self.assertEqual(w.ask().code, Code.OBJ_TERM_STATE)
            self.assertIn("it must be activated and set up anew", w.log())
            self.assertEqual(w.proxy.verifies(), [])
            self.assertEqual(w.ask().code, Code.OBJ_TERM_STATE)
            self.assertEqual(w.proxy.verifies(), [])
            w.take_out()
            w.stop_token()
            w.start_token()
            self.assertEqual(w.ask(), w.good)


class Rekeyed(Fault):
    """Another program writes Bob's key over Alice's, while the card is in and has been used: neither key's
    request is answered from what was true before."""

    def admin(self, w, *commands):
        for command in ("00A4040006D27600012401", "0020008308" + ADMIN_PIN.encode().hex(), *commands):
            self.assertEqual(w.proxy.ask(bytes.fromhex(command))[-2:], b"\x90\0", command)

    def describe(self, fingerprint, created):
        """Of the decryption key: DO C8 and CF (OpenPGP card 3.4.1, 4.4.1)."""
        return [f"00DA00C814{fingerprint}", f"00DA00CF04{created:08X}"]

    def begin(self, w, *commands):
        """The card is in anew and opened Alice's message, after the commands. Returns Bob's key."""
        w.take_out()
        w.stop_agent()
        w.make_key(name="bob@example.org", export="--export-secret-subkeys")
        w.start_agent()
        if commands:
            self.admin(w, *commands)
        w.insert(w.proxy)
        w.typed_before = w.typed()
        self.assertEqual(w.ask(), w.good)
        return list(soft_token.secret_keys(w.key_file.read_bytes()).values())[-1]

    def rekey(self, w, key, *commands):
        """By PUT DATA with an extended header list (4.4.3.12)."""
        scalar = key.numbers[2:].rjust(32, b"\0")
        numbers = b"\xB8\0" + b"\x7F\x48\2\x92\x20" + b"\x5F\x48\x20" + scalar
        template = b"\x4D" + bytes([len(numbers)]) + numbers
        self.admin(w, f"00DB3FFF{len(template):02X}" + template.hex(), *commands)

    def refused(self, w, command):
        """What Alice's message is told first, by this command."""
        pkesk, fingerprint = openpgp.Pkesk(w.mail), w.fingerprints("alice")[1]
        params = openpgp.kdf_params(openpgp.encryption_key(w.gpg("--export", "-a", "alice").stdout), fingerprint)
        with w.connect() as client:
            client.command("SETKEY " + w.keygrip)
            with self.assertRaises(AssuanError) as caught:
                client.command(command, CIPHERTEXT=sexp.kem(pkesk.point, pkesk.wrapped, params, 9, 8),
                               PKESK=b"".join(pkesks(w.mail)))
        return caught.exception.code

    def check(self, w, first):
        mail = w.encrypt("Dear Bob", "bob@example.org")
        time.sleep(1.1)  # a card that was looked at within the second is not looked at again
        if first == "gpg":
            # A point says nothing of its key: gpg finds it wrong.
            self.assertNotEqual(w.decrypt(w.mail, check=False).returncode, 0)
        elif first == "PKDECRYPT --kem=PGP":
            self.assertEqual(self.refused(w, first), Code.WRONG_CARD)
        elif first == "SESSIONKEY":
            self.assertEqual(self.refused(w, first), Code.NO_SECKEY)
        self.assertEqual(w.decrypt(mail).stdout, b"Dear Bob")
        self.assertEqual(w.ask().code, Code.NO_SECKEY)
        typed = w.typed() - w.typed_before
        self.assertLessEqual(typed, 2)
        w.take_out()
        self.check_counters(w, typed, "re-keyed")

    FIRST = ("nothing", "gpg", "PKDECRYPT --kem=PGP", "SESSIONKEY")

    def test_with_fingerprints(self):
        def rekey(first):
            with CardWorld() as w:
                key = self.begin(w)
                self.rekey(w, key, *self.describe(w.fingerprints("bob")[1], key.created))
                self.check(w, first)
        side_by_side(rekey, self.FIRST)

    def test_without_fingerprints(self):
        """The card says the same of the new key as of the old one."""
        def rekey(first):
            with CardWorld() as w:
                key = self.begin(w, *self.describe("00" * 20, 0))
                self.rekey(w, key)
                self.check(w, first)
        side_by_side(rekey, self.FIRST)


class Swapped(Fault):
    """The card changes while the human types: the PIN was not meant for the other one."""

    def during_prompt(self, w, what, question="GETPIN"):
        """Runs `what` while the prompt of a decryption is open; returns what the client got."""
        prompts = len(w.prompts())
        result = []
        thread = threading.Thread(target=lambda: result.append(w.ask()))
        thread.start()
        wait_until(lambda: len(w.prompts()) > prompts and question in w.prompts()[-1], "a prompt")
        what()
        thread.join()
        return result[0]

    def test_taken_out(self):
        """The prompt goes with the card that it is about."""
        with CardWorld() as w:
            for spent in (0, 2):
                w.take_out()
                for _ in range(spent):
                    w.proxy.ask(bytes.fromhex("00A4040006D27600012401"))
                    w.proxy.ask(bytes.fromhex("0020008206" + WRONG_PIN.encode().hex()))
                w.insert(w.proxy)
                w.pinentry(MODE="hang")
                result = self.during_prompt(w, w.take_out, "CONFIRM" if spent else "GETPIN")
                self.assertEqual(result.code, Code.CARD_REMOVED)
                wait_until(lambda: not w.agent_children(), "the prompt has gone")
                self.assertEqual(w.proxy.verifies(), [])
            w.pinentry()
            w.insert(w.proxy)
            self.assertEqual(w.ask(), w.good)

    def test_taken_out_and_put_back(self):
        """The prompt is for one insertion: the next one has its own, if it comes at once."""
        def replug(w):
            w.proxy.pull()
            w.proxy.insert()
            wait_until(lambda: len(w.prompts()) == prompts + 2 and "GETPIN" in w.prompts()[-1], "a new prompt")
            w.take_out()
        with CardWorld() as w:
            w.insert(w.proxy)
            w.pinentry(MODE="hang")
            prompts = len(w.prompts())
            result = self.during_prompt(w, lambda: replug(w))
            self.assertEqual(result.code, Code.CARD_REMOVED)
            self.assertEqual(w.proxy.verifies(), [])

    def test_other_serial_number(self):
        """The same insertion, but from the second look on the card gives another serial number."""
        def disguise(_proxy, command, ask):
            return ask(command).replace(bytes.fromhex("FF0000000001"), bytes.fromhex("FF0000000002"))
        with CardWorld() as w:
            w.insert(w.proxy, {Lies.DATA_AGAIN: disguise})
            self.assertEqual(w.ask().code, Code.WRONG_CARD)
            w.take_out()
            self.assertEqual(w.proxy.verifies(), [])
            self.check_all_well(w, "afterwards")


if __name__ == "__main__":
    main()
