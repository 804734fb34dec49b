/* A SHA-1 that is computed beside the deciphering of what it is of.
 *
 * SHA-1 takes ten times as long as AES does, on processors that have instructions for both; so a
 * large body gets a thread that hashes one slot while the next is being deciphered. A small body
 * gets none, nor does one for which no thread can be had. Only the memory of the object is shared.
 */
#pragma once

#include "base/bytes.h"

#define SIDE_SLOT_OCTETS ((size_t)256 * 1024)
#define SHA1_OCTETS      20

struct side_digest;

gpg_error_t side_digest_open(struct side_digest **d);

/* Where the next octets go, SIDE_SLOT_OCTETS of them; stays the same until side_digest_give, and
 * what was put there until side_digest_slot. May wait until a slot is free. */
uint8_t *side_digest_slot(struct side_digest *d);

/* Hashes the first len octets of the slot. */
void side_digest_give(struct side_digest *d, size_t len);

/* The digest of all that was given, and of the last octets; nothing more can be given. */
void side_digest_finish(struct side_digest *d, struct view last, uint8_t digest[SHA1_OCTETS]);

/* Accepts NULL; wipes and clears the pointer. */
void side_digest_close(struct side_digest **d);
