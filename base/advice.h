/* For the human who reads the log: what to do about an error. */
#pragma once

#include <gpg-error.h>

/* A sentence without its full stop, or NULL when the error says it all. Static. */
const char *advice(gpg_error_t err);
