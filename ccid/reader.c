#include "ccid/reader.h"
#include "ccid/backend.h"

#include <stdlib.h>
#include <string.h>

#define COMMAND_MIN 4 /* CLA INS P1 P2 (ISO 7816-4 §5.1) */
#define ANSWER_MIN  2 /* SW1 SW2 */

static const struct backend *const backends[] = { &pcsc_backend, &socket_backend, &usb_backend };

static const struct backend *backend_of(const char *spec, const char **argument)
{
    size_t len = strcspn(spec, ":");

    *argument = spec[len] ? spec + len + 1 : NULL;
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        const char *scheme = backends[i]->scheme;

        if (strlen(scheme) == len && memcmp(scheme, spec, len) == 0)
            return backends[i];
    }
    return NULL;
}

gpg_error_t readers_open(const char *spec, struct readers **r_readers)
{
    const char *argument;
    const struct backend *backend = backend_of(spec, &argument);
    struct readers *readers = NULL;
    char *copy = NULL;
    gpg_error_t err;

    if (!backend)
        return gpg_error(GPG_ERR_INV_ARG);
    copy = strdup(spec);
    if (!copy)
        return gpg_error(GPG_ERR_ENOMEM);
    err = backend->open(argument, &readers);
    if (err) {
        free(copy);
        return err;
    }
    readers->backend = backend;
    readers->spec = copy;
    *r_readers = readers;
    return 0;
}

void readers_close(struct readers **readers)
{
    char *spec;

    if (!*readers)
        return;
    spec = (*readers)->spec;
    (*readers)->backend->close(*readers);
    free(spec);
    *readers = NULL;
}

const char *readers_spec(const struct readers *readers)
{
    return readers->spec;
}

void readers_list(struct readers *readers, struct reader_list *list)
{
    readers->backend->list(readers, list);
}

void readers_wait(struct readers *readers)
{
    readers->backend->wait(readers);
}

void readers_wake(struct readers *readers)
{
    readers->backend->wake(readers);
}

void readers_share(struct readers *readers, enum readers_share how, int64_t after_ms)
{
    if (readers->backend->share)
        readers->backend->share(readers, how, after_ms);
}

bool readers_held_by(struct readers *readers, const char *reader, char *out)
{
    struct reader_list list;

    out[0] = '\0';
    if (readers->backend->held_by)
        return readers->backend->held_by(out, READER_HOLDER_MAX);
    readers_list(readers, &list);
    for (size_t i = 0; i < list.count && !out[0]; i++) {
        if (strcmp(list.info[i].name, reader) == 0)
            memcpy(out, list.info[i].holder, READER_HOLDER_MAX);
    }
    return out[0] != '\0';
}

void readers_interrupt(struct readers *readers)
{
    if (readers->backend->interrupt)
        readers->backend->interrupt(readers);
}

gpg_error_t reader_connect(struct readers *readers, const char *name, struct deadline deadline,
                           struct reader **r_reader)
{
    struct reader *reader;
    gpg_error_t err;

    if (deadline_passed(deadline))
        return gpg_error(GPG_ERR_TIMEOUT);
    err = readers->backend->connect(readers, name, deadline, &reader);
    if (err)
        return err;
    reader->backend = readers->backend;
    *r_reader = reader;
    return 0;
}

void reader_disconnect(struct reader **reader)
{
    if (!*reader)
        return;
    (*reader)->backend->disconnect(*reader);
    *reader = NULL;
}

struct view reader_atr(const struct reader *reader)
{
    return view_of(reader->atr, reader->atr_len);
}

enum reader_length reader_length(const struct reader *reader)
{
    return reader->length;
}

/* Remembers an error after which the connection is of no use. pcscd, for one, takes a reader for
 * empty for long after somebody tried to reset a card that had just been taken out of it. */
static gpg_error_t settle(struct reader *reader, gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_NO_SERVICE:
    case GPG_ERR_CARD:
        reader->end = err;
        break;
    default:
        break;
    }
    return err;
}

/* The same of a call that has an answer, which is there as a whole or not at all. */
static gpg_error_t settle_answer(struct reader *reader, struct buffer *answer, gpg_error_t err)
{
    if (!err && answer->len < ANSWER_MIN)
        err = gpg_error(GPG_ERR_CARD);
    if (err)
        buffer_clear(answer);
    return settle(reader, err);
}

/* Why a call must not be made; 0 when it may. */
static gpg_error_t refusal(const struct reader *reader, struct deadline deadline,
                           gpg_err_code_t late)
{
    if (reader->end)
        return reader->end;
    if (reader->late == READER_NOT_BEGUN)
        return gpg_error(GPG_ERR_NOT_INITIALIZED);
    return deadline_passed(deadline) ? gpg_error(late) : 0;
}

gpg_error_t reader_begin(struct reader *reader, struct deadline deadline)
{
    gpg_error_t err = refusal(reader, deadline, GPG_ERR_LOCKED);

    return err ? err : settle(reader, reader->backend->begin(reader, deadline));
}

void reader_begin_late(struct reader *reader, struct deadline deadline)
{
    reader->late = READER_BEGINS_LATE;
    reader->begin_by = deadline;
}

void reader_end(struct reader *reader)
{
    if (reader->late == READER_PLAIN)
        reader->backend->end(reader);
    reader->late = READER_PLAIN;
}

static gpg_error_t begin_and_transmit(struct reader *reader, struct view command,
                                      struct buffer *answer, struct deadline deadline)
{
    const struct backend *backend = reader->backend;
    gpg_error_t err;

    reader->late = READER_NOT_BEGUN;
    if (deadline_passed(reader->begin_by))
        return gpg_error(GPG_ERR_LOCKED);
    if (backend->begin_and_transmit)
        return backend->begin_and_transmit(reader, command, answer, deadline);
    err = backend->begin(reader, reader->begin_by);
    if (err)
        return err;
    reader->late = READER_PLAIN;
    return backend->transmit(reader, command, answer, deadline);
}

gpg_error_t reader_transmit(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline)
{
    gpg_error_t err;

    buffer_clear(answer);
    if (command.len < COMMAND_MIN)
        return gpg_error(GPG_ERR_INV_LENGTH);
    /* A command that could not wait for its answer must not be sent. */
    err = refusal(reader, deadline, GPG_ERR_TIMEOUT);
    if (err)
        return err;
    err = reader->late == READER_BEGINS_LATE
              ? begin_and_transmit(reader, command, answer, deadline)
              : reader->backend->transmit(reader, command, answer, deadline);
    return settle_answer(reader, answer, err);
}

void reader_set_waiter(struct reader *reader, const struct reader_waiter *waiter)
{
    reader->waiter = waiter;
}

bool reader_has_keypad(const struct reader *reader, size_t pin_length)
{
    return reader->backend->has_keypad && reader->backend->has_keypad(reader, pin_length);
}

gpg_error_t reader_verify_on_keypad(struct reader *reader, const struct keypad_verify *verify,
                                    struct buffer *answer, struct deadline deadline)
{
    gpg_error_t err = refusal(reader, deadline, GPG_ERR_TIMEOUT);

    buffer_clear(answer);
    if (err)
        return err;
    if (!reader_has_keypad(reader, verify->pin_length))
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    err = reader->backend->verify_on_keypad(reader, verify, answer, deadline);
    return settle_answer(reader, answer, err);
}

gpg_error_t reader_reset(struct reader *reader, struct deadline deadline)
{
    gpg_error_t err = refusal(reader, deadline, GPG_ERR_TIMEOUT);

    return err ? err : settle(reader, reader->backend->reset(reader, deadline));
}
