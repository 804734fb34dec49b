#include "tests/unit/fake_winscard.h"
#include "base/deadline.h"

#include <pthread.h>
#include <reader.h>
#include <stdio.h>
#include <string.h>

#define BOTH_PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)

static const char notification[] = "\\\\?PnP?\\Notification";

struct fake_reader {
    char name[200];
    DWORD state;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct {
    LONG codes[FAKE_CALLS];
    LONG once[FAKE_CALLS];
    bool blocked[FAKE_CALLS];
    unsigned counts[FAKE_CALLS];
    int contexts, connections;
    struct fake_reader readers[FAKE_READERS_MAX];
    size_t reader_count;
    bool restless, misused, notified;
    size_t asked;
    unsigned cancels;
    DWORD protocol, sent_protocol, initialization;
} fake;

__attribute__((constructor)) static void init(void)
{
    (void)deadline_cond_init(&changed);
    fake_reset();
}

void fake_reset(void)
{
    pthread_mutex_lock(&mutex);
    memset(&fake, 0, sizeof fake);
    fake.protocol = SCARD_PROTOCOL_T1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

#define LOCKED(statement)                                                                          \
    pthread_mutex_lock(&mutex);                                                                    \
    statement;                                                                                     \
    pthread_cond_broadcast(&changed);                                                              \
    pthread_mutex_unlock(&mutex)

void fake_fail(enum fake_call call, LONG code)
{
    LOCKED(fake.codes[call] = code);
}

void fake_fail_once(enum fake_call call, LONG code)
{
    LOCKED(fake.once[call] = code);
}

void fake_block(enum fake_call call, bool block)
{
    LOCKED(fake.blocked[call] = block);
}

unsigned fake_count(enum fake_call call)
{
    unsigned count;

    LOCKED(count = fake.counts[call]);
    return count;
}

int fake_contexts(void)
{
    int count;

    LOCKED(count = fake.contexts);
    return count;
}

int fake_connections(void)
{
    int count;

    LOCKED(count = fake.connections);
    return count;
}

void fake_restless(bool restless)
{
    LOCKED(fake.restless = restless);
}

void fake_protocol(DWORD protocol)
{
    LOCKED(fake.protocol = protocol);
}

DWORD fake_sent_protocol(void)
{
    DWORD protocol;

    LOCKED(protocol = fake.sent_protocol);
    return protocol;
}

DWORD fake_initialization(void)
{
    DWORD initialization;

    LOCKED(initialization = fake.initialization);
    return initialization;
}

bool fake_misused(void)
{
    bool misused;

    LOCKED(misused = fake.misused);
    return misused;
}

bool fake_notified(size_t *count)
{
    bool notified;

    LOCKED(notified = fake.notified; *count = fake.asked);
    return notified;
}

static struct fake_reader *find(const char *name)
{
    for (size_t i = 0; i < fake.reader_count; i++) {
        if (strcmp(fake.readers[i].name, name) == 0)
            return &fake.readers[i];
    }
    return NULL;
}

void fake_reader_silently(const char *name, DWORD state)
{
    struct fake_reader *reader;

    pthread_mutex_lock(&mutex);
    if (!name) {
        fake.reader_count = 0;
    } else {
        reader = find(name);
        if (!reader) {
            reader = &fake.readers[fake.reader_count++];
            snprintf(reader->name, sizeof reader->name, "%s", name);
        }
        reader->state = state;
    }
    pthread_mutex_unlock(&mutex);
}

void fake_reader(const char *name, DWORD state)
{
    fake_reader_silently(name, state);
    LOCKED(fake.cancels++);
}

/* With the mutex held: counts, blocks and fails as set. */
static LONG enter(enum fake_call call)
{
    LONG code;

    fake.counts[call]++;
    while (fake.blocked[call])
        pthread_cond_wait(&changed, &mutex);
    code = fake.once[call] ? fake.once[call] : fake.codes[call];
    fake.once[call] = 0;
    return code;
}

static LONG simple(enum fake_call call)
{
    LONG code;

    LOCKED(code = enter(call));
    return code;
}

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2,
                           LPSCARDCONTEXT context)
{
    static SCARDCONTEXT last;
    LONG code;

    (void)scope, (void)reserved1, (void)reserved2;
    LOCKED(code = enter(FAKE_ESTABLISH); if (!code) {
        *context = ++last;
        fake.contexts++;
    });
    return code;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    LONG code;

    (void)context;
    LOCKED(code = enter(FAKE_RELEASE); fake.contexts--);
    return code;
}

LONG SCardCancel(SCARDCONTEXT context)
{
    (void)context;
    LOCKED(fake.cancels++);
    return SCARD_S_SUCCESS;
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD size)
{
    LONG code;
    DWORD at = 0;

    (void)context, (void)groups;
    pthread_mutex_lock(&mutex);
    code = enter(FAKE_LIST);
    for (size_t i = 0; i < fake.reader_count && !code; i++) {
        if (at + strlen(fake.readers[i].name) + 2 > *size)
            code = SCARD_E_INSUFFICIENT_BUFFER;
        else
            memcpy(names + at, fake.readers[i].name, strlen(fake.readers[i].name) + 1);
        at += (DWORD)strlen(fake.readers[i].name) + 1;
    }
    if (!code && at == 0)
        code = SCARD_E_NO_READERS_AVAILABLE;
    else if (!code)
        names[at] = '\0';
    pthread_mutex_unlock(&mutex);
    return code;
}

/* With the mutex held: as the library compares. */
static bool compare(SCARD_READERSTATE *states, DWORD count)
{
    const DWORD ignored = SCARD_STATE_CHANGED | SCARD_STATE_ATRMATCH | SCARD_STATE_INUSE;
    bool news = false;

    for (DWORD i = 0; i < count; i++) {
        const struct fake_reader *reader = find(states[i].szReader);

        states[i].dwEventState = reader ? reader->state : SCARD_STATE_UNKNOWN;
        if (strcmp(states[i].szReader, notification) == 0) {
            states[i].dwEventState = 0;
        } else if (states[i].dwCurrentState == SCARD_STATE_UNAWARE ||
                   ((states[i].dwCurrentState ^ states[i].dwEventState) & ~ignored)) {
            states[i].dwEventState |= SCARD_STATE_CHANGED;
            news = true;
        }
        if (states[i].dwEventState & SCARD_STATE_PRESENT) {
            states[i].cbAtr = 2;
            memcpy(states[i].rgbAtr, "\x3b\x77", 2);
        }
    }
    return news;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states,
                          DWORD count)
{
    struct deadline deadline =
        timeout == INFINITE ? deadline_never() : deadline_in_ms((int)timeout);
    unsigned cancels;
    size_t readers;
    LONG code;

    (void)context;
    pthread_mutex_lock(&mutex);
    code = enter(FAKE_STATUS_CHANGE);
    cancels = fake.cancels;
    readers = fake.reader_count;
    fake.asked = count;
    fake.notified = count > 0 && strcmp(states[count - 1].szReader, notification) == 0;
    while (!code && !compare(states, count) && !fake.restless && readers == fake.reader_count) {
        if (!deadline_cond_wait(&changed, &mutex, deadline))
            code = SCARD_E_TIMEOUT;
        else if (fake.cancels != cancels && !compare(states, count) && readers == fake.reader_count)
            code = SCARD_E_CANCELLED;
        if (!code && fake.codes[FAKE_STATUS_CHANGE])
            code = fake.codes[FAKE_STATUS_CHANGE];
    }
    pthread_mutex_unlock(&mutex);
    return code;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR name, DWORD mode, DWORD protocols,
                  LPSCARDHANDLE handle, LPDWORD protocol)
{
    LONG code;

    (void)context, (void)name;
    pthread_mutex_lock(&mutex);
    code = enter(FAKE_CONNECT);
    if (mode != SCARD_SHARE_SHARED || protocols != BOTH_PROTOCOLS)
        fake.misused = true;
    if (!code) {
        *handle = 42;
        *protocol = fake.protocol;
        fake.connections++;
    }
    pthread_mutex_unlock(&mutex);
    return code;
}

LONG SCardReconnect(SCARDHANDLE handle, DWORD mode, DWORD protocols, DWORD initialization,
                    LPDWORD protocol)
{
    LONG code;

    (void)handle, (void)protocol;
    pthread_mutex_lock(&mutex);
    code = enter(FAKE_RECONNECT);
    if (mode != SCARD_SHARE_SHARED || protocols != BOTH_PROTOCOLS)
        fake.misused = true;
    fake.initialization = initialization;
    pthread_mutex_unlock(&mutex);
    return code;
}

LONG SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
    LONG code;

