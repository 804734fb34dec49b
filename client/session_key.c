/* Asking the agent for a session key. */
#include "client/connection.h"

#include "base/bytes.h"
#include "base/text.h"

#include <string.h>

struct question {
    struct cardea *connection;
    struct view pkesk;
    char key[CARDEA_SESSION_KEY_MAX];
    size_t key_len;
    gpg_error_t failed;
    struct cardea_opener opener;
};

static gpg_error_t take_data(void *context, const void *data, size_t len)
{
    struct question *q = context;

    if (len > sizeof q->key - 1 - q->key_len)
        q->failed = gpg_error(GPG_ERR_INV_RESPONSE);
    if (q->failed)
        return 0;
    memcpy(q->key + q->key_len, data, len);
    q->key_len += len;
    return 0;
}

static gpg_error_t answer_inquiry(void *context, const char *keyword)
{
    struct question *q = context;

    struct view certificates = buffer_view(&q->connection->certificates);

    if (strcmp(keyword, "PKESK") == 0)
        return assuan_send_data(q->connection->assuan, q->pkesk.data, q->pkesk.len);
    if (strcmp(keyword, "CERTIFICATE") == 0)
        return assuan_send_data(q->connection->assuan, certificates.data, certificates.len);
    return 0; /* others, such as PINENTRY_LAUNCHED, want no answer */
}

/* The word behind "NAME " in a status line, made printable. */
static void take_word(const char *line, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);

    if (strncmp(line, name, len) == 0 && line[len] == ' ')
        text_escape(view_of(line + len + 1, strlen(line + len + 1)), out, size);
}

static gpg_error_t take_status(void *context, const char *line)
{
    struct cardea_opener *opener = &((struct question *)context)->opener;

    take_word(line, "KEY", opener->fingerprint, sizeof opener->fingerprint);
    take_word(line, "SERIALNO", opener->serial, sizeof opener->serial);
    if (strcmp(line, "TOUCH yes") == 0)
        opener->touch = true;
    return 0;
}

gpg_error_t cardea_session_key(struct cardea *connection, const void *pkesk, size_t len,
                               char key[CARDEA_SESSION_KEY_MAX], struct cardea_opener *opener)
{
    struct question q = { .connection = connection, .pkesk = view_of(pkesk, len) };
    const struct connection_call call = {
        .data = take_data, .inquiry = answer_inquiry, .status = take_status, .context = &q
    };
    const char *command = connection->certificates.len ? "SESSIONKEY --certificate" : "SESSIONKEY";
    gpg_error_t err = connection_call(connection, command, &call);

    if (!err)
        err = q.failed;
    if (!err && q.key_len == 0)
        err = gpg_error(GPG_ERR_INV_RESPONSE);
    if (!err) {
        memcpy(key, q.key, sizeof q.key);
        if (opener)
            *opener = q.opener;
    }
    explicit_bzero(q.key, sizeof q.key);
    return err;
}
