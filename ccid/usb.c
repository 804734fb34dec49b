#include "ccid/usb.h"

#include <stdlib.h>
#include <string.h>

/* For what is plugged in to be found, and asked. */
#define LOOK_MS 3000

static struct usb_readers *of_readers(struct readers *readers)
{
    return (struct usb_readers *)readers;
}

static bool read_hex4(const char *text, int *value)
{
    char digits[5] = "";

    if (strspn(text, "0123456789abcdefABCDEF") < 4)
        return false;
    memcpy(digits, text, 4);
    *value = (int)strtol(digits, NULL, 16);
    return true;
}

/* "VID:PID", four hex digits each, or "spare". */
static bool read_argument(const char *argument, struct usb_readers *u)
{
    u->vendor = u->product = -1;
    u->root = "";
    if (!argument)
        return true;
    if (strcmp(argument, "spare") == 0) {
        u->share = READERS_YIELD;
        return true;
    }
    return strlen(argument) == 9 && argument[4] == ':' && read_hex4(argument, &u->vendor) &&
           read_hex4(argument + 5, &u->product);
}

static gpg_error_t init(struct usb_readers *u)
{
    gpg_error_t err = deadline_cond_init(&u->let_go);

    if (err)
        return err;
    err = board_init(&u->board, LOOK_MS);
    if (err) {
        pthread_cond_destroy(&u->let_go);
        return err;
    }
    pthread_mutex_init(&u->mutex, NULL);
    return 0;
}

static void release(struct usb_readers *u)
{
    pthread_mutex_destroy(&u->mutex);
    board_destroy(&u->board);
    pthread_cond_destroy(&u->let_go);
    free(u);
}

static gpg_error_t start(struct usb_readers *u)
{
    gpg_error_t err;

    if (libusb_init(&u->context))
        return gpg_error(GPG_ERR_NO_SERVICE);
    err = usb_watch_start(u);
    if (err)
        libusb_exit(u->context);
    return err;
}

static gpg_error_t usb_open(const char *argument, struct readers **r_readers)
{
    struct usb_readers *u = calloc(1, sizeof *u);
    gpg_error_t err;

    if (!u)
        return gpg_error(GPG_ERR_ENOMEM);
    err = read_argument(argument, u) ? init(u) : gpg_error(GPG_ERR_INV_ARG);
    if (err) {
        free(u);
        return err;
    }
    err = start(u);
    if (err) {
        release(u);
        return err;
    }
    *r_readers = &u->base;
    return 0;
}

static void usb_close(struct readers *readers)
{
    struct usb_readers *u = of_readers(readers);

    board_close(&u->board);
    usb_watch_stop(u);
    libusb_exit(u->context);
    release(u);
}

static void usb_list(struct readers *readers, struct reader_list *list)
{
    board_list(&of_readers(readers)->board, list);
}

static void usb_wait(struct readers *readers)
{
    board_wait(&of_readers(readers)->board);
}

static void usb_wake(struct readers *readers)
{
    board_wake(&of_readers(readers)->board);
}

static void usb_interrupt(struct readers *readers)
{
    struct usb_readers *u = of_readers(readers);
    struct usb_ccid *ccids[READERS_MAX];
    size_t count;

    pthread_mutex_lock(&u->mutex);
    count = u->count;
    for (size_t i = 0; i < count; i++) {
        ccids[i] = u->ccids[i];
        ccids[i]->references++;
    }
    pthread_mutex_unlock(&u->mutex);
    for (size_t i = 0; i < count; i++) {
        usb_ccid_set_gone(ccids[i]);
        usb_ccid_unref(ccids[i]);
    }
}

static void usb_share(struct readers *readers, enum readers_share how, int64_t after_ms)
{
    struct usb_readers *u = of_readers(readers);

    pthread_mutex_lock(&u->mutex);
    u->share = how;
    u->take_from = deadline_in_ms(after_ms);
    u->shared_anew = true;
    board_look_anew(&u->board, LOOK_MS);
    /* What could not be had before is worth another try. */
    for (size_t i = 0; i < u->count; i++)
        u->ccids[i]->tried = u->ccids[i]->tried && u->ccids[i]->claimed;
    pthread_mutex_unlock(&u->mutex);
    usb_watch_poke(u);
}

const struct backend usb_backend = {
    .scheme = "usb",
    .open = usb_open,
    .close = usb_close,
    .list = usb_list,
    .wait = usb_wait,
    .wake = usb_wake,
    .interrupt = usb_interrupt,
    .share = usb_share,
    .connect = usb_connect,
    .disconnect = usb_disconnect,
    .begin = usb_begin,
    .end = usb_end,
    .transmit = usb_transmit,
    .has_keypad = usb_has_keypad,
    .verify_on_keypad = usb_verify_on_keypad,
    .reset = usb_reset,
};
