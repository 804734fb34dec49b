#include "client/start_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_FD 3

/* What the agent to be says of itself: its process id, then the error of exec, which nobody says
 * where exec works. */
static void report(const void *what, size_t len)
{
    if (write(REPORT_FD, what, len) != (ssize_t)len)
        _exit(1);
}

/* From here on we are a copy of a process with threads: only what a signal handler may call. */
static void leave_it_all(int report_fd)
{
    const struct sigaction by_default = { .sa_handler = SIG_DFL };
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &by_default, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (report_fd != REPORT_FD && dup3(report_fd, REPORT_FD, O_CLOEXEC) < 0)
        _exit(1);
    /* It must not hold a pipe open that somebody waits on. */
    for (int fd = 0; fd < REPORT_FD; fd++)
        dup2(null, fd);
    close_range(REPORT_FD + 1, ~0U, 0);
    setsid();
}

static _Noreturn void become_agent(char *const argv[], int report_fd)
{
    pid_t pid;
    int error;

    leave_it_all(report_fd);
    pid = fork();
    if (pid)
        _exit(pid < 0);
    pid = getpid();
    report(&pid, sizeof pid);
    execvp(argv[0], argv);
    error = errno;
    report(&error, sizeof error);
    _exit(1);
}

static bool read_report(int fd, void *what, size_t len)
{
    ssize_t got;

    do
        got = read(fd, what, len);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)len;
}

static gpg_error_t spawn(char *const argv[], pid_t *pid)
{
    int ends[2];
    pid_t child;
    int error;
    gpg_error_t err = 0;

    if (pipe2(ends, O_CLOEXEC))
        return gpg_error_from_syserror();
    child = fork();
    if (child == 0)
        become_agent(argv, ends[1]);
    if (child < 0)
        err = gpg_error_from_syserror();
    close(ends[1]);
    if (!err && !read_report(ends[0], pid, sizeof *pid))
        err = gpg_error(GPG_ERR_NO_AGENT);
    else if (!err && read_report(ends[0], &error, sizeof error))
        err = gpg_error_from_errno(error);
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return err;
}

gpg_error_t start_agent(const char *program, const char *home, pid_t *pid)
{
    char option[] = "--gnupghome";
    union {
        const char *in;
        char *out; /* execvp takes them so, and changes nothing */
    } name = { .in = program ? program : CARDEA_AGENT }, where = { .in = home };
    char *const argv[] = { name.out, option, where.out, NULL };

    return *name.in ? spawn(argv, pid) : gpg_error(GPG_ERR_NO_AGENT);
}

bool start_agent_is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}
