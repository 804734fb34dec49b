"""Messages that are cut, changed, put together wrongly, or out to do harm: the command says so in one line, ends with
1, and gives out nothing that was not authenticated."""

import concurrent.futures
import os
import re
import subprocess
import sys
import time

from test_client import ClientWorld, Shared, body_of
from test_session_key import gpg_session_key
from openpgp import dearmor, encryption_key
from world import BIN, main

try:
    import message_maker as make
    from message_maker import AEAD, EAX, GCM, OCB, SEIPD
    from soft_token import unprotected_body
except ImportError as missing:
    print(f"missing: {missing.name} for python3")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

KEY = bytes(range(32))
KEY_TEXT = "9:" + KEY.hex().upper()
SECRET = b"Treffen um acht.\n"
IN_CHUNKS = [(SEIPD, EAX), (SEIPD, OCB), (SEIPD, GCM), (AEAD, EAX), (AEAD, OCB)]

CHANGED = "the session key is not this message's, or the message was changed"
CUT = "the message is cut short"


def rsa_block(payload, start=b"\0\2", padding=None):
    """PKCS#1 version 1.5, for 2048 bits."""
    return start + (padding or b"\7" * (253 - len(payload))) + b"\0" + payload


RSA_BLOCKS = [rsa_block, lambda payload: rsa_block(payload, b"\0\1"), lambda payload: rsa_block(payload, b"\1\2"),
              lambda payload: rsa_block(payload, padding=b"\7" * 7),
              lambda payload: b"\0\2" + b"\7" * 254]

FRAMES = [lambda payload: payload + bytes([40 - len(payload)]) * (40 - len(payload)),
          lambda payload: payload.ljust(40, b"\0"), lambda payload: payload.ljust(39, b"\4") + b"\5",
          lambda payload: payload.ljust(39, b"\5") + b"\xFF"]


def turn(data, at, bits=1):
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1:]


class Damaged(Shared):
    def refuse(self, message, says, *options, begins=b"", key=KEY_TEXT):
        """begins: what may have come out on standard output, in whole chunks."""
        words = [*(["--session-key", key] if key else []), *options]
        run = self.w.cardea("decrypt", *words, data=message, good=False)
        self.assertTrue(begins.startswith(run.stdout), run.stdout[:100])
        self.assertRegex(run.stderr.decode(), r"\Acardea: message: [^\n]+\n\Z")
        self.assertIn(says, run.stderr.decode())
        run = self.w.cardea("decrypt", *words, "-o", self.out / "file", data=message, good=False)
        self.assertEqual((run.stdout, self.w.litter()), (b"", []))
        self.assertIn(says, run.stderr.decode())

    def accept(self, message, text=SECRET, *options):
        run = self.w.cardea("decrypt", "--session-key", KEY_TEXT, *options, data=message)
        self.assertEqual((run.stdout, run.stderr), (text, b""))


class Everywhere(Damaged):
    """Cut at every octet, and every bit turned."""

    def sweep(self, message, text, *key):
        run = subprocess.run([BIN / "client-damage", self.w.write("m", message), self.w.write("t", text), *key],
                             env=self.w.env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        refused, taken = map(int, re.findall(r"\d+", run.stdout))
        self.assertEqual(refused + taken, 2 * (9 * len(message) + 1))
        self.assertGreater(taken, 0)
        return taken

    def test_with_a_session_key(self):
        self.assertEqual(self.sweep(make.seipd1(KEY, make.literal(SECRET)), SECRET, KEY_TEXT), 2)
        for tag, mode in IN_CHUNKS:
            self.sweep(make.in_chunks(tag, KEY, make.literal(SECRET), mode), SECRET, KEY_TEXT)

    def test_with_a_token(self):
        """The packets for the token are changed, too; no PIN is spent on it."""
        w = self.w
        message = dearmor(w.encrypt("short"))
        prompts, verifies = len(w.prompts()), len(w.verifies())
        self.sweep(message, b"short")
        self.assertEqual((len(w.prompts()), len(w.verifies())), (prompts, verifies))

    def test_with_the_command(self):
        message = dearmor(self.w.encrypt("short"))
        key = gpg_session_key(self.w, message)
        cases = [message[:length] for length in range(len(message))]
        start = len(message) - len(body_of(message))
        cases += [turn(message, at, 1 << at % 8) for at in range(start, len(message))]

        def run(case):
            target = self.out / str(id(case))
            return [subprocess.run([BIN / "cardea", "decrypt", "--session-key", key, *options], input=case,
                                   capture_output=True, env=self.w.env, timeout=60, check=False)
                    for options in ([], ["-o", target])]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for runs in pool.map(run, cases):
                for result in runs:
                    self.assertEqual((result.returncode, result.stdout), (1, b""))
                    self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)
                self.assertEqual(runs[0].stderr, runs[1].stderr)
        self.assertEqual(self.w.litter(), [])


