/* The keys of gpg_vectors.h as a card answers READ PUBLIC KEY for them, and read back. */
#pragma once

#include "apdu/public_key.h"
#include "tests/unit/gpg_vectors.h"
#include "tests/unit/hex.h"

#include <stdio.h>

#define CV25519_VECTOR (GPG_ECDH_VECTORS - 1)

/* Bob's public key of RFC 7748 §6.2 */
#define X448_Q                                                                                     \
    "3EB7A829B0CD20F5BCFC0B599B6FECCF6DA4627107BDB0D4F345B43027D8B972"                             \
    "FC3E34FB4232A13CA706DCB57AEC3DAE07BDC1C67BF33609"

/* 7F49 { 86 point }, the heads written out by the length of the point (specification §7.2.14). */
static inline struct view point_answer(const char *q)
{
    static const struct {
        size_t len;
        const char *head;
    } heads[] = {
        { 32, "7F4922 8620" },      { 33, "7F4923 8621" },      { 56, "7F493A 8638" },
        { 57, "7F493B 8639" },      { 65, "7F4943 8641" },      { 97, "7F4963 8661" },
        { 129, "7F498184 868181" }, { 133, "7F498188 868185" },
    };
    char answer[512];

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (heads[i].len * 2 == strlen(q)) {
            snprintf(answer, sizeof answer, "%s%s", heads[i].head, q);
            return hex(answer);
        }
    }
    fail();
    return view_of(NULL, 0);
}

static inline struct key_algorithm ecdh_algorithm(const char *oid)
{
    return (struct key_algorithm){ .kind = KEY_ECDH, .curve = curve_by_oid(hex(oid)) };
}

static inline struct public_key point_key(const char *oid, const char *q)
{
    struct key_algorithm algorithm = ecdh_algorithm(oid);
    struct public_key key;

    assert_ok(public_key_parse(point_answer(q), &algorithm, &key));
    return key;
}

static inline struct public_key vector_key(size_t i)
{
    return point_key(gpg_ecdh_vectors[i].oid, gpg_ecdh_vectors[i].q);
}

static inline struct public_key rsa2048_key(void)
{
    struct key_algorithm algorithm = { .kind = KEY_RSA, .rsa_bits = 2048 };
    struct public_key key;
    char answer[1024];

    snprintf(answer, sizeof answer, "7F49820109 81820100 %s 8203010001", gpg_rsa2048_n);
    assert_ok(public_key_parse(hex(answer), &algorithm, &key));
    return key;
}
