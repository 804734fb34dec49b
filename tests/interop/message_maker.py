"""OpenPGP messages by the book (RFC 9580, and LibrePGP for packet 20), right ones and wrong ones, in AES alone: written
apart from message/, so that neither can agree with its own mistakes."""

import bz2
import hashlib
import os
import zlib

from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import curves
import keywrap
import openpgp

PKESK, COMPRESSED, ENCRYPTED, LITERAL, SEIPD, MDC, AEAD = 1, 8, 9, 11, 18, 19, 20
EAX, OCB, GCM = 1, 2, 3
NONCE = {EAX: 16, OCB: 15, GCM: 12}
CIPHER = {16: 7, 24: 8, 32: 9}
TAG = 16


def packet(tag, body):
    """With a length of five octets."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def partial(tag, body, power=9):
    """In parts of 2^power octets and a rest."""
    size, out = 1 << power, bytes([0xC0 | tag])
    while len(body) > size:
        out, body = out + bytes([0xE0 | power]) + body[:size], body[size:]
    return out + b"\xFF" + len(body).to_bytes(4, "big") + body


def literal(text, name=b""):
    return packet(LITERAL, b"b" + bytes([len(name)]) + name + bytes(4) + text)


def zipped(data):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


def compressed(algorithm, packets):
    return packet(COMPRESSED, bytes([algorithm]) + {1: zipped, 2: zlib.compress, 3: bz2.compress}[algorithm](packets))


def cfb(key, data, iv=bytes(16)):
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    out = b""
    for at in range(0, len(data), 16):
        iv = bytes(a ^ b for a, b in zip(data[at:at + 16], block.update(iv)))
        out += iv
    return out


def seipd1_body(key, packets, seal=None):
    """seal: what stands in the place of the MDC packet; of the octets before it, when it is a function."""
    start = os.urandom(16)
    plain = start + start[-2:] + packets
    if seal is None:
        seal = modification_detection
    return b"\1" + cfb(key, plain + (seal(plain) if callable(seal) else seal))


def modification_detection(plain):
    return b"\xD3\x14" + hashlib.sha1(plain + b"\xD3\x14").digest()


def seipd1(key, packets, seal=None):
    return packet(SEIPD, seipd1_body(key, packets, seal))


def eax_encrypt(key, nonce, plain, associated):
    """Bellare, Rogaway, Wagner: The EAX Mode of Operation."""
    def omac(number, data):
        mac = cmac.CMAC(algorithms.AES(key))
        mac.update(bytes(15) + bytes([number]) + data)
        return mac.finalize()
    counter = omac(0, nonce)
    ciphertext = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(plain)
    tag = bytes(a ^ b ^ c for a, b, c in zip(counter, omac(1, associated), omac(2, ciphertext)))
    return ciphertext + tag


def seal_chunk(mode, key, nonce, plain, associated):
    if mode == EAX:
        return eax_encrypt(key, nonce, plain, associated)
    return (AESOCB3 if mode == OCB else AESGCM)(key).encrypt(nonce, plain, associated)


def chunked(mode, key, nonce_of, associated_of, plain, octets):
    """The chunks with their tags, and the final tag; associated_of takes the index, and the total at the end."""
    parts = [plain[at:at + octets] for at in range(0, len(plain), octets)]
    chunks = [seal_chunk(mode, key, nonce_of(i), part, associated_of(i)) for i, part in enumerate(parts)]
    last = len(parts)
    return chunks + [seal_chunk(mode, key, nonce_of(last), b"", associated_of(last, len(plain)))]


def seipd2_parts(key, packets, mode, chunk=0):
    """RFC 9580 section 5.13.2: the head of the body, and its chunks."""
    head, salt = bytes([2, CIPHER[len(key)], mode, chunk]), os.urandom(32)
    size = len(key) + NONCE[mode] - 8
    derived = HKDF(hashes.SHA256(), size, salt, bytes([0xC0 | SEIPD]) + head).derive(key)
    start = derived[len(key):]

    def associated(_index, total=None):
        return bytes([0xC0 | SEIPD]) + head + (b"" if total is None else total.to_bytes(8, "big"))
    return head + salt, chunked(mode, derived[:len(key)], lambda i: start + i.to_bytes(8, "big"), associated,
                                packets, 1 << chunk + 6)


def packet_20_parts(key, packets, mode, chunk=0):
    """draft-koch-librepgp section 5.16."""
    head, iv = bytes([1, CIPHER[len(key)], mode, chunk]), os.urandom(NONCE[mode])

    def nonce(index):
        return iv[:-8] + (int.from_bytes(iv[-8:], "big") ^ index).to_bytes(8, "big")

    def associated(index, total=None):
        return bytes([0xC0 | AEAD]) + head + index.to_bytes(8, "big") + (
            b"" if total is None else total.to_bytes(8, "big"))
    return head + iv, chunked(mode, key, nonce, associated, packets, 1 << chunk + 6)


PARTS = {SEIPD: seipd2_parts, AEAD: packet_20_parts}


def in_chunks(tag, key, packets, mode, chunk=0):
    head, chunks = PARTS[tag](key, packets, mode, chunk)
    return packet(tag, head + b"".join(chunks))


class Recipient:
    """An RSA or Curve25519 key (openpgp.PublicKey), for whom one writes PKESK packets of version 3 whose payload may
    be any."""

    def __init__(self, key, fingerprint):
        self.key, self.fingerprint = key, fingerprint

    def pkesk(self, block):
        encrypted = self.rsa(block) if self.key.algorithm == openpgp.RSA else self.ecdh(block)
        return packet(PKESK, b"\3" + bytes.fromhex(self.fingerprint[-16:]) + bytes([self.key.algorithm])
                           + encrypted)

    def rsa(self, block):
        n = int.from_bytes(self.key.n, "big")
        c = pow(int.from_bytes(block, "big") % n, int.from_bytes(self.key.e, "big"), n)
        return c.bit_length().to_bytes(2, "big") + c.to_bytes((c.bit_length() + 7) // 8, "big")

    def ecdh(self, frame):
        ours = os.urandom(32)
        z = curves.x25519(ours, self.key.point[1:])
        hash_id, cipher_id = self.key.kdf[2:4]
        kek = keywrap.openpgp_kek(z, openpgp.kdf_params(self.key, self.fingerprint), cipher_id, hash_id)
        wrapped = keywrap.wrap(kek, frame)
        return b"\1\7\x40" + curves.x25519(ours) + bytes([len(wrapped)]) + wrapped
