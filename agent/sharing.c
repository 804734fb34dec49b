#include "agent/sharing.h"

#include <string.h>

/* A service that is being replaced by a newer one, or restarted, is back by then. */
#define RETURN_MS 10000

static bool has_scheme(const char *spec, const char *scheme)
{
    size_t len = strlen(scheme);

    return strncmp(spec, scheme, len) == 0 && (!spec[len] || spec[len] == ':');
}

bool sharing_is_pcsc(const char *spec)
{
    return has_scheme(spec, "pcsc");
}

bool sharing_is_usb(const char *spec)
{
    return has_scheme(spec, "usb");
}

bool sharing_is_spare(const char *spec)
{
    return strcmp(spec, "usb:spare") == 0;
}

/* A service that refuses us is there all the same. */
void sharing_note_service(struct sharing *sharing, gpg_error_t service)
{
    gpg_err_code_t code = gpg_err_code(service);

    sharing->known = code != GPG_ERR_EAGAIN;
    sharing->answers = sharing->known && code != GPG_ERR_NO_SERVICE;
    sharing->answered = sharing->answered || sharing->answers;
}

enum readers_share sharing_wish(const struct sharing *sharing, const char *spec, int64_t *after_ms)
{
    *after_ms = 0;
    if (!sharing->pcsc)
        return READERS_ALONE;
    if (!sharing->known || sharing->answers)
        return sharing_is_spare(spec) ? READERS_YIELD : READERS_BESIDE;
    if (sharing_is_spare(spec) && sharing->answered)
        *after_ms = RETURN_MS;
    return READERS_ALONE;
}