class Sealed(Damaged):
    """Version 1: the seal (MDC) at the end."""

    def test_seals(self):
        packets = make.literal(SECRET)
        self.accept(make.seipd1(KEY, packets))
        of_others = make.modification_detection(b"something else")
        for seal in (b"", of_others, lambda plain: turn(make.modification_detection(plain), 21),
                     lambda plain: make.modification_detection(plain)[:-1],
                     lambda plain: make.modification_detection(plain) + b"\0",
                     lambda plain: turn(make.modification_detection(plain), 1),
                     lambda plain: make.modification_detection(plain) + make.literal(b"more")):
            self.refuse(make.seipd1(KEY, packets, seal), CHANGED)

    def test_seal_in_another_place(self):
        packets, first = make.literal(SECRET), make.modification_detection(bytes(18))
        self.refuse(make.seipd1(KEY, first + packets, b""), CHANGED)
        self.refuse(make.seipd1(KEY, packets + first + packets, b""), CHANGED)
        self.refuse(make.seipd1(KEY, first + packets), "belongs in no message")

    def test_gadgets(self):
        """EFAIL: blocks of ciphertext whose plaintext is known become others of the attacker's choice."""
        known = make.literal(b"Content-Type: multipart/signed; boundary=x" * 4)
        body = make.seipd1_body(KEY, known)
        wanted = b'<img src="//e.g/'
        at = 1 + 32  # a whole block behind the random start
        change = bytes(a ^ b for a, b in zip(known[at - 1 - 18:], wanted))
        gadget = bytes(a ^ b for a, b in zip(body[at:at + 16], change))
        spliced = body[:at] + gadget + body[at + 16:]
        moved = body[:at] + body[at + 16:at + 32] + body[at:at + 16] + body[at + 32:]
        repeated = body[:at + 16] + body[at:]
        shorter = body[:at] + body[at + 16:]
        for changed in spliced, moved, repeated, shorter:
            self.refuse(make.packet(SEIPD, changed), CHANGED)
            for start in 1, 0:  # relabelled as a body that nothing protects
                self.refuse(make.packet(make.ENCRYPTED, changed[start:]), "--accept-unprotected")

    def test_nothing_protects_it(self):
        message = make.packet(make.ENCRYPTED, unprotected_body(KEY, make.literal(SECRET)))
        self.refuse(message, "read it all the same with --accept-unprotected")
        self.accept(message, SECRET, "--accept-unprotected")
        stripped = make.packet(make.ENCRYPTED, make.seipd1_body(KEY, make.literal(SECRET))[1:])
        self.refuse(stripped, CHANGED, "--accept-unprotected")


