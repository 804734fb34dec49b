#include "client/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* More at a time makes kernels with large folios look for huge pages to cache it in, which costs
 * more than it saves. */
#define WRITE_OCTETS ((size_t)256 << 10)

static gpg_error_t read_piece(void *context, struct view *piece)
{
    struct fd_source *from = context;
    ssize_t len;

    if (!from->piece && !(from->piece = malloc(PIECE_OCTETS)))
        return gpg_error(GPG_ERR_ENOMEM);
    if (from->go_on && !from->go_on(from->context, from->octets))
        return gpg_error(GPG_ERR_CANCELED);
    do
        len = read(from->fd, from->piece, PIECE_OCTETS);
    while (len < 0 && errno == EINTR && (!from->go_on || from->go_on(from->context, from->octets)));
    if (len < 0)
        return errno == EINTR ? gpg_error(GPG_ERR_CANCELED) : gpg_error_from_syserror();
    from->octets += (uint64_t)len;
    *piece = view_of(from->piece, (size_t)len);
    return 0;
}

struct source fd_source(struct fd_source *from)
{
    return (struct source){ .next = read_piece, .context = from };
}

void fd_source_free(struct fd_source *from)
{
    free(from->piece);
    from->piece = NULL;
}

gpg_error_t fd_write(int fd, struct view piece, bool (*go_on)(void *context), void *context)
{
    while (piece.len > 0) {
        ssize_t len = write(fd, piece.data, piece.len < WRITE_OCTETS ? piece.len : WRITE_OCTETS);

        if (len < 0 && errno == EINTR && (!go_on || go_on(context)))
            continue;
        if (len < 0 && errno == EINTR)
            return gpg_error(GPG_ERR_CANCELED);
        if (len < 0)
            return gpg_error_from_syserror();
        piece = view_of(piece.data + len, piece.len - (size_t)len);
    }
    return 0;
}

bool fd_is_unseen(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0 && st.st_size == 0;
}

/* A file without a name: nobody else can open it, and nothing is left of it whatever happens. */
static int open_unlinked(const char *folder)
{
    char name[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (snprintf(name, sizeof name, "%s/.cardea-XXXXXX", folder) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

/* Moves what waits in memory to a file. */
static gpg_error_t move_to_file(struct fd_holding *h)
{
    struct holding memory = holding_in_memory(&h->memory);
    struct source from;
    struct view piece;
    gpg_error_t err;

    h->fd = open_unlinked(h->folder);
    if (h->fd < 0)
        return gpg_error_from_syserror();
    err = memory.replay(memory.context, &from);
    while (!err && !(err = from.next(from.context, &piece)) && piece.len > 0)
        err = fd_write(h->fd, piece, NULL, NULL);
    memory_holding_free(&h->memory);
    return err;
}

static gpg_error_t append(void *context, struct view piece)
{
    struct fd_holding *h = context;
    struct holding memory = holding_in_memory(&h->memory);
    gpg_error_t err = 0;

    if (h->fd < 0) {
        err = memory.append(memory.context, piece);
        if (gpg_err_code(err) != GPG_ERR_TOO_LARGE)
            return err;
        err = move_to_file(h);
    }
    if (!err)
        err = fd_write(h->fd, piece, NULL, NULL);
    h->failed = err != 0;
    return err;
}

static gpg_error_t replay(void *context, struct source *from)
{
    struct fd_holding *h = context;
    struct holding memory = holding_in_memory(&h->memory);

    if (h->fd < 0)
        return memory.replay(memory.context, from);
    if (lseek(h->fd, 0, SEEK_SET) < 0)
        return gpg_error_from_syserror();
    h->replay.fd = h->fd;
    *from = fd_source(&h->replay);
    return 0;
}

static gpg_error_t clear(void *context)
{
    struct fd_holding *h = context;
    uint64_t max = h->memory.max;

    fd_holding_free(h);
    h->memory.max = max;
    return 0;
}

struct holding fd_holding(struct fd_holding *holding)
{
    return (
        struct holding){ .append = append, .replay = replay, .clear = clear, .context = holding };
}

void fd_holding_free(struct fd_holding *holding)
{
    memory_holding_free(&holding->memory);
    fd_source_free(&holding->replay);
    if (holding->fd >= 0)
        close(holding->fd);
    holding->fd = -1;
}
