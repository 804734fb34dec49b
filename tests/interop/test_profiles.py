"""Every device that cardea-token can be like, with every algorithm that it has: gpg and SESSIONKEY open mail,
PINs and touches are minded, and the commands that it hears are counted."""

import contextlib
import pathlib
import sys
import time
import unittest
from typing import NamedTuple

import openpgp
from codes import AGENT, SCD, Code
from test_session_key import gpg_session_key, pkesks
from world import CURVES, PCSC, PIN, RSA, AssuanError, World, main, wait_until

WRONG = "654321"
NIST_AND_BRAINPOOL = [c for c in CURVES if c.startswith(("nistp", "brainpool"))]


class Profile(NamedTuple):
    """What openpgp-card.md and the devices' papers say, as far as it shows in the commands."""
    algorithms: list
    extended: bool = True  # length is taken, so that nothing comes in parts
    answer: int = 256      # octets of a part
    kdf: bool = False      # DO F9 is there to be read
    touch_apart: bool = False  # DO D7 has to be read on its own
    touch: bool = True     # there is a button


PROFILES = {
    "generic": Profile(RSA + CURVES, kdf=True),
    "yubikey-neo": Profile(RSA[:1], extended=False, answer=255, touch=False),
    "yubikey-4.2": Profile(RSA, touch_apart=True),
    "yubikey-4": Profile(RSA, touch_apart=True),
    "yubikey-5.2": Profile(RSA + CURVES, kdf=True),
    "yubikey-5.4": Profile(RSA + CURVES, kdf=True),
    "yubikey-5.7": Profile(RSA + CURVES, kdf=True),
    "nitrokey-pro": Profile(RSA, touch=False),
    "nitrokey-pro2": Profile(RSA + NIST_AND_BRAINPOOL, kdf=True, touch=False),
    "nitrokey-storage": Profile(RSA + NIST_AND_BRAINPOOL, kdf=True, touch=False),
    "nitrokey-start": Profile(["rsa2048", "rsa4096", "nistp256", "secp256k1", "cv25519"], extended=False,
                              kdf=True),
    "nitrokey-3": Profile(RSA + CURVES, kdf=True),
    "smartpgp": Profile(RSA + NIST_AND_BRAINPOOL, extended=False, kdf=True, touch=False),
    "smartpgp-ext": Profile(RSA + NIST_AND_BRAINPOOL, kdf=True, touch=False),
    "canokey": Profile(RSA + ["nistp256", "nistp384", "nistp521", "secp256k1", "cv25519"]),
    "ledger": Profile(RSA + ["nistp256", "cv25519"], extended=False, answer=254, touch_apart=True),
}

# Over PC/SC: one of each way to take long commands and answers.
SAMPLE = {"yubikey-neo": ["rsa2048"], "yubikey-4": ["rsa4096"], "yubikey-5.7": ["cv25519", "rsa2048"],
          "nitrokey-pro2": ["rsa3072", "nistp521"], "nitrokey-start": ["rsa4096", "secp256k1"],
          "canokey": ["nistp384"], "ledger": ["rsa2048"]}

NAMES = SAMPLE if PCSC else PROFILES

FIRST_MAX = 7


