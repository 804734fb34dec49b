/* What sets the devices apart, beyond what test_probes compares: openings, PINs, lengths, touch. */
#include "base/text.h"
#include "tests/token/exchange.h"
#include "tests/token/rsa_key.h"

#include <stdio.h>
#include <string.h>

#define WRONG_PIN "00 20 0082 06 363534333231"

#define P256_ATTRIBUTES "00 DA 00C2 09 12 2A8648CE3D030107"
/* RFC 5903 §8.1 */
#define P256_IMPORT                                                                                \
    "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"                                              \
    "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"
#define P256_POINT                                                                                 \
    "04 D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"                          \
    "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"
#define P256_DECIPHER      "00 2A 8086 48 A6 46 7F49 43 86 41" P256_POINT "00"
#define P256_DECIPHER_LONG "00 2A 8086 49 A6 47 7F49 44 86 8141" P256_POINT "00"
#define P256_SHARED        "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE 9000"
/* 09, 32 octets, their sum: test_rsa.c */
#define RSA_SESSION_KEY "09 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 01F0"
#define RSA_IMPORT_DECRYPTION                                                                      \
    "00 DB 3FFF 00 0119 4D 820115 B800 7F48 08 9103 928180 938180"                                 \
    "5F48 820103 010001" RSA_P RSA_Q

static struct token *new_profile(const char *name)
{
    struct token_options o;

    assert_non_null(token_profile_find(name));
    token_profile_options(&o, token_profile_find(name));
    return exchange_new_with(&o);
}

static struct token *new_untouched(const char *name)
{
    struct token_options o;
    struct token *t;

    assert_non_null(token_profile_find(name));
    token_profile_options(&o, token_profile_find(name));
    o.touch = TOKEN_TOUCH_NEVER;
    t = exchange_new_with(&o);
    return t;
}

static void put_p256(struct token *t)
{
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, P256_ATTRIBUTES, "9000");
    expect(t, P256_IMPORT, "9000");
    expect(t, VERIFY_OTHER, "9000");
}

static void put_rsa(struct token *t)
{
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, RSA_IMPORT_DECRYPTION, "9000");
    expect(t, VERIFY_OTHER, "9000");
}

/* Three wrong PINs, then the right one. */
static void pins_are_refused_in_many_words(void **state)
{
    static const struct {
        const char *name, *answer[4];
    } devices[] = {
        { "generic", { "6982", "6982", "6982", "6983" } },
        { "yubikey-neo", { "6982", "6982", "6982", "6983" } },
        { "yubikey-4", { "6982", "6982", "6982", "6983" } },
        { "yubikey-5.7", { "6982", "6982", "6982", "6983" } },
        { "nitrokey-pro2", { "6982", "6982", "6982", "6983" } },
        { "nitrokey-start", { "6982", "6982", "6982", "6983" } },
        { "nitrokey-3", { "63C2", "63C1", "63C0", "63C0" } },
        { "smartpgp", { "6982", "6982", "6982", "6982" } },
        { "canokey", { "6982", "6982", "6983", "6983" } },
        { "ledger", { "6982", "6982", "6982", "6983" } },
    };
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_profile(devices[i].name);

        for (size_t j = 0; j < 4; j++)
            expect(t, j < 3 ? WRONG_PIN : VERIFY_OTHER, devices[i].answer[j]);
        exchange_send(t, "00 CA 00C4 00", &answer);
        assert_int_equal(answer.data[4], 0);
        token_free(&t);
    }
    buffer_free(&answer);
}

