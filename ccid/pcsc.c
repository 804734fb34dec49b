/* Readers of the PC/SC service. Its client library blocks without limit: when the service is
 * stopped, while other programs are in transactions, as long as the card thinks. Each connection
 * has a lane with a context of its own that makes the calls. */
#include "ccid/backend.h"
#include "ccid/lane.h"
#include "ccid/pcsc_error.h"
#include "ccid/pcsc_holder.h"
#include "ccid/pcsc_watch.h"

#include <reader.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOLS           (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)
#define DISCONNECT_MS       200
#define REFUSALS_TO_BELIEVE 3
#define REFUSAL_PAUSE_MS    20
#define HOLDS_TO_BELIEVE    5
#define HOLD_PAUSE_MS       20
#define LANES_HANGING_MAX   16 /* threads that the service may keep from ending */

_Static_assert(ANSWER_MAX <= MAX_BUFFER_SIZE_EXTENDED, "an answer that PC/SC cannot carry");

struct pcsc_readers {
    struct readers base;
    struct pcsc_watch *watch;
};

/* A lane's state: everything that its calls need, so that they can outlive who made them. */
struct pcsc_card {
    SCARDCONTEXT context;
    SCARDHANDLE handle;
    bool has_context;
    bool connected;
    bool begun;
    DWORD protocol;
    char name[READER_NAME_MAX];
    uint8_t atr[MAX_ATR_SIZE];
    DWORD atr_len;
    struct buffer command;
    DWORD answer_len;
    gpg_error_t err;                          /* of the last call */
    uint8_t answer[MAX_BUFFER_SIZE_EXTENDED]; /* less, and a long answer breaks the library */
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

/* After a reset by another program the handle is dead until we say that we know. */
static LONG acknowledge_reset(struct pcsc_card *card, LONG code)
{
    LONG again;

    if (code != SCARD_W_RESET_CARD)
        return code;
    again = SCardReconnect(card->handle, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_LEAVE_CARD,
                           &card->protocol);
    return again == SCARD_S_SUCCESS ? code : again;
}

/* A service that refuses us (polkit) and one that ends while we ask look the same; the latter does
 * so once. */
static LONG establish(struct pcsc_card *card)
{
    LONG code = SCARD_W_SECURITY_VIOLATION;

    for (int i = 0; i < REFUSALS_TO_BELIEVE && code == SCARD_W_SECURITY_VIOLATION; i++) {
        if (i > 0)
            poll(NULL, 0, REFUSAL_PAUSE_MS);
        code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &card->context);
    }
    card->has_context = code == SCARD_S_SUCCESS;
    return code;
}

/* The same doubt: a service that still lets go of the context has really refused. */
static LONG doubt_refusal(struct pcsc_card *card, LONG code)
{
    if (code != SCARD_W_SECURITY_VIOLATION)
        return code;
    card->has_context = false;
    return SCardReleaseContext(card->context) == SCARD_S_SUCCESS ? code : SCARD_E_NO_SERVICE;
}

/* The service learns a moment late that a program which held the reader has ended. */
static LONG connect_shared(struct pcsc_card *card)
{
    LONG code = SCARD_E_SHARING_VIOLATION;

    for (int i = 0; i < HOLDS_TO_BELIEVE && code == SCARD_E_SHARING_VIOLATION; i++) {
        if (i > 0)
            poll(NULL, 0, HOLD_PAUSE_MS);
        code = SCardConnect(card->context, card->name, SCARD_SHARE_SHARED, PROTOCOLS, &card->handle,
                            &card->protocol);
    }
    return code;
}

static void card_connect(void *state)
{
    struct pcsc_card *card = state;
    LONG code = establish(card);

    if (code == SCARD_S_SUCCESS) {
        code = connect_shared(card);
        card->connected = code == SCARD_S_SUCCESS;
        code = doubt_refusal(card, code);
    }
    card->err = pcsc_error(code);
}

/* Not SCardStatus: until libpcsclite 1.9.9 it overwrites, without a lock, what the watching thread
 * is just reading. Not every driver has the attribute. */
static void card_read_atr(void *state)
{
    struct pcsc_card *card = state;
    DWORD len = sizeof card->atr;
    LONG code = SCardGetAttrib(card->handle, SCARD_ATTR_ATR_STRING, card->atr, &len);

    card->atr_len = code == SCARD_S_SUCCESS ? len : 0;
}

