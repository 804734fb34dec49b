#include "apdu/channel.h"
#include "tests/unit/hex.h"
#include "tests/unit/scripted_reader.h"

struct fixture {
    struct scripted_reader reader;
    struct channel channel;
    struct response response;
};

static struct fixture begin(const struct exchange *script, size_t count, bool extended,
                            bool chaining)
{
    struct fixture f = { .response = RESPONSE };

    scripted_reader(&f.reader, script, count);
    f.channel = (struct channel){ .deadline = deadline_never(),
                                  .extended = extended,
                                  .chaining = chaining };
    return f;
}

static gpg_error_t send(struct fixture *f, const struct command *command)
{
    f->channel.reader = &f->reader.reader;
    f->reader.reader.end = 0; /* each command on a connection of its own */
    return channel_send(&f->channel, command, &f->response);
}

static void end(struct fixture *f)
{
    scripted_reader_done(&f->reader);
    response_free(&f->response);
}

/* Sends and expects this answer. */
static void expect(struct fixture *f, const struct command *command, const char *data, uint16_t sw)
{
    assert_ok(send(f, command));
    assert_int_equal(f->response.sw, sw);
    assert_octets(buffer_view(&f->response.data), data);
}

static const struct command get_6e = { .ins = 0xca, .p2 = 0x6e, .le = LE_MAX };

static struct command decipher(size_t len, uint32_t le)
{
    static uint8_t data[70000];

    memset(data, 0x5a, sizeof data);
    return (struct command){
        .ins = 0x2a, .p1 = 0x80, .p2 = 0x86, .data = view_of(data, len), .le = le
    };
}

static void short_commands_go_as_they_are(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E00", "4F009000"),
        SAYS("002A8086FF 5A{255} 00", "6A80"),
        SAYS("00E60000", "9000"),
    };
    struct command largest = decipher(255, 256);
    struct command plain = { .ins = 0xe6 };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    expect(&f, &get_6e, "4F00", 0x9000);
    expect(&f, &largest, "", 0x6a80);
    expect(&f, &plain, "", 0x9000);
    end(&f);
}

static void extended_length_is_for_what_needs_it(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E000000", "4F{300} 9000"),
        SAYS("002A8086000100 5A{256} 0000", "019000"),
        SAYS("002A8086FF 5A{255} 00", "029000"),
        SAYS("002A80860000FF 5A{255} 0000", "039000"),
    };
    struct command needs = decipher(256, LE_MAX);
    struct command needs_not = decipher(255, 256);
    struct command needs_for_answer = decipher(255, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, true);

    (void)state;
    expect(&f, &get_6e, "4F{300}", 0x9000);
    expect(&f, &needs, "01", 0x9000);
    expect(&f, &needs_not, "02", 0x9000);
    expect(&f, &needs_for_answer, "03", 0x9000);
    end(&f);
}

/* OpenPGP card specification §7.1: all blocks but the last have CLA bit 5, the last alone has
 * Le. */
static void chaining_splits_long_data(void **state)
{
    static const struct exchange script[] = {
        SAYS("102A8086FE 5A{254}", "9000"),    SAYS("002A808602 5A{2} 00", "019000"),
        SAYS("102A8086FE 5A{254}", "9000"),    SAYS("002A8086FE 5A{254} 00", "029000"),
        SAYS("102A8086FE 5A{254}", "9000"),    SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("002A808605 5A{5} 00", "039000"),
    };
    struct command a = decipher(256, LE_MAX);
    struct command b = decipher(508, LE_MAX);
    struct command c = decipher(513, LE_MAX);
    struct fixture f = begin(SCRIPT(script), false, true);

    (void)state;
    expect(&f, &a, "01", 0x9000);
    expect(&f, &b, "02", 0x9000);
    expect(&f, &c, "03", 0x9000);
    end(&f);
}

static void command_maximum_decides_between_them(void **state)
{
    static const struct exchange script[] = {
        SAYS("002A8086000101 5A{257} 0000", "9000"),
        SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("002A808604 5A{4} 00", "9000"),
    };
    struct command fits = decipher(257, LE_MAX);
    struct command does_not = decipher(258, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, true);

    (void)state;
    f.channel.command_max = 4 + 3 + 257 + 2;
    expect(&f, &fits, "", 0x9000);
    expect(&f, &does_not, "", 0x9000);
    end(&f);
}

