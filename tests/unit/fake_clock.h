/* The clock of a program that links this: it can jump. clock_gettime and timed waits on conditions
 * are wrapped by the linker; waits in the kernel (poll) are not. */
#pragma once

#include <stdint.h>

/* Makes monotonic_ms() at least `ms`, and boottime_ms() as much later as it was before. */
void fake_clock_jump_to(int64_t ms);
