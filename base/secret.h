/* Secrets: PINs, shared points, session keys. They live in libgcrypt's secure memory (locked, wiped
 * when freed) and are a type of their own, so that handing one to a log function does not compile.
 */
#pragma once

#include "base/bytes.h"

/* Zero-initialised means none. `data` is owned. */
struct secret {
    unsigned char *data;
    size_t len;
};

/* Prepares libgcrypt and its secure memory; once per process, before any other call of this header.
 * GPG_ERR_NOT_SUPPORTED when the library is older than the one we were built for. */
gpg_error_t secret_init_library(void);

/* Allocates len bytes, zeroed. *s must be empty. GPG_ERR_ENOMEM. */
gpg_error_t secret_new(struct secret *s, size_t len);

/* Allocates and fills. The source is not wiped. */
gpg_error_t secret_copy(struct secret *s, struct view from);

/* Keeps the first len bytes and wipes the rest. */
void secret_truncate(struct secret *s, size_t len);

/* Moves the content; *to is freed first, *from is empty afterwards. */
void secret_move(struct secret *to, struct secret *from);

/* Wipes, frees, clears. Accepts an empty one. */
void secret_free(struct secret *s);

/* Borrowed view for the one consumer that needs the bytes. Never log it. */
struct view secret_view(const struct secret *s);

/* Compares in time that depends on the lengths alone. */
bool secret_equal(struct view a, struct view b);
