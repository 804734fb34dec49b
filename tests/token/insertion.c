#include "base/log.h"
#include "tests/token/program.h"

#define RETRY_MS 50

static void note(struct program *p, const char *what)
{
    if (!p->trace)
        return;
    fprintf(p->trace, "# %s\n", what);
    fflush(p->trace);
}

gpg_error_t insertion_insert(struct program *p)
{
    struct deadline end = deadline_in_ms(p->arguments.wait_ms);
    gpg_error_t err;

    while ((err = link_connect(&p->link, p->arguments.connect)) && !p->quit && p->inserted) {
        struct deadline pause = deadline_in_ms(RETRY_MS);

        if (gpg_err_code(err) == GPG_ERR_INV_VALUE || deadline_passed(end))
            return err;
        while (!deadline_passed(pause) && !p->quit && p->inserted && p->link.fd < 0)
            events_wait(p, pause, false, NULL);
        if (p->link.fd >= 0)
            return 0;
    }
    if (!err) {
        log_info("connected to %s", p->arguments.connect);
        note(p, "inserted");
    }
    return p->quit || !p->inserted ? 0 : err;
}

void insertion_remove(struct program *p)
{
    link_close(&p->link);
    p->inserted = false;
    token_reset(p->token);
    log_info("removed");
    note(p, "removed");
}
