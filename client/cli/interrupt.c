#include "client/cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t came;
static struct cardea *volatile waited_for;
static volatile int fds[2] = { -1, -1 };
static volatile int null_fd = -1;

/* cardea_cancel and dup2 may be called here. A descriptor that may make us wait is turned to
 * /dev/null, so that there is no moment between looking at the flag and waiting. */
static void take_signal(int number)
{
    int before = errno;

    came = number;
    if (waited_for)
        cardea_cancel(waited_for);
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0 && null_fd >= 0)
            dup2(null_fd, fds[i]);
    }
    errno = before;
}

/* As by nohup: it stays so. */
static bool is_ignored(int number)
{
    struct sigaction now;

    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void interrupt_catch(struct cardea *connection, int in, int out)
{
    const struct sigaction action = { .sa_handler = take_signal };

    waited_for = connection;
    fds[0] = in;
    fds[1] = out;
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!is_ignored(numbers[i]))
            sigaction(numbers[i], &action, NULL);
    }
    /* A reader that has gone, or a file that grows too large, is an error of writing, and not the
     * end of tidying up. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

bool interrupted(void)
{
    return came != 0;
}

void interrupt_release(void)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!is_ignored(numbers[i]))
            signal(numbers[i], SIG_DFL);
    }
    waited_for = NULL;
    if (came)
        raise(came);
}
