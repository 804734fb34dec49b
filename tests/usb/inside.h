/* The inside of a device: what the files of this folder share that make it up. */
#pragma once

#include "tests/usb/device.h"

#define PACKET_MAX     512
#define MESSAGE_HEADER 10    /* CCID 1.1 §6 */
#define MESSAGE_MAX    65564 /* the largest that any device announces, and some more */

/* CCID 1.1 §6.1 and §6.2 */
enum message_type {
    TO_SET_PARAMETERS = 0x61,
    TO_POWER_ON = 0x62,
    TO_POWER_OFF = 0x63,
    TO_SLOT_STATUS = 0x65,
    TO_SECURE = 0x69,
    TO_ESCAPE = 0x6B,
    TO_GET_PARAMETERS = 0x6C,
    TO_RESET_PARAMETERS = 0x6D,
    TO_BLOCK = 0x6F,
    TO_ABORT = 0x72,
    TO_SECURE_CHERRY = 0x89,
    FROM_BLOCK = 0x80,
    FROM_STATUS = 0x81,
    FROM_PARAMETERS = 0x82,
    FROM_ESCAPE = 0x83,
};

/* bStatus and bError, §6.2.6 */
enum { ICC_ACTIVE, ICC_INACTIVE, ICC_ABSENT, COMMAND_FAILED = 0x40, COMMAND_EXTENDED = 0x80 };
enum {
    ERROR_BAD_LENGTH = 1,
    ERROR_BAD_SLOT = 5,
    ERROR_EMV = 0xBB,
    ERROR_MUTE = 0xFE,
    ERROR_CANCELLED = 0xEF,
    ERROR_TIMEOUT = 0xF0
};

struct packet {
    struct packet *next;
    int64_t ready_ms;
    size_t len;
    uint8_t data[PACKET_MAX];
};

struct queue {
    struct packet *first, *last;
};

struct message {
    uint8_t type, slot, sequence;
    uint8_t specific[3];
    struct view data;
};

struct usb_device {
    const struct usb_model *model;
    const struct usb_card *card;
    bool gone, halted_in, halted_out, babble;
    struct queue in, interrupt;
    struct usb_counts counts;
    const char *complaint;

    bool present, powered;
    struct view atr; /* of the card since power came, borrowed */
    uint8_t parameters[7];
    uint8_t protocol;                /* that the reader speaks with the card */
    uint8_t negotiated, smaller_ifs; /* what it comes to by itself: T=0 or 1; 0: the card's own */
    uint8_t speed;                   /* at which the card listens, as TA1 */
    struct t1_card t1;
    struct buffer command; /* of an extended APDU that comes in parts */
    bool command_goes_on;
    struct buffer answer; /* of one that goes out in parts */
    size_t answer_at;
    bool answer_goes_on;
    int abort_sequence; /* of a control request; -1 */

    int64_t now_ms, busy_ms, slow_ms, touch_ms, extension_ms;
    bool touch_hint;
    const char *pin;
    int64_t typing_ms;
    bool typing; /* fingers are on the keypad, until: */
    int64_t typed_ms;
    struct message secure; /* that they are waited for; its data is the next */
    struct buffer secure_body;
    bool emv;         /* cards of banks alone, until: escape 1F 01 */
    bool case_one;    /* the reader was told that a template is a bare header */
    bool hides_tries; /* and to send no VERIFY without a PIN */
    enum zlp zlp;
    bool zlp_owed;
    struct usb_fault fault;
    unsigned int messages;
    enum usb_fault_kind endless;
    uint8_t pattern[MESSAGE_HEADER]; /* of an endless answer */
};

/* messages.c: what a whole message does. */
void message_take(struct usb_device *d, struct view octets);
void message_power_off(struct usb_device *d);
void message_answer(struct usb_device *d, const struct message *to, uint8_t type, uint8_t status,
                    uint8_t error, uint8_t specific, struct view data);

/* blocks.c: XfrBlock, by the level of exchange; secure.c: Secure. */
void block_take(struct usb_device *d, const struct message *m);
/* Time extensions for so long. */
void block_extend(struct usb_device *d, const struct message *m, int64_t ms, uint8_t error);
void block_run(struct usb_device *d, const struct message *m, struct view apdu);
void secure_take(struct usb_device *d, const struct message *m);
void secure_escape(struct usb_device *d, struct view escape);
/* What has been typed by now. */
void secure_go_on(struct usb_device *d);

/* faults.c: puts an answer in the queue, or what becomes of it. */
void fault_send(struct usb_device *d, struct view octets);
bool fault_strikes(const struct usb_device *d, enum usb_fault_kind kind);
/* The next of an answer without end, at this time. */
void fault_go_on(struct usb_device *d);

/* packets.c: an answer as packets that are ready after so much more time, with the empty one that
 * it may need. */
void packets_send(struct usb_device *d, struct view octets, int64_t after_ms);
void packets_add(struct queue *q, struct view octets, int64_t ready_ms);
void packets_drop(struct queue *q);
enum usb_status packets_take(struct queue *q, size_t packet, uint8_t *data, size_t size,
                             size_t *filled, int64_t now_ms);

void device_complain(struct usb_device *d, const char *what);
