/* A message from one descriptor to another. */
#include "client/connection.h"
#include "client/streams.h"

#include "base/text.h"
#include "message/message.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_LIMIT (UINT64_C(1) << 30)

/* What one SESSIONKEY takes. */
#define PKESKS_AT_ONCE   64
#define PKESK_OCTETS_SUM (64 * 1024)

struct work {
    struct cardea *connection;
    const struct cardea_decrypt_options *options;
    int out;
    uint64_t read, written;
    bool write_failed;
    struct cardea_report *report;
};

static bool go_on(void *context, uint64_t octets_read)
{
    struct work *work = context;

    work->read = octets_read;
    if (work->connection && atomic_load(&work->connection->cancelled))
        return false;
    return !work->options->progress ||
           work->options->progress(work->options->context, work->read, work->written);
}

static bool go_on_writing(void *context)
{
    return go_on(context, ((struct work *)context)->read);
}

static gpg_error_t write_piece(void *context, struct view piece)
{
    struct work *work = context;
    gpg_error_t err = fd_write(work->out, piece, go_on_writing, work);

    if (!err)
        work->written += piece.len;
    else
        work->write_failed = true;
    return !err && !go_on_writing(work) ? gpg_error(GPG_ERR_CANCELED) : err;
}

/* Collects the next packets that a token may open, as many as the agent takes at once. */
static gpg_error_t collect(const struct message *m, bool hidden, size_t *at, struct buffer *packets)
{
    const struct pkesk *p;
    size_t count = 0;
    gpg_error_t err = 0;

    for (; count < PKESKS_AT_ONCE && (p = message_pkesk(m, *at)); (*at)++) {
        if (!p->on_token || pkesk_is_hidden(p) != hidden)
            continue;
        err = pkesk_write(p, packets);
        if (err)
            break;
        count++;
    }
    /* The one that did not fit comes next time. */
    return gpg_err_code(err) == GPG_ERR_TOO_LARGE && count ? 0 : err;
}

/* What says no more than that the tokens had no key for the last round. */
static bool says_nothing(gpg_error_t err)
{
    return gpg_err_code(err) == GPG_ERR_NO_SECKEY ||
           gpg_err_code(err) == GPG_ERR_UNSUPPORTED_ALGORITHM;
}

/* Another round may help: the next packets may be for another token, or a hidden one for ours. */
static bool ask_next(gpg_error_t err)
{
    return says_nothing(err) || gpg_err_code(err) == GPG_ERR_DECRYPT_FAILED ||
           gpg_err_code(err) == GPG_ERR_INV_DATA;
}

/* Asks about all recipients that are named, or all that are hidden. failed is the best reason so
 * far. */
static gpg_error_t ask_rounds(struct cardea *connection, const struct message *m, bool hidden,
                              gpg_error_t failed, char key[CARDEA_SESSION_KEY_MAX],
                              struct cardea_opener *opener)
{
    struct buffer packets = BUFFER(PKESK_OCTETS_SUM);
    gpg_error_t err = failed;
    size_t at = 0;

    while (message_pkesk(m, at) && ask_next(err)) {
        gpg_error_t asked;

        buffer_clear(&packets);
        asked = collect(m, hidden, &at, &packets);
        if (!asked && !packets.len)
            break;
        if (!asked)
            asked = cardea_session_key(connection, packets.data, packets.len, key, opener);
        err = !asked || says_nothing(err) || !ask_next(asked) ? asked : err;
    }
    buffer_free(&packets);
    return err;
}

static gpg_error_t ask_agent(struct cardea *connection, const struct message *m,
                             char key[CARDEA_SESSION_KEY_MAX], struct cardea_opener *opener)
{
    gpg_error_t err =
        gpg_error(message_pkesk(m, 0) ? GPG_ERR_UNSUPPORTED_ALGORITHM : GPG_ERR_NO_SECKEY);

    err = ask_rounds(connection, m, false, err, key, opener);
    return ask_next(err) ? ask_rounds(connection, m, true, err, key, opener) : err;
}

static gpg_error_t find_session_key(struct work *work, const struct message *m,
                                    struct session_key *key)
{
    const char *given = work->options->session_key;
    gpg_error_t err = 0;

