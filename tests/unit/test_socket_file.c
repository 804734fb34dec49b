#include "agent/socket_file.h"
#include "base/deadline.h"
#include "base/log.h"
#include "tests/unit/cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/cardea-test-XXXXXX";
static char path[sizeof folder + 16];

static int begin(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/S.gpg-agent", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int connect_to(const char *socket_path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A socket on which nobody listens. */
static void leave_dead_socket(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void expect_refusal(gpg_err_code_t expected)
{
    struct socket_file file = SOCKET_FILE;

    assert_int_equal(gpg_err_code(socket_file_listen(path, &file, NULL)), expected);
    assert_int_equal(file.fd, -1);
    assert_null(file.path);
}

static void a_socket_is_made_for_us_alone(void **state)
{
    struct socket_file file = SOCKET_FILE;
    struct stat st;
    int client;

    (void)state;
    assert_int_equal(socket_file_listen(path, &file, NULL), 0);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0600);
    client = connect_to(path);
    assert_true(client >= 0);
    close(client);
    socket_file_close(&file);
    assert_int_equal(file.fd, -1);
    assert_int_equal(lstat(path, &st), -1);
    socket_file_close(&file);
}

static void a_dead_socket_is_replaced(void **state)
{
    struct socket_file file = SOCKET_FILE;
    struct socket_occupant occupant;

    (void)state;
    leave_dead_socket();
    assert_int_equal(socket_file_listen(path, &file, &occupant), 0);
    assert_int_equal(occupant.kind, SOCKET_OCCUPANT_NONE);
    close(connect_to(path));
    socket_file_close(&file);
}

static void only_our_own_socket_is_unlinked(void **state)
{
    struct socket_file file = SOCKET_FILE;
    struct stat st;

    (void)state;
    assert_int_equal(socket_file_listen(path, &file, NULL), 0);
    unlink(path);
    leave_dead_socket();
    socket_file_close(&file);
    assert_int_equal(lstat(path, &st), 0);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    FILE *out = fopen(path, "w");

    (void)state;
    fclose(out);
    expect_refusal(GPG_ERR_EEXIST);
    unlink(path);
    assert_int_equal(symlink("/nonexistent", path), 0);
    expect_refusal(GPG_ERR_EEXIST);
}

static void a_path_must_fit(void **state)
{
    struct socket_file file = SOCKET_FILE;
    char name[200];

    (void)state;
    memset(name, 'x', sizeof name);
    memcpy(name, "/tmp/", 5);
    name[108] = '\0';
    assert_int_equal(gpg_err_code(socket_file_listen(name, &file, NULL)), GPG_ERR_ENAMETOOLONG);
    name[107] = '\0';
    assert_int_equal(gpg_err_code(socket_file_listen(name, &file, NULL)), GPG_ERR_EPERM);
}

static void the_longest_path_works(void **state)
{
    struct socket_file file = SOCKET_FILE;
    char name[120];

    (void)state;
    memset(name, 'x', sizeof name);
    memcpy(name, folder, strlen(folder));
    name[strlen(folder)] = '/';
    name[107] = '\0';
    assert_int_equal(socket_file_listen(name, &file, NULL), 0);
    close(connect_to(name));
    socket_file_close(&file);
}

static void the_directory_must_be_ours(void **state)
{
    (void)state;
    assert_int_equal(chmod(folder, 0770), 0);
    expect_refusal(GPG_ERR_EPERM);
    assert_int_equal(chmod(folder, 0702), 0);
    expect_refusal(GPG_ERR_EPERM);
    assert_int_equal(chmod(folder, 0755), 0);
    if (getuid() == 0) {
        assert_int_equal(chown(folder, 1, 1), 0);
        expect_refusal(GPG_ERR_EPERM);
    }
    snprintf(path, sizeof path, "%s/x/S", folder);
    expect_refusal(GPG_ERR_ENOENT);
    snprintf(path, sizeof path, "no-slash");
    expect_refusal(GPG_ERR_INV_VALUE);
}

/* An agent that serves one client with fixed answers. */
struct agent {
    int fd;
    const char *answers[5]; /* to the connection, then to each line */
};

static void *serve_one(void *arg)
{
    struct agent *agent = arg;
    int fd = accept(agent->fd, NULL, NULL);
    char line[100];

    for (int i = 0; i < 5; i++) {
        if (agent->answers[i] && write(fd, agent->answers[i], strlen(agent->answers[i])) < 0)
            break;
        if (read(fd, line, sizeof line) <= 0)
            break;
    }
    close(fd);
    return NULL;
}

static void expect_occupant(struct agent agent, enum socket_occupant_kind kind, pid_t pid,
                            const char *version)
{
    struct socket_file first = SOCKET_FILE;
    struct socket_file second = SOCKET_FILE;
    struct socket_occupant occupant;
    int64_t start = monotonic_ms();
    pthread_t thread;

    assert_int_equal(socket_file_listen(path, &first, NULL), 0);
    agent.fd = first.fd;
    pthread_create(&thread, NULL, serve_one, &agent);
    assert_int_equal(gpg_err_code(socket_file_listen(path, &second, &occupant)),
                     GPG_ERR_EADDRINUSE);
    assert_true(monotonic_ms() - start < 2500);
    pthread_join(thread, NULL);
    assert_int_equal(second.fd, -1);
    assert_int_equal(occupant.kind, kind);
    assert_int_equal(occupant.pid, pid);
    assert_string_equal(occupant.version, version);
    close(connect_to(path));
    socket_file_close(&first);
}

static void a_live_agent_is_never_replaced(void **state)
{
    (void)state;
    expect_occupant((struct agent){ .answers = { "OK Pleased to meet you, Cardea here\n",
                                                 "D 2.5.20\nOK\n", "D 4711\nOK\n" } },
                    SOCKET_OCCUPANT_CARDEA, 4711, "2.5.20");
    expect_occupant((struct agent){ .answers = { "OK Pleased to meet you, process 3\n",
                                                 "D 2.2.40\nOK\n", "D 4712\nOK\n" } },
                    SOCKET_OCCUPANT_AGENT, 4712, "2.2.40");
}

static void odd_listeners_are_live_too(void **state)
{
    (void)state;
    expect_occupant((struct agent){ .answers = { NULL } }, SOCKET_OCCUPANT_UNKNOWN, getpid(), "");
    expect_occupant((struct agent){ .answers = { "OK half a li" } }, SOCKET_OCCUPANT_UNKNOWN,
                    getpid(), "");
    expect_occupant((struct agent){ .answers = { "220 mail\n" } }, SOCKET_OCCUPANT_UNKNOWN,
                    getpid(), "");
    expect_occupant((struct agent){ .answers = { "OK\n", "ERR 1\n" } }, SOCKET_OCCUPANT_AGENT,
                    getpid(), "");
    expect_occupant(
        (struct agent){ .answers = { "OK\n", "D 2\x1b[2J\nOK\n", "D no number\nOK\n" } },
        SOCKET_OCCUPANT_AGENT, getpid(), "2?[2J");
}

static void a_flood_is_no_greeting(void **state)
{
    static char flood[4096];

    (void)state;
    memset(flood, 'x', sizeof flood - 1);
    expect_occupant((struct agent){ .answers = { flood } }, SOCKET_OCCUPANT_UNKNOWN, getpid(), "");
}

#define STARTERS 8

/* A process that tries to be the agent. It says 'y' or 'n', and lives until `go` is closed. */
static void start_one(int go, int said)
{
    struct socket_file file = SOCKET_FILE;
    struct agent agent = { .answers = { "OK\n", "ERR 1\n" } };
    struct pollfd fds[] = { { .fd = go, .events = POLLIN }, { .fd = -1, .events = POLLIN } };

    if (socket_file_listen(path, &file, NULL) == 0)
        fds[1].fd = agent.fd = file.fd;
    if (write(said, file.fd < 0 ? "n" : "y", 1) < 0)
        _exit(1);
    while (poll(fds, 2, -1) > 0 && !fds[0].revents)
        serve_one(&agent);
    _exit(0);
}

static void of_many_that_start_at_once_one_wins(void **state)
{
    (void)state;
    for (int round = 0; round < 25; round++) {
        char words[STARTERS];
        int winners = 0;
        int go[2];
        int said[2];

        leave_dead_socket();
        assert_int_equal(pipe(go) | pipe(said), 0);
        for (int i = 0; i < STARTERS; i++) {
            if (fork() == 0) {
                close(go[1]);
                start_one(go[0], said[1]);
            }
        }
        for (int i = 0; i < STARTERS; i++) {
            assert_int_equal(read(said[0], &words[i], 1), 1);
            winners += words[i] == 'y';
        }
        assert_int_equal(winners, 1);
        close(go[0]);
        close(go[1]);
        close(said[0]);
        close(said[1]);
        for (int i = 0; i < STARTERS; i++)
            wait(NULL);
        unlink(path);
    }
}

static int start_all(void **state)
{
    (void)state;
    log_init("test", LOG_LEVEL_ERROR);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_socket_is_made_for_us_alone),
        TEST(a_dead_socket_is_replaced),
        TEST(only_our_own_socket_is_unlinked),
        TEST(what_is_no_socket_is_left_alone),
        TEST(a_path_must_fit),
        TEST(the_longest_path_works),
        TEST(the_directory_must_be_ours),
        TEST(a_live_agent_is_never_replaced),
        TEST(odd_listeners_are_live_too),
        TEST(a_flood_is_no_greeting),
        TEST(of_many_that_start_at_once_one_wins),
    };

    return cmocka_run_group_tests(tests, start_all, NULL);
}
