/* Every operation, with memory and what else the system gives running out: once, at each moment,
 * and from each moment on. */
#include "tests/fault/shortage.h"
#include "tests/fault/stage.h"
#include "tests/unit/cmocka_all.h"

#include <limits.h>
#include <stdio.h>

/* Each operation asks for something so often at least; else the wrapping does not work. */
#define REQUESTS_MIN 1
#define REQUESTS_MAX 10000
#define CASES_MIN    500

static unsigned cases;
static unsigned at;
static bool for_good;
static unsigned requests;

static void begin(void)
{
    shortage_begin(at, for_good);
}

static void end(void)
{
    requests = shortage_end();
}

/* How many requests the operation makes when it gets what it asks for. */
static unsigned count_requests(struct test_case *c)
{
    at = UINT_MAX;
    for_good = false;
    stage_run(c, NULL);
    return requests;
}

static void run_short(void **state)
{
    struct test_case c = {
        .operation = stage_operation(state), .shortage = "short", .begin = begin, .end = end
    };
    unsigned total = count_requests(&c);

    assert_in_range(total, REQUESTS_MIN, REQUESTS_MAX);
    for (at = 0; at < total; at++) {
        c.at = at;
        for (int mode = 0; mode < 2; mode++) {
            for_good = mode == 1;
            stage_run(&c, NULL);
            cases++;
        }
    }
}

static void there_were_enough_of_them(void **state)
{
    (void)state;
    printf("%u cases\n", cases);
    assert_true(cases >= CASES_MIN);
}

int main(void)
{
    return stage_run_all("shortage", run_short, there_were_enough_of_them);
}
