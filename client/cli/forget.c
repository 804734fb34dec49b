/* cardea forget */
#include "client/cli/cli.h"

#include <stdlib.h>

static const struct option long_options[] = { CLI_OPTIONS, { NULL, 0, NULL, 0 } };

static const char help[] =
    "Usage: cardea forget [OPTION...] SERIAL\n"
    "Forgets what is remembered of a token: its number, holder and public keys.\n"
    "SERIAL has 32 hex digits, as \"cardea list --json\" shows it.\n"
    "\n"
    "      --help            this text\n"
    "\n"
    "Examples:\n"
    "  cardea list --json | jq -r '.[] | select(.inserted | not).serial'\n"
    "  cardea forget D2760001240103040006123456780000\n";

int cli_forget(struct cli *cli, int argc, char **argv)
{
    struct cli_arguments arguments = { .help = help, .options = long_options };
    int status = cli_read_options(cli, &arguments, argc, argv);

    if (status >= 0)
        return status;
    if (argc - optind != 1) {
        fputs("cardea forget takes one serial number; see \"cardea forget --help\"\n", stderr);
        return EXIT_USAGE;
    }
    return cli_order(cli, cardea_forget_token, argv[optind], "the token cannot be forgotten");
}
