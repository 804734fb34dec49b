/* cardea: the command. */
#include "client/cli/cli.h"

#include <stdlib.h>
#include <string.h>

static struct {
    const char *name;
    char title[20];
    cli_command *run;
} commands[] = {
    { "decrypt", "cardea decrypt", cli_decrypt },
    { "session-key", "cardea session-key", cli_session_key },
    { "list", "cardea list", cli_list },
    { "forget", "cardea forget", cli_forget },
    { "watch", "cardea watch", cli_watch },
    { "lock", "cardea lock", cli_lock },
};

static const struct option long_options[] = {
    CLI_OPTIONS,
    { "version", no_argument, NULL, CLI_VERSION },
    { NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: cardea [OPTION...] COMMAND [...]\n"
    "Reads OpenPGP messages with a key that lives on a token, without GnuPG.\n"
    "\n"
    "  decrypt [-o FILE] [FILE]    decrypt a message\n"
    "  session-key [FILE]          print a message's session key\n"
    "  list                        list the tokens and their keys\n"
    "  forget SERIAL               forget a token that is not used any more\n"
    "  watch                       tell what happens: cards, PINs, touches, requests\n"
    "  lock                        forget PINs and session keys\n"
    "\n"
    "      --socket PATH           the agent's socket (default: $CARDEA_SOCKET, else gpg's)\n"
    "      --gnupghome DIR         gpg's home, whose socket the agent has\n"
    "      --no-start              do not start an agent that is not running\n"
    "      --json                  answer in JSON\n"
    "  -q, --quiet                 say nothing but errors\n"
    "      --help                  this text\n"
    "      --version               the version\n"
    "\n"
    "These options may also stand behind the command. \"cardea COMMAND --help\" tells\n"
    "more. See also cardea(1).\n"
    "\n"
    "Examples:\n"
    "  cardea list\n"
    "  cardea decrypt mail.eml\n";

static int run(struct cli *cli, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[0], commands[i].name) != 0)
            continue;
        argv[0] = commands[i].title; /* getopt begins with it what it says */
        return commands[i].run(cli, argc, argv);
    }
    fprintf(stderr, "cardea: there is no command \"%s\"; see \"cardea --help\"\n", argv[0]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct cli cli = { .program = "cardea" };
    int option;

    cli_occupy_standard_descriptors();
    while ((option = getopt_long(argc, argv, "+q", long_options, NULL)) >= 0) {
        if (option == CLI_HELP) {
            fputs(help, stdout);
            return cli_end(&cli, EXIT_SUCCESS);
        }
        if (option == CLI_VERSION) {
            printf("cardea %s\n", cardea_version());
            return cli_end(&cli, EXIT_SUCCESS);
        }
        if (!cli_take_option(&cli, option)) {
            fputs("cardea: see \"cardea --help\"\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return cli_end(&cli, run(&cli, argc - optind, argv + optind));
}
