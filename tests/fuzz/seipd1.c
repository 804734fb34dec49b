/* A right body of version 1, with something in it changed: nothing may come out, and a provisional
 * output must be given up. Unchanged, everything must come out. The first
 * bytes choose the cipher and the change, the rest is the plaintext. */
#include "tests/unit/message_maker.h"

#include <stdlib.h>

#define CHOICES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct session_key *key, struct view body, size_t piece, struct view plain,
                  bool changed)
{
    struct buffer message = MAKER;

    make_packet(PACKET_SEIPD, body, &message);
    for (int provisional = 0; provisional <= 1; provisional++) {
        const struct decrypt_options options = { .unwrap = true, .provisional = provisional };
        struct buffer out = MAKER;
        gpg_error_t err = decrypt_pieces(buffer_view(&message), piece, key, &options, &out, NULL);

        if (changed ? !err || (out.len && !provisional)
                    : err || !view_equal(buffer_view(&out), plain))
            abort();
        buffer_free(&out);
    }
    buffer_free(&message);
}

/* What is read from a body is the same either way, and so is what is told when it was changed. */
static void check_content(const struct session_key *key, struct view body, size_t piece)
{
    struct buffer message = MAKER, out[2] = { MAKER, MAKER };
    gpg_error_t err[2];

    make_packet(PACKET_SEIPD, body, &message);
    for (int i = 0; i < 2; i++) {
        const struct decrypt_options options = { .max_output = 1 << 20, .provisional = i };

        err[i] = decrypt_pieces(buffer_view(&message), piece, key, &options, &out[i], NULL);
    }
    if (err[0] != err[1] || (!err[0] && !view_equal(buffer_view(&out[0]), buffer_view(&out[1]))))
        abort();
    buffer_free(&message);
    buffer_free(&out[0]);
    buffer_free(&out[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ciphers[] = { 2, 3, 7, 8, 9, 10, 11, 12, 13 };
    struct buffer body = MAKER;
    struct session_key key;
    struct view plain;
    size_t at, len;

    if (secret_init_library() || size < CHOICES)
        return 0;
    key = make_key(ciphers[data[0] % sizeof ciphers]);
    plain = view_of(data + CHOICES, size - CHOICES);
    make_seipd1_body(&key, plain, &body);
    at = ((size_t)data[1] << 8 | data[2]) % body.len;
    len = data[3] || !data[5] ? body.len : data[5] % body.len;
    body.data[at] ^= data[3];
    check(&key, view_of(body.data, len), (size_t)data[4] + 1, plain,
          data[3] != 0 || len != body.len);
    check_content(&key, view_of(body.data, len), (size_t)data[4] + 1);
    session_key_free(&key);
    buffer_free(&body);
    return 0;
}
