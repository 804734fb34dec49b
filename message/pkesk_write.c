#include "message/packet.h"
#include "message/pkesk.h"

#define NEW_FORMAT        0xc0 /* RFC 9580 §4.2 */
#define FIVE_OCTET_LENGTH 0xff
#define BODY_MAX          1024

static gpg_error_t write_mpi(struct view number, struct buffer *body)
{
    unsigned bits = (unsigned)number.len * 8;
    gpg_error_t err;

    for (unsigned mask = 0x80; number.len && mask && !(number.data[0] & mask); mask >>= 1)
        bits--;
    err = buffer_append_u16(body, (uint16_t)bits);
    return err ? err : buffer_append_view(body, number);
}

static gpg_error_t write_recipient(const struct pkesk *p, struct buffer *body)
{
    gpg_error_t err;

    if (p->version == 3)
        return buffer_append(body, p->key_id, KEY_ID_OCTETS);
    if (!p->fingerprint_len)
        return buffer_append_u8(body, 0);
    err = buffer_append_u8(body, (uint8_t)(1 + p->fingerprint_len));
    if (!err)
        err = buffer_append_u8(body, p->fingerprint_len == FINGERPRINT_OCTETS_V4 ? 4 : 6);
    return err ? err : buffer_append(body, p->fingerprint, p->fingerprint_len);
}

static gpg_error_t write_wrapped(const struct pkesk *p, struct buffer *body)
{
    bool cipher_in_clear = p->version == 3 && p->algorithm != ALGORITHM_ECDH;
    gpg_error_t err = buffer_append_u8(body, (uint8_t)(p->wrapped_len + cipher_in_clear));

    if (!err && cipher_in_clear)
        err = buffer_append_u8(body, p->cipher);
    return err ? err : buffer_append(body, p->wrapped, p->wrapped_len);
}

static gpg_error_t write_encrypted(const struct pkesk *p, struct buffer *body)
{
    struct view encrypted = view_of(p->encrypted, p->encrypted_len);
    gpg_error_t err;

    switch (p->algorithm) {
    case ALGORITHM_RSA:
    case ALGORITHM_RSA_ENCRYPT_ONLY:
        return write_mpi(encrypted, body);
    case ALGORITHM_ECDH:
        err = write_mpi(encrypted, body);
        break;
    default:
        err = buffer_append_view(body, encrypted);
        break;
    }
    return err ? err : write_wrapped(p, body);
}

gpg_error_t pkesk_write(const struct pkesk *p, struct buffer *packet)
{
    struct buffer body = BUFFER(BODY_MAX);
    size_t before = packet->len;
    gpg_error_t err = buffer_append_u8(&body, p->version);

    if (!err)
        err = write_recipient(p, &body);
    if (!err)
        err = buffer_append_u8(&body, p->algorithm);
    if (!err)
        err = write_encrypted(p, &body);
    if (!err)
        err = buffer_append_u8(packet, NEW_FORMAT | PACKET_PKESK);
    if (!err)
        err = buffer_append_u8(packet, FIVE_OCTET_LENGTH);
    if (!err)
        err = buffer_append_u32(packet, (uint32_t)body.len);
    if (!err)
        err = buffer_append_view(packet, buffer_view(&body));
    if (err)
        packet->len = before;
    buffer_free(&body);
    return err;
}
