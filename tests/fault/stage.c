#include "tests/fault/stage.h"

#include "agent/expiry.h"
#include "agent/known_tokens.h"
#include "agent/prompt_queue.h"
#include "tests/fault/caught_log.h"
#include "tests/fault/human.h"
#include "tests/fault/need.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fake_clock.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OPERATIONS_MAX 64
#define HASHED_PIN_LEN 32 /* SHA-256 */

#define INS_SELECT          0xa4
#define INS_READ_PUBLIC_KEY 0x47
#define INS_PSO             0x2a

static struct agent_config config;
static struct agent agent = { .config = &config, .socket_path = "/fault" };
static gpg_error_t last_error; /* of a reply */

/* There is no clock here. */
void expiry_note(struct expiry *expiry, int64_t end_ms)
{
    (void)expiry;
    (void)end_ms;
}

/* Nobody takes any time here: what is waited for is there already, or comes never, and then the
 * clock jumps over the wait. */
enum prompt_end prompt_wait(const struct prompt_limits *limits, int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    if (poll(&ready, 1, 0) == 1)
        return PROMPT_GOES_ON;
    fake_clock_jump_to(limits->deadline.at_ms);
    return PROMPT_TIMED_OUT;
}

gpg_error_t prompt_queue_enter(const struct prompt_limits *limits, enum prompt_end *end)
{
    (void)limits;
    *end = PROMPT_GOES_ON;
    return 0;
}

void prompt_queue_leave(void)
{
}

static void start_agent(bool keeps_pins)
{
    static char spec[] = WORLD_SPEC;
    static char *const specs[] = { spec };
    struct cards_surroundings around = { .pin_policy = { .idle_ms = keeps_pins ? 600000 : 0,
                                                         .max_ms = 600000 } };

    assert_int_equal(events_new(&agent.events), 0);
    assert_int_equal(known_tokens_open(NULL, &agent.known), 0);
    around.events = agent.events;
    around.known = agent.known;
    assert_int_equal(cards_open(specs, 1, &around, &agent.cards), 0);
    cards_await_look(agent.cards);
}

static void stop_agent(void)
{
    cards_close(&agent.cards);
    known_tokens_close(&agent.known);
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

static void fail_case(const struct test_case *c, const char *what)
{
    printf("%s, call %u, %s%s: %s (%s)\n", c->operation->name, c->at,
           c->fault ? c->fault->name : "", c->shortage ? c->shortage : "", what,
           gpg_strerror(last_error));
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
    MUST(!reply->err || c->shortage ||
         (c->fault && !(c->fault->harmless && c->call == CALL_BEGIN)));
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

static void check_log(const struct test_case *c)
{
    const struct view secrets[] = { view_of(RIGHT_PIN, strlen(RIGHT_PIN)),
                                    view_of(WRONG_PIN, strlen(WRONG_PIN)),
                                    operation_secret(c->operation) };

    MUST(caught_log_is_clean(secrets, sizeof secrets / sizeof secrets[0]));
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

void stage_run(const struct test_case *c, struct world *calls)
{
    unsigned descriptors = count_descriptors(), extra;
    struct client client;
    struct reply reply;

    world_set(c->operation->cards[0], c->operation->cards[1]);
    start_agent(c->operation->keeps_pins);
    scene = (struct scene){ .agent = &agent, .client = &client };
    config.ask_insertion = c->operation->asks_insertion;
    config.pinentry_timeout = 60;
    human.inserts = c->operation->asks_insertion ? c->operation->cards[0] : NO_CARD;
    human_begin(NULL);
    client_open(&client, &agent);
    warm_up(c, &client);
    human.plan = c->operation->plan;
    if (!c->operation->keeps_pins)
        human_begin(c->operation->plan);
    world_arm(c->fault, c->at);
    if (c->begin)
        c->begin();
    operation_run(c->operation, &client, &reply);
    if (c->end)
        c->end();
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
    check_log(c);
}

const struct operation *stage_operation(void **state)
{
    const size_t *number = *state;

    return &operations[*number];
}

/* After a failure, too: what follows begins with nobody else there. */
static int end_case(void **state)
{
    (void)state;
    stop_agent();
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(secret_init_library(), 0);
    signal(SIGPIPE, SIG_IGN); /* as the agent does */
    caught_log_begin();
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
    caught_log_end();
    return 0;
}

int stage_run_all(const char *name, void (*test)(void **state), void (*last)(void **state))
{
    static size_t numbers[OPERATIONS_MAX];
    struct CMUnitTest tests[OPERATIONS_MAX + 1];
    size_t count = 0;

    for (; count < operation_count && count < OPERATIONS_MAX; count++) {
        numbers[count] = count;
        tests[count] = (struct CMUnitTest){ .name = operations[count].name,
                                            .test_func = test,
                                            .teardown_func = end_case,
                                            .initial_state = &numbers[count] };
    }
    tests[count++] = (struct CMUnitTest){ .name = "all together", .test_func = last };
    return _cmocka_run_group_tests(name, tests, count, set_up, tear_down);
}
