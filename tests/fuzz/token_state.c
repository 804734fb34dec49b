/* The file that the virtual card keeps its memory in. */
#include "tests/fuzz/token_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_options options;
    struct token *token;

    token_default_options(&options);
    token = token_for_fuzzing(&options);
    if (!token_load(token, view_of(data, size)))
        require_same_after_reload(token, &token_profile_generic);
    token_free(&token);
    return 0;
}
