/* message-tool: message/ on the command line, for tests that compare it with other programs.
 *
 *     message-tool recipients FILE
 *     message-tool keys CERTIFICATE
 *     message-tool open FILE INDEX RESULT CREATED OID POINT FINGERPRINT   (a card's own facts)
 *     message-tool open FILE INDEX RESULT CERTIFICATE KEY                 (a certificate's)
 *     message-tool decrypt [--unwrap] [--accept-unprotected] [--max-output N] ALGO:HEX FILE
 *
 * FILE is read piece by piece; "-" is standard input. Reports go to standard error, one a line. */
#include "base/text.h"
#include "message/armor.h"
#include "message/certificate.h"
#include "message/ecdh_parameters.h"
#include "message/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_OCTETS (256 * 1024)

struct file {
    int fd;
    uint8_t octets[READ_OCTETS];
};

static _Noreturn void fail(gpg_error_t err, const char *problem)
{
    fprintf(stderr, "error %s %s\n", gpg_strerror(err), problem ? problem : "");
    exit(1);
}

static gpg_error_t file_next(void *context, struct view *piece)
{
    struct file *file = context;
    ssize_t n = read(file->fd, file->octets, sizeof file->octets);

    if (n < 0)
        return gpg_error_from_syserror();
    *piece = view_of(file->octets, (size_t)n);
    return 0;
}

static struct source open_file(const char *path, struct file *file)
{
    file->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (file->fd < 0) {
        perror(path);
        exit(2);
    }
    return (struct source){ .next = file_next, .context = file };
}

static gpg_error_t write_all(void *context, struct view piece)
{
    (void)context;
    while (piece.len) {
        ssize_t n = write(STDOUT_FILENO, piece.data, piece.len);

        if (n < 0 && errno != EINTR)
            return gpg_error_from_syserror();
        if (n > 0)
            piece = view_of(piece.data + n, piece.len - (size_t)n);
    }
    return 0;
}

static struct message *open_message(const char *path)
{
    static struct file file;
    struct message *m;
    gpg_error_t err = message_open(open_file(path, &file), &m);

    if (err)
        fail(err, "message_open");
    return m;
}

static void print_hex(struct view octets)
{
    char hex[2 * PKESK_RSA_OCTETS_MAX + 1];

    printf(" %s", octets.len ? hex_encode(octets, hex) : "-");
}

static int recipients(const char *path)
{
    struct message *m = open_message(path);
    const struct pkesk *p;

    for (size_t i = 0; (p = message_pkesk(m, i)); i++) {
        printf("%u %u %d", p->version, p->algorithm, p->on_token);
        print_hex(p->version == 6 ? view_of(p->fingerprint, p->fingerprint_len)
                                  : view_of(p->key_id, KEY_ID_OCTETS));
        print_hex(view_of(p->encrypted, p->encrypted_len));
        printf("\n");
    }
    message_close(&m);
    return 0;
}

static struct view hex_argument(const char *text, uint8_t *out, size_t size)
{
    size_t len;

    if (!hex_decode(text, strlen(text), out, size, &len)) {
        fprintf(stderr, "not hex: %s\n", text);
        exit(2);
    }
    return view_of(out, len);
}

static struct certificate open_certificate(const char *path)
{
    static struct file file;
    static struct armor *armor;
    struct source packets;
    gpg_error_t err = armor_open(open_file(path, &file), ARMOR_CERTIFICATE, &armor, &packets);

    if (err)
        fail(err, "armor_open");
    return CERTIFICATE(packets);
}

static int keys(const char *path)
{
    struct certificate c = open_certificate(path);
    struct certificate_key key;
    gpg_error_t err;

    while (!(err = certificate_next_key(&c, &key))) {
        printf("%u %u %u", key.version, key.algorithm, key.created);
        print_hex(view_of(key.fingerprint, key.fingerprint_len));
        print_hex(key.oid);
        print_hex(key.point);
        printf(" %u %u\n", key.kdf_hash, key.kdf_cipher);
    }
    certificate_close(&c);
    if (gpg_err_code(err) != GPG_ERR_EOF)
        fail(err, "certificate_next_key");
    return 0;
}

static struct recipient recipient_of_card(char **argv)
{
    static uint8_t oid[64], point[256], fingerprint[32];
    struct recipient r = { .version = 4,
                           .oid = hex_argument(argv[1], oid, sizeof oid),
                           .point = hex_argument(argv[2], point, sizeof point),
                           .fingerprint = hex_argument(argv[3], fingerprint, sizeof fingerprint) };
    struct ecdh_parameters found;
    gpg_error_t err = ecdh_parameters_find((uint32_t)strtoul(argv[0], NULL, 10), r.oid, r.point,
                                           r.fingerprint.data, &found);

