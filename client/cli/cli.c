#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

int cli_fail(const char *what, gpg_error_t err)
{
    const char *advice = cardea_advice(err);

    fprintf(stderr, "cardea: %s: %s%s%s\n", what, gpg_strerror(err), advice ? ": " : "",
            advice ? advice : "");
    return EXIT_FAILURE;
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
        fprintf(stderr, "cardea: another agent, most likely gpg-agent, has the socket: "
                        "gpgconf --kill gpg-agent\n");
    else if (err)
        cli_fail("the agent cannot be reached", err);
    return err;
}

int cli_open_input(const char *file)
{
    int fd;

    if (!file || strcmp(file, "-") == 0)
        return STDIN_FILENO;
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fprintf(stderr, "cardea: %s: %s\n", file, strerror(errno));
    return fd;
}

static void take_signal(int number)
{
    interrupted = number;
}

void cli_catch_signals(void)
{
    const struct sigaction action = { .sa_handler = take_signal };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    /* A reader that has gone is an error of writing, and not the end of tidying up. */
    signal(SIGPIPE, SIG_IGN);
}

bool cli_interrupted(void)
{
    return interrupted != 0;
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
