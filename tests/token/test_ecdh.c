/* DECIPHER with ECDH keys, against the vectors of the standards. */
#include "tests/token/exchange.h"

/* RFC 5903 §8.1, the initiator's */
#define P256_IMPORT                                                                                \
    "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"                                              \
    "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"

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

/* RFC 5903 §8.2 */
static void p384_agrees_with_rfc_5903(void **state)
{
    const struct vector v = { "00 DA 00C2 06 12 2B81040022",
                              "00 DB 3FFF 3C 4D 3A B8 00 7F48 02 92 30 5F48 30"
                              "099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655"
                              "E35B538041E649EE3FAEF896783AB194",
                              "00 2A 8086 68 A6 66 7F49 63 86 61 04"
                              "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D"
                              "0D1AC43A0336DEF96FDA41D0774A3571"
                              "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF"
                              "F83FA40142209DFF5EAAD96DB9E6386C 00",
                              "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4"
                              "D603135569B9E9D09CF5D4A270F59746 9000" };

    (void)state;
    check(&v);
}

/* RFC 5903 §8.3; lengths of two octets in all templates */
static void p521_agrees_with_rfc_5903(void **state)
{
    const struct vector v = {
        "00 DA 00C2 06 12 2B81040023",
        "00 DB 3FFF 4E 4D 4C B8 00 7F48 02 92 42 5F48 42"
        "0037ADE9319A89F4DABDB3EF411AACCCA5123C61ACAB57B5393DCE47608172A0"
        "95AA85A30FE1C2952C6771D937BA9777F5957B2639BAB072462F68C27A57382D4A52",
        "00 2A 8086 8F A6 81 8C 7F49 81 88 86 81 85 04"
        "00D0B3975AC4B799F5BEA16D5E13E9AF971D5E9B984C9F39728B5E5739735A21"
        "9B97C356436ADC6E95BB0352F6BE64A6C2912D4EF2D0433CED2B6171640012D9460F"
        "015C68226383956E3BD066E797B623C27CE0EAC2F551A10C2C724D9852077B87"
        "220B6536C5C408A1D2AEBB8E86D678AE49CB57091F4732296579AB44FCD17F0FC56A 00",
        "01144C7D79AE6956BC8EDB8E7C787C4521CB086FA64407F97894E5E6B2D79B04"
        "D1427E73CA4BAA240A34786859810C06B3C715A3A8CC3151F2BEE417996D19F3DDEA 9000"
    };

    (void)state;
    check(&v);
}

/* RFC 7027 appendix A.1 */
static void brainpool_p256_agrees_with_rfc_7027(void **state)
{
    const struct vector v = {
        "00 DA 00C2 0A 12 2B2403030208010107",
        "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"
        "81DB1EE100150FF2EA338D708271BE38300CB54241D79950F77B063039804F1D",
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "8D2D688C6CF93E1160AD04CC4429117DC2C41825E1E9FCA0ADDD34E6F1B39F7B"
        "990C57520812BE512641E47034832106BC7D3E8DD0E4C7F1136D7006547CEC6A 00",
        "89AFC39D41D3B327814B80940B042590F96556EC91E6AE7939BCE31F3A18BF2B 9000"
    };

    (void)state;
    check(&v);
}

/* RFC 7027 appendix A.2 */
static void brainpool_p384_agrees_with_rfc_7027(void **state)
{
    const struct vector v = { "00 DA 00C2 0A 12 2B240303020801010B",
                              "00 DB 3FFF 3C 4D 3A B8 00 7F48 02 92 30 5F48 30"
                              "1E20F5E048A5886F1F157C74E91BDE2B98C8B52D58E5003D57053FC4B0BD65D6"
                              "F15EB5D1EE1610DF870795143627D042",
                              "00 2A 8086 68 A6 66 7F49 63 86 61 04"
                              "4D44326F269A597A5B58BBA565DA5556ED7FD9A8A9EB76C25F46DB69D19DC8CE"
                              "6AD18E404B15738B2086DF37E71D1EB4"
                              "62D692136DE56CBE93BF5FA3188EF58BC8A3A0EC6C1E151A21038A42E9185329"
                              "B5B275903D192F8D4E1F32FE9CC78C48 00",
                              "0BD9D3A7EA0B3D519D09D8E48D0785FB744A6B355E6304BC51C229FBBCE239BB"
                              "ADF6403715C35D4FB2A5444F575D4F42 9000" };

    (void)state;
    check(&v);
}

/* RFC 7027 appendix A.3 */
static void brainpool_p512_agrees_with_rfc_7027(void **state)
{
    const struct vector v = {
        "00 DA 00C2 0A 12 2B240303020801010D",
        "00 DB 3FFF 4C 4D 4A B8 00 7F48 02 92 40 5F48 40"
        "16302FF0DBBB5A8D733DAB7141C1B45ACBC8715939677F6A56850A38BD87BD59"
        "B09E80279609FF333EB9D4C061231FB26F92EEB04982A5F1D1764CAD57665422",
        "00 2A 8086 8B A6 81 88 7F49 81 84 86 81 81 04"
        "9D45F66DE5D67E2E6DB6E93A59CE0BB48106097FF78A081DE781CDB31FCE8CCB"
        "AAEA8DD4320C4119F1E9CD437A2EAB3731FA9668AB268D871DEDA55A5473199F"
        "2FDC313095BCDD5FB3A91636F07A959C8E86B5636A1E930E8396049CB481961D"
        "365CC11453A06C719835475B12CB52FC3C383BCE35E27EF194512B71876285FA 00",
        "A7927098655F1F9976FA50A9D566865DC530331846381C87256BAF3226244B76"
        "D36403C024D7BBF0AA0803EAFF405D3D24F11A9B5C0BEF679FE1454B21C4CD1F 9000"
    };

    (void)state;
    check(&v);
}

