/* OpenPGP secret keys as GnuPG exports them (tests/token/keys), and forms that it does not know. */
#include "tests/token/exchange.h"

#include <stdio.h>
#include <string.h>

static void read_key(const char *name, struct buffer *content)
{
    char path[4096];
    uint8_t *to = buffer_reserve(content, 8192);
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", TOKEN_KEYS, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(to);
    content->len = fread(to, 1, 8192, file);
    fclose(file);
    assert_int_not_equal(content->len, 0);
}

static gpg_error_t import(struct token *t, const char *name)
{
    struct buffer content = BUFFER(8192);
    gpg_error_t err;

    read_key(name, &content);
    err = token_import(t, buffer_view(&content));
    buffer_free(&content);
    return err;
}

/* Fingerprints, times and points below are what gpg --with-colons --with-key-data says. */

static void rsa_keys_go_where_their_flags_say(void **state)
{
    struct buffer answer = BUFFER(1024);
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(import(t, "rsa2048.asc"), 0);
    expect(t, "00 CA 00C5 00",
           "369EA8D0275D9B5923DD78A32453E9AB8C8AFECC 4636CC8BE359DEE784DED833BB0C4CE855C8EEF9"
           "6CEB8B2DE1ED61BC5E775F603833515E3487640D 9000");
    expect(t, "00 CA 00CD 00", "65920080 65920E90 65936010 9000");
    expect(t, "00 CA 00DE 00", "010202020302 9000");
    expect(t, "00 CA 00C2 00", "010800002000 9000");
    exchange_send(t, "00 47 8100 00 0002 B800 0000", &answer);
    assert_int_equal(answer.len, 5 + 4 + 256 + 2 + 3 + 2);
    buffer_free(&answer);
    token_free(&t);
}

static void newest_of_two_decryption_keys_is_taken(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(import(t, "curve25519.gpg"), 0);
    expect(t, "00 CA 00C5 00",
           "5DDD1C848DA6907390937CC653E560CFD7287E9D EDD7B9CDE50DF0F68319A836BF94270DE807E0E7"
           "C9E054F0D3D764B9EC61A5DEA909B45CAF0AC2FA 9000");
    expect(t, "00 CA 00CD 00", "65920080 6594B190 65936010 9000");
    expect(t, "00 47 8100 02 B600 00",
           "7F49 22 86 20 06E85FAB15C505292C55B7C26FEBD45DD6BA44C17B9C5A478E359BAEBB3B4E83 9000");
    expect(t, "00 47 8100 02 B800 00",
           "7F49 22 86 20 7B9B09558515ED59B939E1C364F3030C760B76EC6B4F18E36A57DF8A5812A012 9000");
    expect(t, "00 47 8100 02 A400 00",
           "7F49 22 86 20 CD67C6440267559B70BAA1ABD44BCF65036DA78162E12F6C864DE9B9DE5C384B 9000");
    token_free(&t);
}

static void missing_primary_key_leaves_its_slot_alone(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(import(t, "curve25519-subkeys.asc"), 0);
    expect(t, "00 CA 00DE 00", "010002020302 9000");
    expect(t, "00 CA 00C1 00", "010800002000 9000");
    token_free(&t);
}

static void nist_keys_have_their_attributes(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(import(t, "nistp256.asc"), 0);
    expect(t, "00 CA 00C1 00", "13 2A8648CE3D030107 9000");
    expect(t, "00 CA 00C2 00", "12 2A8648CE3D030107 9000");
    expect(t, "00 47 8100 02 B600 00",
           "7F49 43 86 41 04398F31627BA247F68D0CF297B2D14E9600E71AD530954C452E5E1FCCD920090623"
           "7B34B4AC8A6F9D8758DFCDF751BF245846D4256A8D5343590C7B0D73C96D05 9000");
    expect(t, "00 47 8100 02 B800 00",
           "7F49 43 86 41 0415F97852BA126DBCE48A0EBC0C54B76F4276042D93EE0A474591D345D34D2ED816"
           "90EC54959A66BD3831A85E41AC9A02291A42E39C3C097A485A8D064EA8DF57 9000");
    token_free(&t);
}

static void what_can_not_be_used_says_why(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(gpg_err_code(import(t, "protected.asc")), GPG_ERR_BAD_PASSPHRASE);
    assert_int_equal(gpg_err_code(import(t, "public.asc")), GPG_ERR_BAD_DATA);
    assert_int_equal(gpg_err_code(token_import(t, view_of("", 0))), GPG_ERR_BAD_DATA);
    assert_int_equal(gpg_err_code(token_import(t, view_of("hello\n", 6))), GPG_ERR_BAD_DATA);
    expect(t, "00 CA 00DE 00", "010002000300 9000");
    token_free(&t);
}

