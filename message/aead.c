#include "message/aead_cipher.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_OCTETS  ((size_t)4 << 20)     /* the largest chunk of version 2 */
#define BEHIND_OCTETS (2 * AEAD_TAG_OCTETS) /* a chunk's tag, and what may be the final one */

/* Part of a chunk, or all of it, at the front of the buffer. */
struct block {
    size_t len;
    bool complete; /* the chunk ends with it, and its tag follows */
    bool last;     /* so does the body: the final tag follows too */
};

struct aead {
    struct input body;
    struct aead_cipher cipher;
    struct holding held;
    bool ended;
    uint64_t chunk_octets;
    uint64_t index;               /* of the chunk at hand */
    uint64_t total;               /* octets of plaintext before it */
    uint8_t *buffer;              /* a block and what is behind it */
    size_t used;                  /* the most of it that ever was, to be wiped */
    uint8_t carry[BEHIND_OCTETS]; /* read, but of the next block */
    size_t carry_len;
    struct input again; /* a large chunk, verified, on its way out */
    uint64_t again_left;
};

/* Reads a block, of at most `left` octets, with what is behind it. */
static gpg_error_t read_block(struct aead *a, uint64_t left, struct block *block)
{
    size_t want = left < BLOCK_OCTETS ? (size_t)left : BLOCK_OCTETS;
    size_t len, behind;
    struct view ahead;
    gpg_error_t err;

    memcpy(a->buffer, a->carry, a->carry_len);
    err = input_fill(&a->body, a->buffer + a->carry_len, want + BEHIND_OCTETS - a->carry_len, &len);
    if (!err)
        err = input_peek(&a->body, &ahead);
    if (err)
        return err;
    len += a->carry_len;
    a->used = len > a->used ? len : a->used;
    if (len < BEHIND_OCTETS)
        return gpg_error(GPG_ERR_DECRYPT_FAILED);
    block->last = !ahead.len;
    block->len = len - BEHIND_OCTETS;
    block->complete = block->last || block->len == left;
    behind = block->len + (block->complete ? AEAD_TAG_OCTETS : 0);
    a->carry_len = len - behind;
    memcpy(a->carry, a->buffer + behind, a->carry_len);
    return 0;
}

/* A chunk that is larger than the buffer: verified block by block while its ciphertext is held, to
 * be deciphered once more when all of it is known to be good. */
static gpg_error_t verify_large(struct aead *a, struct block *block, uint64_t *octets)
{
    gpg_error_t err = a->held.clear(a->held.context);

    *octets = 0;
    while (!err) {
        struct view ciphertext = view_of(a->buffer, block->len);

        err = a->held.append(a->held.context, ciphertext);
        if (!err)
            err = block->complete
                      ? aead_cipher_end(&a->cipher, a->buffer, block->len, a->buffer + block->len)
                      : aead_cipher_run(&a->cipher, a->buffer, block->len);
        *octets += block->len;
        if (err || block->complete)
            break;
        err = read_block(a, a->chunk_octets - *octets, block);
    }
    return err;
}

static gpg_error_t replay_large(struct aead *a, uint64_t octets)
{
    struct source again;
    gpg_error_t err = a->held.replay(a->held.context, &again);

    if (!err)
        err = aead_cipher_begin(&a->cipher, a->index);
    a->again = INPUT(again);
    a->again_left = octets;
    return err;
}

static gpg_error_t next_of_large(struct aead *a, struct view *piece)
{
    size_t want = a->again_left < BLOCK_OCTETS ? (size_t)a->again_left : BLOCK_OCTETS;
    size_t len;
    gpg_error_t err = input_fill(&a->again, a->buffer, want, &len);

    if (!err && len < want)
        err = gpg_error(GPG_ERR_TRUNCATED); /* a holding that lost something */
    if (!err)
        err = want == a->again_left ? aead_cipher_end(&a->cipher, a->buffer, len, NULL)
                                    : aead_cipher_run(&a->cipher, a->buffer, len);
    if (err)
        return err;
    a->again_left -= len;
    if (!a->again_left)
        a->index++;
    *piece = view_of(a->buffer, len);
    return 0;
}

