/* Byte strings: a view borrows bytes and is read from its front; a buffer owns them.
 *
 * Both are bounded: a view never reads past its end, a buffer never grows past the cap it was made
 * with. A buffer wipes whatever it gives up, so it may carry what is secret for a moment; what
 * stays secret for longer lives in a struct secret (base/secret.h). */
#pragma once

#include <gpg-error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view {
    const uint8_t *data;
    size_t len;
};

/* Zero-initialise with BUFFER(cap) or buffer_init. `data` is owned; NULL while empty. */
struct buffer {
    uint8_t *data;
    size_t len;
    size_t size; /* allocated */
    size_t max;  /* cap of len */
};

#define BUFFER(cap)                                                                                \
    (struct buffer)                                                                                \
    {                                                                                              \
        .max = (cap)                                                                               \
    }

static inline struct view view_of(const void *data, size_t len)
{
    return (struct view){ .data = data, .len = len };
}

static inline struct view buffer_view(const struct buffer *b)
{
    return view_of(b->data, b->len);
}

/* True if both hold the same bytes. Not for secrets: see secret_equal. */
bool view_equal(struct view a, struct view b);

/* Readers: take from the front of *v. False, with *v and the output untouched, when *v is too
 * short. Numbers are big-endian. */
bool view_take(struct view *v, size_t n, struct view *taken);
bool view_u8(struct view *v, uint8_t *value);
bool view_u16(struct view *v, uint16_t *value);
bool view_u32(struct view *v, uint32_t *value);

/* The rest of v after its leading zero octets: a big-endian number in its shortest form. */
struct view view_strip_zeros(struct view v);

/* Writers: append to the end. GPG_ERR_TOO_LARGE past the cap, GPG_ERR_ENOMEM; b is untouched then.
 */
gpg_error_t buffer_append(struct buffer *b, const void *data, size_t len);
gpg_error_t buffer_append_view(struct buffer *b, struct view v);
gpg_error_t buffer_append_u8(struct buffer *b, uint8_t value);
gpg_error_t buffer_append_u16(struct buffer *b, uint16_t value);
gpg_error_t buffer_append_u32(struct buffer *b, uint32_t value);

/* Makes room for n more bytes and returns where they begin, NULL past the cap or without memory.
 * The caller writes there and then adds what it wrote to b->len. */
uint8_t *buffer_reserve(struct buffer *b, size_t n);

/* Keeps the first len bytes and wipes the rest. */
void buffer_truncate(struct buffer *b, size_t len);

/* Drops the content (wiped), keeps the memory. */
void buffer_clear(struct buffer *b);

/* Wipes and releases; b stays usable and empty. Accepts an empty buffer. */
void buffer_free(struct buffer *b);
