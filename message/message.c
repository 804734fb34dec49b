#include "message/opened_message.h"

#include <stdlib.h>
#include <string.h>

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

void message_close(struct message **m)
{
    if (!*m)
        return;
    armor_close(&(*m)->armor);
    free((*m)->pkesks);
    free(*m);
    *m = NULL;
}
