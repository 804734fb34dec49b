#include "base/secret.h"

#include <gcrypt.h>
#include <string.h>

/* One PIN cache entry per card, the 17 KiB of the agent's session keys where it remembers them, and
 * a few requests in flight. It does not grow: what does not fit is GPG_ERR_ENOMEM. */
#define SECURE_MEMORY_BYTES (96 * 1024)

gpg_error_t secret_init_library(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return 0;
    if (!gcry_check_version(GCRYPT_VERSION))
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    gcry_control(GCRYCTL_SUSPEND_SECMEM_WARN);
    gcry_control(GCRYCTL_INIT_SECMEM, SECURE_MEMORY_BYTES, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return 0;
}

gpg_error_t secret_new(struct secret *s, size_t len)
{
    /* A secret of no bytes is still a secret, distinct from none. */
    s->data = gcry_calloc_secure(1, len ? len : 1);
    if (!s->data)
        return gpg_error(GPG_ERR_ENOMEM);
    s->len = len;
    return 0;
}

gpg_error_t secret_copy(struct secret *s, struct view from)
{
    gpg_error_t err = secret_new(s, from.len);

    if (!err && from.len)
        memcpy(s->data, from.data, from.len);
    return err;
}

void secret_truncate(struct secret *s, size_t len)
{
    if (len >= s->len)
        return;
    explicit_bzero(s->data + len, s->len - len);
    s->len = len;
}

void secret_move(struct secret *to, struct secret *from)
{
    secret_free(to);
    *to = *from;
    *from = (struct secret){ 0 };
}

void secret_free(struct secret *s)
{
    if (s->data) {
        explicit_bzero(s->data, s->len);
        gcry_free(s->data);
    }
    *s = (struct secret){ 0 };
}

struct view secret_view(const struct secret *s)
{
    return view_of(s->data, s->len);
}

bool secret_equal(struct view a, struct view b)
{
    unsigned char difference = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        difference |= a.data[i] ^ b.data[i];
    return difference == 0;
}