/* SELECT with five octets of the name, with Le, with P2 = 0C. */
static void selection_is_more_or_less_strict(void **state)
{
    static const struct {
        const char *name, *part, *le, *p2;
    } devices[] = {
        { "canokey", "6A82", "9000", "6A86" },
        { "smartpgp", "9000", "9000", "9000" },
        { "yubikey-neo", "9000", "9000", "9000" },
        { "nitrokey-start", "6A82", "9000", "6B00" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_profile(devices[i].name);

        expect(t, "00 A4 0400 05 D276000124", devices[i].part);
        expect(t, "00 A4 0400 06 D27600012401 00", devices[i].le);
        expect(t, "00 A4 040C 06 D27600012401", devices[i].p2);
        token_free(&t);
    }
}

/* The lengths of DO 6E as real devices gave it: two YubiKeys and a Nitrokey Pro. */
static void trees_are_those_of_real_devices(void **state)
{
    static const struct {
        const char *name, *begins;
        size_t len;
    } devices[] = {
        { "yubikey-4", "6E81DD 4F10 D27600012401 0201 0006 00000001 0000 5F5208 0073000080059000",
          224 },
        { "yubikey-5.7",
          "6E820137 4F10 D27600012401 0304 0006 00000001 0000 5F5208 00730000E0059000", 315 },
        { "nitrokey-pro", "4F10 D27600012401 0201 0005 00000001 0000 5F520A 0031C573C00140059000",
          217 },
    };
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX), begins = BUFFER(256);

    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_profile(devices[i].name);

        exchange_send(t, "00 CA 006E 000000", &answer);
        assert_int_equal(answer.len - 2, devices[i].len);
        buffer_clear(&begins);
        exchange_append_hex(&begins, devices[i].begins);
        assert_memory_equal(answer.data, begins.data, begins.len);
        token_free(&t);
    }
    buffer_free(&answer);
    buffer_free(&begins);
}

/* Puts each attribute that DO FA lists into the slot it is listed for; SM2 is listed only. */
static unsigned int take_listed(struct token *t, struct view list)
{
    unsigned int count = 0;
    struct view attributes;
    char put[64], *hex;
    uint8_t tag, len;

    for (; view_u8(&list, &tag) && view_u8(&list, &len); count++) {
        assert_true(view_take(&list, len, &attributes));
        hex = put + snprintf(put, sizeof put, "00DA00%02X%02X", tag, len);
        hex_encode(attributes, hex);
        expect(t, put, strstr(hex, "2A811CCF55") ? "6A80" : "9000");
    }
    assert_int_equal(list.len, 0);
    return count;
}

static void listed_algorithms_are_taken(void **state)
{
    static const struct {
        const char *name, *command;
        unsigned int count;
    } devices[] = {
        { "generic", "00 CA 00FA 000000", 34 },    { "nitrokey-pro2", "00 CA 00FA 000000", 27 },
        { "nitrokey-start", "00 CA 00FA 00", 15 }, { "smartpgp", "00 CA 00FA 000000", 27 },
        { "canokey", "00 CA 00FA 000000", 27 },    { "nitrokey-3", "00 CA 00FA 000000", 33 },
    };
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_profile(devices[i].name);

        expect(t, VERIFY_ADMIN, "9000");
        exchange_send(t, devices[i].command, &answer);
        buffer_truncate(&answer, answer.len - 2);
        assert_int_equal(take_listed(t, buffer_view(&answer)), devices[i].count);
        token_free(&t);
    }
    buffer_free(&answer);
}

/* Before 5.6.1 the length is wrong by two, and Curve25519 is listed for EdDSA. */
static void yubikeys_list_has_its_faults(void **state)
{
    static const struct {
        const char *name;
        size_t too_long;
        bool wrong;
    } devices[] = { { "yubikey-5.2", 2, true },
                    { "yubikey-5.4", 2, true },
                    { "yubikey-5.7", 0, false } };
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX), wrong = BUFFER(16);

    (void)state;
    exchange_append_hex(&wrong, "16 2B060104019755010501");
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_profile(devices[i].name);

        exchange_send(t, "00 CA 00FA 000000", &answer);
        assert_int_equal(answer.data[0], 0xFA);
        assert_int_equal(answer.data[1], 0x82);
        assert_int_equal(answer.data[2] << 8 | answer.data[3],
                         answer.len - 6 + devices[i].too_long);
        assert_int_equal(memmem(answer.data, answer.len, wrong.data, wrong.len) != NULL,
                         devices[i].wrong);
        token_free(&t);
    }
    buffer_free(&answer);
    buffer_free(&wrong);
}

