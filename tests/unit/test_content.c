#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <gcrypt.h>
#include <string.h>

#define TEXT view_of("Hello", 5)
#define MIB  ((size_t)1 << 20)
#define ANY  SIZE_MAX

/* Reads packets as if they had been decrypted from as many octets. */
static gpg_error_t read_content(struct view packets, size_t piece, uint64_t max_output,
                                struct buffer *out, struct content_report *report)
{
    struct chopped chopped = { packets, piece };
    struct input encrypted = INPUT(chopped_source(&chopped));
    struct sink sink = buffer_sink(out);

    *report = (struct content_report){ 0 };
    return content_read(source_of_input(&encrypted), &encrypted, max_output, &sink, report);
}

static void check_text(struct view packets, struct view text)
{
    static const size_t pieces[] = { 1, 7, ANY };

    for (size_t i = 0; i < 3; i++) {
        struct buffer out = MAKER;
        struct content_report report;

        assert_int_equal(read_content(packets, pieces[i], MESSAGE_MAX_OUTPUT, &out, &report), 0);
        assert_true(view_equal(buffer_view(&out), text));
        assert_int_equal(report.octets, text.len);
        buffer_free(&out);
    }
}

static void check_refused(struct view packets, gpg_err_code_t code)
{
    struct buffer out = MAKER;
    struct content_report report;

    assert_int_equal(gpg_err_code(read_content(packets, ANY, MESSAGE_MAX_OUTPUT, &out, &report)),
                     code);
    buffer_free(&out);
}

static void every_compression_is_undone(void **state)
{
    static uint8_t text[300000];

    (void)state;
    gcry_create_nonce(text, sizeof text / 2);
    for (uint8_t algorithm = 1; algorithm <= 3; algorithm++) {
        struct buffer packets = MAKER, small = MAKER, large = MAKER;

        make_literal("", TEXT, &packets);
        make_compressed(algorithm, buffer_view(&packets), &small);
        check_text(buffer_view(&small), TEXT);
        buffer_clear(&packets);
        make_literal("", view_of(text, sizeof text), &packets);
        make_compressed(algorithm, buffer_view(&packets), &large);
        check_text(buffer_view(&large), view_of(text, sizeof text));
        buffer_free(&packets);
        buffer_free(&small);
        buffer_free(&large);
    }
}

static void uncompressed_compressed_data_is_read(void **state)
{
    struct buffer literal = MAKER, body = MAKER, packets = MAKER;

    (void)state;
    make_literal("", TEXT, &literal);
    assert_int_equal(buffer_append_u8(&body, 0), 0);
    assert_int_equal(buffer_append_view(&body, buffer_view(&literal)), 0);
    make_packet(PACKET_COMPRESSED, buffer_view(&body), &packets);
    check_text(buffer_view(&packets), TEXT);
    body.data[0] = 4;
    buffer_clear(&packets);
    make_packet(PACKET_COMPRESSED, buffer_view(&body), &packets);
    check_refused(buffer_view(&packets), GPG_ERR_COMPR_ALGO);
    buffer_free(&literal);
    buffer_free(&body);
    buffer_free(&packets);
}

static void compressed_data_cut_or_spoilt_is_an_error(void **state)
{
    (void)state;
    for (uint8_t algorithm = 1; algorithm <= 3; algorithm++) {
        struct buffer literal = MAKER, whole = MAKER, packets = MAKER;

        make_literal("", TEXT, &literal);
        make_compressed(algorithm, buffer_view(&literal), &whole);
        for (size_t len = 1; len + 6 < whole.len; len++) {
            struct buffer out = MAKER;
            struct content_report report;

            buffer_clear(&packets);
            make_packet(PACKET_COMPRESSED, view_of(whole.data + 6, len), &packets);
            assert_int_not_equal(
                read_content(buffer_view(&packets), 3, MESSAGE_MAX_OUTPUT, &out, &report), 0);
            buffer_free(&out);
        }
        buffer_clear(&packets);
        assert_int_equal(buffer_append(&literal, "rubbish", 7), 0);
        literal.data[0] = algorithm;
        memset(literal.data + 1, 0xa5, literal.len - 1);
        make_packet(PACKET_COMPRESSED, buffer_view(&literal), &packets);
        check_refused(buffer_view(&packets), GPG_ERR_INV_DATA);
        buffer_free(&literal);
        buffer_free(&whole);
        buffer_free(&packets);
    }
}

