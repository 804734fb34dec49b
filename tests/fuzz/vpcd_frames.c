/* What a hostile card emulator writes: cap, size of the pieces it arrives in, then its octets. Read
 * from memory and through a socket, both compared with the plain meaning of the format. */
#include "ccid/vpcd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_MAX 16384 /* what a socket takes without anybody reading */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plain meaning: the payload at the front of the stream, if it is whole and not too long. */
static bool plain_message(struct view *stream, size_t max, struct view *payload)
{
    uint16_t length;

    return view_u16(stream, &length) && length <= max && view_take(stream, length, payload);
}

/* Feeds one message from the stream; true when it is whole. */
static bool feed(struct view *stream, size_t piece, struct buffer *payload)
{
    struct vpcd_message message = { 0 };

    for (;;) {
        struct view taken;
        uint8_t *where;
        size_t missing, n;

        if (vpcd_message_next(&message, payload, &where, &missing))
            return false;
        if (missing == 0)
            return true;
        n = missing < piece ? missing : piece;
        if (!view_take(stream, n < stream->len ? n : stream->len, &taken) || taken.len == 0)
            return false;
        memcpy(where, taken.data, taken.len);
        vpcd_message_took(&message, payload, taken.len);
    }
}

static void read_from_memory(struct view stream, size_t piece, size_t max)
{
    struct view plain = stream;
    struct buffer payload = BUFFER(max);
    struct view expected;

    while (plain_message(&plain, max, &expected)) {
        if (!feed(&stream, piece, &payload) || !view_equal(buffer_view(&payload), expected) ||
            stream.len != plain.len)
            abort();
        buffer_clear(&payload);
    }
    if (feed(&stream, piece, &payload) || payload.len > max)
        abort();
    buffer_free(&payload);
}

static void read_from_socket(struct view stream, size_t max)
{
    struct view plain = stream;
    struct buffer payload = BUFFER(max);
    struct view expected;
    int ends[2];

    if (stream.len > SOCKET_MAX ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
        return;
    if (stream.len > 0 && write(ends[0], stream.data, stream.len) != (ssize_t)stream.len)
        abort();
    close(ends[0]);
    while (plain_message(&plain, max, &expected)) {
        if (vpcd_receive(ends[1], &payload, deadline_never()) ||
            !view_equal(buffer_view(&payload), expected))
            abort();
        buffer_clear(&payload);
    }
    if (!vpcd_receive(ends[1], &payload, deadline_never()))
        abort();
    close(ends[1]);
    buffer_free(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view stream = view_of(data, size);
    uint16_t max;
    uint8_t piece;

    if (!view_u16(&stream, &max) || !view_u8(&stream, &piece))
        return 0;
    read_from_memory(stream, (size_t)piece + 1, max);
    read_from_socket(stream, max);
    return 0;
}
