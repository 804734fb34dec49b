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
                           "  swayidle before-sleep 'cardea lock'\n";

static gpg_error_t lock(struct cardea *connection, const char *argument)
{
    (void)argument;
    return cardea_lock(connection);
}

int cli_lock(struct cli *cli, int argc, char **argv)
{
    struct cli_arguments arguments = { .help = help, .options = long_options };
    int status = cli_read_only_options(cli, &arguments, argc, argv);

    if (status >= 0)
        return status;
    cli->connect.agent = ""; /* one that does not run has nothing to forget */
    return cli_order(cli, lock, NULL, "the agent cannot be locked");
}
