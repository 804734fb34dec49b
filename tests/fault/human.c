#include "tests/fault/human.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct human human;

void human_begin(const char *const *plan)
{
    human = (struct human){ .plan = plan };
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

/* The agent of the stage does not ask for tokens. */
gpg_error_t pin_ask_insertion(struct session *session, const char *description, int done_fd,
                              int timeout_seconds)
{
    (void)session;
    (void)description;
    (void)done_fd;
    (void)timeout_seconds;
    return gpg_error(GPG_ERR_BUG);
}

gpg_error_t pin_confirm(struct session *session, const char *description, const char *ok)
{
    (void)session;
    (void)description;
    (void)ok;
    return 0;
}
