#include "apdu/decipher.h"
#include "apdu/openpgp_card.h"
#include "tests/unit/card_shapes.h"
#include "tests/unit/gpg_keys.h"
#include "tests/unit/scripted_reader.h"

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

#define ATR_GNUK     "3BDA11FF81B1FE551F0300318473800180059000E1"
#define ATR_CANOKEY  "3BF71100008131FE6543616E6F6B657999"
#define ATR_YUBIKEY4 "3BF81300008131FE15597562696B657934D4"
#define ATR_SMARTPGP "3BDA18FF81B1FE751F030031F573C001C0009000BC"

struct fixture {
    struct scripted_reader reader;
    struct openpgp_card card;
};

static void begin(struct fixture *f, const char *atr, const struct exchange *script, size_t count)
{
    struct view octets = hex(atr);

    scripted_reader(&f->reader, script, count);
    memcpy(f->reader.reader.atr, octets.data, octets.len);
    f->reader.reader.atr_len = octets.len;
    openpgp_card_init(&f->card, &f->reader.reader);
}

/* A card whose data was read already. */
static void begin_with(struct fixture *f, const char *shape, const struct exchange *script,
                       size_t count)
{
    begin(f, ATR_CANOKEY, script, count);
    assert_ok(application_data_parse(hex(shape), &f->card.data));
    f->card.channel.extended = f->card.data.card.extended_length;
    f->card.channel.chaining = f->card.data.card.chaining;
    f->card.channel.command_max = f->card.data.command_max;
}

static struct exchange says_shape(const char *command, const char *shape)
{
    static char answer[2048];

    snprintf(answer, sizeof answer, "%s 9000", shape);
    return (struct exchange)SAYS(command, answer);
}

static void answer_to_reset_hints_at_the_channel(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, ATR_GNUK, NULL, 0);
    assert_false(f.card.channel.extended);
    assert_true(f.card.channel.chaining);
    begin(&f, ATR_SMARTPGP, NULL, 0);
    assert_true(f.card.channel.extended);
    begin(&f, ATR_CANOKEY, NULL, 0);
    assert_true(f.card.channel.extended);
    assert_false(f.card.channel.chaining);
    begin(&f, ATR_YUBIKEY4, NULL, 0);
    assert_false(f.card.channel.extended);
    assert_false(f.card.channel.chaining);
}

/* Who only looks like a CanoKey, and its reader, are asked as others are, at once or the next
 * time. */
static void wrong_guess_costs_one_command(void **state)
{
    const struct exchange refused[] = { SAYS("00CA006E000000", "6700"),
                                        says_shape("00CA006E00", shape_gnuk) };
    const struct exchange failed[] = { { .command = "00CA006E000000", .err = GPG_ERR_CARD } };
    struct fixture f;

    (void)state;
    begin(&f, ATR_CANOKEY, SCRIPT(refused));
    assert_err(openpgp_card_read_data(&f.card), GPG_ERR_NO_ERROR);
    assert_false(f.card.channel.extended);
    scripted_reader_done(&f.reader);
    begin(&f, ATR_CANOKEY, SCRIPT(failed));
    assert_err(openpgp_card_read_data(&f.card), GPG_ERR_CARD);
    assert_true(f.card.channel.refused);
    scripted_reader_done(&f.reader);
}

