/* Readers of the PC/SC service. Its client library blocks without limit: when the service is
 * stopped, while other programs are in transactions, as long as the card thinks. Each connection
 * has a lane with a context of its own that makes the calls. */
#include "ccid/backend.h"
#include "ccid/lane.h"
#include "ccid/pcsc_card.h"
#include "ccid/pcsc_holder.h"
#include "ccid/pcsc_watch.h"

#include <stdlib.h>
#include <string.h>

#define DISCONNECT_MS     200
#define LANES_HANGING_MAX 16 /* threads that the service may keep from ending */

struct pcsc_readers {
    struct readers base;
    struct pcsc_watch *watch;
};

struct pcsc_reader {
    struct reader base;
    struct lane *lane;      /* NULL once abandoned, and then */
    struct pcsc_card *card; /* is not ours */
    bool begun;
};

static struct pcsc_readers *of_readers(struct readers *readers)
{
    return (struct pcsc_readers *)readers;
}

static struct pcsc_reader *of_reader(struct reader *reader)
{
    return (struct pcsc_reader *)reader;
}

/* Makes the call on the lane; `late` when the deadline passes. */
static gpg_error_t run(struct pcsc_reader *r, lane_call *call, struct deadline deadline,
                       gpg_err_code_t late)
{
    if (!r->lane)
        return gpg_error(GPG_ERR_CARD); /* abandoned: there is nothing but to disconnect */
    if (!lane_run(&r->lane, call, deadline))
        return gpg_error(late);
    return r->card->err;
}

static gpg_error_t new_reader(const char *name, struct pcsc_reader **r_reader)
{
    struct pcsc_reader *r = calloc(1, sizeof *r);
    gpg_error_t err;

    if (!r)
        return gpg_error(GPG_ERR_ENOMEM);
    err = pcsc_card_new(name, &r->card);
    if (err)
        goto leave;
    err = lane_new(r->card, pcsc_card_release, &r->lane);
    if (err) {
        pcsc_card_release(r->card);
        goto leave;
    }
    *r_reader = r;
    r = NULL;
leave:
    free(r);
    return err;
}

static void pcsc_disconnect(struct reader *reader)
{
    struct pcsc_reader *r = of_reader(reader);

    lane_free(&r->lane, DISCONNECT_MS);
    free(r);
}

/* Connected, to a card whose ATR the driver tells, or the service has told before. */
static gpg_error_t connect_by(struct pcsc_reader *r, struct pcsc_watch *watch,
                              struct deadline deadline)
{
    gpg_error_t err = run(r, pcsc_card_connect, deadline, GPG_ERR_TIMEOUT);
    uint8_t told[READER_ATR_MAX];
    struct view atr;

    if (err)
        return err;
    atr = view_of(r->card->atr, r->card->atr_len);
    if (atr.len == 0)
        atr = pcsc_watch_atr(watch, r->card->name, told);
    if (atr.len > sizeof r->base.atr)
        return gpg_error(GPG_ERR_CARD);
    memcpy(r->base.atr, atr.data, atr.len);
    r->base.atr_len = atr.len;
    return 0;
}

static gpg_error_t pcsc_connect(struct readers *readers, const char *name, struct deadline deadline,
                                struct reader **r_reader)
{
    struct pcsc_readers *p = of_readers(readers);
    struct pcsc_reader *r;
    gpg_error_t err;

    if (strlen(name) >= READER_NAME_MAX || !pcsc_watch_covers(p->watch, name))
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    if (lanes_abandoned() >= LANES_HANGING_MAX)
        return gpg_error(GPG_ERR_TIMEOUT);
    err = new_reader(name, &r);
    if (err)
        return err;
    err = connect_by(r, p->watch, deadline);
    if (!err) {
        *r_reader = &r->base;
        return 0;
    }
    pcsc_disconnect(&r->base);
    if (gpg_err_code(err) == GPG_ERR_LOCKED)
        pcsc_watch_look_again(p->watch);
    return gpg_err_code(err) == GPG_ERR_CARD_REMOVED ? gpg_error(GPG_ERR_CARD_NOT_PRESENT) : err;
}

static gpg_error_t pcsc_begin(struct reader *reader, struct deadline deadline)
{
    struct pcsc_reader *r = of_reader(reader);
    gpg_error_t err = run(r, pcsc_card_begin, deadline, GPG_ERR_LOCKED);

    r->begun = !err;
    return err;
}

/* Nothing depends on how it ends: nobody waits for it. */
static void pcsc_end(struct reader *reader)
{
    struct pcsc_reader *r = of_reader(reader);

    if (r->lane && r->begun)
        lane_post(r->lane, pcsc_card_end);
    r->begun = false;
}

