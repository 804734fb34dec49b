/* DO 6E of whatever card. */
#include "apdu/application_data.h"
#include "tests/fuzz/fuzz.h"

static void check_slot(const struct slot_data *slot)
{
    char name[ALGORITHM_NAME_MAX];
    const struct key_algorithm *a = &slot->algorithm;

    FUZZ_CHECK(slot->touch <= TOUCH_CACHED_FIXED);
    FUZZ_CHECK((a->kind == KEY_RSA) == (a->rsa_bits != 0));
    FUZZ_CHECK((a->kind == KEY_ECDH || a->kind == KEY_ECDSA || a->kind == KEY_EDDSA) ==
               (a->curve != NULL));
    FUZZ_CHECK(a->rsa_bits <= RSA_BITS_MAX);
    FUZZ_CHECK(strlen(algorithm_name(a, name)) < ALGORITHM_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct application_data d;

    fuzz_mark(&d, sizeof d);
    if (application_data_parse(view_of(data, size), &d)) {
        FUZZ_CHECK(fuzz_marked(&d, sizeof d));
        return 0;
    }
    FUZZ_CHECK(size >= 2 + AID_LEN + 2 + 7);
    FUZZ_CHECK(memcmp(d.aid, application_id, APPLICATION_ID_LEN) == 0);
    FUZZ_CHECK(d.manufacturer == (d.aid[8] << 8 | d.aid[9]));
    FUZZ_CHECK(d.pw.pw1_max <= 127 && d.pw.pw3_max <= 127);
    manufacturer_name(d.manufacturer);
    for (int i = 0; i < SLOTS; i++)
        check_slot(&d.slot[i]);
    return 0;
}
