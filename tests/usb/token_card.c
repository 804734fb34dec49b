#include "tests/usb/card.h"

static struct view power_on(void *context)
{
    struct usb_token *t = context;

    token_reset(t->token);
    return token_atr(t->token);
}

static void note(FILE *trace, char direction, struct view apdu)
{
    if (!trace)
        return;
    fprintf(trace, "%c ", direction);
    for (size_t i = 0; i < apdu.len; i++)
        fprintf(trace, "%02X", apdu.data[i]);
    fputc('\n', trace);
    fflush(trace);
}

static void command(void *context, struct view apdu, struct buffer *answer)
{
    struct usb_token *t = context;

    t->touched = false;
    t->commands++;
    note(t->trace, '>', apdu);
    token_command(t->token, apdu, answer);
    note(t->trace, '<', buffer_view(answer));
}

static bool wait_for_touch(void *context)
{
    struct usb_token *t = context;

    t->touched = true;
    return t->touch_comes;
}

static bool touched(void *context)
{
    const struct usb_token *t = context;

    return t->touched;
}

gpg_error_t usb_token_init(struct usb_token *t, const struct usb_model *model, uint32_t serial)
{
    struct token_options options;

    token_profile_options(&options, model->card);
    options.serial = serial;
    options.touch = TOKEN_TOUCH_MANUAL;
    options.wait_for_touch = wait_for_touch;
    options.context = t;
    *t = (struct usb_token){ .touch_comes = true };
    t->card = (struct usb_card){ power_on, command, touched, t };
    return token_new(&options, &t->token);
}

void usb_token_free(struct usb_token *t)
{
    token_free(&t->token);
    if (t->trace)
        fclose(t->trace);
    t->trace = NULL;
}
