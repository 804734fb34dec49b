/* The tokens that are known: those that were in while the agent runs, and those remembered in the
 * state directory from before. At most KNOWN_TOKENS_MAX; beyond that the one not seen for longest
 * is forgotten. Any thread may call; nothing here talks to a card. */
#pragma once

#include "agent/known_token.h"

#define KNOWN_TOKENS_MAX 64

struct known_tokens;

/* Reads what is in the directory, the caller's to keep; NULL: remember nothing beyond the agent's
 * end. What is wrong with the directory or a file is logged, and does not keep the agent from its
 * work. GPG_ERR_ENOMEM. */
gpg_error_t known_tokens_open(const char *directory, struct known_tokens **known);

/* Accepts NULL, clears the pointer. */
void known_tokens_close(struct known_tokens **known);

/* known_token_recall for the token whose facts these are; for one that is not known,
 * known_token_recall_keys of all others. */
void known_tokens_recall(struct known_tokens *known, struct card_facts *facts);

/* Remembers what a card has told, in the file too if it is new. May wait for the disk. */
void known_tokens_note(struct known_tokens *known, const struct card_facts *facts);

/* True when a token is known to hold this key. */
bool known_tokens_hold(struct known_tokens *known, const uint8_t keygrip[KEYGRIP_LEN]);

/* A copy of all of them, those that were in last first; the caller frees *list. GPG_ERR_ENOMEM. */
gpg_error_t known_tokens_list(struct known_tokens *known, struct known_token **list, size_t *count);

/* Forgets the token with this AID, its file too. GPG_ERR_NOT_FOUND. */
gpg_error_t known_tokens_forget(struct known_tokens *known, const uint8_t aid[AID_LEN]);