static void zeitcontrol_wants_le_where_it_belongs(void **state)
{
    struct token *t = new_profile("nitrokey-pro2");

    (void)state;
    expect(t, "00 20 0082 06 313233343536 00", "6700");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, "00 CA 004F", "6700");
    expect(t, "00 CA 00FA 00", "6700"); /* longer than a short Le */
    expect(t, "10 2A 8086 01 00", "6884");
    expect(t, "00 47 8100 05 B803840102 00", "6A80");
    put_rsa(t);
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT, "9000"); /* and the result is lost */
    token_free(&t);
}

static void before_selection_cards_have_different_excuses(void **state)
{
    struct token *t = new_profile("nitrokey-storage");

    (void)state;
    token_reset(t);
    expect(t, "00 CA 006E 00", "6A88");
    token_free(&t);
}

/* VERIFY without data: the PIN stays verified and is of no use. */
static void canokey_loses_its_mode_to_a_question(void **state)
{
    struct token *t = new_profile("canokey");

    (void)state;
    put_p256(t);
    expect(t, P256_DECIPHER, P256_SHARED);
    expect(t, "00 20 0082", "9000");
    expect(t, P256_DECIPHER, "6982");
    expect(t, "00 20 0082", "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, P256_DECIPHER, P256_SHARED);
    token_free(&t);
}

static void some_do_not_parse_what_is_around_a_point(void **state)
{
    static const struct {
        const char *name, *long_form;
    } devices[] = { { "generic", P256_SHARED },
                    { "nitrokey-start", "6700" },
                    { "smartpgp", "6700" } };

    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_profile(devices[i].name);

        put_p256(t);
        expect(t, P256_DECIPHER, P256_SHARED);
        expect(t, P256_DECIPHER_LONG, devices[i].long_form);
        token_free(&t);
    }
}

/* The vector of test_ecdh: 04, its x, and the y of that point, worked out in Python. */
static void gnuk_answers_whole_points_of_secp256k1(void **state)
{
    struct token *t = new_profile("nitrokey-start");

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C2 06 12 2B8104000A", "9000");
    expect(t,
           "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"
           "0948F4D49B9440783E111F2C5FEC70A197EAC2753760ADB3936CC3CB2C9C3ADE",
           "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t,
           "00 2A 8086 48 A6 46 7F49 43 86 41 04"
           "8D9B0B0D7307CC738E2CA30899A484D80896DB50D50DA7ECDE110E15D01E4495"
           "BB52EFB48EF0A6BB1E6E6363BEC5D7D951B53D99CCBE0C8FE714EA7043C9E3D1 00",
           "04 2D17598C29238B7C5995AF284FAC445BEADE36A904A020E8926280068A1A6C65"
           "159770B6F004DF7BBAF5522B6E734AEF96090A16B93DA353C6E41A70D3D843E4 9000");
    token_free(&t);
}

static void ledger_takes_and_gives_254_at_once(void **state)
{
    struct token *t = new_profile("ledger");
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX), command = BUFFER(512);

    (void)state;
    expect(t, VERIFY_OTHER, "9000");
    exchange_append_hex(&command, "10 2A 8086 FF");
    for (int i = 0; i < 255; i++)
        assert_int_equal(buffer_append_u8(&command, 0), 0);
    token_command(t, buffer_view(&command), &answer);
    assert_memory_equal(answer.data, "\x67\x00", 2);
    command.data[4] = 254;
    buffer_truncate(&command, command.len - 1);
    token_command(t, buffer_view(&command), &answer);
    assert_memory_equal(answer.data, "\x90\x00", 2);
    token_free(&t);
    t = new_profile("ledger");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 47 8000 02 B800", "6100"); /* as T=0 has it: Le is not sent */
    exchange_send(t, "00 C0 0000 00", &answer);
    assert_int_equal(answer.len, 254 + 2);
    assert_int_equal(answer.data[254], 0x61);
    buffer_free(&answer);
    buffer_free(&command);
    token_free(&t);
}

