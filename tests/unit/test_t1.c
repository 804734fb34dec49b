/* T=1 by the rules of ISO 7816-3:2006 §11.6.3, against a card that plays a script. */
#include "ccid/t1.h"
#include "tests/unit/hex.h"

#define BAD "!" /* the block that follows has a wrong LRC */

/* What is expected from us and what the card says to it; LRCs are added to both. "": nothing. */
struct step {
    const char *out, *in;
    unsigned wtx; /* 0: 1 */
    gpg_err_code_t err;
};

#define SAYS(out, in)                                                                              \
    {                                                                                              \
        out, in, 0, 0                                                                              \
    }

static const struct step *script;
static size_t steps, at;

static struct buffer with_lrc(const char *digits)
{
    bool bad = *digits == '!';
    struct view octets = hex(digits + bad);
    struct buffer block = BUFFER(300);
    uint8_t sum = bad ? 0x01 : 0;

    assert_ok(buffer_append_view(&block, octets));
    for (size_t i = 0; i < octets.len; i++)
        sum ^= octets.data[i];
    if (octets.len)
        assert_ok(buffer_append_u8(&block, sum));
    return block;
}

static gpg_error_t play(void *context, struct view block, unsigned wtx, struct buffer *answer,
                        struct deadline deadline)
{
    const struct step *now = &script[at];
    struct buffer expected, said;
    gpg_error_t err;

    (void)context, (void)deadline;
    if (at == steps)
        fail_msg("one block too many: PCB %02X", block.data[1]);
    at++;
    expected = with_lrc(now->out);
    if (!view_equal(block, buffer_view(&expected)))
        fail_msg("step %zu: %02X %02X, not %s", at, block.data[1], block.data[2], now->out);
    assert_int_equal(wtx, now->wtx ? now->wtx : 1);
    buffer_free(&expected);
    if (now->err)
        return gpg_error(now->err);
    said = with_lrc(now->in);
    err = buffer_append_view(answer, buffer_view(&said));
    buffer_free(&said);
    return err;
}

static void start(struct t1 *t1, const struct step *s, size_t count, uint8_t ifsc)
{
    script = s;
    steps = count;
    at = 0;
    t1_init(t1, play, NULL, ifsc, 254);
}

#define STEPS(s) s, sizeof s / sizeof s[0]

static void transmits(struct t1 *t1, const char *command, gpg_err_code_t code, const char *expected)
{
    struct buffer answer = BUFFER(1000);

    assert_err(t1_transmit(t1, hex(command), &answer, deadline_never()), code);
    assert_octets(buffer_view(&answer), expected);
    buffer_free(&answer);
}

/* A whole conversation of one command. */
static void plays(const struct step *s, size_t count, uint8_t ifsc, const char *command,
                  gpg_err_code_t code, const char *expected)
{
    struct t1 t1;

    start(&t1, s, count, ifsc);
    transmits(&t1, command, code, expected);
    assert_int_equal(at, count);
    assert_err(t1.broken, code);
}

static void numbers_alternate(void **state)
{
    static const struct step s[] = {
        SAYS("000004 00A40000", "000002 9000"),
        SAYS("004004 00CA006E", "004003 019000"),
        SAYS("000004 00CA006E", "000003 029000"),
    };
    struct t1 t1;

    (void)state;
    start(&t1, STEPS(s), 254);
    transmits(&t1, "00A40000", 0, "9000");
    transmits(&t1, "00CA006E", 0, "019000");
    transmits(&t1, "00CA006E", 0, "029000");
    assert_int_equal(at, 3);
}

static void chains_both_ways(void **state)
{
    static const struct step s[] = {
        SAYS("002004 01020304", "009000"),    SAYS("006004 05060708", "008000"),
        SAYS("000002 090A", "002003 A1A2A3"), SAYS("009000", "006003 A4A5A6"),
        SAYS("008000", "000002 9000"),
    };

    (void)state;
    plays(STEPS(s), 4, "0102030405060708090A", 0, "A1A2A3A4A5A6 9000");
}

