#include "message/side_digest.h"

#include <gcrypt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS              4
#define GIVEN_BEFORE_START 4 /* a megabyte: what a thread costs is nothing beside it */

struct side_digest {
    gcry_md_hd_t md;
    unsigned long given; /* slots, by the caller alone */
    unsigned long taken; /* slots that may have something in them */
    bool started;
    pthread_t thread;
    pthread_mutex_t lock; /* of the three below */
    pthread_cond_t moved;
    unsigned long hashed;  /* slots; those from here to `waiting` are the thread's */
    unsigned long waiting; /* slots given, as the thread may see them */
    bool ended;
    size_t len[SLOTS];
    uint8_t octets[SLOTS][SIDE_SLOT_OCTETS];
};

static void *hash_slots(void *context)
{
    struct side_digest *d = context;

    pthread_mutex_lock(&d->lock);
    for (;;) {
        while (d->hashed == d->waiting && !d->ended)
            pthread_cond_wait(&d->moved, &d->lock);
        if (d->hashed == d->waiting)
            break;
        pthread_mutex_unlock(&d->lock);
        gcry_md_write(d->md, d->octets[d->hashed % SLOTS], d->len[d->hashed % SLOTS]);
        pthread_mutex_lock(&d->lock);
        d->hashed++;
        pthread_cond_signal(&d->moved);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

gpg_error_t side_digest_open(struct side_digest **d)
{
    struct side_digest *opened = calloc(1, sizeof *opened);
    gpg_error_t err;

    if (!opened)
        return gpg_error(GPG_ERR_ENOMEM);
    err = gcry_md_open(&opened->md, GCRY_MD_SHA1, GCRY_MD_FLAG_SECURE);
    if (err) {
        free(opened);
        return err;
    }
    pthread_mutex_init(&opened->lock, NULL);
    pthread_cond_init(&opened->moved, NULL);
    *d = opened;
    return 0;
}

uint8_t *side_digest_slot(struct side_digest *d)
{
    if (d->started) {
        pthread_mutex_lock(&d->lock);
        while (d->waiting - d->hashed == SLOTS)
            pthread_cond_wait(&d->moved, &d->lock);
        pthread_mutex_unlock(&d->lock);
    }
    d->taken = d->given + 1;
    return d->octets[d->given % SLOTS];
}

static void start(struct side_digest *d)
{
    d->hashed = d->waiting = d->given;
    d->started = !pthread_create(&d->thread, NULL, hash_slots, d);
}

void side_digest_give(struct side_digest *d, size_t len)
{
    size_t slot = d->given % SLOTS;

    if (d->given == GIVEN_BEFORE_START)
        start(d);
    d->given++;
    if (!d->started) {
        gcry_md_write(d->md, d->octets[slot], len);
        return;
    }
    d->len[slot] = len;
    pthread_mutex_lock(&d->lock);
    d->waiting++;
    pthread_cond_signal(&d->moved);
    pthread_mutex_unlock(&d->lock);
}

static void join(struct side_digest *d)
{
    if (!d->started)
        return;
    pthread_mutex_lock(&d->lock);
    d->ended = true;
    pthread_cond_signal(&d->moved);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    d->started = false;
}

void side_digest_finish(struct side_digest *d, struct view last, uint8_t digest[SHA1_OCTETS])
{
    join(d);
    gcry_md_write(d->md, last.data, last.len);
    memcpy(digest, gcry_md_read(d->md, GCRY_MD_SHA1), SHA1_OCTETS);
}

void side_digest_close(struct side_digest **d)
{
    if (!*d)
        return;
    join(*d);
    pthread_mutex_destroy(&(*d)->lock);
    pthread_cond_destroy(&(*d)->moved);
    gcry_md_close((*d)->md);
    for (size_t i = 0; i < SLOTS && i < (*d)->taken; i++)
        explicit_bzero((*d)->octets[i], SIDE_SLOT_OCTETS);
    free(*d);
    *d = NULL;
}
