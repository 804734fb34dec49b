/* Asking the agent for the tokens that are in or known. */
#include "client/connection.h"

#include "base/bytes.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than the agent looks at, and remembers. */
#define TOKENS_MAX 128

struct listing {
    struct cardea_token *tokens;
    size_t count;
    gpg_error_t failed;
};

static gpg_error_t append(struct listing *listing, struct cardea_token *token, const char *name)
{
    struct cardea_token *grown;

    if (listing->count == TOKENS_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    text_escape(view_of(name, strlen(name)), token->name, sizeof token->name);
    grown = reallocarray(listing->tokens, listing->count + 1, sizeof *grown);
    if (!grown)
        return gpg_error(GPG_ERR_ENOMEM);
    grown[listing->count++] = *token;
    listing->tokens = grown;
    return 0;
}

static gpg_error_t add_token(struct listing *listing, const char *line)
{
    struct cardea_token token = { .inserted = true };
    int name_at = 0;

    if (sscanf(line, "%32s %7s %3u %3u %3u %n", token.serial, token.version, &token.pin_tries,
               &token.reset_code_tries, &token.admin_pin_tries, &name_at) < 5 ||
        !name_at)
        return gpg_error(GPG_ERR_INV_RESPONSE);
    return append(listing, &token, line + name_at);
}

static gpg_error_t add_absent(struct listing *listing, const char *line)
{
    struct cardea_token token = { .inserted = false };
    int name_at = 0;

    if (sscanf(line, "%32s %7s %n", token.serial, token.version, &name_at) < 2 || !name_at)
        return gpg_error(GPG_ERR_INV_RESPONSE);
    return append(listing, &token, line + name_at);
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
    else if (strncmp(line, "ABSENT ", 7) == 0)
        listing->failed = add_absent(listing, line + 7);
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

gpg_error_t cardea_forget_token(struct cardea *connection, const char *serial)
{
    char command[64];

    if (strlen(serial) != sizeof((struct cardea_token *)NULL)->serial - 1 ||
        strspn(serial, "0123456789ABCDEFabcdef") != strlen(serial))
        return gpg_error(GPG_ERR_INV_ARG);
    snprintf(command, sizeof command, "FORGET %s", serial);
    return connection_call(connection, command, NULL);
}
