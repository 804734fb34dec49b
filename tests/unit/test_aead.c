#include "message/symmetric.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

#define CHUNK      64 /* chunk octet 0 */
#define SEALED     (CHUNK + 16)
#define HEADER_V2  (4 + 32)
#define TEXT_LEN   300
#define LONG_CHUNK 17 /* chunks of 8 MiB */

static const struct decrypt_options unwrap = { .unwrap = true };

static struct aead_header make_header(bool packet_20, uint8_t cipher, uint8_t mode, uint8_t chunk)
{
    struct aead_header header = {
        .packet_20 = packet_20, .cipher = cipher, .mode = mode, .chunk_octet = chunk
    };

    memset(header.salt, 0x5a, sizeof header.salt);
    return header;
}

/* Anything may be in there: what comes out is compared as it is, unwrapped. */
static void make_body(const struct session_key *key, const struct aead_header *header, size_t len,
                      struct buffer *plain, struct buffer *body)
{
    uint8_t *to = buffer_reserve(plain, len + 1);

    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(i * 7 + i / 256);
    plain->len = len;
    make_aead_body(key, header, buffer_view(plain), body);
}

static void check_round_trip(const struct aead_header *header, size_t len, size_t piece)
{
    struct session_key key = make_key(header->cipher);
    struct buffer plain = MAKER, body = MAKER, message = MAKER, out = MAKER;

    make_body(&key, header, len, &plain, &body);
    make_packet(header->packet_20 ? PACKET_AEAD : PACKET_SEIPD, buffer_view(&body), &message);
    assert_int_equal(decrypt_pieces(buffer_view(&message), piece, &key, &unwrap, &out, NULL), 0);
    assert_true(view_equal(buffer_view(&out), buffer_view(&plain)));
    session_key_free(&key);
    buffer_free(&plain);
    buffer_free(&body);
    buffer_free(&message);
    buffer_free(&out);
}

static void every_mode_and_cipher_is_decrypted(void **state)
{
    static const uint8_t ciphers[] = { 7, 8, 9, 10, 11, 12, 13 };
    static const size_t lengths[] = { 0, 1, 63, 64, 65, 127, 128, 129, 1000 };

    (void)state;
    for (size_t c = 0; c < sizeof ciphers; c++) {
        for (uint8_t mode = AEAD_EAX; mode <= AEAD_GCM; mode++) {
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                struct aead_header header = make_header(false, ciphers[c], mode, 0);

                check_round_trip(&header, lengths[l], SIZE_MAX);
                check_round_trip(&header, lengths[l], 1);
                if (mode == AEAD_GCM)
                    continue;
                header.packet_20 = true;
                check_round_trip(&header, lengths[l], 17);
            }
        }
    }
}

static void every_chunk_size_is_decrypted(void **state)
{
    (void)state;
    for (uint8_t chunk = 0; chunk <= 16; chunk++) {
        struct aead_header header = make_header(false, SYMMETRIC_AES256, AEAD_OCB, chunk);

        check_round_trip(&header, 1 << 17, 4096);
        check_round_trip(&header, ((size_t)1 << (chunk + 6)) + 1, SIZE_MAX);
    }
}

/* More than a chunk in memory: verified first, then deciphered again from where it was held. */
static void chunks_beyond_memory_are_decrypted(void **state)
{
    static const size_t lengths[] = {
        ((size_t)4 << 20) - 1,  (size_t)4 << 20,        ((size_t)4 << 20) + 1,
        ((size_t)8 << 20) - 1,  (size_t)8 << 20,        ((size_t)8 << 20) + 1,
        ((size_t)12 << 20) + 1, ((size_t)16 << 20) + 5,
    };

    (void)state;
    for (uint8_t mode = AEAD_EAX; mode <= AEAD_OCB; mode++) {
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            struct aead_header header = make_header(true, SYMMETRIC_AES128, mode, LONG_CHUNK);

            check_round_trip(&header, lengths[i], 65536);
        }
    }
}

/* What came out of a changed message is what was verified before the change was met: whole chunks
 * from the beginning, and an error. */
