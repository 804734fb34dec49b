/* What the commands of `cardea` share. */
#pragma once

#include "client/cardea.h"

#include <stdio.h>

#define EXIT_USAGE 2

/* Options that stand before the command, or behind it. */
struct cli {
    struct cardea_options connect;
    bool json;
    bool quiet;
};

/* A command: its arguments begin behind its name. Returns the exit status. */
typedef int cli_command(struct cli *cli, int argc, char **argv);

cli_command cli_decrypt;
cli_command cli_session_key;
cli_command cli_list;

/* Says "cardea: WHAT: error: advice" on standard error. Returns 1. */
int cli_fail(const char *what, gpg_error_t err);

/* Connects, starting an agent that lies beside this program if there is one. Says what failed. */
gpg_error_t cli_connect(const struct cli *cli, struct cardea **connection);

/* Opens FILE, or standard input for NULL or "-". -1, having said so. */
int cli_open_input(const char *file);

/* True once SIGINT, SIGTERM or SIGHUP came. Commands that leave something behind look at it. */
void cli_catch_signals(void);
bool cli_interrupted(void);

/* Reads a size: a number of octets, with K, M or G behind it. */
bool cli_parse_size(const char *text, uint64_t *octets);
