#include "apdu/channel.h"

#include "base/log.h"

#include <string.h>

#define CHAIN_BLOCK_MAX  254 /* Ledger's buffer; one less than ISO 7816-4 allows */
#define COMMAND_APDU_MAX (4 + 3 + 65535 + 2)

#define SW1_MORE_DATA 0x61
#define SW1_WRONG_LE  0x6c
#define SW1_WARNING   0x62

/* 65536 octets in parts of 255 or 256; a card that goes on longer never ends. */
#define GET_RESPONSE_ROUNDS_MAX 260

/* What a card takes that announces extended length without DO 7F66 (YubiKey 4). */
#define COMMAND_MAX_UNSAID 2038

void response_free(struct response *response)
{
    buffer_free(&response->data);
    response->sw = 0;
}

/* One APDU there, one answer back, appended to the response's data. */
static gpg_error_t transmit(struct channel *channel, const struct command *command, bool extended,
                            struct response *response)
{
    struct buffer apdu = BUFFER(COMMAND_APDU_MAX);
    struct buffer answer = BUFFER(ANSWER_MAX);
    struct view data;
    uint16_t sw;
    gpg_error_t err;

    err = command_encode(command, extended, &apdu);
    if (err)
        goto leave;
    channel->commands++;
    err = reader_transmit(channel->reader, buffer_view(&apdu), &answer, channel->deadline);
    if (!err)
        err = answer_split(buffer_view(&answer), &data, &sw);
    if (!err)
        channel->answer_len = data.len;
    if (!err)
        err = buffer_append_view(&response->data, data);
    /* Of an answer, not of the command: no card has so much to say. */
    if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
        err = gpg_error(GPG_ERR_CARD);
    if (!err)
        response->sw = sw;
leave:
    /* Data may be PINs and plaintext: the log gets lengths, and not a PIN's. */
    log_debug("apdu: %02X%02X%02X%02X lc=%zu le=%u -> %s%04X len=%zu", command->cla, command->ins,
              command->p1, command->p2, command->ins == INS_VERIFY ? 0 : command->data.len,
              (unsigned)command->le, err ? "failed " : "", err ? gpg_err_code(err) : response->sw,
              response->data.len);
    buffer_free(&apdu);
    buffer_free(&answer);
    return err;
}

/* As transmit, and once more with the Le that the card named if it did not like ours. Only a
 * command without data is sent again: it has done nothing yet (ISO 7816-4 §5.3.3), and nothing of a
 * PIN or a decryption is ever repeated unasked. */
static gpg_error_t transmit_le(struct channel *channel, const struct command *command,
                               bool extended, struct response *response)
{
    struct command again = *command;
    size_t before = response->data.len;
    gpg_error_t err = transmit(channel, command, extended, response);

    if (err || response->sw >> 8 != SW1_WRONG_LE || command->data.len || command->le == LE_NONE)
        return err;
    again.le = response->sw & 0xff ? response->sw & 0xff : LE_SHORT_MAX;
    buffer_truncate(&response->data, before);
    return transmit(channel, &again, extended, response);
}

/* Warnings (62xx) come with what was asked for. Any other word in place of more data is about GET
 * RESPONSE itself, and would be taken for the answer to the command. */
static gpg_error_t collect_rest(struct channel *channel, struct response *response)
{
    struct command more = { .ins = INS_GET_RESPONSE };
    gpg_error_t err = 0;
    int round;

    for (round = 0; response->sw >> 8 == SW1_MORE_DATA && !err; round++) {
        size_t before = response->data.len;

        if (round == GET_RESPONSE_ROUNDS_MAX)
            return gpg_error(GPG_ERR_CARD);
        more.le = response->sw & 0xff ? response->sw & 0xff : LE_SHORT_MAX;
        err = transmit_le(channel, &more, false, response);
        if (!err && response->sw >> 8 == SW1_MORE_DATA && response->data.len == before)
            return gpg_error(GPG_ERR_CARD);
    }
    if (!err && round > 0 && response->sw != SW_SUCCESS && response->sw >> 8 != SW1_WARNING)
        err = gpg_error(GPG_ERR_CARD);
    return err;
}

