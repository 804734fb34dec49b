#include "tests/fault/client.h"

#include "base/text.h"
#include "tests/fault/need.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define LINE_MAX    1100

static void before_close(void *context)
{
    (void)context;
}

static void *serve(void *context)
{
    struct client *client = context;
    const struct session_peer peer = {
        .fd = client->ends[1], .pid = getpid(), .uid = getuid(), .before_close = before_close
    };

    session_serve(client->agent, &peer);
    return NULL;
}

/* False at the end of the connection. */
static bool read_octet(struct client *client, char *c)
{
    struct pollfd fd = { .fd = client->fd, .events = POLLIN };

    NEED(poll(&fd, 1, PATIENCE_MS) == 1); /* an answer, or the end */
    return read(client->fd, c, 1) == 1;
}

static bool read_line(struct client *client, char *line)
{
    size_t len = 0;
    char c;

    while (read_octet(client, &c)) {
        if (c == '\n') {
            line[len] = '\0';
            return true;
        }
        NEED(len < LINE_MAX - 1);
        line[len++] = c;
    }
    return false;
}

static void send_line(struct client *client, const char *line)
{
    (void)!send(client->fd, line, strlen(line), MSG_NOSIGNAL);
    (void)!send(client->fd, "\n", 1, MSG_NOSIGNAL);
}

static void answer_inquiry(struct client *client, struct view inquiry)
{
    char line[LINE_MAX] = "D ";
    size_t len = 2;

    for (size_t i = 0; i < inquiry.len; i++) {
        snprintf(line + len, sizeof line - len, "%%%02X", inquiry.data[i]);
        len += 3;
        if (len > 900 || i + 1 == inquiry.len) {
            send_line(client, line);
            len = 2;
        }
    }
    send_line(client, "END");
}

static void take_data(struct reply *reply, const char *text)
{
    for (; *text && reply->data_len < CLIENT_DATA_MAX; text++) {
        uint8_t octet = (uint8_t)*text;
        size_t len;

        if (*text == '%' && hex_decode(text + 1, 2, &octet, 1, &len))
            text += 2;
        reply->data[reply->data_len++] = octet;
    }
}

static bool starts(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static bool is_final(struct reply *reply, const char *line)
{
    if (strcmp(line, "OK") == 0 || starts(line, "OK "))
        reply->err = 0;
    else if (starts(line, "ERR "))
        reply->err = (gpg_error_t)strtoul(line + 4, NULL, 10);
    else
        return false;
    reply->finals++;
    return true;
}

void client_open(struct client *client, struct agent *agent)
{
    char line[LINE_MAX];

    *client = (struct client){ .agent = agent };
    NEED(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client->ends));
    client->fd = client->ends[0];
    NEED(!pthread_create(&client->server, NULL, serve, client));
    NEED(read_line(client, line) && starts(line, "OK "));
}

void client_command(struct client *client, const char *line, struct view inquiry,
                    struct reply *reply)
{
    char answer[LINE_MAX];

    *reply = (struct reply){ .err = gpg_error(GPG_ERR_EOF) };
    send_line(client, line);
    while (read_line(client, answer)) {
        if (is_final(reply, answer))
            return;
        if (starts(answer, "INQUIRE "))
            answer_inquiry(client, inquiry);
        else if (starts(answer, "D "))
            take_data(reply, answer + 2);
    }
}

void client_hang_up(struct client *client)
{
    client->gone = true;
    shutdown(client->fd, SHUT_RDWR);
}

void client_send_no_more(struct client *client)
{
    shutdown(client->fd, SHUT_WR);
}

void client_close(struct client *client, unsigned *extra)
{
    struct reply rest = { .finals = 0 };
    char line[LINE_MAX];

    if (!client->gone)
        shutdown(client->fd, SHUT_WR);
    while (!client->gone && read_line(client, line))
        (void)is_final(&rest, line);
    *extra = rest.finals;
    pthread_join(client->server, NULL);
    close(client->fd);
}
