/* The devices behind the real libusb and libudev. */
#include "tests/token/exchange.h"
#include "tests/unit/hex.h"
#include "tests/usb/exerciser.h"
#include "tests/usb/mock_usb.h"

#include "base/deadline.h"
#include "base/secret.h"

#define PATIENCE_MS 10000

static struct mock_usb *mock;
static struct usb_token token;
static struct usb_device *device;
static libusb_context *context;
static libusb_device *found;
static struct exerciser host;
static struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

static libusb_device *look(void)
{
    libusb_device **list, *first;
    ssize_t count = libusb_get_device_list(context, &list);

    assert_true(count >= 0);
    first = count ? libusb_ref_device(list[0]) : NULL;
    libusb_free_device_list(list, 1);
    return first;
}

static void begin(const char *name)
{
    const struct usb_model *model = usb_model_find(name);

    assert_ok(secret_init_library());
    mock = mock_usb_new();
    assert_ok(usb_token_init(&token, model, 0x12345678));
    assert_ok(usb_device_new(model, &token.card, &device));
    mock_usb_add(mock, device, 5, 2);
    assert_int_equal(libusb_init(&context), 0);
    found = look();
    assert_non_null(found);
}

static void end(void)
{
    struct mock_usb_alive alive;

    exerciser_close(&host);
    assert_ptr_equal(usb_device_complaint(device), NULL);
    if (found)
        libusb_unref_device(found);
    libusb_exit(context);
    for (struct deadline end = deadline_in_ms(PATIENCE_MS); mock_usb_alive(mock).files;)
        assert_false(deadline_passed(end)); /* umockdev's thread hears of it in its own time */
    alive = mock_usb_alive(mock);
    assert_int_equal(alive.files + alive.claims + alive.urbs, 0);
    mock_usb_free(&mock);
    usb_device_free(&device);
    usb_token_free(&token);
    buffer_free(&answer);
}

static void open_it(void)
{
    assert_int_equal(exerciser_open(&host, found), 0);
    assert_int_equal(exerciser_power_on(&host, &answer), 0);
    assert_true(view_equal(buffer_view(&answer), token_atr(token.token)));
}

static void command_is(const char *command, const char *expected)
{
    assert_int_equal(exerciser_command(&host, hex(command), &answer), 0);
    assert_octets(buffer_view(&answer), expected);
}

static void descriptors(void **state)
{
    struct libusb_device_descriptor d;
    unsigned char text[64];

    (void)state;
    begin("yubikey-5");
    assert_int_equal(libusb_get_bus_number(found), 1);
    assert_int_equal(libusb_get_device_address(found), 5);
    assert_int_equal(libusb_get_device_descriptor(found, &d), 0);
    assert_int_equal(d.idVendor, 0x1050);
    assert_int_equal(d.idProduct, 0x0407);
    assert_int_equal(exerciser_open(&host, found), 0);
    assert_int_equal(host.interface, 2);
    assert_int_equal(host.features, 0x000400FE);
    assert_int_equal(
        libusb_get_string_descriptor_ascii(host.handle, d.iManufacturer, text, sizeof text), 6);
    assert_string_equal(text, "Yubico");
    end();
}

/* A kilobyte each way, at every level and with messages of 64 and 271 octets. */
static void both_ways(void **state)
{
    static const char *const names[] = { "yubikey-5", "gnuk", "nitrokey-pro", "nitrokey-storage",
                                         "solo-2" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        begin(names[i]);
        open_it();
        command_is("00A4040006D27600012401", "9000");
        command_is("0020008308 3132333435363738", "9000");
        command_is("00DA7F21 000400 A5{1024}", "9000");
        command_is("00CA7F21 000000", "A5{1024} 9000");
        end();
    }
}

static void touch(void **state)
{
    (void)state;
    begin("nitrokey-start");
    usb_device_slow(device, 100);
    open_it();
    command_is("00A4040006D27600012401", "9000");
    assert_int_equal(host.extensions, 10);
    end();
}