static void unsaid_maximum_is_2038(void **state)
{
    static const struct exchange script[] = {
        SAYS("002A80860007ED 5A{2029} 0000", "9000"),
    };
    struct command fits = decipher(2029, LE_MAX);
    struct command does_not = decipher(2030, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, false);

    (void)state;
    expect(&f, &fits, "", 0x9000);
    assert_err(send(&f, &does_not), GPG_ERR_TOO_LARGE);
    end(&f);
}

static void no_way_to_send_is_an_error_and_sends_nothing(void **state)
{
    static const struct exchange script[] = { SAYS("", "") };
    struct command a = decipher(256, LE_MAX);
    struct command b = decipher(65536, LE_MAX);
    struct fixture f = begin(script, 0, false, false);

    (void)state;
    assert_err(send(&f, &a), GPG_ERR_TOO_LARGE);
    f.channel.extended = true;
    f.channel.command_max = 100000;
    assert_err(send(&f, &b), GPG_ERR_TOO_LARGE);
    assert_int_equal(f.reader.commands, 0);
    end(&f);
}

static void answers_in_parts_are_put_together(void **state)
{
    static const struct exchange script[] = {
        /* CanoKey: 256 and then 12 */
        SAYS("00CA006E00", "6E{256} 610C"),
        SAYS("00C000000C", "AA{12} 9000"),
        /* 61 00: 256 more at least; nothing in the first answer */
        SAYS("00CA006E00", "6100"),
        SAYS("00C0000000", "01{256} 6101"),
        SAYS("00C0000001", "02 9000"),
        /* a warning comes with the data and is the caller's */
        SAYS("00CA006E00", "01 6105"),
        SAYS("00C0000005", "6282"),
        /* any other word is about GET RESPONSE: not that there is no such object */
        SAYS("00CA006E00", "01 6105"),
        SAYS("00C0000005", "6A88"),
    };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    expect(&f, &get_6e, "6E{256} AA{12}", 0x9000);
    expect(&f, &get_6e, "01{256} 02", 0x9000);
    expect(&f, &get_6e, "01", 0x6282);
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    end(&f);
}

static void answers_that_never_end_are_given_up(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E00", "01 61FF"),
        { .command = "00C00000FF", .answer = "01 61FF", .times = 100000 },
    };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    assert_true(f.reader.commands < 300);
    response_free(&f.response);
}

static void more_data_of_no_octets_is_given_up(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E00", "61FF"),
        SAYS("00C00000FF", "61FF"),
    };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    end(&f);
}

static void answers_end_at_64_kib(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E000000", "01{65536} 9000"),
        SAYS("00CA006E000000", "01{65536} 6101"),
        SAYS("00C0000001", "01 9000"),
    };
    struct fixture f = begin(SCRIPT(script), true, false);

    (void)state;
    expect(&f, &get_6e, "01{65536}", 0x9000);
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    end(&f);
}

/* The reader says "too large" of an answer; to the caller that would mean the command. */
static void answers_beyond_every_bound_are_the_cards_fault(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E000000", "01{65537} 9000"),
        SAYS("00CA006E00", "01{70000} 9000"),
    };
    struct fixture f = begin(SCRIPT(script), true, false);

    (void)state;
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    end(&f);
}

/* A reader that takes short APDUs only fails where the card would have answered. */
static void reader_that_fails_with_extended_length_gets_none_again(void **state)
{
    static const struct exchange script[] = {
        { .command = "00CA006E000000", .err = GPG_ERR_CARD },
        SAYS("00CA006E00", "01 9000"),
    };
    struct fixture f = begin(SCRIPT(script), true, true);

    (void)state;
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    expect(&f, &get_6e, "01", 0x9000);
    end(&f);
}

/* ISO 7816-4 §5.3.3: 6Cxx, the command again with Le = xx; 00 is 256. */
static void wrong_le_is_corrected_once(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E00", "6C10"),    SAYS("00CA006E10", "01{16} 9000"),
        SAYS("00CA006E00", "6C10"),    SAYS("00CA006E10", "6C20"),
        SAYS("00CA006E00", "6C00"),    SAYS("00CA006E00", "02 6101"),
        SAYS("00C0000001", "03 9000"),
    };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    expect(&f, &get_6e, "01{16}", 0x9000);
    expect(&f, &get_6e, "", 0x6c20);
    expect(&f, &get_6e, "0203", 0x9000);
    end(&f);
}

