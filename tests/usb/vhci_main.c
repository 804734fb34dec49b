/* usb-vhci: tokens on the kernel's virtual USB controller, steered by lines on the standard input
 * (console.h). Needs root and the module vhci_hcd. */
#include "base/deadline.h"
#include "base/secret.h"
#include "tests/usb/console.h"
#include "tests/usb/vhci.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct bench {
    struct console console;
    struct vhci_port *ports[CONSOLE_TOKENS_MAX];
    unsigned int next_port;
    char line[CONSOLE_LINE_MAX];
    size_t len;
};

/* Never the port that was used last: a device that comes back has a new address. */
static bool plug(void *context, struct usb_device *device)
{
    struct bench *b = context;

    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (!b->ports[i]) {
            b->ports[i] = vhci_attach(device, b->next_port++ % 8);
            return b->ports[i] != NULL;
        }
    return false;
}

static void unplug(void *context, struct usb_device *device)
{
    struct bench *b = context;

    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (b->ports[i] && vhci_device(b->ports[i]) == device)
            vhci_detach(&b->ports[i]);
}

static void take_line(struct bench *b)
{
    struct buffer answer = BUFFER(CONSOLE_LINE_MAX);

    b->line[b->len] = '\0';
    b->len = 0;
    console_run(&b->console, b->line, &answer);
    printf("%.*s\n", (int)answer.len, (const char *)answer.data);
    fflush(stdout);
    buffer_free(&answer);
}

static bool read_lines(struct bench *b)
{
    char text[CONSOLE_LINE_MAX];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);

    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            take_line(b);
        else if (b->len < sizeof b->line - 1)
            b->line[b->len++] = text[i];
    }
    return n > 0;
}

/* Until when nothing happens of itself. */
static struct deadline next_event(const struct bench *b)
{
    struct deadline next = deadline_never();
    int64_t now = monotonic_ms();

    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (b->ports[i]) {
            int64_t at = usb_device_next_ms(vhci_device(b->ports[i]));

            /* What is there already waits for a transfer, not for time. */
            if (at > now && at < next.at_ms)
                next.at_ms = at;
        }
    return next;
}

static void serve(struct bench *b)
{
    struct pollfd fds[1 + CONSOLE_TOKENS_MAX] = { { .fd = STDIN_FILENO, .events = POLLIN } };

    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        fds[1 + i] =
            (struct pollfd){ .fd = b->ports[i] ? vhci_fd(b->ports[i]) : -1, .events = POLLIN };
    (void)poll(fds, 1 + CONSOLE_TOKENS_MAX, deadline_poll_ms(next_event(b)));
    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (b->ports[i] && fds[1 + i].revents && !vhci_read(b->ports[i]))
            vhci_detach(&b->ports[i]);
    if (fds[0].revents && !read_lines(b))
        b->console.quit = true;
    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (b->ports[i] && !vhci_progress(b->ports[i]))
            vhci_detach(&b->ports[i]);
}

int main(void)
{
    static struct bench b;

    if (secret_init_library())
        return 1;
    b.console.plug = plug;
    b.console.unplug = unplug;
    b.console.context = &b;
    while (!b.console.quit)
        serve(&b);
    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        vhci_detach(&b.ports[i]);
    console_free(&b.console);
    return 0;
}
