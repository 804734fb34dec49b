"""OpenPGP packets (RFC 9580), as far as tests must look into what gpg writes and ask as gpg does."""

import base64

import sexp

OID = {  # content octets
    "cv25519": bytes.fromhex("2B060104019755010501"),
    "cv448": bytes.fromhex("2B656F"),
    "nistp256": bytes.fromhex("2A8648CE3D030107"),
    "nistp384": bytes.fromhex("2B81040022"),
    "nistp521": bytes.fromhex("2B81040023"),
    "brainpoolP256r1": bytes.fromhex("2B2403030208010107"),
    "brainpoolP384r1": bytes.fromhex("2B240303020801010B"),
    "brainpoolP512r1": bytes.fromhex("2B240303020801010D"),
    "secp256k1": bytes.fromhex("2B8104000A"),
}

PKESK = 1
PUBLIC_KEY = 6
PUBLIC_SUBKEY = 14
RSA = 1
ECDH = 18


def dearmor(text):
    """The octets of an armored message; octets are returned as they are."""
    if not text.startswith(b"-----BEGIN"):
        return text
    lines = text.replace(b"\r", b"").split(b"\n")
    body = lines[lines.index(b"") + 1:]
    return base64.b64decode(b"".join(l for l in body if l and l[:1] not in b"=-"))


def packets(data):
    """(tag, body) of every packet up to one whose length is not told (the encrypted data)."""
    at = 0
    while at < len(data):
        head = data[at]
        if head & 0x40:
            tag, length, at = head & 0x3F, data[at + 1], at + 2
            if 192 <= length < 224:
                length, at = (length - 192 << 8) + data[at] + 192, at + 1
            elif length == 255:
                length, at = int.from_bytes(data[at:at + 4], "big"), at + 4
            elif length >= 224:
                return
        else:
            tag, size = head >> 2 & 0x0F, (1, 2, 4, 0)[head & 3]
            if not size:
                return
            length, at = int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size
        yield tag, data[at:at + length]
        at += length


def packet(tag, body):
    """A packet of the new format."""
    length = len(body)
    if length >= 192:
        return bytes([0xC0 | tag, 192 + (length - 192 >> 8), length - 192 & 0xFF]) + body
    return bytes([0xC0 | tag, length]) + body


def take_mpi(body):
    """The octets of an MPI, and what follows it."""
    octets = (int.from_bytes(body[:2], "big") + 7) // 8
    return body[2:2 + octets], body[2 + octets:]


class Pkesk:
    """A public-key encrypted session key packet, version 3: `c` for RSA, `point` and `wrapped` (with its
    length octet) for ECDH."""

    def __init__(self, message):
        body = next(b for tag, b in packets(dearmor(message)) if tag == PKESK)
        assert body[0] == 3
        self.key_id, self.algorithm = body[1:9], body[9]
        first, rest = take_mpi(body[10:])
        if self.algorithm == ECDH:
            self.point, self.wrapped = first, rest[:1 + rest[0]]
        else:
            self.c = first


def request(mail):
    """What a client without --kem asks gpg-agent for the first recipient of a message."""
    pkesk = Pkesk(mail)
    return sexp.rsa(pkesk.c) if pkesk.algorithm == RSA else sexp.ecdh(pkesk.point, pkesk.wrapped)


class PublicKey:
    """A public key or subkey packet, version 4: `n` and `e`, or `oid`, `point`, and for ECDH `kdf` (its
    parameters with their length octet)."""

    def __init__(self, body):
        self.algorithm = body[5]
        rest = body[6:]
        if self.algorithm == RSA:
            self.n, rest = take_mpi(rest)
            self.e, rest = take_mpi(rest)
        else:
            self.oid, rest = rest[1:1 + rest[0]], rest[1 + rest[0]:]
            self.point, rest = take_mpi(rest)
            self.kdf = rest[:1 + rest[0]] if self.algorithm == ECDH else b""


def encryption_key(exported):
    """The subkey of what `gpg --export` gave."""
    return PublicKey(next(b for tag, b in packets(dearmor(exported)) if tag == PUBLIC_SUBKEY))


def kdf_params(key, fingerprint):
    """RFC 6637 section 8, "Param": what the derivation of the wrapping key hashes besides the secret."""
    return (bytes([len(key.oid)]) + key.oid + bytes([ECDH]) + key.kdf + b"Anonymous Sender    "
            + bytes.fromhex(fingerprint))
