/* The wire between card and reader, in the protocol of vpcd: frames of a two-octet big-endian
 * length and that many octets. A frame of one octet is about power and the ATR, any other is a
 * command APDU; only the ATR and commands are answered. */
#pragma once

#include "base/bytes.h"

#define FRAME_MAX 65535

/* Not connected: fd -1. */
struct link {
    int fd;
    struct buffer input;
};

enum link_frame { LINK_NOTHING, LINK_OFF, LINK_ON, LINK_RESET, LINK_ATR, LINK_COMMAND };

void link_init(struct link *link);

/* Connects to a Unix socket (PATH) or to TCP on this machine (HOST:PORT). GPG_ERR_INV_VALUE when it
 * is neither, otherwise as connect(2) fails. */
gpg_error_t link_connect(struct link *link, const char *where);
void link_close(struct link *link);

/* Reads what has come. GPG_ERR_EOF when the reader hung up. */
gpg_error_t link_receive(struct link *link);

/* Takes the first whole frame; a command's octets are appended to *command. */
enum link_frame link_next(struct link *link, struct buffer *command);

gpg_error_t link_send(struct link *link, struct view frame);
