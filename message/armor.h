/* ASCII armor (RFC 9580 §6), anywhere in a text: a saved mail is as good as the bare block. */
#pragma once

#include "message/stream.h"

#define ARMOR_MESSAGE     "PGP MESSAGE"
#define ARMOR_CERTIFICATE "PGP PUBLIC KEY BLOCK"

struct armor;

/* Takes over from, whose bytes are packets or a text with armor in it, and tells which by its first
 * octet (RFC 9580 §6.2 names the test). Either way *packets gives packets: those of the first block
 * with this title. The checksum is not looked at, as RFC 9580 §6.1 wants it. *a is owned by the
 * caller and outlives *packets. GPG_ERR_NO_DATA later, from *packets, when the text has no
 * block. */
gpg_error_t armor_open(struct source from, const char *title, struct armor **a,
                       struct source *packets);

/* Accepts NULL; clears the pointer. */
void armor_close(struct armor **a);
