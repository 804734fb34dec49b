/* What cardea-token was asked for on its command line. */
#pragma once

#include "tests/token/token.h"

#define IMPORTS_MAX 16
#define SLOTS       3

struct arguments {
    struct token_options card;
    const char *connect; /* PATH or HOST:PORT */
    const char *state;
    const char *imports[IMPORTS_MAX];
    size_t import_count;
    const char *trace;
    const char *control;
    const char *pin, *admin_pin; /* NULL: the defaults */
    int uif[SLOTS];              /* first octet of D6, D7, D8; -1: as it is */
    bool kdf;
    long wait_ms; /* 0: do not wait for a reader */
    long delay_ms;
    long touch_timeout_ms;
    int log_level;
};

enum arguments_result { ARGUMENTS_RUN, ARGUMENTS_DONE, ARGUMENTS_WRONG };

/* Reads the command line; says what is wrong with it, or answers --help and --version, itself. */
enum arguments_result arguments_read(int argc, char **argv, struct arguments *arguments);

/* What --help prints. */
extern const char arguments_help[];
