/* cardea watch */
#include "client/cli/cli.h"
#include "client/cli/interrupt.h"

#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct option long_options[] = { CLI_OPTIONS, { NULL, 0, NULL, 0 } };

static const char help[] =
    "Usage: cardea watch [OPTION...]\n"
    "Tells what happens as it happens: cards that come and go, PINs and touches that\n"
    "are waited for, requests that end, and who asked. Ctrl-C ends it.\n"
    "\n"
    "      --json            an object of JSON per line\n"
    "      --help            this text\n"
    "\n"
    "Examples:\n"
    "  cardea watch\n"
    "  cardea watch --json | jq -r 'select(.event == \"touch-wanted\").client.name'\n";

static const struct {
    const char *event, *words;
} labels[] = {
    { "watching", "watching" },
    { "lost", "some events came too fast" },
    { "card-in", "card in" },
    { "card-out", "card out" },
    { "insert-wanted", "token wanted" },
    { "insert-done", "token no longer wanted" },
    { "pin-wanted", "PIN wanted" },
    { "pin-done", "PIN no longer wanted" },
    { "touch-wanted", "touch wanted" },
    { "touch-done", "touch no longer wanted" },
    { "served", "served" },
    { "failed", "failed" },
    { "locked", "PINs forgotten" },
};

static const char *label(const struct cardea_event *event)
{
    if (event->from_cache)
        return "served from memory";
    /* Whether it still remembers the last touch the token alone knows. */
    if (strncmp(event->policy, "cached", 6) == 0)
        return "touch wanted, perhaps";
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (strcmp(event->event, labels[i].event) == 0)
            return labels[i].words;
    }
    return event->event;
}

/* What it is about, after ": " at first, then ", ". */
static void print_part(const char **separator, const char *what, const char *value)
{
    if (!*value)
        return;
    printf("%s%s%s", *separator, what, value);
    *separator = ", ";
}

static void print_line(const struct cardea_event *event)
{
    const char *separator = ": ";
    const char *advice = cardea_advice(event->error);
    time_t seconds = (time_t)(event->time_ms / 1000);
    struct tm tm = { 0 };
    char clock[16] = "";

    localtime_r(&seconds, &tm);
    strftime(clock, sizeof clock, "%H:%M:%S", &tm);
    printf("%s.%03d  %s", clock, (int)(event->time_ms % 1000), label(event));
    if (event->lost)
        printf(": %lu", event->lost);
    print_part(&separator, "", event->client);
    print_part(&separator, "", *event->card ? event->card : event->reader);
    print_part(&separator, "key ", *event->fingerprint ? event->fingerprint : event->keygrip);
    if (event->error)
        printf(": %s%s%s", gpg_strerror(event->error), advice ? ": " : "", advice ? advice : "");
    putchar('\n');
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
    if (*value)
        json_object_object_add(object, key, json_object_new_string(value));
}

static void add_number(struct json_object *object, const char *key, int64_t number)
{
    if (number)
        json_object_object_add(object, key, json_object_new_int64(number));
}

/* Takes the part over. */
static void add_part(struct json_object *object, const char *key, struct json_object *part)
{
    if (json_object_object_length(part))
        json_object_object_add(object, key, part);
    else
        json_object_put(part);
}

/* ISO 8601 */
static void add_time(struct json_object *object, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    char text[40] = "", date[24] = "";
    struct tm tm = { 0 };

    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof text, "%s.%03dZ", date, (int)(time_ms % 1000));
    add_text(object, "time", text);
}

static struct json_object *error_json(gpg_error_t error)
{
    struct json_object *object = json_object_new_object();
    const char *advice = cardea_advice(error);

    if (!error)
        return object;
    add_number(object, "code", gpg_err_code(error));
    add_text(object, "text", gpg_strerror(error));
    add_text(object, "advice", advice ? advice : "");
    return object;
}

static struct json_object *event_json(const struct cardea_event *event)
{
    struct json_object *object = json_object_new_object();
    struct json_object *client = json_object_new_object();
    struct json_object *card = json_object_new_object();
    struct json_object *key = json_object_new_object();

    add_text(object, "event", event->event);
    add_time(object, event->time_ms);
    add_number(object, "request", (int64_t)event->request);
    add_text(client, "name", event->client);
    add_number(client, "pid", event->pid);
    add_part(object, "client", client);
    add_text(card, "name", event->card);
    add_text(card, "serial", event->serial);
    add_text(card, "reader", event->reader);
    add_part(object, "card", card);
    add_text(key, "keygrip", event->keygrip);
    add_text(key, "fingerprint", event->fingerprint);
    add_part(object, "key", key);
    add_text(object, "policy", event->policy);
    add_part(object, "error", error_json(event->error));
    if (strcmp(event->event, "served") == 0)
        json_object_object_add(object, "from-cache", json_object_new_boolean(event->from_cache));
    add_number(object, "lost", (int64_t)event->lost);
    return object;
}

static void print_json(const struct cardea_event *event)
{
    struct json_object *object = event_json(event);

    puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
}

/* False when nobody reads any more. */
static bool tell(void *context, const struct cardea_event *event)
{
    const struct cli *cli = context;

    if (cli->json)
        print_json(event);
    else
        print_line(event);
    return fflush(stdout) == 0;
}

int cli_watch(struct cli *cli, int argc, char **argv)
{
    struct cli_arguments arguments = { .help = help, .options = long_options };
    int status = cli_read_only_options(cli, &arguments, argc, argv);
    struct cardea *connection = NULL;
    gpg_error_t err;

    if (status >= 0)
        return status;
    if (cli_connect(cli, &connection))
        return EXIT_FAILURE;
    interrupt_catch(connection, -1, STDOUT_FILENO);
    err = cardea_watch(connection, tell, cli);
    interrupt_release(); /* and ends by the signal that came */
    if (gpg_err_code(err) == GPG_ERR_EOF)
        fprintf(stderr, "%s: the agent has ended\n", cli->program);
    else if (err)
        cli_fail(cli, "events cannot be watched", err);
    cardea_disconnect(&connection);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
