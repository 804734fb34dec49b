/* test_probes FILE: the profile that FILE names answers as the recorded device did. */
#include "base/text.h"
#include "tests/token/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 256
#define KEY_MAX      8192
#define PROBES       51

struct probe {
    char command[LINE_MAX_LEN], begins[LINE_MAX_LEN];
    unsigned int sw, len;
};

static const char *path;

static FILE *open_file(const char *name, const char *mode)
{
    FILE *file = fopen(name, mode);

    if (!file)
        fail_msg("cannot open %s", name);
    return file;
}

/* A key like those that the recorded card had, and the one signature that it had made. */
static void put_key(struct token *t, const char *name)
{
    struct buffer content = BUFFER(KEY_MAX), answer = BUFFER(TOKEN_ANSWER_MAX);
    char key[LINE_MAX_LEN * 2];
    FILE *file;

    snprintf(key, sizeof key, "%s/%s", TOKEN_KEYS, name);
    file = open_file(key, "rb");
    assert_non_null(buffer_reserve(&content, KEY_MAX));
    content.len = fread(content.data, 1, KEY_MAX, file);
    fclose(file);
    assert_int_equal(token_import(t, buffer_view(&content)), 0);
    expect(t, SELECT_OPENPGP, "9000");
    expect(t, VERIFY_SIGN, "9000");
    exchange_send(t,
                  "00 2A 9E9A 20 " /* a digest of 32 octets */
                  "0000000000000000000000000000000000000000000000000000000000000000 00",
                  &answer);
    assert_int_equal(answer.len, 64 + 2);
    token_reset(t);
    buffer_free(&content);
    buffer_free(&answer);
}

/* What stands before the commands. */
static struct token *recorded_card(FILE *file)
{
    char profile[LINE_MAX_LEN], line[LINE_MAX_LEN], name[LINE_MAX_LEN];
    struct token_options options;
    struct token *t = NULL;
    unsigned int serial;
    long before;

    assert_int_equal(fscanf(file, "profile %255s serial %x ", profile, &serial), 2);
    assert_non_null(token_profile_find(profile));
    token_profile_options(&options, token_profile_find(profile));
    options.serial = serial;
    t = exchange_new_with(&options);
    token_reset(t);
    before = ftell(file);
    if (fgets(line, sizeof line, file) && sscanf(line, "key %255s", name) == 1)
        put_key(t, name);
    else
        assert_int_equal(fseek(file, before, SEEK_SET), 0);
    return t;
}

static bool read_probe(FILE *file, struct probe *probe)
{
    char line[3 * LINE_MAX_LEN];

    probe->begins[0] = '\0';
    return fgets(line, sizeof line, file) && sscanf(line, "%255s %x %u %255s", probe->command,
                                                    &probe->sw, &probe->len, probe->begins) >= 3;
}

static bool begins_with(const struct buffer *answer, const char *hex)
{
    struct buffer wanted = BUFFER(LINE_MAX_LEN);
    bool same;

    if (strcmp(hex, "-") == 0)
        return true;
    exchange_append_hex(&wanted, hex);
    same = wanted.len <= answer->len &&
           (wanted.len == 0 || memcmp(wanted.data, answer->data, wanted.len) == 0);
    buffer_free(&wanted);
    return same;
}

static bool answers_alike(struct token *t, const struct probe *probe)
{
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);
    char got[2 * LINE_MAX_LEN + 1];
    unsigned int sw;
    bool alike;

    exchange_send(t, probe->command, &answer);
    sw = (unsigned int)answer.data[answer.len - 2] << 8 | answer.data[answer.len - 1];
    buffer_truncate(&answer, answer.len - 2);
    alike = sw == probe->sw && answer.len == probe->len && begins_with(&answer, probe->begins);
    if (!alike) {
        hex_encode(view_of(answer.data, answer.len > LINE_MAX_LEN ? LINE_MAX_LEN : answer.len),
                   got);
        print_error("%s: recorded %04X (%u) %s\n  answered %04X (%zu) %s\n", probe->command,
                    probe->sw, probe->len, probe->begins, sw, answer.len, got);
    }
    buffer_free(&answer);
    return alike;
}

static void answers_as_recorded(void **state)
{
    FILE *file = open_file(path, "r");
    struct token *t = recorded_card(file);
    unsigned int probes = 0, wrong = 0;
    struct probe probe;

    (void)state;
    for (; read_probe(file, &probe); probes++)
        wrong += !answers_alike(t, &probe);
    assert_int_equal(wrong, 0);
    assert_int_equal(probes, PROBES);
    assert_true(feof(file));
    fclose(file);
    token_free(&t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(answers_as_recorded) };

    if (argc != 2) {
        fputs("usage: test_probes FILE\n", stderr);
        return EXIT_FAILURE;
    }
    path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
