#include "message/side_digest.h"
#include "message/symmetric.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

#define TEXT view_of("Treffen um acht. Bring nichts mit.", 34)

static const struct decrypt_options provisional = { .provisional = true };
static const struct decrypt_options *const ways[] = { NULL, &provisional };

static void make_message(const struct session_key *key, struct view text, struct buffer *out)
{
    struct buffer packets = MAKER;
    struct buffer body = MAKER;

    make_literal("", text, &packets);
    make_seipd1_body(key, buffer_view(&packets), &body);
    make_packet(PACKET_SEIPD, buffer_view(&body), out);
    buffer_free(&packets);
    buffer_free(&body);
}

/* The one thing that matters: an error, and not one octet. */
static void check_nothing_comes_out(struct view message, const struct session_key *key)
{
    struct buffer out = MAKER;

    assert_int_not_equal(decrypt_bytes(message, key, &out), 0);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

/* What a provisional output was given is not looked at, but there must be an error, which is the
 * same as for a body that was held, and not a word about the text. */
static void check_failed_with(struct view message, size_t piece, const struct session_key *key,
                              gpg_err_code_t code)
{
    static const struct literal_header none;
    struct buffer out = MAKER, ignored = MAKER;
    struct content_report report, held_report;

    assert_int_equal(gpg_err_code(decrypt_pieces(message, piece, key, NULL, &out, &held_report)),
                     code);
    assert_int_equal(out.len, 0);
    assert_int_equal(
        gpg_err_code(decrypt_pieces(message, piece, key, &provisional, &ignored, &report)), code);
    assert_int_equal(report.octets, 0);
    assert_int_equal(report.signature_count, 0);
    assert_memory_equal(&report.literal, &none, sizeof none);
    assert_ptr_equal(report.problem, held_report.problem);
    buffer_free(&ignored);
    buffer_free(&out);
}

static void check_failed(struct view message, const struct session_key *key)
{
    check_failed_with(message, SIZE_MAX, key, GPG_ERR_DECRYPT_FAILED);
}

static void check_decrypts(struct view message, size_t piece, const struct session_key *key,
                           struct view text)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct buffer out = MAKER;

        assert_int_equal(decrypt_pieces(message, piece, key, ways[i], &out, NULL), 0);
        assert_true(view_equal(buffer_view(&out), text));
        buffer_free(&out);
    }
}

static void every_cipher_is_decrypted(void **state)
{
    static const uint8_t ciphers[] = { 2, 3, 7, 8, 9, 10, 11, 12, 13 };
    static uint8_t text[200000];

    (void)state;
    gcry_create_nonce(text, sizeof text);
    for (size_t i = 0; i < sizeof ciphers; i++) {
        static const size_t pieces[] = { 997, 65536, SIZE_MAX };
        struct session_key key = make_key(ciphers[i]);
        struct buffer message = MAKER;

        make_message(&key, view_of(text, sizeof text), &message);
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++)
            check_decrypts(buffer_view(&message), pieces[j], &key, view_of(text, sizeof text));
        session_key_free(&key);
        buffer_free(&message);
    }
}

static void small_pieces_are_as_good_as_large(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES256);
    struct buffer message = MAKER;

    (void)state;
    make_message(&key, TEXT, &message);
    for (size_t piece = 1; piece < 90; piece++)
        check_decrypts(buffer_view(&message), piece, &key, TEXT);
    session_key_free(&key);
    buffer_free(&message);
}

/* Beyond a megabyte a thread hashes; sizes at which the seal straddles its slots. */
static void large_bodies_are_verified_like_small_ones(void **state)
{
    static const size_t sizes[] = { 1 << 20, (1 << 20) + SIDE_SLOT_OCTETS, 3000000 };
    static uint8_t text[3100000];
    struct session_key key = make_key(SYMMETRIC_AES256);

    (void)state;
    gcry_create_nonce(text, sizeof text);
    for (size_t i = 0; i < 3; i++) {
        for (size_t more = 0; more < 90; more += i == 2 ? 90 : 7) {
            struct view plain = view_of(text, sizes[i] - 45 + more);
            struct buffer message = MAKER;

            make_message(&key, plain, &message);
            check_decrypts(buffer_view(&message), 8192, &key, plain);
            message.data[message.len / 2 + more] ^= 4;
            check_failed(buffer_view(&message), &key);
            message.data[message.len / 2 + more] ^= 4;
            check_failed_with(view_of(message.data, message.len - 1), 8192, &key,
                              GPG_ERR_TRUNCATED);
            buffer_free(&message);
        }
    }
    session_key_free(&key);
}

