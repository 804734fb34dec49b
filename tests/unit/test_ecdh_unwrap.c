#include "message/ecdh_unwrap.h"
#include "tests/unit/gpg_vectors.h"
#include "tests/unit/hex.h"

#include <gcrypt.h>

/* Z and SharedInfo of the NIST CAVS vectors for ANSI X9.63 with SHA-256, whose key begins
 * C498AF77161CC59F2962B9A713E2B215. */
#define Z    "22518B10E70F2A3F243810AE3254139EFBEE04AA57C7AF7D"
#define INFO "75EEF81AA3041E33B80971203D2C0C52"
#define CEK  "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

typedef gpg_error_t unwrap_function(const struct secret *, const struct wrapped_key *,
                                    struct secret *);

static gpg_error_t unwrap(unwrap_function *function, const char *z, const struct wrapped_key *key,
                          struct secret *plain)
{
    struct secret shared = { 0 };
    gpg_error_t err;

    assert_ok(secret_copy(&shared, hex(z)));
    err = function(&shared, key, plain);
    secret_free(&shared);
    return err;
}

/* Algorithm, key, checksum and PKCS #5 padding up to 40 octets, as gpg makes it (RFC 6637 §8). */
static void expected_frame(const char *session, uint8_t frame[40])
{
    struct view key = hex(session);
    unsigned sum = 0;

    assert_int_equal(key.len, 33);
    memset(frame, 5, 40);
    memcpy(frame, key.data, key.len);
    for (size_t i = 1; i < key.len; i++)
        sum += key.data[i];
    frame[33] = (uint8_t)(sum >> 8);
    frame[34] = (uint8_t)sum;
}

static struct wrapped_key vector_wrapped(const struct gpg_ecdh_vector *v)
{
    return (struct wrapped_key){ .cipher = v->cipher,
                                 .hash = v->hash,
                                 .kdf_params = hex(v->kdf_params),
                                 .wrapped = hex(v->wrapped) };
}

static void messages_that_gpg_wrote_are_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < GPG_ECDH_VECTORS; i++) {
        const struct gpg_ecdh_vector *v = &gpg_ecdh_vectors[i];
        struct wrapped_key key = vector_wrapped(v);
        struct secret plain = { 0 };
        uint8_t frame[40];

        expected_frame(v->session, frame);
        assert_ok(unwrap(ecdh_unwrap_openpgp, v->z, &key, &plain));
        check_octets(secret_view(&plain), view_of(frame, sizeof frame), __FILE__, __LINE__);
        secret_free(&plain);
    }
}

static void any_other_octet_opens_nothing(void **state)
{
    struct wrapped_key key = vector_wrapped(&gpg_ecdh_vectors[0]);
    const char *z = gpg_ecdh_vectors[0].z;
    uint8_t *wrapped = exact_copy(key.wrapped);
    uint8_t *params = exact_copy(key.kdf_params);
    struct secret plain = { 0 };

    (void)state;
    key.wrapped.data = wrapped;
    key.kdf_params.data = params;
    for (size_t i = 0; i < key.wrapped.len; i++) {
        wrapped[i] ^= 0x80;
        assert_err(unwrap(ecdh_unwrap_openpgp, z, &key, &plain), GPG_ERR_DECRYPT_FAILED);
        wrapped[i] ^= 0x80;
    }
    for (size_t i = 0; i < key.kdf_params.len; i++) {
        params[i] ^= 1;
        assert_err(unwrap(ecdh_unwrap_openpgp, z, &key, &plain), GPG_ERR_DECRYPT_FAILED);
        params[i] ^= 1;
    }
    assert_err(unwrap(ecdh_unwrap_openpgp, gpg_ecdh_vectors[1].z, &key, &plain),
               GPG_ERR_DECRYPT_FAILED);
    /* X9.63 of the same is another key */
    assert_err(unwrap(ecdh_unwrap_cms, z, &key, &plain), GPG_ERR_DECRYPT_FAILED);
    assert_null(plain.data);
    free(wrapped);
    free(params);
}

/* CEK wrapped by python3-cryptography: ConcatKDFHash (counter first) and X963KDF (counter last) of
 * Z and INFO, then aes_key_wrap. */
