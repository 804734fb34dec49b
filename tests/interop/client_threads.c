/* client-threads MESSAGE: several threads, each with a connection of its own, decrypt the message
 * again and again; one more is cancelled from another thread; one watches, has seen enough, and goes
 * on with its connection. Prints "ok". */
#include "client/cardea.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 6
#define ROUNDS  5

static const char *message;

static gpg_error_t decrypt_once(struct cardea *connection)
{
    int in = open(message, O_RDONLY | O_CLOEXEC);
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    gpg_error_t err = cardea_decrypt(connection, in, out, NULL, NULL);

    close(in);
    close(out);
    return err;
}

static void *work(void *context)
{
    gpg_error_t *err = context;
    struct cardea *connection = NULL;
    struct cardea_token *tokens = NULL;
    size_t count;

    *err = cardea_connect(NULL, &connection);
    if (!*err)
        *err = cardea_list_tokens(connection, &tokens, &count);
    for (int i = 0; i < ROUNDS && !*err; i++)
        *err = decrypt_once(connection);
    cardea_free_tokens(&tokens);
    cardea_disconnect(&connection);
    return NULL;
}

static void *work_until_cancelled(void *context)
{
    gpg_error_t err;

    do
        err = decrypt_once(context);
    while (!err);
    return gpg_err_code(err) == GPG_ERR_CANCELED ? context : NULL;
}

static int cancel_one(void)
{
    struct cardea *connection = NULL;
    pthread_t thread;
    void *result;

    if (cardea_connect(NULL, &connection) ||
        pthread_create(&thread, NULL, work_until_cancelled, connection))
        return 1;
    usleep(20000);
    cardea_cancel(connection);
    pthread_join(thread, &result);
    cardea_disconnect(&connection);
    return result ? 0 : 1;
}

static void *lock_again_and_again(void *context)
{
    while (!cardea_lock(context))
        ;
    return NULL;
}

static bool seen_enough(void *context, const struct cardea_event *event)
{
    unsigned *seen = context;

    (void)event;
    return ++*seen < 2;
}

/* The first event is that it watches; the second comes of another's lock. */
static int watch_a_while(void)
{
    struct cardea *watching = NULL, *other = NULL;
    unsigned seen = 0, keys, seconds;
    gpg_error_t err = cardea_connect(NULL, &watching);
    pthread_t thread;

    if (!err)
        err = cardea_connect(NULL, &other);
    if (err || pthread_create(&thread, NULL, lock_again_and_again, other))
        return 1;
    err = cardea_watch(watching, seen_enough, &seen);
    if (!err)
        err = cardea_remembered(watching, &keys, &seconds);
    cardea_cancel(other);
    pthread_join(thread, NULL);
    cardea_disconnect(&watching);
    cardea_disconnect(&other);
    return err || seen != 2;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    gpg_error_t errors[THREADS] = { 0 };
    int status = 0;

    if (argc != 2)
        return 2;
    message = argv[1];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, &errors[i]))
            return 2;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (errors[i]) {
            fprintf(stderr, "client-threads: %s\n", gpg_strerror(errors[i]));
            status = 1;
        }
    }
    if (cancel_one()) {
        fprintf(stderr, "client-threads: the one that was cancelled does not say so\n");
        status = 1;
    }
    if (watch_a_while()) {
        fprintf(stderr, "client-threads: the one that watched cannot go on\n");
        status = 1;
    }
    if (!status)
        puts("ok");
    return status;
}
