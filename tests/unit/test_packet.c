#include "message/packet.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

#define BYTES(literal) view_of(literal, sizeof(literal) - 1)

static gpg_error_t first_packet(struct view bytes, struct packet *p, struct buffer *body)
{
    struct chopped chopped = { bytes, 1 };
    struct input in = INPUT(chopped_source(&chopped));
    gpg_error_t err = packet_next(&in, p);

    return err ? err : packet_read(p, body);
}

static void check_packet(struct view bytes, uint8_t tag, size_t len)
{
    struct buffer body = MAKER;
    struct packet p;

    assert_int_equal(first_packet(bytes, &p, &body), 0);
    assert_int_equal(p.tag, tag);
    assert_int_equal(body.len, len);
    buffer_free(&body);
}

static void check_refused(struct view bytes, gpg_err_code_t code)
{
    struct buffer body = BUFFER(1 << 20);
    struct packet p = { .tag = 77 };

    assert_int_equal(gpg_err_code(first_packet(bytes, &p, &body)), code);
    buffer_free(&body);
}

/* RFC 9580 §4.2.3 has these headers as its examples. */
static void lengths_of_both_formats_are_read(void **state)
{
    struct buffer b = MAKER;
    uint8_t zeros[1723] = { 0 };

    (void)state;
    check_packet(BYTES("\xc1\x03"
                       "abc"),
                 1, 3);
    check_packet(BYTES("\x84\x03"
                       "abc"),
                 1, 3);
    check_packet(BYTES("\x85\x00\x03"
                       "abc"),
                 1, 3);
    check_packet(BYTES("\x86\x00\x00\x00\x03"
                       "abc"),
                 1, 3);
    check_packet(BYTES("\xc1\xff\x00\x00\x00\x03"
                       "abc"),
                 1, 3);
    check_packet(BYTES("\xa3\x01"
                       "to the end"),
                 PACKET_COMPRESSED, 11);
    assert_int_equal(buffer_append(&b, "\xc1\xc5\xfb", 3), 0);
    assert_int_equal(buffer_append(&b, zeros, sizeof zeros), 0);
    check_packet(buffer_view(&b), 1, 1723);
    buffer_free(&b);
}

/* The last example of §4.2.3 has five parts; so has this, smaller. */
static void parts_are_put_together(void **state)
{
    struct buffer b = MAKER;
    uint8_t zeros[1024] = { 0 };

    (void)state;
    assert_int_equal(buffer_append(&b, "\xcb\xe9", 2), 0);
    assert_int_equal(buffer_append(&b, zeros, 512), 0);
    assert_int_equal(buffer_append(&b, "\xe0z\xe1zz\xea", 6), 0);
    assert_int_equal(buffer_append(&b, zeros, 1024), 0);
    assert_int_equal(buffer_append(&b, "\xc0\x01", 2), 0);
    assert_int_equal(buffer_append(&b, zeros, 193), 0);
    assert_int_equal(buffer_append(&b, "\xc1\x00", 2), 0);
    check_packet(view_of(b.data, b.len - 2), PACKET_LITERAL, 512 + 1 + 2 + 1024 + 193);
    /* Ends inside every one of its octets. */
    for (size_t len = 1; len < b.len - 2; len++)
        check_refused(view_of(b.data, len), GPG_ERR_TRUNCATED);
    buffer_free(&b);
}

static void what_cannot_be_a_packet_is_refused(void **state)
{
    (void)state;
    check_refused(view_of("", 0), GPG_ERR_EOF);
    check_refused(BYTES("Hello"), GPG_ERR_INV_PACKET);
    check_refused(BYTES("\xc0\x00"), GPG_ERR_INV_PACKET); /* tag 0 */
    check_refused(BYTES("\x80\x00"), GPG_ERR_INV_PACKET);
    check_refused(BYTES("\xc1\xe9zz"), GPG_ERR_INV_PACKET); /* parts, of what is no data */
    check_refused(BYTES("\x87zz"), GPG_ERR_INV_PACKET);     /* no length, of what is no data */
    check_refused(BYTES("\xcb\xe8zz"), GPG_ERR_INV_PACKET); /* a first part of 256 octets */
    check_refused(BYTES("\xcb"), GPG_ERR_TRUNCATED);
    check_refused(BYTES("\xcb\xff\x00\x00"), GPG_ERR_TRUNCATED);
}

static void lengths_of_four_gigabytes_are_only_numbers(void **state)
{
    (void)state;
    check_refused(BYTES("\xd2\xff\xff\xff\xff\xff\x01"), GPG_ERR_TRUNCATED);
    check_refused(BYTES("\x86\xff\xff\xff\xff\x01"), GPG_ERR_TRUNCATED);
    check_refused(BYTES("\xd2\xfe\x01"), GPG_ERR_TRUNCATED); /* a part of 2^30 */
    check_refused(BYTES("\xcb\xfe\x01"), GPG_ERR_TRUNCATED);
}

static void bodies_do_not_outgrow_their_buffer(void **state)
{
    struct view bytes = BYTES("\xc1\x05hello");
    struct buffer body = BUFFER(4);
    struct packet p;

    (void)state;
    assert_int_equal(gpg_err_code(first_packet(bytes, &p, &body)), GPG_ERR_TOO_LARGE);
    buffer_free(&body);
}

static void skipping_stops_where_the_body_ends(void **state)
{
    struct view bytes = BYTES("\xc1\x05hello\xca\x03PGP");
    struct chopped chopped = { bytes, 3 };
    struct input in = INPUT(chopped_source(&chopped));
    struct packet p;

    (void)state;
    assert_int_equal(packet_next(&in, &p), 0);
    assert_int_equal(packet_skip(&p), 0);
    assert_int_equal(packet_next(&in, &p), 0);
    assert_int_equal(p.tag, PACKET_MARKER);
    assert_int_equal(packet_skip(&p), 0);
    assert_int_equal(gpg_err_code(packet_next(&in, &p)), GPG_ERR_EOF);
    assert_int_equal(in.octets_so_far, bytes.len);
}

static void only_some_packets_may_be_ignored(void **state)
{
    (void)state;
    assert_true(packet_is_ignorable(PACKET_MARKER));
    assert_true(packet_is_ignorable(PACKET_PADDING));
    assert_true(packet_is_ignorable(40));
    assert_true(packet_is_ignorable(63));
    assert_false(packet_is_ignorable(39));
    assert_false(packet_is_ignorable(22));
    assert_false(packet_is_ignorable(PACKET_LITERAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_of_both_formats_are_read),
        cmocka_unit_test(parts_are_put_together),
        cmocka_unit_test(what_cannot_be_a_packet_is_refused),
        cmocka_unit_test(lengths_of_four_gigabytes_are_only_numbers),
        cmocka_unit_test(bodies_do_not_outgrow_their_buffer),
        cmocka_unit_test(skipping_stops_where_the_body_ends),
        cmocka_unit_test(only_some_packets_may_be_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
