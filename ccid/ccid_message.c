#include "ccid/ccid_message.h"

#include <string.h>

#define NOTIFY_SLOT_CHANGE 0x50
#define HARDWARE_ERROR     0x51

gpg_error_t ccid_command_encode(const struct ccid_command *command, struct buffer *message)
{
    size_t len = command->data.len;
    uint8_t *at;

    if (len > CCID_MESSAGE_MAX - CCID_HEADER_LEN)
        return gpg_error(GPG_ERR_TOO_LARGE);
    at = buffer_reserve(message, CCID_HEADER_LEN + len);
    if (!at)
        return gpg_error(GPG_ERR_TOO_LARGE);
    at[0] = (uint8_t)command->type;
    for (unsigned i = 0; i < 4; i++)
        at[1 + i] = (uint8_t)(len >> 8 * i);
    at[5] = command->slot;
    at[6] = command->seq;
    memcpy(at + 7, command->specific, sizeof command->specific);
    if (len)
        memcpy(at + CCID_HEADER_LEN, command->data.data, len);
    message->len += CCID_HEADER_LEN + len;
    return 0;
}

enum ccid_answer_type ccid_answer_type_of(enum ccid_command_type type)
{
    switch (type) {
    case CCID_ICC_POWER_ON:
    case CCID_XFR_BLOCK:
    case CCID_SECURE:
    case CCID_SECURE_CHERRY:
        return CCID_DATA_BLOCK;
    case CCID_SET_PARAMETERS:
    case CCID_GET_PARAMETERS:
    case CCID_RESET_PARAMETERS:
        return CCID_PARAMETERS;
    case CCID_ESCAPE:
        return CCID_ESCAPE_ANSWER;
    default:
        return CCID_SLOT_STATUS;
    }
}

uint64_t ccid_message_len(struct view message)
{
    uint32_t len = 0;

    if (message.len < CCID_HEADER_LEN)
        return 0;
    for (unsigned i = 0; i < 4; i++)
        len |= (uint32_t)message.data[1 + i] << 8 * i;
    return CCID_HEADER_LEN + (uint64_t)len;
}

gpg_error_t ccid_answer_parse(struct view message, struct ccid_answer *r)
{
    uint64_t len = ccid_message_len(message);
    const uint8_t *at = message.data;

    if (len == 0 || len > message.len)
        return gpg_error(GPG_ERR_INV_LENGTH);
    *r = (struct ccid_answer){
        .type = at[0],
        .slot = at[5],
        .seq = at[6],
        .icc = at[7] & 0x03,
        .status = at[7] >> 6,
        .error = at[8],
        .specific = at[9],
        .data = view_of(at + CCID_HEADER_LEN, (size_t)len - CCID_HEADER_LEN),
    };
    return 0;
}

const char *ccid_error_name(uint8_t error)
{
    static const struct {
        uint8_t error;
        const char *name;
    } names[] = {
        { 0x00, "command not supported" },
        { 0xa2, "card short-circuited" },
        { 0xa3, "ATR too long" },
        { 0xbb, "not a card for EMV" },
        { 0xbe, "APDU too long" },
        { 0xe0, "slot busy" },
        { 0xef, "PIN cancelled" },
        { 0xf0, "PIN timeout" },
        { 0xf2, "busy with an automatic sequence" },
        { 0xf3, "protocol deactivated" },
        { 0xf4, "procedure byte conflict" },
        { 0xf5, "class not supported" },
        { 0xf6, "protocol not supported" },
        { 0xf7, "bad TCK in the ATR" },
        { 0xf8, "bad TS in the ATR" },
        { 0xfb, "hardware error" },
        { 0xfc, "overrun" },
        { 0xfd, "parity error" },
        { 0xfe, "card mute" },
        { 0xff, "command aborted" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].error == error)
            return names[i].name;
    }
    return error <= CCID_ERROR_FIELD_MAX ? "a field has a value that is not supported"
                                         : "error of the reader's own";
}

/* Two bits a slot, lowest first; 0 for slots that the packet says nothing of. */
static void read_slots(struct view bits, unsigned slots, struct ccid_notice *notice)
{
    *notice = (struct ccid_notice){ 0 };
    for (unsigned slot = 0; slot < slots && slot / 4 < bits.len; slot++) {
        unsigned pair = (unsigned)bits.data[slot / 4] >> 2 * (slot % 4);

        notice->present |= (pair & 1) << slot;
        notice->changed |= (pair >> 1 & 1) << slot;
    }
}

bool ccid_notice_next(struct view *packet, unsigned slots, struct ccid_notice *notice)
{
    size_t octets = (slots + 3) / 4;
    struct view content;
    uint8_t type;

    if (!view_u8(packet, &type))
        return false;
    if (type == NOTIFY_SLOT_CHANGE && view_take(packet, octets, &content)) {
        read_slots(content, slots, notice);
        return true;
    }
    if (type == HARDWARE_ERROR && view_take(packet, 3, &content)) {
        *notice = (struct ccid_notice){ .hardware_error = true,
                                        .slot = content.data[0],
                                        .seq = content.data[1],
                                        .error = content.data[2] };
        return true;
    }
    return false;
}
