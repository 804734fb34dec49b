/* What the body of a message gives. */
#include "message/opened_message.h"
#include "message/seipd1.h"

static gpg_error_t copy_packets(struct source plain, uint64_t max_output, const struct sink *out,
                                struct content_report *report)
{
    struct view piece;
    gpg_error_t err;

    for (;;) {
        err = plain.next(plain.context, &piece);
        if (err || !piece.len)
            return err;
        if (piece.len > max_output - report->octets)
            return gpg_error(GPG_ERR_TOO_LARGE);
        err = out->write(out->context, piece);
        if (err)
            return err;
        report->octets += piece.len;
    }
}

static gpg_error_t give_out(struct message *m, struct source plain,
                            const struct decrypt_options *options, const struct sink *out,
                            struct content_report *report)
{
    uint64_t max_output = options->max_output ? options->max_output : MESSAGE_MAX_OUTPUT;

    if (options->unwrap)
        return copy_packets(plain, max_output, out, report);
    return content_read(plain, &m->encrypted, max_output, out, report);
}

/* RFC 9580 §10.3: the body is the last that a message has. Text added behind it would pass for a
 * part of it. */
static gpg_error_t check_end(struct message *m, struct content_report *report)
{
    struct packet packet;
    gpg_error_t err;

    for (;;) {
        err = packet_next(&m->packets, &packet);
        if (gpg_err_code(err) == GPG_ERR_EOF)
            return 0;
        if (!err && packet_is_ignorable(packet.tag)) {
            err = packet_skip(&packet);
            if (!err)
                continue;
        }
        report->problem = "something follows the encrypted message that is no part of it";
        return err ? err : gpg_error(GPG_ERR_INV_PACKET);
    }
}

/* A wrong key makes of an unprotected body what no message is: no other error than for any body. */
static gpg_error_t uniform(gpg_error_t err, struct content_report *report)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_INV_PACKET:
    case GPG_ERR_UNKNOWN_PACKET:
    case GPG_ERR_NOT_SUPPORTED:
    case GPG_ERR_INV_DATA:
    case GPG_ERR_COMPR_ALGO:
    case GPG_ERR_TRUNCATED:
    case GPG_ERR_NO_DATA:
        report->problem = NULL;
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    default:
        return err;
    }
}

static gpg_error_t decrypt_aead(struct message *m, const struct session_key *key,
                                const struct decrypt_options *options, const struct holding *held,
                                const struct sink *out, struct content_report *report)
{
    struct aead *aead = NULL;
    struct source plain;
    gpg_error_t err = aead_open(source_of_input(&m->encrypted), &m->aead, key, held, &aead, &plain);

    if (!err)
        err = give_out(m, plain, options, out, report);
    aead_close(&aead);
    return err;
}

struct watched_sink {
    const struct sink *to;
    gpg_error_t failed; /* what it returned */
};

static gpg_error_t write_watched(void *context, struct view piece)
{
    struct watched_sink *watched = context;

    watched->failed = watched->to->write(watched->to->context, piece);
    return watched->failed;
}

/* Who changed a provisional body learns nothing else from us than of one that was held: that it was
 * changed. Only what the sink says is of no text, and needs no more reading. */
static gpg_error_t verdict(struct seipd1 *s, gpg_error_t err, gpg_error_t sink_failed,
                           struct content_report *report)
{
    gpg_error_t verified = sink_failed ? sink_failed : seipd1_verify(s);

    if (!verified)
        return err;
    *report = (struct content_report){ 0 };
    return verified;
}

static gpg_error_t decrypt_seipd1(struct message *m, const struct session_key *key,
                                  const struct decrypt_options *options, const struct holding *held,
                                  const struct sink *out, struct content_report *report)
{
    struct watched_sink watched = { .to = out };
    const struct sink sink = { .write = write_watched, .context = &watched };
    struct source body = source_of_input(&m->encrypted);
    struct seipd1 *s = NULL;
    struct source plain;
    gpg_error_t err = options->provisional ? seipd1_open(body, key, &s, &plain)
                                           : seipd1_open_held(body, key, held, &s, &plain);

    if (!err) {
        err = give_out(m, plain, options, &sink, report);
        if (options->provisional)
            err = verdict(s, err, watched.failed, report);
    }
    seipd1_close(&s);
    return err;
}

static gpg_error_t decrypt_unprotected(struct message *m, const struct session_key *key,
                                       const struct decrypt_options *options,
                                       const struct sink *out, struct content_report *report)
{
    struct seipd1 *s = NULL;
    struct source plain;
    gpg_error_t err;

    if (!options->accept_unprotected)
        return gpg_error(GPG_ERR_NOT_ENABLED);
    err = unprotected_open(source_of_input(&m->encrypted), key, &s, &plain);
    if (!err)
        err = give_out(m, plain, options, out, report);
    seipd1_close(&s);
    return uniform(err, report);
}

static const char *words_for(gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_NOT_ENABLED:
        return "anybody may have changed this message, for nothing protects it; "
               "read it all the same with " OPTION_ACCEPT_UNPROTECTED;
    case GPG_ERR_DECRYPT_FAILED:
        return "the session key is not this message's, or the message was changed";
    case GPG_ERR_TRUNCATED:
        return "the message is cut short";
    case GPG_ERR_CIPHER_ALGO:
        return "the message is encrypted with a cipher that we do not have";
    default:
        return NULL;
    }
}

gpg_error_t message_decrypt(struct message *m, const struct session_key *key,
                            const struct decrypt_options *options, const struct holding *held,
                            const struct sink *out, struct content_report *report)
{
    gpg_error_t err;

    *report = (struct content_report){ 0 };
    if (m->decrypted)
        return gpg_error(GPG_ERR_INV_STATE);
    m->decrypted = true;
    if (m->kind == BODY_SEIPD2 || m->kind == BODY_PACKET_20)
        err = decrypt_aead(m, key, options, held, out, report);
    else if (m->kind == BODY_SEIPD1)
        err = decrypt_seipd1(m, key, options, held, out, report);
    else
        err = decrypt_unprotected(m, key, options, out, report);
    if (!err)
        err = check_end(m, report);
    if (err && !report->problem)
        report->problem = words_for(err);
    return err;
}
