/* Messages that others made: the samples of RFC 9580, appendix A, and of the LibrePGP draft. */
#include "base/text.h"
#include "message/symmetric.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/message_maker.h"

#include <string.h>

/* RFC 9580 §A.8: encrypted to the key of §A.3, whose secret scalar §A.4 gives. */
static const char sample_x25519_ocb[] =
    "-----BEGIN PGP MESSAGE-----\n\n"
    "wV0GIQYSyD8ecG9jCP4VGkF3Q6HwM3kOk+mXhIjR2zeNqZMIhRmHzxjV8bU/gXzO\n"
    "WgBM85PMiVi93AZfJfhK9QmxfdNnZBjeo1VDeVZheQHgaVf7yopqR6W1FT6NOrfS\n"
    "aQIHAgZhZBZTW+CwcW1g4FKlbExAf56zaw76/prQoN+bAzxpohup69LA7JW/Vp0l\n"
    "yZnuSj3hcFj0DfqLTGgr4/u717J+sPWbtQBfgMfG9AOIwwrUBqsFE9zW+f1zdlYo\n"
    "bhF30A+IitsxxA==\n"
    "-----END PGP MESSAGE-----\n";

#define SAMPLE_POINT  "8693248367F9E5015DB922F8F48095DDA784987F2D5985B12FBAD16CAF5E4435"
#define SAMPLE_SCALAR "4D600A4F794D44775C57A26E0FEEFED558E9AFFFD6AD0D582D57FB2BA2DCEDB8"

/* §A.9 to §A.12; the session keys are those that the appendix says its passphrase gives. */
static const struct {
    const char *session_key;
    const char *armor;
} samples[] = {
    { "7:3881BAFE985412459B86C36F98CB9A5E",
      "-----BEGIN PGP MESSAGE-----\n\n"
      "w0AGHgcBCwMIpa5XnR/F2Cv/aSJPkZmTs1Bvo7WaanPP+MXvxfQcV/tU4cImgV14\n"
      "KPX5LEVOtl6+AKtZhsaObnxV0mkCBwEGn/kOOzIZZPOkKRPI3MZhkyUBUifvt+rq\n"
      "pJ8EwuZ0F11KPSJu1q/LnKmsEiwUcOEcY9TAqyQcapOK1Iv5mlqZuQu6gyXeYQR1\n"
      "QCWKt5Wala0FHdqW6xVDHf719eIlXKeCYVRuM5o=\n"
      "-----END PGP MESSAGE-----\n" },
    { "7:28E79AB82397D3C63DE24AC217D7B791",
      "-----BEGIN PGP MESSAGE-----\n\n"
      "wz8GHQcCCwMIVqKY0vXjZFP/z8xcEWZO2520JZDX3EawckG2EsOBLP/76gDyNHsl\n"
      "ZBEj+IeuYNT9YU4IN9gZ02zSaQIHAgYgpmH3MfyaMDK1YjMmAn46XY21dI6+/wsM\n"
      "WRDQns3WQf+f04VidYA1vEl1TOG/P/+n2tCjuBBPUTPPQqQQCoPu9MobSAGohGv0\n"
      "K82nyM6dZeIS8wHLzZj9yt5pSod61CRzI/boVw==\n"
      "-----END PGP MESSAGE-----\n" },
    { "7:01FE16BBACFD1E7B78EF3B865187374F",
      "-----BEGIN PGP MESSAGE-----\n"
      "Comment: Encrypted using AES with 128-bit key\n\n"
      "wycEBwScUvg8J/leUNU1RA7N/zE2AQQVnlL8rSLPP5VlQsunlO+ECxHSPgGYGKY+\n"
      "YJz4u6F+DDlDBOr5NRQXt/KJIf4m4mOlKyC/uqLbpnLJZMnTq3o79GxBTdIdOzhH\n"
      "XfA3pqV4mTzF\n"
      "-----END PGP MESSAGE-----\n" },
    { "8:27006DAE68E509022CE45A14E569E91001C2955AF8DFE194",
      "-----BEGIN PGP MESSAGE-----\n"
      "Comment: Encrypted using AES with 192-bit key\n\n"
      "wy8ECAThTKxHFTRZGKli3KNH4UP4AQQVhzLJ2va3FG8/pmpIPd/H/mdoVS5VBLLw\n"
      "F9I+AdJ1Sw56PRYiKZjCvHg+2bnq02s33AJJoyBexBI4QKATFRkyez2gldJldRys\n"
      "LVg77Mwwfgl2n/d572WciAM=\n"
      "-----END PGP MESSAGE-----\n" },
    { "9:BBEDA55B9AAE63DAC45D4F49D89DACF4AF37FEFC13BAB2F1F8E18FB74580D8B0",
      "-----BEGIN PGP MESSAGE-----\n"
      "Comment: Encrypted using AES with 256-bit key\n\n"
      "wzcECQS4eJUgIG/3mcaILEJFpmJ8AQQVnZ9l7KtagdClm9UaQ/Z6M/5roklSGpGu\n"
      "623YmaXezGj80j4B+Ku1sgTdJo87X1Wrup7l0wJypZls21Uwd67m9koF60eefH/K\n"
      "95D1usliXOEm8ayQJQmZrjf6K6v9PWwqMQ==\n"
      "-----END PGP MESSAGE-----\n" },
    { "7:1936FC8568980274BB900D8319360C77",
      "-----BEGIN PGP MESSAGE-----\n\n"
      "wzwGGgcDCwMI6dOXhbIHAAj/tC58SD70iERXyzcmubPbn/d25fTZpAlS4kRymIUa\n"
      "v/91Jt8t1VRBdXmneZ/SaQIHAwb8uUSQvLmLvcnRBsYJAmaUD3LontwhtVlrFXax\n"
      "Ae0Pn/xvxtZbv9JNzQeQlm5tHoWjAFN4TLHYtqBpnvEhVaeyrWJYUxtXZR/Xd3kS\n"
      "+pXjXZtAIW9ppMJI2yj/QzHxYykHOZ5v+Q==\n"
      "-----END PGP MESSAGE-----\n" },
};

