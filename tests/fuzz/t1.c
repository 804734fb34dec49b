/* A card that says what the input says: size of blocks, octets of the command, then what comes back
 * for each block that we send: n, n octets, and their LRC if the high bit of n is set. */
#include "ccid/t1.h"
#include "tests/fuzz/fuzz.h"

#define COMMANDS 2

static struct view input;
static bool asked;      /* the card has just said, in a good block, that it wants ours again */
static unsigned wholes; /* last I-blocks of a command that it got without asking */
static unsigned blocks;

static void note_sent(struct view block)
{
    uint8_t pcb = block.data[1];
    uint8_t lrc = 0;

    for (size_t i = 0; i < block.len; i++)
        lrc ^= block.data[i];
    FUZZ_CHECK(block.len >= 4 && block.len == 4u + block.data[2] && lrc == 0);
    if (!(pcb & 0x80) && !(pcb & 0x20) && !asked)
        wholes++;
}

static gpg_error_t play(void *context, struct view block, unsigned wtx, struct buffer *answer,
                        struct deadline deadline)
{
    struct view said;
    uint8_t n, lrc = 0;
    gpg_error_t err;

    (void)context, (void)deadline;
    blocks++;
    FUZZ_CHECK(wtx >= 1 && wtx <= 255 && answer->len == 0);
    note_sent(block);
    if (!view_u8(&input, &n))
        return gpg_error(GPG_ERR_CARD_REMOVED);
    if (!view_take(&input, n & 0x7f, &said))
        said = input;
    err = buffer_append_view(answer, said);
    for (size_t i = 0; i < said.len; i++)
        lrc ^= said.data[i];
    if (!err && n & 0x80)
        err = buffer_append_u8(answer, lrc);
    asked = answer->len == 4 && (answer->data[1] & 0xc0) == 0x80;
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t command[600] = { 0 };
    uint8_t ifsc, len;
    struct t1 t1;

    input = view_of(data, size);
    if (!view_u8(&input, &ifsc) || !view_u8(&input, &len) || ifsc == 0 || ifsc == 255)
        return 0;
    t1_init(&t1, play, NULL, ifsc, 254);
    if (len & 1)
        (void)t1_tell_ifsd(&t1, ifsc, deadline_never());
    for (int i = 0; i < COMMANDS; i++) {
        struct buffer answer = BUFFER(1000);
        gpg_error_t err;

        wholes = blocks = 0;
        asked = false;
        err = t1_transmit(&t1, view_of(command, 4 + 2u * len), &answer, deadline_never());
        FUZZ_CHECK(err ? answer.len == 0 && t1.broken == err : t1.broken == 0);
        FUZZ_CHECK(wholes <= 1);
        FUZZ_CHECK(t1.ifsc >= 1 && t1.ifsc <= 254 && t1.ns <= 1 && t1.nr <= 1);
        buffer_free(&answer);
    }
    return 0;
}
