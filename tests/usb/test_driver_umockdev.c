/* The driver over the real libusb and libudev. */
#include "tests/unit/hex.h"
#include "tests/usb/mock_usb.h"

#include "base/deadline.h"
#include "base/secret.h"
#include "ccid/reader.h"

#include <pthread.h>

#define PATIENCE_MS    20000
#define SELECT_OPENPGP "00A4040006D27600012401"
#define VERIFY_ADMIN   "0020008308 3132333435363738"

static struct mock_usb *mock;
static struct usb_token token;
static struct usb_device *device;
static struct readers *readers;
static struct reader_list list;

static void begin(const char *name, bool held)
{
    const struct usb_model *model = usb_model_find(name);

    assert_ok(secret_init_library());
    mock = mock_usb_new();
    assert_ok(usb_token_init(&token, model, 0x12345678));
    assert_ok(usb_device_new(model, &token.card, &device));
    mock_usb_add(mock, device, 5, 2);
    mock_usb_hold(mock, device, held);
    assert_ok(readers_open("usb", &readers));
    readers_list(readers, &list);
    assert_int_equal(list.count, 1);
}

static void end(void)
{
    struct mock_usb_alive alive;

    readers_close(&readers);
    assert_ptr_equal(usb_device_complaint(device), NULL);
    for (struct deadline late = deadline_in_ms(PATIENCE_MS); mock_usb_alive(mock).files;)
        assert_false(deadline_passed(late)); /* umockdev's thread hears of it in its own time */
    alive = mock_usb_alive(mock);
    assert_int_equal(alive.files + alive.claims + alive.urbs, 0);
    mock_usb_free(&mock);
    usb_device_free(&device);
    usb_token_free(&token);
}

static struct reader *connect(void)
{
    struct reader *reader;

    assert_ok(reader_connect(readers, list.info[0].name, deadline_in_ms(PATIENCE_MS), &reader));
    return reader;
}

static gpg_error_t send(struct reader *reader, const char *command, const char *expected)
{
    struct buffer answer = BUFFER(ANSWER_MAX);
    gpg_error_t err = reader_transmit(reader, hex(command), &answer, deadline_in_ms(PATIENCE_MS));

    if (!err)
        assert_octets(buffer_view(&answer), expected);
    buffer_free(&answer);
    return err;
}

static void await(size_t count)
{
    struct deadline late = deadline_in_ms(PATIENCE_MS);

    for (readers_list(readers, &list); list.count != count; readers_list(readers, &list)) {
        assert_false(deadline_passed(late));
        readers_wait(readers);
    }
}

static void both_ways(void **state)
{
    static const char *const names[] = {
        "yubikey-5", "gnuk", "nitrokey-pro", "nitrokey-storage", "gemalto-ct30", "solo-2", "spr532"
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct reader *reader;

        begin(names[i], false);
        reader = connect();
        assert_ok(send(reader, SELECT_OPENPGP, "9000"));
        assert_ok(send(reader, VERIFY_ADMIN, "9000"));
        assert_ok(send(reader, "00DA7F21 000400 A5{1024}", "9000"));
        assert_ok(send(reader, "00CA7F21 000000", "A5{1024} 9000"));
        reader_disconnect(&reader);
        end();
    }
}

static void held_by_another(void **state)
{
    struct reader *reader;

    (void)state;
    begin("yubikey-5", true);
    assert_true(list.info[0].exclusive);
    assert_string_equal(list.info[0].holder, "another program");
    assert_err(reader_connect(readers, list.info[0].name, deadline_in_ms(PATIENCE_MS), &reader),
               GPG_ERR_LOCKED);
    mock_usb_hold(mock, device, false);
    reader = connect();
    assert_ok(send(reader, SELECT_OPENPGP, "9000"));
    reader_disconnect(&reader);
    end();
}

static void unplugged_and_back(void **state)
{
    char name[READER_NAME_MAX];
    struct reader *reader;

    (void)state;
    begin("nitrokey-3", false);
    memcpy(name, list.info[0].name, sizeof name);
    reader = connect();
    assert_ok(send(reader, SELECT_OPENPGP, "9000"));
    mock_usb_remove(mock, device);
    await(0);
    assert_err(send(reader, SELECT_OPENPGP, ""), GPG_ERR_CARD_REMOVED);
    reader_disconnect(&reader);
    mock_usb_add(mock, device, 6, 2);
    await(1);
    assert_string_equal(list.info[0].name, name);
    reader = connect();
    assert_ok(send(reader, SELECT_OPENPGP, "9000"));
    reader_disconnect(&reader);
    end();
}

static void *send_for_ever(void *arg)
{
    assert_err(send(arg, SELECT_OPENPGP, ""), GPG_ERR_CARD_REMOVED);
    return NULL;
}

static unsigned messages(void)
{
    unsigned count;

    mock_usb_lock(mock);
    count = usb_device_messages(device);
    mock_usb_unlock(mock);
    return count;
}

/* Taken out while a command is under way, and ended by an agent that wants to go. */
static void ended_in_flight(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct reader *reader;
        pthread_t thread;

        begin("yubikey-5", false);
        reader = connect();
        mock_usb_lock(mock);
        usb_device_fault(device, (struct usb_fault){ .kind = FAULT_NO_ANSWER });
        mock_usb_unlock(mock);
        assert_int_equal(pthread_create(&thread, NULL, send_for_ever, reader), 0);
        while (messages() == 0)
            sched_yield();
        if (i == 0)
            mock_usb_remove(mock, device);
        else
            readers_interrupt(readers);
        pthread_join(thread, NULL);
        reader_disconnect(&reader);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(held_by_another),
        cmocka_unit_test(unplugged_and_back),
        cmocka_unit_test(ended_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
