/* Every message of a power-on and of a decryption, with everything that can be wrong with its
 * answer, once and from then on: the operation ends in time, with its result or an error of
 * ccid/reader.h, the PIN goes to the card once at most, and the next operation works. So it is
 * where the PIN is typed at the reader, and for every message by which a reader is brought back. */
#include "tests/usb/card_keys.h"
#include "tests/usb/driver.h"

#define OPERATION_MS 30000
#define LATE_MS      2000 /* what is under way at the deadline may end */
#define ALWAYS       100000
#define BLOCK_MS     50
#define BLOCKS       12 /* of a decryption, more or less */

#define GET_DATA   "00CA006E 00"
#define VERIFY     "0020008206 313233343536"
#define PIN        "123456"
#define PUT_DATA   "00DA0101 FE A5{254}"
#define PART_MAX   254
#define PRIVATE_DO 0x08 /* OpenPGP card specification §4.4.3.7 */
#define INS_VERIFY 0x20

static struct plugged plugged;
static struct readers *readers;
static const struct card_key *key;
static bool on_keypad;
static void (*to_token)(void *context, struct view apdu, struct buffer *answer);
static unsigned verifies;

static void count_verifies(void *context, struct view apdu, struct buffer *answer)
{
    verifies += apdu.len > 5 && apdu.data[1] == INS_VERIFY;
    to_token(context, apdu, answer);
}

static void begin(const struct usb_model *model)
{
    driver_begin();
    driver_plug(&plugged, model, 2);
    assert_ok(token_load(plugged.token.token, view_of(key->state, strlen(key->state))));
    to_token = plugged.token.card.command;
    plugged.token.card.command = count_verifies;
}

static void end(enum usb_fault_kind kind)
{
    readers_close(&readers);
    /* Told that the answer goes on, one asks for more. */
    if (kind == FAULT_ENDLESS_CHAIN)
        driver_unplug_spoilt(&plugged);
    else
        driver_unplug(&plugged);
    driver_end();
}

static gpg_error_t send(struct reader *reader, struct view command, const char *expected,
                        struct deadline deadline)
{
    struct buffer answer = BUFFER(ANSWER_MAX);
    gpg_error_t err = reader_transmit(reader, command, &answer, deadline);

    if (err)
        assert_int_equal(answer.len, 0);
    else if (expected)
        assert_octets(buffer_view(&answer), expected);
    buffer_free(&answer);
    return err;
}

/* PSO:DECIPHER, of which this is one part. */
static gpg_error_t send_part(struct reader *reader, struct view part, bool last,
                             struct deadline deadline)
{
    struct buffer command = BUFFER(5 + PART_MAX + 1);
    char expected[256] = "9000";
    const uint8_t header[] = { last ? 0x00 : 0x10, 0x2a, 0x80, 0x86, (uint8_t)part.len };
    gpg_error_t err;

    assert_ok(buffer_append(&command, header, sizeof header));
    assert_ok(buffer_append_view(&command, part));
    if (last) {
        assert_ok(buffer_append_u8(&command, 0));
        snprintf(expected, sizeof expected, "%s 9000", key->secret);
    }
    err = send(reader, buffer_view(&command), expected, deadline);
    buffer_free(&command);
    return err;
}

static gpg_error_t decipher(struct reader *reader, struct deadline deadline)
{
    struct view rest = hex(key->command), part;
    gpg_error_t err = 0;

    while (!err && rest.len > PART_MAX) {
        (void)view_take(&rest, PART_MAX, &part);
        err = send_part(reader, part, false, deadline);
    }
    return err ? err : send_part(reader, rest, true, deadline);
}

static bool has_private_objects(void)
{
    const struct token_profile *card = usb_device_model(plugged.device)->card;

    return hex(card->capabilities).data[0] & PRIVATE_DO;
}

static gpg_error_t verify(struct reader *reader, struct deadline deadline)
{
    static const struct keypad_verify what = { .header = { 0x00, 0x20, 0x00, 0x82 },
                                               .pin_min = 6,
                                               .pin_max = 32,
                                               .pin_length = 6,
                                               .seconds = 10 };
    struct buffer answer = BUFFER(ANSWER_MAX);
    gpg_error_t err;

    if (!on_keypad)
        return send(reader, hex(VERIFY), "9000", deadline);
    fake_usb_lock();
    usb_device_type_pin(plugged.device, PIN, 0);
    fake_usb_unlock();
    err = reader_verify_on_keypad(reader, &what, &answer, deadline);
    if (!err)
        assert_octets(buffer_view(&answer), "9000");
    buffer_free(&answer);
    return err;
}

