/* libcardea: OpenPGP messages opened with a key that lives on a token.
 *
 * The library talks to cardea-agent, which owns the tokens, asks for PINs and announces touches,
 * and starts it when it is not running. Session keys come from the agent; messages are decrypted
 * here. It has no state of its own: a connection may be used by any thread, by one at a time;
 * cardea_cancel may be called from any other.
 *
 * Errors are libgpg-error's; 0 is success. Outputs are untouched on failure unless said otherwise.
 * See libcardea(3). */
#ifndef CARDEA_H
#define CARDEA_H

#include <gpg-error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct cardea;

/* Zero-initialised: everything as gpg would find it. Strings are borrowed for the call. */
struct cardea_options {
    const char *socket;    /* NULL: $CARDEA_SOCKET, else gpg's agent socket */
    const char *gnupghome; /* NULL: $GNUPGHOME, else ~/.gnupg */
    const char *agent;     /* program to start; NULL: the installed one; "": never start one */
};

/* GPG_ERR_NO_AGENT when none answers and none could be started, GPG_ERR_NOT_SUPPORTED when
 * gpg-agent has the socket (`gpgconf --kill gpg-agent`). */
gpg_error_t cardea_connect(const struct cardea_options *options, struct cardea **connection);

/* Accepts NULL, clears the pointer. */
void cardea_disconnect(struct cardea **connection);

/* Ends what another thread does with this connection, waiting for the agent or decrypting:
 * GPG_ERR_CANCELED there, and whatever is asked of it later. What a descriptor of the caller's
 * holds up ends when that goes on. May be called by a signal handler. */
void cardea_cancel(struct cardea *connection);

/* Tokens and keys */

#define CARDEA_SLOTS 3 /* sign, decrypt, authenticate */

struct cardea_key {
    bool present;
    char algorithm[24];   /* "cv25519", "rsa2048" */
    char fingerprint[41]; /* upper-case hex, as the token has it */
    char keygrip[41];     /* "" when the key could not be read */
    uint32_t created;     /* seconds since 1970; 0: unknown */
    bool touch;           /* the token waits for a touch before it uses the key */
};

struct cardea_token {
    bool inserted;   /* otherwise it is remembered: no reader, no tries */
    char serial[33]; /* the AID, hex */
    char name[64];   /* "Yubico 0006:12345678" */
    char version[8]; /* of the OpenPGP card specification, "3.4" */
    char reader[128];
    char holder[64];    /* the given name first; "" when not known; made printable */
    unsigned pin_tries; /* left for the PIN, the reset code and the admin PIN */
    unsigned reset_code_tries;
    unsigned admin_pin_tries;
    struct cardea_key key[CARDEA_SLOTS];
};

/* The inserted tokens, read anew, and then those that were in once, as they are remembered; free
 * with cardea_free_tokens. No token is no error. */
gpg_error_t cardea_list_tokens(struct cardea *connection, struct cardea_token **tokens,
                               size_t *count);
void cardea_free_tokens(struct cardea_token **tokens);

/* Forgets what is remembered of a token, named as struct cardea_token has its serial.
 * GPG_ERR_NOT_FOUND, GPG_ERR_INV_ARG. */
gpg_error_t cardea_forget_token(struct cardea *connection, const char *serial);

/* How many session keys the agent remembers, and for how many seconds each; 0 seconds when it is
 * not to remember any. */
gpg_error_t cardea_remembered(struct cardea *connection, unsigned *count, unsigned *seconds);

/* Session keys */

#define CARDEA_SESSION_KEY_MAX 80 /* octets of "ALGO:HEX" with the NUL */

/* Who opened a message. */
struct cardea_opener {
    char fingerprint[41];
    char serial[33];
    bool touch;
};

/* Has a token open one of the PKESK packets (RFC 9580 §5.1), given with their headers as they
 * stand in the message: 64 of them, 64 KiB, at most. key gets "ALGO:HEX", the algorithm 0 where the
 * packet does not say it; wipe it. opener may be NULL.
 *
 * GPG_ERR_NO_SECKEY when no inserted token holds a key for it, GPG_ERR_CARD_NOT_PRESENT when none
 * is inserted, GPG_ERR_UNSUPPORTED_ALGORITHM when no token can do it, GPG_ERR_FULLY_CANCELED,
 * GPG_ERR_PIN_BLOCKED, GPG_ERR_TIMEOUT (touch, prompt), GPG_ERR_DECRYPT_FAILED. */
gpg_error_t cardea_session_key(struct cardea *connection, const void *pkesk, size_t len,
                               char key[CARDEA_SESSION_KEY_MAX], struct cardea_opener *opener);

/* Gives certificates, armored or not, that say what a token does not say of its key: how its ECDH
 * key derives, and under which other fingerprints it is known. They go with every later question of
 * this connection. GPG_ERR_NO_DATA for what holds no OpenPGP public key, GPG_ERR_TOO_LARGE past 64
 * KiB of public key packets. */
