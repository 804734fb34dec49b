/* Where Cardea is built without libsystemd: no notifications, and no word from logind. */
#include "agent/logind.h"
#include "agent/notification.h"

gpg_error_t logind_start(struct cards *cards, struct events *events, struct logind **r_logind)
{
    (void)cards;
    (void)events;
    *r_logind = NULL;
    return 0;
}

void logind_stop(struct logind **r_logind)
{
    *r_logind = NULL;
}

gpg_error_t notification_start(struct events *events, struct notification **r_notification)
{
    (void)events;
    *r_notification = NULL;
    return 0;
}

void notification_stop(struct notification **r_notification)
{
    *r_notification = NULL;
}
