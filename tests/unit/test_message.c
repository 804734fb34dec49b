#include "message/message.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

#define TEXT view_of("Hello", 5)

/* Version 3 to a key with ID 1..8, and version 6 to nobody that it names; the points are none. */
#define PKESK_V3 "\x03\x01\x02\x03\x04\x05\x06\x07\x08\x01\x00\x01\x01"
#define PKESK_V6 "\x06\x00\x01\x00\x01\x01"

static struct session_key key;

static int make_the_key(void **state)
{
    (void)state;
    secret_init_library();
    key = make_key(9);
    return 0;
}

static int free_the_key(void **state)
{
    (void)state;
    session_key_free(&key);
    return 0;
}

static void add_body_v1(struct buffer *out)
{
    struct buffer packets = MAKER, body = MAKER;

    make_literal("", TEXT, &packets);
    make_seipd1_body(&key, buffer_view(&packets), &body);
    make_packet(PACKET_SEIPD, buffer_view(&body), out);
    buffer_free(&packets);
    buffer_free(&body);
}

static void add_body_v2(struct buffer *out)
{
    struct aead_header header = { .cipher = 9, .mode = AEAD_OCB, .chunk_octet = 6 };
    struct buffer packets = MAKER, body = MAKER;

    make_literal("", TEXT, &packets);
    make_aead_body(&key, &header, buffer_view(&packets), &body);
    make_packet(PACKET_SEIPD, buffer_view(&body), out);
    buffer_free(&packets);
    buffer_free(&body);
}

static void add_pkesks(struct buffer *out)
{
    make_packet(PACKET_PKESK, view_of(PKESK_V6, 6), out);
    make_packet(PACKET_PKESK, view_of(PKESK_V3, 13), out);
    make_packet(PACKET_PKESK, view_of("\x09 of the future", 15), out);
    make_packet(PACKET_PKESK, view_of("\x03 cut", 5), out);
    make_packet(PACKET_SKESK, view_of("\x04", 1), out);
}

static gpg_err_code_t open_bytes(struct view bytes, struct message **m)
{
    static struct view rest;

    rest = bytes;
    return gpg_err_code(message_open(source_of_view(&rest), m));
}

static void check_open(struct view bytes, gpg_err_code_t code)
{
    struct message *m = NULL;

    assert_int_equal(open_bytes(bytes, &m), code);
    if (code)
        assert_null(m);
    message_close(&m);
}

static void session_keys_go_with_their_body(void **state)
{
    struct buffer v1 = MAKER, v2 = MAKER;
    struct message *m = NULL;

    (void)state;
    add_pkesks(&v1);
    add_body_v1(&v1);
    assert_int_equal(open_bytes(buffer_view(&v1), &m), 0);
    assert_int_equal(message_passphrases(m), 1);
    assert_int_equal(message_pkesk(m, 0)->version, 3);
    assert_null(message_pkesk(m, 1));
    message_close(&m);
    add_pkesks(&v2);
    add_body_v2(&v2);
    assert_int_equal(open_bytes(buffer_view(&v2), &m), 0);
    assert_int_equal(message_pkesk(m, 0)->version, 6);
    assert_null(message_pkesk(m, 1));
    message_close(&m);
    message_close(&m);
    buffer_free(&v1);
    buffer_free(&v2);
}

static void many_recipients_are_read_but_not_too_many(void **state)
{
    struct buffer message = MAKER;
    struct message *m = NULL;

    (void)state;
    for (size_t i = 0; i < MESSAGE_RECIPIENTS_MAX; i++)
        make_packet(PACKET_PKESK, view_of(PKESK_V3, 13), &message);
    add_body_v1(&message);
    assert_int_equal(open_bytes(buffer_view(&message), &m), 0);
    assert_non_null(message_pkesk(m, MESSAGE_RECIPIENTS_MAX - 1));
    message_close(&m);
    buffer_clear(&message);
    for (size_t i = 0; i <= MESSAGE_RECIPIENTS_MAX; i++)
        make_packet(PACKET_PKESK, view_of(PKESK_V3, 13), &message);
    add_body_v1(&message);
    check_open(buffer_view(&message), GPG_ERR_TOO_LARGE);
    buffer_free(&message);
}

static void what_is_no_encrypted_message_is_refused(void **state)
{
    static const struct {
        uint8_t tag;
        gpg_err_code_t alone, after_pkesk;
    } cases[] = {
        { PACKET_LITERAL, GPG_ERR_NOT_ENCRYPTED, GPG_ERR_INV_PACKET },
        { PACKET_COMPRESSED, GPG_ERR_NOT_ENCRYPTED, GPG_ERR_INV_PACKET },
        { PACKET_ONE_PASS_SIGNATURE, GPG_ERR_NOT_ENCRYPTED, GPG_ERR_INV_PACKET },
        { PACKET_PUBLIC_KEY, GPG_ERR_NO_DATA, GPG_ERR_INV_PACKET },
        { 30, GPG_ERR_NO_DATA, GPG_ERR_UNKNOWN_PACKET },
        { 50, GPG_ERR_NO_DATA, GPG_ERR_TRUNCATED },
    };

    (void)state;
    check_open(view_of("", 0), GPG_ERR_NO_DATA);
    check_open(view_of("Hello\n", 6), GPG_ERR_NO_DATA);
    check_open(view_of("\x80\x01", 2), GPG_ERR_NO_DATA);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer message = MAKER;

        make_packet(cases[i].tag, TEXT, &message);
        check_open(buffer_view(&message), cases[i].alone);
        buffer_clear(&message);
        make_packet(PACKET_PKESK, view_of(PKESK_V3, 13), &message);
        make_packet(cases[i].tag, TEXT, &message);
        check_open(buffer_view(&message), cases[i].after_pkesk);
        buffer_free(&message);
    }
}

