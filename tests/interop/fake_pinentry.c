/* fake-pinentry: a pinentry without a human, for tests and for the demo.
 *
 * It speaks the pinentry protocol on standard input and output and does as it is told by variables
 * of its environment, FAKE_PINENTRY_NAME, or by lines NAME=value of the file that
 * FAKE_PINENTRY_CONTROL names, which is read anew by each process and wins:
 *
 *   MODE      what to do, see below; default "pin"
 *   PIN       what to type; several, separated by blanks, are typed one after the other, the last
 *             one again and again. Default 123456
 *   STATE     a file that counts the PINs typed so far, so that the next process goes on with the
 *             list; without it each process begins anew
 *   PIN_FILE  a file whose first line is the PIN; wins over PIN
 *   DELAY_MS  how long to think before an answer to GETPIN, CONFIRM and MESSAGE
 *   UNTIL     a file; thinks until it is there
 *   LOG       a file to which every command line is appended as it came in (percent-escaped), with
 *             "ENV NAME=value" lines for the variables in LOG_ENV (blank-separated), "PID n" first
 *             and "END" last; never the PIN
 *   SAY       a file to which a sentence for humans is appended when a PIN is typed
 *
 * Modes: pin, cancel, not-ok, timeout (answers as a real one whose time is over), fail (another
 * error), hang (never answers), hang-greeting, die (before the greeting), die-asked (instead of an
 * answer), garbage (instead of the greeting), garbage-answer, flood (1 MiB of status lines),
 * long-line (1 MiB without a line feed), long-pin (10 KiB), empty-pin, half-line (half a PIN, then
 * nothing), split (the PIN in three lines and many writes), inquire (asks back first), status
 * (status lines and comments first), ignore-term (hang, and SIGTERM is ignored), orphan (hang, with
 * a child that holds the connection), err-zero (answers "ERR 0"), no-options (knows no OPTION). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define FLOOD_BYTES (1024 * 1024)

static char control[8192]; /* the control file, its lines as strings */
static size_t control_len;

static void read_control(void)
{
    const char *path = getenv("FAKE_PINENTRY_CONTROL");
    FILE *file = path ? fopen(path, "r") : NULL;

    if (!file)
        return;
    control_len = fread(control, 1, sizeof control - 1, file);
    fclose(file);
    for (size_t i = 0; i < control_len; i++) {
        if (control[i] == '\n')
            control[i] = '\0';
    }
}

/* NULL when unset. */
static const char *setting(const char *name)
{
    size_t name_len = strlen(name);
    char variable[64];

    for (size_t i = 0; i < control_len; i += strlen(control + i) + 1) {
        if (strncmp(control + i, name, name_len) == 0 && control[i + name_len] == '=')
            return control + i + name_len + 1;
    }
    snprintf(variable, sizeof variable, "FAKE_PINENTRY_%s", name);
    return getenv(variable);
}

static bool mode_is(const char *name)
{
    const char *mode = setting("MODE");

    return strcmp(mode ? mode : "pin", name) == 0;
}

static void append_line(const char *setting_name, const char *text)
{
    const char *path = setting(setting_name);
    char line[2048];
    int len = snprintf(line, sizeof line, "%s\n", text);
    int fd;

    if (!path)
        return;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)len) < 0)
        perror(path);
    if (fd >= 0)
        close(fd);
}

static void log_start(void)
{
    char names[256];
    char line[1200];
    char *rest = names;
    const char *name;

    snprintf(line, sizeof line, "PID %ld", (long)getpid());
    append_line("LOG", line);
    snprintf(names, sizeof names, "%s", setting("LOG_ENV") ? setting("LOG_ENV") : "");
    while ((name = strsep(&rest, " "))) {
        const char *value = *name ? getenv(name) : NULL;

        if (value) {
            snprintf(line, sizeof line, "ENV %s=%.1000s", name, value);
            append_line("LOG", line);
        }
    }
}

static void say(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
}

_Noreturn static void hang(void)
{
    for (;;)
        pause();
}

static void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

/* How many PINs were typed before this one, by any process that shares the state file. */
static long next_turn(void)
{
    static long own;
    const char *path = setting("STATE");
    char text[32] = "";
    long turn;
    int fd;

    if (!path)
        return own++;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0 || read(fd, text, sizeof text - 1) < 0) {
        perror(path);
        exit(1);
    }
    turn = strtol(text, NULL, 10);
    snprintf(text, sizeof text, "%ld\n", turn + 1);
    if (pwrite(fd, text, strlen(text), 0) < 0)
        perror(path);
    close(fd);
    return turn;
}

static const char *choose_pin(char *out, size_t size)
{
    const char *path = setting("PIN_FILE");
    const char *list = setting("PIN") ? setting("PIN") : "123456";
    FILE *file = path ? fopen(path, "r") : NULL;
    size_t len;

    if (file) {
        if (!fgets(out, (int)size, file))
            *out = '\0';
        out[strcspn(out, "\n")] = '\0';
        fclose(file);
        return out;
    }
    for (long turn = next_turn(); turn > 0 && strchr(list, ' '); turn--)
        list = strchr(list, ' ') + 1;
    len = strcspn(list, " ");
    snprintf(out, size, "%.*s", (int)len, list);
    return out;
}

