#include "base/advice.h"

#define NO_SERVICE "no PC/SC service: install and start pcscd"

static const struct {
    gpg_err_code_t code;
    const char *what;
} rows[] = {
    { GPG_ERR_CARD_NOT_PRESENT, "insert the token that holds the key" },
    { GPG_ERR_CARD_REMOVED, "the token was taken out: insert it and try again" },
    { GPG_ERR_PIN_BLOCKED, "the PIN is blocked: unblock it with the reset code or the admin PIN "
                           "(gpg-agent stopped: gpg --card-edit, admin, passwd)" },
    { GPG_ERR_OBJ_TERM_STATE,
      "the token was reset and holds no keys: it must be activated and set up anew" },
    { GPG_ERR_LOCKED,
      "another program holds the reader for itself (often scdaemon: gpgconf --kill scdaemon)" },
    { GPG_ERR_NO_SERVICE, NO_SERVICE },
    { GPG_ERR_ENODEV, NO_SERVICE }, /* the same, as clients are told */
    { GPG_ERR_EACCES,
      "the PC/SC service refuses this user: allow it in polkit, or work in a local session" },
    { GPG_ERR_EPERM, "this user may not open the USB device: work in a local session with Cardea's "
                     "udev rules, or give a group access to it by a rule of your own" },
    { GPG_ERR_EPROTONOSUPPORT,
      "card or reader need what is not offered here; PC/SC may have it: install pcscd" },
    { GPG_ERR_TIMEOUT,
      "the prompt was not answered, or the token hangs: try again, or plug it in anew" },
    { GPG_ERR_NO_PIN_ENTRY, "install a pinentry, or name one with --pinentry" },
    { GPG_ERR_WRONG_CARD, "the keys on the token have changed: try again" },
    { GPG_ERR_DECRYPT_FAILED,
      "the token could not open it: the message is damaged or made for another key" },
    { GPG_ERR_INV_DATA, "the message cannot have been made for this key" },
    { GPG_ERR_TOO_LARGE,
      "the token has neither extended length nor command chaining, without which messages for RSA "
      "keys do not fit in: use a key on a curve with it" },
    { GPG_ERR_UNSUPPORTED_PROTOCOL,
      "the token wants its PIN in a form that is not known: no PIN was sent" },
    { GPG_ERR_BAD_PIN, "wrong PIN" },
};

const char *advice(gpg_error_t err)
{
    if (error_is_no_touch(err))
        return "nobody touched the token in time: try again, and touch it when it blinks";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code == gpg_err_code(err))
            return rows[i].what;
    }
    return NULL;
}
