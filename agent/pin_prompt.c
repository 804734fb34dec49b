#include "agent/pin_prompt.h"

#include "agent/card_name.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define KEY_ID_LEN 8

/* What a process calls itself is its own affair: it must not write lines of the prompt, nor push
 * them out of it. */
#define PEER_SHOWN_MAX 160

/* With so few tries left the prompt says so. */
#define FEW_TRIES 3

static void write_error(const struct pin_question *question, struct pin_prompt *prompt)
{
    unsigned left = question->tries_left;

    if (gpg_err_code(question->previous) == GPG_ERR_CONFLICT)
        snprintf(prompt->error, sizeof prompt->error,
                 "Another program used up a try meanwhile: %u left.", left);
    else if (question->previous)
        snprintf(prompt->error, sizeof prompt->error, "Wrong PIN: %u %s left.", left,
                 left == 1 ? "try" : "tries");
}

static void write_keypad(const struct pin_question *question, struct pin_prompt *prompt)
{
    const char *name = question->facts->reader;
    char reader[READER_NAME_MAX];

    text_escape(view_of(name, strlen(name)), reader, sizeof reader);
    snprintf(prompt->keypad, sizeof prompt->keypad,
             "%s%s%s\n\nPress the button below, then enter the PIN on the keypad of reader %s.",
             prompt->error, *prompt->error ? "\n\n" : "", prompt->description, reader);
}

void pin_prompt_write(const struct pin_question *question, const char *peer,
                      struct pin_prompt *prompt)
{
    const struct slot_data *slot = &question->facts->data.slot[question->slot];
    char card[CARD_NAME_MAX], algorithm[ALGORITHM_NAME_MAX];
    char key_id[2 * KEY_ID_LEN + 1], tries[48] = "", who[PEER_SHOWN_MAX];
    const char *holder = question->facts->holder;

    *prompt = (struct pin_prompt){ .error = "" };
    hex_encode(view_of(slot->fingerprint + FINGERPRINT_LEN - KEY_ID_LEN, KEY_ID_LEN), key_id);
    card_name(&question->facts->data, card);
    text_escape(view_of(peer, strlen(peer)), who, sizeof who);
    if (question->tries_left <= FEW_TRIES)
        snprintf(tries, sizeof tries, "\nTries left: %u", question->tries_left);
    snprintf(prompt->description, sizeof prompt->description,
             "%s wants to open an encrypted message.\n\nToken: %s%s%s\nKey: %s (%s)%s", who, card,
             *holder ? "\nHolder: " : "", holder, key_id,
             algorithm_name(&slot->algorithm, algorithm), tries);
    write_error(question, prompt);
    if (question->keypad)
        write_keypad(question, prompt);
    if (question->tries_left == 1)
        snprintf(
            prompt->confirm, sizeof prompt->confirm,
            "Only one try is left for the PIN of token %s.\n\nIf the next PIN is wrong, the token "
            "blocks it, and only the reset code or the admin PIN unblocks it.",
            card);
}
