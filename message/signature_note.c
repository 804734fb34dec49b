#include "message/signature_note.h"

#include <string.h>

/* RFC 9580 §5.2.3.7 */
#define SUBPACKET_ISSUER_KEY_ID      16
#define SUBPACKET_ISSUER_FINGERPRINT 33
#define SUBPACKET_CRITICAL           0x80

/* RFC 9580 §5.5.4: where a fingerprint has its key ID. */
static void note_fingerprint(struct signature_note *note, struct view fingerprint)
{
    bool v4 = fingerprint.len == FINGERPRINT_OCTETS_V4;

    if (!v4 && fingerprint.len != FINGERPRINT_OCTETS_V6)
        return;
    memcpy(note->fingerprint, fingerprint.data, fingerprint.len);
    note->fingerprint_len = fingerprint.len;
    memcpy(note->key_id, fingerprint.data + (v4 ? FINGERPRINT_OCTETS_V4 - KEY_ID_OCTETS : 0),
           KEY_ID_OCTETS);
}

static bool take_subpacket(struct view *area, struct view *subpacket)
{
    uint8_t first, second;
    uint32_t len;

    if (!view_u8(area, &first))
        return false;
    if (first < 192) {
        len = first;
    } else if (first < 255) {
        if (!view_u8(area, &second))
            return false;
        len = ((uint32_t)(first - 192) << 8) + second + 192;
    } else if (!view_u32(area, &len)) {
        return false;
    }
    return view_take(area, len, subpacket);
}

static void note_subpackets(struct signature_note *note, struct view area)
{
    struct view subpacket;
    uint8_t type, key_version;

    while (take_subpacket(&area, &subpacket)) {
        if (!view_u8(&subpacket, &type))
            continue;
        type &= (uint8_t)~SUBPACKET_CRITICAL;
        if (type == SUBPACKET_ISSUER_KEY_ID && subpacket.len == KEY_ID_OCTETS &&
            !note->fingerprint_len)
            memcpy(note->key_id, subpacket.data, KEY_ID_OCTETS);
        else if (type == SUBPACKET_ISSUER_FINGERPRINT && view_u8(&subpacket, &key_version))
            note_fingerprint(note, subpacket);
    }
}

/* RFC 9580 §5.2.2; what follows the version. */
static bool read_v3(struct view body, struct signature_note *note)
{
    uint8_t hashed_len;
    uint32_t created;
    struct view id;

    if (!view_u8(&body, &hashed_len) || hashed_len != 5 || !view_u8(&body, &note->type) ||
        !view_u32(&body, &created) || !view_take(&body, KEY_ID_OCTETS, &id) ||
        !view_u8(&body, &note->algorithm) || !view_u8(&body, &note->hash))
        return false;
    memcpy(note->key_id, id.data, id.len);
    return true;
}

/* RFC 9580 §5.2.3: areas of subpackets, their lengths twice as wide in version 6. */
static bool take_area(struct view *body, uint8_t version, struct view *area)
{
    uint32_t len = 0;
    uint16_t short_len;

    if (version == 6) {
        if (!view_u32(body, &len))
            return false;
    } else {
        if (!view_u16(body, &short_len))
            return false;
        len = short_len;
    }
    return view_take(body, len, area);
}

static bool read_v4(struct view body, struct signature_note *note)
{
    struct view hashed, unhashed;

    if (!view_u8(&body, &note->type) || !view_u8(&body, &note->algorithm) ||
        !view_u8(&body, &note->hash) || !take_area(&body, note->version, &hashed) ||
        !take_area(&body, note->version, &unhashed))
        return false;
    note_subpackets(note, unhashed);
    note_subpackets(note, hashed);
    return true;
}

bool signature_note_read(struct view body, struct signature_note *note)
{
    struct signature_note read = { 0 };

    if (!view_u8(&body, &read.version) || read.version < 2 || read.version > 6)
        return false;
    if (!(read.version < 4 ? read_v3(body, &read) : read_v4(body, &read)))
        return false;
    *note = read;
    return true;
}

bool one_pass_note_read(struct view body, struct signature_note *note)
{
    struct signature_note read = { .one_pass = true };
    struct view field;
    uint8_t salt_len;

    if (!view_u8(&body, &read.version) || (read.version != 3 && read.version != 6) ||
        !view_u8(&body, &read.type) || !view_u8(&body, &read.hash) ||
        !view_u8(&body, &read.algorithm))
        return false;
    if (read.version == 6) {
        if (!view_u8(&body, &salt_len) || !view_take(&body, salt_len, &field) ||
            !view_take(&body, FINGERPRINT_OCTETS_V6, &field))
            return false;
        note_fingerprint(&read, field);
    } else {
        if (!view_take(&body, KEY_ID_OCTETS, &field))
            return false;
        memcpy(read.key_id, field.data, field.len);
    }
    *note = read;
    return true;
}
