#include "message/aead_cipher.h"
#include "message/packet.h"
#include "message/symmetric.h"

#include <string.h>

#define INDEX_OCTETS              8
#define ADDITIONAL_MAX            (AEAD_FIXED_OCTETS + 2 * INDEX_OCTETS)
#define PACKET_20_CHUNK_OCTET_MAX 56 /* LibrePGP §5.16 */

static size_t nonce_octets(uint8_t mode)
{
    return mode == AEAD_EAX ? 16 : mode == AEAD_OCB ? 15 : 12; /* RFC 9580 §9.6 */
}

static int gcrypt_mode(uint8_t mode)
{
    return mode == AEAD_EAX   ? GCRY_CIPHER_MODE_EAX
           : mode == AEAD_OCB ? GCRY_CIPHER_MODE_OCB
                              : GCRY_CIPHER_MODE_GCM;
}

gpg_error_t aead_read_header(struct input *body, bool packet_20, struct aead_header *header)
{
    struct aead_header read = { .packet_20 = packet_20 };
    const struct symmetric *cipher;
    uint8_t octets[3];
    gpg_error_t err = input_read(body, octets, sizeof octets);

    if (err)
        return err;
    read.cipher = octets[0];
    read.mode = octets[1];
    read.chunk_octet = octets[2];
    cipher = symmetric_by_id(read.cipher);
    if (!cipher || cipher->block_octets != 16)
        return gpg_error(GPG_ERR_CIPHER_ALGO);
    if (read.mode < AEAD_EAX || read.mode > (packet_20 ? AEAD_OCB : AEAD_GCM))
        return gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    if (read.chunk_octet > (packet_20 ? PACKET_20_CHUNK_OCTET_MAX : AEAD_CHUNK_OCTET_MAX))
        return gpg_error(GPG_ERR_INV_PACKET);
    err = input_read(body, read.salt, packet_20 ? nonce_octets(read.mode) : AEAD_SALT_OCTETS);
    if (!err)
        *header = read;
    return err;
}

static void append_number(uint8_t *to, uint64_t number)
{
    for (int i = 0; i < INDEX_OCTETS; i++)
        to[i] = (uint8_t)(number >> (8 * (INDEX_OCTETS - 1 - i)));
}

/* Version 2 puts the index behind its nonce (RFC 9580 §5.13.2), packet 20 adds it into its own. */
static gpg_error_t set_nonce(struct aead_cipher *c, uint64_t index)
{
    uint8_t nonce[AEAD_NONCE_OCTETS_MAX];
    uint8_t number[INDEX_OCTETS];
    size_t start = c->nonce_len - INDEX_OCTETS;
    gpg_error_t err;

    append_number(number, index);
    memcpy(nonce, c->nonce, sizeof nonce);
    for (size_t i = 0; i < INDEX_OCTETS; i++)
        nonce[start + i] ^= number[i];
    err = gcry_cipher_reset(c->handle);
    return err ? err : gcry_cipher_setiv(c->handle, nonce, c->nonce_len);
}

static gpg_error_t authenticate(struct aead_cipher *c, uint64_t index, const uint64_t *total)
{
    uint8_t additional[ADDITIONAL_MAX];
    size_t len = AEAD_FIXED_OCTETS;

    memcpy(additional, c->fixed, AEAD_FIXED_OCTETS);
    if (c->packet_20) {
        append_number(additional + len, index);
        len += INDEX_OCTETS;
    }
    if (total) {
        append_number(additional + len, *total);
        len += INDEX_OCTETS;
    }
    return gcry_cipher_authenticate(c->handle, additional, len);
}

gpg_error_t aead_cipher_begin(struct aead_cipher *c, uint64_t index)
{
    gpg_error_t err = set_nonce(c, index);

    return err ? err : authenticate(c, index, NULL);
}

gpg_error_t aead_cipher_run(struct aead_cipher *c, uint8_t *octets, size_t len)
{
    return gcry_cipher_decrypt(c->handle, octets, len, NULL, 0);
}

gpg_error_t aead_cipher_end(struct aead_cipher *c, uint8_t *octets, size_t len, const uint8_t *tag)
{
    gpg_error_t err = gcry_cipher_final(c->handle);

    if (!err)
        err = gcry_cipher_decrypt(c->handle, octets, len, NULL, 0);
    if (!err && tag && gcry_cipher_checktag(c->handle, tag, AEAD_TAG_OCTETS))
        err = gpg_error(GPG_ERR_DECRYPT_FAILED);
    return err;
}

/* The final tag stands in the place of the chunk after the last. */
gpg_error_t aead_cipher_check_final(struct aead_cipher *c, uint64_t chunks, uint64_t total,
                                    const uint8_t *tag)
{
    gpg_error_t err = set_nonce(c, chunks);

    if (!err)
        err = authenticate(c, chunks, &total);
    return err ? err : aead_cipher_end(c, NULL, 0, tag);
}

/* RFC 9580 §5.13.2: message key and nonce come from the session key and the salt. */
static gpg_error_t derive_v2(struct aead_cipher *c, const struct symmetric *cipher,
                             const struct aead_header *header, const struct session_key *key,
                             struct secret *message_key)
{
    size_t nonce_len = c->nonce_len - INDEX_OCTETS;
    gpg_error_t err =
        hkdf(GCRY_MD_SHA256, secret_view(&key->key), view_of(header->salt, AEAD_SALT_OCTETS),
             view_of(c->fixed, AEAD_FIXED_OCTETS), cipher->key_octets + nonce_len, message_key);

    if (err)
        return err;
    memcpy(c->nonce, message_key->data + cipher->key_octets, nonce_len);
    secret_truncate(message_key, cipher->key_octets);
    return 0;
}

gpg_error_t aead_cipher_open(struct aead_cipher *c, const struct aead_header *header,
                             const struct session_key *key)
{
    const struct symmetric *cipher = symmetric_by_id(header->cipher);
    struct secret message_key = { 0 };
    gpg_error_t err;

    if (key->key.len != cipher->key_octets || (key->cipher && key->cipher != header->cipher))
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    c->packet_20 = header->packet_20;
    c->nonce_len = nonce_octets(header->mode);
    c->fixed[0] = (uint8_t)(0xc0 | (header->packet_20 ? PACKET_AEAD : PACKET_SEIPD));
    c->fixed[1] = header->packet_20 ? 1 : 2;
    c->fixed[2] = header->cipher;
    c->fixed[3] = header->mode;
    c->fixed[4] = header->chunk_octet;
    if (header->packet_20) {
        memcpy(c->nonce, header->salt, c->nonce_len);
        err = secret_copy(&message_key, secret_view(&key->key));
    } else {
        err = derive_v2(c, cipher, header, key, &message_key);
    }
    if (!err)
        err = symmetric_open(cipher, gcrypt_mode(header->mode), 0, secret_view(&message_key),
                             &c->handle);
    secret_free(&message_key);
    return err;
}

void aead_cipher_close(struct aead_cipher *c)
{
    gcry_cipher_close(c->handle);
    explicit_bzero(c, sizeof *c);
}
