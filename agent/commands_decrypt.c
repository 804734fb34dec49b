/* PKDECRYPT: from the client's ciphertext to the card and back in the form that the client reads.
 */
#include "agent/absence.h"
#include "agent/ciphertext.h"
#include "agent/inquiry.h"
#include "agent/line.h"
#include "agent/peer.h"
#include "agent/pin.h"
#include "agent/request.h"
#include "apdu/decipher.h"
#include "apdu/point.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE_POINT_PREFIX 0x40

static gpg_error_t inquire_ciphertext(assuan_context_t assuan, enum kem kem,
                                      struct ciphertext *ciphertext)
{
    struct buffer value = BUFFER(CIPHERTEXT_MAX);
    gpg_error_t err = inquiry_read(assuan, "CIPHERTEXT", &value);

    if (!err)
        err = ciphertext_parse(buffer_view(&value), kem, ciphertext);
    buffer_free(&value);
    return err;
}

/* The data of DECIPHER; also the last place to see that key and ciphertext belong together. */
static gpg_error_t encode_for_key(const struct ciphertext *c, const struct public_key *key,
                                  struct buffer *data)
{
    uint8_t point[POINT_OCTETS_MAX];
    gpg_error_t err;
    size_t len;

    if ((c->kind == CIPHERTEXT_RSA) != (key->algorithm.kind == KEY_RSA))
        return gpg_error(GPG_ERR_WRONG_PUBKEY_ALGO);
    if (c->kind == CIPHERTEXT_RSA)
        return decipher_encode(key, view_of(c->data, c->len), data);
    err = ciphertext_point(c, key->algorithm.curve, point, &len);
    return err ? err : decipher_encode(key, view_of(point, len), data);
}

/* gpg without a KEM takes the shared point: 04 x y, which every client reads; 40 x for Curve25519;
 * the bare coordinate of X448. */
static gpg_error_t point_for_client(const struct curve *curve, struct secret *x,
                                    struct secret *value)
{
    gpg_error_t err;

    if (!curve->montgomery)
        return point_from_x(curve, x, value);
    if (curve->field_octets != 32) {
        secret_move(value, x);
        return 0;
    }
    err = secret_new(value, 1 + x->len);
    if (err)
        return err;
    value->data[0] = NATIVE_POINT_PREFIX;
    memcpy(value->data + 1, x->data, x->len);
    return 0;
}

static gpg_error_t value_for_client(const struct ciphertext *c, enum kem kem,
                                    const struct public_key *key, struct secret *plain,
                                    struct secret *value)
{
    if (c->kind == CIPHERTEXT_RSA) {
        secret_move(value, plain);
        return 0;
    }
    switch (kem) {
    case KEM_PGP:
        return ecdh_unwrap_openpgp(plain, &c->key, value);
    case KEM_CMS:
        return ecdh_unwrap_cms(plain, &c->key, value);
    default:
        return point_for_client(key->algorithm.curve, plain, value);
    }
}

/* (5:valueN:...) */
static gpg_error_t send_value(assuan_context_t assuan, const struct secret *value)
{
    struct secret reply = { 0 };
    char head[24];
    int head_len = snprintf(head, sizeof head, "(5:value%zu:", value->len);
    gpg_error_t err = secret_new(&reply, (size_t)head_len + value->len + 1);

    if (err)
        return err;
    memcpy(reply.data, head, (size_t)head_len);
    memcpy(reply.data + head_len, value->data, value->len);
    reply.data[reply.len - 1] = ')';
    assuan_begin_confidential(assuan);
    err = assuan_send_data(assuan, reply.data, reply.len);
    assuan_end_confidential(assuan);
    secret_free(&reply);
    return err;
}

static gpg_error_t decrypt_on_card(struct request *request, struct card *card,
                                   const struct public_key *key,
                                   const struct ciphertext *ciphertext, enum kem kem,
                                   struct secret *value)
{
    struct buffer data = BUFFER(LC_SHORT_MAX + RSA_OCTETS_MAX);
    struct secret plain = { 0 };
    gpg_error_t err = encode_for_key(ciphertext, key, &data);

    if (!err)
        err = request_decrypt(request, card, key, buffer_view(&data), &plain);
    if (!err) {
        err = value_for_client(ciphertext, kem, key, &plain, value);
        if (err && card_look_again(card))
            err = gpg_error(GPG_ERR_WRONG_CARD);
    }
    secret_free(&plain);
    buffer_free(&data);
    return err;
}

