#include "ccid/ccid_keypad.h"

#define PIN_VERIFICATION 0x00
#define PIN_IN_ASCII     0x82 /* left-justified octets */
#define KEY_PRESSED      0x02 /* alone: GemPC Pinpad and Vega-Alpha refuse what else there is */
#define ONE_MESSAGE      0x01
#define ENGLISH          0x0409

#define FIELD_MAX 15 /* bmPINBlockString has four bits for it */

/* That an APDU is a bare header. */
static const uint8_t case_one[] = { 0x80, 0x02, 0x00 };
/* That the tries left are not to be shown: the reader would ask by a VERIFY without a PIN. */
static const uint8_t hide_tries[] = { 0xb5, 0x01, 0x00, 0x03, 0x00 };

#define ESCAPE(octets)                                                                             \
    {                                                                                              \
        octets, sizeof(octets)                                                                     \
    }

/* Sorted. */
static const struct ccid_keypad keypads[] = {
    /* Cherry XX33, XX44, ST-2000: the two keyboards would show the host a key for each digit. */
    { 0x046a, 0x0005, 0, 15, KEYPAD_LC, CCID_SECURE_CHERRY, { 0 } },
    { 0x046a, 0x0010, 0, 15, KEYPAD_LC, CCID_SECURE_CHERRY, { 0 } },
    { 0x046a, 0x003e, 0, 15, KEYPAD_LC, CCID_SECURE, { 0 } },
    /* SCM SPR532 */
    { 0x04e6, 0xe003, 0, 25, KEYPAD_HEADER, CCID_SECURE, ESCAPE(case_one) },
    /* Gemalto GemPC Pinpad, Ezio Shield */
    { 0x08e6, 0x3478, 4, 8, KEYPAD_FIELD, CCID_SECURE, { 0 } },
    { 0x08e6, 0x34c2, 0, 25, KEYPAD_HEADER, CCID_SECURE, { 0 } },
    /* Vega-Alpha */
    { 0x0982, 0x0008, 4, 8, KEYPAD_FIELD, CCID_SECURE, ESCAPE(hide_tries) },
    /* REINER cyberJack go */
    { 0x0c4b, 0x0504, 0, 15, KEYPAD_HEADER, CCID_SECURE, { 0 } },
    /* KOBIL KAAN Advanced */
    { 0x0d46, 0x3002, 0, 25, KEYPAD_HEADER, CCID_SECURE, { 0 } },
    /* VASCO DIGIPASS 920 */
    { 0x1a44, 0x0920, 0, 15, KEYPAD_HEADER, CCID_SECURE, { 0 } },
    /* Trustica Cryptoucan */
    { 0x1fc9, 0x81e6, 0, 25, KEYPAD_HEADER, CCID_SECURE, { 0 } },
    /* FSIJ Gnuk, where it was built with a keypad */
    { 0x234b, 0x0000, 0, 25, KEYPAD_HEADER, CCID_SECURE, { 0 } },
};

const struct ccid_keypad *ccid_keypad_find(uint16_t vendor, uint16_t product)
{
    for (size_t i = 0; i < sizeof keypads / sizeof keypads[0]; i++) {
        if (keypads[i].vendor == vendor && keypads[i].product == product)
            return &keypads[i];
    }
    return NULL;
}

bool ccid_keypad_takes(const struct ccid_keypad *keypad, size_t pin_length)
{
    return keypad->apdu != KEYPAD_FIELD ||
           (pin_length >= keypad->pin_min && pin_length <= keypad->pin_max &&
            pin_length <= FIELD_MAX);
}

/* Fewest and most digits: the reader is to refuse what the card would count as a wrong PIN. */
static gpg_error_t bounds(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                          uint8_t *min, uint8_t *max)
{
    bool one = keypad->apdu == KEYPAD_FIELD;
    size_t least = one ? verify->pin_length : verify->pin_min;
    size_t most = one ? verify->pin_length : verify->pin_max;

    if (most > keypad->pin_max)
        most = keypad->pin_max;
    if (!ccid_keypad_takes(keypad, verify->pin_length) || least < verify->pin_min ||
        most > verify->pin_max || least > most)
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    *min = (uint8_t)least;
    *max = (uint8_t)most;
    return 0;
}

static gpg_error_t append_apdu(const struct ccid_keypad *keypad, const uint8_t header[4],
                               uint8_t field, struct buffer *body)
{
    gpg_error_t err = buffer_append(body, header, 4);

    if (!err && keypad->apdu != KEYPAD_HEADER)
        err = buffer_append_u8(body, field);
    for (uint8_t i = 0; !err && i < field; i++)
        err = buffer_append_u8(body, 0xff);
    return err;
}

gpg_error_t ccid_keypad_encode(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                               const uint8_t *prologue, struct buffer *body)
{
    uint8_t min = 0, max = 0;
    gpg_error_t err = bounds(keypad, verify, &min, &max);
    uint8_t field = keypad->apdu == KEYPAD_FIELD ? max : 0;
    const uint8_t octets[] = {
        PIN_VERIFICATION,
        verify->seconds,
        PIN_IN_ASCII,
        field, /* the PIN into a block of so many octets, its length nowhere: */
        0,     /* where there is no block, the reader makes an Lc of it */
        max,
        min,
        KEY_PRESSED,
        ONE_MESSAGE,
        ENGLISH & 0xff,
        ENGLISH >> 8,
        0, /* the message that asks for a PIN */
        prologue ? prologue[0] : 0,
        prologue ? prologue[1] : 0,
        prologue && field ? (uint8_t)(5 + field) : 0, /* the reader's affair where it adds to it */
    };

    if (!err)
        err = buffer_append(body, octets, sizeof octets);
    return err ? err : append_apdu(keypad, verify->header, field, body);
}