static void append_checksum(struct buffer *body, size_t secret)
{
    uint16_t sum = 0;

    for (size_t i = secret; i < body->len; i++)
        sum = (uint16_t)(sum + body->data[i]);
    assert_int_equal(buffer_append_u16(body, sum), 0);
}

/* A packet of a version 4 secret key of 2023-11-14, which has no user id and no signature. */
static gpg_error_t import_packet(struct token *t, const char *public_part, const char *secret_part)
{
    struct buffer body = BUFFER(1024), packet = BUFFER(1024);
    gpg_error_t err;
    size_t secret;

    exchange_append_hex(&body, "04 65535353");
    exchange_append_hex(&body, public_part);
    exchange_append_hex(&body, "00");
    secret = body.len;
    exchange_append_hex(&body, secret_part);
    append_checksum(&body, secret);
    exchange_append_hex(&packet, "C5 FF 0000");
    assert_int_equal(buffer_append_u16(&packet, (uint16_t)body.len), 0);
    assert_int_equal(buffer_append_view(&packet, buffer_view(&body)), 0);
    err = token_import(t, buffer_view(&packet));
    buffer_free(&body);
    buffer_free(&packet);
    return err;
}

/* RFC 7748 §6.1, Alice */
#define X25519_PUBLIC "8520F0098930A754748B7DDCB43EF75A0DBF3A0D26381AF4EBA4A98EAA9B4E6A"
#define X25519_SECRET "77076D0A7318A57D3C16C17251B26645DF4C2F87EBC0992AB177FBA51DB92C2A"

static void keys_of_rfc_9580_are_known(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(import_packet(t, "19" X25519_PUBLIC, X25519_SECRET), 0);
    expect(t, "00 47 8100 02 B800 00", "7F49 22 86 20" X25519_PUBLIC "9000");
    expect(t, "00 CA 00C2 00", "12 2B060104019755010501 9000");
    /* RFC 7748 §6.2, Alice */
    assert_int_equal(import_packet(t,
                                   "1A 9B08F7CC31B7E3E67D22D5AEA121074A273BD2B83DE09C63FAA73D2C"
                                   "22C5D9BBC836647241D953D40C5B12DA88120D53177F80E532C41FA0",
                                   "9A8F4925D1519F5775CF46B04B5800D4EE9EE8BAE8BC5565D498C28D"
                                   "D9C9BAF574A9419744897391006382A6F127AB1D9AC2D8C0A598726B"),
                     0);
    expect(t, "00 47 8100 02 B800 00",
           "7F49 3A 86 38 9B08F7CC31B7E3E67D22D5AEA121074A273BD2B83DE09C63FAA73D2C"
           "22C5D9BBC836647241D953D40C5B12DA88120D53177F80E532C41FA0 9000");
    expect(t, "00 CA 00C2 00", "12 2B656F 9000");
    /* RFC 8032 §7.1, test 2 */
    assert_int_equal(
        import_packet(t, "1B 3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C",
                      "4CCD089B28FF96DA9DB6C346EC114E0F5B8A319F35ABA624DA8CF6ED4FB8A6FB"),
        0);
    expect(t, "00 47 8100 02 B600 00",
           "7F49 22 86 20 3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C 9000");
    expect(t, "00 CA 00CD 00", "65535353 65535353 00000000 9000");
    token_free(&t);
}

/* GnuPG's form of X448: an opaque number in the curve's own order. */
static void x448_in_the_old_packet_is_known(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(import_packet(t,
                                   "12 03 2B656F 01C0 9B08F7CC31B7E3E67D22D5AEA121074A273BD2B8"
                                   "3DE09C63FAA73D2C22C5D9BBC836647241D953D40C5B12DA88120D5317"
                                   "7F80E532C41FA0 03 010A09",
                                   "01C0 9A8F4925D1519F5775CF46B04B5800D4EE9EE8BAE8BC5565D498C2"
                                   "8DD9C9BAF574A9419744897391006382A6F127AB1D9AC2D8C0A598726B"),
                     0);
    expect(t, "00 47 8100 02 B800 00",
           "7F49 3A 86 38 9B08F7CC31B7E3E67D22D5AEA121074A273BD2B83DE09C63FAA73D2C"
           "22C5D9BBC836647241D953D40C5B12DA88120D53177F80E532C41FA0 9000");
    token_free(&t);
}

/* A key on P-256 whose secret number is 1, with a point that nobody looks at: 24 octets. */
static void append_small_key(struct buffer *b)
{
    exchange_append_hex(b, "04 65535353 13 08 2A8648CE3D030107 0001 01 00 0001 01 0002");
}

