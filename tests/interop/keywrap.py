"""AES (FIPS 197, encryption only) and the AES key wrap (RFC 3394) with the derivations that OpenPGP and CMS
put before it, in plain Python: the second opinion on what an agent unwrapped."""

import hashlib
import struct


def sbox():
    """FIPS 197, 5.1.1: the inverse in GF(2^8), then an affine map."""
    p = q = 1
    box = [0] * 256
    while True:
        p ^= p << 1 & 0xFF ^ (0x1B if p & 0x80 else 0)
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        box[p] = q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63
        if p == 1:
            box[0] = 0x63
            return box


def rotate(octet, bits):
    return (octet << bits | octet >> 8 - bits) & 0xFF


SBOX = sbox()


def double(octet):
    return octet << 1 & 0xFF ^ (0x1B if octet & 0x80 else 0)


def expand(key):
    """FIPS 197, 5.2: the round keys, sixteen octets each."""
    n, words, rcon = len(key) // 4, [list(key[i:i + 4]) for i in range(0, len(key), 4)], 1
    while len(words) < 4 * (n + 7):
        word = words[-1]
        if len(words) % n == 0:
            word = [SBOX[o] for o in word[1:] + word[:1]]
            word[0] ^= rcon
            rcon = double(rcon)
        elif n > 6 and len(words) % n == 4:
            word = [SBOX[o] for o in word]
        words.append([a ^ b for a, b in zip(words[-n], word)])
    return [sum(words[i:i + 4], []) for i in range(0, len(words), 4)]


def encrypt_block(round_keys, block):
    state = [a ^ b for a, b in zip(block, round_keys[0])]
    for number, round_key in enumerate(round_keys[1:], 1):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]  # SubBytes and ShiftRows
        if number < len(round_keys) - 1:
            for i in range(0, 16, 4):
                a = state[i:i + 4]
                state[i:i + 4] = [double(a[j] ^ a[j - 3]) ^ a[j - 3] ^ a[j - 2] ^ a[j - 1] for j in range(4)]
        state = [a ^ b for a, b in zip(state, round_key)]
    return bytes(state)


def wrap(kek, data):
    """RFC 3394, 2.2.1."""
    round_keys = expand(kek)
    a, r = b"\xa6" * 8, [data[i:i + 8] for i in range(0, len(data), 8)]
    for j in range(6):
        for i in range(len(r)):
            b = encrypt_block(round_keys, a + r[i])
            a = (int.from_bytes(b[:8], "big") ^ len(r) * j + i + 1).to_bytes(8, "big")
            r[i] = b[8:]
    return a + b"".join(r)


# libgcrypt's numbers, which PKDECRYPT --kem uses, and which are OpenPGP's, too (RFC 9580, 9.3 and 9.5)
KEY_OCTETS = {7: 16, 8: 24, 9: 32}
DIGESTS = {2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}


def openpgp_kek(z, params, cipher, digest):
    """RFC 6637, 7."""
    return hashlib.new(DIGESTS[digest], b"\0\0\0\1" + z + params).digest()[:KEY_OCTETS[cipher]]


def cms_kek(z, info, cipher, digest):
    """RFC 5753, 7.1.1: the derivation of X9.63."""
    out, counter = b"", 0
    while len(out) < KEY_OCTETS[cipher]:
        counter += 1
        out += hashlib.new(DIGESTS[digest], z + struct.pack(">I", counter) + info).digest()
    return out[:KEY_OCTETS[cipher]]


def openpgp_frame(session_key, octets, algorithm=9):
    """RFC 6637, 8: algorithm, key, checksum, and padding that makes so many octets."""
    frame = bytes([algorithm]) + session_key + struct.pack(">H", sum(session_key) & 0xFFFF)
    return frame + bytes([octets - len(frame)]) * (octets - len(frame))
