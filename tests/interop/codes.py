"""Error codes of libgpg-error (gpg-error.h), as far as an agent may answer with them."""

import enum


class Code(enum.IntEnum):
    DIGEST_ALGO = 5
    CIPHER_ALGO = 12
    NO_SECKEY = 17
    NOT_FOUND = 27
    NO_DATA = 58
    RESOURCE_LIMIT = 33
    WRONG_PUBKEY_ALGO = 41
    NOT_SUPPORTED = 60
    TIMEOUT = 62
    TOO_LARGE = 67
    NO_OBJ = 68
    INV_DATA = 79
    INV_SEXP = 83
    UNSUPPORTED_ALGORITHM = 84
    NO_PIN_ENTRY = 85
    PIN_ENTRY = 86
    BAD_PIN = 87
    WRONG_CARD = 91
    CANCELED = 99
    CARD = 108
    CARD_REMOVED = 110
    CARD_NOT_PRESENT = 112
    NOT_CONFIRMED = 114
    INV_ID = 118
    UNSUPPORTED_PROTOCOL = 121
    PIN_BLOCKED = 130
    USE_CONDITIONS = 131
    DECRYPT_FAILED = 152
    LOCKED = 173
    UNKNOWN_OPTION = 174
    FULLY_CANCELED = 198
    OBJ_TERM_STATE = 225
    FORBIDDEN = 251
    ASS_LINE_TOO_LONG = 263
    ASS_TOO_MUCH_DATA = 273
    ASS_UNEXPECTED_CMD = 274
    ASS_UNKNOWN_CMD = 275
    ASS_SYNTAX = 276
    ASS_CANCELED = 277
    ASS_PARAMETER = 280
    EMFILE = 32833
    ENODEV = 32848


AGENT = 4  # the source of an error: the octet above its code
SCD = 6
