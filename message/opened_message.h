/* What message.c has read of a message when message_decrypt.c goes on with its body. */
#pragma once

#include "message/armor.h"
#include "message/message.h"

enum body_kind { BODY_UNPROTECTED, BODY_SEIPD1, BODY_SEIPD2, BODY_PACKET_20 };

struct message {
    struct armor *armor;
    struct input packets;
    struct pkesk *pkesks;
    size_t pkesk_count, pkesk_size;
    size_t passphrases;
    bool encrypted_seen; /* a packet that stands before an encrypted body */
    bool decrypted;
    enum body_kind kind;
    struct packet body;
    struct input encrypted;  /* the body behind its header */
    struct aead_header aead; /* BODY_SEIPD2, BODY_PACKET_20 */
};
