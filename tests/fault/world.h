/* The world below ccid/backend.h for a sweep of faults: two readers, a few virtual cards, and one
 * fault at one moment. It takes the place of the back ends of PC/SC and sockets; everything above
 * is the product.
 *
 * A moment is one call of the agent to a reader: connect, begin, transmit. They are counted from
 * world_arm on. */
#pragma once

#include "base/bytes.h"
#include "ccid/reader.h"

#define SLOTS_IN_WORLD 2
#define WORLD_SPEC     "pcsc"
#define PINS_SEEN_MAX  32
#define CALLS_MAX      256 /* of one operation */

enum card_name {
    CARD_X25519, /* RFC 7748 §6.1, Alice's */
    CARD_P256,   /* RFC 5903 §8.1, the initiator's */
    CARD_RSA,
    CARD_RSA_CHAINED, /* the same key without extended length */
    CARD_KDF,         /* X25519, its PIN salted and hashed */
    CARD_TWIN,        /* the key of CARD_X25519 on another card */
    CARD_EMPTY,
    CARDS_IN_WORLD,
    NO_CARD = -1
};

enum call { CALL_CONNECT, CALL_BEGIN, CALL_TRANSMIT };

/* What happens at the moment. */
struct fault {
    const char *name;
    enum fault_kind {
        FAULT_NONE,
        FAULT_WORD,     /* the card answers with status word `value` alone, and does nothing */
        FAULT_DATA,     /* it answers with `value` octets and 9000 */
        FAULT_ENDLESS,  /* it answers with 61FF from now on */
        FAULT_ERROR,    /* the call fails with error code `value`, the card not having seen it */
        FAULT_LATE,     /* the same, but the card did what it was told */
        FAULT_ALWAYS,   /* the same as FAULT_ERROR from now on, until the operation is over */
        FAULT_HAPPENING /* `happen` is called, and then the call goes on in the world as it is */
    } kind;
    unsigned value;
    void (*happen)(void);
    bool harmless; /* before a transaction: the operation succeeds all the same */
};

/* A VERIFY with a PIN, as it was sent. */
struct pin_seen {
    enum card_name card;
    uint8_t pin[64];
    size_t len;
    bool arrived; /* the card saw it */
};

struct world {
    const struct fault *fault;
    unsigned at;    /* the moment of the fault */
    unsigned calls; /* since world_arm */
    enum call call[CALLS_MAX];
    uint8_t instruction[CALLS_MAX]; /* of a command that was transmitted */
    bool struck;                    /* the fault's moment came */
    struct pin_seen pins[PINS_SEEN_MAX];
    unsigned pin_count; /* may be more than fit in pins */
    unsigned connected, begun;
    int slot_at_fault; /* where it struck */
};

extern struct world world;

/* Once, after secret_init_library. `keys` is the folder of the keys to import. */
void world_open(const char *keys);
void world_close(void);

/* Every card as new and without power, the right PIN verified nowhere and with all its tries; the
 * readers hold these. */
void world_set(enum card_name first, enum card_name second);

/* From now on calls are counted, and the fault, or NULL, waits for moment `at`. */
void world_arm(const struct fault *fault, unsigned at);

/* What a fault may do, with the agent in the middle of a call. The agent's watcher is woken. */
void world_take_out(int slot);
void world_put_in(int slot, enum card_name card); /* another card, or the same anew */
void world_reset(int slot);                       /* by another program */
void world_select_other(int slot);                /* the same, of another application */

enum card_name world_card_in(int slot);
const uint8_t *world_aid(enum card_name card); /* 16 octets */

/* PW1's tries, as the card says. */
unsigned world_tries(enum card_name card);

/* One command to a card behind the agent's back. */
void world_command(enum card_name card, struct view command, struct buffer *answer);