/* Numbers of OpenSSL's */
static void secp256k1_agrees_with_openssl(void **state)
{
    const struct vector v = {
        "00 DA 00C2 06 12 2B8104000A",
        "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"
        "0948F4D49B9440783E111F2C5FEC70A197EAC2753760ADB3936CC3CB2C9C3ADE",
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "8D9B0B0D7307CC738E2CA30899A484D80896DB50D50DA7ECDE110E15D01E4495"
        "BB52EFB48EF0A6BB1E6E6363BEC5D7D951B53D99CCBE0C8FE714EA7043C9E3D1 00",
        "2D17598C29238B7C5995AF284FAC445BEADE36A904A020E8926280068A1A6C65 9000"
    };

    (void)state;
    check(&v);
}

/* A point of OpenSSL's for which the secret begins with 00: it keeps its length. */
static void leading_zero_of_the_secret_stays(void **state)
{
    const struct vector v = {
        "00 DA 00C2 09 12 2A8648CE3D030107", P256_IMPORT,
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "C82D37196493E7672D3A3E7EE231FF998C56A67340C9DF09FE789E94435030FE"
        "1A3C874E543CAE67D5A37C549142241C87A6194477A9C971B2DF2AB87873AEFD 00",
        "002E4C391B2D5BA6F96A250A8C109B955A89EC22F185FEE6B9B1B78021F6DD83 9000"
    };

    (void)state;
    check(&v);
}

static void bad_points_on_p256_are_refused(void **state)
{
    static const char *const wrong[] = {
        /* y one too great: not on the curve */
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AC 00",
        /* 0, 0 */
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "0000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000 00",
        /* coordinates of the point plus the prime */
        "00 2A 8086 48 A6 46 7F49 43 86 41 04"
        "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"
        "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF 00",
        /* compressed, hybrid, without its first octet, with one octet too many */
        "00 2A 8086 28 A6 26 7F49 23 86 21 03"
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63 00",
        "00 2A 8086 48 A6 46 7F49 43 86 41 07"
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB 00",
        "00 2A 8086 47 A6 45 7F49 42 86 40"
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB 00",
        "00 2A 8086 49 A6 47 7F49 44 86 42 04"
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB00 00",
    };
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C2 09 12 2A8648CE3D030107", "9000");
    expect(t, P256_IMPORT, "9000");
    expect(t, VERIFY_OTHER, "9000");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(t, wrong[i], "6A80");
    token_free(&t);
}

/* RFC 7748 §6.1: the result of zeros must be refused; also OpenPGP's prefix 40. */
static void bad_points_on_curve25519_are_refused(void **state)
{
    static const char *const wrong[] = {
        "00 2A 8086 27 A6 25 7F49 22 86 20"
        "0000000000000000000000000000000000000000000000000000000000000000 00",
        "00 2A 8086 27 A6 25 7F49 22 86 20"
        "0100000000000000000000000000000000000000000000000000000000000000 00",
        "00 2A 8086 28 A6 26 7F49 23 86 21 40"
        "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F 00",
        "00 2A 8086 26 A6 24 7F49 21 86 1F"
        "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B 00",
    };
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C2 0B 12 2B060104019755010501", "9000");
    expect(t,
           "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"
           "2A2CB91DA5FB77B12A99C0EB872F4CDF4566B25172C1163C7DA518730A6D0777",
           "9000");
    expect(t, VERIFY_OTHER, "9000");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(t, wrong[i], "6A80");
    token_free(&t);
}

static void malformed_templates_are_refused(void **state)
{
    static const char *const wrong[] = {
        "00 2A 8086 01 A6 00",                     /* no length */
        "00 2A 8086 02 A600 00",                   /* nothing in it */
        "00 2A 8086 05 A603 7F49 00 00",           /* no point */
        "00 2A 8086 07 A605 7F49 02 8600 00",      /* empty point */
        "00 2A 8086 07 A605 7F49 02 8605 00",      /* runs past the end */
        "00 2A 8086 07 A606 7F49 02 8600 00",      /* cut short */
        "00 2A 8086 08 A605 7F49 02 8600 00 00",   /* something behind it */
        "00 2A 8086 08 A606 7F49 03 860000 00",    /* something behind the point */
        "00 2A 8086 02 A700 00",                   /* another tag */
        "00 2A 8086 09 A607 7F49 04 8402 0000 00", /* another tag for the point */
        "00 2A 8086 02 0000 00",                   /* as for RSA */
    };
    struct token *t = exchange_new();

    (void)state;
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C2 09 12 2A8648CE3D030107", "9000");
    expect(t, P256_IMPORT, "9000");
    expect(t, VERIFY_OTHER, "9000");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(t, wrong[i], "6A80");
    expect(t, "00 2A 8086 00", "6700");
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curve25519_agrees_with_rfc_7748),
        cmocka_unit_test(x448_agrees_with_rfc_7748),
        cmocka_unit_test(p256_agrees_with_rfc_5903),
        cmocka_unit_test(p384_agrees_with_rfc_5903),
        cmocka_unit_test(p521_agrees_with_rfc_5903),
        cmocka_unit_test(brainpool_p256_agrees_with_rfc_7027),
        cmocka_unit_test(brainpool_p384_agrees_with_rfc_7027),
        cmocka_unit_test(brainpool_p512_agrees_with_rfc_7027),
        cmocka_unit_test(secp256k1_agrees_with_openssl),
        cmocka_unit_test(leading_zero_of_the_secret_stays),
        cmocka_unit_test(bad_points_on_p256_are_refused),
        cmocka_unit_test(bad_points_on_curve25519_are_refused),
        cmocka_unit_test(malformed_templates_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