static const struct {
    unwrap_function *function;
    int hash, cipher;
    const char *wrapped;
} derivations[] = {
    { ecdh_unwrap_openpgp, GCRY_MD_SHA256, GCRY_CIPHER_AES,
      "128FE542C3859676B7ACDACF5C99DD7E02200C3CAB055D995CDB1ABBFE752660E5A34603B3CD1F4A" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA256, GCRY_CIPHER_AES192,
      "E3FCFD0E9365F04F633A329E20FE94DB8EFFF43A02A3F1D437AD4AF6B186E8B7B97B9FD24C0C88A3" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA256, GCRY_CIPHER_AES256,
      "19CB656C8D6EB0961CB99FC6705E1A4BD949BF3D3D6FA7EC666E71D21A39EEEBF02DD988F4916B4B" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA384, GCRY_CIPHER_AES,
      "6D3AFC447A2CF2C985B993826C95374CA8BE3C89B24B4479EC040C982CF95012D5FBC5B7C2F38C0D" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA384, GCRY_CIPHER_AES192,
      "6D858C1FD64B89CDF0604E71CB42957A8EECCBD3812EC4FC104852749AFEBADF6E7D9F1E3426A4BF" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA384, GCRY_CIPHER_AES256,
      "8B2745C24CF056D819E9FD25D35052436164BBCF8BAAB408E650B27F56DB6DF73609C37CB22B5F43" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA512, GCRY_CIPHER_AES,
      "14EDFE76A76F0BC0DFC28A3F18A3B12E4F9D74005F54AEB0DFF4539E6D0389A0E01BFE34B2C2FDB5" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA512, GCRY_CIPHER_AES192,
      "67DC055027EB3076E458271D4D9693295CFE8236A0B899EB58FBD7BD1BB6BD1CA404AB3DF09B748D" },
    { ecdh_unwrap_openpgp, GCRY_MD_SHA512, GCRY_CIPHER_AES256,
      "40D2B8E9E0E3074D5030EE5112B63D08EEBABE3B0916451ED2C6404BA05B514345A585EAE2C71AF1" },
    { ecdh_unwrap_cms, GCRY_MD_SHA1, GCRY_CIPHER_AES,
      "DA3AD968712B8AB5FFFA33E643352D06D8246C56FE6D8F16814565928788594D7E1DE23285D2C631" },
    { ecdh_unwrap_cms, GCRY_MD_SHA1, GCRY_CIPHER_AES192,
      "D49F3D0E351945ABD24EFBE062EF2EF5D7523CAAACAC73B8318B3B593E2DA0776D0F812C2A7F1F68" },
    { ecdh_unwrap_cms, GCRY_MD_SHA1, GCRY_CIPHER_AES256,
      "CE14E613BB0D380649459E348E11B4B29BD39121D8C00CF090F174AAC0FD6559888F2602812BCA1F" },
    { ecdh_unwrap_cms, GCRY_MD_SHA256, GCRY_CIPHER_AES,
      "A9F120EA5428D8A17AA22F5B77B46B245277FDF79989CD6C8B31E52BF7D4B9447C7ABD072F2DBAF2" },
    { ecdh_unwrap_cms, GCRY_MD_SHA256, GCRY_CIPHER_AES192,
      "1F1D91519428AF3D8A6410CC2E886C5C7A1A39226BC609A8E5748C61B26340BC80D8ACAC3BA56E0D" },
    { ecdh_unwrap_cms, GCRY_MD_SHA256, GCRY_CIPHER_AES256,
      "3840B5D61501986D535D94FDDA77B89DD60F34119412537891D280A4F7AC3639D98356AF8EB292BA" },
    { ecdh_unwrap_cms, GCRY_MD_SHA384, GCRY_CIPHER_AES,
      "866C26C47E7DB7666D5A98CEBD05F4B3DCC71DE6B4108AEE0A7B1B17348A35C837B71A94D7C1CFB0" },
    { ecdh_unwrap_cms, GCRY_MD_SHA384, GCRY_CIPHER_AES192,
      "D774E7FF198E5C96D5F5F25D6783F0C31BC152D40084F17FFAD4B904C06319B943C19E1499CBAC0A" },
    { ecdh_unwrap_cms, GCRY_MD_SHA384, GCRY_CIPHER_AES256,
      "A47591EB5986C1282DCF6F9DDACBC342CC28C70F6816473E90EAB239A0152FF017CE7141D552CD61" },
    { ecdh_unwrap_cms, GCRY_MD_SHA512, GCRY_CIPHER_AES,
      "2BD4630AC1A65F543E0FCBF5361D203F086A0DC28ECEFFDA38CC42E3AE9A57B508FDCD9AFC85A12E" },
    { ecdh_unwrap_cms, GCRY_MD_SHA512, GCRY_CIPHER_AES192,
      "239628525625448183A2560DB9D9369136B7A8105D35C48F75C145C9645F27729A899B8F89B8C373" },
    { ecdh_unwrap_cms, GCRY_MD_SHA512, GCRY_CIPHER_AES256,
      "E5785770D4134E3835D3EE1E40AE24C31DF130878FAED08FCDDFF54F4E0BCAAD024111020C0F919E" },
};

static void every_hash_and_cipher(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof derivations / sizeof *derivations; i++) {
        struct wrapped_key key = { .hash = derivations[i].hash,
                                   .cipher = derivations[i].cipher,
                                   .kdf_params = hex(INFO),
                                   .wrapped = hex(derivations[i].wrapped) };
        struct secret plain = { 0 };

        assert_ok(unwrap(derivations[i].function, Z, &key, &plain));
        assert_octets(secret_view(&plain), CEK);
        secret_free(&plain);
    }
}

