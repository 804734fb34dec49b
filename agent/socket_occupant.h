/* Who listens at a socket. */
#pragma once

#include <sys/types.h>

/* Our greeting holds this word; it is how we know another Cardea. */
#define SOCKET_GREETING_MARK "Cardea"

enum socket_occupant_kind {
    SOCKET_OCCUPANT_NONE,    /* nothing there, or a dead socket */
    SOCKET_OCCUPANT_CARDEA,  /* greets with our mark */
    SOCKET_OCCUPANT_AGENT,   /* speaks as gpg-agent does */
    SOCKET_OCCUPANT_UNKNOWN, /* accepts, and says nothing that we know within two seconds */
};

struct socket_occupant {
    enum socket_occupant_kind kind;
    pid_t pid;        /* 0: unknown */
    char version[32]; /* printable; "" when unknown */
};

/* Asks who listens at path; at most two seconds. Never fails: what cannot be reached is NONE. */
void socket_file_ask(const char *path, struct socket_occupant *occupant);
