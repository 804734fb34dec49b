/* The USB driver with every kind of token and reader, when all goes well: each is found by its
 * descriptors, driven, and decrypts with every kind of key that its card takes. */
#include "tests/usb/card_keys.h"
#include "tests/usb/driver.h"

#include "apdu/decipher.h"
#include "apdu/openpgp_card.h"

static struct plugged plugged;
static struct readers *readers;

static void begin(const struct usb_model *model)
{
    driver_begin();
    driver_plug(&plugged, model, 2);
    assert_ok(readers_open("usb", &readers));
}

static void end(void)
{
    readers_close(&readers);
    driver_unplug(&plugged);
    driver_end();
}

static struct reader *connect(void)
{
    struct reader *reader = driver_connect(readers);

    assert_true(view_equal(reader_atr(reader), token_atr(plugged.token.token)));
    assert_ok(reader_begin(reader, deadline_in_ms(PATIENCE_MS)));
    return reader;
}

static void disconnect(struct reader *reader)
{
    reader_end(reader);
    reader_disconnect(&reader);
}

/* A certificate goes in and comes out, longer than any message of the smaller devices. */
static void long_ways(struct reader *reader)
{
    assert_answer(reader, SELECT_OPENPGP, "9000");
    assert_answer(reader, VERIFY_ADMIN, "9000");
    assert_answer(reader, "00DA7F21 000400 A5{1024}", "9000");
    assert_answer(reader, "00CA7F21 000000", "A5{1024} 9000");
}

static void every_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < usb_model_count; i++) {
        struct reader *reader;

        print_message("%s\n", usb_models[i].name);
        begin(&usb_models[i]);
        reader = connect();
        if (usb_models[i].card->extended_length && reader_length(reader) == READER_EXTENDED)
            long_ways(reader);
        disconnect(reader);
        end();
    }
}

static void unlock(struct openpgp_card *card)
{
    struct secret pin = { 0 };

    assert_ok(secret_copy(&pin, hex("313233343536")));
    assert_ok(openpgp_card_verify(card, PASSWORD_PW1, &pin));
    secret_free(&pin);
}

/* The very commands that the agent sends. */
static void decrypt(struct reader *reader, const struct card_key *key)
{
    struct openpgp_card card;
    struct public_key public;
    struct buffer data = BUFFER(RSA_OCTETS_MAX + 1);
    struct secret plain = { 0 };
    uint16_t sw;

    openpgp_card_init(&card, reader);
    assert_ok(openpgp_card_select(&card));
    assert_ok(openpgp_card_read_data(&card));
    assert_ok(openpgp_card_read_public_key(&card, SLOT_DECRYPT, &public));
    unlock(&card);
    assert_ok(decipher_encode(&public, hex(key->ciphertext), &data));
    assert_ok(openpgp_card_decipher(&card, &public, buffer_view(&data), &plain, &sw));
    assert_octets(secret_view(&plain), key->secret);
    secret_free(&plain);
    buffer_free(&data);
}

static void decrypt_with(const struct usb_model *model, const struct card_key *key)
{
    struct reader *reader;

    print_message("%s, %s\n", model->name, key->name);
    begin(model);
    assert_ok(token_load(plugged.token.token, view_of(key->state, strlen(key->state))));
    reader = connect();
    decrypt(reader, key);
    disconnect(reader);
    end();
}

static void every_key_of_every_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < usb_model_count; i++)
        for (const struct card_key *key = card_keys; key->name; key++)
            if (card_key_fits(key, usb_models[i].card))
                decrypt_with(&usb_models[i], key);
}

/* A reader that leaves it to us; TA1 of the card in it is 18. */
static void as_fast_as_the_card_offers(void **state)
{
    (void)state;
    begin(usb_model_find("gemalto-ct30"));
    disconnect(connect());
    assert_int_equal(usb_device_speed(plugged.device), 0x18);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model),
        cmocka_unit_test(every_key_of_every_model),
        cmocka_unit_test(as_fast_as_the_card_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
