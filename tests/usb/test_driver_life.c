/* Coming and going, sharing and refusing: the USB driver's list of readers, and its turns. */
#include "tests/usb/driver.h"
#include "tests/usb/driver_root.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOUCH_MS     12000
#define EXTENSION_MS 500
#define SOON_MS      200 /* for what must not happen */

static struct plugged plugged, second;
static struct readers *readers;
static struct reader_list list;

static void begin(const char *model)
{
    const struct usb_model *m = usb_model_find(model);

    assert_non_null(m);
    driver_begin();
    driver_plug(&plugged, m, 2);
}

static void open_with(const char *spec)
{
    assert_ok(readers_open(spec, &readers));
    readers_list(readers, &list);
}

static void end(void)
{
    readers_close(&readers);
    driver_unplug(&plugged);
    driver_end();
}

static gpg_error_t connect(const char *name, struct reader **reader)
{
    return reader_connect(readers, name, deadline_in_ms(PATIENCE_MS), reader);
}

static void selects(struct reader *reader)
{
    assert_answer(reader, SELECT_OPENPGP, "9000");
}

/* Waits until the first reader's card is (not) there. */
static void await_card(bool present)
{
    int64_t until = monotonic_ms() + PATIENCE_MS;

    for (readers_list(readers, &list); list.info[0].present != present;
         readers_list(readers, &list)) {
        assert_true(monotonic_ms() < until);
        readers_wait(readers);
    }
}

static void named_by_what_it_says_of_itself(void **state)
{
    (void)state;
    begin("nitrokey-start");
    open_with("usb");
    assert_int_equal(list.count, 1);
    assert_string_equal(list.info[0].name, "Nitrokey Start (FSIJ-1.2.10-43234255)");
    assert_true(list.info[0].present);
    assert_false(list.info[0].exclusive);
    end();
    begin("omnikey-3121"); /* has no number of its own: bus and port */
    open_with("usb");
    assert_string_equal(list.info[0].name, "OMNIKEY AG Smart Card Reader USB (1-2)");
    end();
}

static void two_alike(void **state)
{
    (void)state;
    begin("yubikey-5");
    driver_plug(&second, usb_model_find("yubikey-5"), 7);
    open_with("usb");
    assert_int_equal(list.count, 2);
    assert_string_not_equal(list.info[0].name, list.info[1].name);
    assert_int_not_equal(list.info[0].insertion, list.info[1].insertion);
    for (size_t i = 0; i < 2; i++) {
        struct reader *reader;

        assert_ok(connect(list.info[i].name, &reader));
        selects(reader);
        reader_disconnect(&reader);
    }
    readers_close(&readers);
    driver_unplug(&second);
    driver_unplug(&plugged);
    driver_end();
}

static void only_these_ids(void **state)
{
    static const char *const bad[] = { "usb:",           "usb:1050",       "usb:1050:040",
                                       "usb:1050:04077", "usb:105g:0407",  "usb:1050-0407",
                                       "usb:0x50:0407",  "usb: 050:0407 ", "usb:spares" };

    (void)state;
    begin("yubikey-5");
    open_with("usb:1050:0407");
    assert_int_equal(list.count, 1);
    readers_close(&readers);
    open_with("usb:20a0:4108");
    assert_int_equal(list.count, 0);
    assert_ok(list.service);
    end();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(readers_open(bad[i], &readers), GPG_ERR_INV_ARG);
    driver_end();
}

/* Back in another port and at another address: the same name, another insertion. */
static void unplugged_and_back(void **state)
{
    char name[READER_NAME_MAX];
    struct reader *reader;
    struct buffer answer = BUFFER(ANSWER_MAX);
    uint32_t insertion;

    (void)state;
    begin("nitrokey-3");
    open_with("usb");
    memcpy(name, list.info[0].name, sizeof name);
    insertion = list.info[0].insertion;
    reader = driver_connect(readers);
    selects(reader);
    fake_usb_lock();
    usb_device_unplug(plugged.device);
    fake_usb_unlock();
    fake_usb_remove(plugged.device);
    driver_await(readers, 0, &list);
    assert_err(reader_transmit(reader, hex(SELECT_OPENPGP), &answer, deadline_in_ms(PATIENCE_MS)),
               GPG_ERR_CARD_REMOVED);
    assert_err(connect(name, &reader), GPG_ERR_CARD_NOT_PRESENT);
    usb_device_plug(plugged.device);
    fake_usb_add(plugged.device, 1, 9, 4);
    driver_await(readers, 1, &list);
    assert_string_equal(list.info[0].name, name);
    assert_int_not_equal(list.info[0].insertion, insertion);
    reader_disconnect(&reader);
    assert_ok(connect(name, &reader));
    selects(reader);
    reader_disconnect(&reader);
    end();
}

