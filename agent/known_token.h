/* What is known for good of a token that was in once: public facts, never secrets, and their form
 * in a file. Pure.
 *
 * The form is lines of text, the last of them "end":
 *
 *   cardea-token 1
 *   aid D2760001240103040006123456780000
 *   holder Alice Example
 *   key SLOT ATTRIBUTES FINGERPRINT CREATED TOUCH KEYGRIP OBJECT
 *
 * ATTRIBUTES are those of DO C1 to C3 and OBJECT is the public key as DO 7F49, both in hex and both
 * "-" where they are not known. */
#pragma once

#include "agent/card.h"

#define KNOWN_TOKEN_TEXT_MAX 8192
#define KNOWN_TOKEN_VERSION  1

struct known_token {
    struct card_facts facts; /* but for the reader and what passes: capabilities, tries */
};

/* Keeps what is lasting of the facts, which must have been read. */
void known_token_from_facts(const struct card_facts *facts, struct known_token *token);

/* True when it holds any key. */
bool known_token_has_keys(const struct known_token *token);

/* The slot whose key has this keygrip; false when none is known to. */
bool known_token_find(const struct known_token *token, const uint8_t *keygrip, enum slot *slot);

/* Fills in what the card has not told in `facts`: its holder, and in slots that are not read the
 * keys that are known of the same token, as far as the card itself vouches for them: fingerprint,
 * time of creation and algorithm are those that it has now, and the fingerprint is that of the key
 * (RFC 9580 §5.5.4.2).
 *
 * A fingerprint on a card is what some program wrote there. One that is all zero, or that is not
 * the key's own, says nothing, and the key is read from the card. What remains is a program that
 * makes a new key and leaves the old key's fingerprint: until something reads the card anew, its
 * new key is taken for the old one, and what is encrypted to either fails to decrypt. The PIN is
 * not concerned: it goes by the AID. Keys on signing curves are always read. */
void known_token_recall(const struct known_token *token, struct card_facts *facts);

/* The keys alone, whichever token they are known of: a backup that was never in holds the same, and
 * its card vouches for them in the same way. Not for a token that is known itself: what was read
 * from it goes before what is written on it. */
void known_token_recall_keys(const struct known_token *token, struct card_facts *facts);

/* The holder and the keys that the card has not told this time, from what was known before. */
void known_token_inherit(struct known_token *token, const struct known_token *before);

/* GPG_ERR_TOO_LARGE, GPG_ERR_ENOMEM. */
gpg_error_t known_token_write(const struct known_token *token, struct buffer *text);

/* Reads what known_token_write wrote. GPG_ERR_UNKNOWN_VERSION for the form of another version,
 * GPG_ERR_BAD_DATA for anything else, a text without its end among it. */
gpg_error_t known_token_parse(struct view text, struct known_token *token);
