/* agent/insert_prompt.h: who wants which token, in words that fit and that outside text cannot
 * break. */
#include "agent/insert_prompt.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/hex.h"

#include <stdio.h>
#include <string.h>

#define GPG "gpg (process 12)"

static struct known_token token(uint32_t serial, const char *holder)
{
    struct known_token t = { .facts.read = true };
    struct slot_data *slot = &t.facts.data.slot[SLOT_DECRYPT];

    t.facts.data.manufacturer = 6;
    t.facts.data.serial = serial;
    memcpy(slot->fingerprint, hex("41608A2A389B7878D965A99FFEFAF0A97AFE7040").data,
           FINGERPRINT_LEN);
    slot->algorithm = algorithm_parse(hex("122B060104019755010501"));
    slot->present = true;
    snprintf(t.facts.holder, sizeof t.facts.holder, "%s", holder);
    return t;
}

static void one_token_is_named_with_its_holder(void **state)
{
    struct known_token alice = token(0x12345678, "Alice Maria Example");
    char text[INSERT_PROMPT_MAX];

    (void)state;
    assert_string_equal(insert_prompt_write(&alice, 1, GPG, false, text),
                        "gpg (process 12) wants to open an encrypted message. Insert the token:\n\n"
                        "Token: Yubico 0006:12345678 (Alice Maria Example)\n"
                        "Key: FEFAF0A97AFE7040 (cv25519)");
}

static void a_token_without_a_holder(void **state)
{
    struct known_token alice = token(1, "");
    char text[INSERT_PROMPT_MAX];

    (void)state;
    assert_string_equal(insert_prompt_write(&alice, 1, GPG, true, text),
                        "No token with this key is in.\n\n"
                        "gpg (process 12) wants to open an encrypted message. Insert the token:\n\n"
                        "Token: Yubico 0006:00000001\n"
                        "Key: FEFAF0A97AFE7040 (cv25519)");
}

static void many_tokens_are_counted(void **state)
{
    static struct known_token tokens[5];
    char text[INSERT_PROMPT_MAX];

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        tokens[i] = token(i + 1, "");
    insert_prompt_write(tokens, 5, GPG, false, text);
    assert_non_null(strstr(text, "Insert one of these tokens:"));
    assert_non_null(strstr(text, "0006:00000003"));
    assert_null(strstr(text, "0006:00000004"));
    assert_non_null(strstr(text, "\n\nor one of 2 more"));
    insert_prompt_write(tokens, 3, GPG, false, text);
    assert_null(strstr(text, "more"));
}

/* Everything as long as it can be. */
static void it_always_fits(void **state)
{
    static const char holder[CARD_HOLDER_MAX] = "HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH";
    static struct known_token tokens[64];
    char text[INSERT_PROMPT_MAX], peer[500];

    (void)state;
    memset(peer, 'p', sizeof peer - 1);
    peer[sizeof peer - 1] = '\0';
    for (uint32_t i = 0; i < 64; i++) {
        tokens[i] = token(UINT32_MAX - i, holder);
        tokens[i].facts.data.manufacturer = 0xfffe;
    }
    insert_prompt_write(tokens, 64, peer, true, text);
    assert_non_null(strstr(text, "\n\nor one of 61 more"));
}

static void a_clients_name_writes_no_lines(void **state)
{
    struct known_token alice = token(1, "");
    char text[INSERT_PROMPT_MAX];

    (void)state;
    insert_prompt_write(&alice, 1, "gpg\n\nToken: mine\x1b[2J", false, text);
    assert_non_null(strstr(text, "gpg??Token: mine?[2J wants"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_is_named_with_its_holder),
        cmocka_unit_test(a_token_without_a_holder),
        cmocka_unit_test(many_tokens_are_counted),
        cmocka_unit_test(it_always_fits),
        cmocka_unit_test(a_clients_name_writes_no_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
