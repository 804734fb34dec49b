/* DECIPHER with ECDH keys, against the vectors of the standards. */
#include "tests/token/exchange.h"

struct vector {
    const char *attributes; /* PUT DATA C2, whole command */
    const char *import;     /* 00 DB 3F FF, whole command */
    const char *decipher;
    const char *shared;
};

static void check(const struct vector *v)
{
    struct token *t = exchange_new();

    expect(t, VERIFY_ADMIN, "9000");
    expect(t, v->attributes, "9000");
    expect(t, v->import, "9000");
    expect(t, VERIFY_OTHER, "9000");
    expect(t, v->decipher, v->shared);
    token_free(&t);
}

/* RFC 7748 §6.1: Alice's secret, big-endian as it goes over the wire, and Bob's point. */
static void curve25519_agrees_with_rfc_7748(void **state)
{
    const struct vector v = {
        "00 DA 00C2 0B 12 2B060104019755010501",
        "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"
        "2A2CB91DA5FB77B12A99C0EB872F4CDF4566B25172C1163C7DA518730A6D0777",
        "00 2A 8086 27 A6 25 7F49 22 86 20"
        "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F 00",
        "4A5D9D5BA4CE2DE1728E3BF480350F25E07E21C947D19E3376F09B3C1E161742 9000"
    };

    (void)state;
    check(&v);
}

/* RFC 7748 §6.2: Alice's secret, Bob's point. */
static void x448_agrees_with_rfc_7748(void **state)
{
    const struct vector v = {
        "00 DA 00C2 04 12 2B656F",
        "00 DB 3FFF 44 4D 42 B8 00 7F48 02 92 38 5F48 38"
        "9A8F4925D1519F5775CF46B04B5800D4EE9EE8BAE8BC5565D498C28DD9C9BAF574A9419744897391"
        "006382A6F127AB1D9AC2D8C0A598726B",
        "00 2A 8086 3F A6 3D 7F49 3A 86 38"
        "3EB7A829B0CD20F5BCFC0B599B6FECCF6DA4627107BDB0D4F345B43027D8B972FC3E34FB4232A13C"
        "A706DCB57AEC3DAE07BDC1C67BF33609 00",
        "07FFF4181AC6CC95EC1C16A94A0F74D12DA232CE40A77552281D282BB60C0B56FD2464C335543936"
        "521C24403085D59A449A5037514A879D 9000"
    };

    (void)state;
    check(&v);
}

/* RFC 5903 §8.1: the initiator's secret, the responder's point. */
static void p256_agrees_with_rfc_5903(void **state)
{
    const struct vector v = {
        "00 DA 00C2 09 12 2A8648CE3D030107",
        "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"
        "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB 00",
        "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE 9000"
    };

    (void)state;
    check(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curve25519_agrees_with_rfc_7748),
        cmocka_unit_test(x448_agrees_with_rfc_7748),
        cmocka_unit_test(p256_agrees_with_rfc_5903),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
