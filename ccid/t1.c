#include "ccid/t1.h"

#include "base/log.h"

#include <string.h>

#define TRIES_MAX        3  /* of one block, and of RESYNCH (§11.6.3.2 rules 6.4 and 7.4) */
#define RESTARTS_MAX     3  /* of one command, after as many RESYNCH */
#define EMPTY_BLOCKS_MAX 16 /* of a chain, one after the other, before it counts as endless */

/* One command on its way. */
struct exchange {
    struct t1 *t1;
    struct view rest;    /* of the command, after the I-block that is under way */
    struct view sending; /* information of that I-block */
    bool delivered;      /* the last I-block was sent: the card may have the whole command */
    bool answering;      /* a block of the answer has come */
    bool aborted;        /* by the card */
    struct buffer *answer;
    size_t answer_start;
    unsigned empty; /* blocks of the answer's chain without information */
    unsigned tries; /* of what is under way, in vain */
    unsigned restarts;
    unsigned wtx;
    struct t1_block out; /* what is sent next, and again by the rules */
    uint8_t s_octet;     /* information of an S-block */
    struct deadline deadline;
    bool done;
};

void t1_init(struct t1 *t1, t1_link *link, void *context, uint8_t ifsc, uint8_t inf_max)
{
    *t1 = (struct t1){
        .link = link, .context = context, .atr_ifsc = ifsc, .ifsc = ifsc, .inf_max = inf_max
    };
}

/* Sends block and receives one. *valid: 0, or why what came is no block. */
static gpg_error_t exchange_block(struct t1 *t1, const struct t1_block *block, unsigned wtx,
                                  struct buffer *received, struct t1_block *in, gpg_error_t *valid,
                                  struct deadline deadline)
{
    uint8_t octets[T1_BLOCK_OCTETS];
    gpg_error_t err;
    size_t len;

    if (deadline_passed(deadline))
        return gpg_error(GPG_ERR_TIMEOUT);
    len = t1_block_encode(block, octets);
    buffer_clear(received);
    err = t1->link(t1->context, view_of(octets, len), wtx, received, deadline);
    explicit_bzero(octets, len);
    if (!err)
        *valid = t1_block_parse(buffer_view(received), in);
    return err;
}

/* Sends an S(request) until its response comes (rule 7.3). GPG_ERR_CARD when it does not. */
static gpg_error_t supervise(struct t1 *t1, enum t1_supervisory what, struct view information,
                             struct deadline deadline)
{
    struct t1_block request = { .kind = T1_S_REQUEST,
                                .number = (uint8_t)what,
                                .information = information };
    struct buffer received = BUFFER(T1_BLOCK_OCTETS);
    gpg_error_t err = 0;
    bool responded = false;

    for (int i = 0; i < TRIES_MAX && !err && !responded; i++) {
        struct t1_block in;
        gpg_error_t valid;

        err = exchange_block(t1, &request, 1, &received, &in, &valid, deadline);
        responded = !err && !valid && in.kind == T1_S_RESPONSE && in.number == what &&
                    view_equal(in.information, information);
    }
    buffer_free(&received);
    return err || responded ? err : gpg_error(GPG_ERR_CARD);
}

static gpg_error_t tell_ifsd(struct t1 *t1, uint8_t ifsd, struct deadline deadline)
{
    gpg_error_t err = supervise(t1, T1_S_IFS, view_of(&ifsd, 1), deadline);

    if (!err)
        t1->ifsd = ifsd;
    return err;
}

gpg_error_t t1_tell_ifsd(struct t1 *t1, uint8_t ifsd, struct deadline deadline)
{
    if (!t1->broken)
        t1->broken = tell_ifsd(t1, ifsd, deadline);
    return t1->broken;
}

/* Brings both sides back to N(S) = 0 and the sizes of the start (rule 6). */
static gpg_error_t resynchronize(struct t1 *t1, struct deadline deadline)
{
    gpg_error_t err = supervise(t1, T1_S_RESYNCH, view_of(NULL, 0), deadline);

    log_debug("T=1: RESYNCH: %s", gpg_strerror(err));
    if (err)
        return err;
    t1->ns = t1->nr = 0;
    if (t1->ifsc > t1->atr_ifsc)
        t1->ifsc = t1->atr_ifsc;
    return t1->ifsd ? tell_ifsd(t1, t1->ifsd, deadline) : 0;
}

static void send_part(struct exchange *e)
{
    struct t1 *t1 = e->t1;
    size_t max = t1->ifsc < t1->inf_max ? t1->ifsc : t1->inf_max;

    (void)view_take(&e->rest, e->rest.len < max ? e->rest.len : max, &e->sending);
    e->out = (struct t1_block){
        .kind = T1_I, .number = t1->ns, .more = e->rest.len > 0, .information = e->sending
    };
    e->delivered = e->rest.len == 0;
}

static void send_again(struct exchange *e)
{
    e->out = (struct t1_block){
        .kind = T1_I, .number = e->t1->ns, .more = !e->delivered, .information = e->sending
    };
}

static void send_r(struct exchange *e, enum t1_error error)
{
    e->out = (struct t1_block){ .kind = T1_R, .number = e->t1->nr, .error = error };
}

static gpg_error_t restart(struct exchange *e, struct view command)
{
    gpg_error_t err;

    /* The card may have carried it out: doing that twice could cost a PIN try. */
    if (e->delivered || e->restarts++ == RESTARTS_MAX)
        return gpg_error(GPG_ERR_CARD);
    err = resynchronize(e->t1, e->deadline);
    buffer_truncate(e->answer, e->answer_start);
    e->rest = command;
    e->answering = e->aborted = false;
    e->tries = 0;
    send_part(e);
    return err;
}

