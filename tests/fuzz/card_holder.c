/* The holder's name of DO 65: printable, bounded, and no '<'. */
#include "agent/card_name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[CARD_HOLDER_MAX];

    fuzz_mark(name, sizeof name);
    FUZZ_CHECK(card_holder_name(view_of(data, size), name) == name);
    FUZZ_CHECK(memchr(name, '\0', sizeof name));
    for (const char *p = name; *p; p++)
        FUZZ_CHECK(*p >= 0x20 && *p < 0x7f && *p != '<');
    return 0;
}