/* Without hotplug it is the transfer that tells. */
static void gone_in_flight(void **state)
{
    struct reader *reader;
    struct buffer answer = BUFFER(ANSWER_MAX);

    (void)state;
    begin("nitrokey-3");
    open_with("usb");
    reader = driver_connect(readers);
    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_GONE });
    assert_err(reader_transmit(reader, hex(SELECT_OPENPGP), &answer, deadline_in_ms(PATIENCE_MS)),
               GPG_ERR_CARD_REMOVED);
    driver_await(readers, 0, &list);
    reader_disconnect(&reader);
    end();
}

static void card_out_and_in(void **state)
{
    struct reader *reader, *fresh;
    struct buffer answer = BUFFER(ANSWER_MAX);
    uint32_t insertion;

    (void)state;
    begin("gemalto-ct30");
    open_with("usb");
    insertion = list.info[0].insertion;
    reader = driver_connect(readers);
    selects(reader);
    fake_usb_lock();
    usb_device_card(plugged.device, false);
    fake_usb_unlock();
    await_card(false);
    assert_err(reader_transmit(reader, hex(SELECT_OPENPGP), &answer, deadline_in_ms(PATIENCE_MS)),
               GPG_ERR_CARD_REMOVED);
    assert_err(connect(list.info[0].name, &fresh), GPG_ERR_CARD_NOT_PRESENT);
    fake_usb_lock();
    usb_device_card(plugged.device, true);
    fake_usb_unlock();
    await_card(true);
    assert_int_not_equal(list.info[0].insertion, insertion);
    reader_disconnect(&reader);
    assert_ok(connect(list.info[0].name, &reader));
    selects(reader);
    reader_disconnect(&reader);
    end();
}

/* Claimed by another program: shown as held, refused as locked, taken as soon as it is free. */
static void held_by_another(void **state)
{
    struct reader *reader;

    (void)state;
    begin("yubikey-5");
    fake_usb_hold(plugged.device, true);
    open_with("usb");
    assert_int_equal(list.count, 1);
    assert_true(list.info[0].present);
    assert_true(list.info[0].exclusive);
    assert_err(connect(list.info[0].name, &reader), GPG_ERR_LOCKED);
    assert_int_equal(fake_usb_alive().handles, 0); /* nor do we keep it open */
    fake_usb_hold(plugged.device, false);
    assert_ok(connect(list.info[0].name, &reader));
    readers_list(readers, &list);
    assert_false(list.info[0].exclusive);
    selects(reader);
    reader_disconnect(&reader);
    end();
}

static void not_for_this_user(void **state)
{
    struct reader *reader;

    (void)state;
    begin("yubikey-5");
    fake_usb_deny(plugged.device, true);
    open_with("usb");
    assert_int_equal(list.count, 1);
    assert_string_equal(list.info[0].name, "USB reader 1050:0407 (1-2)");
    assert_err(connect(list.info[0].name, &reader), GPG_ERR_EPERM);
    fake_usb_deny(plugged.device, false);
    assert_ok(connect(list.info[0].name, &reader));
    selects(reader);
    reader_disconnect(&reader);
    end();
}

