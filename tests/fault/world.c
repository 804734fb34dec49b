#include "tests/fault/world.h"

#include "ccid/backend.h"
#include "tests/fault/need.h"
#include "tests/fault/shortage.h"
#include "tests/token/token.h"

#include <gcrypt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INS_VERIFY 0x20
#define PIN        "123456"

struct slot {
    enum card_name card;
    uint32_t insertion;
    unsigned resets;
};

struct fake_readers {
    struct readers base;
    bool wake;
    struct reader_list told;
};

struct fake_reader {
    struct reader base;
    int slot;
    uint32_t insertion;
    unsigned resets;
    bool begun;
};

struct world world;

/* Guards the slots and what tells the watcher of them. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct slot slots[SLOTS_IN_WORLD];
static uint32_t insertions;
static const struct view none;
static struct token *tokens[CARDS_IN_WORLD];
static uint8_t aids[CARDS_IN_WORLD][16];
static bool always; /* FAULT_ALWAYS or FAULT_ENDLESS has begun */

#define FRONT                                                                                      \
    "cardea-token 1\npw1-tries 03\npw3 3132333435363738\npw3-tries 03\n"                           \
    "sign-attributes 010800002000\nauthenticate-attributes 010800002000\n"
#define X25519(fingerprint)                                                                        \
    "decrypt-attributes 122B060104019755010501\ndecrypt-origin 02\n"                               \
    "decrypt-fingerprint " fingerprint "\n"                                                        \
    "decrypt-d 77076D0A7318A57D3C16C17251B26645DF4C2F87EBC0992AB177FBA51DB92C2A\nend\n"
#define PLAIN_PIN "pw1 313233343536\n"

static const char *const states[CARDS_IN_WORLD] = {
    [CARD_X25519] = FRONT PLAIN_PIN X25519("1111111111111111111111111111111111111111"),
    [CARD_TWIN] = FRONT PLAIN_PIN X25519("1111111111111111111111111111111111111111"),
    [CARD_P256] = FRONT PLAIN_PIN
    "decrypt-attributes 122A8648CE3D030107\ndecrypt-origin 02\n"
    "decrypt-fingerprint 2222222222222222222222222222222222222222\n"
    "decrypt-d C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433\nend\n",
    [CARD_EMPTY] = FRONT PLAIN_PIN "decrypt-attributes 010800002000\nend\n",
    /* The PIN's hash is the vector of the specification, §4.3.2. */
    [CARD_KDF] = FRONT "pw1 773784A602B6C81E3F092F4D7D00E17CC822D88F7360FCF2D2EF2D9D901F44B6\n"
                       "kdf 8101038201088304000186A084083031323334353637\n" X25519(
                           "3333333333333333333333333333333333333333"),
};

static void load_key_file(struct token *token, const char *folder)
{
    struct buffer key = BUFFER(65536);
    char path[512];
    int c;
    FILE *file;

    snprintf(path, sizeof path, "%s/rsa2048.asc", folder);
    file = fopen(path, "re");
    NEED(file);
    while ((c = getc(file)) != EOF)
        NEED(!buffer_append_u8(&key, (uint8_t)c));
    fclose(file);
    NEED(!token_import(token, buffer_view(&key)));
    buffer_free(&key);
}

static void make_card(int i, const char *keys)
{
    struct token_options options;
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);
    static const uint8_t get_aid[] = { 0x00, 0xca, 0x00, 0x4f, 0x00 };

    token_default_options(&options);
    options.serial = 0x10000000 + (uint32_t)i;
    options.extended_length = i != CARD_RSA_CHAINED;
    options.other_application = true;
    NEED(!token_new(&options, &tokens[i]));
    if (states[i])
        NEED(!token_load(tokens[i], view_of(states[i], strlen(states[i]))));
    else
        load_key_file(tokens[i], keys);
    token_reset(tokens[i]);
    world_command(i, view_of("\x00\xa4\x04\x00\x06\xd2\x76\x00\x01\x24\x01", 11), &answer);
    world_command(i, view_of(get_aid, sizeof get_aid), &answer);
    NEED(answer.len == 18);
    memcpy(aids[i], answer.data, 16);
    buffer_free(&answer);
}

