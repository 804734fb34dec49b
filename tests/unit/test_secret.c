#include "base/secret.h"
#include "tests/unit/cmocka_all.h"

#include <gcrypt.h>

static int init_library(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

static void secrets_live_in_secure_memory(void **state)
{
    struct secret s = { 0 };

    (void)state;
    assert_int_equal(secret_copy(&s, view_of("123456", 6)), 0);
    assert_true(gcry_is_secure(s.data));
    assert_memory_equal(s.data, "123456", 6);
    secret_free(&s);
    assert_null(s.data);
    secret_free(&s);
}

static void moving_leaves_one_owner(void **state)
{
    struct secret a = { 0 };
    struct secret b = { 0 };

    (void)state;
    assert_int_equal(secret_copy(&a, view_of("old", 3)), 0);
    assert_int_equal(secret_copy(&b, view_of("new!", 4)), 0);
    secret_move(&a, &b);
    assert_int_equal(a.len, 4);
    assert_null(b.data);
    secret_truncate(&a, 3);
    assert_int_equal(a.len, 3);
    assert_int_equal(a.data[3], 0);
    secret_free(&a);
}

static void comparison_is_of_whole_strings(void **state)
{
    (void)state;
    assert_true(secret_equal(view_of("abc", 3), view_of("abc", 3)));
    assert_false(secret_equal(view_of("abc", 3), view_of("abd", 3)));
    assert_false(secret_equal(view_of("abc", 3), view_of("ab", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_live_in_secure_memory),
        cmocka_unit_test(moving_leaves_one_owner),
        cmocka_unit_test(comparison_is_of_whole_strings),
    };

    return cmocka_run_group_tests(tests, init_library, NULL);
}
