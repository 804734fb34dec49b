#include "ccid/usb.h"
#include "ccid/usb_name.h"

#include <stdlib.h>
#include <string.h>

struct usb_reader {
    struct reader base;
    struct usb_ccid *ccid; /* a reference */
    struct usb_slot *slot; /* of it */
    uint32_t insertion;    /* of the card that this reader is connected to */
    unsigned resets;       /* of it that this reader knows of */
    bool begun;
};

static struct usb_reader *of_reader(struct reader *reader)
{
    return (struct usb_reader *)reader;
}

/* Waits until it is this reader's turn. */
static gpg_error_t take_turn(struct usb_reader *r, struct deadline deadline, gpg_err_code_t late)
{
    struct usb_ccid *c = r->ccid;
    struct usb_readers *u = c->readers;
    gpg_error_t err = 0;

    pthread_mutex_lock(&u->mutex);
    while (!err && !c->gone && c->turn && c->turn != r) {
        if (!deadline_cond_wait(&u->let_go, &u->mutex, deadline))
            err = gpg_error(late);
    }
    if (c->gone)
        err = gpg_error(GPG_ERR_CARD_REMOVED);
    if (!err)
        c->turn = r;
    pthread_mutex_unlock(&u->mutex);
    if (!err)
        c->port.waiter = r->base.waiter;
    return err;
}

static void leave_turn(struct usb_reader *r)
{
    struct usb_readers *u = r->ccid->readers;

    if (r->begun)
        return;
    pthread_mutex_lock(&u->mutex);
    if (r->ccid->turn == r) {
        r->ccid->turn = NULL;
        pthread_cond_broadcast(&u->let_go);
    }
    pthread_mutex_unlock(&u->mutex);
}

/* As take_turn; also tells that the card is another, or was reset by another reader. */
static gpg_error_t enter(struct usb_reader *r, struct deadline deadline, gpg_err_code_t late)
{
    gpg_error_t err = take_turn(r, deadline, late);
    struct usb_readers *u = r->ccid->readers;

    if (err)
        return err;
    pthread_mutex_lock(&u->mutex);
    if (!r->slot->present || r->slot->insertion != r->insertion)
        err = gpg_error(GPG_ERR_CARD_REMOVED);
    else if (r->slot->resets != r->resets)
        err = gpg_error(GPG_ERR_CARD_RESET);
    r->resets = r->slot->resets;
    pthread_mutex_unlock(&u->mutex);
    if (err)
        leave_turn(r);
    return err;
}

/* What an exchange taught of the card's presence. With notices they tell when one comes; without,
 * the next that is asked for one finds out. */
static void note_absence(struct usb_reader *r)
{
    struct usb_ccid *c = r->ccid;

    pthread_mutex_lock(&c->readers->mutex);
    if (c->interface.notice)
        r->slot->present = false;
    else
        r->slot->insertion = ++c->readers->insertions;
    pthread_mutex_unlock(&c->readers->mutex);
    usb_watch_poke(c->readers);
}

/* The device or the card went away. */
static gpg_error_t settle(struct usb_reader *r, gpg_error_t err)
{
    if (gpg_err_code(err) != GPG_ERR_CARD_REMOVED && gpg_err_code(err) != GPG_ERR_CARD_NOT_PRESENT)
        return err;
    if (r->slot->card.icc == CCID_ICC_ABSENT) {
        note_absence(r);
    } else {
        usb_ccid_set_gone(r->ccid);
        usb_watch_poke(r->ccid->readers);
    }
    return err;
}

/* Powers the card unless it is already. A reset, if others are connected to it. */
static gpg_error_t power_on(struct usb_reader *r, bool anew, struct deadline deadline)
{
    struct usb_slot *slot = r->slot;
    struct usb_readers *u = r->ccid->readers;
    uint32_t insertion;
    gpg_error_t err = 0;

    pthread_mutex_lock(&u->mutex);
    insertion = slot->insertion;
    anew = anew || slot->powered != insertion || !slot->card.ready;
    pthread_mutex_unlock(&u->mutex);
    if (anew)
        err = settle(r, ccid_slot_power_on(&slot->card, deadline));
    if (err)
        return err;
    pthread_mutex_lock(&u->mutex);
    slot->resets += anew;
    slot->powered = r->insertion = insertion;
    r->resets = slot->resets;
    pthread_mutex_unlock(&u->mutex);
    memcpy(r->base.atr, slot->card.atr, slot->card.atr_len);
    r->base.atr_len = slot->card.atr_len;
    return 0;
}

static gpg_error_t connect_in_turn(struct usb_reader *r, struct deadline deadline)
{
    enum ccid_level level = r->ccid->interface.ccid.level;
    gpg_error_t err = usb_ccid_take(r->ccid, deadline);

    if (gpg_err_code(err) == GPG_ERR_CARD_REMOVED)
        usb_ccid_set_gone(r->ccid);
    usb_watch_publish(r->ccid->readers); /* who holds it may have changed */
    if (!err)
        err = power_on(r, false, deadline);
    r->base.length = level == CCID_SHORT_APDU ? READER_SHORT : READER_EXTENDED;
    return err;
}

