/* How bytes reach a card: the one seam between the card application and PC/SC, USB or a socket.
 *
 * A `readers` is one back end (one PC/SC service, one listening socket). It lists its readers,
 * sleeps until something about them changes, and connects to the card in one. All calls are
 * thread-safe on a `readers`; a `reader` belongs to one caller at a time.
 *
 * Errors, the same for every back end:
 *
 * - GPG_ERR_CARD_NOT_PRESENT: no card in the reader, or no such reader
 * - GPG_ERR_CARD_REMOVED: the card went away; disconnect
 * - GPG_ERR_CARD_RESET: somebody reset the card: every state on it is lost; the connection is good
 *   again and the call did nothing; select the application anew
 * - GPG_ERR_LOCKED: another program holds the reader exclusively; from reader_begin: others'
 *   transactions did not end in time; disconnect
 * - GPG_ERR_TIMEOUT: the deadline passed; disconnect, the command may still have happened
 * - GPG_ERR_NO_SERVICE: no PC/SC service answers; disconnect
 * - GPG_ERR_EACCES: the PC/SC service refused us (polkit)
 * - GPG_ERR_EPERM: this user may not open the USB device
 * - GPG_ERR_EPROTONOSUPPORT: card and reader need what the USB driver does not have (T=0, for one)
 * - GPG_ERR_NOT_SUPPORTED: from readers_open: this build has no USB driver
 * - GPG_ERR_CARD: the card or reader failed in another way; disconnect
 * - GPG_ERR_INV_ARG: a reader specification that means nothing
 *
 * Where it says disconnect, the card is not touched through this connection any more: every later
 * call returns the same error. */
#pragma once

#include "base/bytes.h"
#include "base/deadline.h"

#define READER_NAME_MAX   128   /* octets with the NUL; longer names are cut */
#define READER_ATR_MAX    33    /* ISO 7816-3 §8.2.1 */
#define READER_HOLDER_MAX 64    /* octets with the NUL */
#define READERS_MAX       64    /* readers of one back end that are looked at */
#define ANSWER_MAX        65538 /* 65536 octets of data, SW1 and SW2 (ISO 7816-4 §5.1) */

struct readers;
struct reader;

struct reader_info {
    char name[READER_NAME_MAX];
    bool present;       /* a card is in it */
    uint32_t insertion; /* differs between two cards, and between two insertions of one card */
    bool exclusive;     /* another program holds it exclusively; PC/SC tells when that ends, but not
                           when it begins: shown once something else changed or a connect failed */
    char holder[READER_HOLDER_MAX]; /* which program, as far as known; "": not */
};

struct reader_list {
    struct reader_info info[READERS_MAX];
    size_t count;
    gpg_error_t service; /* why the list is empty: 0, GPG_ERR_NO_SERVICE, GPG_ERR_EACCES, or
                            GPG_ERR_EAGAIN: nothing is known yet */
};

/* Opens the back end of `spec`: "pcsc", "pcsc:NAME" (readers whose name contains NAME; several are
 * separated by |; no second one of these at a time, libpcsclite not being made for it),
 * "usb", "usb:VID:PID" (four hex digits each), "usb:spare" (begins as READERS_YIELD, see below),
 * "socket:PATH" (absolute; mode 0600, same uid only) or "socket:HOST:PORT" (loopback addresses
 * only). Opening succeeds without a PC/SC service: list and wait then report it until there is one.
 * A socket back end owns its path: a stale socket there is replaced, a live one is
 * GPG_ERR_EADDRINUSE, anything else at the path GPG_ERR_EEXIST, a path too long for a socket
 * GPG_ERR_ENAMETOOLONG. */
gpg_error_t readers_open(const char *spec, struct readers **r_readers);

/* Ends a readers_wait that is under way, then releases; the caller makes sure that no other call is
 * under way, none begins, and every reader is disconnected. Removes the socket. Accepts NULL,
 * clears the pointer. */
void readers_close(struct readers **readers);

/* What `spec` was; borrowed. */
const char *readers_spec(const struct readers *readers);

/* The readers as the last change left them. Never blocks on a card, but for a few seconds at most
 * until they have been looked at for the first time. */
void readers_list(struct readers *readers, struct reader_list *list);

/* Sleeps in the kernel until the list differs from the one returned last, or readers_wake is
 * called: no polling, no wake-ups while nothing happens. One waiter at a time. */
void readers_wait(struct readers *readers);

/* Ends the current or the next readers_wait. */
void readers_wake(struct readers *readers);

/* How the tokens of this machine are shared between back ends. "usb" alone minds it: a token that
 * it has taken is lost to the PC/SC service until it is plugged in anew. */
