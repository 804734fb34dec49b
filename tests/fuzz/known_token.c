/* The file of a known token: what is accepted is written again so that it is read as the same, and
 * recalling it for a card that says the same is safe. */
#include "agent/known_token.h"
#include "tests/fuzz/fuzz.h"

static void check_writing(const struct known_token *token)
{
    struct buffer text = BUFFER(KNOWN_TOKEN_TEXT_MAX), again = BUFFER(KNOWN_TOKEN_TEXT_MAX);
    struct known_token read;

    FUZZ_CHECK(!known_token_write(token, &text));
    FUZZ_CHECK(!known_token_parse(buffer_view(&text), &read));
    FUZZ_CHECK(!known_token_write(&read, &again));
    FUZZ_CHECK(view_equal(buffer_view(&text), buffer_view(&again)));
    buffer_free(&text);
    buffer_free(&again);
}

static void check_recall(const struct known_token *token)
{
    struct card_facts facts = token->facts;

    for (int i = 0; i < SLOTS; i++) {
        if (facts.key[i].state == SLOT_READ)
            facts.key[i] = (struct key_facts){ .state = SLOT_UNREAD };
    }
    known_token_recall(token, &facts);
    for (int i = 0; i < SLOTS; i++)
        FUZZ_CHECK(facts.key[i].state != SLOT_READ ||
                   !memcmp(facts.key[i].key.keygrip, token->facts.key[i].key.keygrip, KEYGRIP_LEN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct known_token token;
    gpg_error_t err;

    fuzz_mark(&token, sizeof token);
    err = known_token_parse(view_of(data, size), &token);
    if (err) {
        FUZZ_CHECK(gpg_err_code(err) == GPG_ERR_BAD_DATA ||
                   gpg_err_code(err) == GPG_ERR_UNKNOWN_VERSION);
        FUZZ_CHECK(fuzz_marked(&token, sizeof token));
        return 0;
    }
    FUZZ_CHECK(strlen(token.facts.holder) < CARD_HOLDER_MAX);
    check_writing(&token);
    check_recall(&token);
    return 0;
}
