#include "tests/fault/faults.h"

#include <sched.h>
#include <sys/eventfd.h>

struct scene scene;

/* The agent learns of it before the call goes on. */
static void noticed(unsigned before)
{
    while (cards_event_count(scene.agent->cards) == before)
        sched_yield();
}

void take_out(void)
{
    unsigned before = cards_event_count(scene.agent->cards);

    world_take_out(world.slot_at_fault);
    noticed(before);
}

void replug(void)
{
    enum card_name card = world_card_in(world.slot_at_fault);
    unsigned before = cards_event_count(scene.agent->cards);

    if (card == NO_CARD)
        return;
    world_put_in(world.slot_at_fault, card);
    noticed(before);
}

/* Another card, with another key; and before the agent knows. */
static void swap(void)
{
    world_put_in(world.slot_at_fault,
                 world_card_in(world.slot_at_fault) == CARD_P256 ? CARD_KDF : CARD_P256);
}

static void swap_for_twin(void)
{
    world_put_in(world.slot_at_fault,
                 world_card_in(world.slot_at_fault) == CARD_TWIN ? CARD_X25519 : CARD_TWIN);
}

static void swap_for_empty(void)
{
    world_put_in(world.slot_at_fault, CARD_EMPTY);
}

static void reset(void)
{
    world_reset(world.slot_at_fault);
}

static void select_other(void)
{
    world_select_other(world.slot_at_fault);
}

static void reset_and_select_other(void)
{
    reset();
    select_other();
}

static void hang_up(void)
{
    client_hang_up(scene.client);
}

static void send_no_more(void)
{
    client_send_no_more(scene.client);
}

/* As SIGHUP does. */
static void lock(void)
{
    cards_lock_all(scene.agent->cards);
}

/* As SIGTERM does. */
static void stop(void)
{
    eventfd_write(scene.agent->stop_fd, 1);
}

/* clang-format off */
#define WORD(w)         { .name = #w, .kind = FAULT_WORD, .value = 0x##w }
#define FAILS(k, error) { .name = #k " " #error, .kind = k, .value = error }
#define HAPPENS(f)      { .name = #f, .kind = FAULT_HAPPENING, .happen = f }
#define OTHERS(f)       { .name = #f, .kind = FAULT_HAPPENING, .happen = f, .harmless = true }

const struct fault faults[] = {
    WORD(6285), WORD(6300), WORD(63C0), WORD(63C1), WORD(63C2), WORD(63C3), WORD(6400), WORD(6581),
    WORD(6600), WORD(6700), WORD(6881), WORD(6882), WORD(6883), WORD(6884), WORD(6982), WORD(6983),
    WORD(6984), WORD(6985), WORD(6986), WORD(6999), WORD(6A80), WORD(6A81), WORD(6A82), WORD(6A83),
    WORD(6A86), WORD(6A88), WORD(6B00), WORD(6C00), WORD(6C10), WORD(6CFF), WORD(6D00), WORD(6E00),
    WORD(6F00), WORD(9100), WORD(0000), WORD(FFFF), WORD(6100),
    { .name = "nothing and 9000", .kind = FAULT_DATA, .value = 0 },
    { .name = "1 octet", .kind = FAULT_DATA, .value = 1 },
    { .name = "257 octets", .kind = FAULT_DATA, .value = 257 },
    { .name = "65536 octets", .kind = FAULT_DATA, .value = 65536 },
    { .name = "endless 61FF", .kind = FAULT_ENDLESS, .value = 0 },
    FAILS(FAULT_ERROR, GPG_ERR_CARD_REMOVED), FAILS(FAULT_LATE, GPG_ERR_CARD_REMOVED),
    FAILS(FAULT_ERROR, GPG_ERR_CARD_RESET),   FAILS(FAULT_LATE, GPG_ERR_CARD_RESET),
    FAILS(FAULT_ERROR, GPG_ERR_TIMEOUT),      FAILS(FAULT_LATE, GPG_ERR_TIMEOUT),
    FAILS(FAULT_ERROR, GPG_ERR_CARD),         FAILS(FAULT_LATE, GPG_ERR_CARD),
    FAILS(FAULT_ERROR, GPG_ERR_LOCKED),       FAILS(FAULT_ALWAYS, GPG_ERR_LOCKED),
    FAILS(FAULT_ERROR, GPG_ERR_NO_SERVICE),   FAILS(FAULT_ALWAYS, GPG_ERR_NO_SERVICE),
    FAILS(FAULT_ERROR, GPG_ERR_EACCES),       FAILS(FAULT_ALWAYS, GPG_ERR_CARD_RESET),
    FAILS(FAULT_ERROR, GPG_ERR_TOO_LARGE),    FAILS(FAULT_ALWAYS, GPG_ERR_CARD_NOT_PRESENT),
    HAPPENS(take_out), HAPPENS(replug), HAPPENS(swap), HAPPENS(swap_for_twin),
    HAPPENS(swap_for_empty),
    OTHERS(reset), OTHERS(select_other), OTHERS(reset_and_select_other),
    HAPPENS(hang_up), HAPPENS(send_no_more), HAPPENS(lock), HAPPENS(stop),
};
/* clang-format on */

const size_t fault_count = sizeof faults / sizeof faults[0];

bool fault_fits(const struct fault *fault, enum call call)
{
    return call == CALL_TRANSMIT || fault->kind == FAULT_ERROR || fault->kind == FAULT_ALWAYS ||
           fault->kind == FAULT_HAPPENING;
}
