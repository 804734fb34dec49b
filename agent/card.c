#include "agent/card_private.h"

#include "base/advice.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Resets in a row, with nothing in between, after which a card is left alone. */
#define RESETS_MAX 5

struct card *card_new(struct readers *readers, const struct reader_info *info,
                      const struct pin_cache_policy *policy, struct known_tokens *known)
{
    struct card *card = calloc(1, sizeof *card);

    if (!card)
        return NULL;
    card->gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (card->gone_fd < 0) {
        free(card);
        return NULL;
    }
    atomic_init(&card->references, 1);
    atomic_init(&card->gone, false);
    card->readers = readers;
    atomic_init(&card->awaits_touch, false);
    atomic_init(&card->lock_wanted, false);
    atomic_init(&card->pin_end_ms, INT64_MAX);
    card->pin_policy = policy;
    card->known = known;
    card->insertion = info->insertion;
    memcpy(card->reader_name, info->name, sizeof card->reader_name);
    memcpy(card->facts.reader, info->name, sizeof card->facts.reader);
    fifo_lock_init(&card->queue);
    fifo_lock_init(&card->turn);
    pthread_mutex_init(&card->facts_mutex, NULL);
    return card;
}

struct card *card_ref(struct card *card)
{
    atomic_fetch_add(&card->references, 1);
    return card;
}

void card_unref(struct card **r_card)
{
    struct card *card = *r_card;

    *r_card = NULL;
    if (!card || atomic_fetch_sub(&card->references, 1) > 1)
        return;
    pin_cache_wipe(&card->pin);
    reader_disconnect(&card->reader);
    fifo_lock_destroy(&card->turn);
    fifo_lock_destroy(&card->queue);
    pthread_mutex_destroy(&card->facts_mutex);
    close(card->gone_fd);
    free(card);
}

bool card_is(const struct card *card, const struct readers *readers, const struct reader_info *info)
{
    return card->readers == readers && card->insertion == info->insertion &&
           strcmp(card->reader_name, info->name) == 0;
}

bool card_belongs_to(const struct card *card, const struct readers *readers)
{
    return card->readers == readers;
}

bool card_held_by(const struct card *card, char *out)
{
    return readers_held_by(card->readers, card->reader_name, out);
}

void card_set_gone(struct card *card)
{
    atomic_store(&card->gone, true);
    eventfd_write(card->gone_fd, 1);
}

void card_forget_state(struct card *card)
{
    card->selected = false;
    card->verified = false;
}

static gpg_error_t connect_card(struct card *card, struct deadline deadline)
{
    gpg_error_t err = reader_connect(card->readers, card->reader_name, deadline, &card->reader);
    bool refused = card->app.channel.refused;

    if (err)
        return err;
    card_forget_state(card);
    openpgp_card_init(&card->app, card->reader);
    if (refused)
        channel_refuse_extended(&card->app.channel);
    return 0;
}

/* Other programs may reset the card as often as they like; nothing of ours has happened then. */
static gpg_error_t begin_after_resets(struct card *card, struct deadline deadline)
{
    int tries = RESETS_MAX;
    gpg_error_t err;

    do {
        err = reader_begin(card->reader, deadline);
        if (gpg_err_code(err) == GPG_ERR_CARD_RESET)
            card_forget_state(card);
    } while (gpg_err_code(err) == GPG_ERR_CARD_RESET && --tries > 0);
    return err;
}

gpg_error_t card_begin(struct card *card, int wait_ms)
{
    struct deadline deadline = deadline_in_ms(wait_ms);
    gpg_error_t err = 0;

    if (atomic_load(&card->gone))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    if (!card->reader)
        err = connect_card(card, deadline);
    if (!err)
        err = begin_after_resets(card, deadline);
    card->app.channel.deadline = deadline;
    return err;
}

gpg_error_t card_begin_late(struct card *card, int wait_ms)
{
    if (atomic_load(&card->gone))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    reader_begin_late(card->reader, deadline_in_ms(wait_ms));
    return 0;
}

void card_end(struct card *card)
{
    if (card->reader)
        reader_end(card->reader);
}

bool card_recover(struct card *card, gpg_error_t err)
{
    if (error_is_no_touch(err)) /* and all is well with the card */
        return false;
    switch (gpg_err_code(err)) {
    case GPG_ERR_CARD_RESET:
        card_forget_state(card);
        return true;
    case GPG_ERR_ENOENT: /* another application answered, or there is none of ours */
        card_forget_state(card);
        return !card->lasting_error;
    case GPG_ERR_CARD:
    case GPG_ERR_NO_SERVICE:
        card_forget_state(card);
        reader_disconnect(&card->reader);
        return !atomic_load(&card->gone);
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_CARD_NOT_PRESENT:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_LOCKED:
        card_forget_state(card);
        reader_disconnect(&card->reader);
        return false;
    default:
        return false;
    }
}
