/* A file that appears under its name only when it is complete. */
#pragma once

#include <gpg-error.h>
#include <stdbool.h>

struct output {
    int fd;
    char *path;      /* NULL: standard output or a device, nothing to commit; owned */
    char *folder;    /* of the path; owned */
    char *temporary; /* its name until then, where the file system wants one; owned */
};

/* Whether it is "-" or what standard output goes to, as /dev/stdout is. */
bool output_is_standard(const char *path);

/* Opens standard output for NULL, and a device or a pipe as it is. Of a file nothing is seen until
 * output_commit, and nothing is left when we end before. GPG_ERR_EEXIST unless overwrite is set; a
 * file that is replaced keeps its mode. */
gpg_error_t output_open(const char *path, bool overwrite, struct output *output);

/* Gives the file its name; GPG_ERR_EEXIST when somebody else took it meanwhile. */
gpg_error_t output_commit(struct output *output, bool overwrite);

/* Discards what was not committed. */
void output_close(struct output *output);