    (void)handle;
    LOCKED(code = enter(FAKE_DISCONNECT); fake.connections--;
           fake.misused = fake.misused || disposition != SCARD_LEAVE_CARD);
    return code;
}

LONG SCardBeginTransaction(SCARDHANDLE handle)
{
    (void)handle;
    return simple(FAKE_BEGIN);
}

LONG SCardEndTransaction(SCARDHANDLE handle, DWORD disposition)
{
    LONG code;

    (void)handle;
    LOCKED(code = enter(FAKE_END); fake.misused = fake.misused || disposition != SCARD_LEAVE_CARD);
    return code;
}

LONG SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *pci, LPCBYTE command, DWORD len,
                   SCARD_IO_REQUEST *received, LPBYTE answer, LPDWORD size)
{
    LONG code;

    (void)handle, (void)received;
    pthread_mutex_lock(&mutex);
    code = enter(FAKE_TRANSMIT);
    fake.sent_protocol = pci->dwProtocol;
    if (*size < MAX_BUFFER_SIZE_EXTENDED)
        fake.misused = true;
    memcpy(answer, command, len); /* of a failed call too: it may have arrived in part */
    memcpy(answer + len, "\x90\x00", 2);
    *size = len + 2;
    pthread_mutex_unlock(&mutex);
    return code;
}

LONG SCardGetAttrib(SCARDHANDLE handle, DWORD attribute, LPBYTE value, LPDWORD size)
{
    LONG code;

    (void)handle;
    pthread_mutex_lock(&mutex);
    code = enter(FAKE_ATTRIBUTE);
    if (attribute != SCARD_ATTR_ATR_STRING)
        fake.misused = true;
    if (!code) {
        memcpy(value, "\x3b\x01\x02", 3);
        *size = 3;
    }
    pthread_mutex_unlock(&mutex);
    return code;
}