/* Neither for this user nor free: who has it can be seen all the same. */
static void held_and_not_for_this_user(void **state)
{
    static const char *const folders[] = { "/sys", "/sys/bus", "/sys/bus/usb",
                                           "/sys/bus/usb/devices", "/sys/bus/usb/devices/1-2:1.2" };
    char root[] = "/tmp/cardea-usb-XXXXXX", path[128];
    struct reader *reader;

    (void)state;
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        assert_return_code(mkdir(path, 0700), errno);
    }
    snprintf(path, sizeof path, "%s/sys/bus/usb/devices/1-2:1.2/driver", root);
    assert_return_code(symlink("../../../../bus/usb/drivers/usbfs", path), errno);
    begin("yubikey-5");
    fake_usb_deny(plugged.device, true);
    open_with("usb:spare");
    driver_set_root(readers, root);
    readers_share(readers, READERS_ALONE, 0);
    driver_await(readers, 1, &list);
    assert_true(list.info[0].exclusive);
    assert_string_equal(list.info[0].holder, "another program");
    assert_err(connect(list.info[0].name, &reader), GPG_ERR_LOCKED);
    end();
    assert_return_code(unlink(path), errno);
    for (size_t i = sizeof folders / sizeof folders[0]; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        assert_return_code(rmdir(path), errno);
    }
    assert_return_code(rmdir(root), errno);
}

/* Beside PC/SC: what that has is not shown a second time. */
static void beside_pcsc(void **state)
{
    (void)state;
    begin("yubikey-5");
    fake_usb_hold(plugged.device, true);
    open_with("usb");
    assert_int_equal(list.count, 1);
    readers_share(readers, READERS_BESIDE, 0);
    readers_list(readers, &list);
    assert_int_equal(list.count, 0);
    /* that let go of it, and went */
    fake_usb_hold(plugged.device, false);
    readers_share(readers, READERS_ALONE, 0);
    readers_list(readers, &list);
    assert_int_equal(list.count, 1);
    assert_false(list.info[0].exclusive);
    end();
    begin("yubikey-5");
    open_with("usb");
    readers_share(readers, READERS_BESIDE, 0);
    readers_list(readers, &list);
    assert_int_equal(list.count, 1);
    end();
}

/* In PC/SC's place: nothing is opened before, what was taken is kept after. */
static void in_place_of_pcsc(void **state)
{
    struct reader *reader;

    (void)state;
    begin("yubikey-5");
    open_with("usb:spare");
    assert_int_equal(list.count, 0);
    assert_ok(list.service);
    assert_int_equal(fake_usb_count(FAKE_USB_OPEN), 0);
    readers_share(readers, READERS_ALONE, 0);
    readers_list(readers, &list); /* not before it is taken */
    assert_int_equal(list.count, 1);
    readers_share(readers, READERS_YIELD, 0);
    driver_plug(&second, usb_model_find("nitrokey-3"), 7);
    reader = driver_connect(readers);
    selects(reader);
    reader_disconnect(&reader);
    readers_list(readers, &list);
    assert_int_equal(list.count, 1);
    assert_int_equal(fake_usb_alive().claims, 1);
    readers_share(readers, READERS_ALONE, 300);
    assert_int_equal(fake_usb_alive().claims, 1);
    driver_await(readers, 2, &list);
    readers_close(&readers);
    driver_unplug(&second);
    driver_unplug(&plugged);
    driver_end();
}

static void touch_is_waited_for(void **state)
{
    struct reader *reader;
    struct buffer answer = BUFFER(ANSWER_MAX);
    int64_t start;

    (void)state;
    begin("gnuk");
    open_with("usb");
    reader = driver_connect(readers);
    selects(reader);
    fake_usb_lock();
    usb_device_slow(plugged.device, TOUCH_MS);
    fake_usb_unlock();
    start = monotonic_ms();
    assert_ok(reader_transmit(reader, hex("00CA004F00"), &answer, deadline_in_ms(PATIENCE_MS)));
    assert_true(monotonic_ms() - start >= TOUCH_MS);
    /* and no longer than the caller is willing to */
    fake_usb_lock();
    usb_device_slow(plugged.device, TOUCH_MS);
    fake_usb_unlock();
    start = monotonic_ms();
    assert_err(reader_transmit(reader, hex("00CA004F00"), &answer, deadline_in_ms(TOUCH_MS / 2)),
               GPG_ERR_TIMEOUT);
    assert_true(monotonic_ms() - start < TOUCH_MS);
    reader_disconnect(&reader);
    fake_usb_lock();
    usb_device_slow(plugged.device, 0);
    fake_usb_unlock();
    reader = driver_connect(readers);
    selects(reader);
    reader_disconnect(&reader);
    buffer_free(&answer);
    end();
}

