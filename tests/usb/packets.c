#include "tests/usb/inside.h"

#include <stdlib.h>
#include <string.h>

void packets_add(struct queue *q, struct view octets, int64_t ready_ms)
{
    struct packet *p = calloc(1, sizeof *p);

    if (!p || octets.len > sizeof p->data)
        abort();
    p->ready_ms = ready_ms;
    p->len = octets.len;
    if (octets.len)
        memcpy(p->data, octets.data, octets.len);
    if (q->last)
        q->last->next = p;
    else
        q->first = p;
    q->last = p;
}

static void drop_first(struct queue *q)
{
    struct packet *p = q->first;

    q->first = p->next;
    if (!q->first)
        q->last = NULL;
    free(p);
}

void packets_drop(struct queue *q)
{
    while (q->first)
        drop_first(q);
}

void packets_send(struct usb_device *d, struct view octets, int64_t after_ms)
{
    struct view empty = view_of(NULL, 0), part;

    d->busy_ms = (d->busy_ms > d->now_ms ? d->busy_ms : d->now_ms) + after_ms;
    if (d->zlp_owed)
        packets_add(&d->in, empty, d->busy_ms);
    d->zlp_owed = false;
    while (view_take(&octets, d->model->packet, &part))
        packets_add(&d->in, part, d->busy_ms);
    if (octets.len)
        packets_add(&d->in, octets, d->busy_ms);
    else if (d->zlp == ZLP_SENT)
        packets_add(&d->in, empty, d->busy_ms);
    else
        d->zlp_owed = d->zlp == ZLP_LATE;
}

/* USB 2.0 §5.8.3: a short packet ends a transfer, and so does a full buffer. */
enum usb_status packets_take(struct queue *q, size_t packet, uint8_t *data, size_t size,
                             size_t *filled, int64_t now_ms)
{
    while (q->first && q->first->ready_ms <= now_ms) {
        size_t len = q->first->len;

        if (len > size - *filled) {
            drop_first(q);
            return USB_OVERFLOW;
        }
        memcpy(data + *filled, q->first->data, len);
        *filled += len;
        drop_first(q);
        if (len < packet || *filled == size)
            return USB_DONE;
    }
    return USB_PENDING;
}
