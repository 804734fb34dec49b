#include "ccid/ccid_slot.h"

/* A token may think long without a word; the Nitrokey HSM does for over ten seconds. */
#define SILENCE_MS 20000

#define SHORT_COMMAND_MAX (4 + 1 + 255 + 1)
#define EMPTY_PARTS_MAX   16 /* of an answer, one after the other, before it counts as endless */

static gpg_error_t transfer(struct ccid_slot *slot, enum ccid_chain part, struct view data,
                            struct deadline deadline, struct ccid_answer *answer)
{
    struct ccid_command command = { .type = CCID_XFR_BLOCK,
                                    .specific = { 0, (uint8_t)part, 0 },
                                    .data = data };

    return ccid_slot_command(slot, &command, SILENCE_MS, deadline, answer);
}

/* Sends all but the last part; *part is then what the last one is. */
static gpg_error_t send_parts(struct ccid_slot *slot, struct view *rest, struct deadline deadline,
                              enum ccid_chain *part)
{
    size_t max = slot->descriptor->max_message - CCID_HEADER_LEN;
    gpg_error_t err = 0;

    *part = CCID_WHOLE;
    while (!err && rest->len > max) {
        struct ccid_answer answer;
        struct view data;

        (void)view_take(rest, max, &data);
        *part = *part == CCID_WHOLE ? CCID_FIRST : CCID_MIDDLE;
        err = transfer(slot, *part, data, deadline, &answer);
        if (!err && (answer.data.len || answer.specific != CCID_GO_ON))
            err = gpg_error(GPG_ERR_CARD);
    }
    if (*part != CCID_WHOLE)
        *part = CCID_LAST;
    return err;
}

/* Appends the parts of the answer, the first of which is there. */
static gpg_error_t receive_parts(struct ccid_slot *slot, struct ccid_answer *part,
                                 struct buffer *answer, struct deadline deadline)
{
    unsigned empty = 0;
    bool first = true;

    for (;;) {
        bool more = part->specific == CCID_FIRST || part->specific == CCID_MIDDLE;
        gpg_error_t err;

        if (part->specific != (first  ? more ? CCID_FIRST : CCID_WHOLE
                               : more ? CCID_MIDDLE
                                      : CCID_LAST))
            return gpg_error(GPG_ERR_CARD);
        empty = part->data.len ? 0 : empty + 1;
        if (more && empty > EMPTY_PARTS_MAX)
            return gpg_error(GPG_ERR_CARD);
        err = buffer_append_view(answer, part->data);
        if (err || !more)
            return err;
        first = false;
        err = transfer(slot, CCID_GO_ON, view_of(NULL, 0), deadline, part);
        if (err)
            return err;
    }
}

static bool is_extended(struct view command)
{
    return command.len > SHORT_COMMAND_MAX || (command.len > 6 && command.data[4] == 0);
}

bool ccid_apdu_fits(const struct ccid_slot *slot, struct view command)
{
    const struct ccid_descriptor *d = slot->descriptor;

    return d->level != CCID_SHORT_APDU ||
           (!is_extended(command) && command.len <= d->max_message - CCID_HEADER_LEN);
}

static gpg_error_t transmit_short(struct ccid_slot *slot, struct view command,
                                  struct buffer *answer, struct deadline deadline)
{
    struct ccid_answer received;
    gpg_error_t err = transfer(slot, CCID_WHOLE, command, deadline, &received);

    return err ? err : buffer_append_view(answer, received.data);
}

gpg_error_t ccid_apdu_transmit(struct ccid_slot *slot, struct view command, struct buffer *answer,
                               struct deadline deadline)
{
    struct ccid_answer received;
    enum ccid_chain part;
    gpg_error_t err;

    if (slot->descriptor->level == CCID_SHORT_APDU)
        return transmit_short(slot, command, answer, deadline);
    err = send_parts(slot, &command, deadline, &part);
    if (!err)
        err = transfer(slot, part, command, deadline, &received);
    return err ? err : receive_parts(slot, &received, answer, deadline);
}
