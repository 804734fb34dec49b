/* The USB driver with every kind of token and reader, when all goes well. */
#include "tests/usb/driver.h"

static struct plugged plugged;
static struct readers *readers;

static void begin(const struct usb_model *model)
{
    driver_begin();
    driver_plug(&plugged, model, 2);
    assert_ok(readers_open("usb", &readers));
}

static void end(void)
{
    readers_close(&readers);
    driver_unplug(&plugged);
    driver_end();
}

/* A certificate goes in and comes out, longer than any message of the smaller devices. */
static void long_ways(struct reader *reader)
{
    if (reader_length(reader) == READER_EXTENDED) {
        assert_answer(reader, "00DA7F21 000400 A5{1024}", "9000");
        assert_answer(reader, "00CA7F21 000000", "A5{1024} 9000");
        return;
    }
    for (int i = 0; i < 4; i++)
        assert_answer(reader, "10DA7F21 F0 A5{240}", "9000");
    assert_answer(reader, "00DA7F21 40 A5{64}", "9000");
    assert_answer(reader, "00CA7F21 00", "A5{256} 6100");
    for (int i = 0; i < 2; i++)
        assert_answer(reader, "00C00000 00", "A5{256} 6100");
    assert_answer(reader, "00C00000 00", "A5{256} 9000");
}

static void every_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < usb_model_count; i++) {
        struct reader *reader;

        print_message("%s\n", usb_models[i].name);
        begin(&usb_models[i]);
        reader = driver_connect(readers);
        assert_true(view_equal(reader_atr(reader), token_atr(plugged.token.token)));
        assert_ok(reader_begin(reader, deadline_in_ms(PATIENCE_MS)));
        assert_answer(reader, SELECT_OPENPGP, "9000");
        assert_answer(reader, VERIFY_ADMIN, "9000");
        long_ways(reader);
        reader_end(reader);
        reader_disconnect(&reader);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
