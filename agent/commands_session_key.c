/* SESSIONKEY: from the PKESK packets of a message to its session key, for clients without GnuPG. */
#include "agent/inquiry.h"
#include "agent/line.h"
#include "agent/peer.h"
#include "agent/pin.h"
#include "agent/pin_expiry.h"
#include "agent/pin_prompt.h"
#include "agent/recipients.h"
#include "agent/session.h"
#include "apdu/decipher.h"
#include "base/advice.h"
#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One card and one packet that it may open. */
struct candidate {
    struct card *card; /* borrowed from the list */
    const struct pkesk *pkesk;
};

struct request {
    struct session *session;
    struct recipients recipients;
    struct buffer certificate; /* empty: none */
    struct card_list cards;
    bool any_card;           /* was in, whatever it said */
    struct card_facts facts; /* of the card that opened it */
    struct session_key key;
    gpg_error_t failed; /* the first reason why a card that fits did not open it */
};

static gpg_error_t inquire_pkesks(assuan_context_t assuan, struct recipients *recipients)
{
    struct buffer packets = BUFFER(RECIPIENTS_OCTETS);
    gpg_error_t err = inquiry_read(assuan, "PKESK", &packets);

    if (!err)
        err = recipients_parse(buffer_view(&packets), recipients);
    buffer_free(&packets);
    return err;
}

static gpg_error_t open_on_card(struct request *request, const struct candidate *candidate)
{
    const struct public_key *public_key = &request->facts.key[SLOT_DECRYPT].key;
    struct pin_source pins = pin_source_for(request->session);
    struct buffer data = BUFFER(LC_SHORT_MAX + RSA_OCTETS_MAX);
    uint8_t ciphertext[PKESK_RSA_OCTETS_MAX];
    struct secret plain = { 0 };
    gpg_error_t err;

    err = decipher_encode(
        public_key, recipient_ciphertext(candidate->pkesk, public_key->algorithm.curve, ciphertext),
        &data);
    if (!err)
        err = card_decrypt(candidate->card, public_key, buffer_view(&data), &pins, &plain);
    pin_expiry_note(request->session->agent->pin_expiry, card_pin_end_ms(candidate->card));
    if (!err)
        err = recipient_session_key(candidate->pkesk, &request->facts,
                                    buffer_view(&request->certificate), &plain, &request->key);
    secret_free(&plain);
    buffer_free(&data);
    return err;
}

/* Whoever did not give the right PIN, or did not touch, is not asked the same again for each of the
 * packets: a message may have dozens that name nobody. */
static bool ends_the_asking(gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
    case GPG_ERR_NOT_CONFIRMED:
    case GPG_ERR_BAD_PIN:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_NO_PIN_ENTRY:
    case GPG_ERR_PIN_ENTRY:
        return true;
    default: /* or the client failed that was to give the PIN */
        return gpg_err_source(err) == GPG_ERR_SOURCE_ASSUAN || gpg_err_code(err) == GPG_ERR_EOF;
    }
}

/* True when it makes no sense to go on to the next candidate. */
static bool try_candidate(struct request *request, const struct candidate *candidate, bool *opened)
{
    gpg_error_t err = open_on_card(request, candidate);

    *opened = !err;
    if (err && !request->failed)
        request->failed = err;
    return !err || ends_the_asking(err);
}

/* Reads the keys of all cards once; those that cannot be asked are dropped, so that none of them is
 * waited for with every packet again. */
static void learn_cards(struct request *request)
{
    struct card_list *cards = &request->cards;
    size_t kept = 0;

    for (size_t i = 0; i < cards->count; i++) {
        gpg_error_t err = card_learn(cards->card[i], SLOTS_DECRYPT, &request->facts);

        if (!err) {
            cards->card[kept++] = cards->card[i];
            continue;
        }
        if (gpg_err_code(err) != GPG_ERR_ENOENT && !request->failed)
            request->failed = err;
        card_unref(&cards->card[i]);
    }
    request->any_card = cards->count > 0;
    cards->count = kept;
}

/* Tries every card with every packet of this fit. True when that was the end of it. */
static bool try_all(struct request *request, enum fit fit, bool *opened)
{
    for (size_t p = 0; p < request->recipients.count; p++) {
        for (size_t c = 0; c < request->cards.count; c++) {
            struct candidate candidate = { .card = request->cards.card[c],
                                           .pkesk = &request->recipients.pkesk[p] };

            card_known_facts(candidate.card, &request->facts);
            if (recipient_fit(candidate.pkesk, &request->facts,
                              buffer_view(&request->certificate)) == fit &&
                try_candidate(request, &candidate, opened))
                return true;
        }
    }
    return false;
}

