/* Tokens by name, and what is done to them, as lines of text: the programs over device.h that other
 * programs steer. The commands are in console.c's table; answers are "ok ..." or "error ...". */
#pragma once

#include "tests/usb/device.h"

#define CONSOLE_TOKENS_MAX 4
#define CONSOLE_LINE_MAX   1024

struct console_token {
    char name[32]; /* empty: none */
    struct usb_model model;
    struct usb_token token;
    struct usb_device *device;
    bool plugged;
};

struct console {
    struct console_token tokens[CONSOLE_TOKENS_MAX];
    bool quit;

    /* The front end. plug: false when it could not be done. */
    bool (*plug)(void *context, struct usb_device *device);
    void (*unplug)(void *context, struct usb_device *device);
    void (*hold)(void *context, struct usb_device *device, bool hold); /* may be NULL */
    /* Around everything that touches a device; may be NULL. */
    void (*lock)(void *context);
    void (*unlock)(void *context);
    void *context;
};

/* Runs one line; `answer` is a line without its end. */
void console_run(struct console *c, char *line, struct buffer *answer);
void console_free(struct console *c);