static gpg_error_t decrypt(struct reader *reader, struct deadline deadline)
{
    gpg_error_t err = reader_begin(reader, deadline);

    if (err)
        return err;
    err = send(reader, hex(SELECT_OPENPGP), "9000", deadline);
    if (!err)
        err = send(reader, hex(GET_DATA), NULL, deadline);
    if (!err)
        err = verify(reader, deadline);
    if (!err && has_private_objects())
        err = send(reader, hex(PUT_DATA), "9000", deadline);
    if (!err)
        err = decipher(reader, deadline);
    reader_end(reader);
    return err;
}

static bool is_known(gpg_err_code_t code)
{
    switch (code) {
    case GPG_ERR_CARD_NOT_PRESENT:
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_CARD:
        return true;
    default:
        return false;
    }
}

/* As the agent does it, without its second try. */
static gpg_error_t operate(void)
{
    struct deadline deadline = deadline_in_ms(OPERATION_MS);
    struct reader *reader = NULL;
    struct reader_list list;
    gpg_error_t err = gpg_error(GPG_ERR_CARD_NOT_PRESENT);

    verifies = 0;
    readers_list(readers, &list);
    if (list.count)
        err = reader_connect(readers, list.info[0].name, deadline, &reader);
    if (!err)
        err = decrypt(reader, deadline);
    reader_disconnect(&reader);
    assert_true(monotonic_ms() < deadline.at_ms + LATE_MS);
    assert_true(verifies <= 1);
    assert_true(!err || is_known(gpg_err_code(err)));
    return err;
}

static void mend(void)
{
    struct reader_list list;

    driver_fault(&plugged, (struct usb_fault){ .kind = FAULT_NONE });
    if (usb_device_gone(plugged.device)) {
        fake_usb_remove(plugged.device);
        driver_await(readers, 0, &list);
        usb_device_plug(plugged.device);
        fake_usb_add(plugged.device, 1, 9, 2);
    }
    driver_await(readers, 1, &list);
}

/* What the driver must not even notice. */
static bool is_harmless(enum usb_fault_kind kind)
{
    return kind == FAULT_TRAILING || kind == FAULT_STALE || kind == FAULT_EXTENSION ||
           kind == FAULT_EMPTY_FIRST || kind == FAULT_SPLIT;
}

/* True when the fault was reached. */
static bool suffer(const struct usb_model *model, struct usb_fault fault)
{
    gpg_error_t err;
    unsigned messages;

    begin(model);
    driver_fault(&plugged, fault);
    assert_ok(readers_open("usb", &readers));
    err = operate();
    messages = usb_device_messages(plugged.device);
    if (err && is_harmless(fault.kind))
        fail_msg("%s: fault %d at %u: %s", model->name, fault.kind, fault.at, gpg_strerror(err));
    mend();
    err = operate();
    if (err)
        fail_msg("%s: fault %d at %u: then %s", model->name, fault.kind, fault.at,
                 gpg_strerror(err));
    end(fault.kind);
    return messages > fault.at;
}

/* Each message that is sent when all goes well, and whatever comes of the fault. */
static unsigned suffer_everywhere(const struct usb_model *model, struct usb_fault fault)
{
    while (suffer(model, fault))
        fault.at++;
    return fault.at;
}

/* More than one in a row meet the messages by which the reader is brought back, too. */
static void suffer_all(const struct usb_model *model)
{
    static const unsigned times[] = { 1, 3, ALWAYS };

    for (int kind = FAULT_NONE + 1; kind < FAULT_KINDS; kind++) {
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
            struct usb_fault fault = { .kind = (enum usb_fault_kind)kind,
                                       .times = times[i],
                                       .value = 3 };

            if (kind == FAULT_FAILED || kind == FAULT_FAILED_STATUS)
                fault.value = 0xfc;
            assert_true(suffer_everywhere(model, fault) >= 7);
        }
    }
}

static const struct usb_model *find(const char *name, enum profile_algorithm algorithm)
{
    const struct usb_model *model = usb_model_find(name);

    key = card_key_find(algorithm);
    assert_true(model && key && card_key_fits(key, model->card));
    return model;
}