/* Six octets of AID and no Le: the form that every card takes. */
static void select_tells_what_is_there(void **state)
{
    static const struct {
        const char *sw;
        gpg_err_code_t code;
    } rows[] = {
        { "9000", GPG_ERR_NO_ERROR },       { "6F00 9000", GPG_ERR_NO_ERROR },
        { "6285", GPG_ERR_OBJ_TERM_STATE }, { "6A82", GPG_ERR_ENOENT },
        { "6999", GPG_ERR_ENOENT },         { "6D00", GPG_ERR_ENOENT },
        { "6A86", GPG_ERR_ENOENT },         { "6986", GPG_ERR_ENOENT },
        { "6B00", GPG_ERR_ENOENT },         { "6E00", GPG_ERR_ENOENT },
        { "6F00", GPG_ERR_CARD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct exchange script[] = { SAYS("00A4040006D27600012401", rows[i].sw) };
        struct fixture f;

        begin(&f, ATR_SMARTPGP, SCRIPT(script));
        assert_err(openpgp_card_select(&f.card), rows[i].code);
        scripted_reader_done(&f.reader);
    }
}

static void select_fetches_what_it_does_not_read(void **state)
{
    static const struct exchange script[] = { SAYS("00A4040006D27600012401", "6114"),
                                              SAYS("00C0000014", "6F{20} 9000") };
    struct fixture f;

    (void)state;
    begin(&f, ATR_GNUK, SCRIPT(script));
    assert_ok(openpgp_card_select(&f.card));
    scripted_reader_done(&f.reader);
}

static void data_decides_what_the_answer_to_reset_hinted(void **state)
{
    const struct {
        const char *atr, *command, *shape;
        bool extended, chaining;
        size_t command_max;
    } rows[] = {
        { ATR_CANOKEY, "00CA006E000000", shape_canokey, true, false, 0x53c },
        { ATR_GNUK, "00CA006E00", shape_gnuk, false, true, 0 },
        { ATR_SMARTPGP, "00CA006E000000", shape_smartpgp, true, true, 0 },
        { ATR_SMARTPGP, "00CA006E000000", shape_neo, false, true, 0 },
        { ATR_CANOKEY, "00CA006E000000", shape_gnuk, false, true, 0 },
        { ATR_YUBIKEY4, "00CA006E00", shape_yubikey5, true, true, 0xbfe },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct exchange script[] = { says_shape(rows[i].command, rows[i].shape) };
        struct fixture f;

        begin(&f, rows[i].atr, SCRIPT(script));
        assert_ok(openpgp_card_read_data(&f.card));
        assert_int_equal(f.card.channel.extended, rows[i].extended);
        assert_int_equal(f.card.channel.chaining, rows[i].chaining);
        assert_int_equal(f.card.channel.command_max, rows[i].command_max);
        scripted_reader_done(&f.reader);
    }
}

/* 5F52 announces what a reader or card then refuses. */
static void refused_extended_length_is_remembered(void **state)
{
    const struct exchange script[] = { SAYS("00CA006E000000", "6700"),
                                       says_shape("00CA006E00", shape_smartpgp),
                                       says_shape("00CA006E00", shape_smartpgp),
                                       says_shape("00CA006E00", shape_smartpgp) };
    struct fixture f;

    (void)state;
    begin(&f, ATR_SMARTPGP, SCRIPT(script));
    for (int i = 0; i < 3; i++) {
        assert_ok(openpgp_card_read_data(&f.card));
        assert_true(f.card.data.card.extended_length);
        assert_false(f.card.channel.extended);
    }
    scripted_reader_done(&f.reader);
}

static void failed_reading_leaves_the_data_alone(void **state)
{
    static const struct {
        const char *answer;
        gpg_err_code_t code;
    } rows[] = {
        { "9000", GPG_ERR_CARD },   { "4F10 D27600 9000", GPG_ERR_CARD },
        { "6A82", GPG_ERR_ENOENT }, { "6A88", GPG_ERR_ENOENT },
        { "6986", GPG_ERR_ENOENT }, { "6E00", GPG_ERR_ENOENT },
        { "6999", GPG_ERR_ENOENT }, { "6982", GPG_ERR_CARD },
        { "6D00", GPG_ERR_ENOENT }, { "6F00", GPG_ERR_CARD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct exchange script[] = { SAYS("00CA006E00", rows[i].answer) };
        struct fixture f;

        begin(&f, ATR_GNUK, SCRIPT(script));
        f.card.data.serial = 7;
        assert_err(openpgp_card_read_data(&f.card), rows[i].code);
        assert_int_equal(f.card.data.serial, 7);
        assert_true(f.card.channel.chaining);
        scripted_reader_done(&f.reader);
    }
}

static void objects_are_given_as_the_card_gives_them(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA5F5000", "68747470 9000"), SAYS("00CA005E00", "9000"), SAYS("00CA006500", "6A88"),
        SAYS("00CA010300", "6982"),          SAYS("00CA00C400", "6B00"),
    };
    struct buffer value = BUFFER(100);
    struct fixture f;

    (void)state;
    begin(&f, ATR_GNUK, SCRIPT(script));
    assert_ok(openpgp_card_get_data(&f.card, DO_URL, &value));
    assert_octets(buffer_view(&value), "68747470");
    assert_ok(openpgp_card_get_data(&f.card, DO_LOGIN, &value));
    assert_err(openpgp_card_get_data(&f.card, DO_CARDHOLDER, &value), GPG_ERR_NO_OBJ);
    /* no PIN was sent: none is to blame */
    assert_err(openpgp_card_get_data(&f.card, 0x0103, &value), GPG_ERR_CARD);
    assert_err(openpgp_card_get_data(&f.card, DO_PW_STATUS, &value), GPG_ERR_NO_OBJ);
    assert_octets(buffer_view(&value), "68747470");
    buffer_free(&value);
    scripted_reader_done(&f.reader);
}

static void kdf_is_read_where_announced(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA00F900", "9000"),
        SAYS("00CA00F900", "810100 9000"),
        SAYS("00CA00F900", "6A88"),
        SAYS("00CA00F900", "810103 820108 8304000186A0 84083031323334353637 9000"),
        SAYS("00CA00F900", "810107 9000"),
        SAYS("00CA00F900", "6F00"),
        SAYS("00CA00F900", "6D00"),
        SAYS("00CA00F900", "6E00"),
        SAYS("00CA00F900", "6986"),
    };
    struct kdf_do kdf = { .count = 7 };
    struct fixture f;

    (void)state;
    begin_with(&f, shape_gnuk, SCRIPT(script));
    for (int i = 0; i < 3; i++) {
        kdf.active = true;
        assert_ok(openpgp_card_read_kdf(&f.card, &kdf));
        assert_false(kdf.active);
    }
    assert_ok(openpgp_card_read_kdf(&f.card, &kdf));
    assert_true(kdf.active);
    assert_err(openpgp_card_read_kdf(&f.card, &kdf), GPG_ERR_UNSUPPORTED_PROTOCOL);
    assert_err(openpgp_card_read_kdf(&f.card, &kdf), GPG_ERR_CARD);
    assert_err(openpgp_card_read_kdf(&f.card, &kdf), GPG_ERR_ENOENT);
    assert_err(openpgp_card_read_kdf(&f.card, &kdf), GPG_ERR_ENOENT);
    assert_err(openpgp_card_read_kdf(&f.card, &kdf), GPG_ERR_CARD);
    assert_true(kdf.active);
    scripted_reader_done(&f.reader);
    begin_with(&f, shape_canokey, NULL, 0);
    assert_ok(openpgp_card_read_kdf(&f.card, &kdf));
    assert_false(kdf.active);
}

