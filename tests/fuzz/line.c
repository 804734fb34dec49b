/* Assuan lines: options, arguments, words and keygrips. */
#include "agent/line.h"
#include "tests/fuzz/fuzz.h"

static bool in_line(const char *p, const char *line, size_t len)
{
    return p >= line && p <= line + len;
}

static void check_option(const char *line, size_t len, const char *option)
{
    const char *value = NULL;

    if (!line_option(line, option, &value)) {
        FUZZ_CHECK(!value);
        return;
    }
    FUZZ_CHECK(value && (*value == '\0' || in_line(value, line, len)));
    FUZZ_CHECK(strstr(line, option));
    if (*value)
        FUZZ_CHECK(value[-1] == '=');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1);
    const char *rest = line;
    uint8_t keygrip[KEYGRIP_LEN];
    struct view word;
    size_t len;

    if (!line)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    len = strlen(line);
    check_option(line, len, "--kem");
    check_option(line, len, "--data");
    check_option(line, len, "--");
    FUZZ_CHECK(in_line(line_arguments(line), line, len));
    while (line_next_word(&rest, &word)) {
        FUZZ_CHECK(word.len > 0 && fuzz_within(word, view_of(line, len)));
        FUZZ_CHECK(!memchr(word.data, ' ', word.len) && !memchr(word.data, '\t', word.len));
        fuzz_mark(keygrip, sizeof keygrip);
        if (line_keygrip(word, keygrip))
            FUZZ_CHECK(word.len == 2 * KEYGRIP_LEN);
        else
            FUZZ_CHECK(fuzz_marked(keygrip, sizeof keygrip));
    }
    FUZZ_CHECK(in_line(rest, line, len));
    free(line);
    return 0;
}
