#include "tests/usb/console.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX  8
#define ANSWER_LEN 512
#define KEY_MAX    (1 << 20)

struct words {
    char *word[WORDS_MAX];
    int count;
};

typedef void handler(struct console *c, struct console_token *t, const struct words *w,
                     struct buffer *answer);

static const char *const fault_names[FAULT_KINDS] = {
    [FAULT_NONE] = "none",
    [FAULT_NO_ANSWER] = "no-answer",
    [FAULT_STALL] = "stall",
    [FAULT_STALL_OUT] = "stall-out",
    [FAULT_GONE] = "gone",
    [FAULT_SHORT_HEADER] = "short-header",
    [FAULT_CUT] = "cut",
    [FAULT_TRAILING] = "trailing",
    [FAULT_HUGE_LENGTH] = "huge-length",
    [FAULT_BABBLE] = "babble",
    [FAULT_WRONG_SLOT] = "wrong-slot",
    [FAULT_WRONG_SEQUENCE] = "wrong-sequence",
    [FAULT_WRONG_TYPE] = "wrong-type",
    [FAULT_STALE] = "stale",
    [FAULT_ENDLESS_STALE] = "endless-stale",
    [FAULT_EXTENSION] = "extension",
    [FAULT_ENDLESS_EXTENSION] = "endless-extension",
    [FAULT_ENDLESS_CHAIN] = "endless-chain",
    [FAULT_FAILED] = "failed",
    [FAULT_FAILED_STATUS] = "failed-status",
    [FAULT_EMPTY_FIRST] = "empty-first",
    [FAULT_SPLIT] = "split",
};

static const char *const t1_names[] = {
    [T1_NO_FAULT] = "none",       [T1_BAD_LRC] = "bad-lrc", [T1_CUT] = "cut", [T1_MUTE] = "mute",
    [T1_NOT_HEARD] = "not-heard", [T1_WTX] = "wtx",         [T1_IFS] = "ifs", [T1_ABORT] = "abort",
    [T1_DEAF] = "deaf",           [T1_DEAD] = "dead",
};

static const char *const zlp_names[] = {
    [ZLP_SENT] = "sent", [ZLP_NEVER] = "never", [ZLP_LATE] = "late"
};

#define INDEX(names, word) find_word(names, sizeof(names) / sizeof *(names), word)

