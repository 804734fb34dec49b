/* A new card as its owner wants it, by the commands that every host would send. */
#include "base/log.h"
#include "tests/token/program.h"

#include <gcrypt.h>
#include <string.h>

#define DEFAULT_PIN       "123456"
#define DEFAULT_ADMIN_PIN "12345678"
#define KEY_FILE_MAX      (256 * 1024)

/* Few octets to hash: this KDF need not slow anybody down. */
#define KDF_COUNT  100000
#define DIGEST_LEN 32
#define SALT_LEN   8

struct kdf {
    bool on;
    uint8_t salts[3][SALT_LEN]; /* PW1, resetting code, PW3 */
};

enum { SALT_PW1, SALT_RC, SALT_PW3 };

static gpg_error_t send_command(struct token *t, uint8_t ins, uint8_t p1, uint8_t p2,
                                struct view data)
{
    struct buffer command = BUFFER(300), answer = BUFFER(TOKEN_ANSWER_MAX);
    const uint8_t head[] = { 0x00, ins, p1, p2, (uint8_t)data.len };
    gpg_error_t err = gpg_error(GPG_ERR_TOO_LARGE);

    if (data.len <= 255 && !buffer_append(&command, head, sizeof head) &&
        !buffer_append_view(&command, data)) {
        token_command(t, buffer_view(&command), &answer);
        err = answer.len == 2 && answer.data[0] == 0x90 ? 0 : gpg_error(GPG_ERR_CARD);
    }
    buffer_free(&command);
    buffer_free(&answer);
    return err;
}

static gpg_error_t select_application(struct token *t)
{
    return send_command(t, 0xA4, 0x04, 0x00, view_of("\xD2\x76\x00\x01\x24\x01", 6));
}

/* Appends what goes over the wire for a PIN: itself, or its digest. */
static gpg_error_t append_pin(struct buffer *b, const struct kdf *kdf, size_t salt, const char *pin)
{
    uint8_t *digest;
    gpg_error_t err;

    if (!kdf->on)
        return buffer_append(b, pin, strlen(pin));
    digest = buffer_reserve(b, DIGEST_LEN);
    if (!digest)
        return gpg_error(GPG_ERR_TOO_LARGE);
    err = gcry_kdf_derive(pin, strlen(pin), GCRY_KDF_ITERSALTED_S2K, GCRY_MD_SHA256,
                          kdf->salts[salt], SALT_LEN, KDF_COUNT, DIGEST_LEN, digest);
    if (!err)
        b->len += DIGEST_LEN;
    return err;
}

static gpg_error_t verify_admin(struct token *t, const struct kdf *kdf)
{
    struct buffer pin = BUFFER(255);
    gpg_error_t err = append_pin(&pin, kdf, SALT_PW3, DEFAULT_ADMIN_PIN);

    if (!err)
        err = send_command(t, 0x20, 0x00, 0x83, buffer_view(&pin));
    buffer_free(&pin);
    return err;
}

static gpg_error_t append_field(struct buffer *b, uint8_t tag, const void *value, size_t len)
{
    gpg_error_t err = buffer_append_u8(b, tag);

    if (!err)
        err = buffer_append_u8(b, (uint8_t)len);
    return err ? err : buffer_append(b, value, len);
}

static gpg_error_t append_digest_field(struct buffer *b, uint8_t tag, const struct kdf *kdf,
                                       size_t salt, const char *pin)
{
    gpg_error_t err = buffer_append_u8(b, tag);

    if (!err)
        err = buffer_append_u8(b, DIGEST_LEN);
    return err ? err : append_pin(b, kdf, salt, pin);
}

/* The KDF-DO as specification §4.3.2 has it: iterated and salted, SHA-256, three salts. */
static gpg_error_t turn_kdf_on(struct token *t, struct kdf *kdf)
{
    static const uint8_t count[] = { KDF_COUNT >> 24, KDF_COUNT >> 16 & 0xFF, KDF_COUNT >> 8 & 0xFF,
                                     KDF_COUNT & 0xFF };
    struct buffer object = BUFFER(255);
    gpg_error_t err = verify_admin(t, kdf);

    gcry_create_nonce(kdf->salts, sizeof kdf->salts);
    kdf->on = true;
    if (!err)
        err = append_field(&object, 0x81, "\x03", 1);
    if (!err)
        err = append_field(&object, 0x82, "\x08", 1);
    if (!err)
        err = append_field(&object, 0x83, count, sizeof count);
    for (uint8_t i = 0; i < 3 && !err; i++)
        err = append_field(&object, (uint8_t)(0x84 + i), kdf->salts[i], SALT_LEN);
    if (!err)
        err = append_digest_field(&object, 0x87, kdf, SALT_PW1, DEFAULT_PIN);
    if (!err)
        err = append_digest_field(&object, 0x88, kdf, SALT_PW3, DEFAULT_ADMIN_PIN);
    if (!err)
        err = send_command(t, 0xDA, 0x00, 0xF9, buffer_view(&object));
    buffer_free(&object);
    return err;
}

static gpg_error_t change_pin(struct token *t, const struct kdf *kdf, uint8_t reference,
                              const char *old, const char *new)
{
    size_t salt = reference == 0x83 ? SALT_PW3 : SALT_PW1;
    struct buffer pins = BUFFER(255);
    gpg_error_t err;

    if (!new)
        return 0;
    err = append_pin(&pins, kdf, salt, old);
    if (!err)
        err = append_pin(&pins, kdf, salt, new);
    if (!err)
        err = send_command(t, 0x24, 0x00, reference, buffer_view(&pins));
    buffer_free(&pins);
    return err;
}

static gpg_error_t say(gpg_error_t err, const char *what)
{
    if (err)
        log_error("cannot %s: %s", what, gpg_strerror(err));
    return err;
}

static gpg_error_t setup_new(struct program *p)
{
    const struct arguments *a = &p->arguments;
    struct kdf kdf = { 0 };
    gpg_error_t err = select_application(p->token);

    if (!err && a->kdf)
        err = say(turn_kdf_on(p->token, &kdf), "turn the KDF on");
    if (!err)
        err = say(change_pin(p->token, &kdf, 0x81, DEFAULT_PIN, a->pin),
                  "set the user PIN (6 to 127 octets)");
    if (!err)
        err = say(change_pin(p->token, &kdf, 0x83, DEFAULT_ADMIN_PIN, a->admin_pin),
                  "set the admin PIN (8 to 127 octets)");
    return err;
}

static gpg_error_t import_file(struct token *t, const char *path)
{
    struct buffer content = BUFFER(KEY_FILE_MAX);
    gpg_error_t err = storage_read_file(path, &content);

    if (!err)
        err = token_import(t, buffer_view(&content));
    buffer_free(&content);
    if (gpg_err_code(err) == GPG_ERR_BAD_PASSPHRASE)
        log_error("%s is protected by a passphrase; export it without", path);
    else if (err)
        log_error("cannot import %s: %s", path, gpg_strerror(err));
    return err;
}

gpg_error_t setup_card(struct program *p, bool fresh)
{
    const struct arguments *a = &p->arguments;
    gpg_error_t err = 0;

    if (fresh)
        err = setup_new(p);
    for (size_t i = 0; i < a->import_count && !err; i++)
        err = import_file(p->token, a->imports[i]);
    for (unsigned int i = 0; i < SLOTS && !err; i++)
        if (a->uif[i] >= 0 && !token_set_touch(p->token, i, (uint8_t)a->uif[i]))
            err = say(gpg_error(GPG_ERR_NOT_SUPPORTED), "let a card without a button wait for one");
    token_reset(p->token);
    return err;
}
