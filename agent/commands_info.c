/* Commands about the agent itself. */
#include "agent/line.h"
#include "agent/session.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gpg_error_t send_number(assuan_context_t assuan, unsigned long number)
{
    char text[24];

    snprintf(text, sizeof text, "%lu", number);
    return session_send_text(assuan, text);
}

/* How many are remembered, and for how many seconds each. */
static gpg_error_t send_session_keys(assuan_context_t assuan)
{
    const struct agent *agent = session_of(assuan)->agent;
    char text[40];

    snprintf(text, sizeof text, "%zu %d", session_key_cache_count(agent->session_keys),
             agent->config->session_key_cache);
    return session_send_text(assuan, text);
}

/* The environment variables that OPTION putenv= takes, each ended by a NUL. */
static gpg_error_t send_environment_names(assuan_context_t assuan)
{
    gpg_error_t err = 0;

    for (int i = 0; i < PINENTRY_OPTION_COUNT && !err; i++) {
        const char *name = pinentry_option_variable((enum pinentry_option)i);

        if (name)
            err = assuan_send_data(assuan, name, strlen(name) + 1);
    }
    return err;
}

static gpg_error_t has_option(const char *line)
{
    static const struct {
        const char *command, *option;
    } known[] = { { "HAVEKEY", "list" },   { "HAVEKEY", "info" },      { "KEYINFO", "list" },
                  { "KEYINFO", "data" },   { "KEYINFO", "need-attr" }, { "PKDECRYPT", "kem" },
                  { "SERIALNO", "all" },   { "SERIALNO", "demand" },   { "LEARN", "force" },
                  { "LEARN", "sendinfo" }, { "READKEY", "card" },      { "READKEY", "no-data" } };
    struct view command, option;

    if (!line_next_word(&line, &command) || !line_next_word(&line, &option))
        return gpg_error(GPG_ERR_ASS_PARAMETER);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (view_equal(command, view_of(known[i].command, strlen(known[i].command))) &&
            view_equal(option, view_of(known[i].option, strlen(known[i].option))))
            return 0;
    }
    return gpg_error(GPG_ERR_FALSE);
}

static gpg_error_t cmd_getinfo(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);

    if (strcmp(line, "version") == 0)
        return session_send_text(assuan, SPOKEN_GNUPG_VERSION);
    if (strcmp(line, "cardea_version") == 0)
        return session_send_text(assuan, CARDEA_VERSION);
    if (strcmp(line, "session_keys") == 0)
        return send_session_keys(assuan);
    if (strcmp(line, "pid") == 0)
        return send_number(assuan, (unsigned long)getpid());
    if (strcmp(line, "socket_name") == 0)
        return session_send_text(assuan, session->agent->socket_path);
    if (strcmp(line, "scd_running") == 0)
        return 0;
    if (strcmp(line, "restricted") == 0)
        return session_error(gpg_error(GPG_ERR_FALSE));
    if (strcmp(line, "std_env_names") == 0)
        return send_environment_names(assuan);
    if (strncmp(line, "cmd_has_option ", 15) == 0)
        return session_error(has_option(line + 15));
    return session_fail(assuan, GPG_ERR_ASS_PARAMETER, "unknown value for GETINFO");
}

static gpg_error_t cmd_geteventcounter(assuan_context_t assuan, char *line)
{
    unsigned cards = cards_event_count(session_of(assuan)->agent->cards);
    char text[40];

    (void)line;
    /* Any event, key events, card events: all of ours are of cards. */
    snprintf(text, sizeof text, "%u 0 %u", cards, cards);
    return assuan_write_status(assuan, "EVENTCOUNTER", text);
}

static gpg_error_t cmd_updatestartuptty(assuan_context_t assuan, char *line)
{
    (void)assuan;
    (void)line;
    return 0;
}

static gpg_error_t cmd_reloadagent(assuan_context_t assuan, char *line)
{
    (void)line;
    cards_lock_all(session_of(assuan)->agent->cards);
    return 0;
}

/* Only once the client has its OK: an agent that ends hangs up on everybody. */
static gpg_error_t cmd_killagent(assuan_context_t assuan, char *line)
{
    (void)line;
    assuan_set_flag(assuan, ASSUAN_FORCE_CLOSE, 1);
    session_of(assuan)->ends_agent = true;
    return 0;
}

const struct session_command session_info_commands[] = {
    { "GETINFO", cmd_getinfo,
      "GETINFO version|cardea_version|pid|socket_name|restricted|scd_running|std_env_names\n"
      "GETINFO session_keys\n"
      "GETINFO cmd_has_option COMMAND OPTION" },
    { "GETEVENTCOUNTER", cmd_geteventcounter,
      "GETEVENTCOUNTER\nCounts events: of any kind, of keys, of cards." },
    { "UPDATESTARTUPTTY", cmd_updatestartuptty,
      "UPDATESTARTUPTTY\nAccepted without effect: the agent's own session is where prompts "
      "appear." },
    { "RELOADAGENT", cmd_reloadagent, "RELOADAGENT\nForgets that PINs were verified." },
    { "KILLAGENT", cmd_killagent, "KILLAGENT\nStops the agent." },
    { NULL, NULL, NULL }
};
