#include "agent/pinentry.h"

#include "agent/pinentry_dialogue.h"
#include "agent/pinentry_process.h"
#include "agent/prompt_place.h"
#include "agent/watch.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM_PATH_MAX 4096

/* The environment's PATH has no say in which program sees the PIN. */
static const char *find_program(const char *name, char *path)
{
    static const char *const directories[] = { "/usr/bin", "/usr/local/bin",
                                               "/run/current-system/sw/bin" };

    if (!name)
        name = "pinentry";
    if (*name == '/')
        return name;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        int len = snprintf(path, PROGRAM_PATH_MAX, "%s/%s", directories[i], name);

        if (!strchr(name, '/') && len < PROGRAM_PATH_MAX && access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

static gpg_error_t no_program(const char *name, const char *why)
{
    log_warning("cannot ask for a PIN: pinentry program %s: %s; install one (on Debian "
                "pinentry-gnome3, pinentry-qt or pinentry-curses), or name one with --pinentry or "
                "\"program\" in section [pinentry] of agent.conf",
                name ? name : "\"pinentry\"", why);
    return gpg_error(GPG_ERR_NO_PIN_ENTRY);
}

static gpg_error_t end_to_error(enum prompt_end end, enum pinentry_question question)
{
    switch (end) {
    case PROMPT_TIMED_OUT:
        return gpg_error(GPG_ERR_TIMEOUT);
    case PROMPT_DONE:
        return question == PINENTRY_ASK_PIN ? gpg_error(GPG_ERR_CANCELED) : 0;
    default:
        return gpg_error(GPG_ERR_CANCELED);
    }
}

static void log_failure(const char *program, const struct pinentry_request *request,
                        gpg_error_t err, const char *problem)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_NO_PIN_ENTRY:
        no_program(program, "it ended at once; does it run from a shell?");
        break;
    case GPG_ERR_PIN_ENTRY:
        log_warning("pinentry program %s failed: %s; if it could not find the terminal, run "
                    "\"export GPG_TTY=$(tty)\" there first",
                    program, problem);
        break;
    case GPG_ERR_TIMEOUT:
        log_warning("nobody answered the pinentry within %d seconds", request->timeout_seconds);
        break;
    case GPG_ERR_BAD_PIN:
        log_warning("the PINs that were typed had another length than %zu to %zu", request->pin_min,
                    request->pin_max);
        break;
    default:
        break;
    }
}

/* The PIN that came with the very end of its time is not used: nobody may wait for it any more. */
static gpg_error_t talk(const char *program, const struct pinentry_request *request,
                        enum pinentry_question question, const struct prompt_limits *limits,
                        struct secret *pin, enum prompt_end *end)
{
    struct pinentry_process process;
    struct secret answer = { 0 };
    char problem[256] = "";
    struct watch watch;
    int fd;
    gpg_error_t err = pinentry_process_start(program, request->options, &process, &fd);

    if (err)
        return no_program(program, gpg_strerror(err));
    err = watch_start(&watch, limits, fd, SHUT_RDWR);
    if (err) {
        close(fd);
        pinentry_process_end(&process, false);
        return err;
    }
    err = pinentry_dialogue(fd, request, question, &answer, problem, sizeof problem);
    *end = watch_stop(&watch);
    pinentry_process_end(&process, !err && *end == PROMPT_GOES_ON);
    if (*end != PROMPT_GOES_ON)
        err = end_to_error(*end, question);
    log_failure(program, request, err, problem);
    if (!err && pin)
        secret_move(pin, &answer);
    secret_free(&answer);
    return err;
}

static gpg_error_t talk_in_place(const char *program, const struct pinentry_request *request,
                                 enum pinentry_question question,
                                 const struct prompt_limits *limits, struct secret *pin,
                                 enum prompt_end *end)
{
    struct pinentry_request placed = *request;
    struct pinentry_options place = { 0 };
    gpg_error_t err = prompt_place(request->options, &place);

    if (err)
        return err;
    placed.options = &place;
    err = talk(program, &placed, question, limits, pin, end);
    pinentry_options_free(&place);
    return err;
}

static gpg_error_t ask_in_turn(const char *program, const struct pinentry_request *request,
                               enum pinentry_question question, const struct prompt_limits *limits,
                               struct secret *pin, enum prompt_end *end)
{
    gpg_error_t err;

    *end = PROMPT_GOES_ON;
    err = prompt_queue_enter(limits, end);
    if (err)
        return err;
    if (*end != PROMPT_GOES_ON) {
        err = end_to_error(*end, question);
        log_failure(program, request, err, "");
        return err;
    }
    err = talk_in_place(program, request, question, limits, pin, end);
    prompt_queue_leave();
    return err;
}

static gpg_error_t ask_until_answered(const char *program, const struct pinentry_request *request,
                                      enum pinentry_question question, struct secret *pin)
{
    struct prompt_limits limits = { .deadline =
                                        deadline_in_ms((int64_t)request->timeout_seconds * 1000),
                                    .client_fd = request->client_fd,
                                    .cancel_fd = request->cancel_fd,
                                    .done_fd = request->done_fd,
                                    .yield_fd = -1 };
    enum prompt_end end = PROMPT_GOES_ON;
    eventfd_t wishes;
    gpg_error_t err;

    if (request->gives_way) {
        limits.yield_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (limits.yield_fd < 0)
            return gpg_error_from_syserror();
    }
    do {
        err = ask_in_turn(program, request, question, &limits, pin, &end);
        if (limits.yield_fd >= 0)
            (void)eventfd_read(limits.yield_fd, &wishes);
    } while (end == PROMPT_GIVES_WAY);
    if (limits.yield_fd >= 0)
        close(limits.yield_fd);
    return err;
}

static gpg_error_t ask(const struct pinentry_request *request, enum pinentry_question question,
                       struct secret *pin)
{
    char path[PROGRAM_PATH_MAX];
    const char *program = find_program(request->program, path);

    if (!program)
        return no_program(request->program, "not found");
    return ask_until_answered(program, request, question, pin);
}

gpg_error_t pinentry_get_pin(const struct pinentry_request *request, struct secret *pin)
{
    return ask(request, PINENTRY_ASK_PIN, pin);
}

gpg_error_t pinentry_confirm(const struct pinentry_request *request)
{
    return ask(request, PINENTRY_ASK_CONFIRMATION, NULL);
}
