#include "apdu/openpgp_card.h"

#include "apdu/decipher.h"
#include "base/log.h"

/* P1 P2 */
#define SELECT_BY_NAME  0x04
#define PSO_PLAIN       0x80
#define PSO_CRYPTOGRAM  0x86
#define READ_PUBLIC_KEY 0x81
#define VERIFY_PRESENT  0x00
#define VERIFY_FORGET   0xff

#define KEYPAD_ANSWER_MAX 256

/* Control reference templates, §7.2.14 */
static const uint8_t control_reference[SLOTS] = { 0xb6, 0xb8, 0xa4 };

void openpgp_card_init(struct openpgp_card *card, struct reader *reader)
{
    struct view historical_bytes = atr_historical_bytes(reader_atr(reader));
    struct card_capabilities hint = historical_bytes_parse(historical_bytes);
    bool extended = hint.extended_length || quirks_guess_extended(historical_bytes);
    bool refused = reader_length(reader) == READER_SHORT;

    *card = (struct openpgp_card){
        .channel = { .reader = reader,
                     .deadline = deadline_never(),
                     .extended = extended && !refused,
                     .refused = refused,
                     .chaining = hint.chaining },
    };
}

/* What a status word means to a command that no PIN, no touch and no wrong data can spoil: a card
 * that blames one of them is out of order, and nobody is to be told that a PIN was wrong. */
static gpg_error_t status_error(uint16_t sw)
{
    gpg_error_t err = status_word_error(sw);

    switch (gpg_err_code(err)) {
    case 0:
    case GPG_ERR_ENOENT:
    case GPG_ERR_OBJ_TERM_STATE:
        return err;
    default:
        return gpg_error(GPG_ERR_CARD);
    }
}

gpg_error_t openpgp_card_select(struct openpgp_card *card)
{
    struct command select = { .ins = INS_SELECT,
                              .p1 = SELECT_BY_NAME,
                              .data = view_of(application_id, sizeof application_id) };
    struct response response = RESPONSE;
    gpg_error_t err = channel_send(&card->channel, &select, &response);

    if (!err) {
        err = status_error(response.sw);
        if (err && status_word_foreign(response.sw))
            err = gpg_error(GPG_ERR_ENOENT);
    }
    response_free(&response);
    return err;
}

static gpg_error_t send_get_data(struct openpgp_card *card, uint16_t tag, struct response *response)
{
    struct command get = {
        .ins = INS_GET_DATA, .p1 = (uint8_t)(tag >> 8), .p2 = (uint8_t)tag, .le = LE_MAX
    };

    return channel_send(&card->channel, &get, response);
}

gpg_error_t openpgp_card_get_data(struct openpgp_card *card, uint16_t tag, struct buffer *value)
{
    struct response response = RESPONSE;
    gpg_error_t err = send_get_data(card, tag, &response);

    if (!err && status_word_absent(response.sw))
        err = gpg_error(GPG_ERR_NO_OBJ);
    if (!err)
        err = status_error(response.sw);
    if (!err)
        err = buffer_append_view(value, buffer_view(&response.data));
    response_free(&response);
    return err;
}

/* What the card says of itself in 5F52 and 7F66 replaces what the ATR hinted at. A card that
 * refused extended length once does not get it again. */
static void learn_channel(struct openpgp_card *card)
{
    const struct application_data *data = &card->data;
    bool extended = data->card.extended_length || card->quirks.extended_length;

    card->channel.extended = extended && !card->channel.refused;
    card->channel.chaining = data->card.chaining;
    card->channel.command_max = data->command_max;
}

/* DO D7 on its own; a card that does not have it waits for no touch. */
static gpg_error_t read_touch(struct openpgp_card *card)
{
    struct response response = RESPONSE;
    gpg_error_t err = send_get_data(card, DO_UIF_DECRYPT, &response);

    if (!err) {
        card->touch =
            response.sw == SW_SUCCESS ? touch_policy_parse(buffer_view(&response.data)) : TOUCH_OFF;
        card->touch_read = true;
    }
    response_free(&response);
    return err;
}

