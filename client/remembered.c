/* Asking the agent what it remembers. */
#include "client/connection.h"

#include <stdio.h>
#include <string.h>

struct answer {
    char text[40];
    size_t len;
};

static gpg_error_t take_data(void *context, const void *data, size_t len)
{
    struct answer *answer = context;

    if (len < sizeof answer->text - answer->len) {
        memcpy(answer->text + answer->len, data, len);
        answer->len += len;
    }
    return 0;
}

gpg_error_t cardea_remembered(struct cardea *connection, unsigned *count, unsigned *seconds)
{
    struct answer answer = { .len = 0 };
    const struct connection_call call = { .data = take_data, .context = &answer };
    gpg_error_t err = connection_call(connection, "GETINFO session_keys", &call);
    unsigned keys, ttl;

    if (err)
        return err;
    if (sscanf(answer.text, "%9u %9u", &keys, &ttl) != 2)
        return gpg_error(GPG_ERR_INV_RESPONSE);
    *count = keys;
    *seconds = ttl;
    return 0;
}
