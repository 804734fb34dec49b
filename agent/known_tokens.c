#include "agent/known_tokens.h"

#include "agent/token_files.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct known_tokens {
    char *directory;             /* NULL: none */
    pthread_mutex_t files_mutex; /* held while the disk is waited for; before the other one */
    bool warned;

    pthread_mutex_t mutex;                       /* guards what follows */
    struct known_token *token[KNOWN_TOKENS_MAX]; /* the one that was in last is the first */
    size_t count;
};

/* Under the mutex: moves what is at i to the front. */
static void move_to_front(struct known_tokens *known, size_t i)
{
    struct known_token *token = known->token[i];

    memmove(&known->token[1], &known->token[0], i * sizeof known->token[0]);
    known->token[0] = token;
}

/* Under the mutex; count when there is none. */
static size_t find(const struct known_tokens *known, const uint8_t *aid)
{
    size_t i = 0;

    while (i < known->count && memcmp(known->token[i]->facts.data.aid, aid, AID_LEN) != 0)
        i++;
    return i;
}

static bool take_from_file(void *context, const struct known_token *token)
{
    struct known_tokens *known = context;
    struct known_token *copy;

    if (known->count == KNOWN_TOKENS_MAX)
        return false;
    copy = malloc(sizeof *copy);
    if (!copy)
        return false;
    *copy = *token;
    known->token[known->count++] = copy;
    return true;
}

static void warn_once(struct known_tokens *known, gpg_error_t err)
{
    if (!known->warned)
        log_warning("tokens cannot be remembered in %s: %s", known->directory, gpg_strerror(err));
    known->warned = true;
}

gpg_error_t known_tokens_open(const char *directory, struct known_tokens **r_known)
{
    struct known_tokens *known = calloc(1, sizeof *known);
    gpg_error_t err;

    if (!known)
        return gpg_error(GPG_ERR_ENOMEM);
    if (directory && !(known->directory = strdup(directory))) {
        free(known);
        return gpg_error(GPG_ERR_ENOMEM);
    }
    pthread_mutex_init(&known->files_mutex, NULL);
    pthread_mutex_init(&known->mutex, NULL);
    if (directory) {
        err = token_files_read(directory, take_from_file, known);
        if (err)
            warn_once(known, err);
    }
    *r_known = known;
    return 0;
}

void known_tokens_close(struct known_tokens **r_known)
{
    struct known_tokens *known = *r_known;

    *r_known = NULL;
    if (!known)
        return;
    for (size_t i = 0; i < known->count; i++)
        free(known->token[i]);
    pthread_mutex_destroy(&known->mutex);
    pthread_mutex_destroy(&known->files_mutex);
    free(known->directory);
    free(known);
}

void known_tokens_recall(struct known_tokens *known, struct card_facts *facts)
{
    size_t i;

    pthread_mutex_lock(&known->mutex);
    i = find(known, facts->data.aid);
    if (i < known->count)
        known_token_recall(known->token[i], facts);
    for (size_t other = 0; i == known->count && other < known->count; other++)
        known_token_recall_keys(known->token[other], facts);
    pthread_mutex_unlock(&known->mutex);
}

static bool same_text(const struct known_token *a, const struct known_token *b)
{
    struct buffer text_a = BUFFER(KNOWN_TOKEN_TEXT_MAX), text_b = BUFFER(KNOWN_TOKEN_TEXT_MAX);
    bool same = !known_token_write(a, &text_a) && !known_token_write(b, &text_b) &&
                view_equal(buffer_view(&text_a), buffer_view(&text_b));

    buffer_free(&text_a);
    buffer_free(&text_b);
    return same;
}

/* Under the mutex: a place for one more, at the end; *forgotten is who had to leave it. */
static bool make_place(struct known_tokens *known, uint8_t forgotten[AID_LEN])
{
    struct known_token *place;

    if (known->count == KNOWN_TOKENS_MAX) {
        memcpy(forgotten, known->token[known->count - 1]->facts.data.aid, AID_LEN);
        return true;
    }
    place = malloc(sizeof *place);
    if (place)
        known->token[known->count++] = place;
    return place != NULL;
}