static gpg_error_t learn_quirks(struct openpgp_card *card)
{
    gpg_error_t err = 0;

    card->quirks = quirks_of(&card->data);
    learn_channel(card);
    if (card->quirks.touch_apart && !card->touch_read)
        err = read_touch(card);
    if (card->touch_read)
        card->data.slot[SLOT_DECRYPT].touch = card->touch;
    return err;
}

gpg_error_t openpgp_card_read_data(struct openpgp_card *card)
{
    unsigned before = card->channel.commands;
    struct response response = RESPONSE;
    gpg_error_t err = send_get_data(card, DO_APPLICATION_DATA, &response);

    /* Every OpenPGP card has this object. */
    if (!err && status_word_foreign(response.sw))
        err = gpg_error(GPG_ERR_ENOENT);
    if (!err)
        err = status_error(response.sw);
    if (!err)
        err = application_data_parse(buffer_view(&response.data), &card->data);
    if (!err)
        err = learn_quirks(card);
    card->data_commands = card->channel.commands - before;
    response_free(&response);
    return err;
}

gpg_error_t openpgp_card_read_kdf(struct openpgp_card *card, struct kdf_do *kdf)
{
    struct response response = RESPONSE;
    gpg_error_t err = 0;

    response.sw = SW_SUCCESS;
    if (card->data.extended.kdf)
        err = send_get_data(card, DO_KDF, &response);
    /* Not an absent object but an absent application: to go on would be to send a bare PIN. */
    if (!err && (response.sw == SW_INS_NOT_SUPPORTED || response.sw == SW_CLA_NOT_SUPPORTED))
        err = gpg_error(GPG_ERR_ENOENT);
    if (!err && !status_word_absent(response.sw))
        err = status_error(response.sw);
    if (!err)
        err = kdf_do_parse(
            response.sw == SW_SUCCESS ? buffer_view(&response.data) : (struct view){ 0 }, kdf);
    response_free(&response);
    return err;
}

/* The NEO says 6F00 of an empty slot. Every OpenPGP application knows the instruction. */
static bool says_empty_slot(uint16_t sw, bool present)
{
    return (status_word_absent(sw) && sw != SW_INS_NOT_SUPPORTED) ||
           (sw == SW_UNSPECIFIED && !present);
}

gpg_error_t openpgp_card_read_public_key(struct openpgp_card *card, enum slot slot,
                                         struct public_key *key)
{
    const struct key_algorithm *algorithm = &card->data.slot[slot].algorithm;
    const uint8_t template[2] = { control_reference[slot], 0x00 };
    struct command read = { .ins = INS_GENERATE_ASYMMETRIC,
                            .p1 = READ_PUBLIC_KEY,
                            .data = view_of(template, sizeof template),
                            .le = algorithm->kind == KEY_RSA ? LE_MAX : LE_SHORT_MAX };
    struct response response = RESPONSE;
    gpg_error_t err;

    if (algorithm->kind == KEY_NONE || algorithm->kind == KEY_UNKNOWN)
        return gpg_error(GPG_ERR_PUBKEY_ALGO);
    err = channel_send(&card->channel, &read, &response);
    if (!err && says_empty_slot(response.sw, card->data.slot[slot].present))
        err = gpg_error(GPG_ERR_NO_OBJ);
    if (!err)
        err = status_error(response.sw);
    if (!err)
        err = public_key_parse(buffer_view(&response.data), algorithm, key);
    response_free(&response);
    return err;
}

static gpg_error_t verify_status_error(uint16_t sw)
{
    gpg_error_t err = status_word_error(sw);

    switch (gpg_err_code(err)) {
    case GPG_ERR_BAD_PIN:
    case GPG_ERR_PIN_BLOCKED:
    case GPG_ERR_USE_CONDITIONS:
    case GPG_ERR_TIMEOUT:
        return err;
    case GPG_ERR_INV_VALUE: /* a length that its PIN cannot have; some cards count it as no try */
        return gpg_error(GPG_ERR_BAD_PIN);
    default:
        return status_error(sw);
    }
}

