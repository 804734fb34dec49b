/* Messages of CCID 1.1 (§6): commands to a reader, its answers, its notices. Pure. */
#pragma once

#include "ccid/ccid_descriptor.h"

/* To the reader (§6.1) */
enum ccid_command_type {
    CCID_SET_PARAMETERS = 0x61,
    CCID_ICC_POWER_ON = 0x62,
    CCID_ICC_POWER_OFF = 0x63,
    CCID_GET_SLOT_STATUS = 0x65,
    CCID_SECURE = 0x69,
    CCID_ESCAPE = 0x6b,
    CCID_GET_PARAMETERS = 0x6c,
    CCID_RESET_PARAMETERS = 0x6d,
    CCID_XFR_BLOCK = 0x6f,
    CCID_ABORT = 0x72,
    CCID_SECURE_CHERRY = 0x89, /* Cherry's own: Secure with nothing shown of the keys */
};

/* From the reader (§6.2) */
enum ccid_answer_type {
    CCID_DATA_BLOCK = 0x80,
    CCID_SLOT_STATUS = 0x81,
    CCID_PARAMETERS = 0x82,
    CCID_ESCAPE_ANSWER = 0x83,
};

/* wLevelParameter of XfrBlock and bChainParameter of DataBlock (§6.1.4, §6.2.1): which part of an
 * APDU this is. */
enum ccid_chain {
    CCID_WHOLE = 0x00,
    CCID_FIRST = 0x01,
    CCID_LAST = 0x02,
    CCID_MIDDLE = 0x03,
    CCID_GO_ON = 0x10, /* no data: the next part is expected */
};

struct ccid_command {
    enum ccid_command_type type;
    uint8_t slot;
    uint8_t seq;
    uint8_t specific[3]; /* octets 7 to 9: voltage; bBWI and wLevelParameter; protocol */
    struct view data;
};

/* Appends the message. */
gpg_error_t ccid_command_encode(const struct ccid_command *command, struct buffer *message);

/* The answer to it that tells success. */
enum ccid_answer_type ccid_answer_type_of(enum ccid_command_type type);

/* bStatus (§6.2.6) */
enum ccid_icc { CCID_ICC_ACTIVE, CCID_ICC_INACTIVE, CCID_ICC_ABSENT, CCID_ICC_UNKNOWN };
enum ccid_status { CCID_DONE, CCID_FAILED, CCID_TIME_EXTENSION, CCID_STATUS_UNKNOWN };

/* bError of a failed command; 1 to 0x7f: the offset of what the reader does not take */
#define CCID_ERROR_UNSUPPORTED   0x00
#define CCID_ERROR_FIELD_MAX     0x7f
#define CCID_ERROR_EMV           0xbb /* of some readers' own: no card of a bank */
#define CCID_ERROR_BUSY          0xe0
#define CCID_ERROR_PIN_CANCELLED 0xef
#define CCID_ERROR_PIN_TIMEOUT   0xf0
#define CCID_ERROR_OVERRUN       0xfc
#define CCID_ERROR_PARITY        0xfd
#define CCID_ERROR_MUTE          0xfe

/* bError of a time extension is a factor; Gnuk's way to say that it waits for its button. */
#define CCID_EXTENSION_TOUCH 0xff

struct ccid_answer {
    uint8_t type; /* an enum ccid_answer_type, or what the reader makes of it */
    uint8_t slot;
    uint8_t seq;
    enum ccid_icc icc;
    enum ccid_status status;
    uint8_t error;
    uint8_t specific; /* octet 9: an enum ccid_chain, the protocol, the clock */
    struct view data; /* borrowed from the message */
};

/* Octets of the whole message by its header, at most 10 + 0xffffffff; 0 while the header is not
 * whole. */
uint64_t ccid_message_len(struct view message);

/* What follows the message is ignored. GPG_ERR_INV_LENGTH when it is not whole; *r is untouched
 * then. */
gpg_error_t ccid_answer_parse(struct view message, struct ccid_answer *r);

/* Name of a bError, as CCID 1.1 table 6.2-2 has it, or of those that vendors are known to add. */
const char *ccid_error_name(uint8_t error);

/* One message of the interrupt endpoint (§6.3). */
struct ccid_notice {
    bool hardware_error;      /* else: */
    uint32_t present;         /* bit n: a card is in slot n */
    uint32_t changed;         /* bit n: it came or went */
    uint8_t slot, seq, error; /* of a hardware error */
};

/* Takes the next message off a packet of a reader with that many slots; false when there is none
 * that means something. */
bool ccid_notice_next(struct view *packet, unsigned slots, struct ccid_notice *notice);
