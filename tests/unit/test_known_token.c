/* agent/known_token.h: what is written can be read again, what is anything else is refused, and a
 * key is recalled only for a card that vouches for it. Keys, grips and fingerprints are gpg's. */
#include "agent/known_token.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/hex.h"

#include <stdio.h>
#include <string.h>

#define AID     "D2760001240103040006123456780000"
#define CREATED 1577934245

#define CV25519_FINGERPRINT "41608A2A389B7878D965A99FFEFAF0A97AFE7040"
#define CV25519_GRIP        "33910FB5193FCEAF1552155F2D71D1C2EE59AB15"
#define CV25519_POINT       "89700C49E82E6411025B17D0A206814CB0B05AB56C7600DCE16D361CAC0BAD4B"
#define CV25519_ATTRIBUTES  "122B060104019755010501"
#define CV25519_OBJECT      "7F49228620" CV25519_POINT

#define RSA_FINGERPRINT "4A6A0E5A2AA4159A43CFF4E8D0647115C6D61FC7"
#define RSA_GRIP        "18A389867F8387E4DFC1A1AEA3FC5C4623D0B33E"
#define RSA_ATTRIBUTES  "010800001100"
#define RSA_N                                                                                      \
    "C09BC368472F7118F059C0B14A760D8BAC55C49C6D48049888245B8F228FEE230A9ECC203B1C4DA0911785DD4C85" \
    "EF337F0A4BE48DDC038E8D8B5D94B6FA7C46889FD899F2914F5351EA23E0CA40B05BB7DF8F8751E13331A3FE8470" \
    "2B4C7DD345C112CA7A92BA9BB04F0F05553383C83665658F8F81B4A2F754F46955A3C6E59D78F783A51EA9A72765" \
    "B59E1E84ED5F3E978FB8977C1DEA458D74EA264EB73AB2D6417DEFFF168079B95817995AB0D601E4B49D4A323F3C" \
    "15176583922A008A82A72977017A42919254073BBCC9E9F2B57A07FE263D03015C0DF8A7B4154FC5454848E6877A" \
    "41BF8474731300ECFB334FCA225E4560E9AEE9E00789AB88C151"
#define RSA_OBJECT                                                                                 \
    "7F49820109"                                                                                   \
    "81820100" RSA_N "8203"                                                                        \
    "010001"

#define HEAD "cardea-token 1\naid " AID "\n"
#define KEY                                                                                        \
    "key 2 " CV25519_ATTRIBUTES " " CV25519_FINGERPRINT " 1577934245 on " CV25519_GRIP             \
    " " CV25519_OBJECT "\n"
#define RSA_KEY                                                                                    \
    "key 2 " RSA_ATTRIBUTES " " RSA_FINGERPRINT " 1577934245 off " RSA_GRIP " " RSA_OBJECT "\n"
#define UNREAD "key 1 - 0000000000000000000000000000000000000000 0 cached-fixed - -\n"

static gpg_error_t parse(const char *text, struct known_token *token)
{
    return known_token_parse(view_of(text, strlen(text)), token);
}

static void expect_parsed(const char *text, struct known_token *token)
{
    if (parse(text, token))
        fail_msg("refused: %s", text);
}

/* What a card says that holds the key in the text. */
static void card_with(const char *text, struct card_facts *facts)
{
    struct known_token token;

    expect_parsed(text, &token);
    *facts = token.facts;
    for (int i = 0; i < SLOTS; i++) {
        if (facts->key[i].state == SLOT_READ)
            facts->key[i] = (struct key_facts){ .state = SLOT_UNREAD };
    }
}

