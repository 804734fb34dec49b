#include "agent/opening.h"

#include "agent/absence.h"
#include "apdu/decipher.h"

#include <stdlib.h>

/* One card and one packet that it may open. */
struct candidate {
    struct card *card; /* borrowed from the list */
    const struct pkesk *pkesk;
};

static gpg_error_t open_on_card(struct opening *opening, const struct candidate *candidate)
{
    const struct public_key *public_key = &opening->facts.key[SLOT_DECRYPT].key;
    struct buffer data = BUFFER(LC_SHORT_MAX + RSA_OCTETS_MAX);
    uint8_t ciphertext[PKESK_RSA_OCTETS_MAX];
    struct secret plain = { 0 };
    gpg_error_t err;

    err = decipher_encode(
        public_key, recipient_ciphertext(candidate->pkesk, public_key->algorithm.curve, ciphertext),
        &data);
    if (!err)
        err = (opening->from_memory ? request_recall : request_decrypt)(
            opening->request, candidate->card, public_key, buffer_view(&data), &plain);
    if (!err)
        err = recipient_session_key(candidate->pkesk, &opening->facts,
                                    buffer_view(&opening->certificate), &plain, &opening->key);
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

/* True when it makes no sense to go on to the next candidate. What is not remembered is no reason
 * why it cannot be opened. */
static bool try_candidate(struct opening *opening, const struct candidate *candidate, bool *opened)
{
    gpg_error_t err = open_on_card(opening, candidate);

    *opened = !err;
    if (opening->from_memory)
        return !err;
    if (err && !opening->failed)
        opening->failed = err;
    if (err)
        (void)absence_is_loss(opening->absence, candidate->card, err);
    return !err || ends_the_asking(err);
}

/* Reads the keys of all cards once; those that cannot be asked are dropped, so that none of them is
 * waited for with every packet again. */
static void learn_cards(struct opening *opening)
{
    struct card_list *cards = &opening->cards;
    size_t kept = 0;

    opening->any_card = cards->count > 0;
    for (size_t i = 0; i < cards->count; i++) {
        gpg_error_t err;

        if (cards->card[i] == opening->absence->lost) {
            card_unref(&cards->card[i]);
            continue;
        }
        err = card_learn(cards->card[i], SLOTS_DECRYPT, &opening->facts);

        if (!err) {
            cards->card[kept++] = cards->card[i];
            continue;
        }
        if (gpg_err_code(err) != GPG_ERR_ENOENT && !opening->failed)
            opening->failed = err;
        card_unref(&cards->card[i]);
    }
    cards->count = kept;
}

/* Tries every card with every packet of this fit. True when that was the end of it. */
static bool try_all(struct opening *opening, enum fit fit, bool *opened)
{
    for (size_t p = 0; p < opening->recipients.count; p++) {
        for (size_t c = 0; c < opening->cards.count; c++) {
            struct candidate candidate = { .card = opening->cards.card[c],
                                           .pkesk = &opening->recipients.pkesk[p] };

            card_known_facts(candidate.card, &opening->facts);
            if (recipient_fit(candidate.pkesk, &opening->facts,
                              buffer_view(&opening->certificate)) == fit &&
                try_candidate(opening, &candidate, opened))
                return true;
        }
    }
    return false;
}

/* A message to many that names none of them must not go through all of them anew. */
static void try_memory(struct opening *opening, bool *opened)
{
    if (session_key_cache_count(opening->request->session->agent->session_keys) == 0)
        return;
    opening->from_memory = true;
    if (!try_all(opening, FIT_NAMED, opened))
        (void)try_all(opening, FIT_POSSIBLE, opened);
    opening->from_memory = false;
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
static gpg_error_t explain(const struct opening *opening)
{
    struct cards *cards = opening->request->session->agent->cards;

    if (opening->failed)
        return opening->failed;
    if (!any_on_token(&opening->recipients))
        return gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    if (opening->any_card)
        return gpg_error(GPG_ERR_NO_SECKEY);
    if (cards_service_error(cards))
        return cards_service_error(cards);
    return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
}

static bool is_named(const struct opening *opening, const struct known_token *token)
{
    for (size_t i = 0; i < opening->recipients.count; i++) {
        if (recipient_fit(&opening->recipients.pkesk[i], &token->facts,
                          buffer_view(&opening->certificate)) == FIT_NAMED)
            return true;
    }
    return false;
}

/* As absence_wait, for the tokens that the packets name. */
static gpg_error_t await_token(struct opening *opening)
{
    struct cards *cards = opening->request->session->agent->cards;
    struct known_token *tokens = NULL;
    size_t kept = 0, count = 0;
    gpg_error_t err = explain(opening);

    if (opening->only_inserted || cards_absent_tokens(cards, &tokens, &count))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_named(opening, &tokens[i]))
            tokens[kept++] = tokens[i];
    }
    if (kept && gpg_err_code(err) == GPG_ERR_NO_SECKEY)
        err = gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    err = absence_wait(opening->absence, err,
                       &(struct wanted_tokens){ .token = tokens, .count = kept });
    free(tokens);
    return err;
}

/* *changed: not opened, but a card has other keys than was thought. */
static bool try_inserted_cards(struct opening *opening, bool *changed)
{
    bool opened = false;

    opening->failed = 0;
    cards_list(opening->request->session->agent->cards, &opening->cards);
    learn_cards(opening);
    try_memory(opening, &opened);
    if (!opened && !try_all(opening, FIT_NAMED, &opened))
        (void)try_all(opening, FIT_POSSIBLE, &opened);
    *changed =
        !opened && !ends_the_asking(opening->failed) && card_list_look_again(&opening->cards);
    card_list_release(&opening->cards);
    return opened;
}

gpg_error_t opening_run(struct opening *opening)
{
    struct absence absence;
    gpg_error_t err = absence_begin(&absence, opening->request);
    bool changed;

    if (err)
        return err;
    opening->absence = &absence;
    while (!err && !try_inserted_cards(opening, &changed)) {
        if (!changed)
            err = await_token(opening);
    }
    absence_end(&absence);
    return err;
}

void opening_free(struct opening *opening)
{
    recipients_free(&opening->recipients);
    buffer_free(&opening->certificate);
    session_key_free(&opening->key);
}