static void public_keys_are_read_by_slot(void **state)
{
    char point[256], modulus[1024];
    const struct exchange script[] = {
        SAYS("0047810002B80000", point),  SAYS("0047810002B60000", point),
        SAYS("0047810002B80000", "6A88"), SAYS("0047810002B80000", "7F4900 9000"),
        SAYS("0047810002B80000", "6F00"), SAYS("0047810002A40000", modulus),
    };
    struct public_key key;
    struct fixture f;

    (void)state;
    snprintf(point, sizeof point, "7F4922 8620 %s 9000", gpg_ecdh_vectors[CV25519_VECTOR].q + 2);
    snprintf(modulus, sizeof modulus, "7F49820109 81820100 %s 8203010001 9000", gpg_rsa2048_n);
    begin_with(&f, shape_gnuk, SCRIPT(script));
    assert_ok(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key));
    assert_octets(view_of(key.keygrip, KEYGRIP_LEN), gpg_ecdh_vectors[CV25519_VECTOR].keygrip);
    assert_ok(openpgp_card_read_public_key(&f.card, SLOT_SIGN, &key));
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key), GPG_ERR_NO_OBJ);
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key), GPG_ERR_BAD_PUBKEY);
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key), GPG_ERR_CARD);
    assert_ok(openpgp_card_read_public_key(&f.card, SLOT_AUTHENTICATE, &key));
    assert_octets(view_of(key.keygrip, KEYGRIP_LEN), gpg_rsa2048_keygrip);
    f.card.data.slot[SLOT_DECRYPT].algorithm = algorithm_parse(hex("1300"));
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key), GPG_ERR_PUBKEY_ALGO);
    f.card.data.slot[SLOT_DECRYPT].algorithm = algorithm_parse(hex(""));
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key), GPG_ERR_PUBKEY_ALGO);
    scripted_reader_done(&f.reader);
}