    if (err)
        fail(err, "ecdh_parameters_find");
    r.kdf_hash = found.hash;
    r.kdf_cipher = found.cipher;
    return r;
}

static struct recipient recipient_of_certificate(char **argv)
{
    static struct certificate_key key;
    struct certificate c = open_certificate(argv[0]);
    gpg_error_t err = 0;

    for (int i = 0; i <= strtol(argv[1], NULL, 10) && !err; i++)
        err = certificate_next_key(&c, &key);
    if (err)
        fail(err, "certificate_next_key");
    return certificate_recipient(&key); /* the certificate stays open until we end */
}

static int open_key(int argc, char **argv)
{
    static uint8_t octets[PKESK_RSA_OCTETS_MAX];
    struct message *m = open_message(argv[0]);
    const struct pkesk *p = message_pkesk(m, (size_t)strtoul(argv[1], NULL, 10));
    struct recipient recipient =
        argc == 7 ? recipient_of_card(argv + 3) : recipient_of_certificate(argv + 3);
    struct secret result = { 0 };
    struct secret text = { 0 };
    struct session_key key = { 0 };
    gpg_error_t err;

    if (!p)
        fail(gpg_error(GPG_ERR_NOT_FOUND), "recipient");
    err = secret_copy(&result, hex_argument(argv[2], octets, sizeof octets));
    if (!err)
        err = session_key_open(p, &recipient, &result, &key);
    if (!err)
        err = session_key_text(&key, &text);
    if (err)
        fail(err, "session_key_open");
    printf("%.*s\n", (int)text.len, (const char *)text.data);
    secret_free(&result);
    secret_free(&text);
    session_key_free(&key);
    message_close(&m);
    return 0;
}

static void print_report(const struct content_report *report)
{
    char name[1024];
    char id[2 * KEY_ID_OCTETS + 1];

    if (report->literal.present)
        fprintf(stderr, "literal %c %u %s\n", report->literal.format, report->literal.date,
                text_escape(view_of(report->literal.name, report->literal.name_len), name,
                            sizeof name));
    for (size_t i = 0; i < report->signature_count && i < CONTENT_SIGNATURES; i++) {
        const struct signature_note *note = &report->signatures[i];

        fprintf(stderr, "%s %s %u %u not verified by Cardea\n",
                note->one_pass ? "one-pass" : "signature",
                hex_encode(view_of(note->key_id, KEY_ID_OCTETS), id), note->algorithm, note->hash);
    }
}

static int decrypt(const struct decrypt_options *options, const char *key_text, const char *path)
{
    struct memory_holding memory = MEMORY_HOLDING(UINT64_C(4) << 30);
    struct holding held = holding_in_memory(&memory);
    struct sink out = { .write = write_all };
    struct session_key key = { 0 };
    struct content_report report;
    struct message *m = NULL;
    gpg_error_t err = session_key_parse(key_text, &key);

    if (err)
        fail(err, "session_key_parse");
    m = open_message(path);
    err = message_decrypt(m, &key, options, &held, &out, &report);
    print_report(&report);
    message_close(&m);
    memory_holding_free(&memory);
    session_key_free(&key);
    if (err)
        fail(err, report.problem);
    return 0;
}

static int decrypt_command(int argc, char **argv)
{
    struct decrypt_options options = { 0 };
    int i = 0;

    for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
        if (!strcmp(argv[i], "--unwrap"))
            options.unwrap = true;
        else if (!strcmp(argv[i], OPTION_ACCEPT_UNPROTECTED))
            options.accept_unprotected = true;
        else if (!strcmp(argv[i], "--max-output") && i + 1 < argc)
            options.max_output = strtoull(argv[++i], NULL, 10);
    }
    return argc - i == 2 ? decrypt(&options, argv[i], argv[i + 1]) : 2;
}

int main(int argc, char **argv)
{
    if (secret_init_library())
        return 2;
    if (argc == 3 && !strcmp(argv[1], "recipients"))
        return recipients(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "keys"))
        return keys(argv[2]);
    if ((argc == 7 || argc == 9) && !strcmp(argv[1], "open"))
        return open_key(argc - 2, argv + 2);
    if (argc > 3 && !strcmp(argv[1], "decrypt"))
        return decrypt_command(argc - 2, argv + 2);
    fprintf(stderr, "usage: message-tool recipients|keys|open|decrypt ...\n");
    return 2;
}