void world_open(const char *keys)
{
    for (int i = 0; i < CARDS_IN_WORLD; i++)
        make_card(i, keys);
}

void world_close(void)
{
    for (int i = 0; i < CARDS_IN_WORLD; i++)
        token_free(&tokens[i]);
}

void world_command(enum card_name card, struct view command, struct buffer *answer)
{
    shortage_pause();
    token_command(tokens[card], command, answer);
    shortage_resume();
}

static void select_application(enum card_name card, struct buffer *answer)
{
    world_command(card, view_of("\x00\xa4\x04\x00\x06\xd2\x76\x00\x01\x24\x01", 11), answer);
}

unsigned world_tries(enum card_name card)
{
    static const uint8_t get_c4[] = { 0x00, 0xca, 0x00, 0xc4, 0x00 };
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);
    unsigned tries;

    select_application(card, &answer);
    world_command(card, view_of(get_c4, sizeof get_c4), &answer);
    NEED(answer.len == 9);
    tries = answer.data[4];
    buffer_free(&answer);
    return tries;
}

/* The right PIN gives all tries back. */
static void restore(enum card_name card)
{
    static const uint8_t plain[] = "\x00\x20\x00\x82\x06" PIN;
    static const uint8_t hashed[] =
        "\x00\x20\x00\x82\x20\x77\x37\x84\xa6\x02\xb6\xc8\x1e\x3f\x09\x2f\x4d\x7d\x00\xe1\x7c\xc8"
        "\x22\xd8\x8f\x73\x60\xfc\xf2\xd2\xef\x2d\x9d\x90\x1f\x44\xb6";
    struct view verify =
        card == CARD_KDF ? view_of(hashed, sizeof hashed - 1) : view_of(plain, sizeof plain - 1);
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

    token_reset(tokens[card]);
    select_application(card, &answer);
    world_command(card, verify, &answer);
    NEED(answer.len == 2 && answer.data[0] == 0x90);
    token_reset(tokens[card]);
    buffer_free(&answer);
}