static int find_word(const char *const *names, size_t count, const char *word)
{
    for (size_t i = 0; word && i < count; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    return -1;
}

static void say(struct buffer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct buffer *answer, const char *format, ...)
{
    char line[ANSWER_LEN];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buffer_clear(answer);
    if (len > 0)
        (void)buffer_append(answer, line, (size_t)len < sizeof line ? (size_t)len : ANSWER_LEN - 1);
}

/* Word number i as a number; 0 without it. */
static long number(const struct words *w, int i)
{
    return i < w->count ? strtol(w->word[i], NULL, 0) : 0;
}

static const char *word(const struct words *w, int i)
{
    return i < w->count ? w->word[i] : NULL;
}

static void do_new(struct console *c, struct console_token *t, const struct words *w,
                   struct buffer *answer)
{
    const struct usb_model *model = word(w, 2) ? usb_model_find(w->word[2]) : NULL;

    (void)c;
    if (!model || t->name[0]) {
        say(answer, "error no such model, or the name is taken");
        return;
    }
    t->model = *model;
    if (usb_token_init(&t->token, &t->model, (uint32_t)number(w, 3)) ||
        usb_device_new(&t->model, &t->token.card, &t->device)) {
        say(answer, "error no memory");
        return;
    }
    usb_device_unplug(t->device);
    snprintf(t->name, sizeof t->name, "%s", w->word[1]);
    say(answer, "ok");
}

static void do_import(struct console *c, struct console_token *t, const struct words *w,
                      struct buffer *answer)
{
    struct buffer key = BUFFER(KEY_MAX);
    FILE *file = word(w, 2) ? fopen(w->word[2], "rb") : NULL;
    uint8_t octets[4096];
    size_t len;

    (void)c;
    while (file && (len = fread(octets, 1, sizeof octets, file)) > 0)
        (void)buffer_append(&key, octets, len);
    if (file)
        fclose(file);
    if (token_import(t->token.token, buffer_view(&key)))
        say(answer, "error that is no key for a token");
    else
        say(answer, "ok");
    buffer_free(&key);
}

static void do_plug(struct console *c, struct console_token *t, const struct words *w,
                    struct buffer *answer)
{
    (void)w;
    t->plugged = c->plug(c->context, t->device);
    say(answer, t->plugged ? "ok" : "error it cannot be plugged in");
}

static void do_unplug(struct console *c, struct console_token *t, const struct words *w,
                      struct buffer *answer)
{
    (void)w;
    if (t->plugged)
        c->unplug(c->context, t->device);
    t->plugged = false;
    say(answer, "ok");
}

static void do_drop(struct console *c, struct console_token *t, const struct words *w,
                    struct buffer *answer)
{
    do_unplug(c, t, w, answer);
    usb_device_free(&t->device);
    usb_token_free(&t->token);
    *t = (struct console_token){ 0 };
}

static void do_card(struct console *c, struct console_token *t, const struct words *w,
                    struct buffer *answer)
{
    (void)c;
    usb_device_card(t->device, word(w, 2) && strcmp(w->word[2], "in") == 0);
    say(answer, "ok");
}

static void do_hold(struct console *c, struct console_token *t, const struct words *w,
                    struct buffer *answer)
{
    if (c->hold)
        c->hold(c->context, t->device, number(w, 2) != 0);
    say(answer, c->hold ? "ok" : "error not here");
}

static void do_fault(struct console *c, struct console_token *t, const struct words *w,
                     struct buffer *answer)
{
    int kind = INDEX(fault_names, word(w, 2));

    (void)c;
    if (kind < 0) {
        say(answer, "error no such fault");
        return;
    }
    usb_device_fault(t->device, (struct usb_fault){ .kind = (enum usb_fault_kind)kind,
                                                    .at = (unsigned int)number(w, 3),
                                                    .times = (unsigned int)number(w, 4),
                                                    .value = (uint8_t)number(w, 5) });
    say(answer, "ok");
}

static void do_t1(struct console *c, struct console_token *t, const struct words *w,
                  struct buffer *answer)
{
    struct t1_card *card = usb_device_t1(t->device);
    int kind = INDEX(t1_names, word(w, 2));

    (void)c;
    if (kind < 0) {
        say(answer, "error no such fault");
        return;
    }
    card->fault = (enum t1_fault)kind;
    card->fault_at = card->received + (unsigned int)number(w, 3);
    card->fault_times = (unsigned int)number(w, 4);
    card->fault_value = (uint8_t)number(w, 5);
    say(answer, "ok resynchs=%u", card->resynchs);
}

static void do_zlp(struct console *c, struct console_token *t, const struct words *w,
                   struct buffer *answer)
{
    int zlp = INDEX(zlp_names, word(w, 2));

    (void)c;
    if (zlp >= 0)
        usb_device_zlp(t->device, (enum zlp)zlp);
    say(answer, zlp >= 0 ? "ok" : "error sent, never or late");
}

/* Slot, D6's first octet, how long a touch takes and how far apart the extensions are. */
static void do_touch(struct console *c, struct console_token *t, const struct words *w,
                     struct buffer *answer)
{
    (void)c;
    token_set_touch(t->token.token, (unsigned int)number(w, 2), (uint8_t)number(w, 3));
    t->token.touch_comes = number(w, 4) >= 0;
    usb_device_touch(t->device, labs(number(w, 4)), number(w, 5), t->model.features & 0x800);
    say(answer, "ok");
}

static void do_slow(struct console *c, struct console_token *t, const struct words *w,
                    struct buffer *answer)
{
    (void)c;
    usb_device_slow(t->device, number(w, 2));
    say(answer, "ok");
}

static void do_pin(struct console *c, struct console_token *t, const struct words *w,
                   struct buffer *answer)
{
    static char pin[17];

    (void)c;
    if (word(w, 2))
        snprintf(pin, sizeof pin, "%s", w->word[2]);
    usb_device_type_pin(t->device, word(w, 2) ? pin : NULL);
    say(answer, "ok");
}

static void do_counts(struct console *c, struct console_token *t, const struct words *w,
                      struct buffer *answer)
{
    struct usb_counts n = usb_device_counts(t->device);
    const char *complaint = usb_device_complaint(t->device);

    (void)c, (void)w;
    say(answer,
        "ok bulk_out=%u bulk_in=%u control=%u interrupt_in=%u power_ons=%u blocks=%u resets=%u "
        "halts_cleared=%u aborts=%u configurations=%u interfaces=%u commands=%zu complaint=%s",
        n.bulk_out, n.bulk_in, n.control, n.interrupt_in, n.power_ons, n.blocks, n.resets,
        n.halts_cleared, n.aborts, n.configurations_set, n.interfaces_set, t->token.commands,
        complaint ? complaint : "none");
}

static const struct {
    const char *name;
    handler *run;
} commands[] = {
    { "new", do_new },   { "import", do_import }, { "plug", do_plug },   { "unplug", do_unplug },
    { "drop", do_drop }, { "card", do_card },     { "hold", do_hold },   { "fault", do_fault },
    { "t1", do_t1 },     { "zlp", do_zlp },       { "touch", do_touch }, { "slow", do_slow },
    { "pin", do_pin },   { "counts", do_counts },
};

static void split(char *line, struct words *w)
{
    w->count = 0;
    while (w->count < WORDS_MAX) {
        line += strspn(line, " ");
        if (!*line)
            break;
        w->word[w->count++] = line;
        line += strcspn(line, " ");
        if (*line)
            *line++ = '\0';
    }
}

/* By name; for "new", a free place. */
static struct console_token *find_token(struct console *c, const char *name, bool fresh)
{
    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++)
        if (strcmp(c->tokens[i].name, fresh ? "" : name) == 0)
            return &c->tokens[i];
    return NULL;
}

/* Plugging waits for the front end's own thread, so it is done without the lock. */
static bool wants_lock(handler *run)
{
    return run != do_plug && run != do_unplug && run != do_drop && run != do_hold;
}

static void run(struct console *c, handler *command, const struct words *w, struct buffer *answer)
{
    struct console_token *t = w->count > 1 ? find_token(c, w->word[1], command == do_new) : NULL;
    bool lock = c->lock && wants_lock(command);

    if (!t) {
        say(answer, "error no such token");
        return;
    }
    if (lock)
        c->lock(c->context);
    command(c, t, w, answer);
    if (lock)
        c->unlock(c->context);
}

void console_run(struct console *c, char *line, struct buffer *answer)
{
    struct words w;

    split(line, &w);
    say(answer, "error no such command");
    if (w.count == 1 && strcmp(w.word[0], "quit") == 0) {
        c->quit = true;
        say(answer, "ok");
    }
    for (size_t i = 0; w.count && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, w.word[0]) == 0)
            run(c, commands[i].run, &w, answer);
}

void console_free(struct console *c)
{
    for (int i = 0; i < CONSOLE_TOKENS_MAX; i++) {
        usb_device_free(&c->tokens[i].device);
        if (c->tokens[i].name[0])
            usb_token_free(&c->tokens[i].token);
    }
}
