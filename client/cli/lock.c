/* cardea lock */
#include "client/cli/cli.h"

#include <stdlib.h>

static const struct option long_options[] = { CLI_OPTIONS, { NULL, 0, NULL, 0 } };

static const char help[] = "Usage: cardea lock [OPTION...]\n"
                           "Forgets PINs, which the tokens then ask for anew, and session keys.\n"
                           "\n"
                           "      --help            this text\n"
                           "\n"
                           "Examples:\n"
                           "  cardea lock\n"
                           "  swayidle -w before-sleep 'cardea lock'\n";

int cli_lock(struct cli *cli, int argc, char **argv)
{
    struct cli_arguments arguments = { .help = help, .options = long_options };
    int status = cli_read_only_options(cli, &arguments, argc, argv);
    struct cardea *connection = NULL;
    gpg_error_t err;

    if (status >= 0)
        return status;
    cli->connect.agent = ""; /* one that does not run has nothing to forget */
    if (cli_connect(cli, &connection))
        return EXIT_FAILURE;
    err = cardea_lock(connection);
    if (err)
        cli_fail(cli, "the agent cannot be locked", err);
    cardea_disconnect(&connection);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
