/* cardea: the command. */
#include "client/cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    cli_command *run;
} commands[] = {
    { "decrypt", cli_decrypt },
    { "session-key", cli_session_key },
    { "list", cli_list },
};

static const struct option long_options[] = {
    { "socket", required_argument, NULL, 's' },
    { "gnupghome", required_argument, NULL, 'g' },
    { "no-start", no_argument, NULL, 'n' },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: cardea [OPTION...] COMMAND [...]\n"
    "Reads OpenPGP messages with a key that lives on a token, without GnuPG.\n"
    "\n"
    "  decrypt [-o FILE] [FILE]    decrypt a message\n"
    "  session-key [FILE]          print a message's session key\n"
    "  list                        list the inserted tokens and their keys\n"
    "\n"
    "      --socket PATH           the agent's socket (default: $CARDEA_SOCKET, else gpg's)\n"
    "      --gnupghome DIR         gpg's home, whose socket the agent has\n"
    "      --no-start              do not start an agent that is not running\n"
    "  -q, --quiet                 say nothing but errors\n"
    "      --help, --version\n"
    "\n"
    "\"cardea COMMAND --help\" tells more. See also cardea(1).\n";

static int run(struct cli *cli, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(cli, argc, argv);
    }
    fprintf(stderr, "cardea: there is no command \"%s\"; see \"cardea --help\"\n", argv[0]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct cli cli = { .json = false };
    int option;

    while ((option = getopt_long(argc, argv, "+q", long_options, NULL)) >= 0) {
        switch (option) {
        case 's':
            cli.connect.socket = optarg;
            break;
        case 'g':
            cli.connect.gnupghome = optarg;
            break;
        case 'n':
            cli.connect.agent = "";
            break;
        case 'q':
            cli.quiet = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_SUCCESS;
        case 'v':
            printf("cardea %s\n", cardea_version());
            return EXIT_SUCCESS;
        default:
            fputs("cardea: see \"cardea --help\"\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return run(&cli, argc - optind, argv + optind);
}
