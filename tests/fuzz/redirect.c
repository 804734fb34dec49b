/* The file that sends gpg and the agent to another socket. */
#include "base/gpg_home.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = NULL;

    if (home_parse_redirect(view_of(data, size), &path)) {
        if (path)
            abort();
        return 0;
    }
    if (!*path || strlen(path) > 107)
        abort();
    free(path);
    return 0;
}
