#include "message/key_wrap.h"

#include <gcrypt.h>
#include <string.h>

#define CHECK_BLOCK_LEN 8
#define DIGEST_MAX      64

gpg_error_t aes_key_unwrap(int cipher, const struct secret *kek, struct view wrapped,
                           struct secret *plain)
{
    struct secret out = { 0 };
    gcry_cipher_hd_t handle;
    gpg_error_t err;

    if (wrapped.len < WRAPPED_KEY_MIN || wrapped.len > WRAPPED_KEY_MAX ||
        wrapped.len % CHECK_BLOCK_LEN)
        return gpg_error(GPG_ERR_INV_DATA);
    err = gcry_cipher_open(&handle, cipher, GCRY_CIPHER_MODE_AESWRAP, GCRY_CIPHER_SECURE);
    if (err)
        return err;
    err = gcry_cipher_setkey(handle, kek->data, kek->len);
    if (!err)
        err = secret_new(&out, wrapped.len - CHECK_BLOCK_LEN);
    if (!err && gcry_cipher_decrypt(handle, out.data, out.len, wrapped.data, wrapped.len))
        err = gpg_error(GPG_ERR_DECRYPT_FAILED);
    if (!err)
        secret_move(plain, &out);
    secret_free(&out);
    gcry_cipher_close(handle);
    return err;
}

/* T(n) = HMAC(PRK, T(n-1) ‖ info ‖ n); the first has no T before it. */
static gpg_error_t expand(gcry_md_hd_t mac, int hash, struct view info, struct secret *okm)
{
    size_t digest = gcry_md_get_algo_dlen(hash);
    const uint8_t *previous = NULL;
    uint8_t round = 1;

    for (size_t done = 0; done < okm->len; round++) {
        size_t n = okm->len - done < digest ? okm->len - done : digest;

        gcry_md_reset(mac);
        if (previous)
            gcry_md_write(mac, previous, digest);
        gcry_md_write(mac, info.data, info.len);
        gcry_md_write(mac, &round, 1);
        memcpy(okm->data + done, gcry_md_read(mac, hash), n);
        previous = okm->data + done;
        done += n;
    }
    return 0;
}

static gpg_error_t extract(gcry_md_hd_t mac, int hash, struct view ikm, struct view salt)
{
    static const uint8_t zeros[DIGEST_MAX];
    size_t digest = gcry_md_get_algo_dlen(hash);
    gpg_error_t err;

    if (!salt.len)
        salt = view_of(zeros, digest);
    err = gcry_md_setkey(mac, salt.data, salt.len);
    if (err)
        return err;
    gcry_md_write(mac, ikm.data, ikm.len);
    return 0;
}

gpg_error_t hkdf(int hash, struct view ikm, struct view salt, struct view info, size_t len,
                 struct secret *okm)
{
    size_t digest = gcry_md_get_algo_dlen(hash);
    struct secret prk = { 0 };
    struct secret out = { 0 };
    gcry_md_hd_t mac;
    gpg_error_t err;

    if (!digest || digest > DIGEST_MAX || len > 255 * digest)
        return gpg_error(GPG_ERR_INV_ARG);
    err = gcry_md_open(&mac, hash, GCRY_MD_FLAG_SECURE | GCRY_MD_FLAG_HMAC);
    if (err)
        return err;
    err = extract(mac, hash, ikm, salt);
    if (!err)
        err = secret_copy(&prk, view_of(gcry_md_read(mac, hash), digest));
    if (!err)
        err = gcry_md_setkey(mac, prk.data, prk.len);
    if (!err)
        err = secret_new(&out, len);
    if (!err)
        err = expand(mac, hash, info, &out);
    if (!err)
        secret_move(okm, &out);
    secret_free(&out);
    secret_free(&prk);
    gcry_md_close(mac);
    return err;
}