/* Rules 7.1 to 7.3: what did not come, came damaged or makes no sense is asked for again. */
static void ask_again(struct exchange *e, gpg_error_t why)
{
    if (e->out.kind != T1_R)
        send_r(e, gpg_err_code(why) == GPG_ERR_CHECKSUM ? T1_EDC_ERROR : T1_OTHER_ERROR);
    e->tries++;
}

static gpg_error_t take_i(struct exchange *e, const struct t1_block *in)
{
    gpg_error_t err;

    /* In the middle of our chain the card has nothing to say, unless it has just aborted that. */
    if ((!e->delivered && !e->aborted) || in->number != e->t1->nr) {
        ask_again(e, gpg_error(GPG_ERR_BAD_DATA));
        return 0;
    }
    e->empty = in->information.len ? 0 : e->empty + 1;
    if (in->more && e->empty > EMPTY_BLOCKS_MAX)
        return gpg_error(GPG_ERR_CARD);
    err = buffer_append_view(e->answer, in->information);
    if (err)
        return err;
    e->t1->nr ^= 1;
    e->answering = true;
    e->tries = 0;
    e->done = !in->more;
    send_r(e, T1_NO_ERROR);
    return 0;
}

static gpg_error_t take_r(struct exchange *e, const struct t1_block *in)
{
    if (e->aborted)
        return gpg_error(GPG_ERR_CARD);
    if (in->number == e->t1->ns) {
        /* It has not got the I-block; but one that is answering has. */
        if (e->answering)
            ask_again(e, gpg_error(GPG_ERR_BAD_DATA));
        else
            send_again(e);
        e->tries += e->out.kind == T1_I;
    } else if (!e->delivered) {
        e->t1->ns ^= 1;
        e->tries = 0;
        send_part(e);
    } else {
        ask_again(e, gpg_error(GPG_ERR_BAD_DATA));
    }
    return 0;
}

static gpg_error_t take_s_request(struct exchange *e, const struct t1_block *in)
{
    switch (in->number) {
    case T1_S_WTX:
        e->s_octet = in->information.data[0];
        e->wtx = e->s_octet ? e->s_octet : 1;
        break;
    case T1_S_IFS:
        e->s_octet = in->information.data[0];
        if (e->s_octet == 0 || e->s_octet > T1_INF_MAX) {
            ask_again(e, gpg_error(GPG_ERR_BAD_DATA));
            return 0;
        }
        e->t1->ifsc = e->s_octet;
        break;
    case T1_S_ABORT:
        buffer_truncate(e->answer, e->answer_start);
        e->aborted = true;
        break;
    default: /* only we may ask for RESYNCH */
        ask_again(e, gpg_error(GPG_ERR_BAD_DATA));
        return 0;
    }
    e->tries = 0;
    e->out = (struct t1_block){ .kind = T1_S_RESPONSE,
                                .number = in->number,
                                .information = view_of(&e->s_octet, in->information.len) };
    return 0;
}

static gpg_error_t take_block(struct exchange *e, const struct t1_block *in)
{
    switch (in->kind) {
    case T1_I:
        return take_i(e, in);
    case T1_R:
        return take_r(e, in);
    case T1_S_REQUEST:
        return take_s_request(e, in);
    default: /* a response that nobody asked for */
        ask_again(e, gpg_error(GPG_ERR_BAD_DATA));
        return 0;
    }
}

static gpg_error_t run(struct exchange *e, struct view command)
{
    struct buffer received = BUFFER(T1_BLOCK_OCTETS);
    gpg_error_t err = 0;

    while (!err && !e->done) {
        unsigned wtx = e->wtx;
        struct t1_block in;
        gpg_error_t valid;

        e->wtx = 1;
        err = exchange_block(e->t1, &e->out, wtx, &received, &in, &valid, e->deadline);
        if (!err && valid)
            ask_again(e, valid);
        else if (!err)
            err = take_block(e, &in);
        if (!err && e->tries > TRIES_MAX)
            err = restart(e, command);
    }
    buffer_free(&received);
    return err;
}

gpg_error_t t1_transmit(struct t1 *t1, struct view command, struct buffer *answer,
                        struct deadline deadline)
{
    struct exchange e = { .t1 = t1,
                          .rest = command,
                          .answer = answer,
                          .answer_start = answer->len,
                          .wtx = 1,
                          .deadline = deadline };

    if (t1->broken)
        return t1->broken;
    send_part(&e);
    t1->broken = run(&e, command);
    if (t1->broken)
        buffer_truncate(answer, e.answer_start);
    else
        t1->ns ^= 1;
    return t1->broken;
}

void t1_prologue(const struct t1 *t1, uint8_t prologue[2])
{
    const struct t1_block block = { .kind = T1_I, .number = t1->ns };
    uint8_t octets[T1_BLOCK_OCTETS];

    (void)t1_block_encode(&block, octets);
    memcpy(prologue, octets, 2);
}

gpg_error_t t1_take_answer(struct t1 *t1, struct view block, struct buffer *answer)
{
    struct t1_block in;

    if (t1->broken)
        return t1->broken;
    if (t1_block_parse(block, &in) || in.kind != T1_I || in.more || in.number != t1->nr) {
        t1->broken = gpg_error(GPG_ERR_CARD);
        return t1->broken;
    }
    t1->ns ^= 1;
    t1->nr ^= 1;
    return buffer_append_view(answer, in.information);
}
