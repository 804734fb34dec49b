#include "message/seipd1.h"
#include "message/side_digest.h"
#include "message/symmetric.h"

#include <stdlib.h>
#include <string.h>

#define MDC_OCTETS 22 /* RFC 9580 §5.13.1: D3 14 and a SHA-1 */

struct seipd1 {
    gcry_cipher_hd_t cipher;
    struct input body;
    size_t prefix_left; /* octets to pass over before plaintext begins */
    /* While the body is verified: */
    struct side_digest *digest;
    uint8_t tail[MDC_OCTETS]; /* the last octets so far, for they may be the MDC */
    size_t tail_len;
    bool ended;
    gpg_error_t verdict; /* when it has ended */
    /* When it is given out from where it was held: */
    const struct holding *held;
    uint64_t left; /* octets of plaintext to give, the MDC not among them */
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

/* Fills a slot, of which `have` octets are there already, with what is decrypted. */
static gpg_error_t fill_slot(struct seipd1 *s, uint8_t *slot, size_t *have)
{
    while (*have < SIDE_SLOT_OCTETS) {
        struct view piece;
        gpg_error_t err = input_next(&s->body, SIDE_SLOT_OCTETS - *have, &piece);

        if (!err && !piece.len)
            break;
        if (!err)
            err = gcry_cipher_decrypt(s->cipher, slot + *have, piece.len, piece.data, piece.len);
        if (err)
            return err;
        *have += piece.len;
    }
    return *have < MDC_OCTETS ? gpg_error(GPG_ERR_DECRYPT_FAILED) : 0;
}

static gpg_error_t check_mdc(struct seipd1 *s)
{
    uint8_t sha1[SHA1_OCTETS];

    if (s->body.octets_so_far < s->prefix_left + MDC_OCTETS)
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    side_digest_finish(s->digest, view_of(s->tail, MDC_OCTETS - SHA1_OCTETS), sha1);
    if (!secret_equal(view_of(s->tail, 2), view_of("\xd3\x14", 2)) ||
        !secret_equal(view_of(s->tail + 2, SHA1_OCTETS), view_of(sha1, SHA1_OCTETS)))
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    return 0;
}

/* All but the last octets of a slot are given out, and hashed at the same time; those begin the
 * next one. */
static gpg_error_t read_slot(struct seipd1 *s, struct view *piece)
{
    uint8_t *slot = side_digest_slot(s->digest);
    size_t have = s->tail_len;
    gpg_error_t err;

    memcpy(slot, s->tail, have);
    err = fill_slot(s, slot, &have);
    if (err)
        return err;
    s->ended = have < SIDE_SLOT_OCTETS;
    s->tail_len = MDC_OCTETS;
    have -= MDC_OCTETS;
    memcpy(s->tail, slot + have, MDC_OCTETS);
    side_digest_give(s->digest, have);
    if (s->ended)
        err = check_mdc(s);
    if (err)
        return err;
    *piece = view_of(slot + s->prefix_left, have - s->prefix_left);
    s->prefix_left = 0;
    return 0;
}

static gpg_error_t unverified_next(void *context, struct view *piece)
{
    struct seipd1 *s = context;

    *piece = view_of(NULL, 0);
    if (s->ended)
        return s->verdict;
    s->verdict = read_slot(s, piece);
    s->ended |= s->verdict != 0;
    return s->verdict;
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

static gpg_error_t held_next(void *context, struct view *piece)
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

gpg_error_t seipd1_open(struct source body, const struct session_key *key, struct seipd1 **s,
                        struct source *plaintext)
{
    struct seipd1 *opened = NULL;
    gpg_error_t err = create(key, 0, &opened);

    if (!err)
        err = side_digest_open(&opened->digest);
    if (err) {
        seipd1_close(&opened);
        return err;
    }
    opened->body = INPUT(body);
    *s = opened;
    *plaintext = (struct source){ .next = unverified_next, .context = opened };
    return 0;
}

/* The quick check of the prefix (RFC 9580 §5.13.1) is never made: it would tell an attacker more
 * than it tells us. */
gpg_error_t seipd1_verify(struct seipd1 *s)
{
    struct view piece;

    while (!s->ended)
        unverified_next(s, &piece);
    return s->verdict;
}

/* Gives out once more what has been verified. */
static gpg_error_t rewind_held(struct seipd1 *s, size_t prefix)
{
    struct source again;
    gpg_error_t err = s->held->replay(s->held->context, &again);

    if (!err)
        err = gcry_cipher_setiv(s->cipher, NULL, 0);
    if (err)
        return err;
    s->left = s->body.octets_so_far - prefix - MDC_OCTETS;
    s->prefix_left = prefix;
    s->body = INPUT(again);
    return 0;
}

gpg_error_t seipd1_open_held(struct source body, const struct session_key *key,
                             const struct holding *held, struct seipd1 **s,
                             struct source *plaintext)
{
    struct keeping_source keeping = { .from = body, .held = held };
    struct seipd1 *opened = NULL;
    size_t prefix;
    gpg_error_t err = seipd1_open(keeping_source(&keeping), key, &opened, plaintext);

    if (err)
        return err;
    prefix = opened->prefix_left;
    err = seipd1_verify(opened);
    side_digest_close(&opened->digest);
    opened->held = held;
    if (!err)
        err = rewind_held(opened, prefix);
    if (err) {
        seipd1_close(&opened);
        return err;
    }
    *s = opened;
    *plaintext = (struct source){ .next = held_next, .context = opened };
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
    side_digest_close(&(*s)->digest);
    gcry_cipher_close((*s)->cipher);
    explicit_bzero(*s, sizeof **s);
    free(*s);
    *s = NULL;
}
