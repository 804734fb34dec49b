/* Readers on whose keypad a PIN can be typed, so that it never reaches this machine, and the body
 * of PC_to_RDR_Secure for them (CCID 1.1 §6.1.11). Pure. */
#pragma once

#include "ccid/ccid_message.h"
#include "ccid/reader.h"

/* What the APDU is into which the reader puts the PIN. */
enum ccid_keypad_apdu {
    KEYPAD_HEADER, /* four octets; the reader adds Lc and PIN */
    KEYPAD_LC,     /* and an Lc of 0, which it replaces */
    KEYPAD_FIELD,  /* and Lc and as many octets: PINs of a length that is known beforehand */
};

struct ccid_keypad {
    uint16_t vendor, product;
    uint8_t pin_min, pin_max; /* digits that the reader takes */
    enum ccid_keypad_apdu apdu;
    enum ccid_command_type message; /* CCID_SECURE, or the vendor's own kind of that */
    struct view escape;             /* to be sent first; empty: nothing */
};

/* NULL for readers that are not known to verify an OpenPGP card's PIN, whatever their descriptor
 * says: some lie, and some send what is typed to the host as well. */
const struct ccid_keypad *ccid_keypad_find(uint16_t vendor, uint16_t product);

/* Whether a PIN of that length can be typed there; 0: of a length that nobody has told. */
bool ccid_keypad_takes(const struct ccid_keypad *keypad, size_t pin_length);

/* Appends the body. prologue: NAD and PCB of the block of T=1, NULL at the levels of APDUs.
 * GPG_ERR_NOT_SUPPORTED when the reader does not take PINs of such lengths. */
gpg_error_t ccid_keypad_encode(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                               const uint8_t *prologue, struct buffer *body);
