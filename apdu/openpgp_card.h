/* The OpenPGP application on a card (OpenPGP card specification 3.4.1, §7): the commands that
 * Cardea needs, each one command to the card unless said otherwise. The caller holds the reader's
 * transaction.
 *
 * Errors are the reader's (ccid/reader.h), those of status_word_error, and what each call names. */
#pragma once

#include "apdu/application_data.h"
#include "apdu/channel.h"
#include "apdu/kdf_do.h"
#include "apdu/public_key.h"
#include "apdu/quirks.h"

/* Data objects that are read on their own, §4.4 */
#define DO_LOGIN            0x005e
#define DO_CARDHOLDER       0x0065
#define DO_APPLICATION_DATA 0x006e
#define DO_SECURITY_SUPPORT 0x007a
#define DO_PW_STATUS        0x00c4
#define DO_UIF_DECRYPT      0x00d7
#define DO_KDF              0x00f9
#define DO_PRIVATE_1        0x0101 /* private use, readable by anybody as DO 0102 */
#define DO_PRIVATE_2        0x0102
#define DO_URL              0x5f50

/* and what stands in them */
#define DO_NAME              0x5b   /* in DO 65 */
#define DO_LANGUAGE          0x5f2d /* in DO 65 */
#define DO_SEX               0x5f35 /* in DO 65 */
#define DO_SIGNATURE_COUNTER 0x93   /* in DO 7A */

struct openpgp_card {
    struct channel channel;
    struct application_data data; /* as last read */
    unsigned data_commands;       /* that the last reading took */
    struct quirks quirks;
    bool touch_read; /* on its own, on cards whose 6E does not tell */
    enum touch_policy touch;
};

/* Begins with a card just connected. Its ATR tells how the first answers may be asked for; DO 5F52
 * decides once it is read. */
void openpgp_card_init(struct openpgp_card *card, struct reader *reader);

/* SELECT. GPG_ERR_OBJ_TERM_STATE on a terminated card, GPG_ERR_ENOENT when there is no OpenPGP
 * application. */
gpg_error_t openpgp_card_select(struct openpgp_card *card);

/* Reads DO 6E into card->data. GPG_ERR_ENOENT when another application answered. Once after
 * openpgp_card_init, on cards whose 6E does not tell, one more command reads the touch policy. */
gpg_error_t openpgp_card_read_data(struct openpgp_card *card);

/* Reads a data object as the card gives it. GPG_ERR_NO_OBJ when it is not there. */
gpg_error_t openpgp_card_get_data(struct openpgp_card *card, uint16_t tag, struct buffer *value);

/* Reads DO F9 if the card has such (else no command is sent). After any error send no PIN:
 * GPG_ERR_UNSUPPORTED_PROTOCOL, and GPG_ERR_ENOENT when another application answered. */
gpg_error_t openpgp_card_read_kdf(struct openpgp_card *card, struct kdf_do *kdf);

/* READ PUBLIC KEY of a slot. GPG_ERR_NO_OBJ for an empty slot, GPG_ERR_BAD_PUBKEY, and
 * GPG_ERR_PUBKEY_ALGO (without a command) for an algorithm that we do not know. */
gpg_error_t openpgp_card_read_public_key(struct openpgp_card *card, enum slot slot,
                                         struct public_key *key);

/* VERIFY with PIN data as kdf_do_apply made it. The only place that sends a PIN; one that
 * is typed at the reader does not come through here: the next.
 * GPG_ERR_BAD_PIN, GPG_ERR_PIN_BLOCKED. */
gpg_error_t openpgp_card_verify(struct openpgp_card *card, enum password which,
                                const struct secret *sent);

/* VERIFY with a PIN that is typed on the reader's keypad, as it is: not for cards with an active
 * KDF. `what` says all but the header. GPG_ERR_BAD_PIN also when the reader refused its length, and
 * as reader_verify_on_keypad. */
gpg_error_t openpgp_card_verify_on_keypad(struct openpgp_card *card, enum password which,
                                          struct keypad_verify what);

/* VERIFY with P1 = FF, which drops the verified state (since version 3.1, and not on every card):
 * GPG_ERR_NOT_SUPPORTED then, and no command where that is known. */
gpg_error_t openpgp_card_forget_verification(struct openpgp_card *card, enum password which);

/* PSO:DECIPHER with the decryption key, after one command without effect on cards that would miss
 * the touch; data and result as apdu/decipher.h. *r_sw is the card's own
 * word for the caller who must tell a lost PIN state from bad data; 0 when there is none. */
gpg_error_t openpgp_card_decipher(struct openpgp_card *card, const struct public_key *key,
                                  struct view data, struct secret *plain, uint16_t *r_sw);
