/* What can be wrong with a device's answer to a message of the host. */
#pragma once

#include <stdint.h>

enum usb_fault_kind {
    FAULT_NONE,
    FAULT_NO_ANSWER,
    FAULT_STALL,        /* bulk-in, until the halt is cleared; the answer is lost */
    FAULT_STALL_OUT,    /* bulk-out; the message is not heard */
    FAULT_GONE,         /* the device is unplugged */
    FAULT_SHORT_HEADER, /* 5 octets */
    FAULT_CUT,          /* fewer octets than dwLength says */
    FAULT_TRAILING,     /* zeros beyond dwLength */
    FAULT_HUGE_LENGTH,  /* dwLength 0xFFFFFFF0 */
    FAULT_BABBLE,       /* more than the host's buffer holds */
    FAULT_WRONG_SLOT,
    FAULT_WRONG_SEQUENCE,
    FAULT_WRONG_TYPE,
    FAULT_STALE,             /* answers to earlier messages come first */
    FAULT_ENDLESS_STALE,     /* and nothing else */
    FAULT_EXTENSION,         /* `value` time extensions come first */
    FAULT_ENDLESS_EXTENSION, /* and nothing else */
    FAULT_ENDLESS_CHAIN,     /* the answer is said to go on, for ever */
    FAULT_FAILED,            /* bStatus failed, bError `value` */
    FAULT_FAILED_STATUS,     /* the same, in a SlotStatus: a YubiKey after the computer's sleep */
    FAULT_EMPTY_FIRST,       /* an empty packet comes before the answer */
    FAULT_SPLIT,             /* empty packets come after the answer's first packet */
    FAULT_KINDS,
};

struct usb_fault {
    enum usb_fault_kind kind;
    unsigned int at;    /* number of the message, from 0 since usb_device_fault was called */
    unsigned int times; /* 0 is 1 */
    uint8_t value;
};