/* Recorded from a NEO: 6F00 where there is no key. Of a slot with a key it is a fault. */
static void empty_slot_of_a_neo_is_empty(void **state)
{
    static const struct exchange script[] = { SAYS("0047810002A40000", "6F00"),
                                              SAYS("0047810002B80000", "6F00") };
    struct public_key key;
    struct fixture f;

    (void)state;
    begin_with(&f, shape_neo, SCRIPT(script));
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_AUTHENTICATE, &key), GPG_ERR_NO_OBJ);
    assert_err(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key), GPG_ERR_CARD);
    scripted_reader_done(&f.reader);
}

/* ZeitControl answers nothing else for RSA. */
static void rsa_keys_are_asked_for_in_extended_length(void **state)
{
    char modulus[1024];
    const struct exchange script[] = { SAYS("00478100000002B8000000", modulus) };
    struct public_key key;
    struct fixture f;

    (void)state;
    snprintf(modulus, sizeof modulus, "7F49820109 81820100 %s 8203010001 9000", gpg_rsa2048_n);
    begin_with(&f, shape_smartpgp, SCRIPT(script));
    assert_ok(openpgp_card_read_public_key(&f.card, SLOT_DECRYPT, &key));
    scripted_reader_done(&f.reader);
}

static gpg_error_t verify(struct fixture *f, enum password which, struct view pin)
{
    struct secret sent = { 0 };
    gpg_error_t err;

    assert_ok(secret_copy(&sent, pin));
    err = openpgp_card_verify(&f->card, which, &sent);
    secret_free(&sent);
    return err;
}

