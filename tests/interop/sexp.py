"""Canonical S-expressions, and the requests that clients of gpg-agent build of them."""


def sexp(item):
    """bytes or str: an atom; an int: its digits; a list or tuple: a list."""
    if isinstance(item, (list, tuple)):
        return b"(" + b"".join(map(sexp, item)) + b")"
    atom = item if isinstance(item, bytes) else str(item).encode()
    return str(len(atom)).encode() + b":" + atom


def signed(number):
    """An MPI as libgcrypt prints it: a zero octet before a set top bit."""
    return b"\0" + number if number and number[0] & 0x80 else number


def rsa(c):
    return sexp(["enc-val", ["rsa", ["a", signed(c)]]])


def ecdh(point, wrapped=b"\x30" + bytes(48)):
    return sexp(["enc-val", ["ecdh", ["s", wrapped], ["e", point]]])


def kem(point, wrapped, params, cipher=9, digest=10):
    """As gpg 2.5.12 and gpgsm write it for --kem=PGP and --kem=CMS."""
    return sexp(["enc-val", ["ecc", ["c", cipher], ["h", digest], ["e", point], ["s", wrapped],
                             ["kdf-params", params]]])


def value(reply):
    """The octets of (5:valueN:...)."""
    head = b"(5:value"
    assert reply.startswith(head), reply
    digits, rest = reply[len(head):].split(b":", 1)
    octets, end = rest[:int(digits)], rest[int(digits):]
    assert len(octets) == int(digits) and end.rstrip(b"\0") == b")", reply
    return octets
