/* The inside of mock_usb. */
#pragma once

#include "tests/usb/mock_usb.h"

#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <umockdev.h>

#define SYSPATH_MAX 128

struct mock_urb {
    struct mock_urb *next;
    UMockdevIoctlData *data, *buffer;
    gulong address; /* the program's own pointer to it */
    size_t filled;
    bool discarded;
};

struct mock_file {
    struct mock_file *next;
    UMockdevIoctlClient *client;
    unsigned int claimed; /* a bit an interface */
    struct mock_urb *urbs;
};

struct mock_slot {
    struct mock_usb *mock;
    struct usb_device *device; /* NULL: unplugged, files may still be open */
    uint8_t address, port;
    unsigned int held; /* interfaces that another program has, a bit each */
    bool used;
    UMockdevIoctlBase *base;
    struct mock_file *files;
};

struct mock_usb {
    pthread_mutex_t mutex;
    UMockdevTestbed *bed;
    struct mock_slot slots[MOCK_DEVICES_MAX];
};

/* mock_ioctl.c, called by umockdev's thread. */
gboolean mock_handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer slot);
/* As a weak reference's: the only word that umockdev has for a file that was closed. */
void mock_file_vanished(gpointer slot, GObject *client);
void mock_file_drop(struct mock_slot *slot, struct mock_file *file);