static void flipped_anywhere_nothing_comes_out(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer message = MAKER;

    (void)state;
    make_message(&key, TEXT, &message);
    for (size_t bit = 0; bit < 8 * message.len; bit++) {
        message.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_nothing_comes_out(buffer_view(&message), &key);
        message.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    session_key_free(&key);
    buffer_free(&message);
}

/* Whatever an attacker makes of the text, it is the change that is told, not what became of it. */
static void flipped_anywhere_only_that_is_told(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer packets = MAKER, body = MAKER, compressed = MAKER, message = MAKER;

    (void)state;
    make_literal("name", TEXT, &packets);
    make_compressed(1, buffer_view(&packets), &compressed);
    make_seipd1_body(&key, buffer_view(&compressed), &body);
    for (size_t bit = 8; bit < 8 * body.len; bit++) {
        body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        buffer_clear(&message);
        make_packet(PACKET_SEIPD, buffer_view(&body), &message);
        check_failed(buffer_view(&message), &key);
        body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    session_key_free(&key);
    buffer_free(&packets);
    buffer_free(&compressed);
    buffer_free(&body);
    buffer_free(&message);
}

/* What the key's owner wrote is wrong in itself: both ways say so, with the same words. */
static void verified_nonsense_is_told(void **state)
{
    static const struct {
        const char *packets;
        size_t len;
        gpg_err_code_t code;
    } cases[] = {
        { "", 0, GPG_ERR_NO_DATA },
        { "nonsense", 8, GPG_ERR_INV_PACKET },
        { "\xcb\x20"
          "b",
          3, GPG_ERR_TRUNCATED },
        { "\xe7\0", 2, GPG_ERR_UNKNOWN_PACKET },
    };
    struct session_key key = make_key(SYMMETRIC_AES128);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer body = MAKER, message = MAKER;

        make_seipd1_body(&key, view_of(cases[i].packets, cases[i].len), &body);
        make_packet(PACKET_SEIPD, buffer_view(&body), &message);
        for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
            struct buffer out = MAKER;

            assert_int_equal(
                gpg_err_code(decrypt_pieces(buffer_view(&message), 7, &key, ways[way], &out, NULL)),
                cases[i].code);
            buffer_free(&out);
        }
        buffer_free(&body);
        buffer_free(&message);
    }
    session_key_free(&key);
}

static void cut_anywhere_nothing_comes_out(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer packets = MAKER, body = MAKER;

    (void)state;
    make_literal("", TEXT, &packets);
    make_seipd1_body(&key, buffer_view(&packets), &body);
    for (size_t len = 0; len < body.len; len++) {
        struct buffer cut_short = MAKER, shortened = MAKER;

        /* What a broken line leaves, and what somebody does who mends the length. */
        make_packet(PACKET_SEIPD, buffer_view(&body), &cut_short);
        cut_short.len -= body.len - len;
        check_nothing_comes_out(buffer_view(&cut_short), &key);
        make_packet(PACKET_SEIPD, view_of(body.data, len), &shortened);
        check_nothing_comes_out(buffer_view(&shortened), &key);
        buffer_free(&cut_short);
        buffer_free(&shortened);
    }
    session_key_free(&key);
    buffer_free(&packets);
    buffer_free(&body);
}

static void every_wrong_key_fails_alike(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES256);
    struct session_key none = { 0 };
    struct buffer message = MAKER;

    (void)state;
    make_message(&key, TEXT, &message);
    for (size_t i = 0; i < key.key.len; i++) {
        key.key.data[i] ^= 0x20;
        check_failed(buffer_view(&message), &key);
        key.key.data[i] ^= 0x20;
    }
    key.cipher = 13; /* as long, another cipher */
    check_failed(buffer_view(&message), &key);
    key.cipher = 7; /* shorter */
    check_failed(buffer_view(&message), &key);
    key.cipher = 0; /* not said, and the body does not say it either */
    check_failed(buffer_view(&message), &key);
    check_failed(buffer_view(&message), &none);
    session_key_free(&key);
    buffer_free(&message);
}

