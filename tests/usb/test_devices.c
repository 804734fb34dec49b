/* The test devices themselves, driven through the fake libusb by the exerciser. */
#include "tests/token/exchange.h"
#include "tests/unit/hex.h"
#include "tests/usb/exerciser.h"
#include "tests/usb/fake_libusb.h"

#include "base/secret.h"

static struct usb_token token;
static struct usb_device *device;
static libusb_context *context;
static struct exerciser host;
static struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

static void begin(const struct usb_model *model)
{
    libusb_device **list;

    fake_usb_reset();
    assert_ok(secret_init_library());
    assert_ok(usb_token_init(&token, model, 0x12345678));
    assert_ok(usb_device_new(model, &token.card, &device));
    fake_usb_add(device, 1, 5, 2);
    assert_int_equal(libusb_init(&context), 0);
    assert_int_equal(libusb_get_device_list(context, &list), 1);
    assert_int_equal(exerciser_open(&host, list[0]), 0);
    libusb_free_device_list(list, 1);
}

static void end(void)
{
    struct fake_usb_alive alive;

    assert_ptr_equal(usb_device_complaint(device), NULL);
    assert_ptr_equal(fake_usb_misuse(), NULL);
    exerciser_close(&host);
    libusb_exit(context);
    fake_usb_remove(device);
    alive = fake_usb_alive();
    assert_int_equal(alive.contexts + alive.handles + alive.claims + alive.transfers, 0);
    assert_int_equal(alive.devices, 0);
    usb_device_free(&device);
    usb_token_free(&token);
    buffer_free(&answer);
}

static void command_is(const char *command, const char *expected)
{
    assert_int_equal(exerciser_command(&host, hex(command), &answer), 0);
    assert_octets(buffer_view(&answer), expected);
}

static void power_on(void)
{
    assert_int_equal(exerciser_power_on(&host, &answer), 0);
    assert_true(view_equal(buffer_view(&answer), token_atr(token.token)));
}

/* A certificate goes in and comes out, longer than any message of the smaller devices. */
static void long_ways(void)
{
    command_is("0020008308 3132333435363738", "9000");
    command_is("00DA7F21 000400 A5{1024}", "9000");
    command_is("00CA7F21 000000", "A5{1024} 9000");
}

static bool takes_extended(const struct usb_model *model)
{
    return model->card->extended_length && (model->features & CCID_LEVELS) != CCID_SHORT_APDU;
}

static void every_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < usb_model_count; i++) {
        print_message("%s\n", usb_models[i].name);
        begin(&usb_models[i]);
        power_on();
        command_is("00A4040006D27600012401", "9000");
        if (takes_extended(&usb_models[i]))
            long_ways();
        end();
    }
}

static void sorted_by_name(void **state)
{
    (void)state;
    for (size_t i = 1; i < usb_model_count; i++)
        assert_true(strcmp(usb_models[i - 1].name, usb_models[i].name) < 0);
    assert_null(usb_model_find("abacus"));
    for (size_t i = 0; i < usb_model_count; i++)
        assert_ptr_equal(usb_model_find(usb_models[i].name), &usb_models[i]);
}

/* Offsets of CCID 1.1, table 5.1-1. */
static void class_descriptor(void **state)
{
    uint8_t octets[USB_CONFIG_MAX];
    size_t len = usb_model_config(usb_model_find("nitrokey-pro"), octets);

    (void)state;
    /* configuration 9, a HID interface of 25, an interface of 9, the class descriptor, endpoints */
    assert_int_equal(len, 9 + 25 + 9 + 54 + 3 * 7);
    assert_int_equal(octets[2], len);
    assert_octets(view_of(octets + 9 + 25 + 9, 12), "36 21 0001 00 07 03000000 A00F");
    assert_octets(view_of(octets + 9 + 25 + 9 + 28, 4), "FE000000");
    assert_octets(view_of(octets + 9 + 25 + 9 + 40, 14), "BA040100 0F010000 FFFF 0000 00 01");
}

static void other_places(void **state)
{
    struct usb_model model = *usb_model_find("yubikey-5");

    (void)state;
    model.place = CLASS_AFTER_ENDPOINTS;
    begin(&model);
    power_on();
    end();
    model.place = CLASS_AMONG_OTHERS;
    begin(&model);
    power_on();
    end();
}

/* 54 octets and a header fill a packet of 64. */
static void full_packet(void **state)
{
    static const enum zlp ways[] = { ZLP_SENT, ZLP_NEVER, ZLP_LATE };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(usb_model_find("yubikey-5"));
        fake_usb_hasty(true);
        usb_device_zlp(device, ways[i]);
        power_on();
        command_is("00A4040006D27600012401", "9000");
        command_is("0020008308 3132333435363738", "9000");
        command_is("00DA005E 34 A5{52}", "9000");
        command_is("00CA005E 00", "A5{52} 9000");
        command_is("00CA005E 00", "A5{52} 9000");
        end();
    }
}

static int fails_with(struct usb_fault fault)
{
    int code;

    begin(usb_model_find("yubikey-5"));
    fake_usb_hasty(true);
    power_on();
    usb_device_fault(device, fault);
    code = exerciser_command(&host, hex("00A4040006D27600012401"), &answer);
    usb_device_fault(device, (struct usb_fault){ 0 });
    end();
    return code;
}