static void a_token_is_read(void **state)
{
    struct known_token token;
    enum slot slot;

    (void)state;
    expect_parsed(HEAD "holder Alice Example\n" UNREAD KEY "end\n", &token);
    assert_memory_equal(token.facts.data.aid, hex(AID).data, AID_LEN);
    assert_int_equal(token.facts.data.version, 0x0304);
    assert_int_equal(token.facts.data.manufacturer, 6);
    assert_int_equal(token.facts.data.serial, 0x12345678);
    assert_string_equal(token.facts.holder, "Alice Example");
    assert_int_equal(token.facts.key[SLOT_SIGN].state, SLOT_UNREAD);
    assert_int_equal(token.facts.data.slot[SLOT_SIGN].touch, TOUCH_CACHED_FIXED);
    assert_int_equal(token.facts.key[SLOT_AUTHENTICATE].state, SLOT_EMPTY);
    assert_int_equal(token.facts.data.slot[SLOT_DECRYPT].touch, TOUCH_ON);
    assert_int_equal(token.facts.data.slot[SLOT_DECRYPT].created, CREATED);
    assert_true(known_token_find(&token, hex(CV25519_GRIP).data, &slot));
    assert_int_equal(slot, SLOT_DECRYPT);
    assert_false(known_token_find(&token, hex(RSA_GRIP).data, &slot));
}

static void it_is_written_as_it_is_read(void **state)
{
    static const char *const texts[] = { HEAD "end\n", HEAD UNREAD KEY "end\n",
                                         HEAD "holder Alice Example\n" RSA_KEY "end\n" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buffer text = BUFFER(KNOWN_TOKEN_TEXT_MAX);
        struct known_token token;

        expect_parsed(texts[i], &token);
        assert_int_equal(known_token_write(&token, &text), 0);
        assert_int_equal(text.len, strlen(texts[i]));
        assert_memory_equal(text.data, texts[i], text.len);
        buffer_free(&text);
    }
}

static void another_version_is_told_apart(void **state)
{
    struct known_token token;

    (void)state;
    assert_int_equal(gpg_err_code(parse("cardea-token 2\nwho knows", &token)),
                     GPG_ERR_UNKNOWN_VERSION);
}

static const char *const no_tokens[] = {
    "",
    "\n",
    "end\n",
    "cardea-token\n",
    "cardea-token 1",
    "cardea-token 1\nend\n",
    "cardea-token one\naid " AID "\nend\n",
    "cardea-token 1 2\naid " AID "\nend\n",
    "something-else 1\naid " AID "\nend\n",
    HEAD,
    HEAD "end",
    HEAD "end\nmore",
    HEAD "end\nend\n",
    HEAD "\nend\n",
    HEAD "aid " AID "\nend\n",
    HEAD "colour blue\nend\n",
    HEAD "holder \nend\n",
    HEAD "holder A\nholder B\nend\n",
    HEAD "holder \x1b[2J\nend\n",
    HEAD "holder 0123456789012345678901234567890123456789\nend\n",
    HEAD KEY KEY "end\n",
    HEAD "key 0 - " CV25519_FINGERPRINT " 1 on - -\nend\n",
    HEAD "key 4 - " CV25519_FINGERPRINT " 1 on - -\nend\n",
    HEAD "key -1 - " CV25519_FINGERPRINT " 1 on - -\nend\n",
    HEAD "key 2\nend\n",
    HEAD "key 2 - - 1 on - -\nend\n",
    HEAD "key 2 - 4160 1 on - -\nend\n",
    HEAD "key 2 - " CV25519_FINGERPRINT " 4294967296 on - -\nend\n",
    HEAD "key 2 - " CV25519_FINGERPRINT " 1 maybe - -\nend\n",
    HEAD "key 2 - " CV25519_FINGERPRINT " 1 on - - -\nend\n",
    HEAD "key 2 - " CV25519_FINGERPRINT " 1 on " CV25519_GRIP " -\nend\n",
    HEAD "key 2 - " CV25519_FINGERPRINT " 1 on - " CV25519_OBJECT "\nend\n",
    HEAD "key 2 " CV25519_ATTRIBUTES " " CV25519_FINGERPRINT " 1 on " RSA_GRIP " " CV25519_OBJECT
         "\nend\n",
    HEAD "key 2 " RSA_ATTRIBUTES " " CV25519_FINGERPRINT " 1 on " CV25519_GRIP " " CV25519_OBJECT
         "\nend\n",
    "cardea-token 1\naid D2760001240203040006123456780000\nend\n",
    "cardea-token 1\naid D276000124010304000612345678\nend\n",
};

