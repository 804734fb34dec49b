#include "ccid/unix_sockets.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SOCKETS_MAX     65536
#define DUMP_OCTETS     32768
#define KERNEL_WAIT_SEC 1

struct listing {
    const char *name_ends;
    struct unix_socket *list;
    size_t count, room;
    struct nlmsghdr *part; /* DUMP_OCTETS */
};

static gpg_error_t ask_kernel(int fd)
{
    const struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        .header = { .nlmsg_len = sizeof message,
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        .request = { .sdiag_family = AF_UNIX,
                     .udiag_states = 1u << TCP_ESTABLISHED,
                     .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER },
    };
    const struct timeval patience = { .tv_sec = KERNEL_WAIT_SEC };

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return send(fd, &message, sizeof message, 0) < 0 ? gpg_error_from_syserror() : 0;
}

static bool ends_with(const char *name, size_t len, const char *end)
{
    size_t end_len = strlen(end);

    while (len && !name[len - 1])
        len--;
    return len >= end_len && memcmp(name + len - end_len, end, end_len) == 0;
}

static void take_attribute(struct rtattr *attribute, const char *name_ends, struct unix_socket *s)
{
    const void *data = RTA_DATA(attribute);
    size_t len = RTA_PAYLOAD(attribute);
    struct unix_diag_vfs vfs;

    if (attribute->rta_type == UNIX_DIAG_NAME) {
        s->named_for_service = ends_with(data, len, name_ends);
    } else if (attribute->rta_type == UNIX_DIAG_PEER && len >= sizeof s->peer) {
        memcpy(&s->peer, data, sizeof s->peer);
    } else if (attribute->rta_type == UNIX_DIAG_VFS && len >= sizeof vfs) {
        memcpy(&vfs, data, sizeof vfs);
        s->file = vfs.udiag_vfs_ino;
        s->device = vfs.udiag_vfs_dev;
    }
}

static gpg_error_t add(struct listing *l, const struct unix_socket *s)
{
    struct unix_socket *grown;

    if (l->count == SOCKETS_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 256;
        grown = realloc(l->list, l->room * sizeof *grown);
        if (!grown)
            return gpg_error(GPG_ERR_ENOMEM);
        l->list = grown;
    }
    l->list[l->count++] = *s;
    return 0;
}

static gpg_error_t take_message(struct listing *l, struct nlmsghdr *header)
{
    struct unix_diag_msg *message = NLMSG_DATA(header);
    struct rtattr *attribute = (struct rtattr *)(message + 1);
    struct unix_socket s = { .inode = 0 };
    size_t len;

    if (header->nlmsg_len < NLMSG_SPACE(sizeof *message))
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    len = NLMSG_PAYLOAD(header, sizeof *message);
    s.inode = message->udiag_ino;
    for (; RTA_OK(attribute, len); attribute = RTA_NEXT(attribute, len))
        take_attribute(attribute, l->name_ends, &s);
    return add(l, &s);
}

/* *done: the kernel has told all. */
static gpg_error_t take_part(struct listing *l, int fd, bool *done)
{
    struct nlmsghdr *header = l->part;
    ssize_t len = recv(fd, l->part, DUMP_OCTETS, 0);
    gpg_error_t err = 0;

    if (len <= 0)
        return len ? gpg_error_from_syserror() : gpg_error(GPG_ERR_EOF);
    for (size_t rest = (size_t)len; !err && NLMSG_OK(header, rest);
         header = NLMSG_NEXT(header, rest)) {
        *done = header->nlmsg_type == NLMSG_DONE;
        if (header->nlmsg_type == NLMSG_ERROR)
            err = gpg_error(GPG_ERR_NOT_SUPPORTED);
        else if (!*done)
            err = take_message(l, header);
    }
    return err;
}

gpg_error_t unix_sockets_list(const char *name_ends, struct unix_socket **list, size_t *count)
{
    struct listing l = { .name_ends = name_ends, .part = malloc(DUMP_OCTETS) };
    bool done = false;
    gpg_error_t err;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    err = l.part && fd >= 0 ? ask_kernel(fd) : gpg_error_from_syserror();
    while (!err && !done)
        err = take_part(&l, fd, &done);
    if (fd >= 0)
        close(fd);
    free(l.part);
    if (err) {
        free(l.list);
        return err;
    }
    *list = l.list;
    *count = l.count;
    return 0;
}
