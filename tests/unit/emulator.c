#include "tests/unit/emulator.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const uint8_t default_atr[] = { 0x3b, 0x80, 0x80, 0x01, 0x01 };

static bool receive_all(struct emulator *e, uint8_t *data, size_t len)
{
    const int on = 1;

    for (size_t i = 0; i < len; i++) {
        /* vpcd sends length and payload apart, and waits for us to acknowledge the length. */
        (void)setsockopt(e->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
        if (e->received == e->receive_limit || recv(e->fd, data + i, 1, 0) != 1)
            return false;
        e->received++;
    }
    return true;
}

static bool send_all(struct emulator *e, const uint8_t *data, size_t len)
{
    size_t left = e->send_limit - e->sent;
    size_t n = len < left ? len : left;

    if (n > 0 && send(e->fd, data, n, MSG_NOSIGNAL) != (ssize_t)n)
        return false;
    e->sent += n;
    return e->sent < e->send_limit;
}

static bool send_message(struct emulator *e, const uint8_t *payload, size_t len)
{
    static _Thread_local uint8_t message[2 + 65535];

    message[0] = (uint8_t)(len >> 8);
    message[1] = (uint8_t)len;
    memcpy(message + 2, payload, len);
    return send_all(e, message, 2 + len);
}

/* In one piece: whoever has the first has the second. */
static bool send_twice(struct emulator *e, const uint8_t *payload, size_t len)
{
    uint8_t messages[128];

    if (2 * (2 + len) > sizeof messages)
        return false;
    for (size_t i = 0; i < 2; i++) {
        messages[i * (2 + len)] = 0;
        messages[i * (2 + len) + 1] = (uint8_t)len;
        memcpy(messages + i * (2 + len) + 2, payload, len);
    }
    return send_all(e, messages, 2 * (2 + len));
}

static void nap(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

static bool drip(struct emulator *e, const uint8_t *payload, size_t len)
{
    const uint8_t header[2] = { (uint8_t)(len >> 8), (uint8_t)len };

    for (size_t i = 0; i < 2 + len; i++) {
        nap(1);
        if (!send_all(e, i < 2 ? header + i : payload + i - 2, 1))
            return false;
    }
    return true;
}

static bool split(struct emulator *e, const uint8_t *payload, size_t len)
{
    const uint8_t header[2] = { (uint8_t)(len >> 8), (uint8_t)len };

    return send_all(e, header, 2) && send_all(e, payload, len);
}

static bool act_on_number(struct emulator *e, enum act act, const uint8_t *command)
{
    static const uint8_t octets[65535];
    const uint8_t header[3] = { command[2], command[3], 0 };
    size_t number = (size_t)(command[2] << 8 | command[3]);

    if (act == ACT_LENGTH)
        return send_message(e, octets, number);
    return send_all(e, header, act == ACT_TRUNCATE ? 3 : 2) && act == ACT_CLAIM;
}

static bool act_on(struct emulator *e, uint8_t *command, size_t len)
{
    enum act act = (enum act)command[1];

    e->commands++;
    command[len] = 0x90;
    command[len + 1] = 0x00;
    switch (act) {
    case ACT_LENGTH:
    case ACT_CLAIM:
    case ACT_TRUNCATE:
        return act_on_number(e, act, command);
    case ACT_CLOSE:
        return false;
    case ACT_SILENT:
        return true;
    case ACT_DRIP:
        return drip(e, command, len + 2);
    case ACT_SPLIT:
        return split(e, command, len + 2);
    case ACT_TWICE:
        return send_twice(e, command, len + 2);
    case ACT_LATE:
        nap(command[2] << 8 | command[3]);
        return send_message(e, command, len + 2);
    case ACT_ECHO_CLOSE:
        send_message(e, command, len + 2);
        return false;
    case ACT_ECHO:
        break;
    }
    return send_message(e, command, len + 2);
}

static bool control(struct emulator *e, uint8_t octet)
{
    if (octet == 1)
        e->powered++;
    else if (octet == 2)
        e->reset++;
    else if (octet == 4)
        return send_message(e, e->atr.data, e->atr.len);
    return true;
}

static void *serve(void *context)
{
    struct emulator *e = context;
    static _Thread_local uint8_t payload[65535 + 2];
    uint8_t header[2];
    bool more = e->sent < e->send_limit && e->received < e->receive_limit;

    e->tid = gettid();
    while (more && receive_all(e, header, 2)) {
        size_t len = (size_t)(header[0] << 8 | header[1]);

        if (!receive_all(e, payload, len))
            break;
        more = len == 1 ? control(e, payload[0]) : act_on(e, payload, len);
    }
    shutdown(e->fd, SHUT_RDWR);
    return NULL;
}

void emulator_start_limited(struct emulator *e, const struct sockaddr *address, socklen_t len,
                            size_t send_limit, size_t receive_limit)
{
    if (!e->atr.data)
        e->atr = view_of(default_atr, sizeof default_atr);
    e->send_limit = send_limit;
    e->receive_limit = receive_limit;
    e->sent = e->received = 0;
    e->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (e->fd < 0 || connect(e->fd, address, len))
        abort();
    pthread_create(&e->thread, NULL, serve, e);
}

void emulator_start(struct emulator *e, const struct sockaddr *address, socklen_t len)
{
    emulator_start_limited(e, address, len, COUNT_MAX, COUNT_MAX);
}

void emulator_stop(struct emulator *e)
{
    shutdown(e->fd, SHUT_RDWR);
    pthread_join(e->thread, NULL);
    close(e->fd);
}