static void busy(void **state)
{
    struct exerciser other;

    (void)state;
    begin("yubikey-5");
    assert_int_equal(exerciser_open(&host, found), 0);
    assert_int_equal(exerciser_open(&other, found), LIBUSB_ERROR_BUSY);
    exerciser_close(&host);
    mock_usb_hold(mock, device, true);
    assert_int_equal(exerciser_open(&host, found), LIBUSB_ERROR_BUSY);
    mock_usb_hold(mock, device, false);
    open_it();
    end();
}

static void stall(void **state)
{
    (void)state;
    begin("yubikey-5");
    open_it();
    usb_device_fault(device, (struct usb_fault){ .kind = FAULT_STALL });
    assert_int_equal(exerciser_command(&host, hex("00A4040006D27600012401"), &answer),
                     LIBUSB_ERROR_PIPE);
    assert_int_equal(libusb_clear_halt(host.handle, host.bulk_in), 0);
    command_is("00A4040006D27600012401", "9000");
    end();
}

static int arrivals, departures;

static int LIBUSB_CALL note(libusb_context *c, libusb_device *d, libusb_hotplug_event event,
                            void *user)
{
    (void)c, (void)d, (void)user;
    arrivals += event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED;
    departures += event == LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
    return 0;
}

static void wait_for(const int *count, int wanted)
{
    struct timeval moment = { .tv_usec = 100000 };

    for (struct deadline end = deadline_in_ms(PATIENCE_MS); *count != wanted;) {
        assert_false(deadline_passed(end));
        assert_int_equal(libusb_handle_events_timeout(context, &moment), 0);
    }
}

static void ended(struct libusb_transfer *transfer)
{
    *(int *)transfer->user_data = 1;
}

/* A transfer that nothing ends but its owner. */
static void cancelled(void **state)
{
    struct libusb_transfer *transfer = libusb_alloc_transfer(0);
    uint8_t octets[8];
    int done = 0;

    (void)state;
    begin("yubikey-5");
    open_it();
    libusb_fill_interrupt_transfer(transfer, host.handle, host.interrupt_in, octets, sizeof octets,
                                   ended, &done, 0);
    assert_int_equal(libusb_submit_transfer(transfer), 0);
    assert_int_equal(libusb_cancel_transfer(transfer), 0);
    wait_for(&done, 1);
    assert_int_equal(transfer->status, LIBUSB_TRANSFER_CANCELLED);
    libusb_free_transfer(transfer);
    end();
}

static void unplugged_and_back(void **state)
{
    struct libusb_transfer *transfer;
    uint8_t octets[8];
    int done = 0;

    (void)state;
    begin("yubikey-5");
    assert_int_equal(libusb_hotplug_register_callback(
                         context,
                         LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0,
                         LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
                         LIBUSB_HOTPLUG_MATCH_ANY, note, NULL, NULL),
                     0);
    open_it();
    transfer = libusb_alloc_transfer(0);
    libusb_fill_interrupt_transfer(transfer, host.handle, host.interrupt_in, octets, sizeof octets,
                                   ended, &done, 0);
    assert_int_equal(libusb_submit_transfer(transfer), 0);
    mock_usb_remove(mock, device);
    wait_for(&done, 1);
    assert_int_equal(transfer->status, LIBUSB_TRANSFER_NO_DEVICE);
    libusb_free_transfer(transfer);
    wait_for(&departures, 1);
    assert_int_equal(exerciser_command(&host, hex("00A40400"), &answer), LIBUSB_ERROR_NO_DEVICE);
    exerciser_close(&host);
    libusb_unref_device(found);
    mock_usb_add(mock, device, 6, 2);
    wait_for(&arrivals, 1);
    found = look();
    assert_int_equal(libusb_get_device_address(found), 6);
    open_it();
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors),
        cmocka_unit_test(both_ways),
        cmocka_unit_test(touch),
        cmocka_unit_test(busy),
        cmocka_unit_test(stall),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(unplugged_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
