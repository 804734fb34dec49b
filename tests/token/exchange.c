#include "tests/token/exchange.h"

#include "base/secret.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HEX_MAX 16384

struct token *exchange_new_with(const struct token_options *options)
{
    struct token *token = NULL;

    assert_int_equal(secret_init_library(), 0);
    assert_int_equal(token_new(options, &token), 0);
    expect(token, SELECT_OPENPGP, "9000");
    return token;
}

struct token *exchange_new(void)
{
    struct token_options options;

    token_default_options(&options);
    return exchange_new_with(&options);
}

void exchange_append_hex(struct buffer *b, const char *hex)
{
    static char digits[HEX_MAX];
    static uint8_t octets[HEX_MAX / 2];
    size_t count = 0, len;

    for (; *hex && count < sizeof digits; hex++)
        if (!isspace((unsigned char)*hex))
            digits[count++] = *hex;
    assert_true(hex_decode(digits, count, octets, sizeof octets, &len));
    assert_int_equal(buffer_append(b, octets, len), 0);
}

void exchange_send(struct token *token, const char *command, struct buffer *answer)
{
    struct buffer octets = BUFFER(HEX_MAX / 2);

    exchange_append_hex(&octets, command);
    token_command(token, buffer_view(&octets), answer);
    buffer_free(&octets);
}

void exchange_expect(struct token *token, const char *command, const char *answer, const char *file,
                     int line)
{
    struct buffer got = BUFFER(TOKEN_ANSWER_MAX), wanted = BUFFER(HEX_MAX / 2);
    static char digits[HEX_MAX + 1];
    bool same;

    exchange_append_hex(&wanted, answer);
    exchange_send(token, command, &got);
    same = view_equal(buffer_view(&got), buffer_view(&wanted));
    if (!same) {
        print_error("%s:%d: %s\n  gave %s\n", file, line, command,
                    got.len > HEX_MAX / 2 ? "(too much)" : hex_encode(buffer_view(&got), digits));
        print_error("  not  %s\n", hex_encode(buffer_view(&wanted), digits));
    }
    buffer_free(&got);
    buffer_free(&wanted);
    if (!same)
        _fail(file, line);
}
