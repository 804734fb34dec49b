/* Octets written as hex digits, and what tests say about octets and errors. */
#pragma once

#include "base/bytes.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

struct hex_block {
    struct hex_block *next;
    uint8_t bytes[];
};

static inline unsigned hex_digit(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = strchr(digits, c);

    assert_true(at && *at);
    return (unsigned)(at - digits) % 16;
}

/* Writes the octets, or only counts them without out. */
static inline size_t hex_octets(const char *p, uint8_t *out)
{
    size_t len = 0;

    while (*p) {
        size_t times = 1;
        uint8_t octet;

        if (*p == ' ') {
            p++;
            continue;
        }
        octet = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
        p += 2;
        if (*p == '{') {
            times = strtoul(p + 1, NULL, 10);
            p = strchr(p, '}') + 1;
        }
        for (; times > 0; times--, len++) {
            if (out)
                out[len] = octet;
        }
    }
    return len;
}

/* The octets of "0102 A5{3}": 01 02 A5 A5 A5. Each call has a block of its own size, so that a
 * sanitizer sees a read past its end. It is kept until the program ends. */
static inline struct view hex(const char *digits)
{
    static struct hex_block *kept;
    size_t len = hex_octets(digits, NULL);
    struct hex_block *block = malloc(sizeof *block + len);

    assert_non_null(block);
    block->next = kept;
    kept = block;
    hex_octets(digits, block->bytes);
    return view_of(block->bytes, len);
}

/* A copy of exactly these octets, to be freed. */
static inline uint8_t *exact_copy(struct view v)
{
    uint8_t *copy = malloc(v.len ? v.len : 1);

    assert_non_null(copy);
    if (v.len)
        memcpy(copy, v.data, v.len);
    return copy;
}

static inline void check_octets(struct view actual, struct view expected, const char *file,
                                int line)
{
    _assert_int_equal(actual.len, expected.len, file, line);
    if (expected.len)
        _assert_memory_equal(actual.data, expected.data, expected.len, file, line);
}

#define assert_octets(actual, digits) check_octets(actual, hex(digits), __FILE__, __LINE__)
#define assert_err(expression, code)  assert_int_equal(gpg_err_code(expression), code)
#define assert_ok(expression)         assert_err(expression, GPG_ERR_NO_ERROR)