/* Answers of whole packets, with the empty one behind them, without, and with a late one. */
static void whole_packets(void **state)
{
    static const enum zlp ways[] = { ZLP_SENT, ZLP_NEVER, ZLP_LATE };
    static const char *const models[] = { "yubikey-5", "gnuk", "nitrokey-pro", "solo-2" };

    (void)state;
    for (size_t i = 0; i < 12; i++) {
        struct reader *reader;

        begin(models[i / 3]);
        usb_device_zlp(plugged.device, ways[i % 3]);
        open_with("usb");
        reader = driver_connect(readers);
        selects(reader);
        assert_answer(reader, VERIFY_ADMIN, "9000");
        /* of every length around one, two and eight packets */
        for (unsigned len = 40; len <= 60; len++) {
            char put[64], expected[64], all[80];

            snprintf(put, sizeof put, "00DA005E %02X A5{%u}", len, len);
            snprintf(expected, sizeof expected, "A5{%u} 9000", len);
            snprintf(all, sizeof all, "00CA005E 00");
            assert_answer(reader, put, "9000");
            assert_answer(reader, all, expected);
        }
        reader_disconnect(&reader);
        end();
    }
}

struct waiter {
    struct reader *reader;
    gpg_error_t err;
};

static void *begin_in_thread(void *arg)
{
    struct waiter *w = arg;

    w->err = reader_begin(w->reader, deadline_in_ms(PATIENCE_MS));
    return NULL;
}

/* Two connections to one card: each its transaction, and a reset by one is told to the other. */
static void two_connections(void **state)
{
    struct reader *one, *other;
    struct buffer answer = BUFFER(ANSWER_MAX);
    struct waiter waiter;
    pthread_t thread;

    (void)state;
    begin("yubikey-5");
    open_with("usb");
    one = driver_connect(readers);
    selects(one);
    other = driver_connect(readers);
    assert_answer(other, "00CA004F00", "D2760001240103040006123456780000 9000"); /* not reset */
    assert_ok(reader_begin(one, deadline_in_ms(PATIENCE_MS)));
    assert_err(reader_begin(other, deadline_in_ms(1)), GPG_ERR_LOCKED);
    waiter.reader = other;
    assert_int_equal(pthread_create(&thread, NULL, begin_in_thread, &waiter), 0);
    reader_end(one);
    pthread_join(thread, NULL);
    assert_ok(waiter.err);
    assert_ok(reader_reset(other, deadline_in_ms(PATIENCE_MS)));
    reader_end(other);
    assert_err(reader_transmit(one, hex(SELECT_OPENPGP), &answer, deadline_in_ms(PATIENCE_MS)),
               GPG_ERR_CARD_RESET);
    selects(one);
    /* nor is it kept from it that a connection which failed was made anew */
    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_NO_ANSWER });
    assert_err(reader_transmit(other, hex(SELECT_OPENPGP), &answer, deadline_in_ms(PATIENCE_MS)),
               GPG_ERR_CARD);
    reader_disconnect(&other);
    other = driver_connect(readers);
    assert_err(reader_transmit(one, hex(SELECT_OPENPGP), &answer, deadline_in_ms(PATIENCE_MS)),
               GPG_ERR_CARD_RESET);
    selects(one);
    reader_disconnect(&one);
    reader_disconnect(&other);
    end();
}

static atomic_bool sending;

static void *send_in_thread(void *arg)
{
    struct waiter *w = arg;
    struct buffer answer = BUFFER(ANSWER_MAX);

    atomic_store(&sending, true);
    w->err = reader_transmit(w->reader, hex(SELECT_OPENPGP), &answer, deadline_never());
    buffer_free(&answer);
    return NULL;
}

static unsigned messages_there_were(void)
{
    unsigned count;

    fake_usb_lock();
    count = usb_device_messages(plugged.device);
    fake_usb_unlock();
    return count;
}

/* A card that never answers, and an agent that wants to end. */
static void interrupted(void **state)
{
    struct waiter waiter;
    pthread_t thread;

    (void)state;
    begin("yubikey-5");
    open_with("usb");
    waiter.reader = driver_connect(readers);
    fake_usb_hasty(false);
    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_NO_ANSWER });
    assert_int_equal(pthread_create(&thread, NULL, send_in_thread, &waiter), 0);
    while (!atomic_load(&sending) || messages_there_were() == 0)
        sched_yield();
    readers_interrupt(readers);
    pthread_join(thread, NULL);
    assert_err(waiter.err, GPG_ERR_CARD_REMOVED);
    reader_disconnect(&waiter.reader);
    end();
}

