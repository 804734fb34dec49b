#include "agent/insert_prompt.h"

#include "agent/card_name.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define KEY_ID_LEN     8
#define PEER_SHOWN_MAX 128

static int append_token(const struct known_token *token, char *out, size_t size)
{
    const struct slot_data *slot = &token->facts.data.slot[SLOT_DECRYPT];
    char card[CARD_NAME_MAX], algorithm[ALGORITHM_NAME_MAX];
    char key_id[2 * KEY_ID_LEN + 1];
    const char *holder = token->facts.holder;

    hex_encode(view_of(slot->fingerprint + FINGERPRINT_LEN - KEY_ID_LEN, KEY_ID_LEN), key_id);
    return snprintf(out, size, "\n\nToken: %s%s%s%s\nKey: %s (%s)",
                    card_name(&token->facts.data, card), *holder ? " (" : "", holder,
                    *holder ? ")" : "", key_id, algorithm_name(&slot->algorithm, algorithm));
}

char *insert_prompt_write(const struct known_token *tokens, size_t count, const char *peer,
                          bool again, char out[INSERT_PROMPT_MAX])
{
    char who[PEER_SHOWN_MAX];
    size_t named = count < INSERT_PROMPT_NAMED ? count : INSERT_PROMPT_NAMED;
    size_t used;

    text_escape(view_of(peer, strlen(peer)), who, sizeof who);
    used = (size_t)snprintf(out, INSERT_PROMPT_MAX,
                            "%s%s wants to open an encrypted message. Insert %s",
                            again ? "No token with this key is in.\n\n" : "", who,
                            count == 1 ? "the token:" : "one of these tokens:");
    for (size_t i = 0; i < named; i++)
        used += (size_t)append_token(&tokens[i], out + used, INSERT_PROMPT_MAX - used);
    if (count > named)
        snprintf(out + used, INSERT_PROMPT_MAX - used, "\n\nor one of %zu more", count - named);
    return out;
}
