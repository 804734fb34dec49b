/* A line of status as the client library reads it from WATCH. */
#include "client/event.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    FUZZ_CHECK(len < size);
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK(text[i] >= 0x20 && text[i] <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cardea_event event = { .event = "untouched" };
    char *line = malloc(size + 1);

    if (!line)
        return 0;
    if (size)
        memcpy(line, data, size);
    line[size] = '\0';
    if (event_read(line, &event)) {
        FUZZ_CHECK(*event.event && event.time_ms >= 0);
        check_text(event.event, sizeof event.event);
        check_text(event.client, sizeof event.client);
        check_text(event.reader, sizeof event.reader);
        check_text(event.card, sizeof event.card);
        check_text(event.serial, sizeof event.serial);
        check_text(event.keygrip, sizeof event.keygrip);
        check_text(event.fingerprint, sizeof event.fingerprint);
        check_text(event.policy, sizeof event.policy);
    } else {
        FUZZ_CHECK(strcmp(event.event, "untouched") == 0);
    }
    free(line);
    return 0;
}
