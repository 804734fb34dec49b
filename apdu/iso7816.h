/* Commands and answers as ISO 7816-4 writes them. Pure: bytes in, bytes out. */
#pragma once

#include "base/bytes.h"

/* CLA, ISO 7816-4 §5.4.1 */
#define CLA_PLAIN    0x00
#define CLA_CHAINING 0x10

/* INS, ISO 7816-4 §5.4.2 and OpenPGP card specification §7.1 */
#define INS_VERIFY              0x20
#define INS_PSO                 0x2a
#define INS_GENERATE_ASYMMETRIC 0x47
#define INS_SELECT              0xa4
#define INS_GET_RESPONSE        0xc0
#define INS_GET_DATA            0xca

/* SW1 SW2, ISO 7816-4 §5.6 and OpenPGP card specification §7.1 */
#define SW_SUCCESS                  0x9000
#define SW_TERMINATED               0x6285
#define SW_NO_TRIES_LEFT            0x63c0
#define SW_NO_TOUCH                 0x6600
#define SW_WRONG_LENGTH             0x6700
#define SW_LAST_COMMAND_EXPECTED    0x6883
#define SW_CHAINING_NOT_SUPPORTED   0x6884
#define SW_SECURITY_NOT_SATISFIED   0x6982
#define SW_AUTHENTICATION_BLOCKED   0x6983
#define SW_CONDITIONS_NOT_SATISFIED 0x6985
#define SW_NO_CURRENT_DF            0x6986
#define SW_APPLET_SELECT_FAILED     0x6999
#define SW_WRONG_DATA               0x6a80
#define SW_FUNCTION_NOT_SUPPORTED   0x6a81
#define SW_FILE_NOT_FOUND           0x6a82
#define SW_RECORD_NOT_FOUND         0x6a83
#define SW_INCORRECT_P1_P2          0x6a86
#define SW_REFERENCE_NOT_FOUND      0x6a88
#define SW_WRONG_P1_P2              0x6b00
#define SW_INS_NOT_SUPPORTED        0x6d00
#define SW_CLA_NOT_SUPPORTED        0x6e00
#define SW_UNSPECIFIED              0x6f00

/* Ne, the number of octets expected: none, or at most so many. */
#define LE_NONE      0
#define LE_SHORT_MAX 256
#define LE_MAX       65536

#define LC_SHORT_MAX 255

struct command {
    uint8_t cla, ins, p1, p2;
    struct view data; /* borrowed; at most 65535 octets */
    uint32_t le;      /* LE_NONE, or 1..65536 */
};

/* Appends the command in its short form (cases 1-4) or its extended one (2E-4E). GPG_ERR_TOO_LARGE
 * when data or le does not fit the form. A command with neither data nor le has one form only. */
gpg_error_t command_encode(const struct command *command, bool extended, struct buffer *apdu);

/* Splits an answer into data (borrowed) and SW1 SW2; GPG_ERR_CARD when it is shorter than 2 octets.
 */
gpg_error_t answer_split(struct view answer, struct view *data, uint16_t *sw);

/* What a status word means to whoever asked; 0 for 9000. The one table of it. */
gpg_error_t status_word_error(uint16_t sw);

/* True for the status words by which cards say that a data object is not there. */
bool status_word_absent(uint16_t sw);

/* True for the status words by which another application, or none, answers a command of ours. */
bool status_word_foreign(uint16_t sw);
