/* The card's life: power, and one command after the other. */
#include "base/text.h"
#include "tests/token/card.h"

#include <stdlib.h>
#include <string.h>

#define LONG_ANSWER 54 /* octets after which an old YubiKey misses a touch */

struct instruction {
    uint8_t ins;
    bool answers; /* with data, so Le must be there */
    token_handler *handler;
};

static token_handler get_version;

static const struct instruction instructions[] = {
    { 0x20, false, token_verify },
    { 0x22, false, token_manage_security_environment },
    { 0x24, false, token_change_reference_data },
    { 0x2A, true, token_perform_security_operation },
    { 0x2C, false, token_reset_retry_counter },
    { 0x44, false, token_activate },
    { 0x47, true, token_key_pair },
    { 0x84, true, token_get_challenge },
    { 0x88, true, token_internal_authenticate },
    { 0xA4, false, token_select },
    { 0xA5, false, token_select_data },
    { 0xCA, true, token_get_data },
    { 0xCB, true, token_get_data_odd },
    { 0xCC, true, token_get_next_data },
    { 0xDA, false, token_put_data },
    { 0xDB, false, token_put_data_odd },
    { 0xE6, false, token_terminate },
    { 0xF1, true, get_version },
};

#define INS_PSO          0x2A
#define INS_ACTIVATE     0x44
#define INS_SELECT       0xA4
#define INS_SELECT_DATA  0xA5
#define INS_GET_RESPONSE 0xC0

void token_profile_options(struct token_options *options, const struct token_profile *profile)
{
    *options = (struct token_options){ .profile = profile,
                                       .serial = 0x00000001,
                                       .manufacturer = profile->manufacturer,
                                       .extended_length = profile->extended_length,
                                       .command_chaining = profile->command_chaining,
                                       .get_response = profile->get_response,
                                       .button = profile->button,
                                       .other_application = profile->other_application,
                                       .generate_rsa = true,
                                       .touch = TOKEN_TOUCH_AUTO };
    memcpy(options->yubico_version, profile->yubico_version, sizeof options->yubico_version);
}

void token_default_options(struct token_options *options)
{
    token_profile_options(options, &token_profile_generic);
}

static gpg_error_t read_capabilities(struct token *t)
{
    const char *hex = t->options.profile->capabilities;
    size_t len;

    if (!hex_decode(hex, strlen(hex), t->capabilities, sizeof t->capabilities, &len) ||
        len != sizeof t->capabilities)
        return gpg_error(GPG_ERR_BUG);
    return 0;
}

gpg_error_t token_new(const struct token_options *options, struct token **r_token)
{
    struct token *t = calloc(1, sizeof *t);
    gpg_error_t err;

    if (!t)
        return gpg_error(GPG_ERR_ENOMEM);
    t->options = *options;
    t->chain = BUFFER(CHAIN_MAX);
    t->rest = BUFFER(ANSWER_MAX);
    err = read_capabilities(t);
    if (!err)
        err = token_card_factory(options->profile, &t->card);
    if (err) {
        free(t);
        return err;
    }
    token_reset(t);
    *r_token = t;
    return 0;
}

void token_free(struct token **token)
{
    if (!*token)
        return;
    token_card_free(&(*token)->card);
    buffer_free(&(*token)->chain);
    buffer_free(&(*token)->rest);
    free(*token);
    *token = NULL;
}

struct view token_atr(const struct token *token)
{
    return view_of(token->atr, token->atr_len);
}

void token_forget(struct token *t)
{
    memset(t->verified, 0, sizeof t->verified);
    memset(t->mode_lost, 0, sizeof t->mode_lost);
    t->decrypt_with = SLOT_DECRYPT;
    t->authenticate_with = SLOT_AUTHENTICATE;
    t->certificate = 0;
}

void token_reset(struct token *token)
{
    token_forget(token);
    token->selected = APPLICATION_NONE;
    token->chaining = false;
    buffer_clear(&token->chain);
    buffer_clear(&token->rest);
    token->long_answer = false;
    token->atr_len = token_make_atr(token, token->atr);
}

/* Not of the specification: what programs for Yubico's tokens ask first. */
static uint16_t get_version(struct token *t, const struct command *c, struct buffer *answer)
{
    const uint8_t *version = t->options.yubico_version;

    if (!version[0])
        return SW_NO_INSTRUCTION;
    if (c->p1 || c->p2)
        return SW_BAD_PARAMETERS;
    return buffer_append(answer, version, 3) ? SW_MEMORY : SW_OK;
}

static const struct instruction *find_instruction(uint8_t ins)
{
    for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++)
        if (instructions[i].ins == ins)
            return &instructions[i];
    return NULL;
}

/* A strict card wants Le where there is something to answer and nowhere else; but PSO without one
 * is done, and its result lost (ZeitControl). */
static bool le_is_right(const struct token_profile *p, const struct command *c, bool answers)
{
    if (!p->strict_le)
        return !answers || c->has_le || p->without_le;
    if (c->ins == INS_SELECT || c->ins == INS_SELECT_DATA)
        return true;
    return c->has_le == answers || c->ins == INS_PSO;
}

static uint16_t dispatch(struct token *t, const struct command *c, struct buffer *data)
{
    const struct instruction *instruction = find_instruction(c->ins);

    if (!instruction || (t->selected == APPLICATION_OTHER && c->ins != INS_SELECT))
        return SW_NO_INSTRUCTION;
    if (t->selected == APPLICATION_NONE && c->ins != INS_SELECT)
        return token_word(t->options.profile->sw_before_select, SW_NO_APPLICATION);
    if (t->card.terminated && c->ins != INS_SELECT && c->ins != INS_ACTIVATE)
        return SW_TERMINATED;
    if (!le_is_right(t->options.profile, c, instruction->answers))
        return SW_WRONG_LENGTH;
    return instruction->handler(t, c, data);
}

