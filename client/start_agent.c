#include "client/start_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static gpg_error_t spawn(char *const argv[], posix_spawn_file_actions_t *actions,
                         posix_spawnattr_t *attributes, pid_t *pid)
{
    sigset_t none;
    int error;

    sigemptyset(&none);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    /* It must not hold a pipe open that somebody waits on. */
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(actions, 3);
    error = posix_spawnp(pid, argv[0], actions, attributes, argv, environ);
    return error ? gpg_error_from_errno(error) : 0;
}

gpg_error_t start_agent(const char *program, const char *home, pid_t *pid)
{
    char option[] = "--gnupghome";
    union {
        const char *in;
        char *out; /* posix_spawn takes them so, and changes nothing */
    } name = { .in = program ? program : CARDEA_AGENT }, where = { .in = home };
    char *const argv[] = { name.out, option, where.out, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    gpg_error_t err;

    if (!*name.in)
        return gpg_error(GPG_ERR_NO_AGENT);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    err = spawn(argv, &actions, &attributes, pid);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

bool start_agent_is_alive(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}
