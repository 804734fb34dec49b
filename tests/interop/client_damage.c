/* client-damage MESSAGE TEXT [ALGO:HEX]: decrypts a small message cut at every octet, and with
 * every bit turned, by the agent or with the session key, to an output that is seen and to a
 * provisional one. What is refused must give nothing, and what is taken all of the text. Prints how
 * many were refused and how many taken. */
#include "client/cardea.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OCTETS_MAX 4096

struct octets {
    size_t len;
    char at[OCTETS_MAX];
};

struct sweep {
    struct cardea *connection;
    const char *session_key;
    int in, out; /* files in memory */
    struct octets message, text;
    bool provisional;
    unsigned refused, taken;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "client-damage: %s\n", what);
    exit(1);
}

static void read_file(const char *path, struct octets *octets)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        fail(path);
    octets->len = fread(octets->at, 1, OCTETS_MAX, f);
    if (!feof(f))
        fail("a small message is wanted");
    fclose(f);
}

static void put(int fd, const char *octets, size_t len)
{
    if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) || write(fd, octets, len) != (ssize_t)len ||
        lseek(fd, 0, SEEK_SET))
        fail("a file in memory does not work");
}

/* What becomes of the first len octets of the message. */
static void try_it(struct sweep *s, size_t len, const char *how, size_t where)
{
    const struct cardea_decrypt_options options = { .session_key = s->session_key,
                                                    .folder = "/",
                                                    .provisional = s->provisional };
    char got[OCTETS_MAX + 1];
    gpg_error_t err;
    ssize_t octets;

    put(s->in, s->message.at, len);
    put(s->out, "", 0);
    err = cardea_decrypt(s->connection, s->in, s->out, &options, NULL);
    octets = pread(s->out, got, sizeof got, 0);
    if (err ? octets == 0
            : (size_t)octets == s->text.len && memcmp(got, s->text.at, s->text.len) == 0) {
        err ? s->refused++ : s->taken++;
        return;
    }
    fprintf(stderr, "client-damage: %s at %zu: %s, and %zd octets\n", how, where, gpg_strerror(err),
            octets);
    exit(1);
}

static void cut_everywhere(struct sweep *s)
{
    unsigned before = s->taken;

    for (size_t len = 0; len < s->message.len; len++)
        try_it(s, len, "cut", len);
    if (s->taken > before)
        fail("a part passed for the whole");
}

static void turn_every_bit(struct sweep *s)
{
    for (size_t bit = 0; bit < 8 * s->message.len; bit++) {
        char turned = (char)(1 << bit % 8);

        s->message.at[bit / 8] ^= turned;
        try_it(s, s->message.len, "bit turned", bit);
        s->message.at[bit / 8] ^= turned;
    }
}

int main(int argc, char **argv)
{
    static struct sweep s;

    if (argc < 3)
        return 2;
    s.session_key = argv[3];
    s.in = memfd_create("in", MFD_CLOEXEC);
    s.out = memfd_create("out", MFD_CLOEXEC);
    read_file(argv[1], &s.message);
    read_file(argv[2], &s.text);
    if (!s.session_key && cardea_connect(NULL, &s.connection))
        fail("no agent");
    for (int provisional = 0; provisional < 2; provisional++) {
        s.provisional = provisional;
        cut_everywhere(&s);
        turn_every_bit(&s);
        try_it(&s, s.message.len, "whole", 0);
    }
    cardea_disconnect(&s.connection);
    printf("%u refused, %u taken\n", s.refused, s.taken);
    return 0;
}