static void suffer_all_of(const char *name, enum profile_algorithm algorithm)
{
    const struct usb_model *model = find(name, algorithm);

    on_keypad = false;
    suffer_all(model);
}

static void suffer_on_keypad(const char *name, enum profile_algorithm algorithm, uint16_t vendor,
                             uint16_t product)
{
    struct usb_model model = *find(name, algorithm);

    model.vendor = vendor;
    model.product = product;
    model.pin_support = 1;
    on_keypad = true;
    suffer_all(&model);
}

static void extended_apdus(void **state)
{
    (void)state;
    suffer_all_of("yubikey-5", PROFILE_CURVE_25519);
}

static void messages_of_64_octets(void **state)
{
    (void)state;
    suffer_all_of("gnuk", PROFILE_CURVE_25519);
}

static void short_apdus(void **state)
{
    (void)state;
    suffer_all_of("nitrokey-start", PROFILE_RSA_2048);
}

static void blocks(void **state)
{
    (void)state;
    suffer_all_of("nitrokey-storage", PROFILE_P_256);
}

static void blocks_all_by_ourselves(void **state)
{
    (void)state;
    suffer_all_of("gemalto-ct30", PROFILE_P_256);
}

/* With an escape before it. */
static void keypad_in_blocks(void **state)
{
    (void)state;
    suffer_on_keypad("gemalto-ct30", PROFILE_P_256, 0x0982, 0x0008);
}

static void keypad_in_short_apdus(void **state)
{
    (void)state;
    suffer_on_keypad("nitrokey-start", PROFILE_CURVE_25519, 0x04e6, 0xe003);
}

static void keypad_in_extended_apdus(void **state)
{
    (void)state;
    suffer_on_keypad("yubikey-5", PROFILE_CURVE_25519, 0x046a, 0x0010);
}

static void spoil_blocks(enum t1_fault kind, unsigned at, unsigned times)
{
    struct t1_card *card = usb_device_t1(plugged.device);

    fake_usb_lock();
    card->fault = kind;
    card->fault_at = at;
    card->fault_times = times;
    card->fault_value = 16; /* of WTX and IFS */
    usb_device_slow(plugged.device, kind ? BLOCK_MS : 0);
    fake_usb_unlock();
}

/* The card or the line to it is at fault, once or for good: what the rules of T=1 do not mend ends
 * in time, too, and a reset mends it. */
static void bad_cards(void **state)
{
    static const unsigned times[] = { 1, 3, ALWAYS };
    const struct usb_model *model = usb_model_find("nitrokey-storage");

    (void)state;
    on_keypad = false;
    for (int kind = T1_NO_FAULT + 1; kind <= T1_DEAD; kind++) {
        for (unsigned i = 0; i < BLOCKS * 3; i++) {
            begin(model);
            assert_ok(readers_open("usb", &readers));
            spoil_blocks((enum t1_fault)kind, i / 3, times[i % 3]);
            (void)operate();
            spoil_blocks(T1_NO_FAULT, 0, 0);
            assert_ok(operate());
            end(FAULT_NONE);
        }
    }
}

/* The control endpoint knows no ABORT, is silent, or fails: the bulk endpoint's has to do. */
static void half_an_abort(void **state)
{
    static const int codes[] = { LIBUSB_ERROR_PIPE, LIBUSB_ERROR_TIMEOUT, LIBUSB_ERROR_IO };
    const struct usb_fault silence = { .kind = FAULT_NO_ANSWER, .at = 5, .times = 3 };

    (void)state;
    on_keypad = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        begin(usb_model_find("yubikey-5"));
        fake_usb_fail(FAKE_USB_SYNC, codes[i]);
        driver_fault(&plugged, silence);
        assert_ok(readers_open("usb", &readers));
        assert_true(operate() != 0);
        mend();
        assert_ok(operate());
        readers_close(&readers);
        driver_unplug_spoilt(&plugged); /* it heard one half of an abort */
        driver_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extended_apdus),
        cmocka_unit_test(messages_of_64_octets),
        cmocka_unit_test(short_apdus),
        cmocka_unit_test(blocks),
        cmocka_unit_test(blocks_all_by_ourselves),
        cmocka_unit_test(bad_cards),
        cmocka_unit_test(half_an_abort),
        cmocka_unit_test(keypad_in_blocks),
        cmocka_unit_test(keypad_in_short_apdus),
        cmocka_unit_test(keypad_in_extended_apdus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
