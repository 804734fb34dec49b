#include "tests/usb/console_commands.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_LEN 512
#define KEY_MAX    (1 << 20)
#define APDU_MAX   256

void console_say(struct buffer *answer, const char *format, ...)
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

long console_number(const struct console_words *w, int i)
{
    return i < w->count ? strtol(w->word[i], NULL, 0) : 0;
}

const char *console_word(const struct console_words *w, int i)
{
    return i < w->count ? w->word[i] : NULL;
}

static void do_new(struct console *c, struct console_token *t, const struct console_words *w,
                   struct buffer *answer)
{
    const struct usb_model *model = console_word(w, 2) ? usb_model_find(w->word[2]) : NULL;

    (void)c;
    if (!model || t->name[0]) {
        console_say(answer, "error no such model, or the name is taken");
        return;
    }
    t->model = *model;
    if (usb_token_init(&t->token, &t->model, (uint32_t)console_number(w, 3)) ||
        usb_device_new(&t->model, &t->token.card, &t->device)) {
        console_say(answer, "error no memory");
        return;
    }
    usb_device_unplug(t->device);
    snprintf(t->name, sizeof t->name, "%s", w->word[1]);
    console_say(answer, "ok");
}

static void do_import(struct console *c, struct console_token *t, const struct console_words *w,
                      struct buffer *answer)
{
    struct buffer key = BUFFER(KEY_MAX);
    FILE *file = console_word(w, 2) ? fopen(w->word[2], "rb") : NULL;
    uint8_t octets[4096];
    size_t len;

    (void)c;
    while (file && (len = fread(octets, 1, sizeof octets, file)) > 0)
        (void)buffer_append(&key, octets, len);
    if (file)
        fclose(file);
    if (token_import(t->token.token, buffer_view(&key)))
        console_say(answer, "error that is no key for a token");
    else
        console_say(answer, "ok");
    buffer_free(&key);
}

static void do_trace(struct console *c, struct console_token *t, const struct console_words *w,
                     struct buffer *answer)
{
    (void)c;
    if (console_word(w, 2) && !t->token.trace)
        t->token.trace = fopen(w->word[2], "ae");
    console_say(answer, t->token.trace ? "ok" : "error the file cannot be written");
}

/* What its owner did with it elsewhere: a command there, a status word back. */
static void do_apdu(struct console *c, struct console_token *t, const struct console_words *w,
                    struct buffer *answer)
{
    struct buffer said = BUFFER(TOKEN_ANSWER_MAX);
    uint8_t command[APDU_MAX];
    size_t len = 0;

    (void)c;
    if (!console_word(w, 2) ||
        !hex_decode(w->word[2], strlen(w->word[2]), command, sizeof command, &len)) {
        console_say(answer, "error that is no command");
        return;
    }
    token_command(t->token.token, view_of(command, len), &said);
    console_say(answer, "ok %02X%02X", said.data[said.len - 2], said.data[said.len - 1]);
    buffer_free(&said);
}

static void do_plug(struct console *c, struct console_token *t, const struct console_words *w,
                    struct buffer *answer)
{
    (void)w;
    t->plugged = c->plug(c->context, t->device);
    console_say(answer, t->plugged ? "ok" : "error it cannot be plugged in");
}

static void do_unplug(struct console *c, struct console_token *t, const struct console_words *w,
                      struct buffer *answer)
{
    (void)w;
    if (t->plugged)
        c->unplug(c->context, t->device);
    t->plugged = false;
    console_say(answer, "ok");
}

static void do_drop(struct console *c, struct console_token *t, const struct console_words *w,
                    struct buffer *answer)
{
    do_unplug(c, t, w, answer);
    usb_device_free(&t->device);
    usb_token_free(&t->token);
    *t = (struct console_token){ 0 };
}

static void do_card(struct console *c, struct console_token *t, const struct console_words *w,
                    struct buffer *answer)
{
    (void)c;
    usb_device_card(t->device, console_word(w, 2) && strcmp(w->word[2], "in") == 0);
    console_say(answer, "ok");
}

static void do_hold(struct console *c, struct console_token *t, const struct console_words *w,
                    struct buffer *answer)
{
    if (c->hold)
        c->hold(c->context, t->device, console_number(w, 2) != 0);
    console_say(answer, c->hold ? "ok" : "error not here");
}

static void do_counts(struct console *c, struct console_token *t, const struct console_words *w,
                      struct buffer *answer)
{
    struct usb_counts n = usb_device_counts(t->device);
    const char *complaint = usb_device_complaint(t->device);

    (void)c, (void)w;
    console_say(
        answer,
        "ok bulk_out=%u bulk_in=%u control=%u interrupt_in=%u power_ons=%u blocks=%u secures=%u "
        "resets=%u "
        "halts_cleared=%u aborts=%u configurations=%u interfaces=%u commands=%zu complaint=%s",
        n.bulk_out, n.bulk_in, n.control, n.interrupt_in, n.power_ons, n.blocks, n.secures,
        n.resets, n.halts_cleared, n.aborts, n.configurations_set, n.interfaces_set,
        t->token.commands, complaint ? complaint : "none");
}

static const struct {
    const char *name;
    console_handler *run;
} commands[] = {
    { "new", do_new },        { "import", do_import },      { "trace", do_trace },
    { "plug", do_plug },      { "unplug", do_unplug },      { "drop", do_drop },
    { "card", do_card },      { "hold", do_hold },          { "fault", console_fault },
    { "t1", console_t1 },     { "zlp", console_zlp },       { "touch", console_touch },
    { "slow", console_slow }, { "pin", console_pin },       { "counts", do_counts },
    { "apdu", do_apdu },      { "keypad", console_keypad },
};

static void split(char *line, struct console_words *w)
{
    w->count = 0;
    while (w->count < CONSOLE_WORDS_MAX) {
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
static bool wants_lock(console_handler *run)
{
    return run != do_plug && run != do_unplug && run != do_drop && run != do_hold;
}

static void run(struct console *c, console_handler *command, const struct console_words *w,
                struct buffer *answer)
{
    struct console_token *t = w->count > 1 ? find_token(c, w->word[1], command == do_new) : NULL;
    bool lock = c->lock && wants_lock(command);

    if (!t) {
        console_say(answer, "error no such token");
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
    struct console_words w;

    split(line, &w);
    console_say(answer, "error no such command");
    if (w.count == 1 && strcmp(w.word[0], "quit") == 0) {
        c->quit = true;
        console_say(answer, "ok");
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
