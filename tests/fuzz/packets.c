/* Any octets, once as what an encrypted message begins with and once as what is inside of one. The
 * first byte says how long the pieces are that they come in. */
#include "tests/unit/message_maker.h"

#include <stdlib.h>

#define OUTPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_outside(struct view bytes, size_t piece)
{
    static struct session_key key;
    struct buffer out = BUFFER(OUTPUT_MAX);
    struct decrypt_options options = { .max_output = OUTPUT_MAX, .accept_unprotected = true };

    if (!key.key.data) {
        if (secret_init_library())
            abort();
        key = make_key(9);
    }
    decrypt_pieces(bytes, piece, &key, &options, &out, NULL);
    buffer_free(&out);
}

static void read_inside(struct view bytes, size_t piece)
{
    struct chopped chopped = { bytes, piece };
    struct input encrypted = INPUT(chopped_source(&chopped));
    struct content_report report = { 0 };
    struct buffer out = BUFFER(OUTPUT_MAX);
    struct sink sink = buffer_sink(&out);
    gpg_error_t err =
        content_read(source_of_input(&encrypted), &encrypted, OUTPUT_MAX, &sink, &report);

    if (!err && (!report.literal.present || report.octets != out.len))
        abort();
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    read_outside(view_of(data + 1, size - 1), (size_t)data[0] + 1);
    read_inside(view_of(data + 1, size - 1), (size_t)data[0] + 1);
    return 0;
}
