/* fake-desktop: logind and a notification server without a desktop, on the bus that
 * DBUS_SESSION_BUS_ADDRESS names, for tests.
 *
 * Arguments: logind, logind-deny (sleep may not be delayed), server (takes bodies for markup),
 * server-plain, server-hang (never answers), server-late (answers Notify when told). It says on
 * standard output, one a line, what it was asked:
 *
 *   ready
 *   inhibit WHAT WHO MODE         released
 *   user own|other                whose a session is
 *   capabilities                  notify NUMBER SUMMARY|BODY|URGENCY|TRANSIENT|EXPIRE
 *   close NUMBER
 *
 * and does what standard input says: sleep true|false, lock own|other, hint own|other true|false,
 * answer NUMBER; it ends with its end. A session "other" belongs to another user. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define LOGIND        "org.freedesktop.login1"
#define MANAGER_PATH  "/org/freedesktop/login1"
#define MANAGER       LOGIND ".Manager"
#define SESSION       LOGIND ".Session"
#define NOTIFICATIONS "org.freedesktop.Notifications"
#define SERVER_PATH   "/org/freedesktop/Notifications"

static sd_bus *bus;
static int inhibitor = -1; /* our end; hung up once it is released */
static bool deny, hang, late, markup, locked_hint;
static sd_bus_message *unanswered; /* a Notify */

/* Line feeds of what is told are told as \n. */
static void tell(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", stdout);
        else
            putchar(*text);
    }
    putchar('\n');
    fflush(stdout);
}

static int on_inhibit(sd_bus_message *call, void *arg, sd_bus_error *error)
{
    const char *what, *who, *why, *mode;
    char line[256];
    int ends[2];
    int rc = sd_bus_message_read(call, "ssss", &what, &who, &why, &mode);

    (void)arg;
    if (rc < 0)
        return rc;
    if (deny) {
        tell("denied");
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not you");
    }
    if (pipe(ends) < 0)
        return -1;
    if (inhibitor >= 0)
        close(inhibitor);
    inhibitor = ends[0];
    snprintf(line, sizeof line, "inhibit %s %s %s", what, who, mode);
    tell(line);
    rc = sd_bus_reply_method_return(call, "h", ends[1]);
    close(ends[1]);
    return rc;
}

static int get_user(sd_bus *of, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    bool own = strstr(path, "own") != NULL;

    (void)of, (void)interface, (void)property, (void)arg, (void)error;
    tell(own ? "user own" : "user other");
    return sd_bus_message_append(reply, "(uo)", own ? getuid() : getuid() + 1,
                                 "/org/freedesktop/login1/user/_1");
}

static int get_hint(sd_bus *of, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    (void)of, (void)path, (void)interface, (void)property, (void)arg, (void)error;
    return sd_bus_message_append(reply, "b", locked_hint);
}

static int on_capabilities(sd_bus_message *call, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    tell("capabilities");
    if (hang)
        return 1;
    return markup ? sd_bus_reply_method_return(call, "as", 2, "body", "body-markup")
                  : sd_bus_reply_method_return(call, "as", 1, "body");
}

