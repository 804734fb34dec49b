/* A whole session of a client: an octet of switches, n in two octets, n octets of faults for the
 * card (tests/fuzz/fake_readers.h), and what the client says. The PIN comes by loopback, from the
 * client too.
 *
 * The session reads from memory and writes to a place where it is looked at: libassuan lets its
 * system calls be replaced, and a thread that reads the other end of a socket would cost more than
 * all the rest. */
#include "agent/expiry.h"
#include "agent/known_tokens.h"
#include "agent/prompt_queue.h"
#include "agent/session.h"
#include "base/log.h"
#include "tests/fuzz/fake_readers.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_PIN          0x01
#define KEEP_SESSION_KEYS 0x02

static struct view input;
static char line[1200]; /* the answer that is being written */
static size_t line_len;
static unsigned asked; /* for PINs */
static int ends[2];
static int stop_fd;

static ssize_t take_input(assuan_context_t assuan, assuan_fd_t fd, void *to, size_t size)
{
    size_t n = size < input.len ? size : input.len;
    struct view part;

    (void)assuan;
    FUZZ_CHECK(fd == ends[0]);
    view_take(&input, n, &part);
    if (n)
        memcpy(to, part.data, n);
    return (ssize_t)n;
}

static bool starts(const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

/* Every line is one that a client understands, and every error bears a source and a code. */
static void look_at_line(void)
{
    line[line_len] = '\0';
    if (starts("INQUIRE PASSPHRASE"))
        asked++;
    if (starts("ERR "))
        FUZZ_CHECK(strtoul(line + 4, NULL, 10) >> 24 == GPG_ERR_SOURCE_GPGAGENT ||
                   strtoul(line + 4, NULL, 10) >> 24 == GPG_ERR_SOURCE_SCD);
    FUZZ_CHECK(starts("OK") || starts("ERR ") || starts("S ") || starts("D ") || starts("# ") ||
               starts("#") || starts("INQUIRE "));
    line_len = 0;
}

static ssize_t take_output(assuan_context_t assuan, assuan_fd_t fd, const void *from, size_t size)
{
    const char *bytes = from;

    (void)assuan;
    FUZZ_CHECK(fd == ends[0]);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            look_at_line();
            continue;
        }
        line[line_len++] = bytes[i];
        FUZZ_CHECK(line_len <= ASSUAN_LINELENGTH);
    }
    return (ssize_t)size;
}

static int keep_open(assuan_context_t assuan, assuan_fd_t fd)
{
    (void)assuan;
    (void)fd;
    return 0;
}

/* There is no clock here. */
void expiry_note(struct expiry *expiry, int64_t end_ms)
{
    (void)expiry;
    (void)end_ms;
}

/* Nobody pulls a card out and puts it back, and time goes a hundred times as fast. */
enum prompt_end prompt_wait(const struct prompt_limits *limits, int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    return poll(&ready, 1, deadline_poll_ms(limits->deadline) / 100) == 1 ? PROMPT_GOES_ON
                                                                          : PROMPT_TIMED_OUT;
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

static void before_close(void *context)
{
    ++*(int *)context;
}

static void start_once(void)
{
    static struct assuan_system_hooks hooks = { .version = ASSUAN_SYSTEM_HOOKS_VERSION,
                                                .usleep = __assuan_usleep,
                                                .pipe = __assuan_pipe,
                                                .close = keep_open,
                                                .read = take_input,
                                                .write = take_output,
                                                .recvmsg = __assuan_recvmsg,
                                                .sendmsg = __assuan_sendmsg,
                                                .spawn = __assuan_spawn,
                                                .waitpid = __assuan_waitpid,
                                                .socketpair = __assuan_socketpair,
                                                .socket = __assuan_socket,
                                                .connect = __assuan_connect };
    static bool started;

    if (started)
        return;
    started = true;
    signal(SIGTERM, SIG_IGN); /* KILLAGENT */
    log_init("fuzz", LOG_LEVEL_ERROR);
    stop_fd = eventfd(0, EFD_CLOEXEC);
    FUZZ_CHECK(!secret_init_library() && !socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    /* Who watches for events sees at once that the client says more, or is gone. */
    FUZZ_CHECK(write(ends[1], "", 1) == 1);
    assuan_set_system_hooks(&hooks);
}

static void serve(uint8_t switches)
{
    struct cards_surroundings around = {
        .pin_policy = { .idle_ms = switches & KEEP_PIN ? 600000 : 0, .max_ms = 600000 }
    };
    char pinentry[] = "no-such-pinentry", spec[] = "fake";
    char *const specs[] = { spec };
    const struct agent_config config = { .pinentry = pinentry,
                                         .pinentry_timeout = 1,
                                         .allow_loopback_pinentry = true };
    struct agent agent = { .config = &config, .socket_path = "/fuzz", .stop_fd = stop_fd };
    int closes = 0;
    const struct session_peer peer = {
        .fd = ends[0], .pid = getpid(), .before_close = before_close, .context = &closes
    };

    FUZZ_CHECK(!events_new(&agent.events));
    FUZZ_CHECK(!known_tokens_open(NULL, &agent.known));
    FUZZ_CHECK(
        !session_key_cache_new(switches & KEEP_SESSION_KEYS ? 600000 : 0, &agent.session_keys));
    around.events = agent.events;
    around.known = agent.known;
    around.session_keys = agent.session_keys;
    FUZZ_CHECK(!cards_open(specs, 1, &around, &agent.cards));
    session_serve(&agent, &peer);
    FUZZ_CHECK(closes == 1);
    cards_lock_all(agent.cards);
    cards_close(&agent.cards);
    known_tokens_close(&agent.known);
    FUZZ_CHECK(session_key_cache_count(agent.session_keys) == 0);
    session_key_cache_free(&agent.session_keys);
    events_free(&agent.events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view faults = { 0 };
    uint8_t switches;
    uint16_t n;

    start_once();
    input = view_of(data, size);
    if (!view_u8(&input, &switches) || !view_u16(&input, &n) || !view_take(&input, n, &faults))
        return 0;
    fake_readers_begin(faults);
    asked = 0;
    line_len = 0;
    serve(switches);
    FUZZ_CHECK(line_len == 0);
    /* Never more PINs to the card than the client was asked for; one that the card has taken may be
     * sent again, and none when the card loses it each time. */
    FUZZ_CHECK(fake_readers.pins_sent <= asked ||
               ((switches & KEEP_PIN) && fake_readers.pins_taken));
    return 0;
}
