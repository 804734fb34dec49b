/* The --reader options as one list of back ends. */
#pragma once

#include <gpg-error.h>
#include <stddef.h>

/* Puts all specs of PC/SC readers into one: libpcsclite has one table of readers for the whole
 * process, and two back ends that watch it would read what the other has asked for. The list is the
 * caller's to free with reader_specs_free; GPG_ERR_ENOMEM. */
gpg_error_t reader_specs_join(char *const *specs, size_t count, char ***r_joined, size_t *r_count);

/* Accepts NULL, clears the pointer. */
void reader_specs_free(char ***specs, size_t count);