/* Rule 7.1: R(N(R)) after what is damaged, and after silence; the card repeats. */
static void damaged_and_mute(void **state)
{
    static const struct step damaged[] = { SAYS("000004 00CA006E", BAD "000002 9000"),
                                           SAYS("008100", "000002 9000") };
    static const struct step mute[] = { SAYS("000004 00CA006E", ""),
                                        SAYS("008200", "000002 9000") };
    static const struct step cut[] = { SAYS("000004 00CA006E", "0000029000 77"),
                                       SAYS("008200", "000002 9000") };

    (void)state;
    plays(STEPS(damaged), 254, "00CA006E", 0, "9000");
    plays(STEPS(mute), 254, "00CA006E", 0, "9000");
    plays(STEPS(cut), 254, "00CA006E", 0, "9000");
}

/* The card asks for our block again. */
static void our_block_again(void **state)
{
    static const struct step s[] = { SAYS("002002 0102", "008100"), SAYS("002002 0102", "009000"),
                                     SAYS("004002 0304", "009200"),
                                     SAYS("004002 0304", "000002 9000") };

    (void)state;
    plays(STEPS(s), 2, "01020304", 0, "9000");
}

/* It got nothing at all: our R-block asks, and it says which block it waits for. */
static void lost_on_the_way(void **state)
{
    static const struct step s[] = { SAYS("000004 00CA006E", ""), SAYS("008200", "008000"),
                                     SAYS("000004 00CA006E", "000002 9000") };

    (void)state;
    plays(STEPS(s), 254, "00CA006E", 0, "9000");
}

/* Rule 7.2: an R-block that is answered by an R-block in the midst of a chain is sent again. */
static void r_block_again(void **state)
{
    static const struct step s[] = { SAYS("000004 00CA006E", "002001 A1"), SAYS("009000", "009100"),
                                     SAYS("009000", "004003 A29000") };

    (void)state;
    plays(STEPS(s), 254, "00CA006E", 0, "A1A29000");
}

/* A block of the chain comes twice: the second is not data. */
static void block_twice(void **state)
{
    static const struct step s[] = { SAYS("000004 00CA006E", "002001 A1"),
                                     SAYS("009000", "002001 A1"), SAYS("009000", "004003 A29000") };

    (void)state;
    plays(STEPS(s), 254, "00CA006E", 0, "A1A29000");
}

static void waiting_time(void **state)
{
    static const struct step s[] = { SAYS("000004 00CA006E", "00C301 05"),
                                     { "00E301 05", "00C301 00", 5, 0 },
                                     SAYS("00E301 00", BAD "000002 9000"),
                                     SAYS("008100", "000002 9000") };

    (void)state;
    plays(STEPS(s), 254, "00CA006E", 0, "9000");
}

/* The card changes what it takes, in the middle of our chain. */
static void card_changes_ifs(void **state)
{
    static const struct step s[] = { SAYS("002002 0102", "00C101 03"), SAYS("00E101 03", "009000"),
                                     SAYS("006003 030405", "008000"),
                                     SAYS("000001 06", "000002 9000") };
    static const struct step bad[] = { SAYS("000002 0102", "00C101 FF"),
                                       SAYS("008200", "000002 9000") };

    (void)state;
    plays(STEPS(s), 2, "010203040506", 0, "9000");
    plays(STEPS(bad), 2, "0102", 0, "9000");
}

/* Rule 9: what it says after having aborted its own or our chain is all there is. */
static void card_aborts(void **state)
{
    static const struct step ours[] = { SAYS("002002 0102", "00C200"),
                                        SAYS("00E200", "000002 6F00") };
    static const struct step its[] = { SAYS("000002 0102", "002002 A1A2"), SAYS("009000", "00C200"),
                                       SAYS("00E200", "004002 6F00") };
    static const struct step nothing[] = { SAYS("002002 0102", "00C200"),
                                           SAYS("00E200", "008000") };

    (void)state;
    plays(STEPS(ours), 2, "01020304", 0, "6F00");
    plays(STEPS(its), 2, "0102", 0, "6F00");
    plays(STEPS(nothing), 2, "01020304", GPG_ERR_CARD, "");
}

