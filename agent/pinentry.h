/* Asking the human: a client of pinentry, over libassuan.
 *
 * Each call starts one pinentry and has ended it when it returns, whatever the pinentry did: it is
 * told BYE, then gets SIGTERM, then SIGKILL, and is reaped. A call never lasts longer than its
 * timeout and one second more. Prompts are shown one at a time in the whole process, in the order
 * of the calls, but for those that give way; time spent waiting for one's turn counts.
 *
 * Runs in any thread. The process ignores SIGPIPE, reaps no children but those it knows (no
 * waitpid(-1)), and has called secret_init_library. */
#pragma once

#include "agent/pinentry_options.h"
#include "base/secret.h"

#include <sys/types.h>

#define PINENTRY_PIN_MAX 255 /* bytes; the longest that is taken from a pinentry */

/* Everything is borrowed for the call; strings are UTF-8 and may be NULL. They are escaped, and
 * shortened to what a line holds; text from outside goes through text_escape first all the same.
 * Start from PINENTRY_REQUEST. */
struct pinentry_request {
    const char *program; /* absolute, or a name to be found in the system's directories;
                          * NULL: pinentry */
    const char *title;
    const char *description; /* may hold line feeds */
    const char *prompt;      /* label of the input field */
    const char *error;       /* shown as an error: "2 tries left" */
    const char *ok;          /* labels of the buttons */
    const char *cancel;
    const struct pinentry_options *options; /* what the client said; NULL: nothing. Its terminal and
                                             * its language may be used: agent/prompt_place.h */
    pid_t owner_pid;                        /* of the client that asks; 0: unknown */
    uid_t owner_uid;
    size_t pin_min; /* in bytes; a PIN of another length is asked for again, three times at most */
    size_t pin_max;
    int timeout_seconds;
    bool gives_way; /* confirm and message: taken away while prompts that do not are shown, and then
                     * shown again */
    int client_fd;  /* -1: none. Hung up, not merely readable: the client has gone,
                    * GPG_ERR_CANCELED */
    int cancel_fd;  /* -1: none. Readable or hung up: the asking ends with GPG_ERR_CANCELED */
    int done_fd;    /* -1: none. Readable or hung up: the prompt has done its duty; confirm and
                    * message end with 0, get_pin with GPG_ERR_CANCELED */
};

#define PINENTRY_REQUEST                                                                           \
    (struct pinentry_request)                                                                      \
    {                                                                                              \
        .pin_min = 1, .pin_max = PINENTRY_PIN_MAX, .timeout_seconds = 60, .client_fd = -1,         \
        .cancel_fd = -1, .done_fd = -1                                                             \
    }

/* Errors of all three, each logged once at warning with what to do about it, the human's own
 * decisions and GPG_ERR_CANCELED excepted:
 *   GPG_ERR_NO_PIN_ENTRY    the program is missing, cannot be run, or ended before its greeting
 *   GPG_ERR_FULLY_CANCELED  the human said cancel, or closed the window
 *   GPG_ERR_NOT_CONFIRMED   the human said no (confirm only)
 *   GPG_ERR_TIMEOUT         nobody answered, or the pinentry hung
 *   GPG_ERR_CANCELED        cancel_fd, or done_fd for a PIN
 *   GPG_ERR_BAD_PIN         a PIN of a length that cannot be, three times
 *   GPG_ERR_PIN_ENTRY       the pinentry failed, died, or said what no pinentry says
 * or GPG_ERR_ENOMEM and the like. */

/* *pin must be empty and is only filled on success; pin_min to pin_max bytes as typed, UTF-8. */
gpg_error_t pinentry_get_pin(const struct pinentry_request *request, struct secret *pin);

/* A question with two buttons; 0 is OK, or done_fd. */
gpg_error_t pinentry_confirm(const struct pinentry_request *request);
