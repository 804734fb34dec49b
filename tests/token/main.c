/* cardea-token: a virtual OpenPGP card that attaches to a reader over a socket. */
#include "base/log.h"
#include "base/secret.h"
#include "tests/token/program.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static gpg_error_t say(gpg_error_t err, const char *what, const char *which)
{
    if (gpg_err_code(err) == GPG_ERR_BAD_DATA)
        log_error("cannot %s %s: it is damaged, or not a state file", what, which);
    else if (err)
        log_error("cannot %s %s: %s", what, which ? which : "", gpg_strerror(err));
    return err;
}

static void pause_before_answer(struct program *p)
{
    struct deadline end = deadline_in_ms(p->arguments.delay_ms);
    unsigned int removals = p->removals;

    while (p->arguments.delay_ms && !deadline_passed(end) && !p->quit && p->removals == removals)
        events_wait(p, end, false, NULL);
}

/* The answer goes out only once what it changed is on disk. */
static gpg_error_t run_command(struct program *p, struct view command)
{
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);
    unsigned int removals = p->removals;
    gpg_error_t err;

    trace_apdu(p, '>', command);
    pause_before_answer(p);
    token_command(p->token, command, &answer);
    err = storage_save(p);
    if (err) {
        log_error("cannot write %s: %s", p->arguments.state, gpg_strerror(err));
        p->quit = true;
        p->exit_code = EXIT_FAILURE;
    } else if (p->removals == removals) {
        trace_apdu(p, '<', buffer_view(&answer));
        err = link_send(&p->link, buffer_view(&answer));
    }
    buffer_free(&answer);
    return err;
}

static gpg_error_t power(struct program *p, enum link_frame frame)
{
    trace_note(p, frame == LINK_OFF ? "off" : frame == LINK_ON ? "on" : "reset");
    token_reset(p->token);
    return 0;
}

static gpg_error_t serve_frames(struct program *p)
{
    struct buffer command = BUFFER(FRAME_MAX);
    gpg_error_t err = 0;

    while (!err && !p->quit && p->link.fd >= 0) {
        enum link_frame frame = link_next(&p->link, &command);

        if (frame == LINK_NOTHING)
            break;
        if (frame == LINK_COMMAND)
            err = run_command(p, buffer_view(&command));
        else if (frame == LINK_ATR)
            err = link_send(&p->link, token_atr(p->token));
        else
            err = power(p, frame);
    }
    buffer_free(&command);
    return err;
}

/* The reader went away: wait for it to come back, or end. */
static void lost_reader(struct program *p)
{
    link_close(&p->link);
    trace_note(p, "the reader went away");
    log_info("the reader went away");
    if (!p->arguments.wait_ms)
        p->quit = true;
}

static void serve(struct program *p)
{
    gpg_error_t err;

    while (!p->quit) {
        err = insertion_insert(p);
        if (err) {
            say(err, "connect to", p->arguments.connect);
            p->exit_code = EXIT_FAILURE;
            return;
        }
        /* Told to end while it waited for the reader? */
        if (p->quit || !events_wait(p, deadline_never(), true, NULL))
            continue;
        err = link_receive(&p->link);
        if (!err)
            err = serve_frames(p);
        if (err && p->link.fd >= 0)
            lost_reader(p);
    }
}

static gpg_error_t catch_signals(struct program *p)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return gpg_error_from_syserror();
    p->signals = signalfd(-1, &set, SFD_CLOEXEC);
    return p->signals < 0 ? gpg_error_from_syserror() : 0;
}

static void program_init(struct program *p)
{
    p->inserted = true;
    p->signals = p->control = -1;
    p->saved = BUFFER(TOKEN_STATE_MAX);
    link_init(&p->link);
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        p->clients[i].fd = -1;
    p->arguments.card.wait_for_touch = events_wait_for_touch;
    p->arguments.card.context = p;
}

static gpg_error_t start(struct program *p)
{
    const struct arguments *a = &p->arguments;
    bool fresh;
    gpg_error_t err;

    err = say(secret_init_library(), "start libgcrypt", NULL);
    if (!err)
        err = say(catch_signals(p), "catch signals", NULL);
    if (!err)
        err = say(token_new(&a->card, &p->token), "make a card", NULL);
    if (!err)
        err = say(storage_load(p, &fresh), "read", a->state);
    if (!err)
        err = setup_card(p, fresh);
    if (!err)
        err = say(storage_save(p), "write", a->state);
    if (!err)
        err = say(trace_open(p), "write", a->trace);
    return err ? err : say(control_open(p), "listen at", a->control);
}

static void stop(struct program *p)
{
    control_close(p);
    link_close(&p->link);
    if (p->trace)
        fclose(p->trace);
    if (p->signals >= 0)
        close(p->signals);
    buffer_free(&p->saved);
    token_free(&p->token);
}

int main(int argc, char **argv)
{
    static struct program p;

    log_init("cardea-token", LOG_LEVEL_WARNING);
    switch (arguments_read(argc, argv, &p.arguments)) {
    case ARGUMENTS_DONE:
        return EXIT_SUCCESS;
    case ARGUMENTS_WRONG:
        return 2;
    case ARGUMENTS_RUN:
        break;
    }
    log_set_level((enum log_level)p.arguments.log_level);
    fputs("cardea-token: keys and PINs are in plain memory and files: for tests and demos only\n",
          stderr);
    program_init(&p);
    if (start(&p))
        p.exit_code = EXIT_FAILURE;
    else
        serve(&p);
    stop(&p);
    return p.exit_code;
}
