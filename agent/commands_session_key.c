/* SESSIONKEY: from the PKESK packets of a message to its session key, for clients without GnuPG. */
#include "agent/inquiry.h"
#include "agent/line.h"
#include "agent/opening.h"
#include "base/text.h"

static gpg_error_t inquire_pkesks(assuan_context_t assuan, struct recipients *recipients)
{
    struct buffer packets = BUFFER(RECIPIENTS_OCTETS);
    gpg_error_t err = inquiry_read(assuan, "PKESK", &packets);

    if (!err)
        err = recipients_parse(buffer_view(&packets), recipients);
    buffer_free(&packets);
    return err;
}

static gpg_error_t inquire_all(assuan_context_t assuan, bool with_certificate,
                               struct opening *opening)
{
    gpg_error_t err = inquire_pkesks(assuan, &opening->recipients);

    if (!err && with_certificate)
        err = inquiry_read(assuan, "CERTIFICATE", &opening->certificate);
    return err;
}

static gpg_error_t send_status(assuan_context_t assuan, const struct card_facts *facts)
{
    const struct slot_data *slot = &facts->data.slot[SLOT_DECRYPT];
    char fingerprint[2 * FINGERPRINT_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1], aid[2 * AID_LEN + 1];
    gpg_error_t err;

    hex_encode(view_of(slot->fingerprint, FINGERPRINT_LEN), fingerprint);
    hex_encode(view_of(facts->key[SLOT_DECRYPT].key.keygrip, KEYGRIP_LEN), keygrip);
    hex_encode(view_of(facts->data.aid, AID_LEN), aid);
    err = assuan_write_status(assuan, "KEY", fingerprint);
    if (!err)
        err = assuan_write_status(assuan, "KEYGRIP", keygrip);
    if (!err)
        err = assuan_write_status(assuan, "SERIALNO", aid);
    if (!err)
        err = assuan_write_status(assuan, "TOUCH", slot->touch == TOUCH_OFF ? "no" : "yes");
    return err;
}

static gpg_error_t send_key(assuan_context_t assuan, const struct session_key *key)
{
    struct secret text = { 0 };
    gpg_error_t err = session_key_text(key, &text);

    assuan_begin_confidential(assuan);
    if (!err)
        err = assuan_send_data(assuan, text.data, text.len);
    assuan_end_confidential(assuan);
    secret_free(&text);
    return err;
}

static gpg_error_t cmd_sessionkey(assuan_context_t assuan, char *line)
{
    bool with_certificate = line_option(line, "--certificate", NULL);
    struct request request;
    struct opening opening = OPENING(&request);
    gpg_error_t err;

    opening.only_inserted = line_option(line, "--only-inserted", NULL);
    request_begin(&request, session_of(assuan));
    err = inquire_all(assuan, with_certificate, &opening);
    if (!err)
        err = opening_run(&opening);
    err = request_end(&request, err);
    if (!err)
        err = send_status(assuan, &opening.facts);
    if (!err)
        err = send_key(assuan, &opening.key);
    opening_free(&opening);
    return session_answer(assuan, err);
}

const struct session_command session_session_key_commands[] = {
    { "SESSIONKEY", cmd_sessionkey,
      "SESSIONKEY [--only-inserted] [--certificate]\n"
      "Opens one of the PKESK packets that INQUIRE PKESK gives, and answers ALGO:HEX.\n"
      "With --only-inserted nobody is asked for a token that is not in.\n"
      "With --certificate, INQUIRE CERTIFICATE takes public key packets, which say what\n"
      "the token does not of its key." },
    { NULL, NULL, NULL }
};