static void make_zeros(size_t len, struct buffer *packets)
{
    static uint8_t zeros[16 * MIB];

    assert_true(len <= sizeof zeros);
    make_literal("", view_of(zeros, len), packets);
}

static void bombs_stop_at_the_bound(void **state)
{
    (void)state;
    for (uint8_t algorithm = 1; algorithm <= 3; algorithm++) {
        struct buffer literal = MAKER, packets = MAKER, out = MAKER;
        struct content_report report;

        make_zeros(16 * MIB, &literal);
        make_compressed(algorithm, buffer_view(&literal), &packets);
        assert_int_equal(
            gpg_err_code(read_content(buffer_view(&packets), ANY, 2 * MIB, &out, &report)),
            GPG_ERR_TOO_LARGE);
        assert_non_null(report.problem);
        assert_true(out.len <= 2 * MIB);
        buffer_clear(&out);
        assert_int_equal(read_content(buffer_view(&packets), ANY, 16 * MIB + 100, &out, &report),
                         0);
        buffer_free(&literal);
        buffer_free(&packets);
        buffer_free(&out);
    }
}

/* What one layer makes small another makes tiny; honest data cannot be compressed twice. */
static void nested_bombs_stop_early(void **state)
{
    (void)state;
    for (uint8_t algorithm = 1; algorithm <= 3; algorithm++) {
        struct buffer literal = MAKER, once = MAKER, twice = MAKER, out = MAKER;
        struct content_report report;

        make_zeros(16 * MIB, &literal);
        make_compressed(algorithm, buffer_view(&literal), &once);
        make_compressed(algorithm, buffer_view(&once), &twice);
        assert_int_equal(
            gpg_err_code(read_content(buffer_view(&twice), ANY, MESSAGE_MAX_OUTPUT, &out, &report)),
            GPG_ERR_TOO_LARGE);
        assert_true(out.len <= 2 * MIB);
        buffer_free(&literal);
        buffer_free(&once);
        buffer_free(&twice);
        buffer_free(&out);
    }
}

static void nesting_has_a_bound(void **state)
{
    struct buffer inner = MAKER, outer = MAKER;

    (void)state;
    make_literal("", TEXT, &inner);
    for (int depth = 1; depth <= CONTENT_DEPTH_MAX + 1; depth++) {
        buffer_clear(&outer);
        make_compressed((uint8_t)(1 + depth % 3), buffer_view(&inner), &outer);
        if (depth <= CONTENT_DEPTH_MAX)
            check_text(buffer_view(&outer), TEXT);
        else
            check_refused(buffer_view(&outer), GPG_ERR_TOO_LARGE);
        buffer_clear(&inner);
        assert_int_equal(buffer_append_view(&inner, buffer_view(&outer)), 0);
    }
    buffer_free(&inner);
    buffer_free(&outer);
}

