/* The class descriptor of a CCID interface (CCID 1.1 §5.1): what the reader can do. Pure. */
#pragma once

#include "base/bytes.h"

#define CCID_SLOTS_MAX 16 /* of one reader that are looked at */

#define CCID_HEADER_LEN  10
#define CCID_MESSAGE_MAX (CCID_HEADER_LEN + 65544) /* dwMaxCCIDMessageLength is at most that */

/* dwFeatures */
#define CCID_AUTO_ACTIVATION 0x00000004u
#define CCID_AUTO_VOLTAGE    0x00000008u
#define CCID_AUTO_NEGOTIATES 0x00000040u
#define CCID_AUTO_PPS        0x00000080u
#define CCID_AUTO_IFSD       0x00000400u

/* bPINSupport */
#define CCID_PIN_VERIFY 0x01u

enum ccid_level { CCID_CHARACTER, CCID_TPDU, CCID_SHORT_APDU, CCID_EXTENDED_APDU };

struct ccid_descriptor {
    unsigned slots;         /* 1..CCID_SLOTS_MAX */
    uint8_t voltages;       /* bit 0: 5 V, bit 1: 3 V, bit 2: 1.8 V */
    uint32_t protocols;     /* bit n: T=n; says nothing at the APDU levels */
    uint32_t clock_khz;     /* default */
    uint32_t max_bit_rate;  /* bits a second */
    uint32_t max_ifsd;      /* T=1 */
    uint32_t features;      /* as it is; see above */
    enum ccid_level level;  /* from the features */
    uint32_t max_message;   /* CCID_MESSAGE_MAX at most */
    uint8_t pin_operations; /* bPINSupport */
};

/* Finds the descriptor among those that stand between an interface and its endpoints, or after one
 * of them: a chain of octets length, type, content. GPG_ERR_NOT_FOUND without one, GPG_ERR_BAD_DATA
 * when its numbers cannot be; *r is untouched then. */
gpg_error_t ccid_descriptor_parse(struct view extra, struct ccid_descriptor *r);
