/* For the human who reads the log: what to do about an error. */
#pragma once

#include <gpg-error.h>
#include <stdbool.h>

/* A sentence without its full stop, or NULL when the error says it all. Static. */
const char *advice(gpg_error_t err);

/* Nobody touched the token in time: the card's own GPG_ERR_TIMEOUT, as scdaemon has it. Those of
 * readers and prompts come from others. */
static inline gpg_error_t error_no_touch(void)
{
    return gpg_err_make(GPG_ERR_SOURCE_SCD, GPG_ERR_TIMEOUT);
}

static inline bool error_is_no_touch(gpg_error_t err)
{
    return err == error_no_touch();
}
