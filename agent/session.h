/* One client's connection: the Assuan dialogue and what the client said in it. */
#pragma once

#include "agent/cards.h"
#include "agent/config.h"
#include "agent/pinentry_options.h"
#include "agent/session_key_cache.h"
#include "base/deadline.h"

#include <assuan.h>
#include <sys/types.h>

/* What gpg compares with its own version: it warns about an agent that is older than itself. */
#define SPOKEN_GNUPG_VERSION "2.5.20"

/* What all sessions share; outlives them. */
struct agent {
    const struct agent_config *config;
    struct cards *cards;
    struct events *events;
    struct known_tokens *known;
    struct expiry *expiry;
    struct session_key_cache *session_keys; /* NULL: off */
    const char *socket_path;
    int stop_fd; /* eventfd; readable for good once the agent stops */
};

enum pin_mode { PIN_ASK, PIN_CANCEL, PIN_ERROR, PIN_LOOPBACK };

struct session {
    struct agent *agent;
    assuan_context_t assuan;
    int fd; /* libassuan's to read, write and close */
    pid_t peer_pid;
    uid_t peer_uid;
    struct pinentry_options options;
    enum pin_mode pin_mode;
    bool has_keygrip;
    uint8_t keygrip[KEYGRIP_LEN]; /* as SETKEY named it */
    struct deadline line_by;      /* a line has begun and is to be whole by then */
    char held[ASSUAN_LINELENGTH]; /* of an answer, until its line is whole */
    size_t held_len;
    char client[EVENT_CLIENT_MAX]; /* who this is; empty until somebody wants to know */
    bool ends_agent;               /* KILLAGENT */
};

struct session_peer {
    int fd; /* taken */
    pid_t pid;
    uid_t uid;
    void (*before_close)(void *context); /* called when fd is of no more use to anybody */
    void *context;
};

/* Serves the client until it leaves; returns then. */
void session_serve(struct agent *agent, const struct session_peer *peer);

/* True when the client hung up, or the agent stops. */
bool session_is_gone(const struct session *session);

/* A command's handler, as libassuan calls it; its error goes to the client. */
typedef gpg_error_t session_handler(assuan_context_t assuan, char *line);

struct session_command {
    const char *name;
    session_handler *handler;
    const char *help;
};

/* Tables of commands, each ended by a NULL name. */
extern const struct session_command session_info_commands[];
extern const struct session_command session_key_commands[];
extern const struct session_command session_card_commands[];
extern const struct session_command session_decrypt_commands[];
extern const struct session_command session_session_key_commands[];
extern const struct session_command session_token_commands[];
extern const struct session_command session_watch_commands[];
extern const struct session_command session_refused_commands[];

static inline struct session *session_of(assuan_context_t assuan)
{
    return assuan_get_pointer(assuan);
}

/* The error that a client gets for err, with its source: errors that clients cannot name are told
 * by ones that they can. */
gpg_error_t session_error(gpg_error_t err);
gpg_error_t session_card_error(gpg_error_t err);

/* session_error of a decryption, with words for what its number does not say. */
gpg_error_t session_answer(assuan_context_t assuan, gpg_error_t err);

/* After GPG_ERR_LOCKED: tells the client by a status line HELD_BY who holds the reader, as far as
 * it can be found out, and the log. */
void session_tell_held_by(struct session *session);

/* Sets the error's text, which libassuan cuts to 100 octets. Returns err. */
gpg_error_t session_fail(assuan_context_t assuan, gpg_err_code_t code, const char *text);

/* Sends a string as D lines. */
gpg_error_t session_send_text(assuan_context_t assuan, const char *text);
