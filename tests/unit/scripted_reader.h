/* A reader behind ccid/backend.h that expects certain commands and answers as it was told. Any
 * other command, and one too many, fails the test. */
#pragma once

#include "ccid/backend.h"

struct exchange {
    const char *command; /* as hex (hex.h) reads it */
    const char *answer;
    gpg_error_t err; /* instead of an answer */
    unsigned times;  /* 0 is 1 */
};

#define SAYS(given, said)                                                                          \
    {                                                                                              \
        .command = (given), .answer = (said)                                                       \
    }

struct scripted_reader {
    struct reader reader;
    const struct exchange *script;
    size_t count, at;
    unsigned repeated;
    size_t commands; /* received so far */
};

/* The script is borrowed. Returns the reader in *s. */
struct reader *scripted_reader(struct scripted_reader *s, const struct exchange *script,
                               size_t count);

#define SCRIPT(script) (script), sizeof(script) / sizeof *(script)

/* Fails the test unless the script was played to its end. */
void scripted_reader_done(const struct scripted_reader *s);