/* A body with blocks of ciphertext taken from elsewhere, as EFAIL did to make a text of its own
 * around one it could not read. */
static void gadgets_come_to_nothing(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer packets = MAKER, body = MAKER;

    (void)state;
    make_literal("", TEXT, &packets);
    make_seipd1_body(&key, buffer_view(&packets), &body);
    for (size_t from = 1; from + 16 <= body.len; from += 5) {
        for (size_t at = 1; at + 16 < body.len; at += 7) {
            struct buffer gadget = MAKER, message = MAKER;

            assert_int_equal(buffer_append(&gadget, body.data, at), 0);
            assert_int_equal(buffer_append(&gadget, body.data + from, 16), 0);
            assert_int_equal(buffer_append(&gadget, body.data + at, body.len - at), 0);
            make_packet(PACKET_SEIPD, buffer_view(&gadget), &message);
            check_failed(buffer_view(&message), &key);
            buffer_free(&gadget);
            buffer_free(&message);
        }
    }
    session_key_free(&key);
    buffer_free(&packets);
    buffer_free(&body);
}

/* The body is right, its seal is missing, or stands before the end, or after something. */
static void seal_belongs_at_the_end(void **state)
{
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer packets = MAKER, body = MAKER, message = MAKER;

    (void)state;
    make_literal("", TEXT, &packets);
    make_seipd1_body(&key, buffer_view(&packets), &body);
    make_packet(PACKET_SEIPD, view_of(body.data, body.len - 22), &message);
    check_failed(buffer_view(&message), &key);
    buffer_clear(&message);
    assert_int_equal(buffer_append(&body, "\0\0\0\0", 4), 0);
    make_packet(PACKET_SEIPD, buffer_view(&body), &message);
    check_failed(buffer_view(&message), &key);
    session_key_free(&key);
    buffer_free(&packets);
    buffer_free(&body);
    buffer_free(&message);
}

/* An attacker who takes the seal off and says that there never was one. */
static void body_relabelled_as_unprotected_is_refused(void **state)
{
    const struct decrypt_options accept = { .accept_unprotected = true };
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct buffer packets = MAKER, body = MAKER, message = MAKER, out = MAKER;
    struct content_report report;

    (void)state;
    make_literal("", TEXT, &packets);
    make_seipd1_body(&key, buffer_view(&packets), &body);
    make_packet(PACKET_ENCRYPTED, view_of(body.data + 1, body.len - 1), &message);
    assert_int_equal(
        gpg_err_code(decrypt_pieces(buffer_view(&message), SIZE_MAX, &key, NULL, &out, &report)),
        GPG_ERR_NOT_ENABLED);
    assert_non_null(strstr(report.problem, OPTION_ACCEPT_UNPROTECTED));
    assert_int_equal(
        gpg_err_code(decrypt_pieces(buffer_view(&message), SIZE_MAX, &key, &accept, &out, &report)),
        GPG_ERR_DECRYPT_FAILED);
    assert_int_equal(out.len, 0);
    session_key_free(&key);
    buffer_free(&packets);
    buffer_free(&body);
    buffer_free(&message);
    buffer_free(&out);
}

static void unprotected_body_is_read_when_told_to(void **state)
{
    static const uint8_t ciphers[] = { 2, 3, 9 };
    const struct decrypt_options accept = { .accept_unprotected = true };

    (void)state;
    for (size_t i = 0; i < sizeof ciphers; i++) {
        struct session_key key = make_key(ciphers[i]);
        struct buffer packets = MAKER, message = MAKER, out = MAKER;

        make_literal("", TEXT, &packets);
        make_unprotected(&key, buffer_view(&packets), &message);
        assert_int_equal(decrypt_pieces(buffer_view(&message), 5, &key, &accept, &out, NULL), 0);
        assert_true(view_equal(buffer_view(&out), TEXT));
        session_key_free(&key);
        buffer_free(&packets);
        buffer_free(&message);
        buffer_free(&out);
    }
}

