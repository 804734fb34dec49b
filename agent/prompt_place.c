#include "agent/prompt_place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_link(const char *path)
{
    char *resolved = realpath(path, NULL);
    bool differs = !resolved || strcmp(path, resolved) != 0;

    free(resolved);
    return differs;
}

/* Looked at before it is opened: to open some devices is to do something. */
bool prompt_place_is_own_terminal(const char *path)
{
    struct stat st;
    bool is;
    int fd;

    if (strncmp(path, "/dev/", 5) != 0 || has_link(path) || lstat(path, &st) < 0 ||
        !S_ISCHR(st.st_mode) || st.st_uid != geteuid())
        return false;
    fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    is = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == geteuid() && isatty(fd);
    close(fd);
    return is;
}

/* A name in the terminal database, and no path to another one. */
static bool is_terminal_type(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "+-._";

    return *name && *name != '.' && strspn(name, allowed) == strlen(name);
}

static gpg_error_t take_terminal(const struct pinentry_options *said,
                                 struct pinentry_options *place)
{
    const char *name = said->values[PINENTRY_TTYNAME];
    const char *type = said->values[PINENTRY_TTYTYPE];
    gpg_error_t err;

    if (!name || !prompt_place_is_own_terminal(name))
        return 0;
    err = pinentry_options_copy(place, said, PINENTRY_TTYNAME);
    if (!err && type && is_terminal_type(type))
        err = pinentry_options_copy(place, said, PINENTRY_TTYTYPE);
    return err;
}

static gpg_error_t take_from_client(const struct pinentry_options *said,
                                    struct pinentry_options *place)
{
    gpg_error_t err = pinentry_options_copy(place, said, PINENTRY_LC_CTYPE);

    if (!err)
        err = pinentry_options_copy(place, said, PINENTRY_LC_MESSAGES);
    return err ? err : take_terminal(said, place);
}

gpg_error_t prompt_place(const struct pinentry_options *said, struct pinentry_options *place)
{
    gpg_error_t err = said ? take_from_client(said, place) : 0;

    if (!err)
        err = pinentry_options_add_environment(place);
    if (err)
        pinentry_options_free(place);
    return err;
}
