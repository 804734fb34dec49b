/* DO F9, and the digest it asks for against one of the whole repeated string. */
#include "apdu/kdf_do.h"
#include "tests/fuzz/fuzz.h"

#include <gcrypt.h>

#define COUNT_TRIED_MAX 2048

static void check_digest(const struct kdf_do *kdf, enum password which, const struct secret *pin,
                         const struct secret *sent)
{
    const struct kdf_salt *salt = which == PASSWORD_PW3 ? &kdf->pw3 : &kdf->pw1;
    uint8_t string[COUNT_TRIED_MAX + 64], digest[KDF_DIGEST_MAX];
    size_t block = salt->len + pin->len;
    size_t len = kdf->count > block ? kdf->count : block;

    for (size_t i = 0; i < len; i++) {
        size_t at = i % block;

        string[i] = at < salt->len ? salt->bytes[at] : pin->data[at - salt->len];
    }
    gcry_md_hash_buffer(kdf->hash, digest, string, len);
    FUZZ_CHECK(
        secret_equal(secret_view(sent), view_of(digest, kdf->hash == GCRY_MD_SHA512 ? 64 : 32)));
}

static void check_apply(const struct kdf_do *kdf, enum password which)
{
    struct secret pin = { 0 };
    struct secret sent = { 0 };

    FUZZ_CHECK(!secret_copy(&pin, view_of("123456", 6)));
    FUZZ_CHECK(!kdf_do_apply(kdf, which, &pin, &sent));
    if (kdf->active)
        check_digest(kdf, which, &pin, &sent);
    else
        FUZZ_CHECK(secret_equal(secret_view(&sent), secret_view(&pin)));
    secret_free(&pin);
    secret_free(&sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kdf_do kdf;

    if (secret_init_library())
        return 0;
    fuzz_mark(&kdf, sizeof kdf);
    if (kdf_do_parse(view_of(data, size), &kdf)) {
        FUZZ_CHECK(fuzz_marked(&kdf, sizeof kdf));
        return 0;
    }
    if (kdf.active)
        FUZZ_CHECK(kdf.count <= KDF_COUNT_MAX && kdf.pw1.len > 0 && kdf.pw3.len > 0 &&
                   kdf.pw1.len <= KDF_SALT_MAX && kdf.pw3.len <= KDF_SALT_MAX);
    if (kdf.active && kdf.count > COUNT_TRIED_MAX)
        return 0;
    check_apply(&kdf, PASSWORD_PW1);
    check_apply(&kdf, PASSWORD_PW3);
    return 0;
}
