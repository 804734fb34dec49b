#include "tests/fault/operations.h"

#include "apdu/tlv.h"
#include "base/text.h"
#include "tests/fault/faults.h"
#include "tests/fault/human.h"
#include "tests/fault/need.h"

#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_OCTETS 32
#define RSA_OCTETS 256
#define VALUE_MAX  2048

static const char *const wrong_then_right[] = { WRONG_PIN, NULL };

static void reset_by_others(void)
{
    world_reset(0);
}

static void selected_by_others(void)
{
    world_select_other(0);
}

static void taken_out(void)
{
    world.slot_at_fault = 0;
    take_out();
}

static void replugged(void)
{
    world.slot_at_fault = 0;
    replug();
}

#define OF(card) .cards = { card, NO_CARD }
#define WARM     OF(CARD_X25519), .warm = true
#define KEPT     WARM, .keeps_pins = true

/* clang-format off */
const struct operation operations[] = {
    { .name = "discover",             OF(CARD_X25519), .command = "HAVEKEY" },
    { .name = "list",                 OF(CARD_X25519), .command = "TOKENS" },
    { .name = "learn two cards",      .cards = { CARD_RSA_CHAINED, CARD_X25519 },
                                      .command = "KEYINFO --list" },
    { .name = "decrypt X25519",       OF(CARD_X25519) },
    { .name = "decrypt P-256",        OF(CARD_P256), .key = CARD_P256 },
    { .name = "decrypt RSA",          OF(CARD_RSA), .key = CARD_RSA },
    { .name = "decrypt RSA, chained", OF(CARD_RSA_CHAINED), .key = CARD_RSA },
    { .name = "verify hashed",        OF(CARD_KDF) },
    { .name = "wrong PIN",            OF(CARD_X25519), .plan = wrong_then_right },
    { .name = "warm",                 WARM },
    { .name = "warm, PIN kept",       KEPT },
    { .name = "re-select",            WARM, .meanwhile = selected_by_others },
    { .name = "re-select, PIN kept",  KEPT, .meanwhile = selected_by_others },
    { .name = "reset, PIN kept",      KEPT, .meanwhile = reset_by_others },
    { .name = "replugged",            KEPT, .meanwhile = replugged },
    { .name = "insert prompt",        WARM, .meanwhile = taken_out, .asks_insertion = true },
    { .name = "second of two cards",  .cards = { CARD_RSA, CARD_X25519 } },
    { .name = "two cards of one key", .cards = { CARD_X25519, CARD_TWIN } },
    { .name = "session key",          OF(CARD_RSA), .session_key = true, .key = CARD_RSA },
    { .name = "session key, two cards", .cards = { CARD_P256, CARD_RSA_CHAINED },
                                      .session_key = true, .key = CARD_RSA },
};
/* clang-format on */

const size_t operation_count = sizeof operations / sizeof operations[0];

/* RFC 7748 §6.1 and RFC 5903 §8.1: the other side's point, and what both share. */
#define X25519_E      "40DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F"
#define X25519_SHARED "4A5D9D5BA4CE2DE1728E3BF480350F25E07E21C947D19E3376F09B3C1E161742"
#define P256_E                                                                                     \
    "04D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"                           \
    "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"
#define P256_SHARED "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"

struct ciphertext_of {
    char keygrip[2 * KEYGRIP_LEN + 1];
    struct buffer encrypted; /* as PKDECRYPT inquires it */
    struct buffer packet;    /* as SESSIONKEY does */
    uint8_t secret[KEY_OCTETS];
};

static struct ciphertext_of of[CARDS_IN_WORLD];
static const uint8_t session_key[KEY_OCTETS] = "no log may ever hold these words";

static void put(struct buffer *b, const char *text)
{
    NEED(!buffer_append(b, text, strlen(text)));
}

