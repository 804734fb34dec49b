/* What a pinentry may be told: where the human is, and in which language. A client may say all of
 * it; what of that is used is for agent/prompt_place.h. */
#pragma once

#include <gpg-error.h>
#include <stdbool.h>
#include <stddef.h>

/* Names as a client's OPTION has them, and the environment variables of OPTION putenv=. */
enum pinentry_option {
    PINENTRY_TTYNAME,
    PINENTRY_TTYTYPE,
    PINENTRY_DISPLAY,
    PINENTRY_XAUTHORITY,
    PINENTRY_LC_CTYPE,
    PINENTRY_LC_MESSAGES,
    PINENTRY_USER_DATA,
    PINENTRY_XMODIFIERS,
    PINENTRY_WAYLAND_DISPLAY,
    PINENTRY_XDG_SESSION_TYPE,
    PINENTRY_QT_QPA_PLATFORM,
    PINENTRY_GTK_IM_MODULE,
    PINENTRY_DBUS_SESSION_BUS_ADDRESS,
    PINENTRY_QT_IM_MODULE,
    PINENTRY_INSIDE_EMACS,
    PINENTRY_GEOM_HINT,
    PINENTRY_OPTION_COUNT
};

/* Zero-initialised: nothing said. Values are owned. */
struct pinentry_options {
    char *values[PINENTRY_OPTION_COUNT];
};

/* The text after "OPTION ": NAME=VALUE, NAME VALUE or putenv=NAME=VALUE; an empty or absent value
 * takes the option back. GPG_ERR_UNKNOWN_OPTION for a name that is not on the list,
 * GPG_ERR_INV_VALUE for a value with control bytes, GPG_ERR_TOO_LARGE past 512 bytes. */
gpg_error_t pinentry_options_set(struct pinentry_options *options, const char *text);

/* Fills what is unset from the environment of this process (DISPLAY, WAYLAND_DISPLAY, GPG_TTY, …).
 * GPG_ERR_ENOMEM. */
gpg_error_t pinentry_options_add_environment(struct pinentry_options *options);

/* Copies one of them, which may be unset. GPG_ERR_ENOMEM. */
gpg_error_t pinentry_options_copy(struct pinentry_options *to, const struct pinentry_options *from,
                                  enum pinentry_option option);

void pinentry_options_free(struct pinentry_options *options);

/* What to send a pinentry as "OPTION name=…" (NULL: not sent), and the environment variable that
 * says the same (NULL: none). */
const char *pinentry_option_name(enum pinentry_option option);
const char *pinentry_option_variable(enum pinentry_option option);
