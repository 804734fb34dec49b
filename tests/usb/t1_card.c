#include "tests/usb/t1_card.h"

#include <string.h>

/* ISO/IEC 7816-3 §11.3.2.2 */
enum pcb {
    PCB_SEQUENCE = 0x40,
    PCB_MORE = 0x20,
    PCB_R = 0x80,
    PCB_R_SEQUENCE = 0x10,
    PCB_R_EDC = 0x01,
    PCB_R_OTHER = 0x02,
    PCB_S = 0xC0,
    PCB_S_RESPONSE = 0x20,
    S_RESYNCH = 0,
    S_IFS = 1,
    S_ABORT = 2,
    S_WTX = 3,
};

#define DEFAULT_IFSD 32 /* §11.4.2 */
#define COMMAND_MAX  65545

void t1_card_init(struct t1_card *t, const struct usb_card *card)
{
    *t = (struct t1_card){ .card = card,
                           .ifsd = DEFAULT_IFSD,
                           .command = BUFFER(COMMAND_MAX),
                           .answer = BUFFER(TOKEN_ANSWER_MAX) };
}

static void forget(struct t1_card *t)
{
    t->expected = t->next = 0;
    t->more = t->waits = t->deaf = false;
    t->last_len = t->answer_at = 0;
    buffer_clear(&t->command);
    buffer_clear(&t->answer);
}

void t1_card_reset(struct t1_card *t, size_t ifsd)
{
    forget(t);
    t->received = 0;
    t->ifsd = ifsd ? ifsd : DEFAULT_IFSD;
}

void t1_card_free(struct t1_card *t)
{
    buffer_free(&t->command);
    buffer_free(&t->answer);
}

/* Builds a block and keeps it. */
static void make(struct t1_card *t, unsigned int pcb, struct view information)
{
    uint8_t check = 0;

    t->last[0] = 0;
    t->last[1] = (uint8_t)pcb;
    t->last[2] = (uint8_t)information.len;
    if (information.len)
        memcpy(t->last + 3, information.data, information.len);
    t->last_len = 3 + information.len;
    for (size_t i = 0; i < t->last_len; i++)
        check ^= t->last[i];
    t->last[t->last_len++] = check;
}

static void make_r(struct t1_card *t, unsigned int error)
{
    make(t, PCB_R | (t->expected ? PCB_R_SEQUENCE : 0U) | error, view_of(NULL, 0));
}

static void make_s(struct t1_card *t, unsigned int kind, uint8_t value)
{
    make(t, PCB_S | kind, view_of(&value, 1));
}

static void make_i(struct t1_card *t)
{
    size_t left = t->answer.len - t->answer_at;
    size_t part = left < t->ifsd ? left : t->ifsd;

    t->more = part < left;
    t->part = part;
    make(t, (t->next ? PCB_SEQUENCE : 0U) | (t->more ? PCB_MORE : 0U),
         view_of(t->answer.data + t->answer_at, part));
    t->answer_at += part;
    t->next ^= 1;
}

static bool is_whole(struct view block)
{
    uint8_t check = 0;

    if (block.len < 4 || block.len > T1_BLOCK_MAX || block.len != block.data[2] + 4U)
        return false;
    for (size_t i = 0; i < block.len; i++)
        check ^= block.data[i];
    return check == 0;
}

static bool fault_strikes(const struct t1_card *t, enum t1_fault fault)
{
    unsigned int times = t->fault_times ? t->fault_times : 1;

    return t->fault == fault && t->received >= t->fault_at && t->received < t->fault_at + times;
}

static void take_i(struct t1_card *t, struct view block)
{
    unsigned int sequence = block.data[1] & PCB_SEQUENCE ? 1 : 0;

    if (sequence != t->expected || buffer_append(&t->command, block.data + 3, block.data[2])) {
        make_r(t, PCB_R_OTHER);
        return;
    }
    t->expected ^= 1;
    if (block.data[1] & PCB_MORE) {
        make_r(t, 0);
        return;
    }
    t->card->command(t->card->context, buffer_view(&t->command), &t->answer);
    buffer_clear(&t->command);
    t->answer_at = 0;
    if (fault_strikes(t, T1_WTX) || fault_strikes(t, T1_IFS)) {
        t->waits = true;
        make_s(t, t->fault == T1_WTX ? S_WTX : S_IFS, t->fault_value);
    } else {
        make_i(t);
    }
}

/* §11.6.3.2 rule 2: the number says which I-block the host waits for. */
static void take_r(struct t1_card *t, struct view block)
{
    unsigned int wanted = block.data[1] & PCB_R_SEQUENCE ? 1 : 0;

    if (wanted != t->next && t->answer.len) {
        t->answer_at -= t->part;
        t->next ^= 1;
        make_i(t);
    } else if (t->more) {
        make_i(t);
    }
}

static void answer_s(struct t1_card *t, struct view block)
{
    make(t, block.data[1] | PCB_S_RESPONSE, view_of(block.data + 3, block.data[2]));
}

static void take_s(struct t1_card *t, struct view block)
{
    unsigned int kind = block.data[1] & 0x1F;

    if (block.data[1] & PCB_S_RESPONSE) {
        if (t->waits)
            make_i(t);
        else
            make_r(t, 0);
        t->waits = false;
    } else if (kind == S_RESYNCH) {
        t->resynchs++;
        forget(t);
        answer_s(t, block);
    } else if (kind == S_IFS && block.data[2] == 1) {
        t->ifsd = block.data[3];
        answer_s(t, block);
    } else if (kind == S_ABORT) {
        buffer_clear(&t->command);
        t->more = false;
        answer_s(t, block);
    } else {
        make_r(t, PCB_R_OTHER);
    }
}

static bool is_resynch(struct view block)
{
    return block.data[1] == (PCB_S | S_RESYNCH);
}

static void take(struct t1_card *t, struct view block)
{
    if (fault_strikes(t, T1_DEAF) || fault_strikes(t, T1_DEAD))
        t->deaf = true;
    if (!is_whole(block) || fault_strikes(t, T1_NOT_HEARD) ||
        (t->deaf && (t->fault == T1_DEAD || !is_resynch(block)))) {
        make_r(t, PCB_R_EDC);
    } else if (fault_strikes(t, T1_ABORT)) {
        buffer_clear(&t->command);
        make(t, PCB_S | S_ABORT, view_of(NULL, 0));
    } else if (!(block.data[1] & PCB_R)) {
        take_i(t, block);
    } else if ((block.data[1] & PCB_S) == PCB_S) {
        take_s(t, block);
    } else {
        take_r(t, block);
    }
}

void t1_card_block(struct t1_card *t, struct view block, struct buffer *answer)
{
    uint8_t sent[T1_BLOCK_MAX];
    size_t len;

    buffer_clear(answer);
    take(t, block);
    memcpy(sent, t->last, t->last_len);
    len = t->last_len;
    if (fault_strikes(t, T1_BAD_LRC))
        sent[len - 1] ^= 0x5A;
    if (fault_strikes(t, T1_CUT))
        len -= 2;
    if (!fault_strikes(t, T1_MUTE))
        (void)buffer_append(answer, sent, len);
    t->received++;
}