/* The chunk has been verified; where the body ends with it, so must the final tag be. */
static gpg_error_t finish_chunk(struct aead *a, const struct block *block, uint64_t octets)
{
    a->total += octets;
    a->ended = block->last;
    return block->last ? aead_cipher_check_final(&a->cipher, a->index + 1, a->total, a->carry) : 0;
}

static gpg_error_t next_chunk(struct aead *a, struct view *piece)
{
    uint64_t octets;
    struct block block;
    gpg_error_t err = read_block(a, a->chunk_octets, &block);
    bool large = !err && !block.complete;

    if (!err)
        err = aead_cipher_begin(&a->cipher, a->index);
    if (!err && large) {
        err = verify_large(a, &block, &octets);
    } else if (!err) {
        octets = block.len;
        err = aead_cipher_end(&a->cipher, a->buffer, block.len, a->buffer + block.len);
    }
    if (!err)
        err = finish_chunk(a, &block, octets);
    if (!err && large) {
        err = replay_large(a, octets);
        return err ? err : next_of_large(a, piece);
    }
    if (err)
        return err;
    a->index++;
    *piece = view_of(a->buffer, block.len);
    return 0;
}

/* A message of nothing has no chunk, only the final tag. */
static gpg_error_t check_empty(struct aead *a, bool *empty)
{
    uint8_t tag[AEAD_TAG_OCTETS];
    struct view ahead;
    size_t len;
    gpg_error_t err = input_fill(&a->body, tag, sizeof tag, &len);

    if (!err)
        err = input_peek(&a->body, &ahead);
    if (err)
        return err;
    *empty = len == AEAD_TAG_OCTETS && !ahead.len;
    if (*empty)
        return aead_cipher_check_final(&a->cipher, 0, 0, tag);
    memcpy(a->carry, tag, len);
    a->carry_len = len;
    return 0;
}

static gpg_error_t plaintext_next(void *context, struct view *piece)
{
    struct aead *a = context;
    gpg_error_t err = 0;

    *piece = view_of(NULL, 0);
    if (a->again_left)
        return next_of_large(a, piece);
    if (!a->ended && !a->index && !a->carry_len)
        err = check_empty(a, &a->ended);
    if (!err && !a->ended)
        err = next_chunk(a, piece);
    if (err)
        a->ended = true;
    return err;
}

gpg_error_t aead_open(struct source body, const struct aead_header *header,
                      const struct session_key *key, const struct holding *held, struct aead **a,
                      struct source *plaintext)
{
    struct aead *opened = calloc(1, sizeof *opened);
    gpg_error_t err;

    if (!opened)
        return gpg_error(GPG_ERR_ENOMEM);
    opened->body = INPUT(body);
    opened->held = *held;
    opened->chunk_octets = UINT64_C(1) << (header->chunk_octet + 6);
    err = aead_cipher_open(&opened->cipher, header, key);
    if (!err) {
        size_t block =
            opened->chunk_octets < BLOCK_OCTETS ? (size_t)opened->chunk_octets : BLOCK_OCTETS;

        opened->buffer = malloc(block + BEHIND_OCTETS);
        if (!opened->buffer)
            err = gpg_error(GPG_ERR_ENOMEM);
    }
    if (err) {
        aead_close(&opened);
        return err;
    }
    *a = opened;
    *plaintext = (struct source){ .next = plaintext_next, .context = opened };
    return 0;
}

void aead_close(struct aead **a)
{
    if (!*a)
        return;
    aead_cipher_close(&(*a)->cipher);
    if ((*a)->buffer)
        explicit_bzero((*a)->buffer, (*a)->used);
    free((*a)->buffer);
    explicit_bzero(*a, sizeof **a);
    free(*a);
    *a = NULL;
}
