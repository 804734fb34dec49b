/* SCD …: what clients ask of scdaemon, as far as it is about knowing a card; and LEARN. */
#include "agent/card_attributes.h"
#include "agent/card_lines.h"
#include "agent/line.h"
#include "agent/session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A reference to the first card that has an OpenPGP application, and its facts. */
static gpg_error_t first_card(struct cards *cards, unsigned slots, struct card **r_card,
                              struct card_facts *facts)
{
    struct card_list list;
    gpg_error_t err;

    cards_list(cards, &list);
    err = cards_service_error(cards);
    if (!err || list.count)
        err = gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    for (size_t i = 0; i < list.count && err; i++) {
        gpg_error_t asked = card_learn(list.card[i], slots, facts);

        if (!asked)
            *r_card = card_ref(list.card[i]);
        if (gpg_err_code(asked) != GPG_ERR_ENOENT || i + 1 == list.count)
            err = asked;
    }
    card_list_release(&list);
    return err;
}

static gpg_error_t known_facts(struct session *session, unsigned slots, struct card_facts *facts)
{
    struct card *card = NULL;
    gpg_error_t err = first_card(session->agent->cards, slots, &card, facts);

    card_unref(&card);
    return err;
}

static gpg_error_t send_all_serials(assuan_context_t assuan, struct cards *cards)
{
    struct card_list list;
    gpg_error_t err = gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    bool sent = false;

    cards_list(cards, &list);
    for (size_t i = 0; i < list.count; i++) {
        struct card_facts facts;

        err = card_learn(list.card[i], 0, &facts);
        if (!err)
            err = card_lines_send_serial(assuan, &facts);
        sent = sent || !err;
    }
    card_list_release(&list);
    return sent ? 0 : err;
}

static gpg_error_t scd_serialno(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    const char *application = line_arguments(line);
    struct card_facts facts;
    gpg_error_t err;

    if (*application && strcasecmp(application, "openpgp") != 0)
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    if (line_option(line, "--all", NULL))
        return send_all_serials(assuan, session->agent->cards);
    err = known_facts(session, 0, &facts);
    return err ? err : card_lines_send_serial(assuan, &facts);
}

/* --list=sign|encr|auth names one use; "" and anything else all. */
static unsigned slots_of_use(const char *use)
{
    if (strncmp(use, "sign", 4) == 0)
        return 1u << SLOT_SIGN;
    if (strncmp(use, "encr", 4) == 0)
        return SLOTS_DECRYPT;
    if (strncmp(use, "auth", 4) == 0)
        return 1u << SLOT_AUTHENTICATE;
    return SLOTS_ALL;
}

static gpg_error_t send_key_infos(assuan_context_t assuan, unsigned slots, bool as_data)
{
    struct card_list list;
    gpg_error_t err = 0;

    cards_list(session_of(assuan)->agent->cards, &list);
    for (size_t i = 0; i < list.count && !err; i++) {
        struct card_facts facts;

        (void)card_learn_for_list(list.card[i], slots, &facts);
        for (int slot = 0; slot < SLOTS && !err; slot++) {
            if (slots & 1u << slot && facts.key[slot].state == SLOT_READ)
                err = card_lines_send_keyinfo(assuan, &facts, (enum slot)slot,
                                              card_line_scd_keyinfo, as_data);
        }
    }
    card_list_release(&list);
    return err;
}

static gpg_error_t scd_keyinfo(assuan_context_t assuan, char *line)
{
    bool as_data = line_option(line, "--data", NULL);
    struct card_facts facts;
    const char *use;
    enum slot slot;
    gpg_error_t err;

    if (line_option(line, "--list", &use))
        return send_key_infos(assuan, slots_of_use(use), as_data);
    err = card_lines_find(session_of(assuan)->agent->cards, line_arguments(line), &facts, &slot);
    if (gpg_err_code(err) == GPG_ERR_NO_SECKEY || gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT)
        err = gpg_error(GPG_ERR_NOT_FOUND);
    return err ? err
               : card_lines_send_keyinfo(assuan, &facts, slot, card_line_scd_keyinfo, as_data);
}

/* Reads the first card anew for a listing; the caller frees the objects. */
static gpg_error_t read_listing(struct session *session, struct card_listing *listing)
{
    struct card *card = NULL;
    gpg_error_t err = first_card(session->agent->cards, 0, &card, &listing->facts);

    if (!err)
        err = card_list_objects(card, &listing->facts, &listing->objects);
    card_unref(&card);
    return err;
}

static gpg_error_t scd_getattr(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    struct card_listing listing = { 0 };
    gpg_error_t err;

    if (card_attribute_is_known(line))
        err = known_facts(session, 0, &listing.facts);
    else
        err = read_listing(session, &listing);
    if (!err)
        err = card_attribute_send(assuan, &listing, line);
    card_objects_free(&listing.objects);
    return err;
}

static gpg_error_t scd_learn(assuan_context_t assuan, char *line)
{
    struct card_listing listing = { 0 };
    gpg_error_t err;

    (void)line;
    err = read_listing(session_of(assuan), &listing);
    if (!err)
        err = card_attributes_send_all(assuan, &listing);
    card_objects_free(&listing.objects);
    return err;
}

