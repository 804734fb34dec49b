#include "ccid/pcsc_error.h"

#include <stddef.h>

static const struct {
    LONG code;
    gpg_err_code_t meaning;
} meanings[] = {
    { SCARD_W_RESET_CARD, GPG_ERR_CARD_RESET },
    { SCARD_W_REMOVED_CARD, GPG_ERR_CARD_REMOVED },
    { SCARD_E_NO_SMARTCARD, GPG_ERR_CARD_REMOVED },
    { SCARD_E_READER_UNAVAILABLE, GPG_ERR_CARD_REMOVED },
    { SCARD_E_UNKNOWN_READER, GPG_ERR_CARD_REMOVED },
    { SCARD_E_NO_READERS_AVAILABLE, GPG_ERR_CARD_REMOVED },
    { SCARD_E_INVALID_VALUE, GPG_ERR_CARD_REMOVED }, /* a handle whose reader is gone */
    { SCARD_E_SHARING_VIOLATION, GPG_ERR_LOCKED },
    { SCARD_E_TIMEOUT, GPG_ERR_TIMEOUT },
    { SCARD_E_CANCELLED, GPG_ERR_CANCELED },
    { SCARD_E_INSUFFICIENT_BUFFER, GPG_ERR_TOO_LARGE },
    { SCARD_E_NO_MEMORY, GPG_ERR_ENOMEM },
    { SCARD_W_SECURITY_VIOLATION, GPG_ERR_EACCES }, /* polkit */
    { SCARD_E_NO_SERVICE, GPG_ERR_NO_SERVICE },
    { SCARD_E_SERVICE_STOPPED, GPG_ERR_NO_SERVICE },
    { SCARD_F_COMM_ERROR, GPG_ERR_NO_SERVICE },
    { SCARD_E_INVALID_HANDLE, GPG_ERR_NO_SERVICE }, /* of a service that has ended */
};

gpg_error_t pcsc_error(LONG code)
{
    if (code == SCARD_S_SUCCESS)
        return 0;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].code == code)
            return gpg_error(meanings[i].meaning);
    }
    /* Mute, unpowered, unsupported, not transacted, protocol mismatch, internal … */
    return gpg_error(GPG_ERR_CARD);
}

gpg_error_t pcsc_error_allowed(LONG code)
{
    return pcsc_error(code == SCARD_W_SECURITY_VIOLATION ? SCARD_E_NO_SERVICE : code);
}
