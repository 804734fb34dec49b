#include "agent/reader_specs.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define SPECS_MAX 4

struct row {
    const char *given[SPECS_MAX];
    const char *joined[SPECS_MAX];
};

static size_t count_of(const char *const *specs)
{
    size_t count = 0;

    while (count < SPECS_MAX && specs[count])
        count++;
    return count;
}

static void readers_of_the_service_are_one_back_end(void **state)
{
    static const struct row rows[] = {
        { { "pcsc" }, { "pcsc" } },
        { { "pcsc:Nitrokey" }, { "pcsc:Nitrokey" } },
        { { "pcsc:A", "pcsc:B" }, { "pcsc:A|B" } },
        { { "pcsc:A", "socket:/r", "pcsc:B", "pcsc:C" }, { "pcsc:A|B|C", "socket:/r" } },
        { { "pcsc:A", "pcsc" }, { "pcsc" } },
        { { "pcsc", "pcsc:A" }, { "pcsc" } },
        { { "socket:/r", "socket:/s" }, { "socket:/r", "socket:/s" } },
        /* For the back end to refuse. */
        { { "pcsc:", "pcsc:A", "pcscd" }, { "pcsc:", "pcsc:A", "pcscd" } },
        { { NULL }, { NULL } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *given[SPECS_MAX] = { NULL };
        char **joined;
        size_t count;

        for (size_t j = 0; j < count_of(rows[i].given); j++)
            given[j] = strdup(rows[i].given[j]);
        assert_int_equal(reader_specs_join(given, count_of(rows[i].given), &joined, &count), 0);
        assert_int_equal(count, count_of(rows[i].joined));
        for (size_t j = 0; j < count; j++)
            assert_string_equal(joined[j], rows[i].joined[j]);
        reader_specs_free(&joined, count);
        assert_null(joined);
        for (size_t j = 0; j < SPECS_MAX; j++)
            free(given[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_of_the_service_are_one_back_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
