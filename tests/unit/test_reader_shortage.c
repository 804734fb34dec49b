/* Both back ends while memory, descriptors or threads run out, at every place where they are asked
 * for: the system's functions are wrapped by the linker, and fail at the n-th call. */
#include "ccid/lane.h"
#include "ccid/reader.h"
#include "ccid/socket_address.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/emulator.h"
#include "tests/unit/fake_winscard.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SOON 5000 /* ms */

static atomic_int calls_left; /* until the call that fails; none while negative */

static bool fails(void)
{
    return atomic_load(&calls_left) >= 0 && atomic_fetch_sub(&calls_left, 1) == 0;
}

#define WRAP(type, name, parameters, arguments, number, result)                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (fails()) {                                                                             \
            errno = (number);                                                                      \
            return (result);                                                                       \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

WRAP(void *, malloc, (size_t size), (size), ENOMEM, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), ENOMEM, NULL)
WRAP(int, eventfd, (unsigned count, int flags), (count, flags), EMFILE, -1)
WRAP(int, inotify_init1, (int flags), (flags), EMFILE, -1)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), EMFILE, -1)
WRAP(int, listen, (int fd, int backlog), (fd, backlog), EADDRINUSE, -1)
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *len, int flags),
     (fd, address, len, flags), EMFILE, -1)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *context),
     (thread, attributes, start, context), EAGAIN, EAGAIN)

/* Opens, connects and sends as far as it goes. True if all of it went well. */
static bool use(const char *spec, const char *name, struct socket_address *address)
{
    struct readers *readers = NULL;
    struct reader *reader = NULL;
    struct buffer answer = BUFFER(64);
    struct emulator e = { 0 };
    struct reader_list list;
    bool well = readers_open(spec, &readers) == 0;

    if (well && address) {
        int left = atomic_exchange(&calls_left, -1); /* the emulator is not what is tested */

        emulator_start(&e, (struct sockaddr *)&address->storage, address->len);
        atomic_store(&calls_left, left);
    }
    if (well) {
        readers_list(readers, &list);
        well = reader_connect(readers, name, deadline_in_ms(SOON), &reader) == 0;
        assert_true(well == (reader != NULL));
    }
    if (well)
        well = reader_transmit(reader, view_of("\0\0\0\0", 4), &answer, deadline_in_ms(SOON)) == 0;
    assert_int_equal(answer.len, well ? 6 : 0);
    reader_disconnect(&reader);
    readers_close(&readers);
    if (e.fd)
        emulator_stop(&e);
    buffer_free(&answer);
    return well;
}

static void sweep(const char *spec, const char *name, struct socket_address *address)
{
    int n = 0, left;

    do {
        bool well;

        atomic_store(&calls_left, n);
        well = use(spec, name, address);
        left = atomic_exchange(&calls_left, -1);
        assert_true(well || left < 0);
        assert_true(use(spec, name, address));
        n++;
    } while (left < 0);
    print_message("%d calls that may fail\n", n - 1);
    assert_true(n > 5);
}

static void socket_back_end(void **state)
{
    char folder[] = "/tmp/cardea-shortage-XXXXXX", spec[64];
    struct socket_address address;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(spec, sizeof spec, "socket:%s/card", folder);
    assert_int_equal(socket_address_parse(spec + 7, &address), 0);
    sweep(spec, spec, &address);
    assert_int_equal(rmdir(folder), 0);
}

static void pcsc_back_end(void **state)
{
    (void)state;
    fake_reset();
    fake_reader("Reader", SCARD_STATE_PRESENT | 1 << 16);
    sweep("pcsc:Read", "Reader", NULL);
    while (lanes_abandoned() > 0)
        usleep(1000);
    assert_int_equal(fake_contexts(), 0);
    assert_int_equal(fake_connections(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_back_end),
        cmocka_unit_test(pcsc_back_end),
    };

    atomic_store(&calls_left, -1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