/* The hints that matter, of a{sv}. */
static int read_hints(sd_bus_message *call, uint8_t *urgency, int *transient)
{
    int rc = sd_bus_message_enter_container(call, 'a', "{sv}");

    while (rc >= 0 && (rc = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        const char *name;

        rc = sd_bus_message_read(call, "s", &name);
        if (rc >= 0 && strcmp(name, "urgency") == 0)
            rc = sd_bus_message_read(call, "v", "y", urgency);
        else if (rc >= 0 && strcmp(name, "transient") == 0)
            rc = sd_bus_message_read(call, "v", "b", transient);
        else if (rc >= 0)
            rc = sd_bus_message_skip(call, "v");
        if (rc >= 0)
            rc = sd_bus_message_exit_container(call);
    }
    return rc < 0 ? rc : sd_bus_message_exit_container(call);
}

static int on_notify(sd_bus_message *call, void *arg, sd_bus_error *error)
{
    static uint32_t number = 40;
    const char *program, *icon, *summary, *body;
    uint8_t urgency = 1;
    int transient = 0, expire;
    uint32_t replaces;
    char line[2048];
    int rc = sd_bus_message_read(call, "susss", &program, &replaces, &icon, &summary, &body);

    (void)arg, (void)error;
    if (rc >= 0)
        rc = sd_bus_message_skip(call, "as");
    if (rc >= 0)
        rc = read_hints(call, &urgency, &transient);
    if (rc >= 0)
        rc = sd_bus_message_read(call, "i", &expire);
    if (rc < 0)
        return rc;
    snprintf(line, sizeof line, "notify %u %s|%s|%u|%d|%d", ++number, summary, body, urgency,
             transient, expire);
    tell(line);
    if (late)
        unanswered = sd_bus_message_ref(call);
    return late ? 1 : sd_bus_reply_method_return(call, "u", number);
}

static int on_close(sd_bus_message *call, void *arg, sd_bus_error *error)
{
    char line[64];
    uint32_t number;
    int rc = sd_bus_message_read(call, "u", &number);

    (void)arg, (void)error;
    if (rc < 0)
        return rc;
    snprintf(line, sizeof line, "close %u", number);
    tell(line);
    return sd_bus_reply_method_return(call, "");
}

static const sd_bus_vtable manager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable session[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("User", "(uo)", get_user, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("LockedHint", "b", get_hint, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_SIGNAL("Lock", "", 0),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable server[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetCapabilities", "", "as", on_capabilities, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", on_notify, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CloseNotification", "u", "", on_close, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static int be_logind(void)
{
    int rc = sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH, MANAGER, manager, NULL);

    if (rc >= 0)
        rc = sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH "/session/own", SESSION, session,
                                      NULL);
    if (rc >= 0)
        rc = sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH "/session/other", SESSION, session,
                                      NULL);
    return rc < 0 ? rc : sd_bus_request_name(bus, LOGIND, 0);
}

static int be_server(void)
{
    int rc = sd_bus_add_object_vtable(bus, NULL, SERVER_PATH, NOTIFICATIONS, server, NULL);

    return rc < 0 ? rc : sd_bus_request_name(bus, NOTIFICATIONS, 0);
}

static int play(const char *part)
{
    deny = deny || strcmp(part, "logind-deny") == 0;
    late = late || strcmp(part, "server-late") == 0;
    hang = hang || strcmp(part, "server-hang") == 0;
    markup = markup || strcmp(part, "server") == 0;
    return strncmp(part, "logind", 6) == 0 ? be_logind() : be_server();
}

static int obey(const char *line)
{
    char word[16] = "", whose[16] = "", value[16] = "", path[64];

    if (sscanf(line, "%15s %15s %15s", word, whose, value) < 2)
        return -1;
    snprintf(path, sizeof path, MANAGER_PATH "/session/%s", whose);
    if (strcmp(word, "sleep") == 0)
        return sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER, "PrepareForSleep", "b",
                                  strcmp(whose, "true") == 0);
    if (strcmp(word, "lock") == 0)
        return sd_bus_emit_signal(bus, path, SESSION, "Lock", "");
    if (strcmp(word, "answer") == 0) {
        int rc = sd_bus_reply_method_return(unanswered, "u", (uint32_t)strtoul(whose, NULL, 10));

        unanswered = sd_bus_message_unref(unanswered);
        return rc;
    }
    locked_hint = strcmp(value, "true") == 0;
    return sd_bus_emit_properties_changed(bus, path, SESSION, "LockedHint", NULL);
}

static void wait_for_anything(struct pollfd fds[3])
{
    fds[0] = (struct pollfd){ .fd = sd_bus_get_fd(bus), .events = (short)sd_bus_get_events(bus) };
    fds[1] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    fds[2] = (struct pollfd){ .fd = inhibitor };
    poll(fds, 3, -1);
    if (fds[2].revents) {
        close(inhibitor);
        inhibitor = -1;
        tell("released");
    }
}

int main(int argc, char **argv)
{
    char line[128];
    struct pollfd fds[3];
    int rc = sd_bus_open_user(&bus);

    setvbuf(stdin, NULL, _IONBF, 0);
    for (int i = 1; i < argc && rc >= 0; i++)
        rc = play(argv[i]);
    if (rc >= 0)
        tell("ready");
    while (rc >= 0) {
        while ((rc = sd_bus_process(bus, NULL)) > 0)
            ;
        if (rc < 0)
            break;
        wait_for_anything(fds);
        if (fds[1].revents && !fgets(line, sizeof line, stdin))
            break;
        if (fds[1].revents)
            rc = obey(line);
    }
    if (rc == -ECONNRESET) /* the bus has ended */
        rc = 0;
    if (rc < 0)
        fprintf(stderr, "fake-desktop: %s\n", strerror(-rc));
    sd_bus_close_unref(bus);
    return rc < 0;
}
