#include "message/seipd1.h"
#include "message/side_digest.h"
#include "message/symmetric.h"

#include <stdlib.h>
#include <string.h>

#define MDC_OCTETS 22 /* RFC 9580 §5.13.1: D3 14 and a SHA-1 */

struct seipd1 {
    gcry_cipher_hd_t cipher;
    struct input body;  /* of what is given out */
    size_t prefix_left; /* octets to pass over before plaintext begins */
    uint64_t left;      /* octets of plaintext to give, the MDC not among them */
    uint8_t plain[PIECE_OCTETS];
};

static gpg_error_t create(const struct session_key *key, unsigned flags, struct seipd1 **s)
{
    const struct symmetric *cipher = symmetric_by_id(key->cipher);
    struct seipd1 *created;
    gpg_error_t err;

    if (!cipher)
        return gpg_error(key->cipher ? GPG_ERR_CIPHER_ALGO : GPG_ERR_DECRYPT_FAILED);
    created = calloc(1, sizeof *created);
    if (!created)
        return gpg_error(GPG_ERR_ENOMEM);
    err = symmetric_open(cipher, GCRY_CIPHER_MODE_CFB, flags, secret_view(&key->key),
                         &created->cipher);
    if (!err)
        err = gcry_cipher_setiv(created->cipher, NULL, 0);
    if (err) {
        free(created);
        return err;
    }
    created->prefix_left = cipher->block_octets + 2U;
    *s = created;
    return 0;
}

/* Fills a slot, of which `have` octets are there already, with what is decrypted; ciphertext is
 * held on the way. */
static gpg_error_t fill_slot(struct seipd1 *s, struct input *in, const struct holding *held,
                             uint8_t *slot, size_t *have)
{
    while (*have < SIDE_SLOT_OCTETS) {
        struct view piece;
        gpg_error_t err = input_next(in, SIDE_SLOT_OCTETS - *have, &piece);

        if (err || !piece.len)
            return err;
        err = held->append(held->context, piece);
        if (!err)
            err = gcry_cipher_decrypt(s->cipher, slot + *have, piece.len, piece.data, piece.len);
        if (err)
            return err;
        *have += piece.len;
    }
    return 0;
}

/* All but the last octets, which may be the MDC, are hashed with the slot that has them. */
static gpg_error_t digest_all(struct seipd1 *s, struct input *in, const struct holding *held,
                              struct side_digest *digest, uint8_t mdc[MDC_OCTETS])
{
    uint8_t *slot = side_digest_slot(digest);
    size_t have = 0;

    for (;;) {
        gpg_error_t err = fill_slot(s, in, held, slot, &have);

        if (err)
            return err;
        if (have < MDC_OCTETS)
            return gpg_error(GPG_ERR_DECRYPT_FAILED);
        memcpy(mdc, slot + have - MDC_OCTETS, MDC_OCTETS);
        side_digest_give(digest, have - MDC_OCTETS);
        if (have < SIDE_SLOT_OCTETS)
            return 0;
        slot = side_digest_slot(digest);
        memcpy(slot, mdc, MDC_OCTETS);
        have = MDC_OCTETS;
    }
}

static gpg_error_t check_mdc(struct seipd1 *s, uint64_t total, struct side_digest *digest,
                             const uint8_t mdc[MDC_OCTETS])
{
    uint8_t sha1[SHA1_OCTETS];

    if (total < s->prefix_left + MDC_OCTETS)
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    memcpy(side_digest_slot(digest), mdc, MDC_OCTETS - SHA1_OCTETS);
    side_digest_give(digest, MDC_OCTETS - SHA1_OCTETS);
    side_digest_finish(digest, sha1);
    if (!secret_equal(view_of(mdc, 2), view_of("\xd3\x14", 2)) ||
        !secret_equal(view_of(mdc + 2, SHA1_OCTETS), view_of(sha1, SHA1_OCTETS)))
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    s->left = total - s->prefix_left - MDC_OCTETS;
    return 0;
}

/* The quick check of the prefix (RFC 9580 §5.13.1) is never made: it would tell an attacker more
 * than it tells us. */
static gpg_error_t verify(struct seipd1 *s, struct source body, const struct holding *held)
{
    struct input in = INPUT(body);
    struct side_digest *digest = NULL;
    uint8_t mdc[MDC_OCTETS];
    gpg_error_t err = side_digest_open(&digest);

    if (!err)
        err = digest_all(s, &in, held, digest, mdc);
    if (!err)
        err = check_mdc(s, in.octets_so_far, digest, mdc);
    side_digest_close(&digest);
    return err;
}

static gpg_error_t decrypt_piece(struct seipd1 *s, size_t max, struct view *plain)
{
    struct view piece;
    gpg_error_t err = input_next(&s->body, max, &piece);

    if (!err)
        err = gcry_cipher_decrypt(s->cipher, s->plain, piece.len, piece.data, piece.len);
    if (!err)
        *plain = view_of(s->plain, piece.len);
    return err;
}

static gpg_error_t pass_prefix(struct seipd1 *s)
{
    while (s->prefix_left) {
        struct view piece;
        gpg_error_t err = decrypt_piece(s, s->prefix_left, &piece);

        if (err)
            return err;
        if (!piece.len)
            return gpg_error(GPG_ERR_TRUNCATED);
        s->prefix_left -= piece.len;
    }
    return 0;
}

static gpg_error_t plaintext_next(void *context, struct view *piece)
{
    struct seipd1 *s = context;
    gpg_error_t err = pass_prefix(s);

    if (!err)
        err = decrypt_piece(s, s->left < PIECE_OCTETS ? (size_t)s->left : PIECE_OCTETS, piece);
    if (!err && !piece->len && s->left)
        err = gpg_error(GPG_ERR_TRUNCATED); /* a holding that lost something */
    if (!err)
        s->left -= piece->len;
    return err;
}

gpg_error_t seipd1_open(struct source body, const struct session_key *key,
                        const struct holding *held, struct seipd1 **s, struct source *plaintext)
{
    struct seipd1 *opened = NULL;
    struct source again;
    gpg_error_t err = create(key, 0, &opened);

    if (!err)
        err = verify(opened, body, held);
    if (!err)
        err = held->replay(held->context, &again);
    if (!err)
        err = gcry_cipher_setiv(opened->cipher, NULL, 0);
    if (err) {
        seipd1_close(&opened);
        return err;
    }
    opened->body = INPUT(again);
    *s = opened;
    *plaintext = (struct source){ .next = plaintext_next, .context = opened };
    return 0;
}

/* RFC 9580 §5.7: the feedback starts anew, unaligned, after the prefix. */
static gpg_error_t unprotected_next(void *context, struct view *piece)
{
    struct seipd1 *s = context;
    gpg_error_t err;

    if (s->prefix_left) {
        err = pass_prefix(s);
        if (!err)
            err = gcry_cipher_sync(s->cipher);
        if (err)
            return err;
    }
    return decrypt_piece(s, PIECE_OCTETS, piece);
}

gpg_error_t unprotected_open(struct source body, const struct session_key *key, struct seipd1 **s,
                             struct source *plaintext)
{
    gpg_error_t err = create(key, GCRY_CIPHER_ENABLE_SYNC, s);

    if (err)
        return err;
    (*s)->body = INPUT(body);
    *plaintext = (struct source){ .next = unprotected_next, .context = *s };
    return 0;
}

void seipd1_close(struct seipd1 **s)
{
    if (!*s)
        return;
    gcry_cipher_close((*s)->cipher);
    explicit_bzero(*s, sizeof **s);
    free(*s);
    *s = NULL;
}
