/* usb-reader SPEC: the readers of ccid/reader.h, steered by lines on the standard input: list,
 * wait, connect, send HEX [MILLISECONDS], reset, disconnect. Answers are one line each, "ok ..." or
 * "error TEXT". */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "ccid/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN    8192
#define PATIENCE_MS 20000

struct tool {
    struct readers *readers;
    struct reader *reader;
};

static void say_error(gpg_error_t err)
{
    printf("error %s\n", gpg_strerror(err));
}

static void list(struct tool *t)
{
    static struct reader_list readers;

    readers_list(t->readers, &readers);
    printf("ok %zu", readers.count);
    for (size_t i = 0; i < readers.count; i++)
        printf(" [%s]%s%s", readers.info[i].name, readers.info[i].present ? " present" : "",
               readers.info[i].exclusive ? " exclusive" : "");
    putchar('\n');
}

/* The first reader that has a card. */
static void connect_card(struct tool *t)
{
    static struct reader_list readers;
    gpg_error_t err = gpg_error(GPG_ERR_CARD_NOT_PRESENT);

    readers_list(t->readers, &readers);
    reader_disconnect(&t->reader);
    for (size_t i = 0; i < readers.count && !t->reader; i++)
        if (readers.info[i].present)
            err = reader_connect(t->readers, readers.info[i].name, deadline_in_ms(PATIENCE_MS),
                                 &t->reader);
    if (err)
        say_error(err);
    else
        puts("ok");
}

static void send(struct tool *t, const char *digits, long ms)
{
    static uint8_t command[LINE_LEN / 2];
    struct buffer answer = BUFFER(ANSWER_MAX);
    struct deadline deadline = deadline_in_ms(ms ? ms : PATIENCE_MS);
    size_t len;
    gpg_error_t err = gpg_error(GPG_ERR_INV_ARG);

    if (t->reader && hex_decode(digits, strlen(digits), command, sizeof command, &len))
        err = reader_begin(t->reader, deadline);
    if (!err) {
        err = reader_transmit(t->reader, view_of(command, len), &answer, deadline);
        reader_end(t->reader);
    }
    if (err) {
        say_error(err);
    } else {
        fputs("ok ", stdout);
        for (size_t i = 0; i < answer.len; i++)
            printf("%02X", answer.data[i]);
        putchar('\n');
    }
    buffer_free(&answer);
}

static void run(struct tool *t, const char *line)
{
    char digits[LINE_LEN] = "";
    long ms = 0;

    if (strcmp(line, "list") == 0) {
        list(t);
    } else if (strcmp(line, "wait") == 0) {
        readers_wait(t->readers);
        list(t);
    } else if (strcmp(line, "connect") == 0) {
        connect_card(t);
    } else if (strcmp(line, "disconnect") == 0) {
        reader_disconnect(&t->reader);
        puts("ok");
    } else if (strcmp(line, "reset") == 0 && t->reader) {
        gpg_error_t err = reader_reset(t->reader, deadline_in_ms(PATIENCE_MS));

        if (err)
            say_error(err);
        else
            puts("ok");
    } else if (sscanf(line, "send %8191s %ld", digits, &ms) >= 1) {
        send(t, digits, ms);
    } else {
        puts("error no such command");
    }
}

int main(int argc, char **argv)
{
    static char line[LINE_LEN];
    struct tool t = { 0 };
    gpg_error_t err;

    log_init("usb-reader", getenv("USB_READER_DEBUG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
    err = secret_init_library();
    if (!err)
        err = readers_open(argc > 1 ? argv[1] : "usb", &t.readers);
    if (err) {
        say_error(err);
        return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        run(&t, line);
        fflush(stdout);
    }
    reader_disconnect(&t.reader);
    readers_close(&t.readers);
    return 0;
}
