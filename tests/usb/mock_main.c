/* usb-umockdev: tokens behind umockdev, steered by lines on the standard input (console.h). First
 * it prints "ok FOLDER": who has that as UMOCKDEV_DIR, and umockdev's library preloaded
 * (with-umockdev), sees them. */
#include "base/secret.h"
#include "tests/usb/console.h"
#include "tests/usb/mock_usb.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bed {
    struct console console;
    struct mock_usb *mock;
    uint8_t next_address;
};

/* A device that comes back has a new address. */
static bool plug(void *context, struct usb_device *device)
{
    struct bed *b = context;

    b->next_address++;
    mock_usb_add(b->mock, device, b->next_address, (uint8_t)(b->next_address % 16));
    return true;
}

static void unplug(void *context, struct usb_device *device)
{
    struct bed *b = context;

    mock_usb_remove(b->mock, device);
}

static void hold(void *context, struct usb_device *device, bool held)
{
    struct bed *b = context;

    mock_usb_hold(b->mock, device, held);
}

static void lock(void *context)
{
    struct bed *b = context;

    mock_usb_lock(b->mock);
}

static void unlock(void *context)
{
    struct bed *b = context;

    mock_usb_unlock(b->mock);
}

static void serve(struct bed *b)
{
    struct buffer answer = BUFFER(CONSOLE_LINE_MAX);
    char line[CONSOLE_LINE_MAX];

    while (!b->console.quit && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        console_run(&b->console, line, &answer);
        printf("%.*s\n", (int)answer.len, (const char *)answer.data);
        fflush(stdout);
    }
    buffer_free(&answer);
}

/* Ends the wait for a line, so that umockdev's folder goes away. */
static void ignore(int number)
{
    (void)number;
}

int main(void)
{
    static struct bed b;
    const struct sigaction end = { .sa_handler = ignore };

    if (secret_init_library() || sigaction(SIGTERM, &end, NULL) || sigaction(SIGINT, &end, NULL))
        return 1;
    b.mock = mock_usb_new();
    b.console = (struct console){
        .plug = plug, .unplug = unplug, .hold = hold, .lock = lock, .unlock = unlock, .context = &b
    };
    printf("ok %s\n", getenv("UMOCKDEV_DIR"));
    fflush(stdout);
    serve(&b);
    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (b.console.tokens[i].plugged)
            mock_usb_remove(b.mock, b.console.tokens[i].device);
    mock_usb_free(&b.mock);
    console_free(&b.console);
    return 0;
}