static bool any_on_token(const struct recipients *recipients)
{
    for (size_t i = 0; i < recipients->count; i++) {
        if (recipients->pkesk[i].on_token)
            return true;
    }
    return false;
}

/* Why no card opened it. */
static gpg_error_t explain(const struct request *request)
{
    if (request->failed)
        return request->failed;
    if (!any_on_token(&request->recipients))
        return gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    if (request->any_card)
        return gpg_error(GPG_ERR_NO_SECKEY);
    if (cards_service_error(request->session->agent->cards))
        return cards_service_error(request->session->agent->cards);
    return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
}

static gpg_error_t send_status(assuan_context_t assuan, const struct card_facts *facts)
{
    const struct slot_data *slot = &facts->data.slot[SLOT_DECRYPT];
    char fingerprint[2 * FINGERPRINT_LEN + 1], keygrip[2 * KEYGRIP_LEN + 1], aid[2 * AID_LEN + 1];
    gpg_error_t err;

    hex_encode(view_of(slot->fingerprint, FINGERPRINT_LEN), fingerprint);
    hex_encode(view_of(facts->key[SLOT_DECRYPT].key.keygrip, KEYGRIP_LEN), keygrip);
    hex_encode(view_of(facts->data.aid, AID_LEN), aid);
    err = assuan_write_status(assuan, "KEY", fingerprint);
    if (!err)
        err = assuan_write_status(assuan, "KEYGRIP", keygrip);
    if (!err)
        err = assuan_write_status(assuan, "SERIALNO", aid);
    if (!err)
        err = assuan_write_status(assuan, "TOUCH", slot->touch == TOUCH_OFF ? "no" : "yes");
    return err;
}

static gpg_error_t send_key(assuan_context_t assuan, const struct session_key *key)
{
    struct secret text = { 0 };
    gpg_error_t err = session_key_text(key, &text);

    assuan_begin_confidential(assuan);
    if (!err)
        err = assuan_send_data(assuan, text.data, text.len);
    assuan_end_confidential(assuan);
    secret_free(&text);
    return err;
}

static gpg_error_t cmd_sessionkey(assuan_context_t assuan, char *line)
{
    struct request request = { .session = session_of(assuan),
                               .certificate = BUFFER(CERTIFICATE_OCTETS) };
    bool opened = false;
    bool with_certificate = line_option(line, "--certificate", NULL);
    gpg_error_t err = inquire_pkesks(assuan, &request.recipients);
    char peer[64];

    if (!err && with_certificate)
        err = inquiry_read(assuan, "CERTIFICATE", &request.certificate);
    if (err) {
        recipients_free(&request.recipients);
        buffer_free(&request.certificate);
        return session_error(err);
    }
    cards_list(request.session->agent->cards, &request.cards);
    learn_cards(&request);
    if (!try_all(&request, FIT_NAMED, &opened))
        (void)try_all(&request, FIT_POSSIBLE, &opened);
    err = opened ? 0 : explain(&request);
    card_list_release(&request.cards);
    recipients_free(&request.recipients);
    buffer_free(&request.certificate);
    if (err)
        log_warning("%s: no session key: %s%s%s",
                    peer_describe(request.session->peer_pid, peer, sizeof peer), gpg_strerror(err),
                    advice(err) ? ": " : "", advice(err) ? advice(err) : "");
    if (!err)
        err = send_status(assuan, &request.facts);
    if (!err)
        err = send_key(assuan, &request.key);
    session_key_free(&request.key);
    return session_error(err);
}

const struct session_command session_session_key_commands[] = {
    { "SESSIONKEY", cmd_sessionkey,
      "SESSIONKEY [--only-inserted] [--certificate]\n"
      "Opens one of the PKESK packets that INQUIRE PKESK gives, and answers ALGO:HEX.\n"
      "Tokens that are not inserted are never asked for, with --only-inserted or without.\n"
      "With --certificate, INQUIRE CERTIFICATE takes public key packets, which say what\n"
      "the token does not of its key." },
    { NULL, NULL, NULL }
};
