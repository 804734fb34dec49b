/* A whole session with a card that answers what the input says: n, n octets of ATR, then the
 * answers of tests/fuzz/hostile_reader.h. */
#include "apdu/decipher.h"
#include "apdu/openpgp_card.h"
#include "tests/fuzz/hostile_reader.h"
#include "tests/unit/card_shapes.h"
#include "tests/unit/gpg_vectors.h"

#define CANNED_MAX 16

static struct view canned[CANNED_MAX];
static size_t canned_count;

static void can(const char *digits)
{
    static uint8_t octets[CANNED_MAX][600];
    size_t len = 0;

    for (const char *p = digits; *p;) {
        unsigned value;

        if (*p == ' ') {
            p++;
            continue;
        }
        FUZZ_CHECK(len < 600 && sscanf(p, "%2x", &value) == 1);
        octets[canned_count][len++] = (uint8_t)value;
        p += 2;
    }
    canned[canned_count] = view_of(octets[canned_count], len);
    canned_count++;
}

static void can_all(void)
{
    static char text[1200];
    const struct gpg_ecdh_vector *cv25519 =
        &gpg_ecdh_vectors[sizeof gpg_ecdh_vectors / sizeof *gpg_ecdh_vectors - 1];

    if (canned_count)
        return;
    can(shape_neo);
    can(shape_smartpgp);
    can(shape_canokey);
    can(shape_gnuk);
    can(shape_yubikey5);
    snprintf(text, sizeof text, "7F4922 8620 %s", cv25519->q + 2);
    can(text);
    snprintf(text, sizeof text, "7F49820109 81820100 %s 8203010001", gpg_rsa2048_n);
    can(text);
    can(cv25519->z);
    can("810103 820108 830400000400 84083031323334353637 86084142434445464748");
}

static void check_read(struct openpgp_card *card, struct kdf_do *kdf)
{
    struct application_data before = card->data;
    struct kdf_do kdf_before = *kdf;
    struct buffer value = BUFFER(1000);

    (void)openpgp_card_select(card);
    if (openpgp_card_read_data(card))
        FUZZ_CHECK(memcmp(&card->data, &before, sizeof before) == 0);
    if (openpgp_card_get_data(card, DO_URL, &value))
        FUZZ_CHECK(value.len == 0);
    if (openpgp_card_read_kdf(card, kdf))
        FUZZ_CHECK(memcmp(kdf, &kdf_before, sizeof kdf_before) == 0);
    buffer_free(&value);
}

static void check_verify(struct openpgp_card *card, struct hostile_reader *reader,
                         const struct kdf_do *kdf)
{
    size_t before = reader->verifies;
    struct secret pin = { 0 };
    struct secret sent = { 0 };

    FUZZ_CHECK(!secret_copy(&pin, view_of("123456", 6)));
    if (!(kdf->active && kdf->count > 4096) && !kdf_do_apply(kdf, PASSWORD_PW1, &pin, &sent)) {
        (void)openpgp_card_verify(card, PASSWORD_PW1, &sent);
        FUZZ_CHECK(reader->verifies <= before + 1);
        before = reader->verifies;
    }
    secret_free(&sent);
    FUZZ_CHECK(openpgp_card_verify(card, PASSWORD_PW1, &sent));
    (void)openpgp_card_forget_verification(card, PASSWORD_PW1);
    FUZZ_CHECK(reader->verifies == before);
    secret_free(&pin);
}

static void check_decipher(struct openpgp_card *card, struct hostile_reader *reader,
                           const struct public_key *key)
{
    static const uint8_t number[32] = { 9 };
    struct view ciphertext = key->algorithm.kind == KEY_RSA || key->algorithm.curve->montgomery
                                 ? view_of(number, 32)
                                 : view_of(key->q.bytes, key->q.len);
    size_t before = reader->operations;
    struct buffer data = BUFFER(1024);
    struct secret plain = { 0 };
    uint16_t sw = 1;

    if (!decipher_encode(key, ciphertext, &data)) {
        gpg_error_t err = openpgp_card_decipher(card, key, buffer_view(&data), &plain, &sw);

        FUZZ_CHECK(err ? !plain.data
                       : plain.len > 0 && plain.len <= RSA_OCTETS_MAX && sw == 0x9000);
        FUZZ_CHECK(reader->operations <= before + 2);
    }
    secret_free(&plain);
    buffer_free(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hostile_reader reader;
    struct openpgp_card card;
    struct kdf_do kdf = { 0 };
    struct public_key key;
    struct view atr = { 0 };
    struct view input = view_of(data, size);
    uint8_t n;

    if (secret_init_library() || !view_u8(&input, &n) || !view_take(&input, n % 34u, &atr))
        return 0;
    can_all();
    hostile_reader(&reader, input);
    reader.canned = canned;
    reader.canned_count = canned_count;
    if (atr.len)
        memcpy(reader.reader.atr, atr.data, atr.len);
    reader.reader.atr_len = atr.len;
    openpgp_card_init(&card, &reader.reader);
    for (int round = 0; round < 2; round++) {
        check_read(&card, &kdf);
        for (int slot = SLOTS - 1; slot >= 0; slot--) {
            fuzz_mark(&key, sizeof key);
            if (openpgp_card_read_public_key(&card, (enum slot)slot, &key))
                FUZZ_CHECK(fuzz_marked(&key, sizeof key));
            else
                check_decipher(&card, &reader, &key);
        }
        check_verify(&card, &reader, &kdf);
    }
    FUZZ_CHECK(reader.verifies <= 2);
    return 0;
}