enum readers_share {
    READERS_ALONE,  /* takes every token; those that another program holds are listed */
    READERS_BESIDE, /* takes every token that nobody holds; the others are not listed */
    READERS_YIELD,  /* takes no more tokens; keeps those that it has */
};

/* Changes that, once after_ms have passed. Ends a readers_wait; readers_list waits until the tokens
 * are taken that are to be taken at once, for seconds at most. */
void readers_share(struct readers *readers, enum readers_share how, int64_t after_ms);

/* Which program holds the reader, as far as can be found out: "scdaemon (process 123)", or several
 * of which it is one. False when nothing can. out has READER_HOLDER_MAX octets. Looks at every
 * process: for after GPG_ERR_LOCKED. */
bool readers_held_by(struct readers *readers, const char *reader, char *out);

/* Ends what is under way with a card as if the card had been removed, if the back end can do that.
 * For a process that is about to end and cannot wait for a card. */
void readers_interrupt(struct readers *readers);

/* Connects to the card in the named reader, shared with other programs (PC/SC: T=0 or T=1, whatever
 * the card speaks). The card is powered; nothing is sent to it. */
gpg_error_t reader_connect(struct readers *readers, const char *name, struct deadline deadline,
                           struct reader **r_reader);

/* Leaves the card as it is. Accepts NULL, clears the pointer. Never blocks for long. */
void reader_disconnect(struct reader **reader);

/* The ATR of the connected card; borrowed until disconnect. */
struct view reader_atr(const struct reader *reader);

/* Whether the reader carries APDUs of extended length, whatever the card says: PC/SC and sockets do
 * not know. */
enum reader_length { READER_LENGTH_UNKNOWN, READER_SHORT, READER_EXTENDED };

enum reader_length reader_length(const struct reader *reader);

/* Begins a transaction: no other program's command comes between until reader_end. Waits for other
 * programs' transactions until the deadline (GPG_ERR_LOCKED then). After any error there is no
 * transaction; an error of a later call leaves the transaction as it is. */
gpg_error_t reader_begin(struct reader *reader, struct deadline deadline);
void reader_end(struct reader *reader);

/* Has the transaction begin with its first command, which spares a caller one of two waits. Errors
 * of the beginning are then that command's, which was not sent, and there is no transaction: until
 * reader_end every command fails with GPG_ERR_NOT_INITIALIZED. */
void reader_begin_late(struct reader *reader, struct deadline deadline);

/* Whoever waits for an answer. Called in the thread that waits; either may be NULL. The back end
 * "usb" alone does it. */
struct reader_waiter {
    /* The token says that it waits for a touch; now and then, until that comes. */
    void (*touch_wanted)(void *context);
    /* Asked some times a second while a human is to type at the reader: true ends the call. */
    bool (*gives_up)(void *context);
    void *context;
};

/* From now on; borrowed, NULL: nobody. */
void reader_set_waiter(struct reader *reader, const struct reader_waiter *waiter);

/* Sends one command APDU and receives its answer, data and SW1 SW2 (at least 2 octets), into
 * answer, whose old content is dropped and whose cap bounds the answer (GPG_ERR_TOO_LARGE). On
 * failure answer is empty. GPG_ERR_INV_LENGTH for a command of less than 4 octets. */
gpg_error_t reader_transmit(struct reader *reader, struct view command, struct buffer *answer,
                            struct deadline deadline);

/* A command whose data is a PIN that a human types at the reader. */
struct keypad_verify {
    uint8_t header[4];       /* CLA INS P1 P2 */
    size_t pin_min, pin_max; /* digits */
    size_t pin_length;       /* of this PIN, where somebody has told; 0 */
    uint8_t seconds;         /* that the reader waits for a digit, or for all of them */
};

/* Whether the reader has a keypad that is known to do it, for a PIN of that length (0: not told;
 * some keypads have to know); by the back end "usb" alone. */
bool reader_has_keypad(const struct reader *reader, size_t pin_length);

/* Has the reader ask for the PIN and send it to the card, and receives the card's answer as
 * reader_transmit. Lasts as long as the human does; the PIN never comes here.
 * The card saw nothing, and the connection is as good as before, after
 * GPG_ERR_CANCELED: the human said no at the reader; GPG_ERR_NO_PIN: nobody typed in time;
 * GPG_ERR_NOT_SUPPORTED: the reader does not do it after all. When the waiter gave up, which is
 * GPG_ERR_CARD, or the deadline passed, the reader is told to stop within a second:
 * the card may have got a PIN all the same. */
gpg_error_t reader_verify_on_keypad(struct reader *reader, const struct keypad_verify *verify,
                                    struct buffer *answer, struct deadline deadline);

/* Warm reset; every application and PIN state on the card is lost, for all programs. */
gpg_error_t reader_reset(struct reader *reader, struct deadline deadline);