static void anything_else_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_tokens / sizeof *no_tokens; i++) {
        struct known_token token, before;

        memset(&token, 0xa5, sizeof token);
        memcpy(&before, &token, sizeof token);
        if (gpg_err_code(parse(no_tokens[i], &token)) != GPG_ERR_BAD_DATA)
            fail_msg("not refused: %s", no_tokens[i]);
        assert_memory_equal(&token, &before, sizeof token);
    }
}

static void every_truncation_is_refused(void **state)
{
    static const char text[] = HEAD "holder Alice\n" KEY "end\n";
    struct known_token token;

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(gpg_err_code(known_token_parse(view_of(text, len), &token)),
                         GPG_ERR_BAD_DATA);
}

static void a_key_is_recalled_when_the_card_vouches_for_it(void **state)
{
    static const char *const texts[] = { HEAD KEY "end\n", HEAD RSA_KEY "end\n" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct known_token token;
        struct card_facts facts;

        expect_parsed(texts[i], &token);
        card_with(texts[i], &facts);
        known_token_recall(&token, &facts);
        assert_int_equal(facts.key[SLOT_DECRYPT].state, SLOT_READ);
        assert_int_equal(facts.key[SLOT_DECRYPT].source, KEY_FROM_MEMORY);
        assert_memory_equal(facts.key[SLOT_DECRYPT].key.keygrip,
                            hex(i ? RSA_GRIP : CV25519_GRIP).data, KEYGRIP_LEN);
    }
}

static void expect_not_recalled(const struct known_token *token, struct card_facts facts)
{
    known_token_recall(token, &facts);
    assert_int_equal(facts.key[SLOT_DECRYPT].state, SLOT_UNREAD);
}

static void another_label_is_another_key(void **state)
{
    struct known_token token;
    struct card_facts card, facts;
    struct slot_data *slot = &facts.data.slot[SLOT_DECRYPT];

    (void)state;
    expect_parsed(HEAD KEY "end\n", &token);
    card_with(HEAD KEY "end\n", &card);
    facts = card;
    facts.data.aid[13] ^= 1;
    expect_not_recalled(&token, facts);
    facts = card;
    slot->fingerprint[0] ^= 1;
    expect_not_recalled(&token, facts);
    facts = card;
    slot->created++;
    expect_not_recalled(&token, facts);
    facts = card;
    slot->algorithm = algorithm_parse(hex(RSA_ATTRIBUTES));
    expect_not_recalled(&token, facts);
}

/* Labels that agree with each other and not with the key: written by who knows what program. */
static void a_label_that_is_not_the_keys_own_vouches_for_nothing(void **state)
{
    static const char *const fingerprints[] = { "0000000000000000000000000000000000000000",
                                                "41608A2A389B7878D965A99FFEFAF0A97AFE7041" };

    (void)state;
    for (size_t i = 0; i < sizeof fingerprints / sizeof *fingerprints; i++) {
        struct known_token token;
        struct card_facts facts;

        expect_parsed(HEAD KEY "end\n", &token);
        memcpy(token.facts.data.slot[SLOT_DECRYPT].fingerprint, hex(fingerprints[i]).data,
               FINGERPRINT_LEN);
        facts = token.facts;
        facts.key[SLOT_DECRYPT] = (struct key_facts){ .state = SLOT_UNREAD };
        expect_not_recalled(&token, facts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_read),
        cmocka_unit_test(it_is_written_as_it_is_read),
        cmocka_unit_test(another_version_is_told_apart),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_key_is_recalled_when_the_card_vouches_for_it),
        cmocka_unit_test(another_label_is_another_key),
        cmocka_unit_test(a_label_that_is_not_the_keys_own_vouches_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
