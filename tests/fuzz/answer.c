/* One command through the channel, to a card that answers what the input says. The first three
 * octets choose the command and what the card is believed to take. */
#include "apdu/channel.h"
#include "tests/fuzz/hostile_reader.h"

/* Two ways of a command, each of at most 260 parts, each asked for twice. */
#define COMMANDS_MAX (2 * 260 + 10)

static uint8_t outgoing[2048];

static struct command chosen(uint8_t a, uint8_t b)
{
    static const size_t lengths[] = { 0, 1, 32, 254, 255, 256, 508, 1024 };
    static const uint8_t instructions[] = { 0xca, 0x2a, 0x20, 0x47 };
    struct command c = { .ins = instructions[a % 4],
                         .data = view_of(outgoing, lengths[a / 4 % 8]),
                         .le = (uint32_t[]){ LE_NONE, 8, LE_SHORT_MAX, LE_MAX }[b % 4] };

    if (c.ins == 0x2a && !c.data.len)
        c.data = view_of(outgoing, 72);
    if (c.ins == 0x20) {
        /* as openpgp_card_verify has it */
        c.data = view_of(outgoing, a / 4 % 8 + 1u);
        c.le = LE_NONE;
    }
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hostile_reader reader;
    struct response response = RESPONSE;
    struct channel channel;
    struct command command;
    struct view body;
    gpg_error_t err;
    uint16_t sw;

    if (size < 3)
        return 0;
    command = chosen(data[0], data[1]);
    channel = (struct channel){
        .reader = hostile_reader(&reader, view_of(data + 3, size - 3)),
        .deadline = deadline_never(),
        .extended = data[1] & 0x10,
        .chaining = data[1] & 0x20,
        .command_max = data[1] & 0x40 ? data[2] * 8u : 0,
    };
    err = channel_send(&channel, &command, &response);
    FUZZ_CHECK(response.data.len <= RESPONSE_DATA_MAX);
    FUZZ_CHECK(reader.commands <= COMMANDS_MAX);
    FUZZ_CHECK(reader.verifies <= 1 && reader.operations <= 2);
    if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
        FUZZ_CHECK(reader.commands == 0);
    if (!err)
        FUZZ_CHECK(response.sw >> 8 != 0x61);
    response_free(&response);
    if (!answer_split(view_of(data, size), &body, &sw))
        FUZZ_CHECK(body.len == size - 2 && sw == (data[size - 2] << 8 | data[size - 1]));
    return 0;
}
