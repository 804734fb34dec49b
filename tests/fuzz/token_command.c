/* Commands to the virtual card: one octet that says what the card can do, another for its profile
 * if the first one's highest bit is set, then APDUs, each with its length in two octets. All PINs
 * are verified at the start. */
#include "tests/fuzz/token_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_command(struct token *token, const void *command, size_t len)
{
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

    token_command(token, view_of(command, len), &answer);
    require(answer.len >= 2);
    buffer_free(&answer);
}

static struct token *new_card(const struct token_profile *profile, uint8_t features)
{
    struct token_options options;
    struct token *token;

    token_profile_options(&options, profile);
    options.extended_length = options.extended_length && !(features & 0x01);
    options.command_chaining = options.command_chaining && !(features & 0x02);
    options.get_response = options.get_response && !(features & 0x04);
    options.button = options.button && !(features & 0x08);
    options.outer_tags = features & 0x10;
    options.other_application = features & 0x20;
    options.touch = features & 0x40 ? TOKEN_TOUCH_NEVER : TOKEN_TOUCH_AUTO;
    token = token_for_fuzzing(&options);
    send_command(token, "\x00\xA4\x04\x00\x06\xD2\x76\x00\x01\x24\x01", 11);
    send_command(token,
                 "\x00\x20\x00\x81\x06"
                 "123456",
                 11);
    send_command(token,
                 "\x00\x20\x00\x82\x06"
                 "123456",
                 11);
    send_command(token,
                 "\x00\x20\x00\x83\x08"
                 "12345678",
                 13);
    return token;
}

static const struct token_profile *choose(uint8_t number)
{
    size_t count = 0;

    while (token_profiles[count])
        count++;
    return token_profiles[number % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view input = view_of(data, size), command;
    const struct token_profile *profile;
    uint8_t features, number = 0;
    struct token *token;
    uint16_t len;

    if (!view_u8(&input, &features) || (features & 0x80 && !view_u8(&input, &number)))
        return 0;
    profile = choose(number);
    token = new_card(profile, features);
    while (view_u16(&input, &len) && view_take(&input, len, &command))
        send_command(token, command.data, command.len);
    require_same_after_reload(token, profile);
    token_free(&token);
    return 0;
}
