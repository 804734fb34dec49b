#include "message/content.h"

#include <string.h>

struct walk {
    const struct sink *out;
    struct content_report *report;
    struct budget budget;
    uint64_t output_left;
};

static gpg_error_t problem(struct walk *w, gpg_err_code_t code, const char *words)
{
    w->report->problem = words;
    return gpg_error(code);
}

/* Too much is too much at every layer, and a human should hear which bound it was. */
static gpg_error_t explain(struct walk *w, gpg_error_t err)
{
    if (!w->report->problem && gpg_err_code(err) == GPG_ERR_TOO_LARGE)
        w->report->problem = "the message grows beyond what is allowed when it is decompressed";
    return err;
}

static gpg_error_t read_literal_header(struct input *body, struct literal_header *header)
{
    struct literal_header read = { .present = true };
    uint8_t date[4];
    gpg_error_t err = input_read(body, &read.format, 1);

    if (!err)
        err = input_read(body, &read.name_len, 1);
    if (!err)
        err = input_read(body, read.name, read.name_len);
    if (!err)
        err = input_read(body, date, sizeof date);
    if (err)
        return err;
    read.date =
        (uint32_t)date[0] << 24 | (uint32_t)date[1] << 16 | (uint32_t)date[2] << 8 | date[3];
    *header = read;
    return 0;
}

static gpg_error_t read_literal(struct walk *w, struct packet *packet)
{
    struct input body = INPUT(packet_body(packet));
    struct view piece;
    gpg_error_t err;

    if (w->report->literal.present)
        return problem(w, GPG_ERR_INV_PACKET, "the message has more than one text in it");
    err = read_literal_header(&body, &w->report->literal);
    while (!err) {
        err = input_next(&body, UINT64_MAX, &piece);
        if (err || !piece.len)
            break;
        if (piece.len > w->output_left)
            return problem(w, GPG_ERR_TOO_LARGE, "the message is larger than allowed");
        err = w->out->write(w->out->context, piece);
        w->output_left -= piece.len;
        w->report->octets += piece.len;
    }
    return err;
}

static gpg_error_t read_signature(struct walk *w, struct packet *packet)
{
    struct buffer body = BUFFER(SIGNATURE_OCTETS_MAX);
    struct content_report *report = w->report;
    struct signature_note note;
    gpg_error_t err = packet_read(packet, &body);
    bool known;

    if (gpg_err_code(err) == GPG_ERR_TOO_LARGE) {
        report->signature_count++;
        err = packet_skip(packet);
        goto leave;
    }
    if (err)
        goto leave;
    known = packet->tag == PACKET_SIGNATURE ? signature_note_read(buffer_view(&body), &note)
                                            : one_pass_note_read(buffer_view(&body), &note);
    if (!known)
        goto leave; /* a signature of the future makes the text no worse */
    if (report->signature_count < CONTENT_SIGNATURES)
        report->signatures[report->signature_count] = note;
    report->signature_count++;
leave:
    buffer_free(&body);
    return err;
}

static gpg_error_t read_packets(struct walk *w, struct source from, unsigned depth);

static gpg_error_t read_compressed(struct walk *w, struct packet *packet, unsigned depth)
{
    struct compressed *compressed = NULL;
    struct source plain;
    gpg_error_t err;

    if (depth == CONTENT_DEPTH_MAX)
        return problem(w, GPG_ERR_TOO_LARGE, "the message is compressed too many times over");
    err = compressed_open(packet_body(packet), depth > 0, &w->budget, &compressed, &plain);
    if (!err)
        err = read_packets(w, plain, depth + 1);
    compressed_close(&compressed);
    return explain(w, err);
}

static gpg_error_t read_packet(struct walk *w, struct packet *packet, unsigned depth)
{
    switch (packet->tag) {
    case PACKET_LITERAL:
        return read_literal(w, packet);
    case PACKET_COMPRESSED:
        return read_compressed(w, packet, depth);
    case PACKET_SIGNATURE:
    case PACKET_ONE_PASS_SIGNATURE:
        return read_signature(w, packet);
    case PACKET_PKESK:
    case PACKET_SKESK:
    case PACKET_ENCRYPTED:
    case PACKET_SEIPD:
    case PACKET_AEAD:
        return problem(w, GPG_ERR_NOT_SUPPORTED,
                       "the message is encrypted twice; unwrap it and decrypt what comes out");
    default:
        break;
    }
    if (packet_is_ignorable(packet->tag))
        return packet_skip(packet);
    if (packet->tag > PACKET_PADDING)
        return problem(w, GPG_ERR_UNKNOWN_PACKET, "the message has a part of an unknown kind");
    return problem(w, GPG_ERR_INV_PACKET, "the message has a part that belongs in no message");
}

static gpg_error_t read_packets(struct walk *w, struct source from, unsigned depth)
{
    struct input in = INPUT(from);
    struct packet packet;
    gpg_error_t err;

    for (;;) {
        err = packet_next(&in, &packet);
        if (gpg_err_code(err) == GPG_ERR_EOF)
            return 0;
        if (!err)
            err = read_packet(w, &packet, depth);
        if (err)
            return err;
    }
}

gpg_error_t content_read(struct source plain, const struct input *encrypted, uint64_t max_output,
                         const struct sink *out, struct content_report *report)
{
    struct walk w = {
        .out = out,
        .report = report,
        .budget = { .output_left = max_output, .encrypted = encrypted },
        .output_left = max_output,
    };
    gpg_error_t err = read_packets(&w, plain, 0);

    if (!err && !report->literal.present)
        err = problem(&w, GPG_ERR_NO_DATA, "the message has no text in it");
    return err;
}
