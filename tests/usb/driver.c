#include "tests/usb/driver.h"

#include "base/secret.h"

#define AWAIT_MS 10000

void driver_begin(void)
{
    assert_ok(secret_init_library());
    fake_usb_reset();
    fake_usb_hasty(true);
}

void driver_end(void)
{
    struct fake_usb_alive alive = fake_usb_alive();

    assert_ptr_equal(fake_usb_misuse(), NULL);
    assert_int_equal(alive.contexts + alive.handles + alive.claims + alive.transfers, 0);
    assert_int_equal(alive.devices, 0);
}

void driver_plug(struct plugged *p, const struct usb_model *model, uint8_t port)
{
    assert_ok(usb_token_init(&p->token, model, 0x12345678));
    assert_ok(usb_device_new(model, &p->token.card, &p->device));
    fake_usb_add(p->device, 1, (uint8_t)(port + 3), port);
}

void driver_unplug(struct plugged *p)
{
    if (usb_device_complaint(p->device))
        fail_msg("%s", usb_device_complaint(p->device));
    driver_unplug_spoilt(p);
}

void driver_unplug_spoilt(struct plugged *p)
{
    fake_usb_remove(p->device);
    usb_device_free(&p->device);
    usb_token_free(&p->token);
}

void driver_await(struct readers *readers, size_t count, struct reader_list *list)
{
    int64_t until = monotonic_ms() + AWAIT_MS;

    for (readers_list(readers, list); list->count != count; readers_list(readers, list)) {
        assert_true(monotonic_ms() < until);
        readers_wait(readers);
    }
}

struct usb_counts driver_counts(struct plugged *p)
{
    struct usb_counts counts;

    fake_usb_lock();
    counts = usb_device_counts(p->device);
    fake_usb_unlock();
    return counts;
}

void driver_fault(struct plugged *p, struct usb_fault fault)
{
    fake_usb_lock();
    usb_device_fault(p->device, fault);
    fake_usb_unlock();
}

struct reader *driver_connect(struct readers *readers)
{
    struct reader_list list;
    struct reader *reader;

    readers_list(readers, &list);
    assert_int_equal(list.count, 1);
    assert_true(list.info[0].present);
    assert_ok(reader_connect(readers, list.info[0].name, deadline_in_ms(PATIENCE_MS), &reader));
    return reader;
}

void driver_command_is(struct reader *reader, const char *command, const char *expected,
                       const char *file, int line)
{
    struct buffer answer = BUFFER(ANSWER_MAX);
    gpg_error_t err = reader_transmit(reader, hex(command), &answer, deadline_in_ms(PATIENCE_MS));

    _assert_int_equal(gpg_err_code(err), 0, file, line);
    check_octets(buffer_view(&answer), hex(expected), file, line);
    buffer_free(&answer);
}
