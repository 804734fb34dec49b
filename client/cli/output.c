#include "client/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gpg_error_t folder_of(const char *path, char **folder)
{
    char *copy = strdup(path);

    if (!copy)
        return gpg_error(GPG_ERR_ENOMEM);
    *folder = strdup(dirname(copy));
    free(copy);
    return *folder ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

/* Where files without a name do not exist, one with a name of its own, removed unless it is
 * committed. */
static gpg_error_t open_named(struct output *output)
{
    if (asprintf(&output->temporary, "%s/.cardea-XXXXXX", output->folder) < 0) {
        output->temporary = NULL;
        return gpg_error(GPG_ERR_ENOMEM);
    }
    output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd < 0) {
        gpg_error_t err = gpg_error_from_syserror();

        free(output->temporary);
        output->temporary = NULL;
        return err;
    }
    return 0;
}

static gpg_error_t open_in_folder(struct output *output)
{
    output->fd = open(output->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (output->fd >= 0)
        return 0;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return open_named(output);
    return gpg_error_from_syserror();
}

gpg_error_t output_open(const char *path, bool overwrite, struct output *r_output)
{
    struct output output = { .fd = STDOUT_FILENO };
    gpg_error_t err;

    if (path && strcmp(path, "-") != 0) {
        output.path = path;
        if (!overwrite && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return gpg_error(GPG_ERR_EEXIST);
        err = folder_of(path, &output.folder);
        if (!err)
            err = open_in_folder(&output);
        if (err) {
            free(output.folder);
            return err;
        }
    }
    *r_output = output;
    return 0;
}

/* A file without a name gets one beside its place first: only a rename replaces what is there. */
static gpg_error_t name_it(struct output *output)
{
    char link[64];

    snprintf(link, sizeof link, "/proc/self/fd/%d", output->fd);
    for (int tries = 0; tries < 100; tries++) {
        free(output->temporary);
        if (asprintf(&output->temporary, "%s/.cardea-%ld-%d", output->folder, (long)getpid(),
                     tries) < 0) {
            output->temporary = NULL;
            return gpg_error(GPG_ERR_ENOMEM);
        }
        if (linkat(AT_FDCWD, link, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    free(output->temporary);
    output->temporary = NULL;
    return gpg_error_from_syserror();
}

gpg_error_t output_commit(struct output *output, bool overwrite)
{
    unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
    gpg_error_t err = 0;

    if (!output->path)
        return 0;
    if (fsync(output->fd))
        return gpg_error_from_syserror();
    if (!output->temporary)
        err = name_it(output);
    if (!err && renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->path, flags))
        err = gpg_error_from_syserror();
    if (!err) {
        free(output->temporary);
        output->temporary = NULL;
    }
    return err;
}

void output_close(struct output *output)
{
    if (output->path && output->fd >= 0)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    free(output->folder);
    *output = (struct output){ .fd = -1 };
}
