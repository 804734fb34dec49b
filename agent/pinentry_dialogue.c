#include "agent/pinentry_dialogue.h"

#include "base/text.h"

#include <assuan.h>
#include <errno.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH_TRIES 3

struct talk {
    assuan_context_t ctx;
    const struct pinentry_request *request;
    enum pinentry_question question;
    int fd;
    size_t heard;     /* bytes */
    bool flooded;     /* more than PINENTRY_REPLY_MAX */
    bool refused;     /* the last error is the pinentry's own answer */
    char said[96];    /* the text of that answer, printable */
    struct secret in; /* PINENTRY_PIN_MAX bytes, of which in_len are filled */
    size_t in_len;
};

/* Sees every line that comes in, those that libassuan skips included. */
static unsigned int count_bytes(assuan_context_t ctx, void *hook, int direction, const char *line,
                                size_t len)
{
    struct talk *t = hook;

    (void)ctx;
    (void)line;
    if (direction == ASSUAN_IO_FROM_PEER) {
        t->heard += len + 1;
        if (t->heard > PINENTRY_REPLY_MAX && !t->flooded) {
            t->flooded = true;
            shutdown(t->fd, SHUT_RDWR);
        }
    }
    return ASSUAN_IO_MONITOR_NOLOG;
}

static gpg_error_t take_data(struct talk *t, char *data, size_t len)
{
    if (!t->in.data || len > t->in.len - t->in_len)
        return gpg_error(GPG_ERR_TOO_LARGE);
    memcpy(t->in.data + t->in_len, data, len);
    t->in_len += len;
    explicit_bzero(data, len);
    return 0;
}

/* ERR NUMBER TEXT; a number of 0 or none would pass for success. */
static gpg_error_t take_error(struct talk *t, const char *text)
{
    unsigned long number = strtoul(text, NULL, 10);

    text_escape(view_of(text, strlen(text)), t->said, sizeof t->said);
    t->refused = true;
    if (number > UINT32_MAX || !gpg_err_code((gpg_error_t)number))
        return gpg_error(GPG_ERR_PIN_ENTRY);
    return (gpg_error_t)number;
}

/* One line of the answer; *done when it was the last. */
static gpg_error_t take_line(struct talk *t, bool *done)
{
    assuan_response_t kind;
    char *line;
    int len;
    int offset;
    gpg_error_t err = assuan_client_read_response(t->ctx, &line, &len);

    if (!err)
        err = assuan_client_parse_response(t->ctx, line, len, &kind, &offset);
    if (err)
        return err;
    *done = kind == ASSUAN_RESPONSE_OK;
    switch (kind) {
    case ASSUAN_RESPONSE_OK:
    case ASSUAN_RESPONSE_STATUS:
    case ASSUAN_RESPONSE_COMMENT:
        return 0;
    case ASSUAN_RESPONSE_DATA:
        return take_data(t, line + offset, (size_t)(len - offset));
    case ASSUAN_RESPONSE_ERROR:
        return take_error(t, line + offset);
    case ASSUAN_RESPONSE_INQUIRE:
        return assuan_write_line(t->ctx, "CAN");
    default:
        return gpg_error(GPG_ERR_ASS_INV_RESPONSE);
    }
}

static gpg_error_t await_answer(struct talk *t)
{
    gpg_error_t err = 0;
    bool done = false;

    t->refused = false;
    while (!err && !done)
        err = take_line(t, &done);
    return err;
}

static gpg_error_t command(struct talk *t, const char *line)
{
    gpg_error_t err;

    t->refused = false;
    err = assuan_write_line(t->ctx, line);
    return err ? err : await_answer(t);
}

/* A pinentry that does not know a setting can still ask. */
static gpg_error_t setting(struct talk *t, const char *prefix, const char *text)
{
    char line[ASSUAN_LINELENGTH];
    size_t len = strlen(prefix);
    gpg_error_t err;

    if (!text)
        return 0;
    memcpy(line, prefix, len);
    pinentry_escape(text, line + len, sizeof line - 2 - len);
    err = command(t, line);
    return t->refused ? 0 : err;
}

