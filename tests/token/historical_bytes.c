/* What the card says of itself before anything else: DO 5F52 (§6) and the answer to reset. */
#include "base/text.h"
#include "tests/token/card.h"

#include <string.h>

/* Third octet of the card capabilities, ISO 7816-4 table 119 (2013) */
#define CAPABILITY_CHAINING      0x80
#define CAPABILITY_EXTENDED      0x40
#define CAPABILITY_EXTENDED_INFO 0x20
#define CARD_CAPABILITIES        0x73 /* compact TLV: three octets */

#define LIFE_INITIALISED 0x03
#define LIFE_OPERATIONAL 0x05
#define STATUS_LEN       3 /* life cycle and SW1 SW2, at the end */

/* What the command line took away is not announced. */
static uint8_t capabilities(const struct token_options *o, uint8_t announced)
{
    if (!o->command_chaining)
        announced &= (uint8_t)~CAPABILITY_CHAINING;
    if (!o->extended_length)
        announced &= (uint8_t) ~(CAPABILITY_EXTENDED | CAPABILITY_EXTENDED_INFO);
    return announced;
}

size_t token_historical_bytes(const struct token *t, uint8_t out[HISTORICAL_MAX])
{
    const char *hex = t->options.profile->historical;
    uint8_t *life, *tag;
    size_t len;

    if (!hex_decode(hex, strlen(hex), out, HISTORICAL_MAX, &len) || len <= STATUS_LEN)
        return 0;
    tag = memchr(out, CARD_CAPABILITIES, len - STATUS_LEN);
    if (tag && tag + 3 < out + len)
        tag[3] = capabilities(&t->options, tag[3]);
    life = &out[len - STATUS_LEN];
    if (*life == LIFE_OPERATIONAL && t->card.terminated)
        *life = LIFE_INITIALISED;
    return len;
}

/* ISO 7816-3 §8.2: T=1, and historical bytes that are DO 5F52. */
static size_t compose_atr(const struct token *t, uint8_t out[ATR_MAX])
{
    static const uint8_t interface[] = {
        0x3B, 0xD0, 0x18, 0xFF, 0x81, 0xB1, 0xFE, 0x75, 0x1F, 0x03
    };
    size_t len = sizeof interface;
    uint8_t check = 0;

    memcpy(out, interface, sizeof interface);
    len += token_historical_bytes(t, out + len);
    out[1] = (uint8_t)(out[1] | (len - sizeof interface));
    for (size_t i = 1; i < len; i++)
        check ^= out[i];
    out[len++] = check;
    return len;
}

size_t token_make_atr(const struct token *t, uint8_t out[ATR_MAX])
{
    const char *hex = t->options.profile->atr;
    size_t len;

    if (!hex || !hex_decode(hex, strlen(hex), out, ATR_MAX, &len))
        return compose_atr(t, out);
    return len;
}
