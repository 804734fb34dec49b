/* Which application answers, and the end and new beginning of ours. */
#include "tests/token/card.h"

#include <string.h>

#define RID_LEN         5 /* least that names an application: ISO 7816-4 §8.2.1.2 */
#define APPLICATION_LEN 6 /* RID and application: what hosts select */

static const uint8_t other_aid[] = { 0xA0, 0x00, 0x00, 0x03, 0x08 }; /* PIV, NIST SP 800-73 */

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

static uint16_t select_other(struct token *t, enum application application)
{
    token_forget(t);
    t->selected = application;
    return SW_OK;
}

static uint16_t select_unknown(struct token *t)
{
    const struct token_profile *p = t->options.profile;

    if (p->unknown_deselects)
        (void)select_other(t, APPLICATION_NONE);
    return token_word(p->sw_unknown_application, SW_NO_FILE);
}

/* By the name of a file, as scdaemon asks for the MF; there are none. */
static uint16_t select_file(struct token *t)
{
    const struct token_profile *p = t->options.profile;
    bool selected = t->selected == APPLICATION_OPENPGP;
    uint16_t sw = token_word(p->sw_file, SW_BAD_PARAMETERS);

    if (sw == SW_OK)
        token_forget(t);
    return selected ? token_word(p->sw_file_selected, sw) : sw;
}

/* Whole, or the part that names the application at least. */
static bool names_openpgp(const struct token *t, struct view name)
{
    uint8_t aid[AID_LEN];

    token_aid(t, aid);
    if (t->options.profile->whole_name_only)
        return view_equal(name, view_of(aid, APPLICATION_LEN));
    return name.len >= RID_LEN && name.len <= sizeof aid && memcmp(aid, name.data, name.len) == 0;
}

uint16_t token_select(struct token *t, const struct command *c, struct buffer *answer)
{
    const struct token_profile *p = t->options.profile;

    (void)answer;
    if (c->p1 != 0x04)
        return select_file(t);
    if (c->p2 != 0x00 && !p->select_any_p2)
        return token_word(p->sw_bad_parameters, SW_BAD_PARAMETERS);
    if (names_openpgp(t, c->data))
        return select_openpgp(t);
    if (t->options.other_application && c->data.len >= RID_LEN &&
        memcmp(other_aid, c->data.data, RID_LEN) == 0)
        return select_other(t, APPLICATION_OTHER);
    return select_unknown(t);
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
    if (token_card_factory(t->options.profile, &fresh))
        return SW_MEMORY;
    token_card_free(&t->card);
    t->card = fresh;
    token_forget(t);
    return SW_OK;
}
