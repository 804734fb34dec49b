#include "apdu/kdf_do.h"

#include "apdu/tlv.h"

#include <gcrypt.h>
#include <string.h>

#define TAG_KDF       0xf9
#define TAG_ALGORITHM 0x81
#define TAG_HASH      0x82
#define TAG_COUNT     0x83
#define TAG_SALT_PW1  0x84
#define TAG_SALT_PW3  0x86

#define ALGORITHM_NONE            0x00
#define ALGORITHM_ITERATED_SALTED 0x03

/* RFC 9580 §9.5 */
#define HASH_SHA256 0x08
#define HASH_SHA512 0x0a

static bool read_octet(struct view content, uint32_t tag, uint8_t *value)
{
    struct view v;

    return tlv_find(content, tag, &v) && v.len == 1 && view_u8(&v, value);
}

static bool read_count(struct view content, uint32_t *count)
{
    struct view v;

    return tlv_find(content, TAG_COUNT, &v) && v.len == 4 && view_u32(&v, count);
}

/* An object without octets counts as absent. */
static bool find_salt(struct view content, uint32_t tag, struct view *salt)
{
    return tlv_find(content, tag, salt) && salt->len > 0;
}

static bool copy_salt(struct view v, struct kdf_salt *salt)
{
    if (v.len > sizeof salt->bytes)
        return false;
    memcpy(salt->bytes, v.data, v.len);
    salt->len = v.len;
    return true;
}

/* One salt may serve all passwords (GnuPG "kdf-setup single", Gnuk). A second one that cannot be
 * read is no absent one: the first in its place would make every PIN wrong. */
static bool read_salts(struct view content, struct kdf_do *kdf)
{
    struct view pw1, pw3;

    if (!find_salt(content, TAG_SALT_PW1, &pw1))
        return false;
    if (!find_salt(content, TAG_SALT_PW3, &pw3))
        pw3 = pw1;
    return copy_salt(pw1, &kdf->pw1) && copy_salt(pw3, &kdf->pw3);
}

gpg_error_t kdf_do_parse(struct view answer, struct kdf_do *r_kdf)
{
    struct view content = tlv_content(answer, TAG_KDF, 0);
    gpg_error_t unsupported = gpg_error(GPG_ERR_UNSUPPORTED_PROTOCOL);
    struct kdf_do kdf = { .active = true };
    uint8_t algorithm, hash;

    if (content.len == 0) {
        *r_kdf = (struct kdf_do){ 0 };
        return 0;
    }
    if (!read_octet(content, TAG_ALGORITHM, &algorithm))
        return unsupported;
    if (algorithm == ALGORITHM_NONE) {
        *r_kdf = (struct kdf_do){ 0 };
        return 0;
    }
    if (algorithm != ALGORITHM_ITERATED_SALTED || !read_octet(content, TAG_HASH, &hash) ||
        !read_count(content, &kdf.count) || !read_salts(content, &kdf))
        return unsupported;
    if ((hash != HASH_SHA256 && hash != HASH_SHA512) || kdf.count > KDF_COUNT_MAX)
        return unsupported;
    kdf.hash = hash == HASH_SHA256 ? GCRY_MD_SHA256 : GCRY_MD_SHA512;
    *r_kdf = kdf;
    return 0;
}

/* Hashes salt and PIN again and again, until exactly `count` octets went in. */
static void hash_repeated(gcry_md_hd_t md, const struct secret *block, uint32_t count)
{
    size_t left = count > block->len ? count : block->len;

    while (left > 0) {
        size_t n = left < block->len ? left : block->len;

        gcry_md_write(md, block->data, n);
        left -= n;
    }
}

gpg_error_t kdf_do_apply(const struct kdf_do *kdf, enum password which, const struct secret *pin,
                         struct secret *sent)
{
    const struct kdf_salt *salt = which == PASSWORD_PW3 ? &kdf->pw3 : &kdf->pw1;
    struct secret block = { 0 };
    gcry_md_hd_t md = NULL;
    gpg_error_t err;

    /* Hashed, nothing would look like a PIN to the card, and cost a try. */
    if (pin->len == 0)
        return gpg_error(GPG_ERR_BAD_PIN);
    if (!kdf->active)
        return secret_copy(sent, secret_view(pin));
    err = secret_new(&block, salt->len + pin->len);
    if (err)
        goto leave;
    memcpy(block.data, salt->bytes, salt->len);
    memcpy(block.data + salt->len, pin->data, pin->len);
    err = gcry_md_open(&md, kdf->hash, GCRY_MD_FLAG_SECURE);
    if (err)
        goto leave;
    hash_repeated(md, &block, kdf->count);
    err = secret_copy(sent, view_of(gcry_md_read(md, kdf->hash), gcry_md_get_algo_dlen(kdf->hash)));
leave:
    gcry_md_close(md);
    secret_free(&block);
    return err;
}