static gpg_error_t send_options(struct talk *t)
{
    const struct pinentry_options *options = t->request->options;
    gpg_error_t err = 0;

    for (int i = 0; options && !err && i < PINENTRY_OPTION_COUNT; i++) {
        const char *name = pinentry_option_name((enum pinentry_option)i);
        char prefix[64];

        if (!name || !options->values[i])
            continue;
        snprintf(prefix, sizeof prefix, "OPTION %s=", name);
        err = setting(t, prefix, options->values[i]);
    }
    return err;
}

static gpg_error_t send_owner(struct talk *t)
{
    char host[65] = "localhost";
    char owner[128];

    if (!t->request->owner_pid)
        return 0;
    if (gethostname(host, sizeof host - 1) < 0)
        host[0] = '\0';
    snprintf(owner, sizeof owner, "%ld/%lu %s", (long)t->request->owner_pid,
             (unsigned long)t->request->owner_uid, host);
    return setting(t, "OPTION owner=", owner);
}

static gpg_error_t send_texts(struct talk *t)
{
    const struct pinentry_request *r = t->request;
    char timeout[16];
    const struct {
        const char *prefix;
        const char *text;
    } settings[] = {
        { "SETTIMEOUT ", timeout },  { "SETTITLE ", r->title }, { "SETDESC ", r->description },
        { "SETPROMPT ", r->prompt }, { "SETERROR ", r->error }, { "SETOK ", r->ok },
        { "SETCANCEL ", r->cancel },
    };
    gpg_error_t err = 0;

    snprintf(timeout, sizeof timeout, "%d", r->timeout_seconds);
    for (size_t i = 0; !err && i < sizeof settings / sizeof settings[0]; i++)
        err = setting(t, settings[i].prefix, settings[i].text);
    return err;
}

static gpg_error_t tell_lengths(struct talk *t)
{
    char text[96];

    snprintf(text, sizeof text, "This PIN has %zu to %zu characters.", t->request->pin_min,
             t->request->pin_max);
    return setting(t, "SETERROR ", text);
}

static gpg_error_t ask_pin(struct talk *t, struct secret *pin)
{
    size_t max = t->request->pin_max < PINENTRY_PIN_MAX ? t->request->pin_max : PINENTRY_PIN_MAX;
    gpg_error_t err = secret_new(&t->in, PINENTRY_PIN_MAX);

    for (int tries = 0; !err && tries < LENGTH_TRIES; tries++) {
        t->in_len = 0;
        err = command(t, "GETPIN");
        if (err)
            return err;
        if (t->in_len > 0 && t->in_len >= t->request->pin_min && t->in_len <= max) {
            secret_truncate(&t->in, t->in_len);
            secret_move(pin, &t->in);
            return 0;
        }
        explicit_bzero(t->in.data, t->in_len);
        err = tell_lengths(t);
    }
    return err ? err : gpg_error(GPG_ERR_BAD_PIN);
}

static gpg_error_t ask(struct talk *t, struct secret *pin)
{
    gpg_error_t err = send_options(t);

    if (!err)
        err = send_owner(t);
    if (!err)
        err = send_texts(t);
    if (err)
        return err;
    return t->question == PINENTRY_ASK_PIN ? ask_pin(t, pin) : command(t, "CONFIRM");
}

/* What the pinentry's own answer means to a caller. */
static gpg_err_code_t decision(const struct talk *t, gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
        return GPG_ERR_FULLY_CANCELED;
    case GPG_ERR_NOT_CONFIRMED:
        return t->question == PINENTRY_ASK_PIN ? GPG_ERR_FULLY_CANCELED : GPG_ERR_NOT_CONFIRMED;
    case GPG_ERR_TIMEOUT:
        return GPG_ERR_TIMEOUT;
    default:
        return GPG_ERR_PIN_ENTRY;
    }
}