/* The secret number 1 as a short MPI; the base point is FIPS 186-4 D.1.2.3's. */
static void short_numbers_are_padded(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    assert_int_equal(
        import_packet(t,
                      "13 08 2A8648CE3D030107 0203 04"
                      "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
                      "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
                      "0001 01"),
        0);
    expect(t, "00 47 8100 02 B600 00",
           "7F49 43 86 41 04 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
           "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5 9000");
    token_free(&t);
}

static void unknown_keys_are_refused(void **state)
{
    struct token *t = exchange_new();

    (void)state;
    /* Elgamal; a curve nobody knows; a number of 0; one that is too long */
    assert_int_equal(gpg_err_code(import_packet(t, "10 0001 01 0001 01 0001 01", "0001 01")),
                     GPG_ERR_NO_SECKEY);
    assert_int_not_equal(import_packet(t, "13 03 2B0101 0001 01", "0001 01"), 0);
    assert_int_not_equal(import_packet(t, "13 08 2A8648CE3D030107 0001 01", "0000"), 0);
    assert_int_not_equal(
        import_packet(t, "13 08 2A8648CE3D030107 0001 01", "0101 01" X25519_SECRET), 0);
    expect(t, "00 CA 00DE 00", "010002000300 9000");
    token_free(&t);
}

/* RFC 4880 §4.2: old and new formats, all lengths; a key of version 6 is passed over. */
static void every_form_of_packet_is_read(void **state)
{
    static const char *const heads[] = { "94 18", "95 0018", "96 00000018", "C5 18",
                                         "C5 FF00000018" };
    static const char other[] = "D1 C000 " /* a user attribute of 192 octets */;
    struct buffer key = BUFFER(1024);

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct token *t = exchange_new();

        buffer_clear(&key);
        exchange_append_hex(&key, other);
        while (key.len < 3 + 192)
            assert_int_equal(buffer_append_u8(&key, 0), 0);
        exchange_append_hex(&key, "C5 06 06 65535353 19");
        exchange_append_hex(&key, heads[i]);
        append_small_key(&key);
        assert_int_equal(token_import(t, buffer_view(&key)), 0);
        expect(t, "00 CA 00DE 00", "010202000300 9000");
        token_free(&t);
    }
    buffer_free(&key);
}

static void forms_not_for_keys_are_refused(void **state)
{
    static const char *const heads[] = { "97", "C5 E0", "C5 FE", "45 16", "96 00", "C5 C0" };
    struct buffer key = BUFFER(1024);
    struct token *t = exchange_new();

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buffer_clear(&key);
        exchange_append_hex(&key, heads[i]);
        append_small_key(&key);
        assert_int_equal(gpg_err_code(token_import(t, buffer_view(&key))), GPG_ERR_BAD_DATA);
    }
    buffer_free(&key);
    token_free(&t);
}

/* Every prefix of a key is refused or read, and never more than that. */
static void cut_keys_do_no_harm(void **state)
{
    struct buffer content = BUFFER(8192);
    struct token *t = exchange_new();

    (void)state;
    read_key("curve25519.gpg", &content);
    for (size_t len = 0; len < content.len; len++) {
        struct view cut = view_of(content.data, len);

        token_import(t, cut);
    }
    assert_int_equal(token_import(t, buffer_view(&content)), 0);
    content.data[60] ^= 1; /* in the secret part: the checksum tells */
    assert_int_not_equal(token_import(t, buffer_view(&content)), 0);
    buffer_free(&content);
    token_free(&t);
}

static void damaged_armor_is_refused(void **state)
{
    static const char *const wrong[] = {
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n!!!!\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxVg=xVg\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxVgE\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "-----BEGIN PGP MESSAGE-----\n\nxVgE\n-----END PGP MESSAGE-----\n",
    };
    struct token *t = exchange_new();

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(gpg_err_code(token_import(t, view_of(wrong[i], strlen(wrong[i])))),
                         GPG_ERR_BAD_DATA);
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_keys_go_where_their_flags_say),
        cmocka_unit_test(newest_of_two_decryption_keys_is_taken),
        cmocka_unit_test(missing_primary_key_leaves_its_slot_alone),
        cmocka_unit_test(nist_keys_have_their_attributes),
        cmocka_unit_test(what_can_not_be_used_says_why),
        cmocka_unit_test(keys_of_rfc_9580_are_known),
        cmocka_unit_test(x448_in_the_old_packet_is_known),
        cmocka_unit_test(short_numbers_are_padded),
        cmocka_unit_test(unknown_keys_are_refused),
        cmocka_unit_test(every_form_of_packet_is_read),
        cmocka_unit_test(forms_not_for_keys_are_refused),
        cmocka_unit_test(cut_keys_do_no_harm),
        cmocka_unit_test(damaged_armor_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
