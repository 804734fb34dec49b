#include "agent/known_token.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ATTRIBUTES_MAX 32
#define OBJECT_MAX     (2 * RSA_OCTETS_MAX)
#define WORD_MAX       (2 * OBJECT_MAX)

static const char first_line[] = "cardea-token";
static const char *const touches[] = { [TOUCH_OFF] = "off",
                                       [TOUCH_ON] = "on",
                                       [TOUCH_FIXED] = "fixed",
                                       [TOUCH_CACHED] = "cached",
                                       [TOUCH_CACHED_FIXED] = "cached-fixed" };

#define TOUCHES (sizeof touches / sizeof *touches)

/* Appends " HEX", or " -" for nothing. */
static gpg_error_t append_hex(struct buffer *text, struct view bytes)
{
    char word[WORD_MAX + 2] = " -";

    if (bytes.len > OBJECT_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (bytes.len)
        hex_encode(bytes, word + 1);
    return buffer_append(text, word, strlen(word));
}

static gpg_error_t append_text(struct buffer *text, const char *line)
{
    return buffer_append(text, line, strlen(line));
}

static gpg_error_t append_public_key(struct buffer *text, const struct key_facts *key)
{
    bool known = key->state == SLOT_READ;
    struct buffer object = BUFFER(OBJECT_MAX);
    gpg_error_t err = known ? public_key_write(&key->key, &object) : 0;

    if (!err)
        err = append_hex(text, view_of(key->key.keygrip, known ? KEYGRIP_LEN : 0));
    if (!err)
        err = append_hex(text, buffer_view(&object));
    buffer_free(&object);
    return err;
}

static gpg_error_t append_key(struct buffer *text, const struct known_token *token, int i)
{
    const struct slot_data *slot = &token->facts.data.slot[i];
    struct buffer attributes = BUFFER(ATTRIBUTES_MAX);
    char line[64];
    gpg_error_t err;

    if (!slot->present)
        return 0;
    snprintf(line, sizeof line, "key %d", i + 1);
    err = append_text(text, line);
    if (!err)
        err = algorithm_write(&slot->algorithm, &attributes);
    if (!err)
        err = append_hex(text, buffer_view(&attributes));
    if (!err)
        err = append_hex(text, view_of(slot->fingerprint, FINGERPRINT_LEN));
    snprintf(line, sizeof line, " %u %s", slot->created, touches[slot->touch]);
    if (!err)
        err = append_text(text, line);
    if (!err)
        err = append_public_key(text, &token->facts.key[i]);
    if (!err)
        err = append_text(text, "\n");
    buffer_free(&attributes);
    return err;
}

gpg_error_t known_token_write(const struct known_token *token, struct buffer *text)
{
    const char *holder = token->facts.holder;
    char line[CARD_HOLDER_MAX + 96], aid[2 * AID_LEN + 1];
    gpg_error_t err;

    hex_encode(view_of(token->facts.data.aid, AID_LEN), aid);
    snprintf(line, sizeof line, "%s %d\naid %s\n%s%s%s", first_line, KNOWN_TOKEN_VERSION, aid,
             *holder ? "holder " : "", holder, *holder ? "\n" : "");
    err = append_text(text, line);
    for (int i = 0; i < SLOTS && !err; i++)
        err = append_key(text, token, i);
    return err ? err : append_text(text, "end\n");
}

/* Takes what stands before `end`, which is passed over. False when it is not there. */
static bool take_until(struct view *v, char end, struct view *taken)
{
    const uint8_t *at = v->len ? memchr(v->data, end, v->len) : NULL;
    struct view ignored;

    return at && view_take(v, (size_t)(at - v->data), taken) && view_take(v, 1, &ignored);
}

/* The next word of a line; the last one is what is left. */
static bool take_word(struct view *line, struct view *word)
{
    if (!take_until(line, ' ', word)) {
        *word = *line;
        *line = view_of(NULL, 0);
    }
    return word->len > 0;
}

static bool is_word(struct view word, const char *text)
{
    return view_equal(word, view_of(text, strlen(text)));
}

static bool take_hex(struct view *line, uint8_t *out, size_t size, size_t *len)
{
    struct view word;

    *len = 0;
    return take_word(line, &word) &&
           (is_word(word, "-") ||
            (hex_decode((const char *)word.data, word.len, out, size, len) && *len > 0));
}

static bool take_exact_hex(struct view *line, uint8_t *out, size_t size)
{
    size_t len;

    return take_hex(line, out, size, &len) && len == size;
}

static bool take_number(struct view *line, long max, long *number)
{
    struct view word;
    char text[16];

    if (!take_word(line, &word) || word.len >= sizeof text)
        return false;
    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    return text_to_number(text, 0, max, number);
}

static bool take_touch(struct view *line, enum touch_policy *touch)
{
    struct view word;

    if (!take_word(line, &word))
        return false;
    for (size_t i = 0; i < TOUCHES; i++) {
        if (is_word(word, touches[i])) {
            *touch = (enum touch_policy)i;
            return true;
        }
    }
    return false;
}

/* KEYGRIP OBJECT; the one is computed from the other, so that an error in the file shows. */
static bool take_public_key(struct view *line, const struct key_algorithm *algorithm,
                            struct key_facts *key)
{
    uint8_t keygrip[KEYGRIP_LEN], object[OBJECT_MAX];
    size_t keygrip_len, len;

    if (!take_hex(line, keygrip, sizeof keygrip, &keygrip_len) ||
        !take_hex(line, object, sizeof object, &len) || line->len)
        return false;
    key->state = SLOT_UNREAD;
    if (!len || !keygrip_len)
        return len == keygrip_len;
    key->state = SLOT_READ;
    key->source = KEY_FROM_MEMORY;
    return keygrip_len == KEYGRIP_LEN &&
           !public_key_parse(view_of(object, len), algorithm, &key->key) &&
           memcmp(key->key.keygrip, keygrip, KEYGRIP_LEN) == 0;
}

static bool parse_key(struct view line, struct known_token *token)
{
    uint8_t attributes[ATTRIBUTES_MAX];
    struct slot_data slot = { .present = true };
    size_t len;
    long number, created;

    if (!take_number(&line, SLOTS, &number) || number < 1 ||
        token->facts.data.slot[number - 1].present ||
        !take_hex(&line, attributes, sizeof attributes, &len) ||
        !take_exact_hex(&line, slot.fingerprint, FINGERPRINT_LEN) ||
        !take_number(&line, UINT32_MAX, &created) || !take_touch(&line, &slot.touch))
        return false;
    slot.algorithm = algorithm_parse(view_of(attributes, len));
    if (len == 0)
        slot.algorithm.kind = KEY_UNKNOWN;
    slot.created = (uint32_t)created;
    token->facts.data.slot[number - 1] = slot;
    return take_public_key(&line, &slot.algorithm, &token->facts.key[number - 1]);
}

static bool parse_aid(struct view line, struct known_token *token)
{
    uint8_t aid[AID_LEN];

    return !token->facts.read && take_exact_hex(&line, aid, AID_LEN) && !line.len &&
           aid_parse(view_of(aid, AID_LEN), &token->facts.data) && (token->facts.read = true);
}

static bool parse_holder(struct view line, struct known_token *token)
{
    char *holder = token->facts.holder;

    if (!line.len || line.len >= CARD_HOLDER_MAX || *holder)
        return false;
    text_escape(line, holder, CARD_HOLDER_MAX);
    return memcmp(holder, line.data, line.len) == 0; /* it was printable */
}

static bool parse_line(struct view line, struct known_token *token)
{
    struct view name;

    if (!take_word(&line, &name))
        return false;
    if (is_word(name, "aid"))
        return parse_aid(line, token);
    if (is_word(name, "holder"))
        return parse_holder(line, token);
    return is_word(name, "key") && parse_key(line, token);
}

static gpg_error_t check_version(struct view *text)
{
    struct view line, name;
    long version;

    if (!take_until(text, '\n', &line) || !take_word(&line, &name) || !is_word(name, first_line) ||
        !take_number(&line, INT32_MAX, &version) || line.len)
        return gpg_error(GPG_ERR_BAD_DATA);
    return version == KNOWN_TOKEN_VERSION ? 0 : gpg_error(GPG_ERR_UNKNOWN_VERSION);
}

gpg_error_t known_token_parse(struct view text, struct known_token *token)
{
    struct known_token parsed = { .facts.read = false };
    gpg_error_t err = check_version(&text);
    struct view line;

    for (int i = 0; i < SLOTS; i++)
        parsed.facts.key[i].state = SLOT_EMPTY;
    while (!err) {
        if (!take_until(&text, '\n', &line))
            err = gpg_error(GPG_ERR_BAD_DATA);
        else if (is_word(line, "end"))
            break;
        else if (!parse_line(line, &parsed))
            err = gpg_error(GPG_ERR_BAD_DATA);
    }
    if (!err && (text.len || !parsed.facts.read))
        err = gpg_error(GPG_ERR_BAD_DATA);
    if (!err)
        *token = parsed;
    return err;
}
