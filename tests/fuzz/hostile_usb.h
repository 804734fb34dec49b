/* libusb with one hostile reader behind it: its bulk-in transfers end as the input says. Takes the
 * place of the library in a program that is linked with it.
 *
 * A transfer takes an octet c of the input. c < 0x80: an answer that fits the last command, with
 * type, status, error, octet 9 and length n of the data as the next five octets say, then n octets;
 * with bit 0 of c the LRC of these is added. c < 0xc0: raw, the next octet says how many. Else an
 * end of another kind. Where the input ends the device is gone. */
#pragma once

#include "ccid/ccid_slot.h"
#include "tests/fuzz/fuzz.h"

struct hostile_usb {
    struct view input;
    struct view buffer;   /* where answers may go */
    size_t max_message;   /* that the reader has announced */
    unsigned whole_apdus; /* APDUs that went out as a whole, or to their last part */
    unsigned transfers;
};

extern struct hostile_usb hostile_usb;
