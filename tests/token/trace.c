/* What passed between reader and card, in a file that is complete up to the last exchange. */
#include "base/text.h"
#include "tests/token/program.h"

#include <fcntl.h>

gpg_error_t trace_open(struct program *p)
{
    int fd;

    if (!p->arguments.trace)
        return 0;
    /* For the owner's eyes: PINs and session keys go through it. */
    fd = open(p->arguments.trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return gpg_error_from_syserror();
    p->trace = fdopen(fd, "a");
    return p->trace ? 0 : gpg_error_from_syserror();
}

void trace_apdu(struct program *p, char direction, struct view apdu)
{
    static char digits[2 * TOKEN_ANSWER_MAX + 1];

    if (!p->trace || apdu.len > TOKEN_ANSWER_MAX)
        return;
    fprintf(p->trace, "%c %s\n", direction, hex_encode(apdu, digits));
    fflush(p->trace);
}

void trace_note(struct program *p, const char *what)
{
    if (!p->trace)
        return;
    fprintf(p->trace, "# %s\n", what);
    fflush(p->trace);
}
