#include "base/log.h"
#include "tests/token/program.h"

#define RETRY_MS 50

gpg_error_t insertion_try(struct program *p)
{
    gpg_error_t err = link_connect(&p->link, p->arguments.connect);

    if (err)
        return err;
    p->inserted = true;
    token_reset(p->token);
    log_info("connected to %s", p->arguments.connect);
    trace_note(p, "inserted");
    return 0;
}

static void pause_between_tries(struct program *p)
{
    struct deadline end = deadline_in_ms(RETRY_MS);

    while (!deadline_passed(end) && !p->quit && p->inserted && p->link.fd < 0)
        events_wait(p, end, false, NULL);
}

gpg_error_t insertion_insert(struct program *p)
{
    struct deadline end = deadline_in_ms(p->arguments.wait_ms);
    gpg_error_t err = 0;

    while (p->link.fd < 0 && p->inserted && !p->quit) {
        err = insertion_try(p);
        if (!err)
            break;
        if (gpg_err_code(err) == GPG_ERR_INV_VALUE || deadline_passed(end))
            return err;
        pause_between_tries(p);
    }
    return 0;
}

void insertion_remove(struct program *p)
{
    link_close(&p->link);
    p->inserted = false;
    p->removals++;
    log_info("removed");
    trace_note(p, "removed");
}
