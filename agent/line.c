#include "agent/line.h"

#include "base/text.h"

#include <string.h>

static const char *skip_spaces(const char *line)
{
    while (*line == ' ' || *line == '\t')
        line++;
    return line;
}

static size_t word_length(const char *line)
{
    return strcspn(line, " \t");
}

bool line_option(const char *line, const char *option, const char **value)
{
    size_t len = strlen(option);

    for (line = skip_spaces(line); strncmp(line, "--", 2) == 0;
         line = skip_spaces(line + word_length(line))) {
        size_t word = word_length(line);

        if (word == 2)
            return false;
        if (word < len || strncmp(line, option, len) != 0 || (word > len && line[len] != '='))
            continue;
        if (value)
            *value = word > len ? line + len + 1 : "";
        return true;
    }
    return false;
}

const char *line_arguments(const char *line)
{
    for (line = skip_spaces(line); strncmp(line, "--", 2) == 0;) {
        size_t word = word_length(line);

        line = skip_spaces(line + word);
        if (word == 2)
            break;
    }
    return line;
}

bool line_next_word(const char **line, struct view *word)
{
    const char *start = skip_spaces(*line);
    size_t len = word_length(start);

    if (len == 0)
        return false;
    *word = view_of(start, len);
    *line = start + len;
    return true;
}

bool line_keygrip(struct view word, uint8_t keygrip[KEYGRIP_LEN])
{
    uint8_t bytes[KEYGRIP_LEN];
    size_t len;

    if (!hex_decode((const char *)word.data, word.len, bytes, sizeof bytes, &len) ||
        len != KEYGRIP_LEN)
        return false;
    memcpy(keygrip, bytes, KEYGRIP_LEN);
    return true;
}
