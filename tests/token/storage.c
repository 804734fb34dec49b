#include "tests/token/program.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

gpg_error_t storage_read_file(const char *path, struct buffer *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gpg_error_t err = 0;
    uint8_t part[4096];
    ssize_t n;

    if (fd < 0)
        return gpg_error_from_syserror();
    while (!err && (n = read(fd, part, sizeof part)) != 0) {
        if (n > 0)
            err = buffer_append(content, part, (size_t)n);
        else if (errno != EINTR)
            err = gpg_error_from_syserror();
    }
    explicit_bzero(part, sizeof part);
    close(fd);
    return err;
}

gpg_error_t storage_load(struct program *p, bool *r_fresh)
{
    gpg_error_t err;

    *r_fresh = true;
    if (!p->arguments.state)
        return 0;
    err = storage_read_file(p->arguments.state, &p->saved);
    if (gpg_err_code(err) == GPG_ERR_ENOENT)
        return 0;
    if (err)
        return err;
    *r_fresh = false;
    return token_load(p->token, buffer_view(&p->saved));
}

static gpg_error_t write_all(int fd, struct view content)
{
    while (content.len) {
        ssize_t n = write(fd, content.data, content.len);

        if (n < 0 && errno != EINTR)
            return gpg_error_from_syserror();
        if (n > 0) {
            content.data += n;
            content.len -= (size_t)n;
        }
    }
    return fsync(fd) < 0 ? gpg_error_from_syserror() : 0;
}

/* So that the new name, too, survives a loss of power. */
static void sync_folder(const char *path)
{
    char copy[PATH_SIZE];
    int fd;

    snprintf(copy, sizeof copy, "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!fsync(fd);
    close(fd);
}

/* All or nothing: a new file takes the old one's name. */
static gpg_error_t replace_file(const char *path, struct view content)
{
    char temporary[PATH_SIZE];
    gpg_error_t err;
    int fd;

    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return gpg_error(GPG_ERR_ENAMETOOLONG);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return gpg_error_from_syserror();
    err = write_all(fd, content);
    if (close(fd) < 0 && !err)
        err = gpg_error_from_syserror();
    if (!err && rename(temporary, path) < 0)
        err = gpg_error_from_syserror();
    if (err)
        unlink(temporary);
    else
        sync_folder(path);
    return err;
}

gpg_error_t storage_save(struct program *p)
{
    struct buffer state = BUFFER(TOKEN_STATE_MAX);
    gpg_error_t err;

    if (!p->arguments.state)
        return 0;
    err = token_save(p->token, &state);
    if (!err && !view_equal(buffer_view(&state), buffer_view(&p->saved))) {
        err = replace_file(p->arguments.state, buffer_view(&state));
        if (!err) {
            buffer_clear(&p->saved);
            err = buffer_append_view(&p->saved, buffer_view(&state));
        }
    }
    buffer_free(&state);
    return err;
}
