#include "message/certificate.h"
#include "message/mpi.h"

#include <gcrypt.h>
#include <string.h>

/* RFC 9580 §5.5.4; version 5 is LibrePGP §12.2. The octet before the length, and its width. */
static gpg_error_t fingerprint(struct view body, struct certificate_key *key)
{
    bool v4 = key->version == 4;
    int hash = v4 ? GCRY_MD_SHA1 : GCRY_MD_SHA256;
    uint8_t lead = (uint8_t)(v4 ? 0x99 : 0x95 + key->version);
    struct buffer head = BUFFER(8);
    gcry_buffer_t parts[2] = { { 0 } };
    gpg_error_t err = buffer_append_u8(&head, lead);

    if (!err)
        err = v4 ? buffer_append_u16(&head, (uint16_t)body.len)
                 : buffer_append_u32(&head, (uint32_t)body.len);
    if (!err) {
        parts[0].data = head.data;
        parts[0].len = head.len;
        parts[1].data = (void *)(uintptr_t)body.data;
        parts[1].len = body.len;
        err = gcry_md_hash_buffers(hash, 0, key->fingerprint, parts, 2);
    }
    key->fingerprint_len = v4 ? FINGERPRINT_OCTETS_V4 : FINGERPRINT_OCTETS_V6;
    buffer_free(&head);
    return err;
}

/* RFC 9580 §5.5.5.6: curve, point, and 03 01 hash cipher. */
static bool parse_ecdh(struct view material, struct certificate_key *key)
{
    uint8_t len, kdf_len, kdf_version;

    return view_u8(&material, &len) && len && view_take(&material, len, &key->oid) &&
           mpi_take(&material, &key->point) && view_u8(&material, &kdf_len) && kdf_len == 3 &&
           view_u8(&material, &kdf_version) && kdf_version == 1 &&
           view_u8(&material, &key->kdf_hash) && view_u8(&material, &key->kdf_cipher);
}

static bool parse_material(struct view material, struct certificate_key *key)
{
    switch (key->algorithm) {
    case ALGORITHM_RSA:
    case ALGORITHM_RSA_ENCRYPT_ONLY:
        if (!mpi_take(&material, &key->modulus))
            return false;
        key->modulus = view_strip_zeros(key->modulus);
        return true;
    case ALGORITHM_ECDH:
        return parse_ecdh(material, key);
    case ALGORITHM_X25519:
        return view_take(&material, 32, &key->point);
    case ALGORITHM_X448:
        return view_take(&material, 56, &key->point);
    default:
        return true;
    }
}

static bool parse_key(struct view body, struct certificate_key *key)
{
    struct view rest = body;
    uint32_t material_len;

    if (!view_u8(&rest, &key->version) || key->version < 4 || key->version > 6 ||
        !view_u32(&rest, &key->created) || !view_u8(&rest, &key->algorithm) ||
        (key->version > 4 && !view_u32(&rest, &material_len)))
        return false;
    return parse_material(rest, key) && !fingerprint(body, key);
}

gpg_error_t certificate_next_key(struct certificate *c, struct certificate_key *key)
{
    struct packet packet;
    gpg_error_t err;

    for (;;) {
        struct certificate_key found = { 0 };

        err = packet_next(&c->packets, &packet);
        if (err)
            return err;
        if (packet.tag != PACKET_PUBLIC_KEY && packet.tag != PACKET_PUBLIC_SUBKEY) {
            err = packet_skip(&packet);
            if (err)
                return err;
            continue;
        }
        buffer_clear(&c->body);
        err = packet_read(&packet, &c->body);
        if (err)
            return err;
        found.subkey = packet.tag == PACKET_PUBLIC_SUBKEY;
        if (!parse_key(buffer_view(&c->body), &found))
            continue;
        *key = found;
        return 0;
    }
}

struct recipient certificate_recipient(const struct certificate_key *key)
{
    return (struct recipient){
        .fingerprint = view_of(key->fingerprint, key->fingerprint_len),
        .version = key->version,
        .oid = key->oid,
        .kdf_hash = key->kdf_hash,
        .kdf_cipher = key->kdf_cipher,
        .point = key->point,
    };
}

void certificate_close(struct certificate *c)
{
    buffer_free(&c->body);
}
