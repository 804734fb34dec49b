"""A token without a token: does with an unprotected secret key what a card does with its own; and the same key in a
form that a virtual token takes."""

from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import openpgp

OIDS = {
    "2a8648ce3d030107": ec.SECP256R1, "2b81040022": ec.SECP384R1, "2b81040023": ec.SECP521R1,
    "2b8104000a": ec.SECP256K1, "2b2403030208010107": ec.BrainpoolP256R1,
    "2b240303020801010b": ec.BrainpoolP384R1, "2b240303020801010d": ec.BrainpoolP512R1,
}
CURVE25519 = "2b060104019755010501"
SECRET_KEY = 5


def packets(data):
    """(tag, body) of every packet; lengths of both formats, none of them partial."""
    at = 0
    while at < len(data):
        head = data[at]
        at += 1
        if head & 0x40:
            tag, first = head & 0x3F, data[at]
            if first < 192:
                length, at = first, at + 1
            elif first < 224:
                length, at = ((first - 192) << 8) + data[at + 1] + 192, at + 2
            else:
                assert first == 255
                length, at = int.from_bytes(data[at + 1:at + 5], "big"), at + 5
        else:
            tag, width = head >> 2 & 15, 1 << (head & 3)
            length, at = int.from_bytes(data[at:at + width], "big"), at + width
        yield tag, data[at:at + length]
        at += length


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, n):
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def mpi(self):
        return self.take((self.number(2) + 7) // 8)


class SecretKey:
    def __init__(self, body):
        r = Reader(body)
        self.version = r.number(1)
        self.created = r.number(4)
        self.algorithm = r.number(1)
        if self.version > 4:
            r.take(4)
        before = r.data
        self.public(r)
        self.material = before[:len(before) - len(r.data)]
        assert r.number(1) == 0, "a protected key"
        if self.version == 5:
            r.take(5)
        self.numbers = r.data if self.version == 6 else r.data[:-2]
        self.secret(r)

    def public(self, r):
        if self.algorithm == 1:
            self.n = int.from_bytes(r.mpi(), "big")
            r.mpi()
        elif self.algorithm == 18:
            self.oid = r.take(r.number(1)).hex()
            self.point = r.mpi()
            r.take(r.number(1))
        elif self.algorithm in (25, 26):
            self.point = r.take(32 if self.algorithm == 25 else 56)

    def secret(self, r):
        if self.algorithm in (1, 18):
            self.d = r.mpi()
        elif self.algorithm in (25, 26):
            self.d = r.take(32 if self.algorithm == 25 else 56)

    def decipher(self, encrypted):
        """What PSO:DECIPHER answers: the unpadded block, or the shared coordinate."""
        if self.algorithm == 1:
            octets = (self.n.bit_length() + 7) // 8
            block = pow(int.from_bytes(encrypted, "big"), int.from_bytes(self.d, "big"), self.n)
            block = block.to_bytes(octets, "big")
            assert block[:2] == b"\0\2"
            return block[block.index(0, 2) + 1:]
        if self.algorithm == 26:
            return x448.X448PrivateKey.from_private_bytes(self.d).exchange(
                x448.X448PublicKey.from_public_bytes(encrypted))
        if self.algorithm == 25 or self.oid == CURVE25519:
            scalar = self.d if self.algorithm == 25 else self.d.rjust(32, b"\0")[::-1]
            point = encrypted if self.algorithm == 25 else encrypted[1:]
            return x25519.X25519PrivateKey.from_private_bytes(scalar).exchange(
                x25519.X25519PublicKey.from_public_bytes(point))
        curve = OIDS[self.oid]()
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, encrypted)
        return ec.derive_private_key(int.from_bytes(self.d, "big"), curve).exchange(
            ec.ECDH(), point)

    def card_point(self):
        """The public point as a card gives it."""
        return self.point[1:] if self.algorithm == 18 and self.oid == CURVE25519 else self.point


def for_token(key, created=None):
    """A key of any version as a file for the virtual token, whose fingerprints are those of version 4."""
    created = key.created if created is None else created
    checksum = sum(key.numbers) & 0xFFFF
    return openpgp.packet(SECRET_KEY, b"\4" + created.to_bytes(4, "big") + bytes([key.algorithm]) + key.material
                          + b"\0" + key.numbers + checksum.to_bytes(2, "big"))


def secret_keys(data):
    """Every secret key that decrypts, by its place among all keys."""
    keys = {}
    place = 0
    for tag, body in packets(data):
        if tag in (5, 7):
            try:
                keys[place] = SecretKey(body)
            except AssertionError:
                pass
            place += 1
    return {p: k for p, k in keys.items() if hasattr(k, "d")}


def unprotected_body(key, packets):
    """The body of a packet 9 in AES: the feedback starts anew after the prefix."""
    def cfb(iv, data):
        out = b""
        for at in range(0, len(data), 16):
            pad = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(iv)
            iv = bytes(a ^ b for a, b in zip(data[at:at + 16], pad))
            out += iv
        return out

    block = bytes(range(100, 116))
    prefix = cfb(bytes(16), block + block[-2:])
    return prefix + cfb(prefix[2:], packets)
