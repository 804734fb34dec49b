#include "ccid/pcsc_service.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_MS 100 /* in which nothing must happen */

struct bench {
    char folder[64];
    struct pcsc_service service;
    int kick;
    pthread_t thread;
    atomic_bool done;
};

static char path[256];

static const char *in_folder(const struct bench *b, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    return path;
}

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    snprintf(b->folder, sizeof b->folder, "/tmp/cardea-service-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    b->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    setenv("PCSCLITE_CSOCK_NAME", in_folder(b, "run/pcscd/pcscd.comm"), 1);
    pcsc_service_init(&b->service);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    pcsc_service_unwatch(&b->service);
    close(b->kick);
    unlink(in_folder(b, "run/pcscd/pcscd.comm"));
    rmdir(in_folder(b, "run/pcscd"));
    rmdir(in_folder(b, "run"));
    assert_int_equal(rmdir(b->folder), 0);
    free(b);
    return 0;
}

static void make_folder(struct bench *b, const char *name)
{
    assert_int_equal(mkdir(in_folder(b, name), 0700), 0);
}

static void make_file(struct bench *b, const char *name)
{
    int fd = open(in_folder(b, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void *wait_in_thread(void *context)
{
    struct bench *b = context;

    pcsc_service_wait(&b->service, b->kick);
    b->done = true;
    return NULL;
}

static void start(struct bench *b)
{
    b->done = false;
    pthread_create(&b->thread, NULL, wait_in_thread, b);
}

static void assert_still_waiting(const struct bench *b)
{
    usleep(QUIET_MS * 1000);
    assert_false(b->done);
}

static void folders_are_followed_as_they_come(void **state)
{
    struct bench *b = *state;

    pcsc_service_watch(&b->service);
    start(b);
    make_file(b, "other");
    assert_still_waiting(b);
    make_folder(b, "run");
    pthread_join(b->thread, NULL);
    pcsc_service_watch(&b->service);
    start(b);
    unlink(in_folder(b, "other"));
    assert_still_waiting(b);
    make_folder(b, "run/pcscd");
    pthread_join(b->thread, NULL);
    pcsc_service_watch(&b->service);
    start(b);
    make_file(b, "run/pcscd/pcscd.pid");
    unlink(in_folder(b, "run/pcscd/pcscd.pid"));
    assert_still_waiting(b);
    assert_false(pcsc_service_has_socket(&b->service));
    make_file(b, "run/pcscd/pcscd.comm");
    pthread_join(b->thread, NULL);
    assert_true(pcsc_service_has_socket(&b->service));
}

static void stale_socket_is_no_event(void **state)
{
    struct bench *b = *state;

    make_folder(b, "run");
    make_folder(b, "run/pcscd");
    make_file(b, "run/pcscd/pcscd.comm");
    pcsc_service_watch(&b->service);
    start(b);
    assert_still_waiting(b);
    assert_int_equal(chmod(in_folder(b, "run/pcscd/pcscd.comm"), 0666), 0);
    pthread_join(b->thread, NULL);
}

static void socket_may_be_moved_there(void **state)
{
    struct bench *b = *state;
    char from[256];

    make_folder(b, "run");
    make_folder(b, "run/pcscd");
    make_file(b, "new");
    pcsc_service_watch(&b->service);
    start(b);
    snprintf(from, sizeof from, "%s", in_folder(b, "new"));
    assert_int_equal(rename(from, in_folder(b, "run/pcscd/pcscd.comm")), 0);
    pthread_join(b->thread, NULL);
}

static void folder_that_goes_is_an_event(void **state)
{
    struct bench *b = *state;

    make_folder(b, "run");
    make_folder(b, "run/pcscd");
    pcsc_service_watch(&b->service);
    start(b);
    assert_int_equal(rmdir(in_folder(b, "run/pcscd")), 0);
    pthread_join(b->thread, NULL);
    pcsc_service_watch(&b->service);
    start(b);
    make_folder(b, "run/pcscd");
    pthread_join(b->thread, NULL);
}

static void kick_ends_the_wait(void **state)
{
    struct bench *b = *state;
    uint64_t one = 1;

    pcsc_service_watch(&b->service);
    start(b);
    assert_int_equal(write(b->kick, &one, sizeof one), sizeof one);
    pthread_join(b->thread, NULL);
    pcsc_service_wait(&b->service, b->kick);
}

static void path_that_is_none_is_not_taken(void **state)
{
    static char long_path[PCSC_SOCKET_PATH_MAX + 1];
    struct pcsc_service *service = calloc(1, sizeof *service);

    (void)state;
    memset(long_path, '/', sizeof long_path - 1);
    setenv("PCSCLITE_CSOCK_NAME", long_path, 1);
    pcsc_service_init(service);
    assert_string_equal(service->path, "/run/pcscd/pcscd.comm");
    setenv("PCSCLITE_CSOCK_NAME", "relative", 1);
    pcsc_service_init(service);
    assert_string_equal(service->path, "/run/pcscd/pcscd.comm");
    unsetenv("PCSCLITE_CSOCK_NAME");
    pcsc_service_init(service);
    assert_string_equal(service->path, "/run/pcscd/pcscd.comm");
    free(service);
}

#define SERVICE_TEST(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(folders_are_followed_as_they_come),
        SERVICE_TEST(stale_socket_is_no_event),
        SERVICE_TEST(socket_may_be_moved_there),
        SERVICE_TEST(folder_that_goes_is_an_event),
        SERVICE_TEST(kick_ends_the_wait),
        cmocka_unit_test(path_that_is_none_is_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
