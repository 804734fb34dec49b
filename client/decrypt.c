/* A message from one descriptor to another. */
#include "client/cardea.h"
#include "client/streams.h"

#include "base/text.h"
#include "message/message.h"

#include <stdio.h>
#include <string.h>

#define MEMORY_LIMIT (UINT64_C(1) << 30)

/* What one SESSIONKEY takes. */
#define PKESKS_AT_ONCE   64
#define PKESK_OCTETS_SUM (64 * 1024)

struct work {
    struct cardea *connection;
    const struct cardea_decrypt_options *options;
    int out;
    uint64_t read, written;
    struct cardea_report *report;
};

static bool go_on(void *context, uint64_t octets_read)
{
    struct work *work = context;

    work->read = octets_read;
    return !work->options->progress ||
           work->options->progress(work->options->context, work->read, work->written);
}

static gpg_error_t write_piece(void *context, struct view piece)
{
    struct work *work = context;
    gpg_error_t err = fd_write(work->out, piece);

    if (!err)
        work->written += piece.len;
    return !err && !go_on(work, work->read) ? gpg_error(GPG_ERR_CANCELED) : err;
}

/* Collects the next packets that a token may open, as many as the agent takes at once. */
static gpg_error_t collect(const struct message *m, size_t *at, struct buffer *packets)
{
    const struct pkesk *p;
    size_t count = 0;
    gpg_error_t err = 0;

    for (; count < PKESKS_AT_ONCE && (p = message_pkesk(m, *at)); (*at)++) {
        if (!p->on_token)
            continue;
        err = pkesk_write(p, packets);
        if (err)
            break;
        count++;
    }
    /* The one that did not fit comes next time. */
    return gpg_err_code(err) == GPG_ERR_TOO_LARGE && count ? 0 : err;
}

/* Another round helps only where the tokens had no key for the last one. */
static bool ask_next(gpg_error_t err)
{
    return gpg_err_code(err) == GPG_ERR_NO_SECKEY ||
           gpg_err_code(err) == GPG_ERR_UNSUPPORTED_ALGORITHM;
}

static gpg_error_t ask_agent(struct cardea *connection, const struct message *m,
                             char key[CARDEA_SESSION_KEY_MAX], struct cardea_opener *opener)
{
    struct buffer packets = BUFFER(PKESK_OCTETS_SUM);
    gpg_error_t err =
        gpg_error(message_pkesk(m, 0) ? GPG_ERR_UNSUPPORTED_ALGORITHM : GPG_ERR_NO_SECKEY);
    size_t at = 0;

    while (message_pkesk(m, at) && ask_next(err)) {
        gpg_error_t collected;

        buffer_clear(&packets);
        collected = collect(m, &at, &packets);
        if (collected)
            err = collected;
        else if (packets.len)
            err = cardea_session_key(connection, packets.data, packets.len, key, opener);
    }
    buffer_free(&packets);
    return err;
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
    if (!err)
        err = session_key_parse(given ? given : work->report->session_key, key);
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

static gpg_error_t decrypt_body(struct work *work, struct message *m, const struct session_key *key)
{
    const struct cardea_decrypt_options *options = work->options;
    const struct decrypt_options decrypt = { .max_output = options->max_output,
                                             .accept_unprotected = options->accept_unprotected,
                                             .unwrap = options->unwrap };
    const struct sink out = { .write = write_piece, .context = work };
    struct fd_holding held =
        FD_HOLDING(options->folder ? options->folder : ".",
                   options->memory_limit ? options->memory_limit : MEMORY_LIMIT);
    const struct holding holding = fd_holding(&held);
    struct content_report content;
    gpg_error_t err = message_decrypt(m, key, &decrypt, &holding, &out, &content);

    fill_report(work->report, &content);
    fd_holding_free(&held);
    return err;
}

gpg_error_t cardea_decrypt(struct cardea *connection, int in, int out,
                           const struct cardea_decrypt_options *options,
                           struct cardea_report *r_report)
{
    struct cardea_report unasked;
    struct cardea_report *report = r_report ? r_report : &unasked;
    struct work work = {
        .connection = connection, .options = options, .out = out, .report = report
    };
    struct fd_source from = { .fd = in, .go_on = go_on, .context = &work };
    struct session_key key = { 0 };
    struct message *m = NULL;
    gpg_error_t err;

    *report = (struct cardea_report){ 0 };
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
