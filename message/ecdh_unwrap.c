#include "message/ecdh_unwrap.h"

#include <gcrypt.h>
#include <string.h>

static gpg_error_t check(const struct wrapped_key *key, bool sha1_allowed)
{
    switch (key->cipher) {
    case GCRY_CIPHER_AES:
    case GCRY_CIPHER_AES192:
    case GCRY_CIPHER_AES256:
        break;
    default:
        return gpg_error(GPG_ERR_CIPHER_ALGO);
    }
    switch (key->hash) {
    case GCRY_MD_SHA256:
    case GCRY_MD_SHA384:
    case GCRY_MD_SHA512:
        break;
    case GCRY_MD_SHA1:
        if (sha1_allowed)
            break;
        return gpg_error(GPG_ERR_DIGEST_ALGO);
    default:
        return gpg_error(GPG_ERR_DIGEST_ALGO);
    }
    if (key->kdf_params.len == 0 || key->kdf_params.len > KDF_PARAMS_MAX)
        return gpg_error(GPG_ERR_INV_DATA);
    return 0;
}

/* One round of either derivation: the counter stands before Z in RFC 6637 and behind it in X9.63.
 */
static gpg_error_t derive_round(const struct secret *z, const struct wrapped_key *key,
                                uint8_t counter, bool counter_first, uint8_t *out, size_t len)
{
    const uint8_t count[4] = { 0, 0, 0, counter };
    gcry_md_hd_t md;
    gpg_error_t err = gcry_md_open(&md, key->hash, GCRY_MD_FLAG_SECURE);

    if (err)
        return err;
    if (counter_first)
        gcry_md_write(md, count, sizeof count);
    gcry_md_write(md, z->data, z->len);
    if (!counter_first)
        gcry_md_write(md, count, sizeof count);
    gcry_md_write(md, key->kdf_params.data, key->kdf_params.len);
    memcpy(out, gcry_md_read(md, key->hash), len);
    gcry_md_close(md);
    return 0;
}

static gpg_error_t derive_kek(const struct secret *z, const struct wrapped_key *key, bool cms,
                              struct secret *kek)
{
    size_t need = gcry_cipher_get_algo_keylen(key->cipher);
    size_t digest = gcry_md_get_algo_dlen(key->hash);
    gpg_error_t err = secret_new(kek, need);
    size_t done = 0;

    for (uint8_t counter = 1; done < need && !err; counter++) {
        size_t n = need - done < digest ? need - done : digest;

        err = derive_round(z, key, counter, !cms, kek->data + done, n);
        done += n;
    }
    return err;
}

static gpg_error_t derive_and_unwrap(const struct secret *z, const struct wrapped_key *key,
                                     bool cms, struct secret *plain)
{
    struct secret kek = { 0 };
    gpg_error_t err = check(key, cms);

    if (!err)
        err = derive_kek(z, key, cms, &kek);
    if (!err)
        err = aes_key_unwrap(key->cipher, &kek, key->wrapped, plain);
    secret_free(&kek);
    return err;
}

gpg_error_t ecdh_unwrap_openpgp(const struct secret *z, const struct wrapped_key *key,
                                struct secret *frame)
{
    return derive_and_unwrap(z, key, false, frame);
}

gpg_error_t ecdh_unwrap_cms(const struct secret *z, const struct wrapped_key *key,
                            struct secret *content_key)
{
    return derive_and_unwrap(z, key, true, content_key);
}