/* A transfer that is cancelled and never ends keeps nobody, and what it writes to is not freed
 * under it: first that for notices, when the reader is let go; then that of a command. */
static void no_end(void **state)
{
    (void)state;
    begin("yubikey-5");
    open_with("usb");
    fake_usb_stick(LIBUSB_TRANSFER_TYPE_INTERRUPT);
    end();
}

static void no_end_of_a_command(void **state)
{
    struct buffer answer = BUFFER(ANSWER_MAX);
    struct reader *reader;
    gpg_err_code_t code;
    int64_t start;

    (void)state;
    begin("yubikey-5");
    open_with("usb");
    reader = driver_connect(readers);
    start = monotonic_ms();
    fake_usb_stick(LIBUSB_TRANSFER_TYPE_BULK);
    fake_usb_fail(FAKE_USB_EVENTS, LIBUSB_ERROR_IO);
    code = gpg_err_code(
        reader_transmit(reader, hex(SELECT_OPENPGP), &answer, deadline_in_ms(SOON_MS)));
    fake_usb_fail(FAKE_USB_EVENTS, 0);
    /* The second where the time was over before the transfer began. */
    assert_true(code == GPG_ERR_CARD_REMOVED || code == GPG_ERR_TIMEOUT);
    assert_true(monotonic_ms() - start < TOUCH_MS);
    reader_disconnect(&reader);
    end();
}

/* To be had: the state of the slot. For a connection: that again, and power. For a command: itself,
 * and its answer. Nothing else, ever. */
static void what_it_costs(void **state)
{
    static const char *const models[] = { "yubikey-5", "nitrokey-3", "nitrokey-start" };

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct reader *reader;

        begin(models[i]);
        open_with("usb");
        assert_int_equal(driver_counts(&plugged).bulk_out, 1);
        reader = driver_connect(readers);
        assert_int_equal(driver_counts(&plugged).bulk_out, 3);
        assert_int_equal(driver_counts(&plugged).power_ons, 1);
        for (unsigned n = 1; n <= 3; n++) {
            selects(reader);
            assert_int_equal(driver_counts(&plugged).bulk_out, 3 + n);
            assert_int_equal(driver_counts(&plugged).bulk_in, 3 + n);
        }
        reader_disconnect(&reader);
        reader = driver_connect(readers); /* still powered */
        assert_int_equal(driver_counts(&plugged).bulk_out, 6);
        assert_int_equal(driver_counts(&plugged).resets + driver_counts(&plugged).interfaces_set +
                             driver_counts(&plugged).halts_cleared,
                         0);
        reader_disconnect(&reader);
        readers_close(&readers);
        assert_int_equal(driver_counts(&plugged).bulk_out,
                         7); /* power off: nobody after us finds it unlocked */
        driver_unplug(&plugged);
        driver_end();
    }
}

static void no_libusb_no_readers(void **state)
{
    (void)state;
    driver_begin();
    fake_usb_fail(FAKE_USB_INIT, LIBUSB_ERROR_OTHER);
    assert_err(readers_open("usb", &readers), GPG_ERR_NO_SERVICE);
    fake_usb_fail(FAKE_USB_INIT, 0);
    driver_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_by_what_it_says_of_itself),
        cmocka_unit_test(two_alike),
        cmocka_unit_test(only_these_ids),
        cmocka_unit_test(unplugged_and_back),
        cmocka_unit_test(gone_in_flight),
        cmocka_unit_test(card_out_and_in),
        cmocka_unit_test(held_by_another),
        cmocka_unit_test(not_for_this_user),
        cmocka_unit_test(held_and_not_for_this_user),
        cmocka_unit_test(beside_pcsc),
        cmocka_unit_test(in_place_of_pcsc),
        cmocka_unit_test(touch_is_waited_for),
        cmocka_unit_test(whole_packets),
        cmocka_unit_test(two_connections),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(no_end),
        cmocka_unit_test(no_end_of_a_command),
        cmocka_unit_test(what_it_costs),
        cmocka_unit_test(no_libusb_no_readers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
