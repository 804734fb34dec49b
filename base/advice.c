#include "base/advice.h"

const char *advice(gpg_error_t err)
{
    if (error_is_no_touch(err))
        return "nobody touched the token in time: try again, and touch it when it blinks";
    switch (gpg_err_code(err)) {
    case GPG_ERR_CARD_NOT_PRESENT:
        return "insert the token that holds the key";
    case GPG_ERR_CARD_REMOVED:
        return "the token was taken out: insert it and try again";
    case GPG_ERR_PIN_BLOCKED:
        return "the PIN is blocked: unblock it with the reset code or the admin PIN "
               "(gpg-agent stopped: gpg --card-edit, admin, passwd)";
    case GPG_ERR_OBJ_TERM_STATE:
        return "the token was reset and holds no keys: it must be activated and set up anew";
    case GPG_ERR_LOCKED:
        return "another program holds the reader for itself (often scdaemon: gpgconf --kill "
               "scdaemon)";
    case GPG_ERR_NO_SERVICE:
    case GPG_ERR_ENODEV: /* the same, as clients are told */
        return "no PC/SC service: install and start pcscd";
    case GPG_ERR_EACCES:
        return "the PC/SC service refuses this user: allow it in polkit, or work in a local "
               "session";
    case GPG_ERR_EPERM:
        return "this user may not open the USB device: work in a local session with Cardea's udev "
               "rules, or give a group access to it by a rule of your own";
    case GPG_ERR_EPROTONOSUPPORT:
        return "card or reader need what is not offered here; PC/SC may have it: install pcscd";
    case GPG_ERR_TIMEOUT:
        return "the prompt was not answered, or the token hangs: try again, or plug it in anew";
    case GPG_ERR_NO_PIN_ENTRY:
        return "install a pinentry, or name one with --pinentry";
    case GPG_ERR_WRONG_CARD:
        return "the keys on the token have changed: try again";
    case GPG_ERR_DECRYPT_FAILED:
        return "the token could not open it: the message is damaged or made for another key";
    case GPG_ERR_INV_DATA:
        return "the message cannot have been made for this key";
    case GPG_ERR_TOO_LARGE:
        return "the token has neither extended length nor command chaining, without which messages "
               "for RSA keys do not fit in: use a key on a curve with it";
    case GPG_ERR_UNSUPPORTED_PROTOCOL:
        return "the token wants its PIN in a form that is not known: no PIN was sent";
    case GPG_ERR_BAD_PIN:
        return "wrong PIN";
    default:
        return NULL;
    }
}