/* Text in the clear beside what was encrypted would pass for a part of it. */
static void nothing_may_follow_the_body(void **state)
{
    static const struct {
        uint8_t tag;
        gpg_err_code_t code;
    } cases[] = {
        { PACKET_LITERAL, GPG_ERR_INV_PACKET },
        { PACKET_SEIPD, GPG_ERR_INV_PACKET },
        { PACKET_SIGNATURE, GPG_ERR_INV_PACKET },
        { PACKET_PADDING, 0 },
        { PACKET_MARKER, 0 },
        { 60, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer message = MAKER, out = MAKER;

        add_body_v2(&message);
        make_packet(cases[i].tag, TEXT, &message);
        assert_int_equal(gpg_err_code(decrypt_bytes(buffer_view(&message), &key, &out)),
                         cases[i].code);
        assert_int_equal(out.len, 5);
        buffer_free(&message);
        buffer_free(&out);
    }
}

/* A body of version 2 in parts of one octet, but for the first, which may not be so small. */
static void parts_of_one_octet_are_a_body_too(void **state)
{
    static uint8_t text[3000];
    struct aead_header header = { .cipher = 9, .mode = AEAD_OCB, .chunk_octet = 4 };
    struct buffer packets = MAKER, body = MAKER, message = MAKER, out = MAKER;

    (void)state;
    make_literal("", view_of(text, sizeof text), &packets);
    make_aead_body(&key, &header, buffer_view(&packets), &body);
    assert_int_equal(buffer_append(&message, "\xd2\xe9", 2), 0);
    assert_int_equal(buffer_append(&message, body.data, 512), 0);
    for (size_t i = 512; i < body.len; i++) {
        assert_int_equal(buffer_append_u8(&message, 0xe0), 0);
        assert_int_equal(buffer_append_u8(&message, body.data[i]), 0);
    }
    /* Without its end it is cut short, whatever it holds; the last chunk is kept back. */
    assert_int_equal(gpg_err_code(decrypt_bytes(buffer_view(&message), &key, &out)),
                     GPG_ERR_TRUNCATED);
    assert_true(out.len < sizeof text);
    buffer_clear(&out);
    assert_int_equal(buffer_append_u8(&message, 0), 0);
    assert_int_equal(decrypt_bytes(buffer_view(&message), &key, &out), 0);
    assert_true(view_equal(buffer_view(&out), view_of(text, sizeof text)));
    buffer_free(&packets);
    buffer_free(&body);
    buffer_free(&message);
    buffer_free(&out);
}

static void unwrap_gives_the_packets(void **state)
{
    const struct decrypt_options unwrap = { .unwrap = true };
    const struct decrypt_options little = { .unwrap = true, .max_output = 10 };
    struct buffer packets = MAKER, message = MAKER, out = MAKER;

    (void)state;
    make_literal("", TEXT, &packets);
    add_body_v1(&message);
    assert_int_equal(decrypt_pieces(buffer_view(&message), 3, &key, &unwrap, &out, NULL), 0);
    assert_true(view_equal(buffer_view(&out), buffer_view(&packets)));
    buffer_clear(&out);
    assert_int_equal(
        gpg_err_code(decrypt_pieces(buffer_view(&message), 3, &key, &little, &out, NULL)),
        GPG_ERR_TOO_LARGE);
    buffer_free(&packets);
    buffer_free(&message);
    buffer_free(&out);
}

static gpg_error_t full(void *context, struct view piece)
{
    (void)context;
    (void)piece;
    return gpg_error(GPG_ERR_ENOSPC);
}

static void message_is_decrypted_once(void **state)
{
    const struct decrypt_options options = { 0 };
    struct memory_holding memory = MEMORY_HOLDING(1 << 20);
    struct holding held = holding_in_memory(&memory);
    struct sink sink = { .write = full };
    struct content_report report;
    struct buffer bytes = MAKER;
    struct message *m = NULL;

    (void)state;
    add_body_v1(&bytes);
    assert_int_equal(open_bytes(buffer_view(&bytes), &m), 0);
    assert_int_equal(gpg_err_code(message_decrypt(m, &key, &options, &held, &sink, &report)),
                     GPG_ERR_ENOSPC);
    assert_int_equal(gpg_err_code(message_decrypt(m, &key, &options, &held, &sink, &report)),
                     GPG_ERR_INV_STATE);
    message_close(&m);
    memory_holding_free(&memory);
    buffer_free(&bytes);
}

static gpg_error_t unreadable(void *context, struct view *piece)
{
    (void)context;
    (void)piece;
    return gpg_error(GPG_ERR_EIO);
}

static void source_that_fails_is_heard(void **state)
{
    struct message *m = NULL;

    (void)state;
    assert_int_equal(gpg_err_code(message_open((struct source){ .next = unreadable }, &m)),
                     GPG_ERR_EIO);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_keys_go_with_their_body),
        cmocka_unit_test(many_recipients_are_read_but_not_too_many),
        cmocka_unit_test(what_is_no_encrypted_message_is_refused),
        cmocka_unit_test(nothing_may_follow_the_body),
        cmocka_unit_test(parts_of_one_octet_are_a_body_too),
        cmocka_unit_test(unwrap_gives_the_packets),
        cmocka_unit_test(message_is_decrypted_once),
        cmocka_unit_test(source_that_fails_is_heard),
    };

    return cmocka_run_group_tests(tests, make_the_key, free_the_key);
}
