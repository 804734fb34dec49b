/* A PC/SC library without a service: defined in the test program, its functions take the place of
 * libpcsclite's. They do what the test set, and count what they were asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <winscard.h>

enum fake_call {
    FAKE_ESTABLISH,
    FAKE_RELEASE,
    FAKE_LIST,
    FAKE_STATUS_CHANGE,
    FAKE_CONNECT,
    FAKE_RECONNECT,
    FAKE_DISCONNECT,
    FAKE_BEGIN,
    FAKE_END,
    FAKE_TRANSMIT,
    FAKE_ATTRIBUTE,
    FAKE_CALLS
};

#define FAKE_READERS_MAX 20

/* Everything works, no reader; nothing is counted. */
void fake_reset(void);

/* What the call returns from now on; 0: it works. */
void fake_fail(enum fake_call call, LONG code);
/* The same, once. */
void fake_fail_once(enum fake_call call, LONG code);
/* The call does not return until it is released. */
void fake_block(enum fake_call call, bool block);
unsigned fake_count(enum fake_call call);
/* What is open now. */
int fake_contexts(void);
int fake_connections(void);

/* Puts a reader there or changes its state; NULL forgets all. Silently: who sleeps is not woken. */
void fake_reader(const char *name, DWORD state);
void fake_reader_silently(const char *name, DWORD state);

/* SCardGetStatusChange returns at once, with nothing new. */
void fake_restless(bool restless);

/* What SCardConnect says, and what the last SCardTransmit was given. */
void fake_protocol(DWORD protocol);
DWORD fake_sent_protocol(void);
/* SCardReconnect's last initialization. */
DWORD fake_initialization(void);
/* Asked for anything but shared connections that leave the card alone. */
bool fake_misused(void);
/* The notification reader was in the last SCardGetStatusChange, of so many. */
bool fake_notified(size_t *count);
