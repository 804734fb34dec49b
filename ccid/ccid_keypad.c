#include "ccid/ccid_keypad.h"

#define PIN_VERIFICATION 0x00
#define PIN_IN_ASCII     0x82 /* left-justified octets */
#define KEY_PRESSED      0x02
#define ONE_MESSAGE      0x01
#define ENGLISH          0x0409

/* Sorted. */
static const struct ccid_keypad keypads[] = {
    { 0x04e6, 0xe003, 25, true },  /* SCM SPR532 */
    { 0x08e6, 0x34c2, 15, false }, /* Gemalto Ezio Shield */
    { 0x0c4b, 0x0504, 15, false }, /* REINER cyberJack go */
    { 0x0d46, 0x3002, 25, false }, /* KOBIL KAAN Advanced */
    { 0x1a44, 0x0920, 15, false }, /* VASCO DIGIPASS 920 */
    { 0x1fc9, 0x81e6, 15, false }, /* Trustica Cryptoucan */
};

const struct ccid_keypad *ccid_keypad_find(uint16_t vendor, uint16_t product)
{
    for (size_t i = 0; i < sizeof keypads / sizeof keypads[0]; i++) {
        if (keypads[i].vendor == vendor && keypads[i].product == product)
            return &keypads[i];
    }
    return NULL;
}

gpg_error_t ccid_keypad_encode(const struct ccid_keypad *keypad, const struct keypad_verify *verify,
                               const uint8_t prologue[3], struct buffer *body)
{
    size_t max = verify->pin_max < keypad->pin_max ? verify->pin_max : keypad->pin_max;
    const uint8_t octets[] = {
        PIN_VERIFICATION,
        verify->seconds,
        PIN_IN_ASCII,
        0, /* no block of a fixed size for the PIN, and no field for its length: */
        0, /* the reader puts Lc and PIN behind the header */
        (uint8_t)max,
        (uint8_t)verify->pin_min,
        KEY_PRESSED,
        ONE_MESSAGE,
        ENGLISH & 0xff,
        ENGLISH >> 8,
        0, /* the message that asks for a PIN */
        prologue[0],
        prologue[1],
        prologue[2],
        verify->header[0],
        verify->header[1],
        verify->header[2],
        verify->header[3],
    };

    if (verify->pin_min > max)
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    return buffer_append(body, octets, sizeof octets);
}