/* ISO 7816-4 §5.4.1: no secure messaging, no logical channels, no other bits. */
static uint16_t check_class(enum profile_class check, uint8_t cla)
{
    if (check == PROFILE_CLASS_IGNORED)
        return SW_OK;
    if (check == PROFILE_CLASS_PLAIN)
        return cla & CLASS_CHAINED || cla == 0 ? SW_OK : SW_NO_CLASS;
    if (cla & 0x80 || (cla & 0xE0) == 0x20)
        return SW_NO_CLASS;
    if (cla & 0x40 || cla & 0x03)
        return SW_NO_CHANNELS;
    return cla & 0x0C ? SW_NO_SECURE_MESSAGING : SW_OK;
}

static uint16_t check_form(const struct token *t, const struct command *c, size_t apdu_len)
{
    const struct token_profile *p = t->options.profile;

    if (c->extended && !t->options.extended_length)
        return token_word(p->sw_no_extended, SW_WRONG_LENGTH);
    if (c->extended ? apdu_len > p->command_max : p->block_max && c->data.len > p->block_max)
        return SW_WRONG_LENGTH;
    if (c->cla & CLASS_CHAINED && !t->options.command_chaining)
        return SW_NO_CHAINING;
    return check_class(p->class_check, c->cla);
}

/* How much of an answer goes out at once. */
static size_t part_max(const struct token_profile *p, const struct command *c)
{
    if (c->extended)
        return p->response_max - 2;
    return p->answer_max ? p->answer_max : 256;
}

/* Hands over up to Le octets of t->rest; the card keeps what is left for GET RESPONSE. */
static uint16_t hand_over(struct token *t, const struct command *c, struct buffer *answer)
{
    size_t left = t->rest.len - t->rest_at;
    size_t part = c->has_le ? c->le : 0;

    if (part == 0 && t->options.profile->strict_le)
        left = 0;
    if (part > part_max(t->options.profile, c))
        part = part_max(t->options.profile, c);
    if (left > part && !t->options.get_response)
        return SW_WRONG_LENGTH;
    if (part > left)
        part = left;
    if (buffer_append(answer, t->rest.data + t->rest_at, part))
        return SW_FAILED;
    t->rest_at += part;
    left -= part;
    if (left == 0) {
        buffer_clear(&t->rest);
        return SW_OK;
    }
    return (uint16_t)(SW_MORE | (left > 0xFF ? t->options.profile->more_than_255 : left));
}

static uint16_t get_response(struct token *t, const struct command *c, struct buffer *answer)
{
    const struct token_profile *p = t->options.profile;

    if (!t->options.get_response)
        return SW_NO_INSTRUCTION;
    if (t->chaining || t->rest.len == 0)
        return token_word(p->sw_no_response, SW_CONDITIONS);
    if (c->p1 || c->p2)
        return SW_BAD_PARAMETERS;
    if (c->data.len || !c->has_le)
        return SW_WRONG_LENGTH;
    return hand_over(t, c, answer);
}

static void end_chain(struct token *t)
{
    t->chaining = false;
    buffer_clear(&t->chain);
}

/* Adds a link; with the last one *c becomes the whole command. */
static uint16_t add_link(struct token *t, struct command *c)
{
    const struct command *head = &t->chain_header;

    if (t->chaining && (c->ins != head->ins || c->p1 != head->p1 || c->p2 != head->p2))
        return SW_LAST_IN_CHAIN_WANTED;
    if (buffer_append_view(&t->chain, c->data))
        return SW_WRONG_LENGTH;
    t->chaining = true;
    t->chain_header = *c;
    if (!(c->cla & CLASS_CHAINED))
        c->data = buffer_view(&t->chain);
    return SW_OK;
}

static uint16_t run(struct token *t, struct command *c, struct buffer *answer)
{
    uint16_t sw;

    if (c->cla & CLASS_CHAINED || t->chaining) {
        sw = add_link(t, c);
        if (sw == SW_OK && c->cla & CLASS_CHAINED)
            return sw;
    } else {
        sw = SW_OK;
    }
    if (sw == SW_OK)
        sw = dispatch(t, c, &t->rest);
    end_chain(t);
    if (sw == SW_OK && t->rest.len)
        return hand_over(t, c, answer);
    buffer_clear(&t->rest);
    return sw;
}

static uint16_t exchange(struct token *t, struct view apdu, struct buffer *answer)
{
    struct command c;
    uint16_t sw;

    if (!token_apdu_decode(apdu, &c)) {
        end_chain(t);
        return SW_WRONG_LENGTH;
    }
    sw = check_form(t, &c, apdu.len);
    if (sw == SW_OK && c.ins == INS_GET_RESPONSE)
        return get_response(t, &c, answer);
    buffer_clear(&t->rest);
    t->rest_at = 0;
    if (sw == SW_OK)
        return run(t, &c, answer);
    end_chain(t);
    return sw;
}

void token_command(struct token *token, struct view command, struct buffer *answer)
{
    uint16_t sw;

    buffer_clear(answer);
    sw = exchange(token, command, answer);
    if (sw != SW_OK && sw >> 8 != SW_MORE >> 8)
        buffer_clear(answer);
    token->long_answer = answer->len > LONG_ANSWER;
    if (buffer_append_u16(answer, sw))
        buffer_clear(answer);
}
