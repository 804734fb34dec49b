#include "message/armor.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

#define BEGIN "-----BEGIN PGP MESSAGE-----\n"
#define END   "-----END PGP MESSAGE-----\n"

static gpg_error_t read_all(const char *text, size_t len, size_t piece, const char *title,
                            struct buffer *out)
{
    struct chopped chopped = { view_of(text, len), piece };
    struct armor *armor = NULL;
    struct source packets;
    gpg_error_t err = armor_open(chopped_source(&chopped), title, &armor, &packets);
    struct view got = view_of("", 1);

    while (!err && got.len) {
        err = packets.next(packets.context, &got);
        if (!err)
            err = buffer_append_view(out, got);
    }
    armor_close(&armor);
    return err;
}

static void check_armor(const char *text, const char *content)
{
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
        struct buffer out = MAKER;

        assert_int_equal(read_all(text, strlen(text), piece, ARMOR_MESSAGE, &out), 0);
        assert_int_equal(out.len, strlen(content));
        assert_memory_equal(out.data, content, out.len);
        buffer_free(&out);
    }
}

static void check_none(const char *text)
{
    struct buffer out = MAKER;

    assert_int_equal(gpg_err_code(read_all(text, strlen(text), 7, ARMOR_MESSAGE, &out)),
                     GPG_ERR_NO_DATA);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

static void blocks_are_decoded(void **state)
{
    (void)state;
    check_armor(BEGIN "\nSGVsbG8gd29ybGQ=\n=abcd\n" END, "Hello world");
    check_armor(BEGIN "\nSGVsbG8g\nd29ybGQ=\n" END, "Hello world");
    check_armor(BEGIN "Version: 1\nComment: none\n\nSGVsbG8g\nd29y\n=abcd\n" END, "Hello wor");
    check_armor("-----BEGIN PGP MESSAGE-----  \r\nVersion: 1\r\n\r\nSGVsbG8gd29y\r\n=abcd\r\n"
                "-----END PGP MESSAGE-----\r\n",
                "Hello wor");
}

static void blocks_are_found_anywhere(void **state)
{
    (void)state;
    check_armor("From: a@example.org\nSubject: no\n\n--boundary\nContent-Type: text/plain\n\n"
                "-----BEGIN PGP MESSAG-----\n > " BEGIN BEGIN "\nSGVsbG8gd29y\n" END
                "--boundary--\n\nSGVsbG8=\n",
                "Hello wor");
    check_armor("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n" BEGIN
                "\nSGVsbG8gd29y\n" END,
                "Hello wor");
    check_armor("\xef\xbb\xbfHallo\n" BEGIN "\nSGVsbG8gd29y\n" END, "Hello wor");
}

/* The body's own tags tell when it is complete; a lost last line takes nothing away. */
static void end_of_text_ends_the_block(void **state)
{
    (void)state;
    check_armor(BEGIN "\nSGVsbG8gd29y", "Hello wor");
    check_armor(BEGIN "\nSGVsbG8gd29y\n=ab", "Hello wor");
    check_armor(BEGIN, "");
    check_armor(BEGIN "\n", "");
}

static void text_without_a_block_has_no_data(void **state)
{
    (void)state;
    check_none("");
    check_none("Hello");
    check_none("-----BEGIN PGP MESSAGE----\n\nSGVsbG8=\n");
    check_none("-----BEGIN PGP MESSAGE----- x\n\nSGVsbG8=\n");
    check_none(" -----BEGIN PGP MESSAGE-----\n\nSGVsbG8=\n");
    check_none("-----BEGIN PGP SIGNED MESSAGE-----\n\nSGVsbG8=\n");
}

static void packets_pass_as_they_are(void **state)
{
    static const char bytes[] = "\xd2\x05" BEGIN;
    struct buffer out = MAKER;

    (void)state;
    assert_int_equal(read_all(bytes, sizeof bytes - 1, 3, ARMOR_MESSAGE, &out), 0);
    assert_int_equal(out.len, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, out.len);
    buffer_free(&out);
}

static void certificates_have_another_title(void **state)
{
    static const char text[] =
        BEGIN "\nAAAA\n" END "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nSGVsbG8gd29y\n"
              "-----END PGP PUBLIC KEY BLOCK-----\n";
    struct buffer out = MAKER;

    (void)state;
    assert_int_equal(read_all(text, sizeof text - 1, 5, ARMOR_CERTIFICATE, &out), 0);
    assert_int_equal(out.len, 9);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_decoded),
        cmocka_unit_test(blocks_are_found_anywhere),
        cmocka_unit_test(end_of_text_ends_the_block),
        cmocka_unit_test(text_without_a_block_has_no_data),
        cmocka_unit_test(packets_pass_as_they_are),
        cmocka_unit_test(certificates_have_another_title),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
