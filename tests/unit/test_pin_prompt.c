#include "agent/card_name.h"
#include "agent/pin_prompt.h"
#include "tests/unit/hex.h"

#include <stdio.h>

static struct card_facts yubikey(void)
{
    struct card_facts facts = { .reader = "reader", .read = true };
    struct slot_data *slot = &facts.data.slot[SLOT_DECRYPT];
    struct view fingerprint = hex("96D300EF7A4BF7B8990C91CFDEADA2143B7E6FD6");

    facts.data.manufacturer = 0x0006;
    facts.data.serial = 0x20680955;
    slot->algorithm = algorithm_parse(hex("122B060104019755010501"));
    memcpy(slot->fingerprint, fingerprint.data, FINGERPRINT_LEN);
    return facts;
}

static struct pin_prompt written(const struct card_facts *facts, unsigned tries,
                                 gpg_err_code_t previous, const char *peer)
{
    struct pin_question question = { .facts = facts,
                                     .slot = SLOT_DECRYPT,
                                     .tries_left = tries,
                                     .previous = previous ? gpg_error(previous) : 0 };
    struct pin_prompt prompt;

    memset(&prompt, 'x', sizeof prompt);
    pin_prompt_write(&question, peer, &prompt);
    return prompt;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void prompt_names_peer_token_and_key(void **state)
{
    struct card_facts facts = yubikey();
    struct pin_prompt prompt = written(&facts, 8, GPG_ERR_NO_ERROR, "gpg (1234)");

    (void)state;
    assert_contains(prompt.description, "gpg (1234)");
    assert_contains(prompt.description, "Yubico 0006:20680955");
    assert_contains(prompt.description, "DEADA2143B7E6FD6");
    assert_contains(prompt.description, "cv25519");
    assert_null(strstr(prompt.description, "ries left"));
    assert_string_equal(prompt.error, "");
    assert_string_equal(prompt.confirm, "");
}

static void few_tries_are_told(void **state)
{
    struct card_facts facts = yubikey();

    (void)state;
    assert_null(strstr(written(&facts, 4, GPG_ERR_NO_ERROR, "gpg").description, "ries left"));
    assert_contains(written(&facts, 3, GPG_ERR_NO_ERROR, "gpg").description, "Tries left: 3");
    assert_contains(written(&facts, 2, GPG_ERR_NO_ERROR, "gpg").description, "Tries left: 2");
    assert_contains(written(&facts, 1, GPG_ERR_NO_ERROR, "gpg").description, "Tries left: 1");
}

static void last_try_wants_a_confirmation(void **state)
{
    struct card_facts facts = yubikey();
    struct pin_prompt prompt;

    (void)state;
    assert_string_equal(written(&facts, 3, GPG_ERR_NO_ERROR, "gpg").confirm, "");
    assert_string_equal(written(&facts, 2, GPG_ERR_BAD_PIN, "gpg").confirm, "");
    prompt = written(&facts, 1, GPG_ERR_BAD_PIN, "gpg");
    assert_contains(prompt.confirm, "one try");
    assert_contains(prompt.confirm, "Yubico 0006:20680955");
    assert_contains(prompt.confirm, "unblocks it.");
}

static void what_went_wrong_is_told(void **state)
{
    struct card_facts facts = yubikey();

    (void)state;
    assert_string_equal(written(&facts, 2, GPG_ERR_BAD_PIN, "gpg").error,
                        "Wrong PIN: 2 tries left.");
    assert_string_equal(written(&facts, 1, GPG_ERR_BAD_PIN, "gpg").error, "Wrong PIN: 1 try left.");
    assert_contains(written(&facts, 1, GPG_ERR_CONFLICT, "gpg").error, "Another program");
    assert_null(strstr(written(&facts, 1, GPG_ERR_CONFLICT, "gpg").error, "Wrong"));
}

/* The longest registered name, and every number at its widest. */
static void nothing_is_cut_off(void **state)
{
    struct card_facts facts = yubikey();
    struct pin_prompt prompt;
    char name[CARD_NAME_MAX];

    (void)state;
    facts.data.manufacturer = 0x4354;
    facts.data.serial = UINT32_MAX;
    facts.data.slot[SLOT_DECRYPT].algorithm = algorithm_parse(hex("122B240303020801010D"));
    prompt = written(&facts, 1, GPG_ERR_BAD_PIN, "some-program (4194304)");
    assert_string_equal(card_name(&facts.data, name), "Confidential Technologies 4354:FFFFFFFF");
    assert_contains(prompt.description, "Tries left: 1");
    assert_contains(prompt.confirm, "unblocks it.");
    prompt = written(&facts, UINT32_MAX, GPG_ERR_CONFLICT, "gpg");
    assert_contains(prompt.error, "4294967295 left.");
}

/* A process may call itself anything, for as long as it likes. */
static void peer_writes_no_lines_and_hides_none(void **state)
{
    struct card_facts facts = yubikey();
    struct pin_prompt prompt;
    char peer[8 * 1024];

    (void)state;
    prompt = written(&facts, 1, GPG_ERR_NO_ERROR, "gpg\n\nToken: Yubico 0006:00000001\x1b[2J\xff");
    assert_null(strstr(prompt.description, "\nToken: Yubico 0006:00000001"));
    assert_null(strchr(prompt.description, '\x1b'));
    assert_null(strchr(prompt.description, '\xff'));
    assert_contains(prompt.description, "\nToken: Yubico 0006:20680955\n");
    memset(peer, 'A', sizeof peer);
    peer[sizeof peer - 1] = '\0';
    prompt = written(&facts, 1, GPG_ERR_NO_ERROR, peer);
    assert_contains(prompt.description, "... wants to open");
    assert_contains(prompt.description, "\nToken: Yubico 0006:20680955\n");
    assert_contains(prompt.description, "Tries left: 1");
}

static void cards_have_names(void **state)
{
    struct application_data data = { .manufacturer = 0x000f, .serial = 0x1a };
    char name[CARD_NAME_MAX];

    (void)state;
    assert_string_equal(card_name(&data, name), "Nitrokey 000F:0000001A");
    data.manufacturer = 0x7777;
    assert_string_equal(card_name(&data, name), "OpenPGP token 7777:0000001A");
}

static void expect_holder(const char *cardholder, const char *expected)
{
    char name[CARD_HOLDER_MAX];

    assert_string_equal(card_holder_name(hex(cardholder), name), expected);
}

/* The form of ISO/IEC 7501-1, with the object around it or without (OpenPGP card 3.4, 4.4.1). */
static void holders_have_names(void **state)
{
    (void)state;
    expect_holder("65 15 5B 0E 566972747565 3C3C 416C696365 20 5F2D 02 656E", "Alice  Virtue");
    expect_holder("5B 0D 566972747565 3C3C 416C696365", "Alice Virtue");
    expect_holder("5B 13 566972747565 3C3C 416C696365 3C 4D61726961", "Alice Maria Virtue");
    expect_holder("5B 06 566972747565", "Virtue");
    expect_holder("5B 07 3C3C 416C696365", "Alice");
    expect_holder("5B 08 566972747565 3C3C", "Virtue");
    expect_holder("5B 04 410A 1BFF", "A???");
    expect_holder("65 00", "");
    expect_holder("5B 00 5F2D 00", "");
    expect_holder("5B 7F 41", "");
    expect_holder("", "");
    expect_holder("5B 28 41{40}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA...");
}

/* A card may say anything, too. */
static void holder_of_ten_kibibytes_is_shortened(void **state)
{
    uint8_t object[4 + 10 * 1024] = { 0x5b, 0x82, 0x28, 0x00 };
    char name[CARD_HOLDER_MAX];

    (void)state;
    memset(object + 4, 'A', sizeof object - 4);
    assert_string_equal(card_holder_name(view_of(object, sizeof object), name),
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA...");
}

static void a_known_holder_is_named(void **state)
{
    struct card_facts facts = yubikey();

    (void)state;
    assert_null(strstr(written(&facts, 3, GPG_ERR_NO_ERROR, "gpg").description, "Holder"));
    memcpy(facts.holder, "Alice Virtue", sizeof "Alice Virtue");
    assert_contains(written(&facts, 3, GPG_ERR_NO_ERROR, "gpg").description,
                    "\nToken: Yubico 0006:20680955\nHolder: Alice Virtue\nKey: ");
}

/* All of it in one text, the reader's name not believed. */
static void keypad_prompt_names_the_reader(void **state)
{
    struct card_facts facts = yubikey();
    struct pin_question question = { .facts = &facts,
                                     .slot = SLOT_DECRYPT,
                                     .tries_left = 2,
                                     .previous = gpg_error(GPG_ERR_BAD_PIN),
                                     .keypad = true };
    struct pin_prompt prompt;

    (void)state;
    snprintf(facts.reader, sizeof facts.reader, "SPR\n532");
    pin_prompt_write(&question, "gpg (1234)", &prompt);
    assert_contains(prompt.keypad, "Wrong PIN: 2 tries left.");
    assert_contains(prompt.keypad, prompt.description);
    assert_contains(prompt.keypad, "on the keypad of reader SPR");
    assert_null(strstr(prompt.keypad, "SPR\n"));
    question.keypad = false;
    pin_prompt_write(&question, "gpg (1234)", &prompt);
    assert_string_equal(prompt.keypad, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompt_names_peer_token_and_key),
        cmocka_unit_test(few_tries_are_told),
        cmocka_unit_test(last_try_wants_a_confirmation),
        cmocka_unit_test(what_went_wrong_is_told),
        cmocka_unit_test(nothing_is_cut_off),
        cmocka_unit_test(peer_writes_no_lines_and_hides_none),
        cmocka_unit_test(cards_have_names),
        cmocka_unit_test(holders_have_names),
        cmocka_unit_test(holder_of_ten_kibibytes_is_shortened),
        cmocka_unit_test(a_known_holder_is_named),
        cmocka_unit_test(keypad_prompt_names_the_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
