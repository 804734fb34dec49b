/* The files of known tokens: one for each, DIRECTORY/tokens/AID, so that agents that share the
 * directory do not take each other's away. A file is written whole beside its place and then moved
 * there. What cannot be read as one of ours is moved aside, with a line in the log. */
#pragma once

#include "agent/known_token.h"

/* $XDG_STATE_HOME/cardea, ~/.local/state/cardea when unset; *path is NULL when there is no home.
 * The caller's to free(). GPG_ERR_ENOMEM. */
gpg_error_t token_files_default_directory(char **path);

/* Calls `take` with every token that is there; false from it ends the reading. Errors other than an
 * absent directory: of the system, and GPG_ERR_EPERM for a directory that is not ours alone to
 * write. */
gpg_error_t token_files_read(const char *directory,
                             bool (*take)(void *context, const struct known_token *token),
                             void *context);

/* Makes the directories where needed. Errors as above, and those of writing. */
gpg_error_t token_files_write(const char *directory, const struct known_token *token);

/* No file is no error. */
gpg_error_t token_files_remove(const char *directory, const uint8_t aid[AID_LEN]);
