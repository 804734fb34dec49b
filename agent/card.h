/* One insertion of one card: what is publicly known of it, and the use of it by one request at a
 * time.
 *
 * Public facts are published under a mutex and copied out: answering from them costs the card
 * nothing. Talking to the card needs its turn, a FIFO lock; the requesting thread then carries its
 * request down through apdu/ and ccid/ itself. */
#pragma once

#include "agent/card_name.h"
#include "agent/pin_cache.h"
#include "apdu/openpgp_card.h"
#include "ccid/reader.h"

struct card;
struct known_tokens;

/* Masks of slots */
#define SLOTS_DECRYPT (1u << SLOT_DECRYPT)
#define SLOTS_ALL     ((1u << SLOTS) - 1)

struct key_facts {
    enum { SLOT_UNREAD, SLOT_EMPTY, SLOT_READ } state;
    struct public_key key; /* SLOT_READ */
    enum { KEY_FROM_CARD, KEY_FROM_MEMORY, KEY_DOUBTED } source;
};

struct card_facts {
    char reader[READER_NAME_MAX];
    bool read; /* what follows is known */
    struct application_data data;
    struct key_facts key[SLOTS];
    char holder[CARD_HOLDER_MAX]; /* as card_holder_name; "" when there is none, or not known */
    bool holder_told;             /* by the card; else it is remembered */
};

/* DOs that only a listing shows, each as the card gives it; absent ones are empty. */
struct card_objects {
    struct buffer cardholder, login, url, security_support, kdf, private_1, private_2;
};

/* A question to whoever knows the PIN. */
struct pin_question {
    const struct card_facts *facts;
    enum slot slot;
    unsigned tries_left;  /* 1 or more */
    gpg_error_t previous; /* 0; GPG_ERR_BAD_PIN after a wrong one; GPG_ERR_CONFLICT when another
                           * program spent a try while the human typed */
    size_t pin_min, pin_max;
    int gone_fd; /* readable once the card has left: nobody need answer any more */
    bool keypad; /* the reader can ask for it, too */
};

/* Whoever a card is used for. */
struct requester {
    /* Fills *pin, leaves it empty when the reader's keypad may ask, or an error that ends the
     * request. Nothing of the card's is held but the place in the queue of those who may ask. */
    gpg_error_t (*ask_pin)(void *context, const struct pin_question *question, struct secret *pin);
    /* The keypad waits for a PIN, in this card's transaction; it does no longer. */
    void (*keypad)(void *context, bool waits);
    /* True when nobody waits for the answer any more. */
    bool (*is_gone)(void *context);
    /* True with the card's answer when it is known by now: the queue has been waited in. */
    bool (*recall)(void *context, struct secret *plain);
    /* The card's answer, before anybody else is served. */
    void (*remember)(void *context, const struct secret *plain);
    /* The token may wait for a touch; it does no longer. In turns; must not wait itself. */
    void (*touch)(void *context, bool waits);
    void *context;
    size_t keypad_pin_length; /* digits of every PIN, for keypads that want to know; 0: not told */
};

/* One reference for the caller. The policy and the known tokens outlive the card. */
struct card *card_new(struct readers *readers, const struct reader_info *info,
                      const struct pin_cache_policy *policy, struct known_tokens *known);
struct card *card_ref(struct card *card);
void card_unref(struct card **card);

/* True when this insertion is the one that info tells of. */
bool card_is(const struct card *card, const struct readers *readers,
             const struct reader_info *info);

bool card_belongs_to(const struct card *card, const struct readers *readers);

/* Which program holds its reader, as readers_held_by. */
bool card_held_by(const struct card *card, char *out);

/* The card left the reader. What is under way ends with its reader's error. */
void card_set_gone(struct card *card);

/* Copies what is known, without asking the card. */
void card_known_facts(struct card *card, struct card_facts *facts);

/* Makes sure that the card's data and the public keys of the slots in the mask (1 << SLOT_…) are
 * known, asking the card for what is not, and copies the facts. A key that is known of this token
 * from before, and that the card vouches for, is not read again. Errors: the reader's,
 * GPG_ERR_OBJ_TERM_STATE for a terminated card, and GPG_ERR_ENOENT for one without the OpenPGP
 * application, which is remembered for as long as the card stays. */
gpg_error_t card_learn(struct card *card, unsigned slots, struct card_facts *facts);

/* No card seems to hold a key that is wanted, but another program may have put one on this: looks,
 * if it was not looked at for a second and nobody uses it now. True when its keys are others. */
bool card_look_again(struct card *card);

/* As card_learn, for a listing: of a card that waits for a touch, what is known. */
gpg_error_t card_learn_for_list(struct card *card, unsigned slots, struct card_facts *facts);

/* Reads everything anew that may have changed, and the objects of a listing. From a card that waits
 * for a touch: what is known, and no objects. */
gpg_error_t card_list_objects(struct card *card, struct card_facts *facts,
                              struct card_objects *objects);

void card_objects_free(struct card_objects *objects);

/* PSO:DECIPHER with the key in SLOT_DECRYPT, which must be `key`; `data` as decipher_encode made
 * it. Selects the application and verifies the PIN where needed, each VERIFY in one transaction
 * with the reading of the card's identity.
 *
 * Errors: the reader's and the requester's, and
 *   GPG_ERR_PIN_BLOCKED      no tries left; no VERIFY was sent
 *   error_no_touch           nobody touched the token in time (base/advice.h)
 *   GPG_ERR_TIMEOUT          it never answered
 *   GPG_ERR_WRONG_CARD       the card holds other keys than before
 *   GPG_ERR_DECRYPT_FAILED   the card could not open it; one error for all reasons
 *   GPG_ERR_TOO_LARGE        the card has no way to take a command of this length; no PIN was asked
 *   GPG_ERR_OBJ_TERM_STATE, GPG_ERR_UNSUPPORTED_PROTOCOL (KDF) */
gpg_error_t card_decrypt(struct card *card, const struct public_key *key, struct view data,
                         const struct requester *requester, struct secret *plain);

/* When the PIN that is kept ends (boottime); INT64_MAX when there is none. */
int64_t card_pin_end_ms(struct card *card);

/* Forgets the PIN and the verified state, on the card too where it can be reached without waiting.
 */
void card_lock(struct card *card);
