/* The button (UIF). */
#include "tests/token/exchange.h"

#define KEY_ON_P256                                                                                \
    "00 DB 3FFF 2C 4D 2A B8 00 7F48 02 92 20 5F48 20"                                              \
    "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433"
#define DECIPHER                                                                                   \
    "00 2A 8086 48 A6 46 7F49 43 86 41 04"                                                         \
    "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"                             \
    "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB 00"
#define SHARED "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE 9000"

struct finger {
    int waits;
    bool touches;
};

static bool wait_for_finger(void *context)
{
    struct finger *finger = context;

    finger->waits++;
    return finger->touches;
}

static struct token *new_with_touch(enum token_touch touch, struct finger *finger)
{
    struct token_options o;
    struct token *t;

    token_default_options(&o);
    o.touch = touch;
    o.wait_for_touch = finger ? wait_for_finger : NULL;
    o.context = finger;
    t = exchange_new_with(&o);
    expect(t, VERIFY_ADMIN, "9000");
    expect(t, "00 DA 00C2 09 12 2A8648CE3D030107", "9000");
    expect(t, KEY_ON_P256, "9000");
    expect(t, VERIFY_OTHER, "9000");
    return t;
}

static void button_is_asked_only_where_the_flag_is_set(void **state)
{
    struct finger finger = { .touches = true };
    struct token *t = new_with_touch(TOKEN_TOUCH_MANUAL, &finger);

    (void)state;
    expect(t, "00 DA 00D6 02 0120", "9000");
    expect(t, "00 DA 00D8 02 0120", "9000");
    expect(t, DECIPHER, SHARED);
    assert_int_equal(finger.waits, 0);
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, DECIPHER, SHARED);
    assert_int_equal(finger.waits, 1);
    token_free(&t);
}

static void missing_touch_is_6600(void **state)
{
    struct finger finger = { .touches = false };
    struct token *t = new_with_touch(TOKEN_TOUCH_MANUAL, &finger);

    (void)state;
    expect(t, "00 DA 00D7 02 0220", "9000");
    expect(t, DECIPHER, "6600");
    assert_int_equal(finger.waits, 1);
    /* The PIN is still there for another try. */
    finger.touches = true;
    expect(t, DECIPHER, SHARED);
    token_free(&t);
}

/* Who may not use the key need not touch anything. */
static void button_comes_after_the_pin(void **state)
{
    struct finger finger = { .touches = true };
    struct token *t = new_with_touch(TOKEN_TOUCH_MANUAL, &finger);

    (void)state;
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, "00 20 FF82", "9000");
    expect(t, DECIPHER, "6982");
    assert_int_equal(finger.waits, 0);
    token_free(&t);
}

static void automatic_finger_and_no_finger(void **state)
{
    struct token *t = new_with_touch(TOKEN_TOUCH_AUTO, NULL);

    (void)state;
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, DECIPHER, SHARED);
    token_free(&t);
    t = new_with_touch(TOKEN_TOUCH_NEVER, NULL);
    expect(t, DECIPHER, SHARED);
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, DECIPHER, "6600");
    token_free(&t);
    t = new_with_touch(TOKEN_TOUCH_MANUAL, NULL);
    expect(t, "00 DA 00D7 02 0120", "9000");
    expect(t, DECIPHER, "6600");
    token_free(&t);
}

static void signature_without_touch_keeps_the_pin_and_the_count(void **state)
{
    struct finger finger = { .touches = false };
    struct token *t = new_with_touch(TOKEN_TOUCH_MANUAL, &finger);
    struct buffer answer = BUFFER(256);

    (void)state;
    expect(t, "00 DA 00C1 0A 16 2B06010401DA470F01", "9000");
    expect(t, "00 DA 00D6 02 0120", "9000");
    exchange_send(t, "00 47 8000 02 B600 00", &answer);
    expect(t, VERIFY_SIGN, "9000");
    expect(t, "00 2A 9E9A 01 72 00", "6600");
    expect(t, "00 20 0081", "9000");
    expect(t, "00 CA 0093 00", "000000 9000");
    buffer_free(&answer);
    token_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(button_is_asked_only_where_the_flag_is_set),
        cmocka_unit_test(missing_touch_is_6600),
        cmocka_unit_test(button_comes_after_the_pin),
        cmocka_unit_test(automatic_finger_and_no_finger),
        cmocka_unit_test(signature_without_touch_keeps_the_pin_and_the_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
