#include "ccid/pcsc_known.h"

#include <stdio.h>
#include <string.h>

#define NOTIFICATION "\\\\?PnP?\\Notification"

bool pcsc_filter_covers(const char *filter, const char *reader)
{
    size_t len;

    if (!filter)
        return true;
    for (; *filter; filter += len + (filter[len] == '|')) {
        len = strcspn(filter, "|");
        if (len && memmem(reader, strlen(reader), filter, len))
            return true;
    }
    return false;
}

void pcsc_known_clear(struct pcsc_known *known)
{
    known->list.count = 0;
    known->notification = 0;
}

static bool find(const struct pcsc_reader_state *states, size_t count, const char *name, size_t *at)
{
    for (*at = 0; *at < count; ++*at) {
        if (strcmp(states[*at].name, name) == 0)
            return true;
    }
    return false;
}

/* Takes over the readers of `names`, strings one after the other with an empty one at the end. */
static void know(struct pcsc_known *known, const char *names)
{
    struct pcsc_reader_state states[PCSCLITE_MAX_READERS_CONTEXTS];
    struct reader_info infos[PCSCLITE_MAX_READERS_CONTEXTS];
    size_t count = 0, at;

    for (; *names && count < PCSCLITE_MAX_READERS_CONTEXTS; names += strlen(names) + 1) {
        if (strlen(names) >= READER_NAME_MAX || !pcsc_filter_covers(known->filter, names) ||
            find(states, count, names, &at))
            continue;
        if (find(known->states, known->list.count, names, &at)) {
            states[count] = known->states[at];
            infos[count] = known->list.info[at];
        } else {
            states[count] = (struct pcsc_reader_state){ .state = SCARD_STATE_UNAWARE };
            infos[count] = (struct reader_info){ 0 };
            snprintf(states[count].name, sizeof states[count].name, "%s", names);
            snprintf(infos[count].name, sizeof infos[count].name, "%s", names);
        }
        count++;
    }
    memcpy(known->states, states, count * sizeof states[0]);
    memcpy(known->list.info, infos, count * sizeof infos[0]);
    known->list.count = count;
}

LONG pcsc_known_list(struct pcsc_known *known, SCARDCONTEXT context)
{
    char names[PCSCLITE_MAX_READERS_CONTEXTS * MAX_READERNAME + 1];
    DWORD size = sizeof names;
    LONG code = SCardListReaders(context, NULL, names, &size);

    if (code == SCARD_E_NO_READERS_AVAILABLE) {
        known->list.count = 0;
        code = SCARD_S_SUCCESS;
    } else if (code == SCARD_S_SUCCESS) {
        know(known, names);
    }
    return code;
}

/* The high word of a state counts insertions and removals, so that a card which was exchanged
 * quickly is seen to be another. */
static void learn(struct pcsc_known *known, size_t i, const SCARD_READERSTATE *told)
{
    struct reader_info *info = &known->list.info[i];
    DWORD state = told->dwEventState;
    bool present = state & SCARD_STATE_PRESENT;
    bool counted = state >> 16 != known->states[i].state >> 16;

    if (present && (!info->present || counted))
        info->insertion = ++known->insertions;
    info->present = present;
    info->exclusive = state & SCARD_STATE_EXCLUSIVE;
    known->states[i].state = state;
    known->states[i].atr_len = 0;
    if (present && told->cbAtr <= sizeof known->states[i].atr) {
        memcpy(known->states[i].atr, told->rgbAtr, told->cbAtr);
        known->states[i].atr_len = told->cbAtr;
    }
}

/* A state as the service wants it back. That others begin and cease to use a card is no news; and a
 * state of no bits at all would mean "tell me at once", again and again. */
static DWORD to_compare(DWORD state)
{
    if (state == SCARD_STATE_UNAWARE)
        return state;
    return (state & ~(DWORD)(SCARD_STATE_CHANGED | SCARD_STATE_INUSE)) | SCARD_STATE_ATRMATCH;
}

LONG pcsc_known_await(struct pcsc_known *known, SCARDCONTEXT context, DWORD timeout)
{
    SCARD_READERSTATE states[PCSCLITE_MAX_READERS_CONTEXTS] = { 0 };
    size_t count = known->list.count;
    bool notified = count < PCSCLITE_MAX_READERS_CONTEXTS; /* the library takes no more */
    LONG code;

    for (size_t i = 0; i < count; i++) {
        states[i].szReader = known->states[i].name;
        states[i].dwCurrentState = to_compare(known->states[i].state);
    }
    if (notified) {
        states[count].szReader = NOTIFICATION;
        states[count].dwCurrentState = known->notification & ~(DWORD)SCARD_STATE_CHANGED;
    }
    code = SCardGetStatusChange(context, timeout, states, (DWORD)(count + notified));
    if (code != SCARD_S_SUCCESS && code != SCARD_E_TIMEOUT)
        return code;
    for (size_t i = 0; i < count; i++)
        learn(known, i, &states[i]);
    if (notified)
        known->notification = states[count].dwEventState;
    return code;
}
