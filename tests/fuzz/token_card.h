/* What the fuzz targets of the virtual card have in common. */
#pragma once

#include "base/secret.h"
#include "tests/token/token.h"

#include <stdlib.h>

static inline void require(bool condition)
{
    if (!condition)
        abort();
}

/* RSA keys are not generated: one takes longer than a thousand inputs should. */
static inline struct token *token_for_fuzzing(struct token_options *options)
{
    struct token *token = NULL;

    options->generate_rsa = false;
    require(!secret_init_library() && !token_new(options, &token));
    return token;
}

/* Whatever happened to a card, another one can become what it is. */
static inline void require_same_after_reload(const struct token *token,
                                             const struct token_profile *profile)
{
    struct buffer saved = BUFFER(TOKEN_STATE_MAX), again = BUFFER(TOKEN_STATE_MAX);
    struct token_options options;
    struct token *other;

    token_profile_options(&options, profile);
    other = token_for_fuzzing(&options);
    require(!token_save(token, &saved));
    require(!token_load(other, buffer_view(&saved)));
    require(!token_save(other, &again));
    require(view_equal(buffer_view(&saved), buffer_view(&again)));
    buffer_free(&saved);
    buffer_free(&again);
    token_free(&other);
}