static void wrong_le_of_get_response_is_corrected_too(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E00", "01{4} 6120"),  SAYS("00C0000020", "6C10"),
        SAYS("00C0000010", "02{16} 9000"), SAYS("00CA006E00", "01{4} 6120"),
        SAYS("00C0000020", "6C10"),        SAYS("00C0000010", "6C11"),
    };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    expect(&f, &get_6e, "01{4} 02{16}", 0x9000);
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    end(&f);
}

static void commands_with_data_are_never_sent_again_for_le(void **state)
{
    static const struct exchange script[] = {
        SAYS("002A808602 5A{2} 00", "6C20"),
        SAYS("0020008206 313233343536", "6C20"),
        SAYS("00E60000", "6C20"),
    };
    struct command a = decipher(2, 256);
    struct command verify = { .ins = 0x20, .p2 = 0x82, .data = hex("313233343536") };
    struct command plain = { .ins = 0xe6 };
    struct fixture f = begin(SCRIPT(script), false, true);

    (void)state;
    expect(&f, &a, "", 0x6c20);
    expect(&f, &verify, "", 0x6c20);
    expect(&f, &plain, "", 0x6c20);
    end(&f);
}

static void refused_extended_length_is_given_up_for_good(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA006E000000", "6700"),
        SAYS("00CA006E00", "01 9000"),
        SAYS("00CA006E00", "02 9000"),
    };
    static const struct exchange chained[] = {
        SAYS("002A8086000101 5A{257} 0000", "6700"),
        SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("002A808603 5A{3} 00", "03 9000"),
    };
    struct command a = decipher(257, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, false);

    (void)state;
    expect(&f, &get_6e, "01", 0x9000);
    assert_false(f.channel.extended);
    expect(&f, &get_6e, "02", 0x9000);
    end(&f);
    f = begin(SCRIPT(chained), true, true);
    expect(&f, &a, "03", 0x9000);
    assert_false(f.channel.extended);
    end(&f);
}

static void refused_length_is_final_without_another_way(void **state)
{
    static const struct exchange script[] = {
        SAYS("002A8086000101 5A{257} 0000", "6700"),
        SAYS("0020008206 313233343536", "6700"),
        SAYS("00CA006E00", "6700"),
    };
    struct command a = decipher(257, LE_MAX);
    struct command verify = { .ins = 0x20, .p2 = 0x82, .data = hex("313233343536") };
    struct command get = { .ins = 0xca, .p2 = 0x6e, .le = 256 };
    struct fixture f = begin(SCRIPT(script), true, false);

    (void)state;
    expect(&f, &a, "", 0x6700);
    expect(&f, &verify, "", 0x6700);
    expect(&f, &get, "", 0x6700);
    assert_true(f.channel.extended);
    end(&f);
}

/* Too long for the card's extended length, the command went as a chain: there is no other way. */
static void refused_chain_is_not_sent_again(void **state)
{
    static const struct exchange script[] = {
        SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("002A808603 5A{3} 00", "6700"),
    };
    struct command a = decipher(257, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, true);

    (void)state;
    f.channel.command_max = 256;
    expect(&f, &a, "", 0x6700);
    assert_true(f.channel.extended);
    end(&f);
}

/* Wrong data has a wrong length in every form; that says nothing of extended length. */
static void refused_data_does_not_end_extended_length(void **state)
{
    static const struct exchange script[] = {
        SAYS("002A8086000101 5A{257} 0000", "6700"),
        SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("002A808603 5A{3} 00", "6700"),
        SAYS("00CA006E000000", "6700"),
        SAYS("00CA006E00", "6700"),
        SAYS("002A8086000101 5A{257} 0000", "6700"),
        SAYS("102A8086FE 5A{254}", "6884"),
    };
    struct command a = decipher(257, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, true);

    (void)state;
    expect(&f, &a, "", 0x6700);
    expect(&f, &get_6e, "", 0x6700);
    expect(&f, &a, "", 0x6884);
    assert_true(f.channel.extended);
    end(&f);
}

/* The PIN is missing: the chain was taken all the same. */
static void chain_may_fail_for_another_reason(void **state)
{
    static const struct exchange script[] = {
        SAYS("002A8086000101 5A{257} 0000", "6700"),
        SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("002A808603 5A{3} 00", "6982"),
    };
    struct command a = decipher(257, LE_MAX);
    struct fixture f = begin(SCRIPT(script), true, true);

    (void)state;
    expect(&f, &a, "", 0x6982);
    assert_false(f.channel.extended);
    end(&f);
}

