/* A right body of chunks, with something in it changed or cut: whole chunks may come out that stand
 * before the change. The first bytes choose mode and change, the rest is the plaintext. */
#include "tests/unit/message_maker.h"

#include <stdlib.h>
#include <string.h>

#define CHOICES 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct session_key *key, const struct aead_header *header, struct view body,
                  size_t piece, struct view plain, bool changed)
{
    const struct decrypt_options unwrap = { .unwrap = true };
    size_t chunk = (size_t)1 << (header->chunk_octet + 6);
    struct buffer message = MAKER, out = MAKER;
    gpg_error_t err;

    make_packet(header->packet_20 ? PACKET_AEAD : PACKET_SEIPD, body, &message);
    err = decrypt_pieces(buffer_view(&message), piece, key, &unwrap, &out, NULL);
    if (changed ? !err || out.len % chunk : err || out.len != plain.len)
        abort();
    if (out.len && memcmp(out.data, plain.data, out.len))
        abort();
    buffer_free(&message);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aead_header header = { 0 };
    struct buffer body = MAKER;
    struct session_key key;
    struct view plain;
    size_t at, len;

    if (secret_init_library() || size < CHOICES)
        return 0;
    header.packet_20 = data[0] & 1;
    header.mode = (uint8_t)(1 + (data[0] >> 1) % (header.packet_20 ? 2 : 3));
    header.cipher = (uint8_t)(7 + data[1] % 7);
    header.chunk_octet = data[2] % 5;
    key = make_key(header.cipher);
    plain = view_of(data + CHOICES, size - CHOICES);
    make_aead_body(&key, &header, plain, &body);
    at = ((size_t)data[3] << 8 | data[4]) % body.len;
    len = data[5] ? body.len : at;
    body.data[at] ^= data[5] & 0x7f;
    check(&key, &header, view_of(body.data, len), (size_t)data[6] + 1, plain,
          data[5] & 0x7f || len != body.len);
    session_key_free(&key);
    buffer_free(&body);
    return 0;
}
