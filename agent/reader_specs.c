#include "agent/reader_specs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCSC "pcsc"

/* What is malformed stays as it is, for its back end to refuse. */
static bool is_pcsc(const char *spec)
{
    size_t len = strlen(PCSC);

    return strncmp(spec, PCSC, len) == 0 && (!spec[len] || (spec[len] == ':' && spec[len + 1]));
}

/* "pcsc:A" and "pcsc:B" are "pcsc:A|B"; "pcsc" is all readers whatever else is said. */
static gpg_error_t widen(char **joined, const char *spec)
{
    char *wider = NULL;

    if (strcmp(*joined, PCSC) == 0)
        return 0;
    if (strcmp(spec, PCSC) == 0)
        wider = strdup(spec);
    else if (asprintf(&wider, "%s|%s", *joined, spec + strlen(PCSC) + 1) < 0)
        wider = NULL;
    if (!wider)
        return gpg_error(GPG_ERR_ENOMEM);
    free(*joined);
    *joined = wider;
    return 0;
}

gpg_error_t reader_specs_join(char *const *specs, size_t count, char ***r_joined, size_t *r_count)
{
    char **joined = calloc(count + 1, sizeof *joined);
    char **pcsc = NULL;
    size_t filled = 0;
    gpg_error_t err = joined ? 0 : gpg_error(GPG_ERR_ENOMEM);

    for (size_t i = 0; i < count && !err; i++) {
        if (pcsc && is_pcsc(specs[i])) {
            err = widen(pcsc, specs[i]);
            continue;
        }
        joined[filled] = strdup(specs[i]);
        if (!joined[filled])
            err = gpg_error(GPG_ERR_ENOMEM);
        else if (is_pcsc(specs[i]))
            pcsc = &joined[filled];
        filled++;
    }
    if (err) {
        reader_specs_free(&joined, filled);
        return err;
    }
    *r_joined = joined;
    *r_count = filled;
    return 0;
}

void reader_specs_free(char ***specs, size_t count)
{
    for (size_t i = 0; *specs && i < count; i++)
        free((*specs)[i]);
    free(*specs);
    *specs = NULL;
}
