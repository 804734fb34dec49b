/* The system refuses: memory, threads, descriptors, as far as the product asks for them itself. The
 * functions are wrapped by the linker; this program's cards and client get all they ask for, and
 * so does libgcrypt within, which ends the process when it does not. */
#pragma once

#include <stdbool.h>

/* From now on the request with this number fails; for_good: and all after it. */
void shortage_begin(unsigned at, bool for_good);

/* All is well again. Returns how many requests there were. */
unsigned shortage_end(void);

/* Between the two, requests of this thread are not the product's. */
void shortage_pause(void);
void shortage_resume(void);
