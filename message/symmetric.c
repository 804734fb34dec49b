#include "message/symmetric.h"

static const struct symmetric ciphers[] = {
    { 2, GCRY_CIPHER_3DES, 24, 8 },
    { 3, GCRY_CIPHER_CAST5, 16, 8 },
    { SYMMETRIC_AES128, GCRY_CIPHER_AES128, 16, 16 },
    { SYMMETRIC_AES192, GCRY_CIPHER_AES192, 24, 16 },
    { SYMMETRIC_AES256, GCRY_CIPHER_AES256, 32, 16 },
    { 10, GCRY_CIPHER_TWOFISH, 32, 16 },
    { 11, GCRY_CIPHER_CAMELLIA128, 16, 16 },
    { 12, GCRY_CIPHER_CAMELLIA192, 24, 16 },
    { 13, GCRY_CIPHER_CAMELLIA256, 32, 16 },
};

const struct symmetric *symmetric_by_id(uint8_t id)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        if (ciphers[i].id == id)
            return &ciphers[i];
    }
    return NULL;
}

gpg_error_t symmetric_open(const struct symmetric *cipher, int mode, unsigned flags,
                           struct view key, gcry_cipher_hd_t *handle)
{
    gcry_cipher_hd_t opened;
    gpg_error_t err;

    if (key.len != cipher->key_octets)
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    err = gcry_cipher_open(&opened, (int)cipher->gcrypt, mode, flags | GCRY_CIPHER_SECURE);
    if (err)
        return err;
    err = gcry_cipher_setkey(opened, key.data, key.len);
    if (err && gpg_err_code(err) != GPG_ERR_WEAK_KEY) {
        gcry_cipher_close(opened);
        return err;
    }
    *handle = opened;
    return 0;
}
