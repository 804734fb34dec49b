/* What a back end behind ccid/reader.h provides. A back end's own structures begin with these two,
 * so that a pointer to one is a pointer to the other. */
#pragma once

#include "ccid/reader.h"

struct backend {
    const char *scheme; /* "pcsc" in "pcsc:NAME" */

    /* `argument` is what follows the colon, NULL without one. Sets everything but base.spec. */
    gpg_error_t (*open)(const char *argument, struct readers **r_readers);
    void (*close)(struct readers *readers);
    void (*list)(struct readers *readers, struct reader_list *list);
    void (*wait)(struct readers *readers);
    void (*wake)(struct readers *readers);
    void (*interrupt)(struct readers *readers); /* NULL: calls end at their deadlines only */
    /* NULL: it takes nothing from others */
    void (*share)(struct readers *readers, enum readers_share how, int64_t after_ms);

    bool (*held_by)(char *out, size_t size); /* NULL: the list tells */

    gpg_error_t (*connect)(struct readers *readers, const char *name, struct deadline deadline,
                           struct reader **r_reader);
    void (*disconnect)(struct reader *reader);
    gpg_error_t (*begin)(struct reader *reader, struct deadline deadline);
    void (*end)(struct reader *reader);
    gpg_error_t (*transmit)(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline);
    /* Leaves in reader->late whether there is a transaction. NULL: one is done after the other */
    gpg_error_t (*begin_and_transmit)(struct reader *reader, struct view command,
                                      struct buffer *answer, struct deadline deadline);
    /* NULL, as the next: no reader of it has a keypad */
    bool (*has_keypad)(const struct reader *reader, size_t pin_length);
    gpg_error_t (*verify_on_keypad)(struct reader *reader, const struct keypad_verify *verify,
                                    struct buffer *answer, struct deadline deadline);
    gpg_error_t (*reset)(struct reader *reader, struct deadline deadline);
};

struct readers {
    const struct backend *backend;
    char *spec;
};

struct reader {
    const struct backend *backend;
    gpg_error_t end;          /* after which there is nothing but to disconnect; 0: none yet */
    struct deadline begin_by; /* of a transaction that begins with its first command */
    enum { READER_PLAIN, READER_BEGINS_LATE, READER_NOT_BEGUN } late; /* the last: it failed */
    uint8_t atr[READER_ATR_MAX];
    size_t atr_len;
    enum reader_length length;
    const struct reader_waiter *waiter; /* NULL: nobody */
};

extern const struct backend pcsc_backend;
extern const struct backend socket_backend;
extern const struct backend usb_backend;
