/* What PC/SC's codes mean in the terms of ccid/reader.h. */
#pragma once

#include <gpg-error.h>
#include <winscard.h>

gpg_error_t pcsc_error(LONG code);

/* The same for calls that no policy forbids, where the library's SCARD_W_SECURITY_VIOLATION means
 * that the service ended before it had read the call. */
gpg_error_t pcsc_error_allowed(LONG code);