static void padding_that_grows_counts_as_output(void **state)
{
    static uint8_t zeros[8 * MIB];
    struct buffer padding = MAKER, packets = MAKER, out = MAKER;
    struct content_report report;

    (void)state;
    make_packet(PACKET_PADDING, view_of(zeros, sizeof zeros), &padding);
    make_literal("", TEXT, &padding);
    make_compressed(1, buffer_view(&padding), &packets);
    assert_int_equal(gpg_err_code(read_content(buffer_view(&packets), ANY, MIB, &out, &report)),
                     GPG_ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    buffer_free(&padding);
    buffer_free(&packets);
    buffer_free(&out);
}

static void literal_says_its_name_and_date(void **state)
{
    struct buffer packets = MAKER, out = MAKER;
    struct content_report report;

    (void)state;
    make_literal("brief.txt", TEXT, &packets);
    assert_int_equal(read_content(buffer_view(&packets), 1, 100, &out, &report), 0);
    assert_int_equal(report.literal.format, 'b');
    assert_string_equal(report.literal.name, "brief.txt");
    assert_int_equal(report.literal.name_len, 9);
    assert_int_equal(report.literal.date, 1234567890);
    buffer_clear(&out);
    assert_int_equal(gpg_err_code(read_content(buffer_view(&packets), 1, 4, &out, &report)),
                     GPG_ERR_TOO_LARGE);
    buffer_free(&packets);
    buffer_free(&out);
}

static void only_one_text_is_a_message(void **state)
{
    struct buffer packets = MAKER;

    (void)state;
    check_refused(view_of("", 0), GPG_ERR_NO_DATA);
    make_packet(PACKET_MARKER, view_of("PGP", 3), &packets);
    check_refused(buffer_view(&packets), GPG_ERR_NO_DATA);
    make_packet(PACKET_PADDING, view_of("12345", 5), &packets);
    make_packet(60, view_of("private", 7), &packets);
    make_packet(40, view_of("of the future", 13), &packets);
    make_literal("", TEXT, &packets);
    make_packet(PACKET_TRUST, view_of("x", 1), &packets);
    check_text(buffer_view(&packets), TEXT);
    make_literal("", TEXT, &packets);
    check_refused(buffer_view(&packets), GPG_ERR_INV_PACKET);
    buffer_free(&packets);
}

static void what_belongs_in_no_message_is_refused(void **state)
{
    static const struct {
        uint8_t tag;
        gpg_err_code_t code;
    } cases[] = {
        { PACKET_SEIPD, GPG_ERR_NOT_SUPPORTED },
        { PACKET_ENCRYPTED, GPG_ERR_NOT_SUPPORTED },
        { PACKET_AEAD, GPG_ERR_NOT_SUPPORTED },
        { PACKET_PKESK, GPG_ERR_NOT_SUPPORTED },
        { PACKET_PUBLIC_KEY, GPG_ERR_INV_PACKET },
        { PACKET_MDC, GPG_ERR_INV_PACKET },
        { 5, GPG_ERR_INV_PACKET },
        { 13, GPG_ERR_INV_PACKET },
        { 22, GPG_ERR_UNKNOWN_PACKET },
        { 39, GPG_ERR_UNKNOWN_PACKET },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer packets = MAKER, out = MAKER;
        struct content_report report;

        make_packet(cases[i].tag, TEXT, &packets);
        make_literal("", TEXT, &packets);
        assert_int_equal(gpg_err_code(read_content(buffer_view(&packets), ANY, 100, &out, &report)),
                         cases[i].code);
        assert_non_null(report.problem);
        assert_int_equal(out.len, 0);
        buffer_free(&packets);
        buffer_free(&out);
    }
}

#define ID "\x01\x02\x03\x04\x05\x06\x07\x08"

static void signatures_are_reported(void **state)
{
    static const uint8_t v4[] = { 4, 0x00, 22, 8, 0, 0, 0, 10, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8 };
    struct buffer packets = MAKER, out = MAKER;
    struct content_report report;
    const struct signature_note *note = report.signatures;

    (void)state;
    make_packet(PACKET_ONE_PASS_SIGNATURE, view_of("\x03\x00\x08\x16" ID "\x01", 13), &packets);
    make_packet(PACKET_SIGNATURE, view_of("\x63 of another time", 16), &packets);
    make_literal("", TEXT, &packets);
    make_packet(PACKET_SIGNATURE, view_of(v4, sizeof v4), &packets);
    make_packet(PACKET_SIGNATURE, view_of("\x03\x05\x01zzzz" ID "\x01\x02", 17), &packets);
    assert_int_equal(read_content(buffer_view(&packets), 2, 100, &out, &report), 0);
    assert_int_equal(report.signature_count, 3);
    assert_true(note[0].one_pass);
    assert_int_equal(note[0].hash, 8);
    assert_int_equal(note[0].algorithm, 22);
    assert_memory_equal(note[0].key_id, ID, 8);
    assert_false(note[1].one_pass);
    assert_int_equal(note[1].version, 4);
    assert_int_equal(note[1].algorithm, 22);
    assert_memory_equal(note[1].key_id, ID, 8);
    assert_int_equal(note[2].version, 3);
    assert_int_equal(note[2].type, 1);
    assert_int_equal(note[2].algorithm, 1);
    assert_int_equal(note[2].hash, 2);
    assert_memory_equal(note[2].key_id, ID, 8);
    buffer_free(&packets);
    buffer_free(&out);
}

#define ID20 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c" ID
#define ID32 ID ID ID "\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"

static void check_note(bool one_pass, struct view body, const char *key_id, size_t fingerprint_len)
{
    bool (*read)(struct view, struct signature_note *) =
        one_pass ? one_pass_note_read : signature_note_read;
    struct signature_note note;

    for (size_t len = 0; len < body.len; len++)
        assert_false(read(view_of(body.data, len), &note));
    assert_true(read(body, &note));
    assert_memory_equal(note.key_id, key_id, KEY_ID_OCTETS);
    assert_int_equal(note.fingerprint_len, fingerprint_len);
}

#define BYTES(literal) view_of(literal, sizeof(literal) - 1)

static void issuers_are_read_from_signatures(void **state)
{
    struct signature_note note;

    (void)state;
    check_note(false, BYTES("\x04\x00\x16\x08\x00\x17\x16\x21\x04" ID20 "\x00\x00"), ID, 20);
    check_note(false, BYTES("\x04\x00\x16\x08\x00\x17\x16\xa1\x04" ID20 "\x00\x0a\x09\x10zzzzzzzz"),
               ID, 20);
    check_note(false, BYTES("\x06\x00\x1b\x08\x00\x00\x00\x23\x22\x21\x06" ID32 "\x00\x00\x00\x00"),
               ID, 32);
    check_note(false, BYTES("\x04\x00\x16\x08\x00\x0e\xff\x00\x00\x00\x09\x10" ID "\x00\x00"), ID,
               0);
    check_note(false, BYTES("\x04\x00\x16\x08\x00\x00\x00\x00"), "\0\0\0\0\0\0\0\0", 0);
    check_note(true, BYTES("\x06\x00\x08\x1b\x04salt" ID32), ID, 32);
    check_note(true, BYTES("\x03\x00\x08\x16" ID), ID, 0);
    /* Subpackets that lie of their length say nothing. */
    assert_true(signature_note_read(BYTES("\x04\x00\x16\x08\x00\x03\xc0\x00\x00\x00\x00"), &note));
    assert_true(signature_note_read(BYTES("\x04\x00\x16\x08\x00\x02\x00\xff\x00\x00"), &note));
    assert_true(signature_note_read(BYTES("\x04\x00\x16\x08\x00\x02\xff\x00\x00\x00"), &note));
    assert_false(signature_note_read(BYTES("\x07\x00\x16\x08\x00\x00\x00\x00"), &note));
}

static void signatures_beyond_count_are_counted(void **state)
{
    struct buffer packets = MAKER, out = MAKER;
    struct content_report report;
    static uint8_t huge[SIGNATURE_OCTETS_MAX + 1];

    (void)state;
    for (int i = 0; i < 100; i++)
        make_packet(PACKET_ONE_PASS_SIGNATURE, view_of("\x03\x00\x08\x16" ID "\x01", 13), &packets);
    make_literal("", TEXT, &packets);
    make_packet(PACKET_SIGNATURE, view_of(huge, sizeof huge), &packets);
    assert_int_equal(read_content(buffer_view(&packets), ANY, 100, &out, &report), 0);
    assert_int_equal(report.signature_count, 101);
    buffer_free(&packets);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_compression_is_undone),
        cmocka_unit_test(uncompressed_compressed_data_is_read),
        cmocka_unit_test(compressed_data_cut_or_spoilt_is_an_error),
        cmocka_unit_test(bombs_stop_at_the_bound),
        cmocka_unit_test(nested_bombs_stop_early),
        cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(padding_that_grows_counts_as_output),
        cmocka_unit_test(literal_says_its_name_and_date),
        cmocka_unit_test(only_one_text_is_a_message),
        cmocka_unit_test(what_belongs_in_no_message_is_refused),
        cmocka_unit_test(signatures_are_reported),
        cmocka_unit_test(issuers_are_read_from_signatures),
        cmocka_unit_test(signatures_beyond_count_are_counted),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
