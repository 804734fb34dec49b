#include "message/ecdh_kdf.h"
#include "message/ecdh_unwrap.h"
#include "message/symmetric.h"

#include <string.h>

#define SENDER        "Anonymous Sender    " /* RFC 9580 §11.5 */
#define SENDER_OCTETS 20
#define OID_MAX       127
#define IKM_MAX       (3 * 56) /* ephemeral, recipient and shared coordinate of X448 */

/* libgcrypt's numbers for OpenPGP's, 0 for what ECDH does not allow (RFC 9580 §11.5.1). */
static int kdf_hash(uint8_t hash)
{
    switch (hash) {
    case HASH_SHA256:
        return GCRY_MD_SHA256;
    case HASH_SHA384:
        return GCRY_MD_SHA384;
    case HASH_SHA512:
        return GCRY_MD_SHA512;
    default:
        return 0;
    }
}

static int kdf_cipher(uint8_t cipher)
{
    if (cipher < SYMMETRIC_AES128 || cipher > SYMMETRIC_AES256)
        return 0;
    return (int)symmetric_by_id(cipher)->gcrypt;
}

/* The fingerprint of a version 5 key is cut to the length of a version 4 one (LibrePGP §12.4). */
static struct view kdf_fingerprint(const struct recipient *recipient)
{
    struct view all = recipient->fingerprint;

    if (recipient->version == 5 && all.len == FINGERPRINT_OCTETS_V6)
        return view_of(all.data, FINGERPRINT_OCTETS_V4);
    return all;
}

/* Writes the "Param" of RFC 9580 §11.5 for a recipient; len octets of out (KDF_PARAMS_MAX). False
 * when the recipient is not well formed. */
static bool write_kdf_params(const struct recipient *recipient, uint8_t *out, size_t *len)
{
    struct buffer params = BUFFER(KDF_PARAMS_MAX);
    const uint8_t fixed[] = { ALGORITHM_ECDH, 0x03, 0x01, recipient->kdf_hash,
                              recipient->kdf_cipher };
    struct view fingerprint = kdf_fingerprint(recipient);
    bool good;

    if (!recipient->oid.len || recipient->oid.len > OID_MAX ||
        fingerprint.len !=
            (recipient->version == 6 ? FINGERPRINT_OCTETS_V6 : FINGERPRINT_OCTETS_V4))
        return false;
    good = !buffer_append_u8(&params, (uint8_t)recipient->oid.len) &&
           !buffer_append_view(&params, recipient->oid) &&
           !buffer_append(&params, fixed, sizeof fixed) &&
           !buffer_append(&params, SENDER, SENDER_OCTETS) &&
           !buffer_append_view(&params, fingerprint);
    if (good) {
        memcpy(out, params.data, params.len);
        *len = params.len;
    }
    buffer_free(&params);
    return good;
}

gpg_error_t ecdh_unwrap_frame(const struct pkesk *p, const struct recipient *recipient,
                              const struct secret *z, struct secret *frame)
{
    uint8_t params[KDF_PARAMS_MAX];
    size_t params_len;
    struct wrapped_key key = {
        .cipher = kdf_cipher(recipient->kdf_cipher),
        .hash = kdf_hash(recipient->kdf_hash),
        .wrapped = view_of(p->wrapped, p->wrapped_len),
    };

    if (!key.cipher || !key.hash || !write_kdf_params(recipient, params, &params_len))
        return gpg_error(GPG_ERR_INV_ARG);
    key.kdf_params = view_of(params, params_len);
    return ecdh_unwrap_openpgp(z, &key, frame);
}

/* RFC 7748 §6: a point of small order gives zeros, whatever the key. */
static bool all_zero(const struct secret *z)
{
    uint8_t any = 0;

    for (size_t i = 0; i < z->len; i++)
        any |= z->data[i];
    return !any;
}

static gpg_error_t derive_kek(const struct pkesk *p, struct view recipient_point,
                              const struct secret *z, struct secret *kek)
{
    bool x448 = p->algorithm == ALGORITHM_X448;
    struct view info = x448 ? view_of("OpenPGP X448", 12) : view_of("OpenPGP X25519", 14);
    struct secret ikm = { 0 };
    size_t n = p->encrypted_len;
    gpg_error_t err = secret_new(&ikm, IKM_MAX);

    if (err)
        return err;
    memcpy(ikm.data, p->encrypted, n);
    memcpy(ikm.data + n, recipient_point.data, n);
    memcpy(ikm.data + 2 * n, z->data, n);
    secret_truncate(&ikm, 3 * n);
    err = hkdf(x448 ? GCRY_MD_SHA512 : GCRY_MD_SHA256, secret_view(&ikm), view_of(NULL, 0), info,
               x448 ? 32 : 16, kek);
    secret_free(&ikm);
    return err;
}

gpg_error_t montgomery_unwrap(const struct pkesk *p, struct view recipient_point,
                              const struct secret *z, struct secret *octets)
{
    int cipher = p->algorithm == ALGORITHM_X448 ? GCRY_CIPHER_AES256 : GCRY_CIPHER_AES128;
    struct secret kek = { 0 };
    gpg_error_t err;

    if (recipient_point.len != p->encrypted_len || 3 * p->encrypted_len > IKM_MAX)
        return gpg_error(GPG_ERR_INV_ARG);
    if (z->len != p->encrypted_len || all_zero(z))
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    err = derive_kek(p, recipient_point, z, &kek);
    if (!err)
        err = aes_key_unwrap(cipher, &kek, view_of(p->wrapped, p->wrapped_len), octets);
    secret_free(&kek);
    return err;
}