static gpg_error_t judge(const struct talk *t, gpg_error_t err, char *problem, size_t size)
{
    gpg_err_code_t code = gpg_err_code(err);

    if (code == GPG_ERR_BAD_PIN && !t->refused)
        return err;
    if (code == GPG_ERR_ENOMEM && !t->refused)
        return err;
    if (t->refused && decision(t, err) != GPG_ERR_PIN_ENTRY)
        return gpg_error(decision(t, err));
    if (t->flooded)
        snprintf(problem, size, "it said more than %d bytes", PINENTRY_REPLY_MAX);
    else if (t->refused)
        snprintf(problem, size, "it answered \"ERR %s\"", t->said);
    else if (code == GPG_ERR_EOF || code == GPG_ERR_EPIPE || code == GPG_ERR_ECONNRESET)
        snprintf(problem, size, "it ended before it had answered");
    else if (code == GPG_ERR_TOO_LARGE)
        snprintf(problem, size, "it sent data where none belongs, or a PIN of more than %d bytes",
                 PINENTRY_PIN_MAX);
    else
        snprintf(problem, size, "it does not speak as a pinentry does (%s)", gpg_strerror(err));
    return gpg_error(GPG_ERR_PIN_ENTRY);
}

/* libassuan loses memory, or reads from address 0, over a first line that is not OK (2.5.5). So the
 * first line is ours, and the pinentry's greeting an answer like others. */
static const char own_greeting[] = "OK\n";

gpg_error_t pinentry_connection(int ends[2])
{
    int made[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made) < 0)
        return gpg_error_from_syserror();
    if (write(made[1], own_greeting, sizeof own_greeting - 1) < 0) {
        gpg_error_t err = gpg_error_from_syserror();

        close(made[0]);
        close(made[1]);
        return err;
    }
    memcpy(ends, made, sizeof made);
    return 0;
}

/* The context holds the line buffers and hence the PIN: it lives in secure memory, and libassuan
 * wipes it when it is released. */
static gpg_error_t open_talk(struct talk *t)
{
    struct assuan_malloc_hooks memory = { gcry_malloc_secure, gcry_realloc, gcry_free };
    gpg_error_t err = assuan_new_ext(&t->ctx, GPG_ERR_SOURCE_PINENTRY, &memory, NULL, NULL);

    if (err) {
        close(t->fd);
        return err;
    }
    assuan_set_flag(t->ctx, ASSUAN_NO_LOGGING, 1);
    assuan_begin_confidential(t->ctx);
    err = assuan_socket_connect_fd(t->ctx, t->fd, 0);
    if (!err)
        assuan_set_io_monitor(t->ctx, count_bytes, t);
    return err;
}

/* A pinentry that ends without a word is none. */
static gpg_error_t await_greeting(struct talk *t)
{
    gpg_error_t err = await_answer(t);

    if (gpg_err_code(err) == GPG_ERR_EOF && !t->heard)
        return gpg_error(GPG_ERR_NO_PIN_ENTRY);
    return err;
}

gpg_error_t pinentry_dialogue(int fd, const struct pinentry_request *request,
                              enum pinentry_question question, struct secret *pin, char *problem,
                              size_t size)
{
    struct talk t = { .request = request, .question = question, .fd = fd };
    struct secret answer = { 0 };
    gpg_error_t err = open_talk(&t);

    if (!err)
        err = await_greeting(&t);
    if (!err)
        err = ask(&t, &answer);
    if (err && (t.refused || gpg_err_code(err) != GPG_ERR_NO_PIN_ENTRY))
        err = judge(&t, err, problem, size);
    if (!err && pin)
        secret_move(pin, &answer);
    assuan_release(t.ctx);
    secret_free(&answer);
    secret_free(&t.in);
    return err;
}