class InChunks(Damaged):
    """SEIPDv2 and packet 20: every chunk has a tag of its own, and there is one over all."""

    def test_right_ones(self):
        text = SECRET * 100
        for tag, mode in IN_CHUNKS:
            for chunk in 0, 3, 16:
                self.accept(make.in_chunks(tag, KEY, make.literal(text), mode, chunk), text)
            for octets in 16, 24:
                key = bytes(range(octets))
                message = make.in_chunks(tag, key, make.literal(text), mode)
                run = self.w.cardea("decrypt", "--session-key", f"{make.CIPHER[octets]}:{key.hex()}", data=message)
                self.assertEqual(run.stdout, text)

    def test_text_comes_out_while_the_message_comes_in(self):
        text = os.urandom(400)
        for tag, mode in IN_CHUNKS:
            head, chunks = make.PARTS[tag](KEY, make.literal(text), mode)
            process = self.w.popen("decrypt", "--session-key", KEY_TEXT, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
            whole = make.packet(tag, head + b"".join(chunks))
            there = len(whole) - len(b"".join(chunks[4:]))
            process.stdin.write(whole[:there])
            process.stdin.flush()
            early = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(text.startswith(early) and early)
            process.stdin.write(whole[there:])
            process.stdin.close()
            self.assertEqual(early + process.stdout.read(), text)
            self.assertEqual(process.wait(20), 0)

    def test_chunks_are_not_to_be_moved(self):
        text = os.urandom(400)
        for tag, mode in IN_CHUNKS:
            head, chunks = make.PARTS[tag](KEY, make.literal(text), mode)
            self.assertGreater(len(chunks), 6)
            first, second, *rest = chunks
            *most, last, seal = chunks
            for changed in ([second, first, *rest], [first, *rest], [first, first, second, *rest],
                            [*most, seal, last], [second, *rest], [*chunks, seal], [*chunks, first, seal],
                            [turn(first, 3), second, *rest], [first, turn(second, -1 + len(second)), *rest]):
                self.refuse(make.packet(tag, head + b"".join(changed)), CHANGED, begins=text)

    def test_missing_ends(self):
        text = os.urandom(400)
        for tag, mode in IN_CHUNKS:
            head, chunks = make.PARTS[tag](KEY, make.literal(text), mode)
            for count in range(len(chunks)):
                self.refuse(make.packet(tag, head + b"".join(chunks[:count])), CHANGED, begins=text)
            whole = make.packet(tag, head + b"".join(chunks))
            self.refuse(whole[:-1], CUT, begins=text)

    def test_what_stands_in_the_head(self):
        for tag, mode in IN_CHUNKS:
            head, chunks = make.PARTS[tag](KEY, make.literal(SECRET * 40), mode)
            body = head + b"".join(chunks)
            self.refuse(make.packet(tag, turn(body, 3)), CHANGED)  # the size of a chunk
            self.refuse(make.packet(tag, turn(body, 5)), CHANGED)  # the salt, or the nonce
            self.refuse(make.packet(tag, turn(body, 0, 8)), "version")
            self.refuse(make.packet(tag, turn(body, 1, 64)), "cipher")
            self.refuse(make.packet(tag, turn(body, 2, 64)), "Unsupported algorithm")


class Wrong(Damaged):
    def test_wrong_session_keys_are_wrong_alike(self):
        """Nothing tells how a session key is wrong."""
        said = set()
        for message in [make.seipd1(KEY, make.literal(SECRET))] + \
                [make.in_chunks(tag, KEY, make.literal(SECRET), mode) for tag, mode in IN_CHUNKS]:
            for key in turn(KEY, 0), turn(KEY, 31), bytes(32), KEY[::-1]:
                run = self.w.cardea("decrypt", "--session-key", "9:" + key.hex(), data=message, good=False)
                said.add((run.stdout, run.stderr))
        self.assertEqual(len(said), 1, said)
        self.assertIn(CHANGED, said.pop()[1].decode())

    def test_ciphers_that_we_do_not_have(self):
        message = make.seipd1(KEY, make.literal(SECRET))
        for key in "1:" + "00" * 16, "4:" + "00" * 16:  # IDEA, Blowfish
            self.refuse(message, "a cipher that we do not have", key=key)

    def test_every_wrong_packet_is_wrong_alike(self):
        """What a token opens, and what then is no session key: one error for all ways."""
        body = make.seipd1(KEY, make.literal(SECRET))
        checksum = (sum(KEY) & 0xFFFF).to_bytes(2, "big")
        right = b"\x09" + KEY + checksum
        wrong = [turn(right, -1 + len(right)), turn(right, 0), turn(right, 0, 2), b"\x09" + KEY[:16] + checksum, b"",
                 right[:-2], right[:3], bytes(35), b"\x04" + KEY[:16] + (sum(KEY[:16]) & 0xFFFF).to_bytes(2, "big")]
        for algorithm, blocks in ("rsa2048", RSA_BLOCKS), ("cv25519", FRAMES):
            with self.subTest(algorithm), ClientWorld() as w:
                fingerprint = w.make_key(algorithm)
                to = make.Recipient(encryption_key(w.gpg("--export").stdout), w.fingerprints(fingerprint)[1])
                w.start_agent()
                w.start_token()
                good = w.cardea("decrypt", data=to.pkesk(blocks[0](right)) + body)
                self.assertEqual(good.stdout, SECRET)
                packets = [blocks[0](payload) for payload in wrong] + [block(right) for block in blocks[1:]]
                said = {(run.stdout, run.stderr) for run in (
                    w.cardea("decrypt", data=to.pkesk(packet) + body, good=False) for packet in packets)}
                self.assertEqual(len(said), 1, said)
                self.assertEqual(said.pop()[0], b"")

    def test_nobody_we_know(self):
        body = make.seipd1(KEY, make.literal(SECRET))
        for algorithm in 8, 16, 35:  # Kyber of LibrePGP, Elgamal, ML-KEM-768+X25519
            pkesk = make.packet(make.PKESK, b"\3" + bytes(range(8)) + bytes([algorithm]) + bytes(100))
            self.refuse(pkesk + body, "that no token can do", key=None)
        self.refuse(body, "it names no recipient", key=None)
        version_9 = make.packet(make.PKESK, b"\x09" + bytes(20))
        self.refuse(version_9 + body, "it names no recipient", key=None)
        self.accept(version_9 + body)


class Shapes(Damaged):
    """Packets of a shape that none has by accident."""

    def test_parts(self):
        body = make.seipd1_body(KEY, make.literal(SECRET * 100))
        self.accept(make.partial(SEIPD, body), SECRET * 100)
        tiny = bytes([0xC0 | SEIPD, 0xE9]) + body[:512] + b"".join(
            bytes([0xE0, octet]) for octet in body[512:]) + b"\0"
        self.accept(tiny, SECRET * 100)
        self.refuse(make.partial(SEIPD, body, 8), "no OpenPGP message")  # the first has 512 octets at least
        self.refuse(make.partial(SEIPD, body)[:-1], CUT)
        self.refuse(tiny[:-1], CUT)  # parts for ever
        whole = make.packet(SEIPD, body)
        self.refuse(make.partial(make.PKESK, bytes(600)) + whole, "no OpenPGP message")
        hidden = make.packet(make.PKESK, b"\3" + bytes(8) + b"\1" + bytes(100))
        self.refuse(hidden + make.partial(make.PKESK, bytes(600)) + whole, "Invalid packet")
        self.refuse(make.seipd1(KEY, make.partial(make.LITERAL, b"b\0\0\0\0\0" + SECRET * 100, 8)),
                    "Invalid packet")

    def test_lengths_of_four_gigabytes(self):
        body, huge = make.seipd1_body(KEY, make.literal(SECRET)), b"\xFF" * 5
        whole = make.packet(SEIPD, body)
        self.refuse(bytes([0xC0 | SEIPD]) + huge + body, CUT)
        self.refuse(bytes([0xC0 | make.PKESK]) + huge + bytes(100) + whole, "")
        self.refuse(bytes([0xC0 | SEIPD, 0xFE]) + body, CUT)  # a part of 1 GiB
        for tag in make.LITERAL, make.COMPRESSED, 2, 4, 60:
            inner = bytes([0xC0 | tag]) + huge + b"\1\0\0\0\0\0" + SECRET
            # What is sealed is as its author wrote it, and may come out before the end is seen.
            self.refuse(make.seipd1(KEY, inner), "", begins=SECRET)
            self.refuse(make.in_chunks(SEIPD, KEY, inner, OCB), "", begins=SECRET)

    def test_what_follows_the_message(self):
        whole = make.seipd1(KEY, make.literal(SECRET))
        for more in make.literal(b"more"), whole, b"\0", make.packet(30, b"x"):
            self.refuse(whole + more, "something follows the encrypted message", begins=SECRET)
        self.accept(whole + make.packet(21, b"padding") + make.packet(10, b"PGP"))

    def test_packets_that_nobody_knows(self):
        whole = make.seipd1(KEY, make.literal(SECRET))
        hidden = make.packet(make.PKESK, b"\3" + bytes(8) + b"\1" + bytes(100))
        self.accept(make.packet(60, b"x") + whole)  # not critical
        self.refuse(hidden + make.packet(30, b"x") + whole, "nknown packet")
        self.accept(make.seipd1(KEY, make.packet(60, b"x") + make.literal(SECRET)))
        self.refuse(make.seipd1(KEY, make.packet(30, b"x") + make.literal(SECRET)), "of an unknown kind")

    def test_contents(self):
        for packets, says in [(make.literal(SECRET) + make.literal(b"more"), "more than one text"),
                              (b"", "no text in it"), (make.packet(13, b"Alice"), "belongs in no message"),
                              (make.seipd1(KEY, make.literal(SECRET)), "encrypted twice"),
                              (make.packet(make.COMPRESSED, b"\1junk"), ""),
                              (make.packet(make.COMPRESSED, b"\x09junk"), "ompression")]:
            self.refuse(make.seipd1(KEY, packets), says, begins=SECRET)


class Bombs(Damaged):
    def test_that_grow(self):
        zeros = make.literal(bytes(50_000_000))
        for algorithm in 1, 2, 3:
            message = make.seipd1(KEY, make.compressed(algorithm, zeros))
            self.assertLess(len(message), 100_000)
            self.refuse(message, "grows beyond what is allowed", "--max-output", "1M", begins=bytes(1 << 20))

    def test_in_one_another(self):
        """Without any option: what is small twice over is refused long before 16 GiB."""
        for algorithm in 1, 2, 3:
            once = make.compressed(algorithm, make.literal(bytes(200_000_000)))
            message = make.seipd1(KEY, make.compressed(algorithm, once))
            self.assertLess(len(message), 50_000)
            begun = time.monotonic()
            self.refuse(message, "grows beyond what is allowed", begins=bytes(200_000_000))
            self.assertLess(time.monotonic() - begun, 60)

    def test_nested_too_deep(self):
        packets = make.literal(SECRET)
        for _ in range(40):
            packets = make.compressed(2, packets)
        self.refuse(make.seipd1(KEY, packets), "compressed too many times over")

    def test_with_a_token(self):
        message = self.w.gpg("--trust-model", "always", "-e", "-r", "alice@example.org",
                             data=bytes(30_000_000)).stdout
        self.refuse(message, "grows beyond what is allowed", "--max-output", "1M", begins=bytes(1 << 20), key=None)


if __name__ == "__main__":
    main()