static size_t octets_of(const char *hex, uint8_t *out)
{
    size_t len;

    NEED(hex_decode(hex, strlen(hex), out, 128, &len));
    return len;
}

static void prepare_point(struct ciphertext_of *c, const char *e, const char *shared)
{
    static const uint8_t wrapped[49] = { 48 };
    uint8_t point[128], secret[128];
    size_t len = octets_of(e, point);
    char head[32];

    NEED(octets_of(shared, secret) == KEY_OCTETS);
    memcpy(c->secret, secret, KEY_OCTETS);
    c->encrypted = BUFFER(VALUE_MAX);
    put(&c->encrypted, "(7:enc-val(4:ecdh(1:s49:");
    NEED(!buffer_append(&c->encrypted, wrapped, sizeof wrapped));
    snprintf(head, sizeof head, ")(1:e%zu:", len);
    put(&c->encrypted, head);
    NEED(!buffer_append(&c->encrypted, point, len));
    put(&c->encrypted, ")))");
}

static void read_modulus(enum card_name card, uint8_t *n)
{
    static const uint8_t command[] = { 0x00, 0x47, 0x81, 0x00, 0x00, 0x00,
                                       0x02, 0xb8, 0x00, 0x00, 0x00 };
    struct buffer answer = BUFFER(4096);
    struct view key, modulus;

    world_command(card, view_of("\x00\xa4\x04\x00\x06\xd2\x76\x00\x01\x24\x01", 11), &answer);
    world_command(card, view_of(command, sizeof command), &answer);
    NEED(tlv_find(buffer_view(&answer), 0x7f49, &key) && tlv_find(key, 0x81, &modulus));
    NEED(modulus.len == RSA_OCTETS);
    memcpy(n, modulus.data, RSA_OCTETS);
    buffer_free(&answer);
}

/* RFC 9580 §5.1.3: cipher, key, checksum; PKCS #1 by libgcrypt. */
static void encrypt_session_key(const uint8_t *n, uint8_t *cryptogram)
{
    uint8_t m[1 + KEY_OCTETS + 2] = { 9 };
    gcry_sexp_t key, data, encrypted, a;
    unsigned sum = 0;
    const char *octets;
    size_t len;

    memcpy(m + 1, session_key, KEY_OCTETS);
    for (size_t i = 0; i < KEY_OCTETS; i++)
        sum += session_key[i];
    m[33] = (uint8_t)(sum >> 8);
    m[34] = (uint8_t)sum;
    NEED(!gcry_sexp_build(&key, NULL, "(public-key (rsa (n %b) (e #010001#)))", RSA_OCTETS, n));
    NEED(!gcry_sexp_build(&data, NULL, "(data (flags pkcs1) (value %b))", (int)sizeof m, m));
    NEED(!gcry_pk_encrypt(&encrypted, data, key));
    a = gcry_sexp_find_token(encrypted, "a", 1);
    octets = gcry_sexp_nth_data(a, 1, &len);
    for (; len > RSA_OCTETS; len--)
        octets++;
    memset(cryptogram, 0, RSA_OCTETS - len);
    memcpy(cryptogram + RSA_OCTETS - len, octets, len);
    gcry_sexp_release(a);
    gcry_sexp_release(encrypted);
    gcry_sexp_release(data);
    gcry_sexp_release(key);
}

/* A version 3 PKESK that names nobody (RFC 9580 §5.1.1). */
static void prepare_packet(struct buffer *packet, const uint8_t *cryptogram)
{
    unsigned bits = RSA_OCTETS * 8;

    for (unsigned bit = 0x80; !(cryptogram[0] & bit) && bits > 1; bit >>= 1)
        bits--;
    *packet = BUFFER(VALUE_MAX);
    put(packet, "\xc1\xc0");
    NEED(!buffer_append_u8(packet, 1 + 8 + 1 + 2 + RSA_OCTETS - 192));
    put(packet, "\x03");
    NEED(!buffer_append(packet, "\0\0\0\0\0\0\0\0\1", 9));
    NEED(!buffer_append_u16(packet, (uint16_t)bits));
    NEED(!buffer_append(packet, cryptogram, RSA_OCTETS));
}