static void verify_means_what_the_card_says(void **state)
{
    static const struct {
        const char *sw;
        gpg_err_code_t code;
    } rows[] = {
        { "9000", GPG_ERR_NO_ERROR },       { "6982", GPG_ERR_BAD_PIN },
        { "63C2", GPG_ERR_BAD_PIN },        { "63C0", GPG_ERR_PIN_BLOCKED },
        { "6300", GPG_ERR_BAD_PIN },        { "6983", GPG_ERR_PIN_BLOCKED },
        { "6700", GPG_ERR_BAD_PIN },        { "6A80", GPG_ERR_BAD_PIN },
        { "6985", GPG_ERR_USE_CONDITIONS }, { "6C10", GPG_ERR_CARD },
        { "6F00", GPG_ERR_CARD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct exchange script[] = { SAYS("0020008206313233343536", rows[i].sw) };
        struct fixture f;

        begin_with(&f, shape_smartpgp, SCRIPT(script));
        assert_err(verify(&f, PASSWORD_PW1, hex("313233343536")), rows[i].code);
        /* in no case is a PIN sent a second time */
        assert_int_equal(f.reader.commands, 1);
    }
}

static void verify_names_its_password_and_never_goes_empty(void **state)
{
    static const struct exchange script[] = {
        SAYS("0020008101 31", "9000"),
        SAYS("0020008301 31", "9000"),
        SAYS("00200082FF 31{255}", "9000"),
    };
    struct secret none = { 0 };
    struct fixture f;

    (void)state;
    begin_with(&f, shape_smartpgp, SCRIPT(script));
    assert_ok(verify(&f, PASSWORD_PW1_SIGN, hex("31")));
    assert_ok(verify(&f, PASSWORD_PW3, hex("31")));
    assert_ok(verify(&f, PASSWORD_PW1, hex("31{255}")));
    assert_err(verify(&f, PASSWORD_PW1, hex("")), GPG_ERR_BAD_PIN);
    assert_err(verify(&f, PASSWORD_PW1, hex("31{256}")), GPG_ERR_BAD_PIN);
    assert_err(openpgp_card_verify(&f.card, PASSWORD_PW1, &none), GPG_ERR_BAD_PIN);
    scripted_reader_done(&f.reader);
}

static void forgetting_is_for_cards_that_can(void **state)
{
    static const struct exchange script[] = { SAYS("0020FF82", "9000"), SAYS("0020FF82", "6A80"),
                                              SAYS("0020FF82", "63C3") };
    struct fixture f;

    (void)state;
    begin_with(&f, shape_gnuk, SCRIPT(script));
    assert_ok(openpgp_card_forget_verification(&f.card, PASSWORD_PW1));
    assert_err(openpgp_card_forget_verification(&f.card, PASSWORD_PW1), GPG_ERR_NOT_SUPPORTED);
    assert_err(openpgp_card_forget_verification(&f.card, PASSWORD_PW1), GPG_ERR_NOT_SUPPORTED);
    scripted_reader_done(&f.reader);
}

/* Nobody sends it what it does not know. */
static void some_cards_are_known_not_to_forget(void **state)
{
    const struct exchange script[] = { says_shape("00CA006E00", shape_neo) };
    struct fixture f;

    (void)state;
    begin(&f, ATR_GNUK, SCRIPT(script));
    assert_ok(openpgp_card_read_data(&f.card));
    assert_err(openpgp_card_forget_verification(&f.card, PASSWORD_PW1), GPG_ERR_NOT_SUPPORTED);
    scripted_reader_done(&f.reader);
}

/* Beside the tree, and once. */
static void yubikey_4_is_asked_for_its_touch(void **state)
{
    static const struct {
        const char *answer;
        enum touch_policy policy;
    } rows[] = {
        { "0020 9000", TOUCH_OFF }, { "6B00", TOUCH_OFF },        { "9000", TOUCH_OFF },
        { "0120 9000", TOUCH_ON },  { "0220 9000", TOUCH_FIXED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct exchange script[] = { says_shape("00CA006E00", shape_yubikey4),
                                           SAYS("00CA00D7000000", rows[i].answer),
                                           says_shape("00CA006E000000", shape_yubikey4) };
        struct fixture f;

        begin(&f, ATR_GNUK, SCRIPT(script));
        for (int j = 0; j < 2; j++) {
            assert_ok(openpgp_card_read_data(&f.card));
            assert_true(f.card.channel.extended);
            assert_int_equal(f.card.data.slot[SLOT_DECRYPT].touch, rows[i].policy);
        }
        scripted_reader_done(&f.reader);
    }
}

/* A touch that would come right after a long answer. */
static void old_yubikey_is_readied_for_a_touch(void **state)
{
    static const struct exchange script[] = {
        SAYS("00CA005E000000", "61{55} 9000"), SAYS("00000000", "6D00"),
        SAYS("002A8086010000", "6600"),        SAYS("002A8086010000", "6600"),
        SAYS("00CA005E000000", "61{54} 9000"), SAYS("002A8086010000", "6600")
    };
    static const uint8_t zero[1];
    struct buffer login = BUFFER(64);
    struct public_key key = { 0 };
    struct secret plain = { 0 };
    struct fixture f;
    uint16_t sw;

    (void)state;
    begin_with(&f, shape_yubikey4, SCRIPT(script));
    f.card.channel.extended = true;
    f.card.quirks.misses_touch = true;
    f.card.data.slot[SLOT_DECRYPT].touch = TOUCH_ON;
    assert_ok(openpgp_card_get_data(&f.card, DO_LOGIN, &login));
    for (int i = 0; i < 2; i++)
        assert_err(openpgp_card_decipher(&f.card, &key, view_of(zero, 1), &plain, &sw),
                   GPG_ERR_TIMEOUT);
    buffer_clear(&login);
    assert_ok(openpgp_card_get_data(&f.card, DO_LOGIN, &login));
    assert_err(openpgp_card_decipher(&f.card, &key, view_of(zero, 1), &plain, &sw),
               GPG_ERR_TIMEOUT);
    buffer_free(&login);
    scripted_reader_done(&f.reader);
}

static void ecdh_key_deciphers(void **state)
{
    const struct gpg_ecdh_vector *v = &gpg_ecdh_vectors[CV25519_VECTOR];
    struct public_key key = vector_key(CV25519_VECTOR);
    char command[256], answer[256];
    const struct exchange script[] = { SAYS(command, answer),
                                       SAYS(command, "6982"),
                                       SAYS(command, "00{32} 9000"),
                                       { .command = command, .err = GPG_ERR_CARD_REMOVED } };
    struct buffer data = BUFFER(600);
    struct secret plain = { 0 };
    struct fixture f;
    uint16_t sw;

    (void)state;
    snprintf(command, sizeof command, "002A808627 A625 7F4922 8620 %s 00", v->e + 2);
    snprintf(answer, sizeof answer, "%s 9000", v->z);
    begin_with(&f, shape_gnuk, SCRIPT(script));
    assert_ok(decipher_encode(&key, hex(v->e + 2), &data));
    assert_ok(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw));
    assert_int_equal(sw, 0x9000);
    assert_octets(secret_view(&plain), v->z);
    assert_err(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw),
               GPG_ERR_BAD_PIN);
    assert_int_equal(sw, 0x6982);
    assert_err(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw),
               GPG_ERR_INV_DATA);
    assert_err(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw),
               GPG_ERR_CARD_REMOVED);
    assert_int_equal(sw, 0);
    assert_octets(secret_view(&plain), v->z);
    secret_free(&plain);
    buffer_free(&data);
    scripted_reader_done(&f.reader);
}

