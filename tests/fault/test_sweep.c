/* Every operation, every call of it to a reader, every fault. */
#include "tests/fault/stage.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

/* What the whole sweep must at least be made of. */
#define CASES_MIN 3000

static unsigned cases;

static void sweep(void **state)
{
    struct test_case c = { .operation = stage_operation(state) };
    struct world clean;

    stage_run(&c, &clean);
    assert_in_range(clean.calls, 1, CALLS_MAX);
    for (c.at = 0; c.at < clean.calls; c.at++) {
        c.call = clean.call[c.at];
        c.instruction = clean.instruction[c.at];
        for (size_t i = 0; i < fault_count; i++) {
            c.fault = &faults[i];
            if (!fault_fits(c.fault, c.call))
                continue;
            stage_run(&c, NULL);
            cases++;
        }
    }
}

static void the_sweep_was_wide_enough(void **state)
{
    (void)state;
    printf("%u cases\n", cases);
    assert_true(cases >= CASES_MIN);
}

int main(void)
{
    return stage_run_all("faults", sweep, the_sweep_was_wide_enough);
}
