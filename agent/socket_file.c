#include "agent/socket_file.h"

#include "agent/socket_occupant.h"
#include "base/deadline.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG      128
#define LOCK_WAIT_MS 5000
#define LOCK_NAP_NS  (20 * 1000 * 1000)

static gpg_error_t check_length(const char *path)
{
    size_t max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;

    if (strlen(path) <= max)
        return 0;
    log_error("the socket %s has a name of %zu bytes, but the system allows %zu: choose a shorter "
              "home with --gnupghome, or make /run/user/%u",
              path, strlen(path), max, (unsigned)getuid());
    return gpg_error(GPG_ERR_ENAMETOOLONG);
}

static gpg_error_t check_directory(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return gpg_error_from_syserror();
    if (st.st_uid != getuid())
        log_error(
            "the directory %s belongs to user %u and not to us (%u): a socket there would not "
            "be ours",
            path, (unsigned)st.st_uid, (unsigned)getuid());
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        log_error("others may write to the directory %s (mode %04o): run \"chmod go-w %s\"", path,
                  (unsigned)st.st_mode & 07777, path);
    else
        return 0;
    return gpg_error(GPG_ERR_EPERM);
}

/* The directory of the socket, open and checked. */
static gpg_error_t open_directory(const char *path, int *fd)
{
    const char *slash = strrchr(path, '/');
    gpg_error_t err = 0;
    char *directory;
    int opened;

    if (!slash)
        return gpg_error(GPG_ERR_INV_VALUE);
    directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!directory)
        return gpg_error_from_syserror();
    opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) {
        err = gpg_error_from_syserror();
        log_error("cannot make a socket in %s: %s%s", directory, gpg_strerror(err),
                  gpg_err_code(err) == GPG_ERR_ENOENT ? "; run \"gpg -k\" once, which makes it, or "
                                                        "see --gnupghome"
                                                      : "");
    } else {
        err = check_directory(opened, directory);
        if (err)
            close(opened);
        else
            *fd = opened;
    }
    free(directory);
    return err;
}

/* Held while the socket is made, so that of several agents one does it. The lock is on the
 * directory itself: it leaves no file behind. File systems that cannot do it (NFS) go without. */
static gpg_error_t lock_directory(int fd, const char *path)
{
    struct deadline deadline = deadline_in_ms(LOCK_WAIT_MS);
    struct timespec nap = { .tv_nsec = LOCK_NAP_NS };

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0;
        if (deadline_passed(deadline)) {
            log_error("another agent has been making the socket %s for %d seconds; is one stopped?",
                      path, LOCK_WAIT_MS / 1000);
            return gpg_error(GPG_ERR_ETIMEDOUT);
        }
        nanosleep(&nap, NULL);
    }
    return 0;
}

static gpg_error_t refuse_if_occupied(const char *path, struct socket_occupant *occupant)
{
    socket_file_ask(path, occupant);
    switch (occupant->kind) {
    case SOCKET_OCCUPANT_NONE:
        return 0;
    case SOCKET_OCCUPANT_CARDEA:
        log_error("cardea-agent is running already (process %ld, at %s)", (long)occupant->pid,
                  path);
        break;
    case SOCKET_OCCUPANT_AGENT:
        log_error("gpg-agent %s is running already (process %ld, at %s): end it with "
                  "\"gpgconf --kill gpg-agent\"",
                  occupant->version, (long)occupant->pid, path);
        break;
    default:
        log_error("a program that we do not know (process %ld) listens at %s already",
                  (long)occupant->pid, path);
        break;
    }
    return gpg_error(GPG_ERR_EADDRINUSE);
}

/* Clears the path for us: nothing there, or a socket on which nobody listens. */
static gpg_error_t clear_path(const char *path, struct socket_occupant *occupant)
{
    gpg_error_t err;
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : gpg_error_from_syserror();
    if (!S_ISSOCK(st.st_mode)) {
        log_error("%s is not a socket: move it away", path);
        return gpg_error(GPG_ERR_EEXIST);
    }
    err = refuse_if_occupied(path, occupant);
    if (!err && unlink(path) < 0 && errno != ENOENT)
        err = gpg_error_from_syserror();
    return err;
}

/* A name beside path and no longer than it, so that it fits as path does. */
static void temporary_name(const char *path, struct sockaddr_un *address)
{
    size_t folder = (size_t)(strrchr(path, '/') + 1 - path);

    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof address->sun_path, "%.*sS.%ld", (int)folder, path,
             (long)getpid());
}

/* A socket that is bound but does not listen yet looks dead to gpg-agent, which would replace it.
 * So ours listens before it has its name. */
static gpg_error_t bind_and_listen(int fd, const char *path, struct socket_file *file)
{
    struct sockaddr_un address;
    gpg_error_t err = 0;
    struct stat st;

    temporary_name(path, &address);
    unlink(address.sun_path);
    /* The mode of the socket becomes that of its file, less the umask. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return gpg_error_from_syserror();
    if (listen(fd, BACKLOG) < 0 || chmod(address.sun_path, S_IRUSR | S_IWUSR) < 0 ||
        lstat(address.sun_path, &st) < 0 || link(address.sun_path, path) < 0)
        err = gpg_error_from_syserror();
    unlink(address.sun_path);
    if (!err) {
        file->device = st.st_dev;
        file->inode = st.st_ino;
    }
    return err;
}

static gpg_error_t make_socket(const char *path, struct socket_file *file)
{
    struct socket_file made = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    gpg_error_t err;

    if (made.fd < 0)
        return gpg_error_from_syserror();
    made.path = strdup(path);
    err = made.path ? bind_and_listen(made.fd, path, &made) : gpg_error_from_syserror();
    if (err) {
        free(made.path);
        close(made.fd);
        return err;
    }
    *file = made;
    return 0;
}

gpg_error_t socket_file_listen(const char *path, struct socket_file *file,
                               struct socket_occupant *occupant)
{
    struct socket_occupant found = { 0 };
    int directory = -1;
    gpg_error_t err = check_length(path);

    if (!err)
        err = open_directory(path, &directory);
    if (err)
        return err;
    /* Without the lock first: an agent that answers slowly should not hold up the others. */
    err = refuse_if_occupied(path, &found);
    if (!err)
        err = lock_directory(directory, path);
    if (!err) {
        err = clear_path(path, &found);
        if (!err) {
            err = make_socket(path, file);
            if (err)
                log_error("cannot make the socket %s: %s", path, gpg_strerror(err));
        }
    }
    if (occupant)
        *occupant = found;
    close(directory);
    return err;
}

static bool is_still_ours(const struct socket_file *file)
{
    struct stat st;

    return lstat(file->path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode;
}

void socket_file_close(struct socket_file *file)
{
    if (file->fd < 0)
        return;
    if (is_still_ours(file))
        unlink(file->path);
    close(file->fd);
    free(file->path);
    *file = SOCKET_FILE;
}
