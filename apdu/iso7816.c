#include "apdu/iso7816.h"

static gpg_error_t append_short(const struct command *c, struct buffer *apdu)
{
    gpg_error_t err = 0;

    if (c->data.len) {
        err = buffer_append_u8(apdu, (uint8_t)c->data.len);
        if (!err)
            err = buffer_append_view(apdu, c->data);
    }
    if (!err && c->le != LE_NONE)
        err = buffer_append_u8(apdu, (uint8_t)c->le);
    return err;
}

/* ISO 7816-4 §5.1: Lc is 00 and two octets; Le is two octets behind an Lc, three without one. */
static gpg_error_t append_extended(const struct command *c, struct buffer *apdu)
{
    gpg_error_t err = 0;

    if (c->data.len || c->le != LE_NONE)
        err = buffer_append_u8(apdu, 0);
    if (!err && c->data.len) {
        err = buffer_append_u16(apdu, (uint16_t)c->data.len);
        if (!err)
            err = buffer_append_view(apdu, c->data);
    }
    if (!err && c->le != LE_NONE)
        err = buffer_append_u16(apdu, (uint16_t)c->le);
    return err;
}

gpg_error_t command_encode(const struct command *c, bool extended, struct buffer *apdu)
{
    const uint8_t header[4] = { c->cla, c->ins, c->p1, c->p2 };
    size_t before = apdu->len;
    gpg_error_t err;

    if (c->data.len > (extended ? UINT16_MAX : LC_SHORT_MAX) ||
        c->le > (extended ? LE_MAX : LE_SHORT_MAX))
        return gpg_error(GPG_ERR_TOO_LARGE);
    err = buffer_append(apdu, header, sizeof header);
    if (!err)
        err = extended ? append_extended(c, apdu) : append_short(c, apdu);
    if (err)
        buffer_truncate(apdu, before);
    return err;
}

gpg_error_t answer_split(struct view answer, struct view *data, uint16_t *sw)
{
    if (answer.len < 2)
        return gpg_error(GPG_ERR_CARD);
    *data = view_of(answer.data, answer.len - 2);
    *sw = (uint16_t)(answer.data[answer.len - 2] << 8 | answer.data[answer.len - 1]);
    return 0;
}

gpg_error_t status_word_error(uint16_t sw)
{
    /* 63Cx counts the tries left; what else old cards put behind 63 is a refused PIN all the same,
     * and must never look like something to be tried again. */
    if (sw >> 8 == 0x63)
        return gpg_error(sw == SW_NO_TRIES_LEFT ? GPG_ERR_PIN_BLOCKED : GPG_ERR_BAD_PIN);
    switch (sw) {
    case SW_SUCCESS:
        return 0;
    case SW_TERMINATED:
        return gpg_error(GPG_ERR_OBJ_TERM_STATE);
    case SW_NO_TOUCH:
        return gpg_error(GPG_ERR_TIMEOUT);
    case SW_SECURITY_NOT_SATISFIED:
        return gpg_error(GPG_ERR_BAD_PIN);
    case SW_AUTHENTICATION_BLOCKED:
        return gpg_error(GPG_ERR_PIN_BLOCKED);
    case SW_CONDITIONS_NOT_SATISFIED:
        return gpg_error(GPG_ERR_USE_CONDITIONS);
    case SW_WRONG_LENGTH:
    case SW_WRONG_DATA:
        return gpg_error(GPG_ERR_INV_VALUE);
    case SW_FUNCTION_NOT_SUPPORTED:
    case SW_RECORD_NOT_FOUND:
    case SW_REFERENCE_NOT_FOUND:
        return gpg_error(GPG_ERR_NO_OBJ);
    case SW_FILE_NOT_FOUND:
    case SW_APPLET_SELECT_FAILED:
        return gpg_error(GPG_ERR_ENOENT);
    default:
        return gpg_error(GPG_ERR_CARD);
    }
}

bool status_word_absent(uint16_t sw)
{
    switch (sw) {
    case SW_FUNCTION_NOT_SUPPORTED:
    case SW_FILE_NOT_FOUND:
    case SW_RECORD_NOT_FOUND:
    case SW_INCORRECT_P1_P2:
    case SW_REFERENCE_NOT_FOUND:
    case SW_WRONG_P1_P2:
    case SW_INS_NOT_SUPPORTED:
        return true;
    default:
        return false;
    }
}

bool status_word_foreign(uint16_t sw)
{
    switch (sw) {
    case SW_NO_CURRENT_DF:
    case SW_APPLET_SELECT_FAILED:
    case SW_FUNCTION_NOT_SUPPORTED:
    case SW_FILE_NOT_FOUND:
    case SW_RECORD_NOT_FOUND:
    case SW_INCORRECT_P1_P2:
    case SW_REFERENCE_NOT_FOUND:
    case SW_WRONG_P1_P2:
    case SW_INS_NOT_SUPPORTED:
    case SW_CLA_NOT_SUPPORTED:
        return true;
    default:
        return false;
    }
}
