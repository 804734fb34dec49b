/* One client of a session that a thread of this process serves, over a real socket: an Assuan
 * client, as simple as it can be, that counts what it gets. */
#pragma once

#include "agent/session.h"

#define CLIENT_DATA_MAX 4096

struct client {
    int fd;
    pthread_t server;
    struct agent *agent;
    int ends[2];
    bool gone; /* hung up in the middle */
};

struct reply {
    unsigned finals; /* OK and ERR lines */
    gpg_error_t err; /* of the last; GPG_ERR_EOF when the server hung up without one */
    uint8_t data[CLIENT_DATA_MAX];
    size_t data_len;
};

/* Connects, and reads the greeting. */
void client_open(struct client *client, struct agent *agent);

/* Sends one command and reads until its final reply; `inquiry` is what it gets when it inquires. */
void client_command(struct client *client, const char *line, struct view inquiry,
                    struct reply *reply);

/* Hangs up as seen from the server, at once; from within a call of the server's. */
void client_hang_up(struct client *client);

/* Will send no more, but wants its answer. */
void client_send_no_more(struct client *client);

/* Hangs up if it has not, and waits for the session to end. Whatever the server still said counts
 * in *extra. */
void client_close(struct client *client, unsigned *extra);