/* Rules 6 and 7.4: after three tries RESYNCH, and the command from its beginning: its last block
 * was never sent. The card's IFS and ours are as at the start. */
static void resynchronized_before_the_end(void **state)
{
    static const struct step s[] = {
        SAYS("00C101 FE", "00E101 FE"), SAYS("002002 0102", "00C101 04"),
        SAYS("00E101 04", "009000"),    SAYS("006004 03040506", ""),
        SAYS("008200", BAD "008000"),   SAYS("008200", ""),
        SAYS("008200", "00A0 00 00"),   SAYS("00C000", ""),
        SAYS("00C000", "00E000"),       SAYS("00C101 FE", "00E101 FE"),
        SAYS("002002 0102", "009000"),  SAYS("006002 0304", "008000"),
        SAYS("002002 0506", "009000"),  SAYS("004001 07", "000002 9000"),
    };
    struct t1 t1;

    (void)state;
    start(&t1, STEPS(s), 2);
    assert_ok(t1_tell_ifsd(&t1, 254, deadline_never()));
    transmits(&t1, "01020304050607", 0, "9000");
    assert_int_equal(at, sizeof s / sizeof s[0]);
}

/* A command that the card may have got is not sent again: it could be a PIN. */
static void never_twice(void **state)
{
    static const struct step s[] = { SAYS("000004 00200082", ""), SAYS("008200", ""),
                                     SAYS("008200", ""), SAYS("008200", "") };
    struct t1 t1;

    (void)state;
    start(&t1, STEPS(s), 254);
    transmits(&t1, "00200082", GPG_ERR_CARD, "");
    transmits(&t1, "00CA006E", GPG_ERR_CARD, "");
    assert_int_equal(at, 4);
}

/* One that is dead even to RESYNCH. */
static void dead(void **state)
{
    static const struct step s[] = {
        SAYS("002002 0102", ""), SAYS("008200", ""), SAYS("008200", ""), SAYS("008200", ""),
        SAYS("00C000", ""),      SAYS("00C000", ""), SAYS("00C000", ""),
    };

    (void)state;
    plays(STEPS(s), 2, "01020304", GPG_ERR_CARD, "");
}

static void ifsd_refused(void **state)
{
    static const struct step s[] = { SAYS("00C101 30", ""), SAYS("00C101 30", "00E101 20"),
                                     SAYS("00C101 30", "008000") };
    struct t1 t1;

    (void)state;
    start(&t1, STEPS(s), 254);
    assert_err(t1_tell_ifsd(&t1, 0x30, deadline_never()), GPG_ERR_CARD);
}

static void errors_of_the_link_end_it(void **state)
{
    static const struct step s[] = { { "000004 00CA006E", "", 0, GPG_ERR_CARD_REMOVED } };

    (void)state;
    plays(STEPS(s), 254, "00CA006E", GPG_ERR_CARD_REMOVED, "");
}

/* What makes no sense is as good as damaged: I in the midst of our chain, RESYNCH from the card,
 * responses that nobody asked for, bits and lengths that mean nothing. */
static void nonsense(void **state)
{
    static const char *const blocks[] = { "000002 9000", "00C000", "00E301 01",   "00E000",
                                          "008001 00",   "00A000", "000102 9000", "00C300",
                                          "00C302 0101", "00C400", "0000FF" };

    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const struct step s[] = { SAYS("002002 0102", blocks[i]), SAYS("008200", "009000"),
                                  SAYS("004001 03", "000002 9000") };

        plays(s, 3, 2, "010203", 0, "9000");
    }
}

static const char *endless;

/* The same again and again; an I-block with the number that our R-block asks for. */
static gpg_error_t go_on(void *context, struct view block, unsigned wtx, struct buffer *answer,
                         struct deadline deadline)
{
    struct buffer said = with_lrc(endless);
    bool odd = (block.data[1] & 0xc0) == 0x80 && block.data[1] & 0x10;
    gpg_error_t err;