/* Under the mutex. True when it is news. */
static bool remember(struct known_tokens *known, struct known_token *token,
                     uint8_t forgotten[AID_LEN])
{
    size_t i = find(known, token->facts.data.aid);
    bool news = true;

    if (i < known->count) {
        known_token_inherit(token, known->token[i]);
        news = !same_text(token, known->token[i]);
    } else if (!make_place(known, forgotten)) {
        return false;
    } else {
        i = known->count - 1;
    }
    *known->token[i] = *token;
    move_to_front(known, i);
    return news;
}

/* Under files_mutex, so that what is written last is what is known last. */
static void write_file(struct known_tokens *known, const uint8_t *aid, const uint8_t *forgotten)
{
    static const uint8_t nobody[AID_LEN];
    struct known_token token;
    gpg_error_t err = 0;
    bool found;
    size_t i;

    pthread_mutex_lock(&known->mutex);
    i = find(known, aid);
    found = i < known->count;
    if (found)
        token = *known->token[i];
    pthread_mutex_unlock(&known->mutex);
    if (memcmp(forgotten, nobody, AID_LEN) != 0)
        err = token_files_remove(known->directory, forgotten);
    if (!err && found)
        err = token_files_write(known->directory, &token);
    if (err)
        warn_once(known, err);
}

void known_tokens_note(struct known_tokens *known, const struct card_facts *facts)
{
    uint8_t forgotten[AID_LEN] = { 0 };
    struct known_token token;
    bool news;

    known_token_from_facts(facts, &token);
    if (!known_token_has_keys(&token)) {
        (void)known_tokens_forget(known, facts->data.aid);
        return;
    }
    pthread_mutex_lock(&known->mutex);
    news = remember(known, &token, forgotten);
    pthread_mutex_unlock(&known->mutex);
    if (!news || !known->directory)
        return;
    pthread_mutex_lock(&known->files_mutex);
    write_file(known, facts->data.aid, forgotten);
    pthread_mutex_unlock(&known->files_mutex);
}

bool known_tokens_hold(struct known_tokens *known, const uint8_t keygrip[KEYGRIP_LEN])
{
    bool found = false;
    enum slot slot;

    pthread_mutex_lock(&known->mutex);
    for (size_t i = 0; i < known->count && !found; i++)
        found = known_token_find(known->token[i], keygrip, &slot);
    pthread_mutex_unlock(&known->mutex);
    return found;
}

gpg_error_t known_tokens_list(struct known_tokens *known, struct known_token **r_list,
                              size_t *count)
{
    struct known_token *list = calloc(KNOWN_TOKENS_MAX, sizeof *list);

    if (!list)
        return gpg_error(GPG_ERR_ENOMEM);
    pthread_mutex_lock(&known->mutex);
    for (size_t i = 0; i < known->count; i++)
        list[i] = *known->token[i];
    *count = known->count;
    pthread_mutex_unlock(&known->mutex);
    *r_list = list;
    return 0;
}

/* Under the mutex. */
static bool drop(struct known_tokens *known, const uint8_t *aid)
{
    size_t i = find(known, aid);

    if (i == known->count)
        return false;
    free(known->token[i]);
    known->count--;
    memmove(&known->token[i], &known->token[i + 1], (known->count - i) * sizeof known->token[0]);
    return true;
}

gpg_error_t known_tokens_forget(struct known_tokens *known, const uint8_t aid[AID_LEN])
{
    gpg_error_t err = 0;
    bool dropped;

    pthread_mutex_lock(&known->files_mutex);
    pthread_mutex_lock(&known->mutex);
    dropped = drop(known, aid);
    pthread_mutex_unlock(&known->mutex);
    if (dropped && known->directory)
        err = token_files_remove(known->directory, aid);
    pthread_mutex_unlock(&known->files_mutex);
    return dropped ? err : gpg_error(GPG_ERR_NOT_FOUND);
}
