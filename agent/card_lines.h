/* Keys on cards as the lines of GnuPG's agent and scdaemon, and by the ids that these take. */
#pragma once

#include "agent/cards.h"

#include <assuan.h>

#define CARD_LINE_MAX 256

/* The usage of each slot's key, as scdaemon writes it. */
extern const char *const card_line_usages[SLOTS];

/* Values of KEYINFO lines: of the agent (nine fields), and of scdaemon. text has CARD_LINE_MAX.
 * Facts without a reader are those of a token that is not in. */
typedef void card_line_keyinfo(const struct card_facts *facts, enum slot slot, char *text);
card_line_keyinfo card_line_agent_keyinfo;
card_line_keyinfo card_line_scd_keyinfo;

/* Sends "S KEYINFO …", or the value as a line of data. */
gpg_error_t card_lines_send_keyinfo(assuan_context_t assuan, const struct card_facts *facts,
                                    enum slot slot, card_line_keyinfo *write, bool as_data);

/* Sends "S SERIALNO …". */
gpg_error_t card_lines_send_serial(assuan_context_t assuan, const struct card_facts *facts);

/* Sends (public-key …) as data, canonically encoded. */
gpg_error_t card_lines_send_public_key(assuan_context_t assuan, const struct public_key *key);

/* The key that an id names: a keygrip on any card, or OPENPGP.1 to .3 on the first one.
 * GPG_ERR_INV_ID; GPG_ERR_NO_OBJ for an empty slot; else as cards_find_key. */
gpg_error_t card_lines_find(struct cards *cards, const char *id, struct card_facts *facts,
                            enum slot *slot);
