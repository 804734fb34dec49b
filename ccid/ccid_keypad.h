/* Readers on whose keypad a PIN can be typed, so that it never reaches this machine, and the body
 * of PC_to_RDR_Secure for them (CCID 1.1 §6.1.11). Pure. */
#pragma once

#include "ccid/reader.h"

struct ccid_keypad {
    uint16_t vendor, product;
    uint8_t pin_max;     /* most digits that the reader takes */
    bool wants_case_one; /* has to be told first that the APDU is a bare header */
};

/* NULL for readers that are not known to verify an OpenPGP card's PIN, whatever their descriptor
 * says: some lie, some send what is typed to the host as well, and some take PINs of one fixed
 * length only. */
const struct ccid_keypad *ccid_keypad_find(uint16_t vendor, uint16_t product);

/* Appends the body for a VERIFY with a PIN of any length. prologue: NAD, PCB and LEN of the block
 * of T=1, zeros at the levels of APDUs. */
gpg_error_t ccid_keypad_encode(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                               const uint8_t prologue[3], struct buffer *body);
