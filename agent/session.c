#include "agent/session.h"

#include "base/advice.h"
#include "base/log.h"
#include "base/text.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

gpg_error_t session_error(gpg_error_t err)
{
    gpg_err_code_t code = gpg_err_code(err);

    if (!err || error_is_no_touch(err))
        return err;
    if (code == GPG_ERR_NO_SERVICE)
        code = GPG_ERR_ENODEV;
    else if (code == GPG_ERR_ENOENT) /* a card without the OpenPGP application */
        code = GPG_ERR_NOT_SUPPORTED;
    return gpg_err_make(GPG_ERR_SOURCE_GPGAGENT, code);
}

gpg_error_t session_card_error(gpg_error_t err)
{
    return err ? gpg_err_make(GPG_ERR_SOURCE_SCD, gpg_err_code(session_error(err))) : 0;
}

gpg_error_t session_answer(assuan_context_t assuan, gpg_error_t err)
{
    if (error_is_no_touch(err))
        return assuan_set_error(assuan, err, advice(err));
    return session_error(err);
}

gpg_error_t session_fail(assuan_context_t assuan, gpg_err_code_t code, const char *text)
{
    return assuan_set_error(assuan, gpg_err_make(GPG_ERR_SOURCE_GPGAGENT, code), text);
}

void session_tell_held_by(struct session *session)
{
    char holder[READER_HOLDER_MAX];

    if (!cards_held_by(session->agent->cards, holder))
        return;
    log_warning("the reader is held by %s", holder);
    (void)assuan_write_status(session->assuan, "HELD_BY", holder);
}

gpg_error_t session_send_text(assuan_context_t assuan, const char *text)
{
    return assuan_send_data(assuan, text, strlen(text));
}

/* Gone is who hung up, not who sent the next command early or will send no more. */
bool session_is_gone(const struct session *session)
{
    struct pollfd fds[2] = { { .fd = session->fd },
                             { .fd = session->agent->stop_fd, .events = POLLIN } };

    return poll(fds, 2, 0) > 0;
}

static gpg_error_t set_pin_mode(struct session *session, const char *mode)
{
    if (strcmp(mode, "ask") == 0 || strcmp(mode, "default") == 0)
        session->pin_mode = PIN_ASK;
    else if (strcmp(mode, "cancel") == 0)
        session->pin_mode = PIN_CANCEL;
    else if (strcmp(mode, "error") == 0)
        session->pin_mode = PIN_ERROR;
    else if (strcmp(mode, "loopback") != 0)
        return gpg_error(GPG_ERR_INV_VALUE);
    else if (!session->agent->config->allow_loopback_pinentry)
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    else
        session->pin_mode = PIN_LOOPBACK;
    return 0;
}

/* Options of gpg that need no answer but OK: what they ask for, we do or have no use for. */
static bool is_accepted_without_effect(const char *name)
{
    static const char *const names[] = { "agent-awareness", "allow-pinentry-notify",
                                         "allow-emacs-pinentry", "pretend-request-origin",
                                         "use-cache-for-signing" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static gpg_error_t set_option(assuan_context_t assuan, const char *name, const char *value)
{
    struct session *session = session_of(assuan);
    char text[ASSUAN_LINELENGTH];

    if (strcmp(name, "pinentry-mode") == 0)
        return set_pin_mode(session, value);
    if (is_accepted_without_effect(name))
        return 0;
    snprintf(text, sizeof text, "%s=%s", name, value);
    return session_error(pinentry_options_set(&session->options, text));
}

static gpg_error_t reset(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);

    (void)line;
    session->has_keygrip = false;
    return 0;
}

static gpg_error_t register_table(assuan_context_t assuan, const struct session_command *command)
{
    gpg_error_t err = 0;

    for (; command->name && !err; command++)
        err = assuan_register_command(assuan, command->name, command->handler, command->help);
    return err;
}

static gpg_error_t register_all(assuan_context_t assuan)
{
    const struct session_command *const tables[] = {
        session_info_commands,    session_key_commands,         session_card_commands,
        session_decrypt_commands, session_session_key_commands, session_token_commands,
        session_watch_commands,   session_refused_commands
    };
    gpg_error_t err = 0;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && !err; i++)
        err = register_table(assuan, tables[i]);
    if (!err)
        err = assuan_register_option_handler(assuan, set_option);
    if (!err)
        err = assuan_register_reset_notify(assuan, reset);
    return err;
}

/* *taken: libassuan has the descriptor. */
static gpg_error_t start(struct session *session, bool *taken)
{
    char hello[80];
    /* The source of libassuan's own errors is to be that of all others. */
    gpg_error_t err = assuan_new_ext(&session->assuan, GPG_ERR_SOURCE_GPGAGENT,
                                     assuan_get_malloc_hooks(), NULL, NULL);

    if (err)
        return err;
    err = assuan_init_socket_server(session->assuan, session->fd, ASSUAN_SOCKET_SERVER_ACCEPTED);
    if (err)
        return err;
    *taken = true;
    assuan_set_pointer(session->assuan, session);
    snprintf(hello, sizeof hello, "Cardea at your service, process %ld", (long)getpid());
    err = assuan_set_hello_line(session->assuan, hello);
    return err ? err : register_all(session->assuan);
}

/* A line that is too long ends the session: where the next one begins nobody can tell. libassuan
 * hangs up without a word. */
static void say_last_word(struct session *session, gpg_error_t err)
{
    char line[80];

    if (gpg_err_code(err) != GPG_ERR_ASS_LINE_TOO_LONG)
        return;
    snprintf(line, sizeof line, "ERR %u Line too long <Cardea>", session_error(err));
    (void)assuan_write_line(session->assuan, line);
}

void session_serve(struct agent *agent, const struct session_peer *peer)
{
    struct session session = { .agent = agent,
                               .fd = peer->fd,
                               .peer_pid = peer->pid,
                               .peer_uid = peer->uid,
                               .line_by = deadline_never() };
    bool taken = false;
    gpg_error_t err = start(&session, &taken);

    if (!err)
        err = assuan_accept(session.assuan);
    if (!err) {
        cards_await_look(agent->cards);
        err = assuan_process(session.assuan);
    }
    say_last_word(&session, err);
    if (err && gpg_err_code(err) != GPG_ERR_EOF)
        log_debug("session: process %ld: %s", (long)peer->pid, gpg_strerror(err));
    peer->before_close(peer->context);
    assuan_release(session.assuan);
    if (!taken)
        close(peer->fd);
    pinentry_options_free(&session.options);
    if (session.ends_agent)
        kill(getpid(), SIGTERM);
}
