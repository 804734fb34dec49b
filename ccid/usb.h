/* The inside of the back end "usb", for its files alone: tokens and readers on USB, by libusb.
 *
 * A thread (usb_watch.c) follows what is plugged in and takes what it may: opens it, claims the one
 * interface of CCID, asks which slots have cards. From then on the interface is ours until it is
 * unplugged or the back end closes: a PC/SC service that once found it claimed does not ask again,
 * so letting go in between would help nobody.
 *
 * Nothing of libusb is called with the mutex held, but from its own callbacks. */
#pragma once

#include "ccid/backend.h"
#include "ccid/board.h"
#include "ccid/ccid_slot.h"
#include "ccid/usb_holder.h"
#include "ccid/usb_interface.h"

#define USB_NOTICE_MAX 64 /* octets of an interrupt packet */

struct usb_slot {
    bool present;          /* a card is in it, or we cannot know */
    uint32_t insertion;    /* number of that card's insertion */
    uint32_t powered;      /* number of the insertion that was powered on last */
    unsigned resets;       /* of the card, by us */
    struct ccid_slot card; /* used by who has the turn */
};

/* One CCID interface. */
struct usb_ccid {
    struct usb_readers *readers;
    libusb_device *device;
    struct usb_interface interface;
    struct usb_place place;
    char name[READER_NAME_MAX];

    /* Under the mutex: */
    unsigned references; /* the list's and one a reader */
    bool gone;           /* unplugged, or as good as that */
    bool tried;          /* to take it: it may be shown */
    bool claimed;        /* the pipe is there, and ours */
    gpg_error_t refusal; /* why it could not be taken */
    char holder[READER_HOLDER_MAX];
    const void *turn; /* whose turn it is: a reader's or the thread's; NULL: nobody's */
    struct usb_slot slots[CCID_SLOTS_MAX];

    /* Used by who has the turn: */
    libusb_device_handle *handle; /* NULL: not open */
    struct usb_pipe pipe;
    struct ccid_port port;
    struct libusb_transfer *notice; /* for the interrupt endpoint; NULL: there is none */
    uint8_t notice_packet[USB_NOTICE_MAX];
    int notice_ended;         /* atomic */
    unsigned notice_restarts; /* the thread's */
};

struct usb_readers {
    struct readers base;
    libusb_context *context;
    libusb_hotplug_callback_handle hotplug;
    bool has_hotplug;
    int vendor, product; /* -1: all */
    const char *root;    /* of /sys, /proc and /dev: "" */
    struct board board;
    pthread_t thread;
    int news; /* atomic: the thread has something to do */

    pthread_mutex_t mutex; /* all of this part, and what says so above */
    pthread_cond_t let_go; /* a turn ended */
    bool closing;
    enum readers_share share;
    bool shared_anew;          /* since the thread began its look */
    struct deadline take_from; /* nothing is taken before that */
    uint32_t insertions;
    struct usb_ccid *ccids[READERS_MAX]; /* changed by the thread alone */
    size_t count;
};

/* usb_watch.c: the thread. */
gpg_error_t usb_watch_start(struct usb_readers *u);
void usb_watch_stop(struct usb_readers *u);
/* Has the thread look at everything again. */
void usb_watch_poke(struct usb_readers *u);
/* Shows what is known now; nothing while the thread has to look anew, which shows it then. */
void usb_watch_publish(struct usb_readers *u);

/* usb_ccid.c. With a reference, for the list; not opened, without a name. */
gpg_error_t usb_ccid_new(struct usb_readers *u, libusb_device *device,
                         const struct usb_interface *interface, struct usb_ccid **r_ccid);
/* Opens it if it may and names it. */
void usb_ccid_name(struct usb_ccid *c);
/* The last one closes it. Not with the mutex. */
void usb_ccid_unref(struct usb_ccid *c);
/* Opens and claims it and looks for cards; nothing when that has been done. GPG_ERR_LOCKED,
 * GPG_ERR_EPERM, GPG_ERR_CARD_REMOVED, GPG_ERR_CARD. */
gpg_error_t usb_ccid_take(struct usb_ccid *c, struct deadline deadline);
/* Hears the interrupt endpoint again if that has ended, some few times: setting the interface anew
 * ends it. For the watching thread. */
void usb_ccid_listen_again(struct usb_ccid *c);
/* Ends all transfers, for good. */
void usb_ccid_set_gone(struct usb_ccid *c);

/* usb_reader.c: these of struct backend. */
gpg_error_t usb_connect(struct readers *readers, const char *name, struct deadline deadline,
                        struct reader **r_reader);
void usb_disconnect(struct reader *reader);
gpg_error_t usb_begin(struct reader *reader, struct deadline deadline);
void usb_end(struct reader *reader);
gpg_error_t usb_transmit(struct reader *reader, struct view command, struct buffer *answer,
                         struct deadline deadline);
bool usb_has_keypad(const struct reader *reader, size_t pin_length);
gpg_error_t usb_verify_on_keypad(struct reader *reader, const struct keypad_verify *verify,
                                 struct buffer *answer, struct deadline deadline);
gpg_error_t usb_reset(struct reader *reader, struct deadline deadline);
