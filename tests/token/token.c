/* The card's life: power, selection, one command after the other, the end and the beginning. */
#include "tests/token/card.h"

#include <stdlib.h>
#include <string.h>

#define RID_LEN 5 /* least that names an application: ISO 7816-4 §8.2.1.2 */

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

#define INS_ACTIVATE     0x44
#define INS_SELECT       0xA4
#define INS_GET_RESPONSE 0xC0

static const uint8_t other_aid[] = { 0xA0, 0x00, 0x00, 0x03, 0x08 }; /* PIV, NIST SP 800-73 */

void token_default_options(struct token_options *options)
{
    *options = (struct token_options){ .serial = 0x00000001,
                                       .manufacturer = 0xFF00,
                                       .extended_length = true,
                                       .command_chaining = true,
                                       .get_response = true,
                                       .button = true,
                                       .generate_rsa = true,
                                       .touch = TOKEN_TOUCH_AUTO };
}

/* ISO 7816-3 §8.2: T=1, and historical bytes that are DO 5F52. */
static void make_atr(struct token *t)
{
    static const uint8_t interface[] = {
        0x3B, 0xDA, 0x18, 0xFF, 0x81, 0xB1, 0xFE, 0x75, 0x1F, 0x03
    };
    uint8_t check = 0;

    memcpy(t->atr, interface, sizeof interface);
    token_historical_bytes(t, t->atr + sizeof interface);
    t->atr_len = sizeof interface + HISTORICAL_LEN;
    for (size_t i = 1; i < t->atr_len; i++)
        check ^= t->atr[i];
    t->atr[t->atr_len++] = check;
}

gpg_error_t token_new(const struct token_options *options, struct token **r_token)
{
    struct token *t = calloc(1, sizeof *t);
    gpg_error_t err;

    if (!t)
        return gpg_error(GPG_ERR_ENOMEM);
    t->options = *options;
    t->chain = BUFFER(COMMAND_MAX);
    t->rest = BUFFER(RESPONSE_MAX);
    err = token_card_factory(&t->card);
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

/* What an application loses when another is selected. */
void token_forget(struct token *t)
{
    memset(t->verified, 0, sizeof t->verified);
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
    make_atr(token);
}

static uint16_t select_openpgp(struct token *t)
{
    if (t->selected != APPLICATION_OPENPGP)
        token_forget(t);
    t->selected = APPLICATION_OPENPGP;
    t->decrypt_with = SLOT_DECRYPT;
    t->authenticate_with = SLOT_AUTHENTICATE;
    t->certificate = 0;
    return t->card.terminated ? SW_TERMINATED : SW_OK;
}

uint16_t token_select(struct token *t, const struct command *c, struct buffer *answer)
{
    uint8_t aid[AID_LEN];

    (void)answer;
    if (c->p1 != 0x04 || c->p2 != 0x00)
        return SW_BAD_PARAMETERS;
    token_aid(t, aid);
    if (c->data.len >= RID_LEN && c->data.len <= sizeof aid &&
        memcmp(aid, c->data.data, c->data.len) == 0)
        return select_openpgp(t);
    if (t->options.other_application && c->data.len >= RID_LEN &&
        memcmp(other_aid, c->data.data, RID_LEN) == 0) {
        token_forget(t);
        t->selected = APPLICATION_OTHER;
        return SW_OK;
    }
    return SW_NO_FILE;
}

/* §7.2.16: with PW3, or when nobody can ever verify PW1 or PW3 again. */
uint16_t token_terminate(struct token *t, const struct command *c, struct buffer *answer)
{
    (void)answer;
    if (c->p1 || c->p2)
        return SW_BAD_PARAMETERS;
    if (c->data.len)
        return SW_WRONG_LENGTH;
    if (!t->verified[VERIFIED_PW3] && (t->card.pw1.tries || t->card.pw3.tries))
        return SW_NOT_ALLOWED;
    t->card.terminated = true;
    token_forget(t);
    return SW_OK;
}

/* §7.2.17: wipes what was terminated; without effect otherwise. */
uint16_t token_activate(struct token *t, const struct command *c, struct buffer *answer)
{
    struct card fresh;

    (void)answer;
    if (c->p1 || c->p2)
        return SW_BAD_PARAMETERS;
    if (c->data.len)
        return SW_WRONG_LENGTH;
    if (!t->card.terminated)
        return SW_OK;
    if (token_card_factory(&fresh))
        return SW_MEMORY;
    token_card_free(&t->card);
    t->card = fresh;
    token_forget(t);
    return SW_OK;
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

static uint16_t dispatch(struct token *t, const struct command *c, struct buffer *data)
{
    const struct instruction *instruction = find_instruction(c->ins);

    if (!instruction || (t->selected == APPLICATION_OTHER && c->ins != INS_SELECT))
        return SW_NO_INSTRUCTION;
    if (t->selected == APPLICATION_NONE && c->ins != INS_SELECT)
        return SW_NO_APPLICATION;
    if (t->card.terminated && c->ins != INS_SELECT && c->ins != INS_ACTIVATE)
        return SW_TERMINATED;
    if (instruction->answers && !c->has_le)
        return SW_WRONG_LENGTH;
    return instruction->handler(t, c, data);
}

/* ISO 7816-4 §5.4.1: no secure messaging, no logical channels, no other bits. */
static uint16_t check_class(uint8_t cla)
{
    if (cla & 0x80 || (cla & 0xE0) == 0x20)
        return SW_NO_CLASS;
    if (cla & 0x40 || cla & 0x03)
        return SW_NO_CHANNELS;
    return cla & 0x0C ? SW_NO_SECURE_MESSAGING : SW_OK;
}

static uint16_t check_form(const struct token *t, const struct command *c, size_t apdu_len)
{
    if (c->extended && (!t->options.extended_length || apdu_len > COMMAND_MAX))
        return SW_WRONG_LENGTH;
    if (c->cla & CLASS_CHAINED && !t->options.command_chaining)
        return SW_NO_CHAINING;
    return check_class(c->cla);
}

/* Hands over up to Le octets of t->rest; the card keeps what is left for GET RESPONSE. */
static uint16_t hand_over(struct token *t, const struct command *c, struct buffer *answer)
{
    size_t left = t->rest.len - t->rest_at;
    size_t part = c->has_le ? c->le : 0;

    if (part > RESPONSE_MAX - 2)
        part = RESPONSE_MAX - 2;
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
    return (uint16_t)(SW_MORE | (left > 0xFF ? 0 : left));
}

static uint16_t get_response(struct token *t, const struct command *c, struct buffer *answer)
{
    if (t->chaining || !t->options.get_response || t->rest.len == 0)
        return t->options.get_response ? SW_CONDITIONS : SW_NO_INSTRUCTION;
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
    if (buffer_append_u16(answer, sw))
        buffer_clear(answer);
}
