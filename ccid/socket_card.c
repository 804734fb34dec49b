#include "ccid/socket_card.h"
#include "ccid/vpcd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What arrives unasked would be taken for the answer to the next command. */
static gpg_error_t check_in_step(int fd)
{
    uint8_t octet;
    ssize_t n = recv(fd, &octet, 1, MSG_PEEK);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return gpg_error(n > 0 ? GPG_ERR_UNEXPECTED_MSG : GPG_ERR_CARD_REMOVED);
}

static gpg_error_t control(struct socket_card *card, enum vpcd_control control,
                           struct deadline deadline)
{
    const uint8_t octet = (uint8_t)control;

    return vpcd_send(card->fd, view_of(&octet, 1), deadline);
}

static gpg_error_t read_atr(struct socket_card *card, struct deadline deadline)
{
    struct buffer atr = BUFFER(sizeof card->atr);
    gpg_error_t err = control(card, VPCD_GET_ATR, deadline);

    if (!err)
        err = vpcd_receive(card->fd, &atr, deadline);
    if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
        err = gpg_error(GPG_ERR_UNEXPECTED_MSG);
    if (!err && atr.len == 0)
        err = gpg_error(GPG_ERR_CARD); /* a mute card */
    if (!err) {
        memcpy(card->atr, atr.data, atr.len);
        card->atr_len = atr.len;
    }
    buffer_free(&atr);
    return err;
}

gpg_error_t socket_card_power(struct socket_card *card, struct deadline deadline)
{
    gpg_error_t err;

    if (card->powered)
        return 0;
    err = check_in_step(card->fd);
    if (!err)
        err = control(card, VPCD_ON, deadline);
    if (!err)
        err = read_atr(card, deadline);
    card->powered = !err;
    return err;
}

gpg_error_t socket_card_reset(struct socket_card *card, struct deadline deadline)
{
    gpg_error_t err = check_in_step(card->fd);

    if (!err)
        err = control(card, VPCD_RESET, deadline);
    if (err)
        return err;
    card->resets++;
    return read_atr(card, deadline);
}

gpg_error_t socket_card_exchange(struct socket_card *card, struct view command,
                                 struct buffer *answer, struct deadline deadline)
{
    gpg_error_t err = check_in_step(card->fd);

    if (!err)
        err = vpcd_send(card->fd, command, deadline);
    if (!err)
        err = vpcd_receive(card->fd, answer, deadline);
    return err;
}