static void refused_block_ends_the_chain(void **state)
{
    static const struct exchange script[] = {
        SAYS("102A8086FE 5A{254}", "6884"),
        SAYS("102A8086FE 5A{254}", "9000"),
        SAYS("102A8086FE 5A{254}", "6700"),
    };
    struct command a = decipher(257, LE_MAX);
    struct command b = decipher(600, LE_MAX);
    struct fixture f = begin(SCRIPT(script), false, true);

    (void)state;
    expect(&f, &a, "", 0x6884);
    expect(&f, &b, "", 0x6700);
    end(&f);
}

static void blocks_give_no_data(void **state)
{
    static const struct exchange script[] = {
        SAYS("102A8086FE 5A{254}", "AABB 9000"),
        SAYS("002A808603 5A{3} 00", "01 9000"),
    };
    struct command a = decipher(257, LE_MAX);
    struct fixture f = begin(SCRIPT(script), false, true);

    (void)state;
    expect(&f, &a, "01", 0x9000);
    end(&f);
}

/* 61xx before the last block: GET RESPONSE would make its data the answer to a command never
 * sent. */
static void blocks_promise_no_data(void **state)
{
    static const struct exchange script[] = { SAYS("102A8086FE 5A{254}", "6120") };
    struct command a = decipher(257, LE_MAX);
    struct fixture f = begin(SCRIPT(script), false, true);

    (void)state;
    assert_err(send(&f, &a), GPG_ERR_CARD);
    end(&f);
}

static void errors_of_the_reader_are_the_callers(void **state)
{
    static const gpg_err_code_t codes[] = { GPG_ERR_CARD_REMOVED, GPG_ERR_CARD_RESET,
                                            GPG_ERR_TIMEOUT, GPG_ERR_CARD };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const struct exchange script[] = {
            SAYS("102A8086FE 5A{254}", "9000"),
            { .command = "002A808603 5A{3} 00", .err = gpg_error(codes[i]) },
            SAYS("00CA006E00", "01 6101"),
            { .command = "00C0000001", .err = gpg_error(codes[i]) },
        };
        struct command a = decipher(257, LE_MAX);
        struct fixture f = begin(SCRIPT(script), false, true);

        assert_err(send(&f, &a), codes[i]);
        assert_err(send(&f, &get_6e), codes[i]);
        end(&f);
    }
}

static void answers_without_a_status_word_are_the_readers_error(void **state)
{
    static const struct exchange script[] = { SAYS("00CA006E00", "90"), SAYS("00CA006E00", "") };
    struct fixture f = begin(SCRIPT(script), false, false);

    (void)state;
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    assert_err(send(&f, &get_6e), GPG_ERR_CARD);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_commands_go_as_they_are),
        cmocka_unit_test(extended_length_is_for_what_needs_it),
        cmocka_unit_test(chaining_splits_long_data),
        cmocka_unit_test(command_maximum_decides_between_them),
        cmocka_unit_test(unsaid_maximum_is_2038),
        cmocka_unit_test(no_way_to_send_is_an_error_and_sends_nothing),
        cmocka_unit_test(answers_in_parts_are_put_together),
        cmocka_unit_test(answers_that_never_end_are_given_up),
        cmocka_unit_test(more_data_of_no_octets_is_given_up),
        cmocka_unit_test(answers_end_at_64_kib),
        cmocka_unit_test(answers_beyond_every_bound_are_the_cards_fault),
        cmocka_unit_test(reader_that_fails_with_extended_length_gets_none_again),
        cmocka_unit_test(wrong_le_is_corrected_once),
        cmocka_unit_test(wrong_le_of_get_response_is_corrected_too),
        cmocka_unit_test(commands_with_data_are_never_sent_again_for_le),
        cmocka_unit_test(refused_extended_length_is_given_up_for_good),
        cmocka_unit_test(refused_length_is_final_without_another_way),
        cmocka_unit_test(refused_chain_is_not_sent_again),
        cmocka_unit_test(refused_data_does_not_end_extended_length),
        cmocka_unit_test(chain_may_fail_for_another_reason),
        cmocka_unit_test(refused_block_ends_the_chain),
        cmocka_unit_test(blocks_give_no_data),
        cmocka_unit_test(blocks_promise_no_data),
        cmocka_unit_test(errors_of_the_reader_are_the_callers),
        cmocka_unit_test(answers_without_a_status_word_are_the_readers_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
