/* Everything that is logged while faults happen, at every level, and whether it tells a secret. */
#pragma once

#include "base/bytes.h"

/* From now on standard error goes to a file in memory. Once. */
void caught_log_begin(void);
void caught_log_end(void);

/* True when none of the secrets is in what was logged since the last look: not in octets, not in
 * hex digits of either kind. */
bool caught_log_is_clean(const struct view *secrets, size_t count);
