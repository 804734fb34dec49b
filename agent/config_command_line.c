#include "agent/config.h"

#include "agent/config_settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

enum { OPTION_HELP = 1, OPTION_VERSION, OPTION_CONFIG, OPTION_SETTING };

/* Options that set what a configuration file can set, too. */
static const struct {
    const char *option;
    const char *section;
    const char *key;
} same_settings[] = {
    { "gnupghome", "agent", "gnupghome" },
    { "reader", "agent", "reader" },
    { "pinentry", "pinentry", "program" },
    { "log-level", "agent", "log-level" },
    { "session-key-cache", "agent", "session-key-cache" },
};

static const struct option options[] = {
    { "gnupghome", required_argument, NULL, OPTION_SETTING + 0 },
    { "reader", required_argument, NULL, OPTION_SETTING + 1 },
    { "pinentry", required_argument, NULL, OPTION_SETTING + 2 },
    { "log-level", required_argument, NULL, OPTION_SETTING + 3 },
    { "session-key-cache", required_argument, NULL, OPTION_SETTING + 4 },
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

struct command_line {
    const char *config_file; /* NULL: not given */
    struct {
        int which; /* in same_settings */
        const char *value;
    } * settings;
    int setting_count;
    char **command;
};

static const char help[] =
    "Usage: cardea-agent [OPTION…] [-- COMMAND [ARGUMENT…]]\n"
    "Decrypts for gpg and what is built on it, with a key on an OpenPGP token.\n"
    "\n"
    "  --gnupghome DIR     gpg's home, whose agent socket to serve (default: as gpg\n"
    "                      finds it: $GNUPGHOME, else ~/.gnupg)\n"
    "  --reader SPEC       where tokens are; may be given several times (default: pcsc,\n"
    "                      and usb:spare)\n"
    "                        pcsc             all readers of the PC/SC service\n"
    "                        pcsc:NAME        those whose name contains NAME\n"
    "                        usb              tokens on USB, without that service\n"
    "                        usb:VID:PID      those with these ids\n"
    "                        usb:spare        as usb, while the service does not answer\n"
    "                        socket:PATH      a virtual token that connects to PATH\n"
    "                        socket:HOST:PORT the same over TCP on this machine\n"
    "  --pinentry PROGRAM  what asks for PINs (default: pinentry)\n"
    "  --session-key-cache SECONDS\n"
    "                      answer the same request again without the token (default: 0,\n"
    "                      always ask it)\n"
    "  --config FILE       settings (default: $XDG_CONFIG_HOME/cardea/agent.conf)\n"
    "  --log-level LEVEL   error, warning, info or debug (default: warning)\n"
    "  --help              this text\n"
    "  --version           the version\n"
    "\n"
    "With a COMMAND the agent runs it and ends when it ends; otherwise it runs until\n"
    "it is told to stop.\n"
    "\n"
    "Examples:\n"
    "  cardea-agent                             serve ~/.gnupg\n"
    "  cardea-agent -- gpg -d mail.asc          serve one command\n"
    "  cardea-agent --reader pcsc:Yubico        mind this one token only\n"
    "  cardea-agent --log-level debug           see what is said to the token\n"
    "\n"
    "More: cardea-agent(1).\n";

static int fail_usage(const char *problem, const char *what)
{
    log_error("%s%s; \"cardea-agent --help\" shows the options", problem, what);
    return EXIT_USAGE;
}

static int fail_unknown(const char *argument)
{
    char letter[] = { '-', (char)optopt, '\0' };

    /* Of a cluster of letters getopt has not passed the argument yet; long options have small
     * codes.
     */
    return fail_usage("unknown option ", optopt > ' ' ? letter : argument);
}

/* CONFIG_RUN or the exit status. `code` is getopt's answer to argv[optind - 1]. */
static int take_option(struct command_line *line, int code, char **argv)
{
    switch (code) {
    case OPTION_HELP:
        fputs(help, stdout);
        return 0;
    case OPTION_VERSION:
        puts("cardea-agent " CARDEA_VERSION);
        return 0;
    case OPTION_CONFIG:
        line->config_file = optarg;
        return CONFIG_RUN;
    case ':':
        return fail_usage("a value is missing after ", argv[optind - 1]);
    case '?':
        return fail_unknown(argv[optind - 1]);
    default:
        line->settings[line->setting_count].which = code - OPTION_SETTING;
        line->settings[line->setting_count++].value = optarg;
        return CONFIG_RUN;
    }
}

/* `first` is what getopt stopped at, or what follows the "--" that it has passed. */
static int take_command(struct command_line *line, int argc, char **argv, int first, bool dashes)
{
    if (!dashes && first < argc)
        return fail_usage("a command begins with --; unexpected argument ", argv[first]);
    if (dashes && first == argc)
        return fail_usage("no command after --", "");
    line->command = dashes ? argv + first : NULL;
    return CONFIG_RUN;
}

static int read_command_line(struct command_line *line, int argc, char **argv)
{
    optind = 0;
    opterr = 0;
    for (;;) {
        int before = optind ? optind : 1;
        int code = getopt_long(argc, argv, "+:", options, NULL);
        int status;

        if (code == -1)
            return take_command(line, argc, argv, optind, optind > before);
        status = take_option(line, code, argv);
        if (status != CONFIG_RUN)
            return status;
    }
}

static int read_file(struct agent_config *config, const char *given)
{
    char error[CONFIG_ERROR_SIZE] = "";
    char *path = NULL;
    gpg_error_t err = 0;

    if (!given)
        err = config_default_path(&path);
    if (!err && (given || path))
        err = config_read_file(config, given ? given : path, error);
    free(path);
    if (!err || (!given && gpg_err_code(err) == GPG_ERR_ENOENT))
        return CONFIG_RUN;
    log_error("%s", *error ? error : gpg_strerror(err));
    return EXIT_USAGE;
}

static int apply_settings(struct agent_config *config, const struct command_line *line)
{
    struct config_source source = { .config = config };

    for (int i = 0; i < line->setting_count; i++) {
        int which = line->settings[i].which;
        const char *value = line->settings[i].value;
        const char *expected = "more memory";
        const struct config_setting *setting =
            config_find(same_settings[which].section, same_settings[which].key);

        if (config_apply(&source, setting, value, &expected)) {
            log_error("--%s %s: expected %s", same_settings[which].option, value, expected);
            return EXIT_USAGE;
        }
    }
    config->command = line->command;
    return CONFIG_RUN;
}

int config_load(struct agent_config *config, int argc, char **argv)
{
    struct command_line line = { 0 };
    int status = EXIT_USAGE;

    line.settings = calloc((size_t)argc + 1, sizeof *line.settings);
    if (!line.settings || config_defaults(config)) {
        log_error("out of memory");
        goto leave;
    }
    status = read_command_line(&line, argc, argv);
    if (status == CONFIG_RUN)
        status = read_file(config, line.config_file);
    if (status == CONFIG_RUN)
        status = apply_settings(config, &line);

leave:
    free(line.settings);
    return status;
}
