#include "agent/pinentry_options.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 512

/* `variable` is accepted by OPTION putenv=, too. */
static const struct {
    const char *name; /* in OPTION lines of client and pinentry alike */
    const char *variable;
    const char *own_variable; /* where the agent's own environment has it */
} known[PINENTRY_OPTION_COUNT] = {
    [PINENTRY_TTYNAME] = { "ttyname", NULL, "GPG_TTY" },
    [PINENTRY_TTYTYPE] = { "ttytype", NULL, "TERM" },
    [PINENTRY_DISPLAY] = { "display", "DISPLAY", "DISPLAY" },
    [PINENTRY_XAUTHORITY] = { "xauthority", "XAUTHORITY", "XAUTHORITY" },
    [PINENTRY_LC_CTYPE] = { "lc-ctype", NULL, "LC_CTYPE" },
    [PINENTRY_LC_MESSAGES] = { "lc-messages", NULL, "LC_MESSAGES" },
    [PINENTRY_USER_DATA] = { "pinentry-user-data", "PINENTRY_USER_DATA", "PINENTRY_USER_DATA" },
    [PINENTRY_XMODIFIERS] = { NULL, "XMODIFIERS", "XMODIFIERS" },
    [PINENTRY_WAYLAND_DISPLAY] = { NULL, "WAYLAND_DISPLAY", "WAYLAND_DISPLAY" },
    [PINENTRY_XDG_SESSION_TYPE] = { NULL, "XDG_SESSION_TYPE", "XDG_SESSION_TYPE" },
    [PINENTRY_QT_QPA_PLATFORM] = { NULL, "QT_QPA_PLATFORM", "QT_QPA_PLATFORM" },
    [PINENTRY_GTK_IM_MODULE] = { NULL, "GTK_IM_MODULE", "GTK_IM_MODULE" },
    [PINENTRY_DBUS_SESSION_BUS_ADDRESS] = { NULL, "DBUS_SESSION_BUS_ADDRESS",
                                            "DBUS_SESSION_BUS_ADDRESS" },
    [PINENTRY_QT_IM_MODULE] = { NULL, "QT_IM_MODULE", "QT_IM_MODULE" },
    [PINENTRY_INSIDE_EMACS] = { NULL, "INSIDE_EMACS", "INSIDE_EMACS" },
    [PINENTRY_GEOM_HINT] = { NULL, "PINENTRY_GEOM_HINT", "PINENTRY_GEOM_HINT" },
};

const char *pinentry_option_name(enum pinentry_option option)
{
    /* A pinentry knows its user data by the environment alone. */
    return option == PINENTRY_USER_DATA ? NULL : known[option].name;
}

const char *pinentry_option_variable(enum pinentry_option option)
{
    return known[option].variable;
}

static bool is_named(const char *name, const char *text, size_t len)
{
    return name && strlen(name) == len && memcmp(name, text, len) == 0;
}

static int find(const char *name, size_t len, bool by_variable)
{
    for (int i = 0; i < PINENTRY_OPTION_COUNT; i++) {
        if (is_named(by_variable ? known[i].variable : known[i].name, name, len))
            return i;
    }
    return -1;
}

static gpg_error_t check_value(const char *value)
{
    size_t len = 0;

    for (; value[len]; len++) {
        if ((unsigned char)value[len] < 0x20 || value[len] == 0x7f)
            return gpg_error(GPG_ERR_INV_VALUE);
        if (len == VALUE_MAX)
            return gpg_error(GPG_ERR_TOO_LARGE);
    }
    return 0;
}

static gpg_error_t set_value(struct pinentry_options *options, int index, const char *value)
{
    gpg_error_t err = check_value(value);
    char *copy = NULL;

    if (err)
        return err;
    if (*value && !(copy = strdup(value)))
        return gpg_error_from_syserror();
    free(options->values[index]);
    options->values[index] = copy;
    return 0;
}

gpg_error_t pinentry_options_set(struct pinentry_options *options, const char *text)
{
    static const char prefix[] = "putenv=";
    bool by_variable = strncmp(text, prefix, sizeof prefix - 1) == 0;
    size_t len;
    int index;

    if (by_variable)
        text += sizeof prefix - 1;
    len = strcspn(text, by_variable ? "=" : "= ");
    index = find(text, len, by_variable);
    if (index < 0)
        return gpg_error(GPG_ERR_UNKNOWN_OPTION);
    text += len;
    return set_value(options, index, *text ? text + 1 : text);
}

gpg_error_t pinentry_options_add_environment(struct pinentry_options *options)
{
    for (int i = 0; i < PINENTRY_OPTION_COUNT; i++) {
        const char *value = getenv(known[i].own_variable);
        gpg_error_t err;

        if (options->values[i] || !value)
            continue;
        err = set_value(options, i, value);
        if (gpg_err_code(err) == GPG_ERR_ENOMEM)
            return err;
    }
    return 0;
}

gpg_error_t pinentry_options_copy(struct pinentry_options *to, const struct pinentry_options *from,
                                  enum pinentry_option option)
{
    return from->values[option] ? set_value(to, (int)option, from->values[option]) : 0;
}

void pinentry_options_free(struct pinentry_options *options)
{
    if (!options)
        return;
    for (int i = 0; i < PINENTRY_OPTION_COUNT; i++) {
        free(options->values[i]);
        options->values[i] = NULL;
    }
}
