/* cardea-token as a whole: the card, its wire, and those who may touch it or pull it out. */
#pragma once

#include "base/deadline.h"
#include "tests/token/arguments.h"
#include "tests/token/link.h"

#include <stdio.h>

#define CONTROL_CLIENTS  8
#define CONTROL_LINE_MAX 64

struct control_client {
    int fd; /* -1: free */
    char line[CONTROL_LINE_MAX];
    size_t len;
};

struct program {
    struct arguments arguments;
    struct token *token;
    struct link link;
    struct buffer saved; /* what the state file holds */
    FILE *trace;
    int signals; /* signalfd */
    int control; /* listening socket, -1 without */
    struct control_client clients[CONTROL_CLIENTS];
    bool inserted;
    unsigned int removals;
    bool waiting_for_touch;
    bool touched;
    bool quit;
    int exit_code;
};

/* events.c: sleeps until something happens or the deadline passes, and deals with signals and the
 * control socket. True when the reader has sent something; it is looked at only if with_link, else
 * *hung_up tells of its end. */
bool events_wait(struct program *p, struct deadline deadline, bool with_link, bool *hung_up);

/* Token callback: waits for SIGUSR1 or "touch". */
bool events_wait_for_touch(void *program);

/* trace.c: lines of "> COMMAND", "< ANSWER" and "# what happened"; nothing without --trace. */
gpg_error_t trace_open(struct program *p);
void trace_apdu(struct program *p, char direction, struct view apdu);
void trace_note(struct program *p, const char *what);

/* control.c */
gpg_error_t control_open(struct program *p);
void control_close(struct program *p);
void control_accept(struct program *p);
void control_read(struct program *p, struct control_client *client);

/* insertion.c */
/* Connects, and the card has power and no state; once, or waiting as the command line allows. */
gpg_error_t insertion_try(struct program *p);
gpg_error_t insertion_insert(struct program *p);
/* Disconnects. The card itself is left alone: a command may be under way that waits for a touch. */
void insertion_remove(struct program *p);

/* storage.c: the state file. */
/* Reads the file into the card. *r_fresh: there was none. GPG_ERR_BAD_DATA when it is damaged. */
gpg_error_t storage_load(struct program *p, bool *r_fresh);
/* Writes the file when the card's memory differs from it. */
gpg_error_t storage_save(struct program *p);
/* Reads a whole file of at most content->max octets. */
gpg_error_t storage_read_file(const char *path, struct buffer *content);

/* setup.c: PINs, KDF, keys and touch as the command line has them; says itself what fails. */
gpg_error_t setup_card(struct program *p, bool fresh);