static void prepare_rsa(struct ciphertext_of *c)
{
    uint8_t n[RSA_OCTETS], cryptogram[RSA_OCTETS];

    read_modulus(CARD_RSA, n);
    do
        encrypt_session_key(n, cryptogram);
    while (cryptogram[0] == 0);
    memcpy(c->secret, session_key, KEY_OCTETS);
    c->encrypted = BUFFER(VALUE_MAX);
    put(&c->encrypted, "(7:enc-val(3:rsa(1:a256:");
    NEED(!buffer_append(&c->encrypted, cryptogram, RSA_OCTETS));
    put(&c->encrypted, ")))");
    prepare_packet(&c->packet, cryptogram);
}

static void learn_keygrip(struct agent *agent, enum card_name card)
{
    struct card_list list;
    struct card_facts facts;

    do { /* until the watcher has seen the one that was put in last */
        cards_list(agent->cards, &list);
        NEED(list.count <= 1);
        if (list.count == 1 && !card_learn(list.card[0], SLOTS_DECRYPT, &facts) &&
            memcmp(facts.data.aid, world_aid(card), AID_LEN) == 0)
            break;
        card_list_release(&list);
    } while (true);
    hex_encode(view_of(facts.key[SLOT_DECRYPT].key.keygrip, KEYGRIP_LEN), of[card].keygrip);
    card_list_release(&list);
}

void operations_prepare(struct agent *agent)
{
    static const enum card_name keys[] = { CARD_X25519, CARD_P256, CARD_RSA };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        world_set(keys[i], NO_CARD);
        learn_keygrip(agent, keys[i]);
    }
    prepare_point(&of[CARD_X25519], X25519_E, X25519_SHARED);
    prepare_point(&of[CARD_P256], P256_E, P256_SHARED);
    prepare_rsa(&of[CARD_RSA]);
}

void operations_done(void)
{
    for (int i = 0; i < CARDS_IN_WORLD; i++) {
        buffer_free(&of[i].encrypted);
        buffer_free(&of[i].packet);
    }
}

struct view operation_secret(const struct operation *operation)
{
    return view_of(of[operation->key].secret, KEY_OCTETS);
}

static bool holds(const uint8_t *data, size_t len, struct view part)
{
    for (size_t i = 0; i + part.len <= len; i++) {
        if (memcmp(data + i, part.data, part.len) == 0)
            return true;
    }
    return false;
}

bool operation_is_right(const struct operation *operation, const struct reply *reply)
{
    char text[2 + 2 * KEY_OCTETS + 1] = "9:";

    if (reply->finals != 1 || reply->err)
        return false;
    if (operation->command)
        return true;
    if (!operation->session_key)
        return holds(reply->data, reply->data_len, operation_secret(operation));
    hex_encode(operation_secret(operation), text + 2);
    return holds(reply->data, reply->data_len, view_of(text, strlen(text)));
}

void operation_run(const struct operation *operation, struct client *client, struct reply *reply)
{
    const struct ciphertext_of *c = &of[operation->key];
    struct view nothing = { 0 };
    char line[128];

    if (operation->command) {
        snprintf(line, sizeof line, "%s %s", operation->command,
                 strcmp(operation->command, "HAVEKEY") == 0 ? c->keygrip : "");
        client_command(client, line, nothing, reply);
    } else if (operation->session_key) {
        client_command(client, "SESSIONKEY", buffer_view(&c->packet), reply);
    } else {
        snprintf(line, sizeof line, "SETKEY %s", c->keygrip);
        client_command(client, line, nothing, reply);
        if (!reply->err)
            client_command(client, "PKDECRYPT", buffer_view(&c->encrypted), reply);
    }
}