static gpg_error_t scd_readkey(assuan_context_t assuan, char *line)
{
    struct card_facts facts;
    enum slot slot;
    gpg_error_t err;

    if (line_option(line, "--format", NULL))
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    err = card_lines_find(session_of(assuan)->agent->cards, line_arguments(line), &facts, &slot);
    if (!err && !line_option(line, "--info-only", NULL))
        err = card_lines_send_public_key(assuan, &facts.key[slot].key);
    return err;
}

static gpg_error_t send_reader_names(assuan_context_t assuan, struct cards *cards)
{
    struct reader_list list = { .count = 0 };
    gpg_error_t err = 0;

    for (size_t i = 0; !err && cards_readers(cards, i, &list); i++) {
        for (size_t j = 0; j < list.count && !err; j++) {
            err = session_send_text(assuan, list.info[j].name);
            if (!err)
                err = session_send_text(assuan, "\n");
        }
    }
    return err;
}

static gpg_error_t scd_getinfo(assuan_context_t assuan, char *line)
{
    char text[24];

    if (strcmp(line, "version") == 0)
        return session_send_text(assuan, SPOKEN_GNUPG_VERSION);
    if (strcmp(line, "pid") == 0) {
        snprintf(text, sizeof text, "%ld", (long)getpid());
        return session_send_text(assuan, text);
    }
    if (strcmp(line, "status") == 0) {
        struct card_list list;

        cards_list(session_of(assuan)->agent->cards, &list);
        snprintf(text, sizeof text, "%s", list.count ? "u" : "r");
        card_list_release(&list);
        return session_send_text(assuan, text);
    }
    if (strcmp(line, "reader_list") == 0)
        return send_reader_names(assuan, session_of(assuan)->agent->cards);
    if (strcmp(line, "app_list") == 0)
        return session_send_text(assuan, "openpgp:\n");
    if (strcmp(line, "card_list") == 0)
        return send_all_serials(assuan, session_of(assuan)->agent->cards);
    if (strcmp(line, "deny_admin") == 0)
        return 0;
    return gpg_error(GPG_ERR_ASS_PARAMETER);
}

/* Clients tell scdaemon to let go of a card that we never hold on to. */
static gpg_error_t scd_nothing_to_do(assuan_context_t assuan, char *line)
{
    (void)assuan;
    (void)line;
    return 0;
}

static const struct {
    const char *name;
    session_handler *handler;
} scd_commands[] = {
    { "SERIALNO", scd_serialno },        { "KEYINFO", scd_keyinfo },
    { "GETATTR", scd_getattr },          { "LEARN", scd_learn },
    { "READKEY", scd_readkey },          { "GETINFO", scd_getinfo },
    { "RESET", scd_nothing_to_do },      { "RESTART", scd_nothing_to_do },
    { "DISCONNECT", scd_nothing_to_do }, { "KILLSCD", scd_nothing_to_do },
    { "NOP", scd_nothing_to_do },
};

/* In any case of letters, as libassuan has it for the commands before "SCD". */
static bool is_name(struct view word, const char *name)
{
    return word.len == strlen(name) && strncasecmp((const char *)word.data, name, word.len) == 0;
}

/* What changes a card, or uses it for other things than reading mail. */
static bool is_refused(struct view name)
{
    static const char *const names[] = { "SETATTR",    "WRITECERT", "WRITEKEY", "GENKEY",
                                         "PASSWD",     "CHECKPIN",  "PKSIGN",   "PKAUTH",
                                         "PKDECRYPT",  "SETDATA",   "APDU",     "LOCK",
                                         "UNLOCK",     "READCERT",  "RANDOM",   "DEVINFO",
                                         "SWITCHCARD", "SWITCHAPP" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_name(name, names[i]))
            return true;
    }
    return false;
}

static gpg_error_t cmd_scd(assuan_context_t assuan, char *line)
{
    const char *rest = line;
    struct view name;

    if (!line_next_word(&rest, &name))
        return session_fail(assuan, GPG_ERR_ASS_PARAMETER, "no command for the card");
    for (size_t i = 0; i < sizeof scd_commands / sizeof *scd_commands; i++) {
        if (is_name(name, scd_commands[i].name)) {
            char *arguments = line + (rest - line);

            arguments += strspn(arguments, " \t");
            return session_card_error(scd_commands[i].handler(assuan, arguments));
        }
    }
    if (is_refused(name))
        return assuan_set_error(assuan, session_card_error(gpg_error(GPG_ERR_NOT_SUPPORTED)),
                                "Cardea does not change cards: stop it and use scdaemon for this");
    return session_card_error(gpg_error(GPG_ERR_ASS_UNKNOWN_CMD));
}

static gpg_error_t cmd_learn(assuan_context_t assuan, char *line)
{
    return session_card_error(scd_learn(assuan, line));
}

const struct session_command session_card_commands[] = {
    { "SCD", cmd_scd,
      "SCD SERIALNO|KEYINFO|GETATTR|LEARN|READKEY|GETINFO ...\nWhat scdaemon would say." },
    { "LEARN", cmd_learn, "LEARN [--sendinfo] [--force]\nTells everything about the token." },
    { NULL, NULL, NULL }
};
