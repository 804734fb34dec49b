#include "tests/usb/console_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void console_fault(struct console *c, struct console_token *t, const struct console_words *w,
                   struct buffer *answer)
{
    int kind = INDEX(fault_names, console_word(w, 2));

    (void)c;
    if (kind < 0) {
        console_say(answer, "error no such fault");
        return;
    }
    usb_device_fault(t->device, (struct usb_fault){ .kind = (enum usb_fault_kind)kind,
                                                    .at = (unsigned int)console_number(w, 3),
                                                    .times = (unsigned int)console_number(w, 4),
                                                    .value = (uint8_t)console_number(w, 5) });
    console_say(answer, "ok");
}

void console_t1(struct console *c, struct console_token *t, const struct console_words *w,
                struct buffer *answer)
{
    struct t1_card *card = usb_device_t1(t->device);
    int kind = INDEX(t1_names, console_word(w, 2));

    (void)c;
    if (kind < 0) {
        console_say(answer, "error no such fault");
        return;
    }
    card->fault = (enum t1_fault)kind;
    card->fault_at = card->received + (unsigned int)console_number(w, 3);
    card->fault_times = (unsigned int)console_number(w, 4);
    card->fault_value = (uint8_t)console_number(w, 5);
    console_say(answer, "ok resynchs=%u", card->resynchs);
}

void console_zlp(struct console *c, struct console_token *t, const struct console_words *w,
                 struct buffer *answer)
{
    int zlp = INDEX(zlp_names, console_word(w, 2));

    (void)c;
    if (zlp >= 0)
        usb_device_zlp(t->device, (enum zlp)zlp);
    console_say(answer, zlp >= 0 ? "ok" : "error sent, never or late");
}

/* Slot, D6's first octet, how long a touch takes and how far apart the extensions are. */
void console_touch(struct console *c, struct console_token *t, const struct console_words *w,
                   struct buffer *answer)
{
    (void)c;
    token_set_touch(t->token.token, (unsigned int)console_number(w, 2),
                    (uint8_t)console_number(w, 3));
    t->token.touch_comes = console_number(w, 4) >= 0;
    usb_device_touch(t->device, labs(console_number(w, 4)), console_number(w, 5),
                     t->model.features & 0x800);
    console_say(answer, "ok");
}

void console_slow(struct console *c, struct console_token *t, const struct console_words *w,
                  struct buffer *answer)
{
    (void)c;
    usb_device_slow(t->device, console_number(w, 2));
    console_say(answer, "ok");
}

void console_pin(struct console *c, struct console_token *t, const struct console_words *w,
                 struct buffer *answer)
{
    static char pin[64];

    (void)c;
    if (console_word(w, 2))
        snprintf(pin, sizeof pin, "%s", w->word[2]);
    usb_device_type_pin(t->device, console_word(w, 2) ? pin : NULL, console_number(w, 3));
    console_say(answer, "ok");
}

/* What it can do, and for which ids: before it is plugged in. */
void console_keypad(struct console *c, struct console_token *t, const struct console_words *w,
                    struct buffer *answer)
{
    (void)c;
    t->model.pin_support = (uint8_t)console_number(w, 2);
    if (console_word(w, 4)) {
        t->model.vendor = (uint16_t)console_number(w, 3);
        t->model.product = (uint16_t)console_number(w, 4);
    }
    console_say(answer, "ok");
}
