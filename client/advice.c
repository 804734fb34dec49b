#include "base/advice.h"
#include "client/cardea.h"

const char *cardea_advice(gpg_error_t error)
{
    switch (gpg_err_code(error)) {
    case GPG_ERR_NO_AGENT:
        return "start it, and see what it says: cardea-agent --log-level info";
    case GPG_ERR_NO_SECKEY:
        return "it is for other keys than those of the inserted tokens: insert the one that holds "
               "a key for it";
    case GPG_ERR_UNSUPPORTED_ALGORITHM:
        return "it is encrypted in a way that no token can do: read it where the software key is";
    case GPG_ERR_NO_DATA:
        return "no OpenPGP message is in it";
    case GPG_ERR_NOT_ENCRYPTED:
        return "there is nothing to decrypt: gpg reads it";
    case GPG_ERR_TOO_LARGE:
        return "it is larger than what was allowed";
    case GPG_ERR_CIPHER_ALGO:
        return "the message is encrypted with a cipher that we do not have";
    case GPG_ERR_DECRYPT_FAILED: /* one error for all: which of them is for nobody to learn */
        return "the message is damaged, made for another key, or encrypted with a cipher other "
               "than AES, Camellia, Twofish, CAST5 and 3DES";
    case GPG_ERR_EOF:
    case GPG_ERR_EPIPE:
        return "the agent ended in the midst of it: try again";
    default:
        return advice(error);
    }
}
