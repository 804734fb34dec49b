/* The card's memory as text: a line "cardea-token 1", lines of a name and hex octets, a line "end".
 * What is empty has no line. */
#include "base/text.h"
#include "tests/token/card.h"

#include <stdio.h>
#include <string.h>

#define FIRST_LINE     "cardea-token 1"
#define LAST_LINE      "end"
#define FIELD_NAME_MAX 32
#define OCTETS_MAX     CERTIFICATE_MAX
#define KEY_NUMBERS    4

/* Everything in the form it is written in. */
struct image {
    uint8_t terminated, pw1_for_several, signatures[4];
    uint8_t pw1_tries, rc_tries, pw3_tries;
    struct key_image {
        struct buffer attributes, numbers[KEY_NUMBERS];
        uint8_t origin;
    } keys[SLOT_COUNT];
};

/* One line: octets of a fixed number, or a buffer. */
struct field {
    char name[FIELD_NAME_MAX];
    uint8_t *octets;
    size_t len;
    struct buffer *buffer;
};

#define FIELDS_MAX (9 + OBJECT_COUNT + SLOT_COUNT * (6 + KEY_NUMBERS))

struct fields {
    struct field field[FIELDS_MAX];
    size_t count;
};

static struct field *add(struct fields *f, const char *prefix, const char *name)
{
    struct field *field = &f->field[f->count++];

    *field = (struct field){ 0 };
    snprintf(field->name, sizeof field->name, "%s%s", prefix, name);
    return field;
}

static void add_octets(struct fields *f, const char *prefix, const char *name, uint8_t *octets,
                       size_t len)
{
    struct field *field = add(f, prefix, name);

    field->octets = octets;
    field->len = len;
}

static void add_buffer(struct fields *f, const char *prefix, const char *name,
                       struct buffer *buffer)
{
    add(f, prefix, name)->buffer = buffer;
}

static void add_key(struct fields *f, const char *prefix, struct key *key, struct key_image *image)
{
    static const char *const numbers[KEY_NUMBERS] = { "e", "p", "q", "d" };

    add_buffer(f, prefix, "attributes", &image->attributes);
    add_octets(f, prefix, "origin", &image->origin, 1);
    add_octets(f, prefix, "fingerprint", key->fingerprint, FINGERPRINT_LEN);
    add_octets(f, prefix, "ca-fingerprint", key->ca_fingerprint, FINGERPRINT_LEN);
    add_octets(f, prefix, "created", key->created, sizeof key->created);
    add_octets(f, prefix, "uif", key->uif, sizeof key->uif);
    for (size_t i = 0; i < KEY_NUMBERS; i++)
        add_buffer(f, prefix, numbers[i], &image->numbers[i]);
}

static void list_fields(struct fields *f, struct card *card, struct image *image)
{
    static const char *const objects[OBJECT_COUNT] = {
        "name",      "language",      "sex",           "login",        "url",
        "private-1", "private-2",     "private-3",     "private-4",    "kdf",
        "aes-key",   "certificate-1", "certificate-2", "certificate-3"
    };
    static const char *const slots[SLOT_COUNT] = { "sign-", "decrypt-", "authenticate-" };

    f->count = 0;
    add_octets(f, "", "terminated", &image->terminated, 1);
    add_octets(f, "", "pw1-for-several", &image->pw1_for_several, 1);
    add_octets(f, "", "signatures", image->signatures, sizeof image->signatures);
    add_buffer(f, "", "pw1", &card->pw1.value);
    add_octets(f, "", "pw1-tries", &image->pw1_tries, 1);
    add_buffer(f, "", "rc", &card->rc.value);
    add_octets(f, "", "rc-tries", &image->rc_tries, 1);
    add_buffer(f, "", "pw3", &card->pw3.value);
    add_octets(f, "", "pw3-tries", &image->pw3_tries, 1);
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        add_buffer(f, "", objects[i], &card->objects[i]);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        add_key(f, slots[i], &card->keys[i], &image->keys[i]);
}

