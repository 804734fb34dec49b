/* bench-client: the stopwatch of bench_agents.py. Its times are microseconds, one line each.
 *
 *   bare READER COUNT COMMAND...     COUNT times the last COMMAND (hex) over PC/SC alone, after
 *                                    the others
 *   agent SOCKET GRIP FILE COUNT N   COUNT times SETKEY and PKDECRYPT by each of N clients at once;
 *                                    FILE holds the answer to the inquiry. Lines "CLIENT TIME"
 *   start SOCKET GRIP FILE COMMAND...  starts an agent by COMMAND, which is left running: until it
 *                                    greets, and until it has given the first session key
 *   readers READER SOCKET            when READER's card comes and goes, as PC/SC tells it, and as
 *                                    WATCH at SOCKET does, until its input ends. Lines
 *                                    "WHO WHAT AT" */
#include "base/text.h"

#include <winscard.h>

#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_MAX 2048
#define CLIENTS_MAX 256
#define STACK_BYTES (256 * 1024)

/* Between two looks whether a new agent listens to the socket that it has made. */
#define NAP_US 50

static const char *socket_path, *keygrip;
static char answer_to_inquiry[8192];
static size_t answer_len;
static int count;
static pthread_barrier_t all_connected;

_Noreturn static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-client: %s: %s\n", what, why);
    exit(1);
}

static void check(LONG code, const char *what)
{
    if (code != SCARD_S_SUCCESS)
        fail(what, pcsc_stringify_error(code));
}

static int number(const char *text)
{
    long value;

    if (!text_to_number(text, 1, 1000000, &value))
        fail(text, "no number");
    return (int)value;
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static DWORD from_hex(const char *hex, unsigned char *out)
{
    DWORD len = 0;
    unsigned int octet;

    for (; len < COMMAND_MAX && sscanf(hex, "%2x", &octet) == 1; hex += 2)
        out[len++] = (unsigned char)octet;
    return len;
}

static void transmit(SCARDHANDLE card, DWORD protocol, const unsigned char *command, DWORD len)
{
    unsigned char answer[COMMAND_MAX];
    DWORD answer_size = sizeof answer;

    check(SCardTransmit(card, protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1, command,
                        len, NULL, answer, &answer_size),
          "transmit");
    if (answer_size < 2 || answer[answer_size - 2] != 0x90)
        fail("the card", "refused a command");
}

static void bare(const char *reader, int commands, char **hex)
{
    unsigned char command[COMMAND_MAX];
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol, len;

    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "context");
    check(SCardConnect(context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                       &card, &protocol),
          reader);
    for (int i = 0; i < commands - 1; i++)
        transmit(card, protocol, command, from_hex(hex[i], command));
    len = from_hex(hex[commands - 1], command);
    for (int i = 0; i < count; i++) {
        int64_t begun = now_us();

        transmit(card, protocol, command, len);
        printf("%lld\n", (long long)(now_us() - begun));
    }
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    SCardReleaseContext(context);
}

/* NULL when nobody listens. */
static FILE *try_agent(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    FILE *agent;

    if (strlen(socket_path) >= sizeof address.sun_path)
        fail(socket_path, "too long");
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    if (fd < 0)
        fail(socket_path, "no socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return NULL;
    }
    agent = fdopen(fd, "r");
    if (!agent)
        fail(socket_path, "no memory");
    return agent;
}

static FILE *connect_agent(void)
{
    FILE *agent = try_agent();

    if (!agent)
        fail(socket_path, "cannot connect");
    return agent;
}

static void say(FILE *agent, const char *text, size_t len)
{
    if (write(fileno(agent), text, len) != (ssize_t)len)
        fail("agent", "hung up");
}

/* Reads up to a line that begins with the word. */
static void await(FILE *agent, const char *word)
{
    char line[2048];

    do {
        if (!fgets(line, sizeof line, agent))
            fail("agent", "hung up");
        if (strncmp(line, "ERR", 3) == 0)
            fail("agent", line);
    } while (strncmp(line, word, strlen(word)) != 0);
}

static int64_t decrypt(FILE *agent)
{
    char line[80];
    int len = snprintf(line, sizeof line, "SETKEY %s\n", keygrip);
    int64_t begun = now_us();

    say(agent, line, (size_t)len);
    await(agent, "OK");
    say(agent, "PKDECRYPT\n", 10);
    await(agent, "INQUIRE CIPHERTEXT");
    say(agent, answer_to_inquiry, answer_len);
    await(agent, "OK");
    return now_us() - begun;
}

static void *client(void *own_number)
{
    FILE *agent = connect_agent();

    await(agent, "OK");
    pthread_barrier_wait(&all_connected);
    for (int i = 0; i < count; i++)
        printf("%d %lld\n", *(int *)own_number, (long long)decrypt(agent));
    fclose(agent);
    return NULL;
}

