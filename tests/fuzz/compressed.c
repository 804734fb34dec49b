/* Any octets as compressed data, alone and inside of other compressed data, within a budget. */
#include "tests/unit/message_maker.h"

#include <stdlib.h>

#define OUTPUT_MAX (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inflate_all(struct view bytes, size_t piece, bool nested)
{
    struct chopped chopped = { bytes, piece };
    struct input encrypted = INPUT(chopped_source(&chopped));
    struct budget budget = { .output_left = OUTPUT_MAX, .encrypted = &encrypted };
    struct compressed *c = NULL;
    struct source plain;
    struct view got;
    uint64_t total = 0;

    if (compressed_open(source_of_input(&encrypted), nested, &budget, &c, &plain))
        return;
    while (!plain.next(plain.context, &got) && got.len)
        total += got.len;
    if (total > OUTPUT_MAX || total != OUTPUT_MAX - budget.output_left)
        abort();
    if (nested && total > NESTED_BASE + NESTED_RATIO * (bytes.len + 1))
        abort();
    compressed_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    inflate_all(view_of(data + 1, size - 1), (size_t)data[0] + 1, false);
    inflate_all(view_of(data + 1, size - 1), (size_t)data[0] + 1, true);
    return 0;
}
