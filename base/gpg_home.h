/* Where gpg keeps its files and where it looks for the agent.
 *
 * Everything here gives the very answers of `gpgconf --list-dirs` (GnuPG's common/homedir.c), so
 * that an unmodified gpg finds the socket that we bind. XDG_RUNTIME_DIR plays no part in it.
 * Strings handed out are the caller's to free(). secret_init_library has been called. */
#pragma once

#include "base/bytes.h"

#define HOME_SOCKET "S.gpg-agent"

#define HOME_REDIRECT_MAX 511 /* bytes of a redirect file that gpg reads */

/* gpg's home, absolute and without slashes at its end: the option (NULL or empty: not given), else
 * $GNUPGHOME, else ~/.gnupg by $HOME or the password database. A leading "~/" is expanded. Symbolic
 * links are left as they are, as gpg leaves them. The directory need not exist. GPG_ERR_ENOMEM,
 * GPG_ERR_NOT_FOUND when nothing tells where the user's home is, or the error of getcwd. */
gpg_error_t home_directory(const char *option, char **home);

/* The path of one socket of that home (absolute, from home_directory), after any redirect file that
 * lies at that place: where clients connect and where the agent must bind. Its directory is made,
 * with mode 0700, where it is below /run. A redirect file that cannot be followed is an error, and
 * logged. */
gpg_error_t home_socket_path(const char *home, const char *name, char **path);

/* Reads a redirect file: "%Assuan%\nsocket=PATH\n", where ${NAME} stands for an environment
 * variable; lines after these are ignored, as gpg ignores them. GPG_ERR_NOT_FOUND when the bytes
 * are no redirect; GPG_ERR_INV_VALUE when they are one whose path is empty, holds a control byte or
 * an unfinished ${, or when they do not end in a line feed; GPG_ERR_TOO_LARGE past
 * HOME_REDIRECT_MAX or past a socket's address. */
gpg_error_t home_parse_redirect(struct view file, char **path);
