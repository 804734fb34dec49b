/* How card and reader come to talk T=1 at some speed (ISO 7816-3:2006 §9, CCID 1.1 §6.1.5 to
 * §6.1.7), or at all: by the host's doing, or by the reader's. */
#include "tests/usb/driver.h"

#define UNSUPPORTED 0
#define NOT_THAT    7 /* the offset of bProtocolNum */
#define MUTE        0xfe
#define SMALL       20

/* Numbers of messages of a connection. */
enum { STATUS, POWER_ON, FIRST_OF_PARAMETERS };

static struct usb_model model;
static struct plugged plugged;
static struct readers *readers;
static struct reader *reader;

/* The first look at the reader is over: its messages are none of the connection's. */
static void begin(uint32_t more_features)
{
    struct reader_list list;

    model = *usb_model_find("gemalto-ct30");
    model.features |= more_features;
    driver_begin();
    driver_plug(&plugged, &model, 2);
    assert_ok(readers_open("usb", &readers));
    driver_await(readers, 1, &list);
}

static void fail_message(unsigned at, uint8_t error)
{
    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_FAILED, .at = at, .value = error });
}

static void negotiates(uint8_t protocol, uint8_t ifsc)
{
    fake_usb_lock();
    usb_device_negotiates(plugged.device, protocol, ifsc);
    fake_usb_unlock();
}

static gpg_error_t try_to_connect(void)
{
    struct reader_list list;

    readers_list(readers, &list);
    assert_int_equal(list.count, 1);
    return reader_connect(readers, list.info[0].name, deadline_in_ms(PATIENCE_MS), &reader);
}

/* Blocks go there and back, more than one for a command. */
static void works(void)
{
    assert_ok(try_to_connect());
    assert_answer(reader, SELECT_OPENPGP, "9000");
    assert_answer(reader, VERIFY_ADMIN, "9000");
    assert_answer(reader, "00DA005E C8 A5{200}", "9000");
    assert_answer(reader, "00CA005E 00", "A5{200} 9000");
}

static void end(unsigned power_ons, unsigned gets, unsigned sets, unsigned resets)
{
    struct usb_counts counts = driver_counts(&plugged);

    reader_disconnect(&reader);
    readers_close(&readers);
    assert_int_equal(counts.power_ons, power_ons);
    assert_int_equal(counts.parameter_gets, gets);
    assert_int_equal(counts.parameter_sets, sets);
    assert_int_equal(counts.parameter_resets, resets);
    driver_unplug(&plugged);
    driver_end();
}

static void by_the_host(void **state)
{
    (void)state;
    begin(0);
    works();
    end(1, 0, 1, 0);
}

/* PPS fails, or the reader does not go along: the card is reset, and talked to as it began. */
static void no_other_speed(void **state)
{
    static const uint8_t errors[] = { MUTE, NOT_THAT };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(0);
        fail_message(FIRST_OF_PARAMETERS + i, errors[i]);
        works();
        end(2, 0, 1 + i, 1);
    }
}

static void by_the_reader(void **state)
{
    (void)state;
    begin(CCID_AUTO_NEGOTIATION);
    works();
    end(1, 1, 0, 0);
}

static void smaller_blocks_by_the_reader(void **state)
{
    (void)state;
    begin(CCID_AUTO_NEGOTIATION);
    negotiates(1, SMALL);
    works();
    end(1, 1, 0, 0);
}

static void reader_that_does_not_tell(void **state)
{
    (void)state;
    begin(CCID_AUTO_NEGOTIATION);
    fail_message(FIRST_OF_PARAMETERS, UNSUPPORTED);
    works();
    end(1, 1, 0, 0);
}

/* It is told to speak T=1. */
static void reader_that_chose_t0(void **state)
{
    (void)state;
    begin(CCID_AUTO_NEGOTIATION);
    negotiates(0, 0);
    works();
    end(1, 1, 1, 0);
}

static void reader_that_stays_with_t0(void **state)
{
    (void)state;
    begin(CCID_AUTO_NEGOTIATION);
    negotiates(0, 0);
    fail_message(FIRST_OF_PARAMETERS + 1, NOT_THAT);
    assert_err(try_to_connect(), GPG_ERR_EPROTONOSUPPORT);
    end(1, 1, 1, 0);
}

static void reader_for_banks(void **state)
{
    (void)state;
    begin(0);
    fake_usb_lock();
    usb_device_for_banks(plugged.device);
    fake_usb_unlock();
    works();
    end(2, 0, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_host),
        cmocka_unit_test(no_other_speed),
        cmocka_unit_test(by_the_reader),
        cmocka_unit_test(smaller_blocks_by_the_reader),
        cmocka_unit_test(reader_that_does_not_tell),
        cmocka_unit_test(reader_that_chose_t0),
        cmocka_unit_test(reader_that_stays_with_t0),
        cmocka_unit_test(reader_for_banks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
