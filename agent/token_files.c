#include "agent/token_files.h"

#include "base/log.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LEN     (2 * AID_LEN)
#define ASIDE_SUFFIX ".aside"

gpg_error_t token_files_default_directory(char **path)
{
    const char *state_home = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int rc = 0;

    *path = NULL;
    /* A relative one is to be ignored (XDG Base Directory Specification 0.8). */
    if (state_home && *state_home == '/')
        rc = asprintf(path, "%s/cardea", state_home);
    else if (home && *home == '/')
        rc = asprintf(path, "%s/.local/state/cardea", home);
    if (rc < 0) {
        *path = NULL;
        return gpg_error(GPG_ERR_ENOMEM);
    }
    return 0;
}

static gpg_error_t make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        int rc;

        if (slash)
            *slash = '\0';
        rc = mkdir(path, S_IRWXU);
        if (slash)
            *slash = '/';
        if (rc < 0 && errno != EEXIST)
            return gpg_error_from_syserror();
        if (!slash)
            return 0;
    }
}

/* What others may write to, they could fill with keys of their choice. */
static gpg_error_t check_directory(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return gpg_error_from_syserror();
    if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
        return gpg_error(GPG_ERR_EPERM);
    return 0;
}

static gpg_error_t open_directory(const char *directory, bool make, int *r_fd)
{
    char path[PATH_MAX];
    gpg_error_t err = 0;
    int fd;

    if (snprintf(path, sizeof path, "%s/tokens", directory) >= (int)sizeof path)
        return gpg_error(GPG_ERR_ENAMETOOLONG);
    if (make)
        err = make_directories(path);
    if (err)
        return err;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return gpg_error_from_syserror();
    err = check_directory(fd);
    if (err)
        close(fd);
    else
        *r_fd = fd;
    return err;
}

static bool is_token_name(const char *name)
{
    return strlen(name) == NAME_LEN && strspn(name, "0123456789ABCDEF") == NAME_LEN;
}

static gpg_error_t read_text(int fd, struct buffer *text)
{
    uint8_t block[1024];
    gpg_error_t err = 0;
    ssize_t n;

    while (!err && (n = read(fd, block, sizeof block)) != 0)
        err = n < 0 ? gpg_error_from_syserror() : buffer_append(text, block, (size_t)n);
    return err;
}

/* A file of ours: the user's, and nothing that waits or leads elsewhere. */
static gpg_error_t read_own_file(int fd, struct buffer *text)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return gpg_error_from_syserror();
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return gpg_error(GPG_ERR_BAD_DATA);
    return read_text(fd, text);
}

static gpg_error_t read_token(int folder, const char *name, struct known_token *token)
{
    struct buffer text = BUFFER(KNOWN_TOKEN_TEXT_MAX);
    char aid[NAME_LEN + 1];
    gpg_error_t err;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return gpg_error_from_syserror();
    err = read_own_file(fd, &text);
    close(fd);
    if (!err)
        err = known_token_parse(buffer_view(&text), token);
    buffer_free(&text);
    if (!err && strcmp(name, hex_encode(view_of(token->facts.data.aid, AID_LEN), aid)) != 0)
        err = gpg_error(GPG_ERR_BAD_DATA);
    return err;
}

static void set_aside(int folder, const char *name, const char *why)
{
    char aside[NAME_LEN + sizeof ASIDE_SUFFIX];

    snprintf(aside, sizeof aside, "%.*s%s", NAME_LEN, name, ASIDE_SUFFIX);
    if (renameat(folder, name, folder, aside) < 0)
        log_warning("the file of token %s is %s and cannot be moved aside: %s", name, why,
                    strerror(errno));
    else
        log_warning("the file of token %s is %s: it is now %s", name, why, aside);
}

/* False when it is to be passed over; what is not one of our files has left its place then. */
static bool read_or_set_aside(int folder, const char *name, struct known_token *token)
{
    gpg_error_t err = read_token(folder, name, token);

    switch (gpg_err_code(err)) {
    case 0:
        return true;
    case GPG_ERR_UNKNOWN_VERSION:
        set_aside(folder, name, "of another version of Cardea");
        break;
    case GPG_ERR_BAD_DATA:
    case GPG_ERR_TOO_LARGE:
    case GPG_ERR_ELOOP:
        set_aside(folder, name, "damaged, or not ours");
        break;
    case GPG_ERR_ENOENT: /* another agent was faster */
        break;
    default:
        log_warning("the file of token %s cannot be read: %s", name, gpg_strerror(err));
        break;
    }
    return false;
}

gpg_error_t token_files_read(const char *directory,
                             bool (*take)(void *context, const struct known_token *token),
                             void *context)
{
    struct known_token token;
    const struct dirent *entry;
    bool more = true;
    gpg_error_t err;
    DIR *list;
    int fd;

    err = open_directory(directory, false, &fd);
    if (err)
        return gpg_err_code(err) == GPG_ERR_ENOENT ? 0 : err;
    list = fdopendir(fd);
    if (!list) {
        err = gpg_error_from_syserror();
        close(fd);
        return err;
    }
    while (more && (entry = readdir(list))) {
        if (is_token_name(entry->d_name) && read_or_set_aside(fd, entry->d_name, &token))
            more = take(context, &token);
    }
    closedir(list);
    return 0;
}

static gpg_error_t write_all(int fd, struct view text)
{
    while (text.len) {
        ssize_t n = write(fd, text.data, text.len);
        struct view written;

        if (n < 0)
            return gpg_error_from_syserror();
        view_take(&text, (size_t)n, &written);
    }
    return fsync(fd) < 0 ? gpg_error_from_syserror() : 0;
}

/* Of several threads and agents each writes to a file of its own. */
static gpg_error_t replace_file(int folder, const char *name, struct view text)
{
    char temporary[64];
    gpg_error_t err;
    int fd;

    snprintf(temporary, sizeof temporary, ".%ld.new", (long)getpid());
    unlinkat(folder, temporary, 0);
    fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                S_IRUSR | S_IWUSR);
    if (fd < 0)
        return gpg_error_from_syserror();
    err = write_all(fd, text);
    if (close(fd) < 0 && !err)
        err = gpg_error_from_syserror();
    if (!err && renameat(folder, temporary, folder, name) < 0)
        err = gpg_error_from_syserror();
    if (err)
        unlinkat(folder, temporary, 0);
    return err;
}

gpg_error_t token_files_write(const char *directory, const struct known_token *token)
{
    struct buffer text = BUFFER(KNOWN_TOKEN_TEXT_MAX);
    char name[NAME_LEN + 1];
    gpg_error_t err;
    int folder;

    err = known_token_write(token, &text);
    if (!err)
        err = open_directory(directory, true, &folder);
    if (!err) {
        hex_encode(view_of(token->facts.data.aid, AID_LEN), name);
        err = replace_file(folder, name, buffer_view(&text));
        close(folder);
    }
    buffer_free(&text);
    return err;
}

gpg_error_t token_files_remove(const char *directory, const uint8_t aid[AID_LEN])
{
    char name[NAME_LEN + 1];
    gpg_error_t err;
    int folder;

    err = open_directory(directory, false, &folder);
    if (err)
        return gpg_err_code(err) == GPG_ERR_ENOENT ? 0 : err;
    hex_encode(view_of(aid, AID_LEN), name);
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        err = gpg_error_from_syserror();
    close(folder);
    return err;
}
