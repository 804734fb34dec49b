/* What readers and cards the PC/SC service has, kept up to date by a thread of its own that sleeps
 * inside the service's client library, or, while there is no service, until its socket appears.
 * Nobody who asks ever waits for the service: not for one that is stopped, not for one that hangs.
 */
#pragma once

#include "ccid/reader.h"

struct pcsc_watch;

/* Only readers that pcsc_filter_covers. Waits a moment for the first look. */
gpg_error_t pcsc_watch_new(const char *filter, struct pcsc_watch **r_watch);
void pcsc_watch_free(struct pcsc_watch **watch);

/* As readers_list, readers_wait and readers_wake. */
void pcsc_watch_list(struct pcsc_watch *watch, struct reader_list *list);
void pcsc_watch_wait(struct pcsc_watch *watch);
void pcsc_watch_wake(struct pcsc_watch *watch);

/* True if the filter lets the reader through. */
bool pcsc_watch_covers(const struct pcsc_watch *watch, const char *reader);

/* The ATR of the card in the reader, as far as it is known. */
struct view pcsc_watch_atr(struct pcsc_watch *watch, const char *reader,
                           uint8_t atr[READER_ATR_MAX]);

/* Somebody found the list to be wrong (a reader is held exclusively, which wakes nobody): looks
 * anew. */
void pcsc_watch_look_again(struct pcsc_watch *watch);
