#include "message/message.h"
#include "message/armor.h"
#include "message/seipd1.h"

#include <stdlib.h>
#include <string.h>

struct message {
    struct armor *armor;
    struct input packets;
    struct pkesk *pkesks;
    size_t pkesk_count, pkesk_size;
    size_t passphrases;
    bool encrypted_seen; /* a packet that stands before an encrypted body */
    bool decrypted;
    enum body_kind kind;
    struct packet body;
    struct input encrypted;  /* the body behind its header */
    struct aead_header aead; /* BODY_SEIPD2, BODY_PACKET_20 */
};

static gpg_error_t add_pkesk(struct message *m, const struct pkesk *p)
{
    if (m->pkesk_count == MESSAGE_RECIPIENTS_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (m->pkesk_count == m->pkesk_size) {
        size_t size = m->pkesk_size ? 2 * m->pkesk_size : 4;
        struct pkesk *grown = reallocarray(m->pkesks, size, sizeof *grown);

        if (!grown)
            return gpg_error(GPG_ERR_ENOMEM);
        m->pkesks = grown;
        m->pkesk_size = size;
    }
    m->pkesks[m->pkesk_count++] = *p;
    return 0;
}

/* A packet that we cannot read is for somebody else's software; the others still count. */
static gpg_error_t read_pkesk(struct message *m, struct packet *packet)
{
    struct buffer body = BUFFER(PKESK_OCTETS_MAX);
    struct pkesk p;
    gpg_error_t err = packet_read(packet, &body);

    if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
        err = packet_skip(packet);
    else if (!err && !pkesk_parse(buffer_view(&body), &p))
        err = add_pkesk(m, &p);
    buffer_free(&body);
    return err;
}

/* RFC 9580 §10.3.2.1: a session key is for one kind of body, or versions could be played off
 * against each other. */
static void drop_mismatched(struct message *m)
{
    uint8_t version = m->kind == BODY_SEIPD2 ? 6 : 3;
    size_t kept = 0;

    for (size_t i = 0; i < m->pkesk_count; i++) {
        if (m->pkesks[i].version == version)
            m->pkesks[kept++] = m->pkesks[i];
    }
    m->pkesk_count = kept;
}

static gpg_error_t read_body_header(struct message *m, const struct packet *packet)
{
    gpg_error_t err = 0;
    uint8_t version = 0;

    m->body = *packet;
    m->encrypted = INPUT(packet_body(&m->body));
    if (packet->tag == PACKET_ENCRYPTED) {
        m->kind = BODY_UNPROTECTED;
    } else {
        err = input_read(&m->encrypted, &version, 1);
        m->kind = packet->tag == PACKET_AEAD ? BODY_PACKET_20
                  : version == 2             ? BODY_SEIPD2
                                             : BODY_SEIPD1;
        if (!err && version != (m->kind == BODY_SEIPD2 ? 2 : 1))
            err = gpg_error(GPG_ERR_UNKNOWN_VERSION);
    }
    if (!err && (m->kind == BODY_SEIPD2 || m->kind == BODY_PACKET_20))
        err = aead_read_header(&m->encrypted, m->kind == BODY_PACKET_20, &m->aead);
    if (!err)
        drop_mismatched(m);
    return err;
}

static gpg_error_t refuse(const struct message *m, uint8_t tag)
{
    switch (tag) {
    case PACKET_LITERAL:
    case PACKET_COMPRESSED:
    case PACKET_SIGNATURE:
    case PACKET_ONE_PASS_SIGNATURE:
        return gpg_error(m->encrypted_seen ? GPG_ERR_INV_PACKET : GPG_ERR_NOT_ENCRYPTED);
    default:
        break;
    }
    if (!m->encrypted_seen)
        return gpg_error(GPG_ERR_NO_DATA);
    return gpg_error(tag > PACKET_PADDING ? GPG_ERR_UNKNOWN_PACKET : GPG_ERR_INV_PACKET);
}

/* One packet before the body, or the body itself: *found. */
static gpg_error_t read_leading(struct message *m, struct packet *packet, bool *found)
{
    switch (packet->tag) {
    case PACKET_PKESK:
        m->encrypted_seen = true;
        return read_pkesk(m, packet);
    case PACKET_SKESK:
        m->encrypted_seen = true;
        m->passphrases++;
        return packet_skip(packet);
    case PACKET_ENCRYPTED:
    case PACKET_SEIPD:
    case PACKET_AEAD:
        *found = true;
        return read_body_header(m, packet);
    default:
        return packet_is_ignorable(packet->tag) ? packet_skip(packet) : refuse(m, packet->tag);
    }
}

static gpg_error_t read_to_body(struct message *m)
{
    bool found = false;
    gpg_error_t err = 0;

    while (!err && !found) {
        struct packet packet;

        err = packet_next(&m->packets, &packet);
        if (gpg_err_code(err) == GPG_ERR_EOF)
            err = gpg_error(m->encrypted_seen ? GPG_ERR_TRUNCATED : GPG_ERR_NO_DATA);
        else if (gpg_err_code(err) == GPG_ERR_INV_PACKET && !m->encrypted_seen)
            err = gpg_error(GPG_ERR_NO_DATA);
        if (!err)
            err = read_leading(m, &packet, &found);
    }
    return err;
}

gpg_error_t message_open(struct source from, struct message **m)
{
    struct message *opened = calloc(1, sizeof *opened);
    struct source packets;
    gpg_error_t err;

    if (!opened)
        return gpg_error(GPG_ERR_ENOMEM);
    err = armor_open(from, ARMOR_MESSAGE, &opened->armor, &packets);
    if (!err) {
        opened->packets = INPUT(packets);
        err = read_to_body(opened);
    }
    if (err)
        message_close(&opened);
    else
        *m = opened;
    return err;
}

const struct pkesk *message_pkesk(const struct message *m, size_t i)
{
    return i < m->pkesk_count ? &m->pkesks[i] : NULL;
}

size_t message_passphrases(const struct message *m)
{
    return m->passphrases;
}

enum body_kind message_body(const struct message *m)
{
    return m->kind;
}

uint8_t message_cipher(const struct message *m)
{
    return m->aead.cipher;
}

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

static gpg_error_t decrypt_cfb(struct message *m, const struct session_key *key,
                               const struct decrypt_options *options, const struct holding *held,
                               const struct sink *out, struct content_report *report)
{
    struct source body = source_of_input(&m->encrypted);
    struct seipd1 *s = NULL;
    struct source plain;
    gpg_error_t err;

    if (m->kind == BODY_SEIPD1)
        err = seipd1_open(body, key, held, &s, &plain);
    else if (options->accept_unprotected)
        err = unprotected_open(body, key, &s, &plain);
    else
        err = gpg_error(GPG_ERR_NOT_ENABLED);
    if (!err)
        err = give_out(m, plain, options, out, report);
    seipd1_close(&s);
    return err && m->kind == BODY_UNPROTECTED ? uniform(err, report) : err;
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
    else
        err = decrypt_cfb(m, key, options, held, out, report);
    if (!err)
        err = check_end(m, report);
    if (err && !report->problem)
        report->problem = words_for(err);
    return err;
}

void message_close(struct message **m)
{
    if (!*m)
        return;
    armor_close(&(*m)->armor);
    free((*m)->pkesks);
    free(*m);
    *m = NULL;
}
