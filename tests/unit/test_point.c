#include "apdu/point.h"
#include "tests/unit/gpg_keys.h"

#define P256      "2A8648CE3D030107"
#define SECP256K1 "2B8104000A"
#define CV25519   "2B060104019755010501"

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

static const struct curve *curve_of(const char *oid)
{
    const struct curve *curve = curve_by_oid(hex(oid));

    assert_non_null(curve);
    return curve;
}

static void keys_and_ephemeral_points_lie_on_their_curves(void **state)
{
    (void)state;
    for (size_t i = 0; i < CV25519_VECTOR; i++) {
        const struct curve *curve = curve_of(gpg_ecdh_vectors[i].oid);

        assert_ok(point_check(curve, hex(gpg_ecdh_vectors[i].q)));
        assert_ok(point_check(curve, hex(gpg_ecdh_vectors[i].e)));
    }
}

static void points_off_the_curve_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CV25519_VECTOR; i++) {
        const struct curve *curve = curve_of(gpg_ecdh_vectors[i].oid);
        struct view q = hex(gpg_ecdh_vectors[i].q);
        uint8_t *copy = exact_copy(q);

        copy[q.len - 1] ^= 1;
        assert_err(point_check(curve, view_of(copy, q.len)), GPG_ERR_INV_DATA);
        copy[q.len - 1] ^= 1;
        copy[curve->field_octets] ^= 1;
        assert_err(point_check(curve, view_of(copy, q.len)), GPG_ERR_INV_DATA);
        copy[curve->field_octets] ^= 1;
        copy[0] = 0x06; /* hybrid form */
        assert_err(point_check(curve, view_of(copy, q.len)), GPG_ERR_INV_DATA);
        memset(copy + 1, 0, q.len - 1);
        copy[0] = 0x04;
        assert_err(point_check(curve, view_of(copy, q.len)), GPG_ERR_INV_DATA);
        memset(copy + 1, 0xff, q.len - 1);
        assert_err(point_check(curve, view_of(copy, q.len)), GPG_ERR_INV_DATA);
        free(copy);
    }
    assert_err(point_check(curve_of(P256), hex(gpg_ecdh_vectors[3].q)), GPG_ERR_INV_DATA);
}

/* P-256 has a point with x = 5, secp256k1 one with x = 1 (computed in Python from the curve
 * equations); x + p is the same number modulo p, but no coordinate (SEC 1 §3.2.2.1). */
static void coordinates_are_below_the_prime(void **state)
{
    static const char y5[] = "459243B9AA581806FE913BCE99817ADE11CA503C64D9A3C533415C083248FBCC";
    static const char y1[] = "4218F20AE6C646B363DB68605822FB14264CA8D2587FDD6FBC750D587E76A7EE";
    char point[160];

    (void)state;
    snprintf(point, sizeof point, "04%064d%s", 5, y5);
    assert_ok(point_check(curve_of(P256), hex(point)));
    snprintf(point, sizeof point, "04%s%s",
             "FFFFFFFF00000001000000000000000000000001000000000000000000000004", y5);
    assert_err(point_check(curve_of(P256), hex(point)), GPG_ERR_INV_DATA);
    snprintf(point, sizeof point, "04%064d%s", 1, y1);
    assert_ok(point_check(curve_of(SECP256K1), hex(point)));
    snprintf(point, sizeof point, "04%s%s",
             "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC30", y1);
    assert_err(point_check(curve_of(SECP256K1), hex(point)), GPG_ERR_INV_DATA);
}

static void points_have_one_length(void **state)
{
    struct view q = hex(gpg_ecdh_vectors[0].q);
    char longer[160];

    (void)state;
    assert_err(point_check(curve_of(P256), view_of(q.data, 64)), GPG_ERR_INV_DATA);
    assert_err(point_check(curve_of(P256), view_of(q.data, 1)), GPG_ERR_INV_DATA);
    assert_err(point_check(curve_of(P256), view_of(NULL, 0)), GPG_ERR_INV_DATA);
    snprintf(longer, sizeof longer, "%s00", gpg_ecdh_vectors[0].q);
    assert_err(point_check(curve_of(P256), hex(longer)), GPG_ERR_INV_DATA);
    /* compressed */
    assert_err(point_check(curve_of(P256), view_of(hex("02").data, 1)), GPG_ERR_INV_DATA);
}