gpg_error_t cardea_add_certificates(struct cardea *connection, const void *certificates,
                                    size_t len);

/* The same as cardea_session_key for the message on a descriptor, armored or not, of which only the
 * beginning is read. Also GPG_ERR_NO_DATA for what is no message and GPG_ERR_NOT_ENCRYPTED. */
gpg_error_t cardea_message_session_key(struct cardea *connection, int in,
                                       char key[CARDEA_SESSION_KEY_MAX],
                                       struct cardea_opener *opener);

/* Messages */

#define CARDEA_SIGNATURES 16

struct cardea_decrypt_options {
    const char *session_key; /* "ALGO:HEX"; NULL: ask the agent */
    bool unwrap;             /* give out the packets inside, for a verifier of signatures */
    bool accept_unprotected; /* messages without integrity protection (packet 9) */
    uint64_t max_output;     /* octets; 0: 16 GiB */
    uint64_t memory_limit;   /* octets that may wait in memory to be verified; 0: 1 GiB */
    const char *folder; /* where more waits, in an unlinked file; NULL: the working directory */
    /* Called now and then, by the calling thread; false ends the work with GPG_ERR_CANCELED. May be
     * NULL. */
    bool (*progress)(void *context, uint64_t octets_read, uint64_t octets_written);
    void *context;
    /* The output is a new file that nobody reads before this has succeeded, and that is thrown away
     * when it has not. A regular, empty file that has no name yet (O_TMPFILE) then gets what must
     * wait to be verified at once, and is empty again after an error; any other output is treated
     * as if this were not set. */
    bool provisional;
};

/* What a message said of itself. Signatures are not verified by Cardea. Valid until reused;
 * zero-filled first. */
struct cardea_report {
    struct cardea_opener opener;              /* when a token opened it */
    char session_key[CARDEA_SESSION_KEY_MAX]; /* wipe it */
    uint64_t octets;                          /* of plaintext */
    char file_name[256];                      /* outside text, made printable */
    uint32_t date;
    size_t signature_count; /* may exceed CARDEA_SIGNATURES */
    struct {
        char key_id[17];
        const char *algorithm; /* static */
    } signature[CARDEA_SIGNATURES];
    const char *problem; /* what was wrong, in words; static; NULL */
};

/* Decrypts from one descriptor to another, armored or not. Nothing is written that is not
 * authenticated, save to a provisional file; after an error what was written is authentic, but not
 * all there was. connection may be NULL with a session key; options and report may be NULL.
 *
 * Errors of cardea_session_key, GPG_ERR_NO_DATA for what is no message, GPG_ERR_NOT_ENCRYPTED,
 * GPG_ERR_NOT_ENABLED for a message without integrity protection, GPG_ERR_TRUNCATED,
 * GPG_ERR_TOO_LARGE past a bound, GPG_ERR_CANCELED, and those of reading and writing. */
gpg_error_t cardea_decrypt(struct cardea *connection, int in, int out,
                           const struct cardea_decrypt_options *options,
                           struct cardea_report *report);

/* Events */

/* What is not known is 0 or "". Later versions may append members. */
struct cardea_event {
    char event[24];  /* "card-in", as doc/protocol.md and cardea(1) list them; more may come */
    int64_t time_ms; /* since 1970 */
    unsigned long request; /* shared by the events of one request */
    long pid;              /* of the client */
    char client[160];      /* as prompts call it */
    char reader[128];
    char card[96];   /* "Yubico 0006:12345678" */
    char serial[33]; /* the AID, hex */
    char keygrip[41];
    char fingerprint[41];
    char policy[16];    /* of "touch-wanted": "on", "fixed", "cached", "cached-fixed" */
    gpg_error_t error;  /* of "failed" */
    bool from_cache;    /* of "served": a remembered session key, and no token */
    unsigned long lost; /* of "lost": as many events came faster than they were taken */
};

/* Calls tell for every event as it happens, first for "watching": from then on none is missed.
 * Returns 0 once tell has returned false, GPG_ERR_CANCELED after cardea_cancel, and GPG_ERR_EOF
 * when the agent ends. Nothing else may be asked on this connection meanwhile, nor by tell. */
gpg_error_t cardea_watch(struct cardea *connection,
                         bool (*tell)(void *context, const struct cardea_event *event),
                         void *context);

/* Forgets the PINs of all tokens, that they were verified, and remembered session keys. */
gpg_error_t cardea_lock(struct cardea *connection);

/* The version of the library, "0.1.0". */
const char *cardea_version(void);

/* After GPG_ERR_LOCKED, which program has the reader for itself, "scdaemon (process 123)", as far
 * as the agent could find out; NULL otherwise. Until the next call on the connection. */
#define CARDEA_HELD_BY_MAX 128
const char *cardea_held_by(const struct cardea *connection);

/* What a human can do about an error; NULL when the error says it all. Static. */
const char *cardea_advice(gpg_error_t error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
