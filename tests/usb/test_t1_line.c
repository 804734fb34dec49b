/* T=1 over a bad line, between our side and the test device's: every bit of every block turned once
 * in either direction, blocks that are lost, and everything else that a card does on its own. */
#include "ccid/t1.h"

#include "tests/unit/hex.h"
#include "tests/usb/t1_card.h"

#define IFSC       32
#define COMMAND    100 /* octets, in four blocks */
#define ANSWER     90  /* in three */
#define BLOCKS_MAX 12
#define NEVER      1000

struct fault {
    enum t1_fault kind;
    unsigned at, times;
};

struct line {
    struct fault fault; /* of the card's own */
    unsigned resynchs;
    struct t1_card card;
    unsigned commands; /* that the card got */
    unsigned blocks;   /* exchanged so far */
    unsigned at;       /* number of the block that is spoilt */
    size_t bit;        /* of it */
    bool outward;      /* ours, else the card's */
    bool reached;      /* that there was such a bit */
};

static struct view power_on(void *context)
{
    (void)context;
    return view_of(NULL, 0);
}

/* Says the command backwards. */
static void answer_command(void *context, struct view apdu, struct buffer *answer)
{
    struct line *line = context;

    line->commands++;
    buffer_clear(answer);
    for (size_t i = 0; i < ANSWER; i++)
        assert_ok(buffer_append_u8(answer, apdu.data[apdu.len - 1 - i]));
}

static struct buffer spoil(struct line *line, struct view block, bool outward)
{
    struct buffer copy = BUFFER(T1_BLOCK_OCTETS);

    assert_ok(buffer_append_view(&copy, block));
    if (line->blocks == line->at && line->outward == outward && line->bit < copy.len * 8) {
        copy.data[line->bit / 8] ^= (uint8_t)(1 << line->bit % 8);
        line->reached = true;
    }
    return copy;
}

static gpg_error_t carry(void *context, struct view block, unsigned wtx, struct buffer *answer,
                         struct deadline deadline)
{
    struct line *line = context;
    struct buffer out = spoil(line, block, true);
    struct buffer said = BUFFER(T1_BLOCK_OCTETS), in;
    gpg_error_t err;

    (void)wtx, (void)deadline;
    t1_card_block(&line->card, buffer_view(&out), &said);
    in = spoil(line, buffer_view(&said), false);
    err = buffer_append_view(answer, buffer_view(&in));
    line->blocks++;
    buffer_free(&out);
    buffer_free(&said);
    buffer_free(&in);
    return err;
}

/* One command over the line; checks what must be true whatever happens. */
static gpg_error_t talk(struct line *line)
{
    struct usb_card card = { .power_on = power_on, .command = answer_command, .context = line };
    struct buffer answer = BUFFER(1000);
    uint8_t command[COMMAND];
    struct t1 t1;
    gpg_error_t err;

    for (size_t i = 0; i < sizeof command; i++)
        command[i] = (uint8_t)(7 * i);
    t1_card_init(&line->card, &card);
    t1_card_reset(&line->card, IFSC);
    line->card.fault = line->fault.kind;
    line->card.fault_at = line->fault.at;
    line->card.fault_times = line->fault.times;
    line->card.fault_value = 16; /* of WTX and IFS */
    t1_init(&t1, carry, line, IFSC, 254);
    err = t1_transmit(&t1, view_of(command, sizeof command), &answer, deadline_in_ms(5000));
    assert_true(line->commands <= 1);
    if (!err) {
        assert_int_equal(answer.len, ANSWER);
        for (size_t i = 0; i < ANSWER; i++)
            assert_int_equal(answer.data[i], command[sizeof command - 1 - i]);
    }
    buffer_free(&answer);
    line->resynchs = line->card.resynchs;
    t1_card_free(&line->card);
    return err;
}

static void every_bit(void **state)
{
    unsigned turned = 0;

    (void)state;
    for (unsigned at = 0; at < BLOCKS_MAX; at++) {
        for (size_t bit = 0; bit < 2 * 8 * T1_BLOCK_OCTETS; bit++) {
            struct line line = { .at = at, .bit = bit / 2, .outward = bit % 2 };
            gpg_error_t err = talk(&line);

            if (err)
                fail_msg("block %u, bit %zu, %s: %s", at, bit / 2, bit % 2 ? "ours" : "its",
                         gpg_strerror(err));
            turned += line.reached;
        }
    }
    /* Four I-blocks of ours, three of the card's; three R-blocks of the card's and two of ours. */
    assert_int_equal(turned, 8 * (COMMAND + ANSWER + (4 + 3 + 3 + 2) * T1_OVERHEAD));
}

/* What the rules mend. */
static bool is_mended(enum t1_fault fault)
{
    return fault <= T1_IFS;
}

static void every_fault(void **state)
{
    (void)state;
    for (int fault = T1_NO_FAULT; fault <= T1_DEAD; fault++) {
        for (unsigned at = 0; at < BLOCKS_MAX; at++) {
            for (unsigned times = 1; times <= 3; times++) {
                struct line line = { .at = NEVER };
                gpg_error_t err;

                line.fault = (struct fault){ (enum t1_fault)fault, at, times };
                err = talk(&line);
                if (err && is_mended((enum t1_fault)fault))
                    fail_msg("fault %d at %u, %u times: %s", fault, at, times, gpg_strerror(err));
                assert_true(!err || gpg_err_code(err) == GPG_ERR_CARD);
            }
        }
    }
}

/* A card that is deaf before it has the whole command is brought back, and gets it once. */
static void resynchronized(void **state)
{
    struct line line = { .at = NEVER, .fault = { T1_DEAF, 1, 1 } };

    (void)state;
    assert_ok(talk(&line));
    assert_int_equal(line.resynchs, 1);
    assert_int_equal(line.commands, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_bit), cmocka_unit_test(every_fault),
                                        cmocka_unit_test(resynchronized) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