/* D7 beside the tree; and extended length, of which 5F52 does not tell. */
static void yubikey_4_keeps_things_to_itself(void **state)
{
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);
    struct token *t = new_profile("yubikey-4");

    (void)state;
    assert_true(token_set_touch(t, 1, 1));
    exchange_send(t, "00 CA 006E 00", &answer);
    assert_null(memmem(answer.data, answer.len, "\xD7\x02", 2));
    expect(t, "00 CA 00D7 00", "0120 9000");
    expect(t, "00 CA 5F52 00", "0073000080059000 9000");
    expect(t, "00 CA 005F 000000", "6B00");
    expect(t, "00 F1 0000 00", "040307 9000");
    buffer_free(&answer);
    token_free(&t);
}

static void old_yubikey_misses_a_touch_after_a_long_answer(void **state)
{
    struct token *t = new_profile("yubikey-4.2");
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

    (void)state;
    put_rsa(t);
    assert_true(token_set_touch(t, 1, 1));
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", RSA_SESSION_KEY "9000");
    exchange_send(t, "00 CA 006E 00", &answer);
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", "6600");
    exchange_send(t, "00 CA 006E 00", &answer);
    expect(t, "00 00 0000", "6D00");
    expect(t, "00 2A 8086 00 0101 00" RSA_CIPHERTEXT "0000", RSA_SESSION_KEY "9000");
    buffer_free(&answer);
    token_free(&t);
}

/* The word for a touch that never came, and what is left of the PIN. */
static void touch_that_never_came(void **state)
{
    static const struct {
        const char *name, *word, *after;
    } devices[] = { { "generic", "6600", P256_SHARED },
                    { "yubikey-5.7", "6600", P256_SHARED },
                    { "canokey", "6600", P256_SHARED },
                    { "nitrokey-3", "6982", P256_SHARED },
                    { "nitrokey-start", "6600", "6982" } };

    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct token *t = new_untouched(devices[i].name);

        put_p256(t);
        assert_true(token_set_touch(t, 1, 1));
        expect(t, P256_DECIPHER, devices[i].word);
        assert_true(token_set_touch(t, 1, 0));
        expect(t, P256_DECIPHER, devices[i].after);
        token_free(&t);
    }
}

/* An object that is there inside of 6E and not alone. */
static void nitrokey_3_has_a_word_of_its_own_for_hidden_objects(void **state)
{
    struct token *t = new_profile("nitrokey-3");

    (void)state;
    expect(t, "00 CA 00C5 00", "6A80");
    expect(t, "00 CA 00AB 00", "6A88");
    token_free(&t);
}

static void kdf_comes_before_keys(void **state)
{
    struct token *t = new_profile("yubikey-5.7");

    (void)state;
    put_p256(t);
    expect(t, "00 DA 00F9 03 810100", "6985");
    token_free(&t);
    t = new_profile("canokey");
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00F9 03 810100", "6A88"); /* not announced, not there */
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_are_refused_in_many_words),
        cmocka_unit_test(selection_is_more_or_less_strict),
        cmocka_unit_test(trees_are_those_of_real_devices),
        cmocka_unit_test(listed_algorithms_are_taken),
        cmocka_unit_test(yubikeys_list_has_its_faults),
        cmocka_unit_test(zeitcontrol_wants_le_where_it_belongs),
        cmocka_unit_test(before_selection_cards_have_different_excuses),
        cmocka_unit_test(canokey_loses_its_mode_to_a_question),
        cmocka_unit_test(some_do_not_parse_what_is_around_a_point),
        cmocka_unit_test(gnuk_answers_whole_points_of_secp256k1),
        cmocka_unit_test(ledger_takes_and_gives_254_at_once),
        cmocka_unit_test(yubikey_4_keeps_things_to_itself),
        cmocka_unit_test(old_yubikey_misses_a_touch_after_a_long_answer),
        cmocka_unit_test(touch_that_never_came),
        cmocka_unit_test(nitrokey_3_has_a_word_of_its_own_for_hidden_objects),
        cmocka_unit_test(kdf_comes_before_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
