/* Every operation, every moment of it, every fault: nothing is lost.
 *
 * After each case: exactly one reply, right or an error without plaintext; no PIN sent that was not
 * typed, and none to another card than the prompt named; no try spent but by a wrong PIN; no
 * transaction left open, no descriptor more; and the next decryption works. In no log is a PIN or a
 * plaintext. Leaks are the sanitizer's to find. */
#include "tests/fault/faults.h"
#include "tests/fault/human.h"
#include "tests/fault/need.h"
#include "tests/fault/operations.h"

#include "agent/pin_expiry.h"
#include "base/text.h"
#include "tests/unit/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the whole sweep must at least be made of. */
#define CASES_MIN 3000

#define OPERATIONS_MAX 64
#define HASHED_PIN_LEN 32 /* SHA-256 */

#define INS_SELECT          0xa4
#define INS_READ_PUBLIC_KEY 0x47
#define INS_PSO             0x2a

static struct agent_config config;
static struct agent agent = { .config = &config, .socket_path = "/sweep" };
static unsigned cases;
static int log_fd;
static size_t log_read;
static gpg_error_t last_error; /* of a reply */

/* There is no clock here. */
void pin_expiry_note(struct pin_expiry *expiry, int64_t end_ms)
{
    (void)expiry;
    (void)end_ms;
}

/* The sanitizers, where there are any, do not write among the log. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "log_path=stdout";
}

const char *__ubsan_default_options(void)
{
    return "log_path=stdout";
}

static void start_agent(bool keeps_pins)
{
    static char spec[] = WORLD_SPEC;
    static char *const specs[] = { spec };
    const struct pin_cache_policy policy = { .idle_ms = keeps_pins ? 600000 : 0, .max_ms = 600000 };

    assert_int_equal(events_new(&agent.events), 0);
    assert_int_equal(cards_open(specs, 1, &policy, agent.events, &agent.cards), 0);
}

static void stop_agent(void)
{
    cards_close(&agent.cards);
    events_free(&agent.events);
}

static unsigned count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static bool holds(const char *text, size_t len, struct view part)
{
    return part.len && memmem(text, len, part.data, part.len);
}

/* In octets, or in either kind of hex digits. */
static bool tells(const char *text, size_t len, struct view secret)
{
    char upper[2 * 64 + 1], lower[2 * 64 + 1];

    hex_encode(secret, upper);
    for (size_t i = 0; i <= strlen(upper); i++)
        lower[i] = upper[i] >= 'A' && upper[i] <= 'F' ? (char)(upper[i] + 'a' - 'A') : upper[i];
    return holds(text, len, secret) || holds(text, len, view_of(upper, strlen(upper))) ||
           holds(text, len, view_of(lower, strlen(lower)));
}

/* What was logged since the last look. */
static bool log_is_clean(const struct operation *operation)
{
    static char text[1 << 20];
    ssize_t len = pread(log_fd, text, sizeof text, (off_t)log_read);

    if (len < 0 || (size_t)len == sizeof text)
        return false;
    log_read += (size_t)len;
    return !tells(text, (size_t)len, view_of(RIGHT_PIN, strlen(RIGHT_PIN))) &&
           !tells(text, (size_t)len, view_of("654321", 6)) &&
           !tells(text, (size_t)len, operation_secret(operation));
}

struct test_case {
    const struct operation *operation;
    const struct fault *fault; /* NULL: none */
    unsigned at;
    enum call call;      /* at that moment */
    uint8_t instruction; /* of a command */
};

static void fail_case(const struct test_case *c, const char *what)
{
    printf("%s, call %u, %s: %s (%s)\n", c->operation->name, c->at,
           c->fault ? c->fault->name : "no fault", what, gpg_strerror(last_error));
    fail();
}

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_case(c, #condition);                                                              \
    } while (0)