    (void)context, (void)wtx, (void)deadline;
    if (!(said.data[1] & 0x80) && odd) {
        said.data[1] ^= 0x40;
        said.data[said.len - 1] ^= 0x40;
    }
    err = buffer_append_view(answer, buffer_view(&said));
    buffer_free(&said);
    return err;
}

/* Chains without end, empty or not, and more time again and again. */
static void without_end(void **state)
{
    static const struct {
        const char *said;
        gpg_err_code_t code;
    } rows[] = { { "002000", GPG_ERR_CARD },
                 { "002004 A1A2A3A4", GPG_ERR_TOO_LARGE },
                 { "00C301 01", GPG_ERR_TIMEOUT },
                 { "00C101 20", GPG_ERR_TIMEOUT },
                 { "00C200", GPG_ERR_TIMEOUT } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer answer = BUFFER(1000);
        struct t1 t1;

        endless = rows[i].said;
        t1_init(&t1, go_on, NULL, 254, 254);
        assert_err(t1_transmit(&t1, hex("00CA006E"), &answer, deadline_in_ms(50)), rows[i].code);
        assert_int_equal(answer.len, 0);
        buffer_free(&answer);
    }
}

/* A reader's own command: its block has our next number, and the answer moves both on. */
static void block_of_the_readers(void **state)
{
    static const char *const answers[] = { "000002 9000 92", "004002 9000 D2", "000002 9000 92" };
    static const char *const prologues[] = { "0000", "0040", "0000" };
    struct buffer answer = BUFFER(10);
    struct t1 t1;

    (void)state;
    t1_init(&t1, NULL, NULL, 254, 254);
    for (size_t i = 0; i < 3; i++) {
        uint8_t prologue[2];

        t1_prologue(&t1, prologue);
        assert_octets(view_of(prologue, 2), prologues[i]);
        buffer_clear(&answer);
        assert_ok(t1_take_answer(&t1, hex(answers[i]), &answer));
        assert_octets(buffer_view(&answer), "9000");
    }
    buffer_free(&answer);
}

/* No whole answer with the right number: R, S, the first of a chain, the wrong N(S), a wrong LRC,
 * nothing at all. Nothing is sent to mend it, and only a reset helps. */
static void no_answer_to_the_readers(void **state)
{
    static const char *const blocks[] = { "008000 80",      "00C301 01 C3",   "002002 9000 B2",
                                          "004002 9000 D2", "000002 9000 93", "" };

    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct buffer answer = BUFFER(10);
        struct t1 t1;

        t1_init(&t1, NULL, NULL, 254, 254);
        assert_err(t1_take_answer(&t1, hex(blocks[i]), &answer), GPG_ERR_CARD);
        assert_int_equal(answer.len, 0);
        assert_err(t1_take_answer(&t1, hex("000002 9000 92"), &answer), GPG_ERR_CARD);
        assert_err(t1_transmit(&t1, hex("00CA006E"), &answer, deadline_in_ms(50)), GPG_ERR_CARD);
        buffer_free(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_alternate),
        cmocka_unit_test(chains_both_ways),
        cmocka_unit_test(damaged_and_mute),
        cmocka_unit_test(our_block_again),
        cmocka_unit_test(lost_on_the_way),
        cmocka_unit_test(r_block_again),
        cmocka_unit_test(block_twice),
        cmocka_unit_test(waiting_time),
        cmocka_unit_test(card_changes_ifs),
        cmocka_unit_test(card_aborts),
        cmocka_unit_test(resynchronized_before_the_end),
        cmocka_unit_test(never_twice),
        cmocka_unit_test(dead),
        cmocka_unit_test(ifsd_refused),
        cmocka_unit_test(errors_of_the_link_end_it),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(without_end),
        cmocka_unit_test(block_of_the_readers),
        cmocka_unit_test(no_answer_to_the_readers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
