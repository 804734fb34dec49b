#include "tests/usb/vhci.h"

#include "base/deadline.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTACH     "/sys/devices/platform/vhci_hcd.0/attach"
#define FULL_SPEED 2
#define HIGH_SPEED 3

enum { CMD_SUBMIT = 1, CMD_UNLINK, RET_SUBMIT, RET_UNLINK };
enum { OUT, IN };

/* All of them big-endian. */
struct header {
    uint32_t command, number, device, direction, endpoint;
    union {
        struct {
            uint32_t flags, length, frame, packets, interval;
            uint8_t setup[8];
        } submit;
        struct {
            uint32_t status, length, frame, packets, errors;
            uint8_t padding[8];
        } submitted;
        struct {
            uint32_t number;
        } unlink;
        struct {
            uint32_t status;
        } unlinked;
    };
};

struct urb {
    struct urb *next;
    uint32_t number, endpoint, direction;
    uint8_t setup[8];
    size_t len, filled;
    uint8_t data[];
};

struct vhci_port {
    struct usb_device *device;
    int fd;
    struct urb *urbs;
};

struct vhci_port *vhci_attach(struct usb_device *device, unsigned int port)
{
    unsigned int speed = usb_device_model(device)->packet == 512 ? HIGH_SPEED : FULL_SPEED;
    struct vhci_port *p = calloc(1, sizeof *p);
    int ends[2], file = open(ATTACH, O_WRONLY | O_CLOEXEC);
    bool done = false;

    if (p && file >= 0 && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        done = dprintf(file, "%u %d %u %u\n", port, ends[1], 0x10000 | (port + 2), speed) > 0;
        close(ends[1]);
        if (!done)
            close(ends[0]);
    }
    if (file >= 0)
        close(file);
    if (!done) {
        free(p);
        return NULL;
    }
    p->device = device;
    p->fd = ends[0];
    usb_device_plug(device);
    return p;
}

static void drop(struct vhci_port *p, struct urb **at)
{
    struct urb *u = *at;

    (void)p;
    *at = u->next;
    free(u);
}

void vhci_detach(struct vhci_port **port)
{
    struct vhci_port *p = *port;

    if (!p)
        return;
    while (p->urbs)
        drop(p, &p->urbs);
    close(p->fd);
    usb_device_unplug(p->device);
    free(p);
    *port = NULL;
}

const struct usb_device *vhci_device(const struct vhci_port *port)
{
    return port->device;
}

int vhci_fd(const struct vhci_port *port)
{
    return port->fd;
}

static bool receive(int fd, void *data, size_t len)
{
    return len == 0 || recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static bool send_all(int fd, const void *data, size_t len)
{
    return len == 0 || send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool end_urb(struct vhci_port *p, const struct urb *u, int status)
{
    struct header h = { .command = htobe32(RET_SUBMIT), .number = htobe32(u->number) };

    h.submitted.status = htobe32((uint32_t)status);
    h.submitted.length = htobe32((uint32_t)u->filled);
    return send_all(p->fd, &h, sizeof h) &&
           (u->direction == OUT || send_all(p->fd, u->data, u->filled));
}

static bool take_submit(struct vhci_port *p, const struct header *h)
{
    size_t len = be32toh(h->submit.length);
    struct urb *u = calloc(1, sizeof *u + len), **at = &p->urbs;

    if (!u)
        abort();
    u->number = be32toh(h->number);
    u->endpoint = be32toh(h->endpoint);
    u->direction = be32toh(h->direction);
    u->len = len;
    memcpy(u->setup, h->submit.setup, sizeof u->setup);
    if (u->direction == OUT && !receive(p->fd, u->data, len)) {
        free(u);
        return false;
    }
    while (*at)
        at = &(*at)->next;
    *at = u;
    return true;
}

/* What came so far goes with it, as it would from a controller. */
static bool take_unlink(struct vhci_port *p, const struct header *h)
{
    struct header answer = { .command = htobe32(RET_UNLINK), .number = h->number };

    for (struct urb **at = &p->urbs; *at; at = &(*at)->next)
        if ((*at)->number == be32toh(h->unlink.number)) {
            bool partly = (*at)->filled > 0;

            if (partly && !end_urb(p, *at, -ECONNRESET))
                return false;
            if (!partly)
                answer.unlinked.status = htobe32((uint32_t)-ECONNRESET);
            drop(p, at);
            break;
        }
    return send_all(p->fd, &answer, sizeof answer);
}

bool vhci_read(struct vhci_port *p)
{
    struct header h;

    if (!receive(p->fd, &h, sizeof h))
        return false;
    if (be32toh(h.command) == CMD_SUBMIT)
        return take_submit(p, &h);
    return be32toh(h.command) == CMD_UNLINK && take_unlink(p, &h);
}

static enum usb_status control(struct vhci_port *p, struct urb *u)
{
    struct buffer in = BUFFER(u->direction == IN ? u->len : 0);
    enum usb_status status = usb_device_control(
        p->device, u->setup, view_of(u->data, u->direction == OUT ? u->len : 0), &in);

    if (in.len)
        memcpy(u->data, in.data, in.len);
    u->filled = u->direction == IN ? in.len : u->len;
    buffer_free(&in);
    return status;
}

static enum usb_status run(struct vhci_port *p, struct urb *u)
{
    uint8_t address = (uint8_t)(u->endpoint | (u->direction == IN ? 0x80 : 0));

    if (u->endpoint == 0)
        return control(p, u);
    if (u->direction == IN)
        return usb_device_in(p->device, address, u->data, u->len, &u->filled, monotonic_ms());
    u->filled = u->len;
    return usb_device_out(p->device, address, view_of(u->data, u->len), monotonic_ms());
}

bool vhci_progress(struct vhci_port *p)
{
    static const int codes[] = {
        [USB_DONE] = 0, [USB_STALL] = -EPIPE, [USB_OVERFLOW] = -EOVERFLOW
    };
    struct urb **at = &p->urbs;

    while (*at) {
        enum usb_status status = run(p, *at);

        if (status == USB_GONE)
            return false;
        if (status == USB_PENDING) {
            at = &(*at)->next;
            continue;
        }
        if (status == USB_STALL || status == USB_OVERFLOW)
            (*at)->filled = 0;
        if (!end_urb(p, *at, codes[status]))
            return false;
        drop(p, at);
    }
    return true;
}