static bool is_typed_for(const struct pin_seen *seen)
{
    for (unsigned i = 0; i < human.count; i++) {
        const struct typing *typed = &human.typed[i];
        bool same_pin =
            seen->len == strlen(typed->pin) && memcmp(seen->pin, typed->pin, seen->len) == 0;

        if (memcmp(typed->aid, world_aid(seen->card), AID_LEN) == 0 &&
            (same_pin || seen->card == CARD_KDF))
            return true;
    }
    return false;
}

/* With a PIN cache a PIN that the card took may open it again; never one that it did not take. */
static void check_pins(const struct test_case *c)
{
    MUST(c->operation->keeps_pins || world.pin_count <= human.count);
    for (unsigned i = 0; i < world.pin_count; i++)
        MUST(is_typed_for(&world.pins[i]));
}

/* Wrong PINs that a card has seen since the last right one. */
static unsigned wrongs_of(enum card_name card)
{
    unsigned wrongs = 0;

    for (unsigned i = 0; i < world.pin_count; i++) {
        const struct pin_seen *seen = &world.pins[i];
        bool hashed = seen->len == HASHED_PIN_LEN;
        bool right = seen->card == CARD_KDF
                         ? hashed
                         : !hashed && memcmp(seen->pin, RIGHT_PIN, strlen(RIGHT_PIN)) == 0;

        if (seen->card == card && seen->arrived)
            wrongs = right ? 0 : wrongs + 1;
    }
    return wrongs;
}

static void check_tries(const struct test_case *c)
{
    for (int card = 0; card < CARDS_IN_WORLD; card++)
        MUST(world_tries((enum card_name)card) == 3 - wrongs_of((enum card_name)card));
}

/* What a card says to DECIPHER is known to be wrong by its length at most. */
static bool is_a_plausible_lie(const struct test_case *c)
{
    return c->fault && c->fault->kind == FAULT_DATA && c->instruction == INS_PSO;
}

static void check_reply(const struct test_case *c, const struct client *client,
                        const struct reply *reply)
{
    MUST(reply->finals == 1 || (client->gone && reply->finals == 0));
    MUST(reply->err || operation_is_right(c->operation, reply) || is_a_plausible_lie(c));
    MUST(!reply->err || c->operation->command || reply->data_len == 0);
    MUST(!reply->err || (c->fault && !(c->fault->harmless && c->call == CALL_BEGIN)));
}

/* A card that says it has no OpenPGP application, or no key in a slot, is believed until it is
 * taken out: to ask it again with every request would cost its other applications their states. */
static bool is_a_lasting_denial(const struct test_case *c)
{
    static const unsigned words[] = { 0x6986, 0x6999, 0x6a81, 0x6a82, 0x6a83,
                                      0x6a86, 0x6a88, 0x6b00, 0x6d00, 0x6e00 };

    if (!c->fault || c->fault->kind != FAULT_WORD)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (c->fault->value == words[i])
            return c->instruction == INS_SELECT ||
                   (c->instruction == INS_READ_PUBLIC_KEY && words[i] >> 8 != 0x6d);
    }
    return false;
}

/* The same again, with everything in order. Who hung up, or stopped the agent, comes back. */
static void check_next(const struct test_case *c)
{
    struct client client;
    struct reply reply;
    eventfd_t told;
    unsigned extra;

    (void)eventfd_read(agent.stop_fd, &told);
    if (is_a_lasting_denial(c))
        replug();
    world_arm(NULL, 0);
    for (int slot = 0; slot < SLOTS_IN_WORLD; slot++) {
        unsigned before = cards_event_count(agent.cards);

        if (world_card_in(slot) == c->operation->cards[slot])
            continue;
        world_put_in(slot, c->operation->cards[slot]);
        while (cards_event_count(agent.cards) == before)
            sched_yield();
    }
    if (!c->operation->keeps_pins)
        human_begin(NULL);
    client_open(&client, &agent);
    operation_run(c->operation, &client, &reply);
    client_close(&client, &extra);
    last_error = reply.err;
    MUST(extra == 0);
    MUST(operation_is_right(c->operation, &reply));
    check_pins(c);
}