void world_set(enum card_name first, enum card_name second)
{
    for (int i = 0; i < CARDS_IN_WORLD; i++)
        restore((enum card_name)i);
    world_arm(NULL, 0);
    pthread_mutex_lock(&mutex);
    slots[0] = (struct slot){ .card = first, .insertion = ++insertions };
    slots[1] = (struct slot){ .card = second, .insertion = ++insertions };
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

void world_arm(const struct fault *fault, unsigned at)
{
    unsigned connected = world.connected, begun = world.begun;

    world = (struct world){ .fault = fault, .at = at, .connected = connected, .begun = begun };
    always = false;
}

static void put(int slot, enum card_name card)
{
    pthread_mutex_lock(&mutex);
    slots[slot] = (struct slot){ .card = card, .insertion = ++insertions };
    if (card != NO_CARD)
        token_reset(tokens[card]);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

void world_take_out(int slot)
{
    put(slot, NO_CARD);
}

void world_put_in(int slot, enum card_name card)
{
    put(slot, card);
}

void world_reset(int slot)
{
    pthread_mutex_lock(&mutex);
    slots[slot].resets++;
    if (slots[slot].card != NO_CARD)
        token_reset(tokens[slots[slot].card]);
    pthread_mutex_unlock(&mutex);
}

void world_select_other(int slot)
{
    static const uint8_t select_piv[] = "\x00\xa4\x04\x00\x09\xa0\x00\x00\x03\x08\x00\x00\x10\x00";
    struct buffer answer = BUFFER(TOKEN_ANSWER_MAX);

    if (slots[slot].card == NO_CARD)
        return;
    /* Twice: in the midst of a chain of commands the first one only breaks that. */
    for (int i = 0; i < 2; i++)
        world_command(slots[slot].card, view_of(select_piv, sizeof select_piv - 1), &answer);
    NEED(answer.len >= 2 && answer.data[answer.len - 2] == 0x90);
    buffer_free(&answer);
}

enum card_name world_card_in(int slot)
{
    return slots[slot].card;
}

const uint8_t *world_aid(enum card_name card)
{
    return aids[card];
}

static gpg_error_t open_readers(const char *argument, struct readers **r_readers)
{
    struct fake_readers *readers = calloc(1, sizeof *readers);

    (void)argument;
    NEED(readers);
    *r_readers = &readers->base;
    return 0;
}

static void close_readers(struct readers *readers)
{
    free(readers);
}

static void fill(struct reader_list *list)
{
    *list = (struct reader_list){ .count = SLOTS_IN_WORLD };
    for (int i = 0; i < SLOTS_IN_WORLD; i++) {
        snprintf(list->info[i].name, sizeof list->info[i].name, "reader %d", i);
        list->info[i].present = slots[i].card != NO_CARD;
        list->info[i].insertion = slots[i].insertion;
    }
}

static void list_readers(struct readers *base, struct reader_list *list)
{
    struct fake_readers *readers = (struct fake_readers *)base;

    pthread_mutex_lock(&mutex);
    fill(list);
    readers->told = *list;
    pthread_mutex_unlock(&mutex);
}

/* Under the mutex. */
static bool has_news(const struct fake_readers *readers)
{
    for (int i = 0; i < SLOTS_IN_WORLD; i++) {
        if (readers->told.info[i].insertion != slots[i].insertion)
            return true;
    }
    return false;
}

static void wait_readers(struct readers *base)
{
    struct fake_readers *readers = (struct fake_readers *)base;

    pthread_mutex_lock(&mutex);
    while (!readers->wake && !has_news(readers))
        pthread_cond_wait(&changed, &mutex);
    readers->wake = false;
    pthread_mutex_unlock(&mutex);
}

static void wake_readers(struct readers *base)
{
    struct fake_readers *readers = (struct fake_readers *)base;

    pthread_mutex_lock(&mutex);
    readers->wake = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

/* What the card says in place of its own answer. */
static gpg_error_t answer_wrongly(const struct fault *fault, struct buffer *answer)
{
    bool endless = fault->kind == FAULT_ENDLESS;
    size_t count = endless ? 255 : fault->value;
    gpg_error_t err = 0;

    if (fault->kind == FAULT_WORD)
        return buffer_append_u16(answer, (uint16_t)fault->value);
    for (size_t i = 0; i < count && !err; i++)
        err = buffer_append_u8(answer, 0x61);
    return err ? err : buffer_append_u16(answer, endless ? 0x61ff : 0x9000);
}

/* Counts the moment. True when the fault takes the call's place: *err is its outcome, and *late
 * says that the card is to see the command all the same. */
static bool strike(enum call call, int slot, struct view command, struct buffer *answer,
                   gpg_error_t *err, bool *late)
{
    const struct fault *fault = world.fault;
    bool now = fault && (world.calls == world.at || always);

    *late = false;
    NEED(world.calls < CALLS_MAX || always);
    if (world.calls < CALLS_MAX) {
        world.call[world.calls] = call;
        world.instruction[world.calls] = command.len ? command.data[1] : 0;
    }
    world.calls++;
    if (!now)
        return false;
    world.struck = true;
    world.slot_at_fault = slot;
    always = fault->kind == FAULT_ENDLESS || fault->kind == FAULT_ALWAYS;
    switch (fault->kind) {
    case FAULT_HAPPENING:
        fault->happen();
        return false;
    case FAULT_ERROR:
    case FAULT_LATE:
    case FAULT_ALWAYS:
        *late = fault->kind == FAULT_LATE;
        *err = gpg_error((gpg_err_code_t)fault->value);
        return true;
    default:
        break;
    }
    if (call != CALL_TRANSMIT)
        return false;
    *err = answer_wrongly(fault, answer);
    if (*err)
        buffer_clear(answer);
    return true;
}

/* What became of the card since the reader was connected. */
static gpg_error_t look_at_card(struct fake_reader *reader)
{
    gpg_error_t err = 0;

    pthread_mutex_lock(&mutex);
    if (slots[reader->slot].insertion != reader->insertion) {
        err = gpg_error(GPG_ERR_CARD_REMOVED);
    } else if (slots[reader->slot].resets != reader->resets) {
        reader->resets = slots[reader->slot].resets;
        err = gpg_error(GPG_ERR_CARD_RESET);
    }
    pthread_mutex_unlock(&mutex);
    return err;
}

static gpg_error_t connect_reader(struct readers *readers, const char *name,
                                  struct deadline deadline, struct reader **r_reader)
{
    int slot = name[strlen("reader ")] - '0';
    struct fake_reader *reader;
    struct view atr;
    gpg_error_t err;
    bool late;

    (void)readers;
    (void)deadline;
    if (strike(CALL_CONNECT, slot, none, NULL, &err, &late))
        return err;
    if (slots[slot].card == NO_CARD)
        return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
    reader = calloc(1, sizeof *reader);
    if (!reader)
        return gpg_error(GPG_ERR_ENOMEM);
    reader->slot = slot;
    reader->insertion = slots[slot].insertion;
    reader->resets = slots[slot].resets;
    atr = token_atr(tokens[slots[slot].card]);
    memcpy(reader->base.atr, atr.data, atr.len);
    reader->base.atr_len = atr.len;
    world.connected++;
    *r_reader = &reader->base;
    return 0;
}

static void disconnect_reader(struct reader *base)
{
    world.connected--;
    free(base);
}

static gpg_error_t begin(struct reader *base, struct deadline deadline)
{
    struct fake_reader *reader = (struct fake_reader *)base;
    gpg_error_t err;
    bool late;

    (void)deadline;
    NEED(!reader->begun);
    if (!strike(CALL_BEGIN, reader->slot, none, NULL, &err, &late))
        err = look_at_card(reader);
    if (!err) {
        reader->begun = true;
        world.begun++;
    }
    return err;
}

static void end(struct reader *base)
{
    struct fake_reader *reader = (struct fake_reader *)base;

    NEED(reader->begun);
    reader->begun = false;
    world.begun--;
}

/* Returns where to note that it arrived, or NULL. */
static struct pin_seen *note_pin(int slot, struct view command)
{
    struct pin_seen *seen;

    if (command.len <= 5 || command.data[1] != INS_VERIFY)
        return NULL;
    world.pin_count++;
    NEED(world.pin_count <= PINS_SEEN_MAX && command.len - 5 <= sizeof seen->pin);
    seen = &world.pins[world.pin_count - 1];
    seen->card = slots[slot].card;
    seen->len = command.len - 5;
    memcpy(seen->pin, command.data + 5, seen->len);
    return seen;
}

static gpg_error_t transmit(struct reader *base, struct view command, struct buffer *answer,
                            struct deadline deadline)
{
    struct fake_reader *reader = (struct fake_reader *)base;
    struct buffer unseen = BUFFER(ANSWER_MAX);
    struct pin_seen *seen;
    gpg_error_t err = 0;
    bool late, struck;

    NEED(reader->begun);
    if (deadline_passed(deadline))
        return gpg_error(GPG_ERR_TIMEOUT);
    struck = strike(CALL_TRANSMIT, reader->slot, command, answer, &err, &late);
    if (!struck)
        err = look_at_card(reader);
    seen = err && !struck ? NULL : note_pin(reader->slot, command);
    if (seen)
        seen->arrived = !struck || late;
    if (!err && !struck)
        world_command(slots[reader->slot].card, command, answer);
    if (late)
        world_command(slots[reader->slot].card, command, &unseen);
    buffer_free(&unseen);
    return err;
}

static gpg_error_t reset(struct reader *base, struct deadline deadline)
{
    struct fake_reader *reader = (struct fake_reader *)base;

    (void)deadline;
    world_reset(reader->slot);
    reader->resets = slots[reader->slot].resets;
    return 0;
}

const struct backend pcsc_backend = {
    .scheme = WORLD_SPEC,
    .open = open_readers,
    .close = close_readers,
    .list = list_readers,
    .wait = wait_readers,
    .wake = wake_readers,
    .connect = connect_reader,
    .disconnect = disconnect_reader,
    .begin = begin,
    .end = end,
    .transmit = transmit,
    .reset = reset,
};

/* ccid/reader.c knows of it; nobody opens one here. */
const struct backend socket_backend = { .scheme = "socket" };