def parts(octets, size):
    return -(-octets // size)


def blocks(profile, algorithm):
    """Commands that take the cryptogram in (ISO 7816-4 §5.3): the physical minimum of a warm decryption."""
    if not algorithm.startswith("rsa") or profile.extended:
        return 1
    return parts(1 + int(algorithm[3:]) // 8, 254)


def key_answers(profile, algorithm):
    """Answers in which the public key comes out: 7F49 { 81 modulus, 82 exponent }."""
    if not algorithm.startswith("rsa") or profile.extended:
        return 1
    return parts(5 + 4 + int(algorithm[3:]) // 8 + 5, profile.answer)


def forced(profile, algorithm, known):
    """Commands that only exist because the device takes and gives what is long in parts."""
    return blocks(profile, algorithm) - 1 + (0 if known else key_answers(profile, algorithm) - 1)


def first(profile, algorithm, known=False):
    """SELECT, DO 6E, the key unless it is known; DO 6E again and VERIFY once the PIN is typed; DECIPHER; and
    what the device is special for."""
    holder = profile.extended and not profile.kdf and not profile.touch_apart  # DO 65, where there is room
    return 6 - known + profile.touch_apart + profile.kdf + holder + forced(profile, algorithm, known)


class Keys(World):
    """A key of each kind whose decryption part alone goes to the token, a mail for each, and an agent."""

    def __init__(self, algorithms):
        super().__init__()
        self.algorithms = algorithms
        self.mails, self.files, self.session_keys = {}, {}, {}

    def __enter__(self):
        super().__enter__()
        for algorithm in self.algorithms:
            name = f"{algorithm}@example.org"
            self.make_key(algorithm, name, export="--export-secret-subkeys")
            self.files[algorithm] = self.key_file
            self.mails[algorithm] = self.encrypt("Dear Alice", name)
        self.start_agent()
        return self

    @contextlib.contextmanager
    def device(self, profile, algorithm, *options):
        """Inserted, and pulled in the end."""
        self.start_token("--profile", profile, *options, imports=self.files[algorithm])
        try:
            yield
        finally:
            self.stop_token()
            self.wait_for_card(False)

    def session_key(self, algorithm):
        with self.connect() as client:
            return client.command("SESSIONKEY", PKESK=b"".join(pkesks(self.mails[algorithm]))).decode()

    def ask(self, algorithm):
        """One decryption by a client of its own: the value, or the error."""
        with self.connect() as client:
            try:
                return client.decrypt(self.keygrips(f"{algorithm}@example.org")[1],
                                      openpgp.request(self.mails[algorithm]))
            except AssuanError as error:
                return error


class Matrix(unittest.TestCase):
    def by_gpg(self, w, algorithm):
        self.assertEqual(w.decrypt(w.mails[algorithm]).stdout, b"Dear Alice")

    def by_session_key(self, w, algorithm):
        self.assertEqual(w.session_key(algorithm), w.session_keys[algorithm])

    def check_insertion(self, w, name, algorithm, known, first_way, second_way):
        """The token has just come in: it costs nothing, then one decryption with a prompt, and one without."""
        profile, prompts = PROFILES[name], len(w.prompts())
        self.assertEqual(w.commands(), [])
        first_way(w, algorithm)
        heard = w.commands()
        self.assertEqual(len(heard), first(profile, algorithm, known), heard)
        self.assertLessEqual(len(heard) - forced(profile, algorithm, known), FIRST_MAX - known)
        w.forget_commands()
        second_way(w, algorithm)
        self.assertEqual(len(w.commands()), blocks(profile, algorithm), w.commands())
        self.assertEqual(len(w.prompts()) - prompts, 1)

    def insert_again(self, w, known):
        w.tell_token("remove")
        w.wait_for_card(False)
        if not known:
            w.forget_tokens()
        w.forget_commands()
        w.tell_token("insert")
        w.wait_for_card()

    def check(self, w, name, algorithm):
        gpg, own = (self.by_gpg, self.by_session_key), (self.by_session_key, self.by_gpg)
        if algorithm not in w.session_keys:
            with w.device(name, algorithm):
                w.session_keys[algorithm] = gpg_session_key(w, w.mails[algorithm])
        w.forget_tokens()
        with w.device(name, algorithm):
            for number, (known, ways) in enumerate(((False, gpg), (True, gpg), (True, own), (False, own))):
                if number:
                    self.insert_again(w, known)
                with self.subTest(name, algorithm=algorithm, known=known, first=ways[0].__name__):
                    self.check_insertion(w, name, algorithm, known, *ways)

    def test_every_device_with_every_algorithm(self):
        """A token never seen before and one that is known, each by gpg and by SESSIONKEY, and no command too many
        in any. Beyond seven are only RSA keys that come out, and cryptograms that go in, in parts; see
        doc/cards.md."""
        combinations = SAMPLE if PCSC else {name: p.algorithms for name, p in PROFILES.items()}
        algorithms = {a for some in combinations.values() for a in some}
        print(f"{len(combinations)} devices, {len(algorithms)} algorithms, "
              f"{sum(map(len, combinations.values()))} combinations, each new and known, by gpg and SESSIONKEY",
              file=sys.stderr)
        with Keys([a for a in RSA + CURVES if a in algorithms]) as w:
            for name, some in combinations.items():
                for algorithm in some:
                    self.check(w, name, algorithm)

    def test_other_slots(self):
        """Keys in them cost a decryption nothing, nor does it that they are empty above."""
        with World() as w:
            w.make_key("rsa2048", primary="rsa2048", authentication="rsa2048")
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            for name in NAMES:
                with self.subTest(name):
                    w.forget_tokens()
                    w.start_token("--profile", name)
                    for count in (first(PROFILES[name], "rsa2048"), *[blocks(PROFILES[name], "rsa2048")] * 2):
                        w.forget_commands()
                        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                        self.assertEqual(len(w.commands()), count, w.commands())
                    w.stop_token()
                    w.wait_for_card(False)

    def test_algorithms_that_a_device_has_not(self):
        """The token refuses them as the device would; or all of the above would say little."""
        with Keys(["cv25519", "secp256k1"]) as w:
            for name in NAMES:
                for algorithm in w.algorithms:
                    if algorithm in PROFILES[name].algorithms:
                        continue
                    with self.subTest(name, algorithm=algorithm):
                        w.start_token("--profile", name, imports=w.files[algorithm], wait=False)
                        w.token.process.ends_with = 1
                        wait_until(lambda: w.token.process.poll() is not None, "the token ends")
                        self.assertEqual(w.token.process.returncode, 1)


class Papers(unittest.TestCase):
    """What the documentation says of commands is what the matrix counts."""

    def rows(self, name, columns):
        """The rows of a table that begin with the names of profiles."""
        paper = (pathlib.Path(__file__).parents[2] / "doc" / name).read_text(encoding="utf-8")
        return [[cell.strip() for cell in l.strip("|").split("|")] for l in paper.splitlines()
                if l.startswith("| `") and l.count("|") == columns + 1]

    def test_cards_md(self):
        told = {name.strip("`"): cells for name, *cells in self.rows("cards.md", 5)}
        for name, profile in PROFILES.items():
            true = [f"{first(profile, a)}, {first(profile, a, known=True)}, {blocks(profile, a)}"
                    if a in profile.algorithms else "–" for a in ("rsa2048", "rsa4096", "nistp256", "cv25519")]
            self.assertEqual(told.pop(name), true, name)
        self.assertEqual(told, {})

    def algorithms(self, keys):
        if keys.startswith("RSA"):
            return ["rsa" + size for size in keys[4:].split(", ")]
        return {"all": RSA + CURVES, "curves": CURVES}[keys]

    def test_benchmarks_md(self):
        def with_parts(total, more):
            return f"{total - more} + {more}" if more else str(total)
        told = {(name.strip("`"), algorithm): counts for names, keys, *counts in self.rows("benchmarks.md", 5)
                for name in names.split() for algorithm in self.algorithms(keys)}
        for name, profile in PROFILES.items():
            for a in profile.algorithms:
                self.assertEqual(told.get((name, a)),
                                 [with_parts(first(profile, a), forced(profile, a, False)),
                                  with_parts(first(profile, a, True), forced(profile, a, True)),
                                  with_parts(blocks(profile, a), blocks(profile, a) - 1)], (name, a))


class Pins(unittest.TestCase):
    def said(self, prompt, command):
        """What a prompt was told by a command such as SETERROR; None when it was not."""
        lines = [l[len(command) + 1:] for l in prompt if l.startswith(command + " ")]
        return lines[0].replace("%0A", "\n") if lines else None

    def counts(self, w, typed):
        self.assertEqual(w.typed() - self.typed, typed)
        self.assertEqual(len(w.verifies()), typed)

    def check(self, w, name):
        """However the device says that a PIN is wrong, or blocked: humans learn the tries that are left, and
        never is a PIN sent that nobody typed."""
        self.typed = w.typed()
        before = len(w.prompts())
        with w.device(name, "rsa2048"):
            w.pinentry(PIN=f"{WRONG} {PIN}")
            self.assertEqual(len(w.ask("rsa2048")), 35)
            one, two = w.prompts()[before:]
            self.assertIsNone(self.said(one, "SETERROR"))
            self.assertEqual(self.said(two, "SETERROR"), "Wrong PIN: 2 tries left.")
            self.counts(w, 2)
        with w.device(name, "rsa2048"):
            self.typed = w.typed()
            w.pinentry(PIN=WRONG)
            error = w.ask("rsa2048")
            self.assertEqual((error.code, error.source), (Code.PIN_BLOCKED, AGENT))
            self.counts(w, 3)
            prompts = len(w.prompts())
            self.assertEqual(w.ask("rsa2048").code, Code.PIN_BLOCKED)
            self.assertEqual(len(w.prompts()), prompts, "nobody is asked for a PIN that is blocked")
            self.counts(w, 3)

    def test_wrong_and_blocked(self):
        with Keys(["rsa2048"]) as w:
            for name in NAMES:
                with self.subTest(name):
                    self.check(w, name)

    def test_kdf(self):
        """Digests go over the wire where the device can have a KDF."""
        with Keys(["rsa2048"]) as w:
            for name in NAMES:
                if not PROFILES[name].kdf:
                    continue
                with self.subTest(name):
                    with w.device(name, "rsa2048", "--kdf"):
                        self.assertEqual(len(w.ask("rsa2048")), 35)
                        self.assertEqual([len(v) for v in w.verifies()], [2 * (5 + 32)])

    def test_state_is_dropped_everywhere(self):
        """By VERIFY with P1 = FF where the device knows it, else by a reset: without a PIN that is kept, the
        card keeps none either."""
        with World() as w:
            w.configure("[pin-cache]\nttl = 0\n")
            w.make_key("rsa2048", export="--export-secret-subkeys")
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            for name in NAMES:
                with self.subTest(name):
                    w.start_token("--profile", name)
                    for _ in range(2):
                        self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
                    self.assertEqual(len(w.verifies()), 2)
                    w.stop_token()
                    w.wait_for_card(False)


TOUCH = ["--uif", "dec=on", "--touch", "manual", "--touch-timeout-ms"]


class Touch(unittest.TestCase):
    def algorithm(self, name):
        return "rsa2048" if "cv25519" not in PROFILES[name].algorithms else "cv25519"

    def test_touch_that_never_came(self):
        """It has an error of its own, no PIN entry's, and costs no PIN."""
        with Keys(["rsa2048", "cv25519"]) as w:
            for name in NAMES:
                if not PROFILES[name].touch or name == "nitrokey-3":
                    continue
                with self.subTest(name):
                    algorithm = self.algorithm(name)
                    with w.device(name, algorithm, *TOUCH, "300"):
                        error = w.ask(algorithm)
                        self.assertEqual((error.code, error.source), (Code.TIMEOUT, SCD))
                        self.assertEqual(len(w.verifies()), 1)

    def test_touch(self):
        """Wherever DO D7 is, clients learn that a touch is wanted, and get their answer when it came."""
        with Keys(["rsa2048", "cv25519"]) as w:
            for name in NAMES:
                if not PROFILES[name].touch:
                    continue
                with self.subTest(name):
                    algorithm = self.algorithm(name)
                    with w.device(name, algorithm, *TOUCH, "15000"):
                        with w.connect() as client:
                            client.send(b"SESSIONKEY\n")
                            client.read_line()
                            client.reply_to("PKESK", {"PKESK": b"".join(pkesks(w.mails[algorithm]))})
                            wait_until(lambda: "waiting-for-touch" in w.tell_token("status"), "a wish for a touch")
                            w.tell_token("touch")
                            client.answer()
                            self.assertIn("TOUCH yes", client.status)
                        self.assertEqual(len(w.deciphers()), 1)

    def test_nitrokey_3_says_6982(self):
        """As for a PIN that is not verified. Only the time tells: it waits 15 seconds for a touch."""
        with Keys(["cv25519"]) as w:
            with w.device("nitrokey-3", "cv25519", *TOUCH, "15000"):
                begun = time.monotonic()
                error = w.ask("cv25519")
                self.assertEqual((error.code, error.source), (Code.TIMEOUT, SCD))
                self.assertGreaterEqual(time.monotonic() - begun, 14.5)
                self.assertEqual(len(w.verifies()), 1)
                self.assertEqual(len(w.deciphers()), 1)

    def test_gnuk_forgets_the_pin(self):
        """The PIN that is kept is sent anew; nobody types it again."""
        with Keys(["cv25519"]) as w:
            with w.device("nitrokey-start", "cv25519", *TOUCH, "300"):
                self.assertEqual(w.ask("cv25519").code, Code.TIMEOUT)
                self.assertEqual(w.ask("cv25519").code, Code.TIMEOUT)
                self.assertEqual(w.typed(), 1)
                self.assertEqual(len(w.verifies()), 2)

    def test_old_yubikey_does_not_miss_a_touch(self):
        """Firmware 4.2 does, right after a long answer such as a public key; a command in between helps."""
        with World() as w:
            w.make_key("rsa2048", primary="rsa2048", authentication="rsa2048")
            mail = w.encrypt("Dear Alice")
            w.start_agent()
            w.start_token("--profile", "yubikey-4.2", "--uif", "dec=on")
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertLessEqual(len(w.commands()), FIRST_MAX, w.commands())
            w.forget_commands()
            w.gpg("-K")  # reads the keys of the other slots
            self.assertEqual([c[:8] for c in w.commands()], ["00478100", "00478100"])
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual([c[:8] for c in w.commands()[2:]], ["00000000", "002A8086"])
            self.assertEqual(w.decrypt(mail).stdout, b"Dear Alice")
            self.assertEqual([c[:8] for c in w.commands()[4:]], ["002A8086"])


class Selection(unittest.TestCase):
    def check(self, w, name):
        typed = w.typed()
        with w.device(name, "rsa2048"):
            self.assertEqual(len(w.ask("rsa2048")), 35)
            w.tell_token("reset")
            self.assertEqual(len(w.ask("rsa2048")), 35)
            self.assertEqual(len(w.verifies()), 2)
            self.assertEqual(w.typed() - typed, 1)

    def test_card_that_forgot_us(self):
        """Every device has its own words for "no application is selected"; they are all understood, and the
        PIN that is kept opens the next mail."""
        with Keys(["rsa2048"]) as w:
            for name in NAMES:
                with self.subTest(name):
                    self.check(w, name)


if __name__ == "__main__":
    main()