/* As absence_wait, for the tokens that are known to hold the client's key. */
static gpg_error_t await_token(struct absence *absence, gpg_error_t err)
{
    const struct session *session = absence->request->session;
    struct known_token *tokens = NULL;
    size_t kept = 0, count = 0;
    enum slot slot;

    if (cards_absent_tokens(session->agent->cards, &tokens, &count))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (known_token_find(&tokens[i], session->keygrip, &slot) && slot == SLOT_DECRYPT)
            tokens[kept++] = tokens[i];
    }
    err = absence_wait(absence, err, &(struct wanted_tokens){ .token = tokens, .count = kept });
    free(tokens);
    return err;
}

/* *again: this card cannot serve, or another one has come. */
static gpg_error_t try_to_decrypt(struct absence *absence, const struct ciphertext *ciphertext,
                                  enum kem kem, struct secret *value, bool *again)
{
    struct session *session = absence->request->session;
    struct card *card = NULL;
    struct card_facts facts;
    enum slot slot;
    gpg_error_t err;

    err = cards_find_key_but(session->agent->cards, absence->lost, session->keygrip, &card, &slot,
                             &facts);
    if (err) {
        err = await_token(absence, err);
        *again = !err;
        return err;
    }
    if (slot != SLOT_DECRYPT)
        err = gpg_error(GPG_ERR_WRONG_KEY_USAGE);
    if (!err)
        err = decrypt_on_card(absence->request, card, &facts.key[slot].key, ciphertext, kem, value);
    *again = err && absence_is_loss(absence, card, err);
    card_unref(&card);
    return err;
}

static gpg_error_t decrypt_on_any_card(struct request *request, const struct ciphertext *ciphertext,
                                       enum kem kem, struct secret *value)
{
    struct absence absence;
    gpg_error_t err = absence_begin(&absence, request);
    bool again = !err;

    if (err)
        return err;
    while (again)
        err = try_to_decrypt(&absence, ciphertext, kem, value, &again);
    absence_end(&absence);
    return err;
}

static gpg_error_t read_kem(const char *line, enum kem *kem)
{
    const char *value;

    *kem = KEM_NONE;
    if (!line_option(line, "--kem", &value))
        return 0;
    if (strcmp(value, "PGP") == 0)
        *kem = KEM_PGP;
    else if (strcmp(value, "CMS") == 0)
        *kem = KEM_CMS;
    else /* PQC-PGP, also the default: half of such a key is in software */
        return gpg_error(GPG_ERR_UNSUPPORTED_ALGORITHM);
    return 0;
}

static gpg_error_t cmd_pkdecrypt(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    struct ciphertext ciphertext;
    struct secret value = { 0 };
    struct request request;
    enum kem kem;
    gpg_error_t err = read_kem(line, &kem);

    if (!err && !session->has_keygrip)
        err = gpg_error(GPG_ERR_NO_SECKEY);
    if (err)
        return session_error(err);
    request_begin(&request, session);
    request_set_key(&request, session->keygrip);
    err = inquire_ciphertext(assuan, kem, &ciphertext);
    if (!err)
        err = decrypt_on_any_card(&request, &ciphertext, kem, &value);
    err = request_end(&request, err);
    /* RSA: the card has taken the padding off. */
    if (!err && ciphertext.kind == CIPHERTEXT_RSA)
        err = assuan_write_status(assuan, "PADDING", "0");
    if (!err)
        err = send_value(assuan, &value);
    secret_free(&value);
    return session_answer(assuan, err);
}

/* The text is the client's own, and the prompt says so. */
static gpg_error_t cmd_get_confirmation(assuan_context_t assuan, char *line)
{
    struct session *session = session_of(assuan);
    struct buffer plain = BUFFER(ASSUAN_LINELENGTH);
    char peer[PEER_WORDS_MAX], said[200], text[PEER_WORDS_MAX + 210];
    gpg_error_t err;

    for (char *p = line; *p; p++)
        *p = *p == '+' ? ' ' : *p;
    err = inquiry_unescape(view_of(line, strlen(line)), &plain);
    if (!err && plain.len == 0)
        err = gpg_error(GPG_ERR_ASS_PARAMETER);
    if (!err) {
        text_escape(buffer_view(&plain), said, sizeof said);
        snprintf(text, sizeof text, "%s says:\n\n%s",
                 peer_describe(session->peer_pid, peer, sizeof peer), said);
        err = pin_confirm(session, text, "Yes");
    }
    buffer_free(&plain);
    return session_error(err);
}

const struct session_command session_decrypt_commands[] = {
    { "PKDECRYPT", cmd_pkdecrypt,
      "PKDECRYPT [--kem=PGP|CMS]\nOpens what INQUIRE CIPHERTEXT gives, with the key of SETKEY." },
    { "GET_CONFIRMATION", cmd_get_confirmation,
      "GET_CONFIRMATION TEXT\nShows the text, and OK when the human agrees." },
    { NULL, NULL, NULL }
};
