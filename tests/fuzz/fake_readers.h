/* ccid/reader.h itself, for targets above it: one reader that holds the virtual token with two
 * keys, and whose faults are written down beforehand. Linked before cardea_ccid it takes the place
 * of ccid/reader.c.
 *
 * Its decryption key has the keygrip C6FBD50B51B185A75048ECC8493E16702F07A1AA, as the seeds know.
 * PSO:DECIPHER always gives the same, for speed. */
#pragma once

#include "tests/fuzz/fuzz.h"

struct fake_readers {
    /* One octet for each command, as it comes: 00 all is well; 01 to 07 an error of the reader;
     * 08 and n the next 2n octets, then 9000; 60 and on the first octet of a status word, of which
     * the next one is the second. At its end all is well. */
    struct view faults;
    unsigned pins_sent; /* VERIFYs with a PIN */
    unsigned pins_taken;
    unsigned connected; /* readers that are */
};

extern struct fake_readers fake_readers;

/* A card as after insertion, its PIN with three tries. */
void fake_readers_begin(struct view faults);