/* Every string of the right length is a coordinate (RFC 7748 §5). */
static void montgomery_coordinates_need_their_length_only(void **state)
{
    static const uint8_t zeros[57];

    (void)state;
    assert_ok(point_check(curve_of(CV25519), view_of(zeros, 32)));
    assert_err(point_check(curve_of(CV25519), view_of(zeros, 33)), GPG_ERR_INV_DATA);
    assert_err(point_check(curve_of(CV25519), view_of(zeros, 31)), GPG_ERR_INV_DATA);
    assert_ok(point_check(curve_of("2B656F"), view_of(zeros, 56)));
    assert_err(point_check(curve_of("2B656F"), view_of(zeros, 57)), GPG_ERR_INV_DATA);
}

static gpg_error_t from_x(const struct curve *curve, struct view x, struct secret *point)
{
    struct secret secret_x = { 0 };
    gpg_error_t err;

    assert_ok(secret_copy(&secret_x, x));
    err = point_from_x(curve, &secret_x, point);
    secret_free(&secret_x);
    return err;
}

/* Of the two points with an x, one has an even y: gpg's point where that is so, else the other, of
 * which we know that it is on the curve and not gpg's. */
static void x_alone_gives_a_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * CV25519_VECTOR; i++) {
        const struct gpg_ecdh_vector *vector = &gpg_ecdh_vectors[i / 2];
        const struct curve *curve = curve_of(vector->oid);
        struct view q = hex(i % 2 ? vector->q : vector->e);
        size_t width = curve->field_octets;
        struct secret point = { 0 };

        assert_ok(from_x(curve, view_of(q.data + 1, width), &point));
        assert_int_equal(point.len, q.len);
        assert_ok(point_check(curve, secret_view(&point)));
        assert_memory_equal(point.data, q.data, 1 + width);
        assert_int_equal(point.data[q.len - 1] & 1, 0);
        if (!(q.data[q.len - 1] & 1))
            assert_memory_equal(point.data, q.data, q.len);
        secret_free(&point);
    }
}

/* P-256, computed in Python from the curve equation: x = 0 and x = 5 have points, x = 1 has none;
 * the third has a y that begins with a zero octet. */
static void small_coordinates_keep_their_width(void **state)
{
    struct secret point = { 0 };
    char x[72];

    (void)state;
    snprintf(x, sizeof x, "%064d", 0);
    assert_ok(from_x(curve_of(P256), hex(x), &point));
    assert_octets(secret_view(&point),
                  "040000000000000000000000000000000000000000000000000000000000000000"
                  "66485C780E2F83D72433BD5D84A06BB6541C2AF31DAE871728BF856A174F93F4");
    snprintf(x, sizeof x, "%064d", 5);
    assert_ok(from_x(curve_of(P256), hex(x), &point));
    assert_octets(secret_view(&point),
                  "040000000000000000000000000000000000000000000000000000000000000005"
                  "459243B9AA581806FE913BCE99817ADE11CA503C64D9A3C533415C083248FBCC");
    assert_ok(from_x(curve_of(P256), hex("00{30} 022E"), &point));
    assert_octets(secret_view(&point),
                  "04 00{30} 022E"
                  "00BA8286F104C2CED09146A9EACBCF5DD6B912B28CBB54DCC04FAFE15F32445A");
    snprintf(x, sizeof x, "%064d", 1);
    assert_err(from_x(curve_of(P256), hex(x), &point), GPG_ERR_INV_DATA);
    assert_int_equal(point.len, 65); /* untouched */
    assert_err(from_x(curve_of(P256), hex("05"), &point), GPG_ERR_INV_DATA);
    assert_err(from_x(curve_of(CV25519), hex("09 00{31}"), &point), GPG_ERR_INV_DATA);
    secret_free(&point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_ephemeral_points_lie_on_their_curves),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(coordinates_are_below_the_prime),
        cmocka_unit_test(points_have_one_length),
        cmocka_unit_test(montgomery_coordinates_need_their_length_only),
        cmocka_unit_test(x_alone_gives_a_point),
        cmocka_unit_test(small_coordinates_keep_their_width),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
