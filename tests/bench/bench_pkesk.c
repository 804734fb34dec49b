/* How many PKESK packets of an ECDH key a second are read and opened, without a card: parsing, the
 * search for the key's parameters (all nine pairs, for none fits), derivation and unwrapping, which
 * fails only at its very end. */
#include "message/ecdh_parameters.h"
#include "message/session_key.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const uint8_t curve25519[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static gpg_error_t open_one(struct view body, const struct secret *z)
{
    static const uint8_t fingerprint[FINGERPRINT_OCTETS_V4], point[32] = { 9 };
    struct recipient recipient = { .version = 4,
                                   .fingerprint = view_of(fingerprint, sizeof fingerprint),
                                   .oid = view_of(curve25519, sizeof curve25519),
                                   .point = view_of(point, sizeof point),
                                   .kdf_hash = 8,
                                   .kdf_cipher = 7 };
    struct ecdh_parameters found;
    struct session_key key = { 0 };
    struct pkesk p;
    gpg_error_t err = pkesk_parse(body, &p);

    if (err)
        return err;
    if (!ecdh_parameters_find(1, recipient.oid, recipient.point, fingerprint, &found))
        return gpg_error(GPG_ERR_BUG);
    err = session_key_open(&p, &recipient, z, &key);
    session_key_free(&key);
    return gpg_err_code(err) == GPG_ERR_DECRYPT_FAILED ? 0 : gpg_error(GPG_ERR_BUG);
}

int main(void)
{
    uint8_t body[10 + 2 + 33 + 1 + 48] = {
        3, 1, 2, 3, 4, 5, 6, 7, 8, ALGORITHM_ECDH, 1, 7, 0x40, 9
    };
    struct secret z = { 0 };
    double begun, taken;
    unsigned count = 0;
    gpg_error_t err;

    body[10 + 2 + 33] = 48;
    err = secret_init_library();
    if (!err)
        err = secret_new(&z, 32);
    begun = now();
    do {
        for (int i = 0; i < 1000 && !err; i++, count++)
            err = open_one(view_of(body, sizeof body), &z);
        taken = now() - begun;
    } while (!err && taken < 1);
    secret_free(&z);
    if (err) {
        fprintf(stderr, "bench_pkesk: %s\n", gpg_strerror(err));
        return 1;
    }
    printf("%.0f\n", count / taken);
    return 0;
}