static void read_answer(const char *file)
{
    FILE *in = fopen(file, "r");

    if (!in)
        fail(file, "cannot read");
    answer_len = fread(answer_to_inquiry, 1, sizeof answer_to_inquiry, in);
    fclose(in);
}

static void run_clients(int clients)
{
    pthread_t threads[CLIENTS_MAX];
    int numbers[CLIENTS_MAX];
    pthread_attr_t attributes;

    if (clients > CLIENTS_MAX)
        fail("clients", "too many");
    pthread_barrier_init(&all_connected, NULL, (unsigned int)clients);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (int i = 0; i < clients; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], &attributes, client, &numbers[i]))
            fail("client", "no thread");
    }
    for (int i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
}

/* Which outlives us, and must not hold what we write into. */
static void spawn(char **command)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    if (posix_spawnp(&pid, command[0], &actions, NULL, command, environ))
        fail(command[0], "cannot be started");
    posix_spawn_file_actions_destroy(&actions);
}

/* Ends once something was made where the socket will be. */
static void await_socket(int changes)
{
    char events[4096];

    if (read(changes, events, sizeof events) < 0)
        fail("the folder of the socket", "cannot be watched");
}

static int watch_folder(void)
{
    char *path = strdup(socket_path);
    int changes = inotify_init1(IN_CLOEXEC);

    if (!path || inotify_add_watch(changes, dirname(path), IN_CREATE | IN_MOVED_TO) < 0)
        fail(socket_path, "no such folder");
    free(path);
    return changes;
}

static void start_agent(char **command)
{
    const struct timespec nap = { .tv_nsec = NAP_US * 1000 };
    int changes = watch_folder();
    int64_t begun = now_us(), greeted;
    FILE *agent;

    spawn(command);
    await_socket(changes);
    while (!(agent = try_agent()))
        nanosleep(&nap, NULL);
    await(agent, "OK");
    greeted = now_us();
    decrypt(agent);
    printf("%lld %lld\n", (long long)(greeted - begun), (long long)(now_us() - begun));
}

static void *tell_events(void *none)
{
    FILE *agent = connect_agent();
    char line[2048];

    await(agent, "OK");
    say(agent, "WATCH\n", 6);
    await(agent, "S WATCHING");
    puts("agent watches 0");
    fflush(stdout);
    while (fgets(line, sizeof line, agent)) {
        if (strncmp(line, "S EVENT card-", 13) == 0)
            printf("agent %.*s %lld\n", (int)strcspn(line + 13, " "), line + 13,
                   (long long)now_us());
        fflush(stdout);
    }
    return none;
}

_Noreturn static void *tell_changes(void *reader)
{
    SCARD_READERSTATE state = { .szReader = reader };
    SCARDCONTEXT context;

    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "context");
    check(SCardGetStatusChange(context, 0, &state, 1), reader);
    puts("pcsc watches 0");
    fflush(stdout);
    for (;;) {
        DWORD before = state.dwEventState & SCARD_STATE_PRESENT;

        state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        check(SCardGetStatusChange(context, INFINITE, &state, 1), "status");
        if ((state.dwEventState & SCARD_STATE_PRESENT) != before)
            printf("pcsc %s %lld\n", before ? "out" : "in", (long long)now_us());
        fflush(stdout);
    }
}

static void watch(char *reader)
{
    pthread_t threads[2];
    char octet;

    if (pthread_create(&threads[0], NULL, tell_changes, reader) ||
        (*socket_path && pthread_create(&threads[1], NULL, tell_events, NULL)))
        fail(reader, "no thread");
    while (read(STDIN_FILENO, &octet, 1) > 0) {
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "bare") == 0 && argc > 4) {
        count = number(argv[3]);
        bare(argv[2], argc - 4, argv + 4);
    } else if (strcmp(what, "agent") == 0 && argc == 7) {
        socket_path = argv[2];
        keygrip = argv[3];
        read_answer(argv[4]);
        count = number(argv[5]);
        run_clients(number(argv[6]));
    } else if (strcmp(what, "start") == 0 && argc > 5) {
        socket_path = argv[2];
        keygrip = argv[3];
        read_answer(argv[4]);
        start_agent(argv + 5);
    } else if (strcmp(what, "readers") == 0 && argc == 4) {
        socket_path = argv[3];
        watch(argv[2]);
    } else {
        fail("usage", "bare READER COUNT COMMAND... | agent SOCKET GRIP FILE COUNT CLIENTS | "
                      "start SOCKET GRIP FILE COMMAND... | readers READER SOCKET");
    }
    return 0;
}
