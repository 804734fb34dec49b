/* A build without libusb, whose file stands in this program for the driver. */
#include "ccid/reader.h"
#include "tests/unit/hex.h"

static void says_so(void **state)
{
    struct readers *readers;

    (void)state;
    assert_err(readers_open("usb", &readers), GPG_ERR_NOT_SUPPORTED);
    assert_err(readers_open("usb:1050:0407", &readers), GPG_ERR_NOT_SUPPORTED);
    assert_err(readers_open("usb:spare", &readers), GPG_ERR_NOT_SUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(says_so) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