    if (given)
        snprintf(work->report->session_key, sizeof work->report->session_key, "%s", given);
    else if (!work->connection)
        err = gpg_error(GPG_ERR_NO_AGENT);
    else
        err = ask_agent(work->connection, m, work->report->session_key, &work->report->opener);
    if (err && !given && !message_pkesk(m, 0))
        work->report->problem = message_passphrases(m) ? "it is encrypted with a passphrase alone"
                                                       : "it names no recipient";
    if (!err)
        err = session_key_parse(given ? given : work->report->session_key, key);
    if (err && given && gpg_err_code(err) != GPG_ERR_CIPHER_ALGO)
        work->report->problem = "the session key is not ALGO:HEX with as much HEX as ALGO wants";
    return err;
}

static void fill_report(struct cardea_report *report, const struct content_report *content)
{
    const struct literal_header *literal = &content->literal;

    report->octets = content->octets;
    report->problem = content->problem;
    report->date = literal->date;
    text_escape(view_of(literal->name, literal->name_len), report->file_name,
                sizeof report->file_name);
    report->signature_count = content->signature_count;
    for (size_t i = 0; i < content->signature_count && i < CARDEA_SIGNATURES; i++) {
        hex_encode(view_of(content->signatures[i].key_id, KEY_ID_OCTETS),
                   report->signature[i].key_id);
        report->signature[i].algorithm =
            public_key_algorithm_name(content->signatures[i].algorithm);
    }
}

static void empty(int fd)
{
    if (ftruncate(fd, 0) == 0)
        lseek(fd, 0, SEEK_SET);
}

static gpg_error_t decrypt_body(struct work *work, struct message *m, const struct session_key *key)
{
    const struct cardea_decrypt_options *options = work->options;
    const struct decrypt_options decrypt = {
        .max_output = options->max_output,
        .accept_unprotected = options->accept_unprotected,
        .unwrap = options->unwrap,
        .provisional = options->provisional && fd_is_unseen(work->out),
    };
    const struct sink out = { .write = write_piece, .context = work };
    struct fd_holding held =
        FD_HOLDING(options->folder ? options->folder : ".",
                   options->memory_limit ? options->memory_limit : MEMORY_LIMIT);
    const struct holding holding = fd_holding(&held);
    struct content_report content;
    gpg_error_t err = message_decrypt(m, key, &decrypt, &holding, &out, &content);

    if (err && decrypt.provisional)
        empty(work->out);
    fill_report(work->report, &content);
    if (err && work->write_failed)
        work->report->problem = "the output cannot be written";
    else if (err && held.failed)
        work->report->problem = "no room to hold the message until it is verified: "
                                "the folder for that is full or cannot be written to";
    fd_holding_free(&held);
    return err;
}

gpg_error_t cardea_decrypt(struct cardea *connection, int in, int out,
                           const struct cardea_decrypt_options *options,
                           struct cardea_report *r_report)
{
    static const struct cardea_decrypt_options defaults;
    struct cardea_report unasked;
    struct cardea_report *report = r_report ? r_report : &unasked;
    struct work work = {
        .connection = connection,
        .options = options ? options : &defaults,
        .out = out,
        .report = report,
    };
    struct fd_source from = { .fd = in, .go_on = go_on, .context = &work };
    struct session_key key = { 0 };
    struct message *m = NULL;
    gpg_error_t err;

    *report = (struct cardea_report){ 0 };
    err = connection_init_library();
    if (!err)
        err = message_open(fd_source(&from), &m);
    if (!err)
        err = find_session_key(&work, m, &key);
    if (!err)
        err = decrypt_body(&work, m, &key);
    session_key_free(&key);
    message_close(&m);
    fd_source_free(&from);
    if (!r_report)
        explicit_bzero(&unasked, sizeof unasked);
    return err;
}

gpg_error_t cardea_message_session_key(struct cardea *connection, int in,
                                       char key[CARDEA_SESSION_KEY_MAX],
                                       struct cardea_opener *opener)
{
    struct fd_source from = { .fd = in };
    struct message *m = NULL;
    gpg_error_t err = message_open(fd_source(&from), &m);

    if (!err)
        err = ask_agent(connection, m, key, opener);
    message_close(&m);
    fd_source_free(&from);
    return err;
}