gpg_error_t openpgp_card_verify(struct openpgp_card *card, enum password which,
                                const struct secret *sent)
{
    struct command verify = {
        .ins = INS_VERIFY, .p1 = VERIFY_PRESENT, .p2 = (uint8_t)which, .data = secret_view(sent)
    };
    struct response response = RESPONSE;
    gpg_error_t err;

    /* Without data VERIFY asks for a status, and on some cards drops it (specification §7.2.2). */
    if (sent->len == 0 || sent->len > LC_SHORT_MAX)
        return gpg_error(GPG_ERR_BAD_PIN);
    err = channel_send(&card->channel, &verify, &response);
    if (!err)
        err = verify_status_error(response.sw);
    response_free(&response);
    return err;
}

/* Some readers tell by a status word of their own what became of the typing (PC/SC part 10
 * §2.5.2). */
static gpg_error_t keypad_status_error(uint16_t sw)
{
    switch (sw) {
    case 0x6400:
        return gpg_error(GPG_ERR_NO_PIN);
    case 0x6401:
        return gpg_error(GPG_ERR_CANCELED);
    case 0x6403:
        return gpg_error(GPG_ERR_BAD_PIN);
    default:
        return verify_status_error(sw);
    }
}

gpg_error_t openpgp_card_verify_on_keypad(struct openpgp_card *card, enum password which,
                                          struct keypad_verify what)
{
    const uint8_t header[] = { CLA_PLAIN, INS_VERIFY, VERIFY_PRESENT, (uint8_t)which };
    struct channel *channel = &card->channel;
    struct buffer answer = BUFFER(KEYPAD_ANSWER_MAX);
    struct view data;
    uint16_t sw = 0;
    gpg_error_t err;

    memcpy(what.header, header, sizeof header);
    channel->commands++;
    err = reader_verify_on_keypad(channel->reader, &what, &answer, channel->deadline);
    if (!err)
        err = answer_split(buffer_view(&answer), &data, &sw);
    log_debug("apdu: VERIFY on the keypad -> %04X", sw);
    buffer_free(&answer);
    return err ? err : keypad_status_error(sw);
}

gpg_error_t openpgp_card_forget_verification(struct openpgp_card *card, enum password which)
{
    struct command forget = { .ins = INS_VERIFY, .p1 = VERIFY_FORGET, .p2 = (uint8_t)which };
    struct response response = RESPONSE;
    gpg_error_t err;

    if (card->quirks.keeps_verification)
        return gpg_error(GPG_ERR_NOT_SUPPORTED);
    err = channel_send(&card->channel, &forget, &response);
    if (!err && response.sw != SW_SUCCESS)
        err = gpg_error(GPG_ERR_NOT_SUPPORTED);
    response_free(&response);
    return err;
}

/* Whatever it answers, it is short. */
static gpg_error_t ready_for_touch(struct openpgp_card *card)
{
    struct response response = RESPONSE;
    struct command nothing = { 0 };
    gpg_error_t err = 0;

    if (card->quirks.misses_touch && card->data.slot[SLOT_DECRYPT].touch != TOUCH_OFF &&
        card->channel.answer_len > QUIRKS_LONG_ANSWER)
        err = channel_send(&card->channel, &nothing, &response);
    response_free(&response);
    return err;
}

gpg_error_t openpgp_card_decipher(struct openpgp_card *card, const struct public_key *key,
                                  struct view data, struct secret *plain, uint16_t *r_sw)
{
    struct command decipher = { .ins = INS_PSO,
                                .p1 = PSO_PLAIN,
                                .p2 = PSO_CRYPTOGRAM,
                                .data = data,
                                .le = data.len > LC_SHORT_MAX ? LE_MAX : LE_SHORT_MAX };
    struct response response = RESPONSE;
    gpg_error_t err = ready_for_touch(card);

    if (!err)
        err = channel_send(&card->channel, &decipher, &response);
    *r_sw = err ? 0 : response.sw;
    if (!err)
        err = status_word_error(response.sw);
    if (!err)
        err = decipher_decode(key, buffer_view(&response.data), plain);
    response_free(&response);
    return err;
}
