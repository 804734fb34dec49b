/* Passwords (§4.3): PW1 with two states of verification, the resetting code, PW3. */
#include "tests/token/card.h"

#include <string.h>

#define PW1_MIN 6
#define PW3_MIN 8
#define RC_MIN  8

#define VERIFY_AND_SET 0x00
#define FORGET         0xFF
#define WITH_RC        0x00
#define WITH_PW3       0x02

gpg_error_t token_password_set(struct password *password, struct view value)
{
    gpg_error_t err;

    if (value.len > PASSWORD_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    buffer_clear(&password->value);
    err = buffer_append_view(&password->value, value);
    password->tries = err || value.len == 0 ? 0 : PASSWORD_TRIES;
    return err;
}

bool token_verified(const struct token *t, enum verification verification)
{
    return t->verified[verification] && !t->mode_lost[verification];
}

bool token_may(const struct token *t, enum access access)
{
    switch (access) {
    case ACCESS_ALWAYS:
        return true;
    case ACCESS_PW1:
        return token_verified(t, VERIFIED_PW1_OTHER);
    case ACCESS_PW3:
        return token_verified(t, VERIFIED_PW3);
    case ACCESS_NEVER:
        break;
    }
    return false;
}

/* A new password: within the limits, and a digest where the host hashes. */
static bool may_become(const struct token *t, const struct password *password, size_t len)
{
    size_t digest_len = token_kdf_digest_len(&t->card);
    size_t min = password == &t->card.pw1 ? PW1_MIN : password == &t->card.rc ? RC_MIN : PW3_MIN;

    return digest_len ? len == digest_len : len >= min && len <= t->options.profile->password_max;
}

static uint16_t wrong(const struct token_profile *p, uint8_t tries)
{
    if (tries == 0 && p->sw_last_try)
        return p->sw_last_try;
    return p->wrong_pin_counts ? (uint16_t)(SW_TRIES_LEFT | tries) : SW_NOT_ALLOWED;
}

static uint16_t compare(const struct token *t, struct password *password, struct view given)
{
    if (password->tries == 0)
        return token_word(t->options.profile->sw_blocked, SW_BLOCKED);
    if (!view_equal(given, buffer_view(&password->value))) {
        password->tries--;
        return wrong(t->options.profile, password->tries);
    }
    password->tries = PASSWORD_TRIES;
    return SW_OK;
}

static bool find_verification(uint8_t reference, enum verification *verification)
{
    if (reference < 0x81 || reference > 0x83)
        return false;
    *verification = (enum verification)(reference - 0x81);
    return true;
}

static struct password *password_of(struct token *t, enum verification verification)
{
    return verification == VERIFIED_PW3 ? &t->card.pw3 : &t->card.pw1;
}

static void forget_one(struct token *t, enum verification verification)
{
    t->verified[verification] = false;
    if (password_of(t, verification)->tries == 0 && verification != VERIFIED_PW3)
        t->verified[VERIFIED_PW1_SIGN] = t->verified[VERIFIED_PW1_OTHER] = false;
}

static uint16_t status(struct token *t, enum verification verification, uint8_t tries)
{
    if (t->options.profile->status == PROFILE_STATUS_REFUSED)
        return SW_BAD_DATA;
    if (t->options.profile->status == PROFILE_STATUS_CLEARS)
        t->mode_lost[verification] = true;
    return t->verified[verification] ? SW_OK : (uint16_t)(SW_TRIES_LEFT | tries);
}

static uint16_t forget(struct token *t, const struct command *c, enum verification verification)
{
    if (t->options.profile->sw_forget)
        return t->options.profile->sw_forget;
    if (c->data.len)
        return SW_WRONG_LENGTH;
    t->verified[verification] = false;
    return SW_OK;
}

static uint16_t bad_length(const struct token *t)
{
    if (token_kdf_digest_len(&t->card))
        return token_word(t->options.profile->sw_bad_digest, SW_WRONG_LENGTH);
    return SW_WRONG_LENGTH;
}

uint16_t token_verify(struct token *t, const struct command *c, struct buffer *answer)
{
    enum verification verification;
    struct password *password;
    uint16_t sw;

    (void)answer;
    if (!find_verification(c->p2, &verification) || (c->p1 != VERIFY_AND_SET && c->p1 != FORGET))
        return token_word(t->options.profile->sw_bad_parameters, SW_BAD_PARAMETERS);
    password = password_of(t, verification);
    if (c->p1 == FORGET)
        return forget(t, c, verification);
    if (c->data.len == 0)
        return status(t, verification, password->tries);
    if (c->data.len != password->value.len && !may_become(t, password, c->data.len))
        return bad_length(t);
    sw = compare(t, password, c->data);
    if (sw != SW_OK) {
        forget_one(t, verification);
        return sw;
    }
    t->verified[verification] = true;
    t->mode_lost[verification] = false;
    return SW_OK;
}

/* Splits off the old password by its stored length: nothing on the wire says where it ends. */
static bool split(const struct password *old, struct view data, struct view *given,
                  struct view *rest)
{
    *rest = data;
    return view_take(rest, old->value.len, given);
}

static uint16_t replace(struct token *t, struct password *password, struct view value)
{
    if (!may_become(t, password, value.len))
        return SW_BAD_DATA;
    return token_password_set(password, value) ? SW_MEMORY : SW_OK;
}

uint16_t token_change_reference_data(struct token *t, const struct command *c,
                                     struct buffer *answer)
{
    enum verification verification;
    struct password *password;
    struct view given, wanted;
    uint16_t sw;

    (void)answer;
    if (c->p1 != 0x00 || (c->p2 != 0x81 && c->p2 != 0x83) ||
        !find_verification(c->p2, &verification))
        return SW_BAD_PARAMETERS;
    if (c->data.len == 0 || c->data.len > 2 * PASSWORD_MAX)
        return SW_WRONG_LENGTH;
    password = password_of(t, verification);
    if (!split(password, c->data, &given, &wanted))
        given = c->data;
    sw = compare(t, password, given);
    if (sw != SW_OK) {
        forget_one(t, verification);
        return sw;
    }
    return replace(t, password, wanted);
}

static uint16_t reset_with_code(struct token *t, struct view data)
{
    struct view given, wanted;
    uint16_t sw;

    if (data.len == 0 || data.len > 2 * PASSWORD_MAX)
        return SW_WRONG_LENGTH;
    if (!split(&t->card.rc, data, &given, &wanted))
        given = data;
    sw = compare(t, &t->card.rc, given);
    return sw == SW_OK ? replace(t, &t->card.pw1, wanted) : sw;
}

uint16_t token_reset_retry_counter(struct token *t, const struct command *c, struct buffer *answer)
{
    (void)answer;
    if (c->p2 != 0x81 || (c->p1 != WITH_RC && c->p1 != WITH_PW3))
        return SW_BAD_PARAMETERS;
    if (c->p1 == WITH_RC)
        return reset_with_code(t, c->data);
    if (!t->verified[VERIFIED_PW3])
        return SW_NOT_ALLOWED;
    if (c->data.len == 0 || c->data.len > PASSWORD_MAX)
        return SW_WRONG_LENGTH;
    return replace(t, &t->card.pw1, c->data);
}

/* DO D3; no octets take the code away. */
uint16_t token_put_resetting_code(struct token *t, struct view value)
{
    if (value.len && !may_become(t, &t->card.rc, value.len))
        return SW_WRONG_LENGTH;
    return token_password_set(&t->card.rc, value) ? SW_MEMORY : SW_OK;
}

/* DO C4, its first octet, or that and the three lengths, which can't be changed here. */
uint16_t token_put_password_status(struct token *t, struct view value)
{
    uint8_t now[PASSWORD_INFO_LEN];

    if (value.len != 1 && value.len != 4)
        return SW_WRONG_LENGTH;
    token_password_info(t, now);
    if (value.data[0] > 1 || (value.len == 4 && memcmp(value.data + 1, now + 1, 3) != 0))
        return SW_BAD_DATA;
    t->card.pw1_for_several = value.data[0] == 1;
    return SW_OK;
}

void token_password_info(const struct token *t, uint8_t out[PASSWORD_INFO_LEN])
{
    const struct token_profile *p = t->options.profile;
    const uint8_t rc_tries = t->card.rc.value.len ? t->card.rc.tries : p->rc_tries;
    const uint8_t info[PASSWORD_INFO_LEN] = {
        t->card.pw1_for_several, p->password_max, p->password_max,   p->password_max,
        t->card.pw1.tries,       rc_tries,        t->card.pw3.tries,
    };

    memcpy(out, info, sizeof info);
}
