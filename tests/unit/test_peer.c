#include "agent/peer.h"
#include "tests/unit/cmocka_all.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect(const char *expected, const struct peer *peer)
{
    char words[PEER_WORDS_MAX];

    assert_string_equal(peer_words(peer, words, sizeof words), expected);
}

#define EXPECT(expected, ...) expect(expected, &(struct peer){ .pid = 12, __VA_ARGS__ })

static void a_peer_is_named_by_its_program(void **state)
{
    (void)state;
    EXPECT("process 12", .name = "");
    EXPECT("python3 (process 12)", .name = "python3");
    EXPECT("gpg (process 12)", .name = "gpg", .is_tool = true);
    EXPECT("mutt, through gpg (process 12)", .name = "gpg", .is_tool = true, .caller = "mutt");
}

static void the_application_is_named_once(void **state)
{
    (void)state;
    EXPECT("Thunderbird, through gpg (process 12)", .name = "gpg", .is_tool = true,
           .caller = "thunderbird-bin", .cgroup = { .application = "Thunderbird" });
    EXPECT("Thunderbird, through gpg (process 12)", .name = "gpg", .is_tool = true,
           .cgroup = { .application = "Thunderbird" });
    EXPECT("mutt in Terminal, through gpg (process 12)", .name = "gpg", .is_tool = true,
           .caller = "mutt", .cgroup = { .application = "Terminal" });
    EXPECT("python3 in Terminal (process 12)", .name = "python3",
           .cgroup = { .application = "Terminal" });
    EXPECT("Thunderbird (Flatpak), through gpg (process 12)", .name = "gpg", .is_tool = true,
           .cgroup = { .application = "Thunderbird", .sandbox = SANDBOX_FLATPAK });
    EXPECT("gpg in a container (process 12)", .name = "gpg", .is_tool = true,
           .cgroup = { .sandbox = SANDBOX_CONTAINER });
}

/* Processes of these names, each the child of the one before, the first ours. Returns what the last
 * is described as, without "process N)". */
static char *describe_line(const char *const names[], char *words)
{
    int ready[2];
    pid_t pid, first;

    assert_int_equal(pipe(ready), 0);
    first = fork();
    for (pid = first; pid == 0 && *names; pid = *names ? fork() : -1) {
        prctl(PR_SET_NAME, *names++);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    if (first == 0) {
        pid = getpid();
        if (!*names && write(ready[1], &pid, sizeof pid) != sizeof pid)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &pid, sizeof pid), sizeof pid);
    peer_describe(pid, words, PEER_WORDS_MAX);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    assert_non_null(strstr(words, "process "));
    *strstr(words, "process ") = '\0';
    return words;
}

#define DESCRIBE(...) describe_line((const char *const[]){ __VA_ARGS__, NULL }, words)

/* What stands behind ", through", wherever this test runs. */
static void expect_through(const char *words, const char *caller, const char *tool)
{
    assert_ptr_equal(strstr(words, caller), words);
    assert_non_null(strstr(words, tool));
}

static void a_tool_speaks_for_whoever_started_it(void **state)
{
    char words[PEER_WORDS_MAX];

    (void)state;
    expect_through(DESCRIBE("mutt", "gpg"), "mutt", ", through gpg (");
    expect_through(DESCRIBE("mutt", "sh", "timeout", "gpg"), "mutt", ", through gpg (");
    expect_through(DESCRIBE("firefox", "gpgme-json", "gpg"), "firefox", ", through gpg (");
    expect_through(DESCRIBE("firefox", "python3"), "python3", " (");
    assert_null(strstr(words, "firefox"));
}

static void nobody_is_described_all_the_same(void **state)
{
    char words[PEER_WORDS_MAX];
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    assert_string_equal(peer_describe(0, words, sizeof words), "process 0");
    assert_ptr_equal(strstr(peer_describe(pid, words, sizeof words), "process "), words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_named_by_its_program),
        cmocka_unit_test(the_application_is_named_once),
        cmocka_unit_test(a_tool_speaks_for_whoever_started_it),
        cmocka_unit_test(nobody_is_described_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
