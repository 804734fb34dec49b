#include "agent/pinentry_process.h"

#include "agent/pinentry_dialogue.h"
#include "base/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEACE_MS 300
#define TERM_MS  500

/* Where the child tells why it could not become the pinentry. */
#define REPORT_FD (STDERR_FILENO + 1)

extern char **environ;

static bool is_replaced(const char *entry, const struct pinentry_options *options)
{
    for (int i = 0; options && i < PINENTRY_OPTION_COUNT; i++) {
        const char *name = pinentry_option_variable((enum pinentry_option)i);
        size_t len = name ? strlen(name) : 0;

        if (name && options->values[i] && strncmp(entry, name, len) == 0 && entry[len] == '=')
            return true;
    }
    return false;
}

/* The entries of ours are borrowed; those from options are in *added, one block. */
static gpg_error_t make_environment(const struct pinentry_options *options, char ***environment,
                                    char *added[PINENTRY_OPTION_COUNT])
{
    size_t count = 0;
    size_t filled = 0;
    char **e;

    while (environ[count])
        count++;
    e = calloc(count + PINENTRY_OPTION_COUNT + 1, sizeof *e);
    if (!e)
        return gpg_error_from_syserror();
    *environment = e;
    for (size_t i = 0; i < count; i++) {
        if (!is_replaced(environ[i], options))
            e[filled++] = environ[i];
    }
    for (int i = 0; options && i < PINENTRY_OPTION_COUNT; i++) {
        const char *name = pinentry_option_variable((enum pinentry_option)i);

        if (!name || !options->values[i])
            continue;
        if (asprintf(&added[i], "%s=%s", name, options->values[i]) < 0) {
            added[i] = NULL;
            return gpg_error(GPG_ERR_ENOMEM);
        }
        e[filled++] = added[i];
    }
    return 0;
}

/* The kernel tells it to end when the thread that forked does, which waits for its answer: killed,
 * we could not. By SIGALRM, on which pinentries put a terminal in order, as when their time is
 * over; others end as by any signal. */
static bool will_end_with(pid_t agent)
{
    return prctl(PR_SET_PDEATHSIG, SIGALRM, 0, 0, 0) == 0 && getppid() == agent;
}

static void reset_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int number = 1; number <= SIGRTMAX; number++)
        sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Leaves the standard descriptors and *report_fd. */
static bool keep_descriptors(int fd, int *report_fd)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        return false;
    if (*report_fd != REPORT_FD && dup3(*report_fd, REPORT_FD, O_CLOEXEC) < 0)
        return false;
    *report_fd = REPORT_FD;
    closefrom(REPORT_FD + 1);
    return true;
}

/* In the child of a process with threads: only what is safe in a signal handler. */
static _Noreturn void become_pinentry(const char *program, char **environment, int fd,
                                      int report_fd, pid_t agent)
{
    char name[] = "pinentry";
    char *arguments[] = { name, NULL };
    int error;

    reset_signals();
    if (will_end_with(agent) && setsid() >= 0 && keep_descriptors(fd, &report_fd))
        execve(program, arguments, environment);
    error = errno;
    (void)!write(report_fd, &error, sizeof error);
    _exit(EXIT_FAILURE);
}

/* What the child says in place of becoming another program; 0 when it became one. */
static int read_report(int report_fd)
{
    int error = 0;
    ssize_t len;

    do
        len = read(report_fd, &error, sizeof error);
    while (len < 0 && errno == EINTR);
    return len == (ssize_t)sizeof error ? error : 0;
}

/* 0, or an error number. */
static int spawn(const char *program, char **environment, int fd, pid_t *r_pid)
{
    pid_t agent = getpid(), pid;
    int report[2];
    int error;

    if (pipe2(report, O_CLOEXEC))
        return errno;
    pid = fork();
    error = pid < 0 ? errno : 0;
    if (pid == 0)
        become_pinentry(program, environment, fd, report[1], agent);
    close(report[1]);
    if (pid > 0)
        error = read_report(report[0]);
    close(report[0]);
    if (pid > 0 && error)
        waitpid(pid, NULL, 0);
    else
        *r_pid = pid;
    return error;
}

gpg_error_t pinentry_process_start(const char *program, const struct pinentry_options *options,
                                   struct pinentry_process *process, int *fd)
{
    char *added[PINENTRY_OPTION_COUNT] = { NULL };
    char **environment = NULL;
    int ends[2] = { -1, -1 };
    pid_t pid;
    gpg_error_t err = make_environment(options, &environment, added);

    if (err)
        goto leave;
    err = pinentry_connection(ends);
    if (err)
        goto leave;
    err = gpg_error_from_errno(spawn(program, environment, ends[1], &pid));
    close(ends[1]);
    if (err) {
        close(ends[0]);
        goto leave;
    }
    process->pid = pid;
    process->pidfd = pidfd_open(pid, 0);
    *fd = ends[0];

leave:
    for (int i = 0; i < PINENTRY_OPTION_COUNT; i++)
        free(added[i]);
    free(environment);
    return err;
}

/* True once it has ended; it stays a zombie, so that its number stays its own. */
static bool ends_within(const struct pinentry_process *process, int64_t ms)
{
    struct pollfd fds = { .fd = process->pidfd, .events = POLLIN };
    struct deadline deadline = deadline_in_ms(ms);
    int count;

    do
        count = poll(&fds, 1, deadline_poll_ms(deadline));
    while (count < 0 && errno == EINTR && !deadline_passed(deadline));
    return count > 0;
}

void pinentry_process_end(struct pinentry_process *process, bool in_peace)
{
    if (!in_peace || !ends_within(process, PEACE_MS)) {
        /* A wrapper script may have children, which are in its process group. */
        kill(-process->pid, SIGTERM);
        ends_within(process, TERM_MS);
        kill(-process->pid, SIGKILL);
    }
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    if (process->pidfd >= 0)
        close(process->pidfd);
    process->pid = 0;
    process->pidfd = -1;
}
