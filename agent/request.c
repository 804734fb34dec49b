#include "agent/request.h"

#include "agent/card_name.h"
#include "agent/expiry.h"
#include "agent/peer.h"
#include "agent/pin.h"
#include "base/advice.h"
#include "base/deadline.h"
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
    if (!*session->client)
        peer_describe(session->peer_pid, session->client, sizeof session->client);
    memcpy(request->event.client, session->client, sizeof request->event.client);
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
    request->event.touch = facts->data.slot[SLOT_DECRYPT].touch;
    card_name(&facts->data, request->event.card);
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

static void keypad(void *context, bool waits)
{
    publish(context, waits ? EVENT_PIN_WANTED : EVENT_PIN_DONE);
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

static bool recall(void *context, struct secret *plain)
{
    struct request *request = context;

    request->event.from_cache = session_key_cache_recall(request->session->agent->session_keys,
                                                         &request->ticket, boottime_ms(), plain);
    return request->event.from_cache;
}

static void remember(void *context, const struct secret *plain)
{
    const struct request *request = context;
    const struct agent *agent = request->session->agent;

    expiry_note(agent->expiry, session_key_cache_remember(agent->session_keys, &request->ticket,
                                                          plain, boottime_ms()));
}

gpg_error_t request_recall(struct request *request, struct card *card, const struct public_key *key,
                           struct view data, struct secret *plain)
{
    request_set_key(request, key->keygrip);
    set_card(request, card);
    session_key_cache_ask(request->session->agent->session_keys, key->keygrip, data,
                          &request->ticket);
    return recall(request, plain) ? 0 : gpg_error(GPG_ERR_NOT_FOUND);
}

gpg_error_t request_decrypt(struct request *request, struct card *card,
                            const struct public_key *key, struct view data, struct secret *plain)
{
    const struct agent_config *config = request->session->agent->config;
    const struct requester requester = { .ask_pin = ask_pin,
                                         .keypad = keypad,
                                         .is_gone = is_gone,
                                         .recall = recall,
                                         .remember = remember,
                                         .touch = touch,
                                         .context = request,
                                         .keypad_pin_length = (size_t)config->keypad_pin_length };
    gpg_error_t err;

    if (!request_recall(request, card, key, data, plain))
        return 0;
    err = card_decrypt(card, key, data, &requester, plain);
    expiry_note(request->session->agent->expiry, card_pin_end_ms(card));
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
    request->event.err = session_error(err);
    request->event.from_cache = request->event.from_cache && !err;
    if (err)
        log_failure(request, err);
    if (gpg_err_code(err) == GPG_ERR_LOCKED)
        session_tell_held_by(request->session);
    publish(request, err ? EVENT_FAILED : EVENT_SERVED);
    return err;
}