static void check_prefix(const struct session_key *key, struct view body, bool packet_20,
                         struct view plain, size_t chunk)
{
    struct buffer message = MAKER, out = MAKER;

    make_packet(packet_20 ? PACKET_AEAD : PACKET_SEIPD, body, &message);
    assert_int_not_equal(decrypt_pieces(buffer_view(&message), SIZE_MAX, key, &unwrap, &out, NULL),
                         0);
    assert_int_equal(out.len % chunk, 0);
    assert_true(out.len <= plain.len);
    assert_true(view_equal(buffer_view(&out), view_of(plain.data, out.len)));
    buffer_free(&message);
    buffer_free(&out);
}

static void flip_and_cut(bool packet_20, uint8_t mode)
{
    struct aead_header header = make_header(packet_20, SYMMETRIC_AES128, mode, 0);
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer plain = MAKER, body = MAKER;

    make_body(&key, &header, TEXT_LEN, &plain, &body);
    for (size_t bit = 0; bit < 8 * body.len; bit++) {
        body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_prefix(&key, buffer_view(&body), packet_20, buffer_view(&plain), CHUNK);
        body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < body.len; len++)
        check_prefix(&key, view_of(body.data, len), packet_20, buffer_view(&plain), CHUNK);
    assert_int_equal(buffer_append(&body, "\0", 1), 0);
    check_prefix(&key, buffer_view(&body), packet_20, buffer_view(&plain), CHUNK);
    session_key_free(&key);
    buffer_free(&plain);
    buffer_free(&body);
}

static void changed_anywhere_only_whole_chunks_before_come_out(void **state)
{
    (void)state;
    for (uint8_t mode = AEAD_EAX; mode <= AEAD_GCM; mode++) {
        flip_and_cut(false, mode);
        if (mode != AEAD_GCM)
            flip_and_cut(true, mode);
    }
}

static void swap_chunks(uint8_t *a, uint8_t *b)
{
    uint8_t kept[SEALED];

    memcpy(kept, a, SEALED);
    memcpy(a, b, SEALED);
    memcpy(b, kept, SEALED);
}

static void chunks_out_of_order_are_refused(void **state)
{
    struct aead_header header = make_header(false, SYMMETRIC_AES128, AEAD_OCB, 0);
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer plain = MAKER, body = MAKER;
    uint8_t *chunks;

    (void)state;
    make_body(&key, &header, 4 * CHUNK, &plain, &body);
    chunks = body.data + HEADER_V2;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = i + 1; j < 4; j++) {
            swap_chunks(chunks + i * SEALED, chunks + j * SEALED);
            check_prefix(&key, buffer_view(&body), false, buffer_view(&plain), CHUNK);
            swap_chunks(chunks + i * SEALED, chunks + j * SEALED);
        }
    }
    for (size_t i = 0; i < 4; i++) { /* one left out, one there twice */
        struct buffer less = MAKER, more = MAKER;
        size_t at = HEADER_V2 + i * SEALED;

        assert_int_equal(buffer_append(&less, body.data, at), 0);
        assert_int_equal(buffer_append(&less, body.data + at + SEALED, body.len - at - SEALED), 0);
        check_prefix(&key, buffer_view(&less), false, buffer_view(&plain), CHUNK);
        assert_int_equal(buffer_append(&more, body.data, at + SEALED), 0);
        assert_int_equal(buffer_append(&more, body.data + at, body.len - at), 0);
        check_prefix(&key, buffer_view(&more), false, buffer_view(&plain), CHUNK);
        buffer_free(&less);
        buffer_free(&more);
    }
    session_key_free(&key);
    buffer_free(&plain);
    buffer_free(&body);
}