static void faults(void **state)
{
    static const struct {
        enum usb_fault_kind kind;
        int code;
    } faults[] = {
        { FAULT_NO_ANSWER, LIBUSB_ERROR_TIMEOUT },
        { FAULT_STALL, LIBUSB_ERROR_PIPE },
        { FAULT_STALL_OUT, LIBUSB_ERROR_PIPE },
        { FAULT_GONE, LIBUSB_ERROR_NO_DEVICE },
        { FAULT_SHORT_HEADER, 2000 },
        { FAULT_CUT, 2000 },
        { FAULT_TRAILING, 2000 },
        { FAULT_HUGE_LENGTH, 2000 },
        { FAULT_BABBLE, LIBUSB_ERROR_OVERFLOW },
        { FAULT_WRONG_SEQUENCE, 2000 },
        { FAULT_WRONG_TYPE, 2000 },
        { FAULT_STALE, 2000 },
        { FAULT_ENDLESS_STALE, 2000 },
        { FAULT_EXTENSION, 0 },
        { FAULT_FAILED, 1000 + 0xFC },
        { FAULT_FAILED_STATUS, 1000 + 0xFC },
        { FAULT_EMPTY_FIRST, 0 },
        { FAULT_SPLIT, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint8_t value = faults[i].kind == FAULT_EXTENSION ? 3 : 0xFC;

        print_message("fault %d\n", (int)faults[i].kind);
        assert_int_equal(fails_with((struct usb_fault){ .kind = faults[i].kind, .value = value }),
                         faults[i].code);
    }
}

static void touch(void **state)
{
    (void)state;
    begin(usb_model_find("nitrokey-start"));
    fake_usb_hasty(true);
    usb_device_touch(device, 500, 100, true);
    token_set_touch(token.token, 0, 1);
    power_on();
    command_is("00A4040006D27600012401", "9000");
    command_is("0020008308 3132333435363738", "9000");
    command_is("0020008106 313233343536", "9000");
    assert_int_equal(exerciser_command(&host, hex("00478000 02 B600 00"), &answer), 0);
    assert_int_equal(host.extensions, 0);
    assert_int_equal(exerciser_command(&host,
                                       hex("002A9E9A 33 3031300D060960864801650304020105000420 "
                                           "A5{32} 00"),
                                       &answer),
                     0);
    assert_int_equal(host.extensions, 5);
    assert_int_equal(host.last_error, 0xFF);
    end();
}

/* The host never hears of a card's going by asking: it comes by itself. */
static void slot_change(void **state)
{
    uint8_t octets[8];
    int len;

    (void)state;
    begin(usb_model_find("yubikey-5"));
    fake_usb_lock();
    usb_device_card(device, false);
    fake_usb_unlock();
    assert_int_equal(libusb_interrupt_transfer(host.handle, host.interrupt_in, octets,
                                               sizeof octets, &len, 1000),
                     0);
    assert_octets(view_of(octets, (size_t)len), "5002");
    assert_int_equal(exerciser_power_on(&host, &answer), 1000 + 0xFE);
    end();
}

static int notes;

static int LIBUSB_CALL note(libusb_context *c, libusb_device *d, libusb_hotplug_event event,
                            void *user)
{
    (void)c, (void)d, (void)user;
    notes += event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED ? 1 : 100;
    return 0;
}

static void ended(struct libusb_transfer *transfer)
{
    *(int *)transfer->user_data = 1;
}

static void hotplug(void **state)
{
    struct libusb_transfer *transfer;
    uint8_t octets[8];
    int done = 0;

    (void)state;
    begin(usb_model_find("yubikey-5"));
    assert_int_equal(libusb_hotplug_register_callback(
                         context,
                         LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT,
                         LIBUSB_HOTPLUG_ENUMERATE, LIBUSB_HOTPLUG_MATCH_ANY,
                         LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY, note, NULL, NULL),
                     0);
    assert_int_equal(notes, 1);
    transfer = libusb_alloc_transfer(0);
    assert_non_null(transfer);
    libusb_fill_interrupt_transfer(transfer, host.handle, host.interrupt_in, octets, sizeof octets,
                                   ended, &done, 0);
    assert_int_equal(libusb_submit_transfer(transfer), 0);
    fake_usb_remove(device);
    while (!done || notes != 101)
        assert_int_equal(libusb_handle_events_completed(context, NULL), 0);
    assert_int_equal(transfer->status, LIBUSB_TRANSFER_NO_DEVICE);
    libusb_free_transfer(transfer);
    end();
}

static void held_or_denied(void **state)
{
    struct exerciser other;

    (void)state;
    begin(usb_model_find("yubikey-5"));
    assert_int_equal(exerciser_open(&other, libusb_get_device(host.handle)), LIBUSB_ERROR_BUSY);
    exerciser_close(&host);
    fake_usb_deny(device, true);
    libusb_interrupt_event_handler(context);
    assert_int_equal(libusb_handle_events(context), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_by_name), cmocka_unit_test(class_descriptor),
        cmocka_unit_test(every_model),    cmocka_unit_test(other_places),
        cmocka_unit_test(full_packet),    cmocka_unit_test(faults),
        cmocka_unit_test(touch),          cmocka_unit_test(slot_change),
        cmocka_unit_test(hotplug),        cmocka_unit_test(held_or_denied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