static struct wrapped_key smallest(void)
{
    return (struct wrapped_key){
        .hash = GCRY_MD_SHA256,
        .cipher = GCRY_CIPHER_AES,
        .kdf_params = hex(INFO),
        .wrapped = hex("1A369F7E7E33E092F0A6C8FD95532131A14C1BFB68229F49"),
    };
}

static void shortest_and_longest_keys(void **state)
{
    struct wrapped_key key = smallest();
    struct secret plain = { 0 };

    (void)state;
    assert_ok(unwrap(ecdh_unwrap_openpgp, Z, &key, &plain));
    assert_octets(secret_view(&plain), "00112233445566778899AABBCCDDEEFF");
    secret_free(&plain);
    key.wrapped = hex("92176D7B3F3AD521B0B54886B8ECBA63A619304CC93FD5C7F9158ACAE767251F11E254D6"
                      "A76C4FB234026B9B3C182D07E2F48186BBCEDFC2B5289BB8FA3A551C1BA858A1C41B1278"
                      "A53C47029754CF1C8BC06B4963C5650F9D1C4D62C379A1D387B058DDF3D82171E69D4CD4"
                      "6B5F2279BF11C64932A81066AD4C22FAEF186F8805F59A20B6C56EA361F6724B633C4356"
                      "C90EFA2C553F833BF2BC0D786227631B1400D14E0BB3802F39FBBAF575606505C777721B"
                      "FE66CE024A2BA3CC7B451BA7FB9066DF832948B8277C7CEBC128A77F40724C0D7A9CE1BA"
                      "0233477DED62D6E6BE2E6B345992D1DDEAE03FA9A91674BBA8CF2457A47C978A");
    assert_int_equal(key.wrapped.len, WRAPPED_KEY_MAX);
    assert_ok(unwrap(ecdh_unwrap_openpgp, Z, &key, &plain));
    assert_int_equal(plain.len, 240);
    for (size_t i = 0; i < plain.len; i++)
        assert_int_equal(plain.data[i], i);
    secret_free(&plain);
}

static void check_refused(unwrap_function *function, const struct wrapped_key *key,
                          gpg_err_code_t code)
{
    struct secret plain = { 0 };

    assert_err(unwrap(function, Z, key, &plain), code);
    assert_null(plain.data);
}

static void lengths_out_of_bounds_are_refused(void **state)
{
    static const uint8_t octets[512];
    static const size_t wrapped[] = { 0, 8, 16, 23, 25, 32 - 1, 247, 249, 256, 512 };
    static const size_t params[] = { 0, KDF_PARAMS_MAX + 1, 512 };

    (void)state;
    for (size_t i = 0; i < sizeof wrapped / sizeof *wrapped; i++) {
        struct wrapped_key key = smallest();

        key.wrapped = view_of(octets, wrapped[i]);
        check_refused(ecdh_unwrap_openpgp, &key, GPG_ERR_INV_DATA);
        check_refused(ecdh_unwrap_cms, &key, GPG_ERR_INV_DATA);
    }
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        struct wrapped_key key = smallest();

        key.kdf_params = view_of(octets, params[i]);
        check_refused(ecdh_unwrap_openpgp, &key, GPG_ERR_INV_DATA);
    }
}

static void other_algorithms_are_refused(void **state)
{
    static const int ciphers[] = { 0, -1, 1, 2, 3, 4, 10, 301, 310, 99999 };
    static const int hashes[] = { 0, -1, 1, 3, 11, 99999 };

    (void)state;
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        struct wrapped_key key = smallest();

        key.cipher = ciphers[i];
        check_refused(ecdh_unwrap_openpgp, &key, GPG_ERR_CIPHER_ALGO);
        check_refused(ecdh_unwrap_cms, &key, GPG_ERR_CIPHER_ALGO);
    }
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        struct wrapped_key key = smallest();

        key.hash = hashes[i];
        check_refused(ecdh_unwrap_openpgp, &key, GPG_ERR_DIGEST_ALGO);
        check_refused(ecdh_unwrap_cms, &key, GPG_ERR_DIGEST_ALGO);
    }
}

static void sha1_is_for_cms_alone(void **state)
{
    struct wrapped_key key = smallest();

    (void)state;
    key.hash = GCRY_MD_SHA1;
    check_refused(ecdh_unwrap_openpgp, &key, GPG_ERR_DIGEST_ALGO);
    check_refused(ecdh_unwrap_cms, &key, GPG_ERR_DECRYPT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_gpg_wrote_are_opened),
        cmocka_unit_test(any_other_octet_opens_nothing),
        cmocka_unit_test(every_hash_and_cipher),
        cmocka_unit_test(shortest_and_longest_keys),
        cmocka_unit_test(lengths_out_of_bounds_are_refused),
        cmocka_unit_test(other_algorithms_are_refused),
        cmocka_unit_test(sha1_is_for_cms_alone),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