static void large_chunks_changed_anywhere_give_nothing(void **state)
{
    static const size_t places[] = { 100, (size_t)4 << 20, ((size_t)8 << 20) + 10,
                                     ((size_t)9 << 20) };
    struct aead_header header = make_header(true, SYMMETRIC_AES128, AEAD_OCB, LONG_CHUNK);
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer plain = MAKER, body = MAKER;

    (void)state;
    make_body(&key, &header, (size_t)9 << 20, &plain, &body);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        body.data[places[i]] ^= 1;
        check_prefix(&key, buffer_view(&body), true, buffer_view(&plain), (size_t)8 << 20);
        check_prefix(&key, view_of(body.data, places[i]), true, buffer_view(&plain),
                     (size_t)8 << 20);
        body.data[places[i]] ^= 1;
    }
    session_key_free(&key);
    buffer_free(&plain);
    buffer_free(&body);
}

static void every_wrong_key_fails_alike(void **state)
{
    struct aead_header header = make_header(false, SYMMETRIC_AES128, AEAD_OCB, 0);
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct session_key others[] = {
        make_key(SYMMETRIC_AES128), make_key(SYMMETRIC_AES256), make_key(11), { 0 }
    };
    struct buffer plain = MAKER, body = MAKER, message = MAKER, out = MAKER;

    (void)state;
    others[0].key.data[0] ^= 1;
    make_body(&key, &header, TEXT_LEN, &plain, &body);
    make_packet(PACKET_SEIPD, buffer_view(&body), &message);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(gpg_err_code(decrypt_bytes(buffer_view(&message), &others[i], &out)),
                         GPG_ERR_DECRYPT_FAILED);
        assert_int_equal(out.len, 0);
        session_key_free(&others[i]);
    }
    session_key_free(&key);
    buffer_free(&plain);
    buffer_free(&body);
    buffer_free(&message);
    buffer_free(&out);
}

static gpg_err_code_t open_header(const char *body, size_t len, uint8_t tag)
{
    struct buffer message = MAKER;
    struct message *m = NULL;
    struct view bytes;
    gpg_error_t err;

    make_packet(tag, view_of(body, len), &message);
    bytes = buffer_view(&message);
    err = message_open(source_of_view(&bytes), &m);
    message_close(&m);
    buffer_free(&message);
    return gpg_err_code(err);
}

static void headers_out_of_bounds_are_refused(void **state)
{
    char zeros[100] = { 0 };

    (void)state;
    memcpy(zeros, "\x02\x07\x02\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_SEIPD), 0);
    assert_int_equal(open_header(zeros, 30, PACKET_SEIPD), GPG_ERR_TRUNCATED);
    zeros[3] = 17;
    assert_int_equal(open_header(zeros, 100, PACKET_SEIPD), GPG_ERR_INV_PACKET);
    memcpy(zeros, "\x02\x02\x02\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_SEIPD), GPG_ERR_CIPHER_ALGO);
    memcpy(zeros, "\x02\x07\x04\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_SEIPD), GPG_ERR_UNSUPPORTED_ALGORITHM);
    memcpy(zeros, "\x02\x07\x00\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_SEIPD), GPG_ERR_UNSUPPORTED_ALGORITHM);
    memcpy(zeros, "\x03\x07\x02\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_SEIPD), GPG_ERR_UNKNOWN_VERSION);
    memcpy(zeros, "\x01\x07\x02\x38", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_AEAD), 0);
    zeros[3] = 57;
    assert_int_equal(open_header(zeros, 100, PACKET_AEAD), GPG_ERR_INV_PACKET);
    memcpy(zeros, "\x01\x07\x03\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_AEAD), GPG_ERR_UNSUPPORTED_ALGORITHM);
    memcpy(zeros, "\x02\x07\x02\x10", 4);
    assert_int_equal(open_header(zeros, 100, PACKET_AEAD), GPG_ERR_UNKNOWN_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_and_cipher_is_decrypted),
        cmocka_unit_test(every_chunk_size_is_decrypted),
        cmocka_unit_test(chunks_beyond_memory_are_decrypted),
        cmocka_unit_test(changed_anywhere_only_whole_chunks_before_come_out),
        cmocka_unit_test(chunks_out_of_order_are_refused),
        cmocka_unit_test(large_chunks_changed_anywhere_give_nothing),
        cmocka_unit_test(every_wrong_key_fails_alike),
        cmocka_unit_test(headers_out_of_bounds_are_refused),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
