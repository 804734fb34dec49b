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

#define FD_LINK_SIZE 32

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

/* The way to a file that has no name; there is none without /proc. */
static void format_fd_link(int fd, char link[FD_LINK_SIZE])
{
    snprintf(link, FD_LINK_SIZE, "/proc/self/fd/%d", fd);
}

static gpg_error_t open_in_folder(struct output *output)
{
    char link[FD_LINK_SIZE];

    output->fd = open(output->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (output->fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return gpg_error_from_syserror();
    format_fd_link(output->fd, link);
    if (output->fd >= 0 && access(link, F_OK) == 0)
        return 0;
    if (output->fd >= 0)
        close(output->fd);
    return open_named(output);
}

/* A device or a pipe is not replaced by a file. */
static gpg_error_t open_special(struct output *output, const char *path)
{
    output->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return output->fd < 0 ? gpg_error_from_syserror() : 0;
}

static gpg_error_t open_file(struct output *output, const char *path)
{
    gpg_error_t err = folder_of(path, &output->folder);

    if (!err && !(output->path = strdup(path)))
        err = gpg_error(GPG_ERR_ENOMEM);
    return err ? err : open_in_folder(output);
}

/* The group before the mode that gives it something; what is not ours to give to the group, its
 * members do not get. */
static gpg_error_t take_mode(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);

    if (fchmod(fd, mode & S_IRWXU))
        return gpg_error_from_syserror();
    if (fchown(fd, (uid_t)-1, old->st_gid))
        mode &= ~(mode_t)S_IRWXG;
    return fchmod(fd, mode) ? gpg_error_from_syserror() : 0;
}

/* A link stays one: the file that it leads to is replaced. Who could not read that cannot read what
 * takes its place. */
static gpg_error_t open_instead(struct output *output, const char *path, const struct stat *old)
{
    char *file = realpath(path, NULL);
    gpg_error_t err = file ? open_file(output, file) : gpg_error_from_syserror();

    free(file);
    return err ? err : take_mode(output->fd, old);
}

bool output_is_standard(const char *path)
{
    struct stat named, standard;

    if (strcmp(path, "-") == 0)
        return true;
    /* One that was closed is /dev/null, to be read. */
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return false;
    return stat(path, &named) == 0 && fstat(STDOUT_FILENO, &standard) == 0 &&
           named.st_dev == standard.st_dev && named.st_ino == standard.st_ino;
}

static gpg_error_t open_path(struct output *output, const char *path, bool overwrite)
{
    struct stat st;
    bool there = stat(path, &st) == 0;

    if (there && S_ISDIR(st.st_mode))
        return gpg_error(GPG_ERR_EISDIR);
    if (there && !S_ISREG(st.st_mode))
        return open_special(output, path);
    if (!overwrite && lstat(path, &st) == 0)
        return gpg_error(GPG_ERR_EEXIST);
    return there ? open_instead(output, path, &st) : open_file(output, path);
}

gpg_error_t output_open(const char *path, bool overwrite, struct output *r_output)
{
    struct output output = { .fd = STDOUT_FILENO };
    gpg_error_t err = path ? open_path(&output, path, overwrite) : 0;

    if (err)
        output_close(&output);
    else
        *r_output = output;
    return err;
}

static gpg_error_t link_fd(int fd, const char *path)
{
    char link[FD_LINK_SIZE];

    format_fd_link(fd, link);
    return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ? gpg_error_from_syserror()
                                                                     : 0;
}

/* A file without a name gets one beside its place first: only a rename replaces what is there. */
static gpg_error_t name_it(struct output *output)
{
    gpg_error_t err = gpg_error(GPG_ERR_EEXIST);

    for (int tries = 0; tries < 100 && gpg_err_code(err) == GPG_ERR_EEXIST; tries++) {
        char *name;

        if (asprintf(&name, "%s/.cardea-%ld-%d", output->folder, (long)getpid(), tries) < 0)
            return gpg_error(GPG_ERR_ENOMEM);
        err = link_fd(output->fd, name);
        if (err)
            free(name);
        else
            output->temporary = name;
    }
    return err;
}

static gpg_error_t replace(struct output *output)
{
    gpg_error_t err = output->temporary ? 0 : name_it(output);

    if (!err && rename(output->temporary, output->path))
        err = gpg_error_from_syserror();
    if (err)
        return err;
    free(output->temporary);
    output->temporary = NULL;
    return 0;
}

/* A link does what RENAME_NOREPLACE does, on every file system that has links; output_close takes
 * the other name away. */
static gpg_error_t place(struct output *output)
{
    if (!output->temporary)
        return link_fd(output->fd, output->path);
    if (!link(output->temporary, output->path))
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP)
        return gpg_error_from_syserror();
    return faccessat(AT_FDCWD, output->path, F_OK, AT_SYMLINK_NOFOLLOW) ? replace(output)
                                                                        : gpg_error(GPG_ERR_EEXIST);
}

/* Network file systems say only when a descriptor is closed that they have no room. What was
 * replaced must be on the disk before the old is gone (fsync); what is new may take its time. */
static int end_writing(int fd)
{
    int copy = dup(fd);

    return copy < 0 ? -1 : close(copy);
}

gpg_error_t output_commit(struct output *output, bool overwrite)
{
    if (!output->path)
        return 0;
    if (overwrite ? fsync(output->fd) : end_writing(output->fd))
        return gpg_error_from_syserror();
    return overwrite ? replace(output) : place(output);
}

void output_close(struct output *output)
{
    if (output->fd > STDERR_FILENO)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    free(output->folder);
    free(output->path);
    *output = (struct output){ .fd = -1 };
}
