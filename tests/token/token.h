/* The virtual OpenPGP card, version 3.4: command in, answer out. No transport, no clock, no file.
 *
 * What it does is "Functional Specification of the OpenPGP application on ISO Smart Card Operating
 * Systems", version 3.4.1; it protects nothing and is for tests, demos and developers. */
#pragma once

#include "base/bytes.h"
#include "tests/token/profiles/profile.h"

#define TOKEN_ANSWER_MAX 65538        /* data and SW1 SW2 */
#define TOKEN_STATE_MAX  (256 * 1024) /* what token_save writes */

struct token;

enum token_touch { TOKEN_TOUCH_AUTO, TOKEN_TOUCH_MANUAL, TOKEN_TOUCH_NEVER };

/* The profile, and what a command line may change of it. */
struct token_options {
    const struct token_profile *profile;
    uint32_t serial;       /* last four octets of the AID's serial number */
    uint16_t manufacturer; /* 0xFF00..0xFFFE: unmanaged (specification §4.2.1) */
    /* Not announced in 5F52 and 7F66 either, when the profile has them and the card has not: */
    bool extended_length;
    bool command_chaining;
    bool get_response;         /* answers beyond Le come in parts with 61xx */
    bool button;               /* DO 7F74 and D6-D8 are there */
    bool outer_tags;           /* all constructed objects are answered with tag and length */
    bool other_application;    /* a PIV application can be selected beside; it does nothing else */
    uint8_t yubico_version[3]; /* answer to Yubico's GET VERSION (INS F1); 0.0.0: unknown INS */
    bool generate_rsa;         /* otherwise RSA keys can only be imported */
    enum token_touch touch;    /* what happens when an operation wants a touch */
    /* Waits for a touch with TOKEN_TOUCH_MANUAL; true when touched, false when time ran out. */
    bool (*wait_for_touch)(void *context);
    void *context;
};

/* A device as it leaves the factory, with serial number 1; the generic one. */
void token_profile_options(struct token_options *options, const struct token_profile *profile);
void token_default_options(struct token_options *options);
/* secret_init_library (base/secret.h) comes first, once. */
gpg_error_t token_new(const struct token_options *options, struct token **r_token);
void token_free(struct token **token);

/* Answer to reset. */
struct view token_atr(const struct token *token);

/* Power on or reset: no application selected, no PIN verified, no chain begun. */
void token_reset(struct token *token);

/* One command APDU. The answer always ends with SW1 SW2; its old content is dropped. */
void token_command(struct token *token, struct view command, struct buffer *answer);

/* Writes everything the card keeps without power; reads it back (GPG_ERR_BAD_DATA: *token as it
 * was). The format is text, one "name value" line each. */
gpg_error_t token_save(const struct token *token, struct buffer *state);
gpg_error_t token_load(struct token *token, struct view state);

/* Sets the first octet of D6, D7 or D8 for slot 0, 1 or 2 (sign, decrypt, authenticate): 0 off, 1
 * on, 2 on until a factory reset. False on a card without a button. */
bool token_set_touch(struct token *token, unsigned int slot, uint8_t mode);

/* Loads the keys of an unprotected OpenPGP transferable secret key (armored or binary) into the
 * slots by their flags: sign, encrypt, authenticate; the newest of each. GPG_ERR_NO_SECKEY when
 * none fits, GPG_ERR_BAD_PASSPHRASE when it is protected, GPG_ERR_BAD_DATA when it is no key. */
gpg_error_t token_import(struct token *token, struct view key);
