#include "agent/request.h"

#include "agent/peer.h"
#include "agent/pin.h"
#include "agent/pin_expiry.h"
#include "agent/pin_prompt.h"
#include "base/advice.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>

static void publish(struct request *request, enum event_kind kind)
{
    request->event.kind = kind;
    events_publish(request->session->agent->events, &request->event);
}

void request_begin(struct request *request, struct session *session)
{
    *request = (struct request){ .session = session };
    request->event.request = events_next_request(session->agent->events);
    request->event.client_pid = session->peer_pid;
    peer_describe(session->peer_pid, request->event.client, sizeof request->event.client);
}

void request_set_key(struct request *request, const uint8_t keygrip[KEYGRIP_LEN])
{
    memcpy(request->event.keygrip, keygrip, KEYGRIP_LEN);
}

static void set_token(struct request *request, const struct card_facts *facts)
{
    memcpy(request->event.reader, facts->reader, sizeof request->event.reader);
    memcpy(request->event.aid, facts->data.aid, AID_LEN);
    memcpy(request->event.fingerprint, facts->data.slot[SLOT_DECRYPT].fingerprint, FINGERPRINT_LEN);
    pin_prompt_card_name(&facts->data, request->event.card);
}

static void set_card(struct request *request, struct card *card)
{
    struct card_facts facts;

    card_known_facts(card, &facts);
    set_token(request, &facts);
}

void request_insert_wanted(struct request *request, const struct card_facts *facts)
{
    set_token(request, facts);
    publish(request, EVENT_INSERT_WANTED);
}

void request_insert_done(struct request *request)
{
    publish(request, EVENT_INSERT_DONE);
}

static gpg_error_t ask_pin(void *context, const struct pin_question *question, struct secret *pin)
{
    struct request *request = context;
    gpg_error_t err;

    publish(request, EVENT_PIN_WANTED);
    err = pin_ask(request->session, question, pin);
    publish(request, EVENT_PIN_DONE);
    return err;
}

static bool is_gone(void *context)
{
    const struct request *request = context;

    return session_is_gone(request->session);
}

static void touch(void *context, bool waits)
{
    publish(context, waits ? EVENT_TOUCH_WANTED : EVENT_TOUCH_DONE);
}

gpg_error_t request_decrypt(struct request *request, struct card *card,
                            const struct public_key *key, struct view data, struct secret *plain)
{
    const struct requester requester = {
        .ask_pin = ask_pin, .is_gone = is_gone, .touch = touch, .context = request
    };
    gpg_error_t err;

    request_set_key(request, key->keygrip);
    set_card(request, card);
    err = card_decrypt(card, key, data, &requester, plain);
    pin_expiry_note(request->session->agent->pin_expiry, card_pin_end_ms(card));
    return err;
}

static void log_failure(const struct request *request, gpg_error_t err)
{
    const struct event *event = &request->event;
    static const uint8_t none[KEYGRIP_LEN];
    bool has_key = memcmp(event->keygrip, none, sizeof none) != 0;
    char keygrip[2 * KEYGRIP_LEN + 1];
    const char *what = advice(err);

    hex_encode(view_of(event->keygrip, KEYGRIP_LEN), keygrip);
    log_warning("%s: decryption%s%s failed: %s%s%s", event->client, has_key ? " with key " : "",
                has_key ? keygrip : "", gpg_strerror(err), what ? ": " : "", what ? what : "");
}

gpg_error_t request_end(struct request *request, gpg_error_t err)
{
    request->event.err = err;
    if (err)
        log_failure(request, err);
    publish(request, err ? EVENT_FAILED : EVENT_SERVED);
    return err;
}
