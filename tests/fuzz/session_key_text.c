/* Any text as a session key: what is taken is written as a text that is taken again, and is the
 * same. */
#include "message/session_key.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct session_key *key)
{
    struct session_key again = { 0 };
    struct secret text = { 0 };
    char copy[SESSION_KEY_TEXT_MAX + 1] = "";

    if (session_key_text(key, &text) || text.len > SESSION_KEY_TEXT_MAX)
        abort();
    memcpy(copy, text.data, text.len);
    if (session_key_parse(copy, &again) || again.cipher != key->cipher ||
        !view_equal(secret_view(&again.key), secret_view(&key->key)))
        abort();
    secret_free(&text);
    session_key_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session_key key = { 0 };
    char text[TEXT_MAX] = "";

    if (size >= sizeof text || secret_init_library())
        return 0;
    memcpy(text, data, size);
    if (!session_key_parse(text, &key))
        read_again(&key);
    session_key_free(&key);
    return 0;
}
