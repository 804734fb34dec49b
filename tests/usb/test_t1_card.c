/* The card's side of T=1, block by block: ISO/IEC 7816-3 §11.6.3 and annex A. */
#include "tests/unit/hex.h"
#include "tests/usb/t1_card.h"

static struct t1_card card;
static struct buffer answer = BUFFER(T1_BLOCK_MAX);
static struct buffer last_command = BUFFER(1024);

static void echo(void *context, struct view apdu, struct buffer *data)
{
    (void)context;
    buffer_clear(data);
    buffer_clear(&last_command);
    assert_ok(buffer_append_view(&last_command, apdu));
    assert_ok(buffer_append_view(data, apdu));
    assert_ok(buffer_append_u16(data, 0x9000));
}

static const struct usb_card echo_card = { .command = echo };

static int begin(void **state)
{
    (void)state;
    t1_card_init(&card, &echo_card);
    return 0;
}

static int end(void **state)
{
    (void)state;
    t1_card_free(&card);
    buffer_free(&answer);
    buffer_free(&last_command);
    return 0;
}

static void block_is(const char *block, const char *expected)
{
    t1_card_block(&card, hex(block), &answer);
    assert_octets(buffer_view(&answer), expected);
}

static void one_block_each(void **state)
{
    (void)state;
    block_is("000004 00CA004F 81", "000006 00CA004F9000 13");
    block_is("004004 00CA004F C1", "004006 00CA004F9000 53");
}

static void out_of_turn(void **state)
{
    (void)state;
    block_is("004004 00CA004F C1", "00820082"); /* N(S) 1 where 0 is expected */
    block_is("000004 00CA004F FF", "00810081"); /* LRC */
    block_is("000005 00CA004F 80", "00810081"); /* length */
    block_is("000004 00CA004F 81", "000006 00CA004F9000 13");
}

static void chain_of_host(void **state)
{
    (void)state;
    block_is("002002 00CA E8", "00900090");
    block_is("004002 004F 0D", "000006 00CA004F9000 13");
    assert_octets(buffer_view(&last_command), "00CA004F");
}

/* 32 octets until the host says that it takes more. */
static void chain_of_card(void **state)
{
    (void)state;
    block_is("000020 A5{32} 20", "002020 A5{32} 00");
    block_is("00900090", "004002 9000 D2");
    block_is("00C1013FFF", "00E1013FDF");
    block_is("004020 A5{32} 60", "000022 A5{32} 9000 B2");
}

/* An R-block with the number of the block that was sent asks for it again. */
static void again(void **state)
{
    (void)state;
    card.fault = T1_BAD_LRC;
    block_is("000020 A5{32} 20", "002020 A5{32} 5A");
    block_is("00810081", "002020 A5{32} 00");
    block_is("00900090", "004002 9000 D2");
    block_is("00910091", "004002 9000 D2");
}

static void resynchronised(void **state)
{
    (void)state;
    card.fault = T1_DEAF;
    card.fault_at = 1;
    block_is("000004 00CA004F 81", "000006 00CA004F9000 13");
    block_is("004004 00CA004F C1", "00910091");
    block_is("004004 00CA004F C1", "00910091");
    block_is("00C000C0", "00E000E0");
    block_is("000004 00CA004F 81", "000006 00CA004F9000 13");
    assert_int_equal(card.resynchs, 1);
}

static void more_time(void **state)
{
    (void)state;
    card.fault = T1_WTX;
    card.fault_value = 9;
    block_is("000004 00CA004F 81", "00C30109CB");
    block_is("00E30109EB", "000006 00CA004F9000 13");
}

static void other_faults(void **state)
{
    (void)state;
    card.fault = T1_MUTE;
    block_is("000004 00CA004F 81", "");
    card.fault = T1_NOT_HEARD;
    card.fault_at = 1;
    block_is("00810081", "00910091");
    card.fault = T1_CUT;
    card.fault_at = 2;
    block_is("00810081", "000006 00CA004F 90");
    card.fault = T1_ABORT;
    card.fault_at = 3;
    block_is("004004 00CA004F C1", "00C200C2");
    block_is("00E200E2", "00900090");
    card.fault = T1_DEAD;
    card.fault_at = 5;
    block_is("00C000C0", "00910091");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_block_each, begin, end),
        cmocka_unit_test_setup_teardown(out_of_turn, begin, end),
        cmocka_unit_test_setup_teardown(chain_of_host, begin, end),
        cmocka_unit_test_setup_teardown(chain_of_card, begin, end),
        cmocka_unit_test_setup_teardown(again, begin, end),
        cmocka_unit_test_setup_teardown(resynchronised, begin, end),
        cmocka_unit_test_setup_teardown(more_time, begin, end),
        cmocka_unit_test_setup_teardown(other_faults, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
