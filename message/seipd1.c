#include "message/seipd1.h"
#include "message/symmetric.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_MAX  (SYMMETRIC_BLOCK_OCTETS + 2) /* random block, its last two octets again */
#define MDC_OCTETS  22                           /* RFC 9580 §5.13.1: D3 14 and a SHA-1 */
#define SHA1_OCTETS 20

struct seipd1 {
    gcry_cipher_hd_t cipher;
    gcry_md_hd_t md;
    struct input body;        /* of what is given out */
    size_t prefix_left;       /* octets to pass over before plaintext begins */
    uint64_t left;            /* octets of plaintext to give, the MDC not among them */
    uint8_t tail[MDC_OCTETS]; /* the last octets decrypted, not yet known to be MDC or not */
    size_t tail_len;
    uint8_t plain[PIECE_OCTETS + MDC_OCTETS];
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

/* Decrypts a piece behind the tail, hashes all but the new tail, and keeps that. */
static gpg_error_t verify_piece(struct seipd1 *s, struct view piece)
{
    size_t len = s->tail_len + piece.len;
    gpg_error_t err;

    memcpy(s->plain, s->tail, s->tail_len);
    err = gcry_cipher_decrypt(s->cipher, s->plain + s->tail_len, piece.len, piece.data, piece.len);
    if (err)
        return err;
    s->tail_len = len < MDC_OCTETS ? len : MDC_OCTETS;
    gcry_md_write(s->md, s->plain, len - s->tail_len);
    memcpy(s->tail, s->plain + len - s->tail_len, s->tail_len);
    return 0;
}

static gpg_error_t check_mdc(struct seipd1 *s, uint64_t total)
{
    if (total < s->prefix_left + MDC_OCTETS)
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    gcry_md_write(s->md, s->tail, MDC_OCTETS - SHA1_OCTETS);
    if (!secret_equal(view_of(s->tail, 2), view_of("\xd3\x14", 2)) ||
        !secret_equal(view_of(s->tail + 2, SHA1_OCTETS),
                      view_of(gcry_md_read(s->md, GCRY_MD_SHA1), SHA1_OCTETS)))
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    s->left = total - s->prefix_left - MDC_OCTETS;
    return 0;
}

/* The quick check of the prefix (RFC 9580 §5.13.1) is never made: it would tell an attacker more
 * than it tells us. */
static gpg_error_t verify(struct seipd1 *s, struct source body, const struct holding *held)
{
    struct input in = INPUT(body);
    struct view piece;
    gpg_error_t err = gcry_md_open(&s->md, GCRY_MD_SHA1, GCRY_MD_FLAG_SECURE);

    while (!err) {
        err = input_next(&in, PIECE_OCTETS, &piece);
        if (err || !piece.len)
            break;
        err = held->append(held->context, piece);
        if (!err)
            err = verify_piece(s, piece);
    }
    return err ? err : check_mdc(s, in.octets_so_far);
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
    gcry_md_close((*s)->md);
    explicit_bzero(*s, sizeof **s);
    free(*s);
    *s = NULL;
}