/* 257 octets go in two blocks to a NEO, in one to whoever takes extended length; Le always there,
 * since ZeitControl drops the answer without it. */
static void rsa_key_deciphers(void **state)
{
    static const struct exchange chained[] = { SAYS("102A8086FE 00 5A{253}", "9000"),
                                               SAYS("002A808603 5A{3} 00", "09{35} 9000") };
    static const struct exchange removed[] = { SAYS("102A8086FE 00 5A{253}", "9000"),
                                               { .command = "002A808603 5A{3} 00",
                                                 .err = GPG_ERR_CARD_REMOVED } };
    static const struct exchange whole[] = { SAYS("002A8086000101 00 5A{256} 0000",
                                                  "09{35} 9000") };
    struct public_key key = rsa2048_key();
    struct buffer data = BUFFER(600);
    struct secret plain = { 0 };
    struct fixture f;
    uint16_t sw;

    (void)state;
    assert_ok(decipher_encode(&key, hex("5A{256}"), &data));
    begin_with(&f, shape_neo, SCRIPT(chained));
    assert_ok(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw));
    assert_octets(secret_view(&plain), "09{35}");
    scripted_reader_done(&f.reader);
    begin_with(&f, shape_neo, SCRIPT(removed));
    assert_err(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw),
               GPG_ERR_CARD_REMOVED);
    assert_int_equal(sw, 0); /* not that of the first block */
    begin_with(&f, shape_canokey, SCRIPT(whole));
    assert_ok(openpgp_card_decipher(&f.card, &key, buffer_view(&data), &plain, &sw));
    assert_octets(secret_view(&plain), "09{35}");
    scripted_reader_done(&f.reader);
    secret_free(&plain);
    buffer_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_to_reset_hints_at_the_channel),
        cmocka_unit_test(wrong_guess_costs_one_command),
        cmocka_unit_test(select_tells_what_is_there),
        cmocka_unit_test(select_fetches_what_it_does_not_read),
        cmocka_unit_test(data_decides_what_the_answer_to_reset_hinted),
        cmocka_unit_test(refused_extended_length_is_remembered),
        cmocka_unit_test(failed_reading_leaves_the_data_alone),
        cmocka_unit_test(objects_are_given_as_the_card_gives_them),
        cmocka_unit_test(kdf_is_read_where_announced),
        cmocka_unit_test(public_keys_are_read_by_slot),
        cmocka_unit_test(empty_slot_of_a_neo_is_empty),
        cmocka_unit_test(rsa_keys_are_asked_for_in_extended_length),
        cmocka_unit_test(verify_means_what_the_card_says),
        cmocka_unit_test(verify_names_its_password_and_never_goes_empty),
        cmocka_unit_test(forgetting_is_for_cards_that_can),
        cmocka_unit_test(some_cards_are_known_not_to_forget),
        cmocka_unit_test(yubikey_4_is_asked_for_its_touch),
        cmocka_unit_test(old_yubikey_is_readied_for_a_touch),
        cmocka_unit_test(ecdh_key_deciphers),
        cmocka_unit_test(rsa_key_deciphers),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
