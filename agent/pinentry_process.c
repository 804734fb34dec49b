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

/* Leaves the standard descriptors. */
static bool keep_descriptors(int fd)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        return false;
    closefrom(STDERR_FILENO + 1);
    return true;
}

/* In the child, which has our memory until it is another program: nothing may be left there but
 * why it did not become one. */
static _Noreturn void become_pinentry(const char *program, char **environment, int fd, pid_t agent,
                                      volatile int *error)
{
    char name[] = "pinentry";
    char *arguments[] = { name, NULL };

    reset_signals();
    if (will_end_with(agent) && setsid() >= 0 && keep_descriptors(fd))
        execve(program, arguments, environment);
    *error = errno;
    _exit(EXIT_FAILURE);
}

/* 0, or an error number. fork() would copy the tables of all our memory first, and every thread
 * would pay for it, page by page. */
static int spawn(const char *program, char **environment, int fd, pid_t *r_pid)
{
    const pid_t agent = getpid();
    volatile int error = 0;
    pid_t pid = vfork();

    if (pid < 0)
        return errno;
    if (pid == 0)
        become_pinentry(program, environment, fd, agent, &error);
    if (error)
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