static gpg_error_t send_whole(struct channel *channel, const struct command *command, bool extended,
                              struct response *response)
{
    struct command c = *command;

    if (!extended && c.le > LE_SHORT_MAX)
        c.le = LE_SHORT_MAX;
    return transmit_le(channel, &c, extended, response);
}

static gpg_error_t send_chained(struct channel *channel, const struct command *command,
                                struct response *response)
{
    struct view rest = command->data;
    struct command block = *command;
    gpg_error_t err;

    block.cla = command->cla | CLA_CHAINING;
    block.le = LE_NONE;
    while (rest.len > CHAIN_BLOCK_MAX) {
        (void)view_take(&rest, CHAIN_BLOCK_MAX, &block.data);
        buffer_clear(&response->data);
        err = transmit(channel, &block, false, response);
        /* Nothing was done yet that more data could come of: fetching it would pass it for the
         * answer to the command. */
        if (!err && response->sw >> 8 == SW1_MORE_DATA)
            err = gpg_error(GPG_ERR_CARD);
        if (err || response->sw != SW_SUCCESS)
            return err;
    }
    block = *command;
    block.data = rest;
    if (block.le > LE_SHORT_MAX)
        block.le = LE_SHORT_MAX;
    buffer_clear(&response->data);
    return transmit(channel, &block, false, response);
}

static bool fits_extended(const struct channel *channel, size_t data_len)
{
    size_t max = channel->command_max ? channel->command_max : COMMAND_MAX_UNSAID;

    return channel->extended && 4 + 3 + data_len + 2 <= max;
}

bool channel_takes(const struct channel *channel, size_t data_len)
{
    return data_len <= LC_SHORT_MAX || channel->chaining || fits_extended(channel, data_len);
}

static bool wants_extended(const struct channel *channel, const struct command *command)
{
    return (command->data.len > LC_SHORT_MAX || command->le > LE_SHORT_MAX) &&
           fits_extended(channel, command->data.len);
}

static gpg_error_t send_some_way(struct channel *channel, const struct command *command,
                                 bool extended, struct response *response)
{
    buffer_clear(&response->data);
    if (extended || command->data.len <= LC_SHORT_MAX)
        return send_whole(channel, command, extended, response);
    if (!channel->chaining)
        return gpg_error(GPG_ERR_TOO_LARGE);
    return send_chained(channel, command, response);
}

/* 6700, or what cards answer that know no chains. */
static bool length_refused(uint16_t sw)
{
    return sw == SW_WRONG_LENGTH || sw == SW_LAST_COMMAND_EXPECTED ||
           sw == SW_CHAINING_NOT_SUPPORTED;
}

void channel_refuse_extended(struct channel *channel)
{
    channel->extended = false;
    channel->refused = true;
}

gpg_error_t channel_send(struct channel *channel, const struct command *command,
                         struct response *response)
{
    bool extended = wants_extended(channel, command);
    gpg_error_t err = send_some_way(channel, command, extended, response);

    if (!err && extended && response->sw == SW_WRONG_LENGTH &&
        (command->data.len <= LC_SHORT_MAX || channel->chaining)) {
        err = send_some_way(channel, command, false, response);
        /* Refused either way, it was the data that was wrong. */
        if (!err && !length_refused(response->sw)) {
            log_debug("apdu: the card refuses extended length, going on without it");
            channel_refuse_extended(channel);
        }
    }
    /* A reader that takes short APDUs only fails instead of the card. The caller's second try, on a
     * new connection, does without. */
    if (gpg_err_code(err) == GPG_ERR_CARD && extended &&
        reader_length(channel->reader) == READER_LENGTH_UNKNOWN &&
        (command->data.len <= LC_SHORT_MAX || channel->chaining))
        channel_refuse_extended(channel);
    return err ? err : collect_rest(channel, response);
}
