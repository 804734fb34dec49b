/* Asking the agent for the inserted tokens. */
#include "client/connection.h"

#include "base/bytes.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As many as the agent looks at. */
#define TOKENS_MAX 64

struct listing {
    struct cardea_token *tokens;
    size_t count;
    gpg_error_t failed;
};

static gpg_error_t add_token(struct listing *listing, const char *line)
{
    struct cardea_token *grown;
    struct cardea_token token = { .serial = "" };
    int name_at = 0;

    if (listing->count == TOKENS_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (sscanf(line, "%32s %7s %3u %3u %3u %n", token.serial, token.version, &token.pin_tries,
               &token.reset_code_tries, &token.admin_pin_tries, &name_at) < 5 ||
        !name_at)
        return gpg_error(GPG_ERR_INV_RESPONSE);
    text_escape(view_of(line + name_at, strlen(line + name_at)), token.name, sizeof token.name);
    grown = reallocarray(listing->tokens, listing->count + 1, sizeof *grown);
    if (!grown)
        return gpg_error(GPG_ERR_ENOMEM);
    grown[listing->count++] = token;
    listing->tokens = grown;
    return 0;
}

static gpg_error_t add_key(struct cardea_token *token, const char *line)
{
    struct cardea_key key = { .present = true };
    char touch[4];
    unsigned slot;

    if (sscanf(line, "%1u %23s %40s %40s %u %3s", &slot, key.algorithm, key.fingerprint,
               key.keygrip, &key.created, touch) != 6 ||
        slot < 1 || slot > CARDEA_SLOTS)
        return gpg_error(GPG_ERR_INV_RESPONSE);
    key.touch = strcmp(touch, "yes") == 0;
    if (strcmp(key.keygrip, "-") == 0)
        *key.keygrip = '\0';
    token->key[slot - 1] = key;
    return 0;
}

static gpg_error_t take_status(void *context, const char *line)
{
    struct listing *listing = context;
    struct cardea_token *last = listing->count ? &listing->tokens[listing->count - 1] : NULL;

    if (listing->failed)
        return 0;
    if (strncmp(line, "TOKEN ", 6) == 0)
        listing->failed = add_token(listing, line + 6);
    else if (last && strncmp(line, "READER ", 7) == 0)
        text_escape(view_of(line + 7, strlen(line + 7)), last->reader, sizeof last->reader);
    else if (last && strncmp(line, "HOLDER ", 7) == 0)
        text_escape(view_of(line + 7, strlen(line + 7)), last->holder, sizeof last->holder);
    else if (last && strncmp(line, "KEY ", 4) == 0)
        listing->failed = add_key(last, line + 4);
    return 0;
}

gpg_error_t cardea_list_tokens(struct cardea *connection, struct cardea_token **tokens,
                               size_t *count)
{
    struct listing listing = { 0 };
    const struct connection_call call = { .status = take_status, .context = &listing };
    gpg_error_t err = connection_call(connection, "TOKENS", &call);

    if (!err)
        err = listing.failed;
    if (err) {
        free(listing.tokens);
        return err;
    }
    *tokens = listing.tokens;
    *count = listing.count;
    return 0;
}

void cardea_free_tokens(struct cardea_token **tokens)
{
    free(*tokens);
    *tokens = NULL;
}
