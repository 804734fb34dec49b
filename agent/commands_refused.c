/* gpg-agent's commands for jobs that are not ours: a clear word instead of "unknown command". */
#include "agent/session.h"

static gpg_error_t refuse(assuan_context_t assuan, char *line)
{
    (void)line;
    return session_fail(assuan, GPG_ERR_NOT_SUPPORTED,
                        "Cardea only decrypts: stop it and use gpg-agent for this");
}

#define REFUSED(name)                                                                              \
    {                                                                                              \
        name, refuse, name "\nNot supported: Cardea only decrypts."                                \
    }

const struct session_command session_refused_commands[] = {
    REFUSED("PKSIGN"),           REFUSED("SETHASH"),
    REFUSED("GENKEY"),           REFUSED("IMPORT_KEY"),
    REFUSED("EXPORT_KEY"),       REFUSED("KEYWRAP_KEY"),
    REFUSED("DELETE_KEY"),       REFUSED("PASSWD"),
    REFUSED("KEYTOCARD"),        REFUSED("KEYATTR"),
    REFUSED("ISTRUSTED"),        REFUSED("LISTTRUSTED"),
    REFUSED("MARKTRUSTED"),      REFUSED("GET_PASSPHRASE"),
    REFUSED("CLEAR_PASSPHRASE"), REFUSED("PRESET_PASSPHRASE"),
    { NULL, NULL, NULL }
};
