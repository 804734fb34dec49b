/* One card in one slot of a CCID reader: power, protocol, commands at whatever level the reader
 * works. Used by one thread at a time, as its port. */
#pragma once

#include "ccid/atr.h"
#include "ccid/ccid_keypad.h"
#include "ccid/ccid_port.h"
#include "ccid/t1.h"

#define CCID_ATR_MAX 33 /* ISO 7816-3 §8.2.1 */

struct ccid_slot {
    struct ccid_port *port;                   /* borrowed */
    const struct ccid_descriptor *descriptor; /* borrowed */
    uint8_t index;
    enum ccid_icc icc; /* by the last answer */
    bool ready;        /* powered, its protocol agreed upon, and no exchange has failed since */
    uint8_t atr[CCID_ATR_MAX];
    size_t atr_len;
    struct t1 t1; /* at the level of TPDU */
    int block_waiting_ms;
};

void ccid_slot_init(struct ccid_slot *slot, struct ccid_port *port,
                    const struct ccid_descriptor *descriptor, uint8_t index);

/* Asks the reader for the state of the card, which slot->icc then tells. */
gpg_error_t ccid_slot_look(struct ccid_slot *slot, struct deadline deadline);

/* Brings the reader back in step if it is not, resets the card and agrees with it upon a protocol.
 * GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_EPROTONOSUPPORT when card and reader need what is not there
 * (T=0 at the level of TPDU, CRC, the level of characters), or an error of ccid_port_exchange. */
gpg_error_t ccid_slot_power_on(struct ccid_slot *slot, struct deadline deadline);
void ccid_slot_power_off(struct ccid_slot *slot, struct deadline deadline);

/* Sends a command APDU and appends the answer, whose cap bounds it. Errors are those of
 * ccid_port_exchange, GPG_ERR_CARD also for a card that is not powered, and GPG_ERR_TOO_LARGE for
 * an answer past the cap: after all of these the slot is not ready until it is powered on again. An
 * APDU that the reader does not carry is GPG_ERR_TOO_LARGE, too, and changes nothing. */
gpg_error_t ccid_slot_transmit(struct ccid_slot *slot, struct view command, struct buffer *answer,
                               struct deadline deadline);

/* ccid_secure.c: VERIFY as reader_verify_on_keypad (ccid/reader.h). */
gpg_error_t ccid_slot_verify_on_keypad(struct ccid_slot *slot, const struct ccid_keypad *keypad,
                                       const struct keypad_verify *verify, struct buffer *answer,
                                       struct deadline deadline);

/* For the files of the levels: one command to this slot. A failed one is an error: CARD_REMOVED
 * without a card, else GPG_ERR_CARD; *answer is there all the same, its status is CCID_FAILED. */
gpg_error_t ccid_slot_command(struct ccid_slot *slot, struct ccid_command *command, int silence_ms,
                              struct deadline deadline, struct ccid_answer *answer);

/* True for a command that the reader refused before the card saw anything of it. */
bool ccid_slot_refused(gpg_error_t err, const struct ccid_answer *answer);

/* Powers the card on, off before if it was on already: slot->atr is then its ATR. */
gpg_error_t ccid_slot_reset_card(struct ccid_slot *slot, struct deadline deadline);

/* ccid_apdu.c: the reader takes APDUs, short ones or in a chain of messages (CCID 1.1 §3.2.3). */
bool ccid_apdu_fits(const struct ccid_slot *slot, struct view command);
gpg_error_t ccid_apdu_transmit(struct ccid_slot *slot, struct view command, struct buffer *answer,
                               struct deadline deadline);

/* ccid_tpdu.c: the reader takes blocks of T=1 (§3.2.2). Start: parameters, then IFSD. */
gpg_error_t ccid_tpdu_start(struct ccid_slot *slot, struct atr atr, struct deadline deadline);

/* ccid_parameters.c: the reader is told, or tells, how the card is talked to; *atr is then what
 * holds. Where no speed but the default can be agreed upon the card is reset once more. */
#define CCID_T1 1 /* as bProtocolNum */
gpg_error_t ccid_tpdu_negotiate(struct ccid_slot *slot, struct atr *atr, struct deadline deadline);
