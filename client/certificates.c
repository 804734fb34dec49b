/* Certificates that help the agent. */
#include "client/connection.h"

#include "message/armor.h"
#include "message/certificate.h"

#define NEW_FORMAT        0xc0 /* RFC 9580 §4.2.1 */
#define FIVE_OCTET_LENGTH 0xff

static gpg_error_t write_packet(uint8_t tag, struct view body, struct buffer *packets)
{
    gpg_error_t err = buffer_append_u8(packets, NEW_FORMAT | tag);

    if (!err)
        err = buffer_append_u8(packets, FIVE_OCTET_LENGTH);
    if (!err)
        err = buffer_append_u32(packets, (uint32_t)body.len);
    if (!err)
        err = buffer_append_view(packets, body);
    return err;
}

/* Keeps the packets of keys, and passes over names and signatures, which may be large. */
static gpg_error_t take_packet(struct packet *packet, struct buffer *packets)
{
    struct buffer body = BUFFER(PUBLIC_KEY_OCTETS_MAX);
    gpg_error_t err;

    if (packet->tag != PACKET_PUBLIC_KEY && packet->tag != PACKET_PUBLIC_SUBKEY)
        return packet_skip(packet);
    err = packet_read(packet, &body);
    if (!err)
        err = write_packet(packet->tag, buffer_view(&body), packets);
    buffer_free(&body);
    return err;
}

static gpg_error_t take_packets(struct source from, struct buffer *packets)
{
    struct input in = INPUT(from);
    struct packet packet;
    gpg_error_t err;

    while (!(err = packet_next(&in, &packet))) {
        err = take_packet(&packet, packets);
        if (err)
            return err;
    }
    return gpg_err_code(err) == GPG_ERR_EOF ? 0 : err;
}

gpg_error_t cardea_add_certificates(struct cardea *connection, const void *certificates, size_t len)
{
    struct buffer *packets = &connection->certificates;
    struct view text = view_of(certificates, len);
    struct armor *armor = NULL;
    size_t before = packets->len;
    struct source from;
    gpg_error_t err = armor_open(source_of_view(&text), ARMOR_CERTIFICATE, &armor, &from);

    if (!err)
        err = take_packets(from, packets);
    if (!err && packets->len == before)
        err = gpg_error(GPG_ERR_NO_DATA);
    if (gpg_err_code(err) == GPG_ERR_INV_PACKET)
        err = gpg_error(GPG_ERR_NO_DATA);
    if (err)
        buffer_truncate(packets, before);
    armor_close(&armor);
    return err;
}