static gpg_error_t lose(void *context, struct source *from)
{
    struct memory_holding *memory = context;
    static struct view little;

    memory->len = 0;
    little = view_of("short of something", 18);
    *from = source_of_view(&little);
    return 0;
}

static void holding_that_fails_is_noticed(void **state)
{
    const struct decrypt_options defaults = { 0 };
    struct session_key key = make_key(SYMMETRIC_AES128);
    struct memory_holding memory = MEMORY_HOLDING(1000);
    struct holding held = holding_in_memory(&memory);
    struct buffer message = MAKER, out = MAKER;
    struct sink sink = buffer_sink(&out);
    struct content_report report;
    struct message *m = NULL;
    struct view bytes;

    (void)state;
    make_message(&key, TEXT, &message);
    bytes = buffer_view(&message);
    held.replay = lose;
    assert_int_equal(message_open(source_of_view(&bytes), &m), 0);
    assert_int_not_equal(message_decrypt(m, &key, &defaults, &held, &sink, &report), 0);
    message_close(&m);
    memory_holding_free(&memory);

    bytes = buffer_view(&message);
    memory.max = 10;
    held = holding_in_memory(&memory);
    assert_int_equal(message_open(source_of_view(&bytes), &m), 0);
    assert_int_equal(gpg_err_code(message_decrypt(m, &key, &defaults, &held, &sink, &report)),
                     GPG_ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    message_close(&m);
    memory_holding_free(&memory);
    session_key_free(&key);
    buffer_free(&message);
    buffer_free(&out);
}

struct counting {
    struct chopped from;
    size_t pieces;
};

static gpg_error_t count_next(void *context, struct view *piece)
{
    struct counting *counting = context;
    struct source from = chopped_source(&counting->from);

    counting->pieces++;
    return from.next(from.context, piece);
}

static gpg_error_t refuse(void *context, struct view piece)
{
    (void)context;
    (void)piece;
    return gpg_error(GPG_ERR_ENOSPC);
}

/* A disk that is full is the answer, right or wrong as the body may be, and ends the reading. */
static void sink_that_fails_ends_it(void **state)
{
    static uint8_t text[3000000];
    struct session_key key = make_key(SYMMETRIC_AES256);
    struct memory_holding memory = MEMORY_HOLDING(0); /* provisional: nothing need be held */
    struct holding held = holding_in_memory(&memory);
    const struct sink sink = { .write = refuse };
    struct buffer message = MAKER;
    struct counting counting = { 0 };
    struct content_report report;
    struct message *m = NULL;

    (void)state;
    make_message(&key, view_of(text, sizeof text), &message);
    message.data[message.len - 1] ^= 1;
    counting.from = (struct chopped){ buffer_view(&message), 8192 };
    assert_int_equal(message_open((struct source){ count_next, &counting }, &m), 0);
    assert_int_equal(gpg_err_code(message_decrypt(m, &key, &provisional, &held, &sink, &report)),
                     GPG_ERR_ENOSPC);
    assert_in_range(counting.pieces, 1, 2 * SIDE_SLOT_OCTETS / 8192);
    assert_int_equal(report.literal.present, false);
    message_close(&m);
    session_key_free(&key);
    buffer_free(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cipher_is_decrypted),
        cmocka_unit_test(small_pieces_are_as_good_as_large),
        cmocka_unit_test(large_bodies_are_verified_like_small_ones),
        cmocka_unit_test(flipped_anywhere_nothing_comes_out),
        cmocka_unit_test(flipped_anywhere_only_that_is_told),
        cmocka_unit_test(verified_nonsense_is_told),
        cmocka_unit_test(cut_anywhere_nothing_comes_out),
        cmocka_unit_test(every_wrong_key_fails_alike),
        cmocka_unit_test(gadgets_come_to_nothing),
        cmocka_unit_test(seal_belongs_at_the_end),
        cmocka_unit_test(body_relabelled_as_unprotected_is_refused),
        cmocka_unit_test(unprotected_body_is_read_when_told_to),
        cmocka_unit_test(holding_that_fails_is_noticed),
        cmocka_unit_test(sink_that_fails_ends_it),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
