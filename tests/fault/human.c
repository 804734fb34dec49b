#include "tests/fault/human.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* For the agent to notice a card. */
#define PATIENCE_MS 3000

struct human human = { .inserts = NO_CARD };

void human_begin(const char *const *plan)
{
    human = (struct human){ .plan = plan, .inserts = human.inserts };
}

/* A window that closes by itself when its card has left. */
static bool is_withdrawn(const struct pin_question *question)
{
    struct pollfd fd = { .fd = question->gone_fd, .events = POLLIN };

    return poll(&fd, 1, 0) == 1;
}

gpg_error_t pin_ask(struct session *session, const struct pin_question *question,
                    struct secret *pin)
{
    struct typing *typing = &human.typed[human.count];
    const char *text = RIGHT_PIN;

    (void)session;
    human.asked++;
    if (is_withdrawn(question))
        return gpg_error(GPG_ERR_CANCELED);
    if (human.count == TYPED_MAX)
        return gpg_error(GPG_ERR_FULLY_CANCELED);
    if (human.plan && *human.plan)
        text = *human.plan++;
    memcpy(typing->aid, question->facts->data.aid, AID_LEN);
    strncpy(typing->pin, text, sizeof typing->pin - 1);
    human.count++;
    return secret_copy(pin, view_of(text, strlen(text)));
}

gpg_error_t pin_confirm(struct session *session, const char *description, const char *ok)
{
    (void)session;
    (void)description;
    (void)ok;
    return 0;
}

/* The window closes by itself when a card has come. */
gpg_error_t pin_ask_insertion(struct session *session, const char *text, int done_fd, int seconds)
{
    struct pollfd fd = { .fd = done_fd, .events = POLLIN };

    (void)session;
    (void)text;
    (void)seconds;
    if (human.inserts == NO_CARD || human.insertions == INSERTIONS_MAX)
        return gpg_error(GPG_ERR_FULLY_CANCELED);
    human.insertions++;
    world_put_in(0, human.inserts);
    return poll(&fd, 1, PATIENCE_MS) == 1 ? 0 : gpg_error(GPG_ERR_TIMEOUT);
}