static void image_init(struct image *image)
{
    *image = (struct image){ 0 };
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        struct key_image *key = &image->keys[i];

        key->attributes = BUFFER(ATTRIBUTES_MAX);
        key->numbers[0] = BUFFER(4);
        key->numbers[1] = key->numbers[2] = BUFFER(RSA_BITS_MAX / 8);
        key->numbers[3] = BUFFER(FIELD_MAX);
    }
}

static void image_free(struct image *image)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        buffer_free(&image->keys[i].attributes);
        for (size_t j = 0; j < KEY_NUMBERS; j++)
            buffer_free(&image->keys[i].numbers[j]);
    }
}

static gpg_error_t key_to_image(const struct key *key, struct key_image *image)
{
    const struct buffer *numbers[KEY_NUMBERS] = { &key->e, &key->p, &key->q, &key->d };
    gpg_error_t err;

    image->origin = (uint8_t)key->origin;
    err = buffer_append(&image->attributes, key->attributes, key->attributes_len);
    for (size_t i = 0; i < KEY_NUMBERS && !err; i++)
        err = buffer_append_view(&image->numbers[i], buffer_view(numbers[i]));
    return err;
}

static gpg_error_t card_to_image(const struct card *card, struct image *image)
{
    gpg_error_t err = 0;

    image->terminated = card->terminated;
    image->pw1_for_several = card->pw1_for_several;
    image->pw1_tries = card->pw1.tries;
    image->rc_tries = card->rc.tries;
    image->pw3_tries = card->pw3.tries;
    for (size_t i = 0; i < sizeof image->signatures; i++)
        image->signatures[i] = (uint8_t)(card->signatures >> (24 - 8 * i));
    for (size_t i = 0; i < SLOT_COUNT && !err; i++)
        err = key_to_image(&card->keys[i], &image->keys[i]);
    return err;
}

static gpg_error_t append_text(struct buffer *b, const char *text)
{
    return buffer_append(b, text, strlen(text));
}

static gpg_error_t append_field(struct buffer *state, const struct field *field)
{
    struct view value =
        field->buffer ? buffer_view(field->buffer) : view_of(field->octets, field->len);
    char digits[2 * OCTETS_MAX + 1];
    gpg_error_t err;

    if (value.len == 0)
        return 0;
    err = append_text(state, field->name);
    if (!err)
        err = append_text(state, " ");
    if (!err)
        err = append_text(state, hex_encode(value, digits));
    explicit_bzero(digits, sizeof digits);
    return err ? err : append_text(state, "\n");
}

gpg_error_t token_save(const struct token *token, struct buffer *state)
{
    /* Fields point into the card; writing reads them only. */
    struct card card = token->card;
    struct fields fields;
    struct image image;
    gpg_error_t err;

    image_init(&image);
    err = card_to_image(&card, &image);
    list_fields(&fields, &card, &image);
    if (!err)
        err = append_text(state, FIRST_LINE "\n");
    for (size_t i = 0; i < fields.count && !err; i++)
        err = append_field(state, &fields.field[i]);
    if (!err)
        err = append_text(state, LAST_LINE "\n");
    image_free(&image);
    return err;
}

static bool take_line(struct view *text, struct view *line)
{
    const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    struct view newline;

    return end && view_take(text, (size_t)(end - text->data), line) && view_take(text, 1, &newline);
}

static bool line_is(struct view line, const char *text)
{
    return view_equal(line, view_of(text, strlen(text)));
}

static const struct field *find_field(const struct fields *fields, struct view name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (line_is(name, fields->field[i].name))
            return &fields->field[i];
    return NULL;
}

