#include "ccid/socket.h"
#include "ccid/vpcd.h"

#include <stdlib.h>
#include <string.h>

struct socket_reader {
    struct reader base;
    struct socket_readers *readers;
    struct socket_card *card;
    unsigned resets; /* of the card, that this reader knows of */
    bool begun;
};

static struct socket_reader *of_reader(struct reader *reader)
{
    return (struct socket_reader *)reader;
}

/* Waits until this reader alone may talk to the card. */
static gpg_error_t hold(struct socket_reader *r, struct deadline deadline, gpg_err_code_t late)
{
    struct socket_card *card = r->card;
    gpg_error_t err = 0;

    pthread_mutex_lock(&r->readers->mutex);
    while (!err && !card->gone && card->holder && card->holder != r) {
        if (!deadline_cond_wait(&r->readers->let_go, &r->readers->mutex, deadline))
            err = gpg_error(late);
    }
    if (card->gone)
        err = gpg_error(GPG_ERR_CARD_REMOVED);
    if (!err)
        card->holder = r;
    pthread_mutex_unlock(&r->readers->mutex);
    return err;
}

static void let_go(struct socket_reader *r)
{
    if (r->begun)
        return;
    pthread_mutex_lock(&r->readers->mutex);
    if (r->card->holder == r) {
        r->card->holder = NULL;
        pthread_cond_broadcast(&r->readers->let_go);
    }
    pthread_mutex_unlock(&r->readers->mutex);
}

/* As hold; also tells a reset by another reader, once. */
static gpg_error_t enter(struct socket_reader *r, struct deadline deadline, gpg_err_code_t late)
{
    gpg_error_t err = hold(r, deadline, late);

    if (err || r->resets == r->card->resets)
        return err;
    r->resets = r->card->resets;
    let_go(r);
    return gpg_error(GPG_ERR_CARD_RESET);
}

/* Drops the card when the exchange left the stream out of step. */
static gpg_error_t settle(struct socket_reader *r, gpg_error_t err)
{
    if (!err || gpg_err_code(err) == GPG_ERR_CARD)
        return err;
    socket_readers_remove(r->readers, r->card, gpg_strerror(err));
    return gpg_err_code(err) == GPG_ERR_UNEXPECTED_MSG ? gpg_error(GPG_ERR_CARD) : err;
}

static gpg_error_t power(struct socket_reader *r, struct deadline deadline)
{
    gpg_error_t err = hold(r, deadline, GPG_ERR_TIMEOUT);

    if (err)
        return err;
    err = settle(r, socket_card_power(r->card, deadline));
    if (!err) {
        r->base.atr_len = r->card->atr_len;
        memcpy(r->base.atr, r->card->atr, r->card->atr_len);
        r->resets = r->card->resets;
    }
    let_go(r);
    return err;
}

gpg_error_t socket_connect(struct readers *readers, const char *name, struct deadline deadline,
                           struct reader **r_reader)
{
    struct socket_readers *s = (struct socket_readers *)readers;
    struct socket_card *card = strcmp(name, s->name) == 0 ? socket_readers_card(s) : NULL;
    struct socket_reader *r;
    gpg_error_t err;

    if (!card)
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    r = malloc(sizeof *r);
    if (!r) {
        socket_readers_unref(s, card);
        return gpg_error(GPG_ERR_ENOMEM);
    }
    *r = (struct socket_reader){ .readers = s, .card = card };
    err = power(r, deadline);
    if (err) {
        socket_disconnect(&r->base);
        return gpg_err_code(err) == GPG_ERR_CARD_REMOVED ? gpg_error(GPG_ERR_CARD_NOT_PRESENT)
                                                         : err;
    }
    *r_reader = &r->base;
    return 0;
}

void socket_disconnect(struct reader *reader)
{
    struct socket_reader *r = of_reader(reader);

    r->begun = false;
    let_go(r);
    socket_readers_unref(r->readers, r->card);
    free(r);
}

gpg_error_t socket_begin(struct reader *reader, struct deadline deadline)
{
    struct socket_reader *r = of_reader(reader);
    gpg_error_t err = enter(r, deadline, GPG_ERR_LOCKED);

    r->begun = !err;
    return err;
}

void socket_end(struct reader *reader)
{
    struct socket_reader *r = of_reader(reader);

    r->begun = false;
    let_go(r);
}

gpg_error_t socket_transmit(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline)
{
    struct socket_reader *r = of_reader(reader);
    gpg_error_t err;

    if (command.len > VPCD_PAYLOAD_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    err = enter(r, deadline, GPG_ERR_TIMEOUT);
    if (err)
        return err;
    err = settle(r, socket_card_exchange(r->card, command, answer, deadline));
    let_go(r);
    return err;
}

gpg_error_t socket_reset(struct reader *reader, struct deadline deadline)
{
    struct socket_reader *r = of_reader(reader);
    gpg_error_t err = hold(r, deadline, GPG_ERR_TIMEOUT);

    if (err)
        return err;
    err = settle(r, socket_card_reset(r->card, deadline));
    r->resets = r->card->resets;
    let_go(r);
    return err;
}
