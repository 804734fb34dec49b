/* What the commands of `cardea`, and cardea-sop, share. */
#pragma once

#include "base/bytes.h"
#include "client/cardea.h"

#include <getopt.h>
#include <stdio.h>

#define EXIT_USAGE 2

#define CLI_JSON_ONE_LINE (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

#define CLI_SESSION_KEY_FILE_MAX 4096
#define CLI_CERTIFICATES_MAX     (4 * 1024 * 1024)

struct cli {
    const char *program; /* as messages begin */
    struct cardea_options connect;
    bool json;
    bool quiet;
};

/* Options that stand before the command or behind it; a command's own are single letters. */
enum { CLI_SOCKET = 256, CLI_GNUPGHOME, CLI_NO_START, CLI_JSON, CLI_HELP, CLI_VERSION };

#define CLI_OPTIONS                                                                                \
    { "socket", required_argument, NULL, CLI_SOCKET },                                             \
        { "gnupghome", required_argument, NULL, CLI_GNUPGHOME },                                   \
        { "no-start", no_argument, NULL, CLI_NO_START }, { "quiet", no_argument, NULL, 'q' },      \
        { "json", no_argument, NULL, CLI_JSON },                                                   \
    {                                                                                              \
        "help", no_argument, NULL, CLI_HELP                                                        \
    }

/* Takes one of these but --help. False when it is another. */
bool cli_take_option(struct cli *cli, int option);

/* A command: its arguments begin behind its name, which is "cardea NAME". Returns the exit
 * status. */
typedef int cli_command(struct cli *cli, int argc, char **argv);

cli_command cli_decrypt;
cli_command cli_session_key;
cli_command cli_list;
cli_command cli_forget;
cli_command cli_watch;
cli_command cli_lock;

/* For a command with few options of its own. */
struct cli_arguments {
    const char *help;
    const struct option *options;
    const char *own;         /* the argument of the option 'o' of `options` */
    const char *certificate; /* that of the option 'c' */
};

/* Reads options; -1 to go on, with optind behind them, else the exit status. */
int cli_read_options(struct cli *cli, struct cli_arguments *arguments, int argc, char **argv);

/* The same for a command that takes nothing else. */
int cli_read_only_options(struct cli *cli, struct cli_arguments *arguments, int argc, char **argv);

/* Says "PROGRAM: WHAT: error: advice" on standard error. Returns 1. */
int cli_fail(const struct cli *cli, const char *what, gpg_error_t err);

/* The same after a request on the connection, which may know more. */
int cli_fail_asking(const struct cli *cli, const struct cardea *connection, const char *what,
                    gpg_error_t err);

/* Standard descriptors that are closed would be taken by files that we open; call it first. Reading
 * or writing there stays an error. */
void cli_occupy_standard_descriptors(void);

/* Writes out what waits for standard output. Returns status, or 1 if that failed. */
int cli_end(const struct cli *cli, int status);

/* Connects, starting an agent that lies beside this program if there is one. Says what failed. */
gpg_error_t cli_connect(const struct cli *cli, struct cardea **connection);

/* The same, and gives the connection the certificates of a file, unless that is NULL. */
gpg_error_t cli_connect_with(const struct cli *cli, const char *certificate,
                             struct cardea **connection);

/* Connects, has the agent do one thing, and says WHAT if it does not. Returns the exit status. */
int cli_order(const struct cli *cli, gpg_error_t (*order)(struct cardea *, const char *argument),
              const char *argument, const char *what);

/* Opens FILE, or standard input for NULL or "-". -1, having said so. */
int cli_open_input(const struct cli *cli, const char *file);

/* Reads a FILE, @FD:N or @ENV:NAME. GPG_ERR_UNKNOWN_NAME for another @WORD:, GPG_ERR_ENOENT,
 * GPG_ERR_TOO_LARGE past the buffer's cap. */
gpg_error_t cli_read_indirect(const char *name, struct buffer *content);

/* Gives the certificates in a file (or what stands for one) to the connection. */
gpg_error_t cli_add_certificates(struct cardea *connection, const char *name);

/* Where ciphertext waits that is too large for memory, when the output has no folder. */
const char *cli_temporary_folder(void);

/* Reads a size: a number of octets, with K, M or G behind it. */
bool cli_parse_size(const char *text, uint64_t *octets);
