/* Who holds an interface, read from a made-up /sys, /proc and /dev. */
#include "ccid/usb_holder.h"
#include "tests/unit/hex.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static const struct usb_place place = {
    .bus = 3, .address = 7, .path = "3-1.2", .configuration = 1, .interface = 2
};

/* A path below the root. */
static const char *below(const char *path)
{
    static char full[256];

    snprintf(full, sizeof full, "%s/%s", root, path);
    return full;
}

static void folder(const char *path)
{
    assert_int_equal(mkdir(below(path), 0755), 0);
}

static void put_link(const char *path, const char *target)
{
    unlink(below(path));
    assert_int_equal(symlink(target, below(path)), 0);
}

static int begin(void **state)
{
    static const char *const folders[] = { "sys",
                                           "sys/bus",
                                           "sys/bus/usb",
                                           "sys/bus/usb/devices",
                                           "sys/bus/usb/devices/3-1.2:1.2",
                                           "proc",
                                           "proc/self",
                                           "proc/77",
                                           "proc/77/fd",
                                           "proc/78",
                                           "proc/78/fd" };
    char node[256];
    FILE *comm;

    (void)state;
    snprintf(root, sizeof root, "/tmp/cardea-holder-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        folder(folders[i]);
    put_link("proc/77/fd/0", "/dev/null");
    snprintf(node, sizeof node, "%s/dev/bus/usb/003/007", root);
    put_link("proc/78/fd/12", node);
    comm = fopen(below("proc/78/comm"), "we");
    assert_non_null(comm);
    fputs("scdaemon\n", comm);
    fclose(comm);
    return 0;
}

static int end(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

#define DRIVER "sys/bus/usb/devices/3-1.2:1.2/driver"

static void nobody(void **state)
{
    char out[80];

    (void)state;
    unlink(below(DRIVER));
    assert_false(usb_holder(root, &place, out, sizeof out));
}

static void the_kernel(void **state)
{
    char out[80];

    (void)state;
    put_link(DRIVER, "../../../../bus/usb/drivers/usbhid");
    assert_true(usb_holder(root, &place, out, sizeof out));
    assert_string_equal(out, "the kernel's driver usbhid");
}

static void a_program(void **state)
{
    struct usb_place other = place;
    char out[80];

    (void)state;
    put_link(DRIVER, "../../../../bus/usb/drivers/usbfs");
    assert_true(usb_holder(root, &place, out, sizeof out));
    assert_string_equal(out, "scdaemon (process 78)");
    other.address = 8; /* whose processes are not for us to see */
    assert_true(usb_holder(root, &other, out, sizeof out));
    assert_string_equal(out, "another program");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody),
        cmocka_unit_test(the_kernel),
        cmocka_unit_test(a_program),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