/* The draft's EAX and OCB samples of packet 20, "Hello, world!\n", and the keys it gives. */
static const struct {
    const char *session_key;
    const char *hex;
} samples_20[] = {
    { "7:86F1EFB86952329F24ACD3BFD0E5346D",
      "d44a0107010eb732379f73c4928de25facfe6517ec105dc11a81dc0cb8a2f6f3d90016384a56fc821ae11ae8"
      "dbcb49862655dea88d06a81486801b0ff387bd2eab013de1259586906eab2476" },
    { "7:D1F01BA30E130AA7D2582C16E050AE44",
      "d4490107020e5ed2bc1e470abe8f1d644c7a6c8a567b0f7701196611a154ba9c2574cd056284a8ef68035c"
      "623d93cc708a43211bb6eaf2b27f7c18d571bcd83b20add3a08b73af15b9a098" },
};

static void check_decrypts(struct view message, const char *key_text, const char *text)
{
    struct session_key key = { 0 };

    assert_int_equal(session_key_parse(key_text, &key), 0);
    for (size_t piece = 1; piece < 200; piece += 33) {
        struct buffer out = MAKER;

        assert_int_equal(decrypt_pieces(message, piece, &key, NULL, &out, NULL), 0);
        assert_int_equal(out.len, strlen(text));
        assert_memory_equal(out.data, text, out.len);
        buffer_free(&out);
    }
    session_key_free(&key);
}

static void samples_of_the_rfc_are_decrypted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        check_decrypts(view_of(samples[i].armor, strlen(samples[i].armor)), samples[i].session_key,
                       "Hello, world!");
}

static void samples_of_packet_20_are_decrypted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples_20 / sizeof *samples_20; i++) {
        uint8_t bytes[256];
        size_t len;

        assert_true(
            hex_decode(samples_20[i].hex, strlen(samples_20[i].hex), bytes, sizeof bytes, &len));
        check_decrypts(view_of(bytes, len), samples_20[i].session_key, "Hello, world!\n");
    }
}

/* What a card with the sample key would answer: X25519 of RFC 7748, little-endian throughout. */
static void agree(const char *scalar_hex, const uint8_t *point, struct secret *z)
{
    uint8_t scalar[32], result[32];
    size_t len;

    assert_true(hex_decode(scalar_hex, 64, scalar, sizeof scalar, &len));
    assert_int_equal(gcry_ecc_mul_point(GCRY_ECC_CURVE25519, result, scalar, point), 0);
    assert_int_equal(secret_copy(z, view_of(result, sizeof result)), 0);
}

static void sample_of_x25519_is_opened(void **state)
{
    struct view bytes = view_of(sample_x25519_ocb, strlen(sample_x25519_ocb));
    struct view text = bytes;
    struct session_key key = { 0 };
    struct buffer out = MAKER;
    struct recipient recipient = { 0 };
    struct secret z = { 0 };
    struct message *m = NULL;
    const struct pkesk *p;
    uint8_t point[32];
    size_t len;

    (void)state;
    assert_int_equal(message_open(source_of_view(&text), &m), 0);
    p = message_pkesk(m, 0);
    assert_non_null(p);
    assert_null(message_pkesk(m, 1));
    assert_int_equal(p->version, 6);
    assert_int_equal(p->algorithm, ALGORITHM_X25519);
    assert_int_equal(p->fingerprint_len, 32);
    assert_true(hex_decode(SAMPLE_POINT, 64, point, sizeof point, &len));
    recipient.point = view_of(point, sizeof point);
    agree(SAMPLE_SCALAR, p->encrypted, &z);
    assert_int_equal(session_key_open(p, &recipient, &z, &key), 0);
    assert_int_equal(key.cipher, 0);
    assert_int_equal(decrypt_bytes(bytes, &key, &out), 0);
    assert_int_equal(out.len, 13);
    assert_memory_equal(out.data, "Hello, world!", 13);

    /* And every way of its being wrong is the same way. */
    z.data[3] ^= 1;
    assert_int_equal(gpg_err_code(session_key_open(p, &recipient, &z, &key)),
                     GPG_ERR_DECRYPT_FAILED);
    memset(z.data, 0, z.len);
    assert_int_equal(gpg_err_code(session_key_open(p, &recipient, &z, &key)),
                     GPG_ERR_DECRYPT_FAILED);
    secret_truncate(&z, 31);
    assert_int_equal(gpg_err_code(session_key_open(p, &recipient, &z, &key)),
                     GPG_ERR_DECRYPT_FAILED);
    assert_int_equal(key.key.len, 16);
    secret_free(&z);
    session_key_free(&key);
    buffer_free(&out);
    message_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_the_rfc_are_decrypted),
        cmocka_unit_test(samples_of_packet_20_are_decrypted),
        cmocka_unit_test(sample_of_x25519_is_opened),
    };

    secret_init_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
