/* The card in a CCID device: power, ATR, APDUs. tests/token behind it, or what a test wants. */
#pragma once

#include "tests/token/token.h"
#include "tests/usb/model.h"

#include <stdio.h>

struct usb_card {
    /* Power on, or a reset: the ATR, borrowed; empty: the card is mute. */
    struct view (*power_on)(void *context);
    /* One command; data and status word. */
    void (*command)(void *context, struct view apdu, struct buffer *answer);
    /* Whether the last command waited for a touch. NULL: never. */
    bool (*touched)(void *context);
    void *context;
};

/* A virtual token as the model's card. The struct must stay where it is while the card is used. */
struct usb_token {
    struct token *token;
    bool touched;     /* the last command wanted a touch */
    bool touch_comes; /* or does not, and the command fails */
    size_t commands;  /* APDUs so far */
    FILE *trace;      /* lines of "> COMMAND" and "< ANSWER" go there; may be NULL */
    struct usb_card card;
};

gpg_error_t usb_token_init(struct usb_token *t, const struct usb_model *model, uint32_t serial);
void usb_token_free(struct usb_token *t);