/* The slot of that name with a card in it, with a reference. */
static struct usb_ccid *find(struct usb_readers *u, const char *name, unsigned *slot)
{
    struct usb_ccid *found = NULL;

    pthread_mutex_lock(&u->mutex);
    for (size_t i = 0; i < u->count && !found; i++) {
        struct usb_ccid *c = u->ccids[i];

        for (unsigned s = 0; c->tried && s < c->interface.ccid.slots && !found; s++) {
            char candidate[READER_NAME_MAX];

            usb_name_slot(c->name, s, candidate);
            if (strcmp(candidate, name) == 0 && !c->gone && (!c->claimed || c->slots[s].present)) {
                *slot = s;
                found = c;
                found->references++;
            }
        }
    }
    pthread_mutex_unlock(&u->mutex);
    return found;
}

gpg_error_t usb_connect(struct readers *readers, const char *name, struct deadline deadline,
                        struct reader **r_reader)
{
    unsigned slot;
    struct usb_ccid *c = find((struct usb_readers *)readers, name, &slot);
    struct usb_reader *r;
    gpg_error_t err;

    if (!c)
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    r = malloc(sizeof *r);
    if (!r) {
        usb_ccid_unref(c);
        return gpg_error(GPG_ERR_ENOMEM);
    }
    *r = (struct usb_reader){ .ccid = c, .slot = &c->slots[slot] };
    err = take_turn(r, deadline, GPG_ERR_TIMEOUT);
    if (!err)
        err = connect_in_turn(r, deadline);
    leave_turn(r);
    if (!err) {
        *r_reader = &r->base;
        return 0;
    }
    usb_disconnect(&r->base);
    return gpg_err_code(err) == GPG_ERR_CARD_REMOVED ? gpg_error(GPG_ERR_CARD_NOT_PRESENT) : err;
}

void usb_disconnect(struct reader *reader)
{
    struct usb_reader *r = of_reader(reader);

    r->begun = false;
    leave_turn(r);
    usb_ccid_unref(r->ccid);
    free(r);
}

gpg_error_t usb_begin(struct reader *reader, struct deadline deadline)
{
    struct usb_reader *r = of_reader(reader);
    gpg_error_t err = enter(r, deadline, GPG_ERR_LOCKED);

    r->begun = !err;
    return err;
}

void usb_end(struct reader *reader)
{
    struct usb_reader *r = of_reader(reader);

    r->begun = false;
    leave_turn(r);
}

gpg_error_t usb_transmit(struct reader *reader, struct view command, struct buffer *answer,
                         struct deadline deadline)
{
    struct usb_reader *r = of_reader(reader);
    gpg_error_t err = enter(r, deadline, GPG_ERR_TIMEOUT);

    if (err)
        return err;
    err = settle(r, ccid_slot_transmit(&r->slot->card, command, answer, deadline));
    leave_turn(r);
    return err;
}

bool usb_has_keypad(const struct reader *reader, size_t pin_length)
{
    const struct usb_reader *r = (const struct usb_reader *)reader;
    const struct ccid_keypad *keypad = r->ccid->interface.keypad;

    return keypad && ccid_keypad_takes(keypad, pin_length);
}

gpg_error_t usb_verify_on_keypad(struct reader *reader, const struct keypad_verify *verify,
                                 struct buffer *answer, struct deadline deadline)
{
    struct usb_reader *r = of_reader(reader);
    const struct ccid_keypad *keypad = r->ccid->interface.keypad;
    gpg_error_t err = enter(r, deadline, GPG_ERR_TIMEOUT);

    if (err)
        return err;
    err = settle(r, ccid_slot_verify_on_keypad(&r->slot->card, keypad, verify, answer, deadline));
    leave_turn(r);
    return err;
}

static bool is_same_card(const struct usb_reader *r)
{
    struct usb_readers *u = r->ccid->readers;
    bool same;

    pthread_mutex_lock(&u->mutex);
    same = r->slot->present && r->slot->insertion == r->insertion;
    pthread_mutex_unlock(&u->mutex);
    return same;
}

gpg_error_t usb_reset(struct reader *reader, struct deadline deadline)
{
    struct usb_reader *r = of_reader(reader);
    gpg_error_t err = take_turn(r, deadline, GPG_ERR_TIMEOUT);

    if (err)
        return err;
    err = is_same_card(r) ? power_on(r, true, deadline) : gpg_error(GPG_ERR_CARD_REMOVED);
    leave_turn(r);
    return gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT ? gpg_error(GPG_ERR_CARD_REMOVED) : err;
}