static void warm_up(const struct test_case *c, struct client *client)
{
    struct reply reply;

    if (!c->operation->warm)
        return;
    operation_run(c->operation, client, &reply);
    MUST(operation_is_right(c->operation, &reply));
    if (c->operation->meanwhile)
        c->operation->meanwhile();
}

/* *calls, unless NULL, tells which calls to readers it took. */
static void run_case(const struct test_case *c, struct world *calls)
{
    unsigned descriptors = count_descriptors(), extra;
    struct client client;
    struct reply reply;

    cases += c->fault != NULL;
    world_set(c->operation->cards[0], c->operation->cards[1]);
    start_agent(c->operation->keeps_pins);
    scene = (struct scene){ .agent = &agent, .client = &client };
    human_begin(NULL);
    client_open(&client, &agent);
    warm_up(c, &client);
    human.plan = c->operation->plan;
    if (!c->operation->keeps_pins)
        human_begin(c->operation->plan);
    world_arm(c->fault, c->at);
    operation_run(c->operation, &client, &reply);
    client_close(&client, &extra);
    last_error = reply.err;
    if (calls)
        *calls = world;
    MUST(extra == 0);
    MUST(!c->fault || world.struck);
    MUST(world.begun == 0);
    check_reply(c, &client, &reply);
    check_pins(c);
    check_tries(c);
    check_next(c);
    stop_agent();
    MUST(world.connected == 0);
    MUST(count_descriptors() == descriptors);
    MUST(log_is_clean(c->operation));
}

static void sweep(void **state)
{
    const size_t *number = *state;
    struct test_case c = { .operation = &operations[*number] };
    struct world clean;
    unsigned calls;

    run_case(&c, &clean);
    calls = clean.calls;
    assert_in_range(calls, 1, CALLS_MAX);
    for (c.at = 0; c.at < calls; c.at++) {
        c.call = clean.call[c.at];
        c.instruction = clean.instruction[c.at];
        for (size_t i = 0; i < fault_count; i++) {
            c.fault = &faults[i];
            if (fault_fits(c.fault, c.call))
                run_case(&c, NULL);
        }
    }
}

/* After a failure, too: what follows begins with nobody else there. */
static int end_case(void **state)
{
    (void)state;
    stop_agent();
    return 0;
}

static void the_sweep_was_wide_enough(void **state)
{
    (void)state;
    printf("%u cases\n", cases);
    assert_true(cases >= CASES_MIN);
}

/* Everything that is logged, at every level, goes to a file in memory. */
static void catch_log(void)
{
    log_fd = memfd_create("log", MFD_CLOEXEC);
    NEED(log_fd >= 0 && dup2(log_fd, STDERR_FILENO) >= 0);
    log_init("sweep", LOG_LEVEL_DEBUG);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(secret_init_library(), 0);
    signal(SIGPIPE, SIG_IGN); /* as the agent does */
    catch_log();
    agent.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    world_open(TOKEN_KEYS);
    world_set(NO_CARD, NO_CARD);
    start_agent(false);
    operations_prepare(&agent);
    stop_agent();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    operations_done();
    world_close();
    close(agent.stop_fd);
    close(log_fd);
    return 0;
}

int main(void)
{
    static size_t numbers[OPERATIONS_MAX];
    struct CMUnitTest tests[OPERATIONS_MAX + 1];
    size_t count = 0;

    for (; count < operation_count && count < OPERATIONS_MAX; count++) {
        numbers[count] = count;
        tests[count] = (struct CMUnitTest){ .name = operations[count].name,
                                            .test_func = sweep,
                                            .teardown_func = end_case,
                                            .initial_state = &numbers[count] };
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(the_sweep_was_wide_enough);
    return _cmocka_run_group_tests("faults", tests, count, set_up, tear_down);
}