/* The lane is idle until it is run, and then has what it needs for the command. */
static gpg_error_t hand_over(struct pcsc_reader *r, struct view command, struct deadline deadline,
                             gpg_err_code_t late)
{
    if (!r->lane)
        return gpg_error(GPG_ERR_CARD);
    if (!lane_ready(&r->lane, deadline))
        return gpg_error(late);
    return buffer_append_view(&r->card->command, command);
}

static gpg_error_t take_answer(struct pcsc_reader *r, gpg_error_t err, struct buffer *answer)
{
    if (!r->lane)
        return err;
    if (!err)
        err = buffer_append(answer, r->card->answer, r->card->answer_len);
    explicit_bzero(r->card->answer, r->card->answer_len);
    buffer_clear(&r->card->command);
    return err;
}

static gpg_error_t pcsc_transmit(struct reader *reader, struct view command, struct buffer *answer,
                                 struct deadline deadline)
{
    struct pcsc_reader *r = of_reader(reader);
    gpg_error_t err = hand_over(r, command, deadline, GPG_ERR_TIMEOUT);

    if (!err)
        err = run(r, pcsc_card_transmit, deadline, GPG_ERR_TIMEOUT);
    return take_answer(r, err, answer);
}

/* Until the transaction has begun, or cannot. */
static gpg_error_t await_beginning(struct pcsc_reader *r, struct deadline begin_by)
{
    enum pcsc_begin begins = PCSC_BEGINS;

    if (lane_wait(r->lane, begin_by) ||
        !atomic_compare_exchange_strong(&r->card->begin, &begins, PCSC_GIVEN_UP))
        return 0;
    (void)lane_ready(&r->lane, deadline_in_ms(0));
    return gpg_error(GPG_ERR_LOCKED);
}

static gpg_error_t pcsc_begin_and_transmit(struct reader *reader, struct view command,
                                           struct buffer *answer, struct deadline deadline)
{
    struct pcsc_reader *r = of_reader(reader);
    gpg_error_t err = hand_over(r, command, reader->begin_by, GPG_ERR_LOCKED);

    if (err)
        return take_answer(r, err, answer);
    atomic_store(&r->card->begin, PCSC_BEGINS);
    lane_post(r->lane, pcsc_card_begin_and_transmit);
    err = await_beginning(r, reader->begin_by);
    if (!err && !lane_ready(&r->lane, deadline))
        err = gpg_error(GPG_ERR_TIMEOUT);
    if (!err)
        err = r->card->err;
    r->begun = r->lane && r->card->begun;
    reader->late = r->begun ? READER_PLAIN : READER_NOT_BEGUN;
    return take_answer(r, err, answer);
}

static gpg_error_t pcsc_reset(struct reader *reader, struct deadline deadline)
{
    return run(of_reader(reader), pcsc_card_reset, deadline, GPG_ERR_TIMEOUT);
}

static gpg_error_t pcsc_open(const char *argument, struct readers **r_readers)
{
    struct pcsc_readers *p;
    gpg_error_t err;

    if (argument && !*argument)
        return gpg_error(GPG_ERR_INV_ARG);
    p = calloc(1, sizeof *p);
    if (!p)
        return gpg_error(GPG_ERR_ENOMEM);
    err = pcsc_watch_new(argument, &p->watch);
    if (err) {
        free(p);
        return err;
    }
    *r_readers = &p->base;
    return 0;
}

static void pcsc_close(struct readers *readers)
{
    struct pcsc_readers *p = of_readers(readers);

    pcsc_watch_free(&p->watch);
    free(p);
}

static void pcsc_list(struct readers *readers, struct reader_list *list)
{
    pcsc_watch_list(of_readers(readers)->watch, list);
}

static void pcsc_wait(struct readers *readers)
{
    pcsc_watch_wait(of_readers(readers)->watch);
}

static void pcsc_wake(struct readers *readers)
{
    pcsc_watch_wake(of_readers(readers)->watch);
}

const struct backend pcsc_backend = {
    .scheme = "pcsc",
    .open = pcsc_open,
    .close = pcsc_close,
    .list = pcsc_list,
    .wait = pcsc_wait,
    .wake = pcsc_wake,
    .held_by = pcsc_holder,
    .connect = pcsc_connect,
    .disconnect = pcsc_disconnect,
    .begin = pcsc_begin,
    .end = pcsc_end,
    .transmit = pcsc_transmit,
    .begin_and_transmit = pcsc_begin_and_transmit,
    .reset = pcsc_reset,
};