static void card_begin(void *state)
{
    struct pcsc_card *card = state;
    LONG code = acknowledge_reset(card, SCardBeginTransaction(card->handle));

    card->begun = code == SCARD_S_SUCCESS;
    card->err = pcsc_error_allowed(code);
}

static void card_end(void *state)
{
    struct pcsc_card *card = state;

    if (card->begun)
        SCardEndTransaction(card->handle, SCARD_LEAVE_CARD);
    card->begun = false;
}

static void card_transmit(void *state)
{
    struct pcsc_card *card = state;
    const SCARD_IO_REQUEST *pci = card->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    LONG code;

    card->answer_len = sizeof card->answer;
    code = SCardTransmit(card->handle, pci, card->command.data, (DWORD)card->command.len, NULL,
                         card->answer, &card->answer_len);
    if (code != SCARD_S_SUCCESS) {
        explicit_bzero(card->answer, sizeof card->answer); /* of whatever had arrived */
        card->answer_len = 0;
    }
    card->err = pcsc_error_allowed(acknowledge_reset(card, code));
}

static void card_reset(void *state)
{
    struct pcsc_card *card = state;

    card->err = pcsc_error_allowed(SCardReconnect(card->handle, SCARD_SHARE_SHARED, PROTOCOLS,
                                                  SCARD_RESET_CARD, &card->protocol));
}

static void card_release(void *state)
{
    struct pcsc_card *card = state;

    card_end(card);
    if (card->connected)
        SCardDisconnect(card->handle, SCARD_LEAVE_CARD);
    if (card->has_context)
        SCardReleaseContext(card->context);
    buffer_free(&card->command);
    explicit_bzero(card->answer, card->answer_len);
    free(card);
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

static gpg_error_t new_card(const char *name, struct pcsc_card **r_card)
{
    struct pcsc_card *card = malloc(sizeof *card);

    if (!card)
        return gpg_error(GPG_ERR_ENOMEM);
    memset(card, 0, offsetof(struct pcsc_card, answer));
    card->command = BUFFER(MAX_BUFFER_SIZE_EXTENDED);
    snprintf(card->name, sizeof card->name, "%s", name);
    *r_card = card;
    return 0;
}

static gpg_error_t new_reader(const char *name, struct pcsc_reader **r_reader)
{
    struct pcsc_reader *r = calloc(1, sizeof *r);
    gpg_error_t err;

    if (!r)
        return gpg_error(GPG_ERR_ENOMEM);
    err = new_card(name, &r->card);
    if (err)
        goto leave;
    err = lane_new(r->card, card_release, &r->lane);
    if (err) {
        card_release(r->card);
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
    gpg_error_t err = run(r, card_connect, deadline, GPG_ERR_TIMEOUT);
    uint8_t told[READER_ATR_MAX];
    struct view atr;

    if (err)
        return err;
    if (!lane_run(&r->lane, card_read_atr, deadline))
        return gpg_error(GPG_ERR_TIMEOUT);
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
    gpg_error_t err = run(r, card_begin, deadline, GPG_ERR_LOCKED);

    r->begun = !err;
    return err;
}

/* Nothing depends on how it ends: nobody waits for it. */
static void pcsc_end(struct reader *reader)
{
    struct pcsc_reader *r = of_reader(reader);

    if (r->lane && r->begun)
        lane_post(r->lane, card_end);
    r->begun = false;
}

static gpg_error_t pcsc_transmit(struct reader *reader, struct view command, struct buffer *answer,
                                 struct deadline deadline)
{
    struct pcsc_reader *r = of_reader(reader);
    gpg_error_t err = 0;

    if (r->lane && !lane_ready(&r->lane, deadline))
        return gpg_error(GPG_ERR_TIMEOUT);
    if (r->lane)
        err = buffer_append_view(&r->card->command, command);
    if (!err)
        err = run(r, card_transmit, deadline, GPG_ERR_TIMEOUT);
    if (!r->lane)
        return err;
    if (!err)
        err = buffer_append(answer, r->card->answer, r->card->answer_len);
    explicit_bzero(r->card->answer, r->card->answer_len);
    buffer_clear(&r->card->command);
    return err;
}

static gpg_error_t pcsc_reset(struct reader *reader, struct deadline deadline)
{
    return run(of_reader(reader), card_reset, deadline, GPG_ERR_TIMEOUT);
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
    .reset = pcsc_reset,
};
