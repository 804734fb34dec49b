#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_fail(const struct cli *cli, const char *what, gpg_error_t err)
{
    const char *advice = cardea_advice(err);

    fprintf(stderr, "%s: %s: %s%s%s\n", cli->program, what, gpg_strerror(err), advice ? ": " : "",
            advice ? advice : "");
    return EXIT_FAILURE;
}

int cli_fail_asking(const struct cli *cli, const struct cardea *connection, const char *what,
                    gpg_error_t err)
{
    const char *holder =
        gpg_err_code(err) == GPG_ERR_LOCKED && connection ? cardea_held_by(connection) : NULL;

    if (!holder)
        return cli_fail(cli, what, err);
    fprintf(stderr, "%s: %s: the reader is held by %s: end it, or let it release the token\n",
            cli->program, what, holder);
    return EXIT_FAILURE;
}

void cli_occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The wrong way round: what would read or write there is told so. */
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

int cli_end(const struct cli *cli, int status)
{
    int failed = ferror(stdout);

    errno = 0; /* what failed before has left nothing there that counts */
    if (!fflush(stdout) && !failed)
        return status;
    fprintf(stderr, "%s: standard output cannot be written%s%s\n", cli->program, errno ? ": " : "",
            errno ? strerror(errno) : "");
    return status ? status : EXIT_FAILURE;
}

bool cli_take_option(struct cli *cli, int option)
{
    switch (option) {
    case CLI_SOCKET:
        cli->connect.socket = optarg;
        return true;
    case CLI_GNUPGHOME:
        cli->connect.gnupghome = optarg;
        return true;
    case CLI_NO_START:
        cli->connect.agent = "";
        return true;
    case CLI_JSON:
        cli->json = true;
        return true;
    case 'q':
        cli->quiet = true;
        return true;
    default:
        return false;
    }
}

int cli_read_options(struct cli *cli, struct cli_arguments *arguments, int argc, char **argv)
{
    int option;

    optind = 0; /* another set of options, and another order: glibc begins anew */
    while ((option = getopt_long(argc, argv, "q", arguments->options, NULL)) >= 0) {
        if (option == CLI_HELP) {
            fputs(arguments->help, stdout);
            return EXIT_SUCCESS;
        }
        if (option == 'o') {
            arguments->own = optarg;
        } else if (option == 'c') {
            arguments->certificate = optarg;
        } else if (!cli_take_option(cli, option)) {
            fprintf(stderr, "%s: see \"%s --help\"\n", argv[0], argv[0]);
            return EXIT_USAGE;
        }
    }
    return -1;
}

int cli_read_only_options(struct cli *cli, struct cli_arguments *arguments, int argc, char **argv)
{
    int status = cli_read_options(cli, arguments, argc, argv);

    if (status >= 0 || optind == argc)
        return status;
    fprintf(stderr, "%s: it takes no arguments; see \"%s --help\"\n", argv[0], argv[0]);
    return EXIT_USAGE;
}

/* In a build tree the agent lies beside us, and so does it where both are installed. */
static const char *agent_beside_us(char path[PATH_MAX])
{
    static const char name[] = "cardea-agent";
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - sizeof name);
    char *slash;

    if (len < 0)
        return NULL;
    path[len] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    memcpy(slash + 1, name, sizeof name);
    return access(path, X_OK) == 0 ? path : NULL;
}

gpg_error_t cli_connect(const struct cli *cli, struct cardea **connection)
{
    struct cardea_options options = cli->connect;
    char path[PATH_MAX];
    gpg_error_t err;

    if (!options.agent)
        options.agent = agent_beside_us(path);
    err = cardea_connect(&options, connection);
    if (gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED)
        fprintf(stderr,
                "%s: another agent, most likely gpg-agent, has the socket: "
                "gpgconf --kill gpg-agent\n",
                cli->program);
    else if (err)
        cli_fail(cli, "the agent cannot be reached", err);
    return err;
}

gpg_error_t cli_connect_with(const struct cli *cli, const char *certificate,
                             struct cardea **connection)
{
    gpg_error_t err = cli_connect(cli, connection);

    if (err || !certificate)
        return err;
    err = cli_add_certificates(*connection, certificate);
    if (!err)
        return 0;
    fprintf(stderr, "%s: %s: %s%s\n", cli->program, certificate, gpg_strerror(err),
            gpg_err_code(err) == GPG_ERR_NO_DATA ? ": no certificate is in it" : "");
    cardea_disconnect(connection);
    return err;
}

int cli_order(const struct cli *cli, gpg_error_t (*order)(struct cardea *, const char *argument),
              const char *argument, const char *what)
{
    struct cardea *connection = NULL;
    gpg_error_t err;

    if (cli_connect(cli, &connection))
        return EXIT_FAILURE;
    err = order(connection, argument);
    if (err)
        cli_fail(cli, what, err);
    cardea_disconnect(&connection);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cli_open_input(const struct cli *cli, const char *file)
{
    int fd;

    if (!file || strcmp(file, "-") == 0)
        return STDIN_FILENO;
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fprintf(stderr, "%s: %s: %s\n", cli->program, file, strerror(errno));
    return fd;
}

bool cli_parse_size(const char *text, uint64_t *octets)
{
    static const char units[] = "KMG";
    const char *unit;
    char *end;
    unsigned long long number;
    unsigned shift = 0;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (*end && (unit = strchr(units, *end)) && !end[1])
        shift = 10 * (unsigned)(unit - units + 1);
    else if (*end)
        return false;
    if (errno || number == 0 || number > UINT64_MAX >> shift)
        return false;
    *octets = number << shift;
    return true;
}