static bool read_field(const struct fields *fields, struct view line)
{
    const uint8_t *space = line.len ? memchr(line.data, ' ', line.len) : NULL;
    uint8_t octets[OCTETS_MAX];
    const struct field *field;
    struct view name, blank;
    size_t len;
    bool ok;

    if (!space || !view_take(&line, (size_t)(space - line.data), &name) ||
        !view_take(&line, 1, &blank))
        return false;
    field = find_field(fields, name);
    if (!field || !hex_decode((const char *)line.data, line.len, octets, sizeof octets, &len))
        return false;
    if (field->buffer) {
        buffer_clear(field->buffer);
        ok = len > 0 && !buffer_append(field->buffer, octets, len);
    } else {
        ok = len == field->len;
        if (ok)
            memcpy(field->octets, octets, len);
    }
    explicit_bzero(octets, sizeof octets);
    return ok;
}

static bool read_lines(struct view text, const struct fields *fields)
{
    struct view line;

    if (!take_line(&text, &line) || !line_is(line, FIRST_LINE))
        return false;
    while (take_line(&text, &line)) {
        if (line_is(line, LAST_LINE))
            return text.len == 0;
        if (!read_field(fields, line))
            return false;
    }
    return false;
}

static bool key_from_image(const struct token_profile *profile, struct key *key,
                           const struct key_image *image, enum slot slot)
{
    const struct key_parts parts = { buffer_view(&image->numbers[0]),
                                     buffer_view(&image->numbers[1]),
                                     buffer_view(&image->numbers[2]),
                                     buffer_view(&image->numbers[3]) };
    struct algorithm algorithm;

    if (!token_attributes_parse(buffer_view(&image->attributes), &algorithm) ||
        !token_attributes_fit(&algorithm, slot) || image->origin > ORIGIN_IMPORTED ||
        key->uif[0] > profile->uif_max || key->uif[1] != UIF_BUTTON)
        return false;
    memcpy(key->attributes, image->attributes.data, image->attributes.len);
    key->attributes_len = image->attributes.len;
    if (image->origin == ORIGIN_NONE)
        return parts.e.len + parts.p.len + parts.q.len + parts.d.len == 0;
    return !token_key_set(key, &parts, (enum origin)image->origin);
}

static bool password_from_image(struct password *password, uint8_t tries)
{
    password->tries = tries;
    return tries <= PASSWORD_TRIES;
}

static bool card_from_image(const struct token_profile *profile, struct card *card,
                            const struct image *image)
{
    card->terminated = image->terminated;
    card->pw1_for_several = image->pw1_for_several;
    card->signatures = 0;
    for (size_t i = 0; i < sizeof image->signatures; i++)
        card->signatures = card->signatures << 8 | image->signatures[i];
    if (image->terminated > 1 || image->pw1_for_several > 1 || card->signatures > SIGNATURES_MAX)
        return false;
    if (!card->pw1.value.len || !card->pw3.value.len || (!card->rc.value.len && image->rc_tries) ||
        !password_from_image(&card->pw1, image->pw1_tries) ||
        !password_from_image(&card->rc, image->rc_tries) ||
        !password_from_image(&card->pw3, image->pw3_tries))
        return false;
    for (unsigned int i = 0; i < SLOT_COUNT; i++)
        if (!key_from_image(profile, &card->keys[i], &image->keys[i], (enum slot)i))
            return false;
    return true;
}

gpg_error_t token_load(struct token *token, struct view state)
{
    struct fields fields;
    struct image image;
    struct card card;
    gpg_error_t err;

    err = token_card_factory(token->options.profile, &card);
    if (err)
        return err;
    image_init(&image);
    buffer_clear(&card.pw1.value);
    buffer_clear(&card.pw3.value);
    buffer_clear(&card.objects[OBJECT_SEX]);
    buffer_clear(&card.objects[OBJECT_LANGUAGE]);
    list_fields(&fields, &card, &image);
    if (read_lines(state, &fields) && card_from_image(token->options.profile, &card, &image)) {
        token_card_free(&token->card);
        token->card = card;
        token_reset(token);
    } else {
        token_card_free(&card);
        err = gpg_error(GPG_ERR_BAD_DATA);
    }
    image_free(&image);
    return err;
}