static void type_pin(void)
{
    char pin[1024];
    char text[1200];

    choose_pin(pin, sizeof pin);
    snprintf(text, sizeof text, "The pinentry of this test types the PIN %s.", pin);
    append_line("SAY", text);
    if (mode_is("split")) {
        size_t half = strlen(pin) / 2;

        printf("S NOTHING in between\nD %.*s\n", (int)half, pin);
        fflush(stdout);
        sleep_ms(50);
        printf("D %%%02X", (unsigned char)pin[half]);
        fflush(stdout);
        sleep_ms(50);
        printf("\nD %s\nOK\n", pin + half + 1);
    } else {
        printf("D %s\nOK\n", pin);
    }
    fflush(stdout);
}

static void flood(const char *piece, const char *end)
{
    for (size_t sent = 0; sent < FLOOD_BYTES; sent += strlen(piece))
        fputs(piece, stdout);
    say(end);
}

static void type_long_pin(void)
{
    for (int line = 0; line < 16; line++) {
        char digits[641];

        memset(digits, '7', 640);
        digits[640] = '\0';
        printf("D %s\n", digits);
    }
    say("OK");
}

static void ask_back(char *line, int size)
{
    say("INQUIRE QUALITY abc");
    if (!fgets(line, size, stdin) || (strcmp(line, "CAN\n") != 0 && strcmp(line, "END\n") != 0))
        exit(1);
    append_line("LOG", strcmp(line, "CAN\n") == 0 ? "CAN" : "END");
}

/* The modes that never come to an answer. True: this was none of them. */
static bool may_answer(void)
{
    if (mode_is("hang") || mode_is("ignore-term"))
        hang();
    if (mode_is("orphan") && fork() >= 0)
        hang();
    if (mode_is("die-asked"))
        exit(0);
    if (mode_is("half-line")) {
        printf("D 123");
        fflush(stdout);
        hang();
    }
    return true;
}

static const struct {
    const char *mode;
    const char *answer;
} fixed_answers[] = {
    { "cancel", "ERR 83886179 Operation cancelled <Pinentry>" },
    { "not-ok", "ERR 83886194 Not confirmed <Pinentry>" },
    { "timeout", "ERR 83886142 Timeout <Pinentry>" },
    { "fail", "ERR 83918950 Inappropriate ioctl for device <Pinentry>" },
    { "garbage-answer", "\001\002 what is this\xff" },
    { "err-zero", "ERR 0" },
    { "empty-pin", "OK" },
};

static bool answer_fixed(void)
{
    for (size_t i = 0; i < sizeof fixed_answers / sizeof fixed_answers[0]; i++) {
        if (mode_is(fixed_answers[i].mode)) {
            say(fixed_answers[i].answer);
            return true;
        }
    }
    return false;
}

static void think(void)
{
    if (setting("DELAY_MS"))
        sleep_ms(strtol(setting("DELAY_MS"), NULL, 10));
    while (setting("UNTIL") && access(setting("UNTIL"), F_OK) < 0)
        sleep_ms(5);
}

static void answer(bool wants_pin)
{
    char line[2048];

    think();
    if (!may_answer() || answer_fixed())
        return;
    if (mode_is("inquire"))
        ask_back(line, sizeof line);
    if (mode_is("status"))
        say("S BUTTON_INFO close\n# a comment\n\nS PASSWORD_FROM_CACHE");
    if (mode_is("flood"))
        flood("S FLOOD of status lines that nobody has asked for\n", "OK");
    else if (mode_is("long-line"))
        flood("D7777777777", "");
    else if (mode_is("long-pin"))
        type_long_pin();
    else if (wants_pin)
        type_pin();
    else
        say("OK");
}

static bool starts_with(const char *line, const char *word)
{
    size_t len = strlen(word);

    return strncmp(line, word, len) == 0 && (line[len] == '\0' || line[len] == ' ');
}

/* False after BYE. */
static bool serve(const char *line)
{
    append_line("LOG", line);
    if (starts_with(line, "GETPIN"))
        answer(true);
    else if (starts_with(line, "CONFIRM") || starts_with(line, "MESSAGE"))
        answer(false);
    else if (starts_with(line, "OPTION") && mode_is("no-options"))
        say("ERR 83886254 Unknown option <Pinentry>");
    else
        say("OK");
    return !starts_with(line, "BYE");
}

int main(void)
{
    char line[2048];

    /* Nobody may wait for the answer to BYE. */
    signal(SIGPIPE, SIG_IGN);
    read_control();
    log_start();
    if (mode_is("die"))
        return 0;
    if (mode_is("ignore-term"))
        signal(SIGTERM, SIG_IGN);
    if (mode_is("hang-greeting"))
        hang();
    if (mode_is("garbage"))
        say("\x7f"
            "ELF\001\002\003 this is no pinentry");
    else
        say("OK Pleased to meet you");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (!serve(line))
            break;
    }
    append_line("LOG", "END");
    return 0;
}
