#include "agent/harden.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

void harden_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR); /* the lowest free number */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

void harden_process(bool runs_command)
{
    const struct rlimit none = { 0, 0 };

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        log_warning("other processes may trace this one: %s", strerror(errno));
    if (runs_command)
        return;
    if (setrlimit(RLIMIT_CORE, &none))
        log_warning("core dumps stay on: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        log_warning("new privileges stay possible: %s", strerror(errno));
}
