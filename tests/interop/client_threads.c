/* client-threads MESSAGE ALGO:HEX: several threads, each with a connection of its own, decrypt the
 * message again and again; others are cancelled, from another thread or by their own callback; one
 * watches, has seen enough, and goes on with its connection. Prints "ok". */
#include "client/cardea.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 6
#define ROUNDS  5

static const char *message, *session_key;

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

/* Holds the work up in its midst until somebody lets it go on. */
struct gate {
    sem_t reached, open;
    bool answer;
    unsigned calls;
};

static bool wait_at_gate(void *context, uint64_t read, uint64_t written)
{
    struct gate *gate = context;

    (void)read;
    (void)written;
    if (gate->calls++ == 0) {
        sem_post(&gate->reached);
        sem_wait(&gate->open);
    }
    return gate->answer;
}

struct held_work {
    struct cardea *connection;
    struct gate gate;
    gpg_error_t err;
};

static void *work_with_key(void *context)
{
    struct held_work *work = context;
    const struct cardea_decrypt_options options = { .session_key = session_key,
                                                    .progress = wait_at_gate,
                                                    .context = &work->gate };
    int in = open(message, O_RDONLY | O_CLOEXEC);
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);

    work->err = cardea_decrypt(work->connection, in, out, &options, NULL);
    close(in);
    close(out);
    return NULL;
}

/* One decryption that is under way when it is cancelled, by its connection or by its own word. */
static bool cancel_midway(bool by_connection)
{
    struct held_work work = { .gate.answer = by_connection };
    pthread_t thread;

    if (sem_init(&work.gate.reached, 0, 0) || sem_init(&work.gate.open, 0, 0) ||
        cardea_connect(NULL, &work.connection) ||
        pthread_create(&thread, NULL, work_with_key, &work))
        return false;
    sem_wait(&work.gate.reached);
    if (by_connection)
        cardea_cancel(work.connection);
    sem_post(&work.gate.open);
    pthread_join(thread, NULL);
    cardea_disconnect(&work.connection);
    return gpg_err_code(work.err) == GPG_ERR_CANCELED;
}

static void *work_until_cancelled(void *context)
{
    gpg_error_t err;

    do
        err = decrypt_once(context);
    while (!err);
    return gpg_err_code(err) == GPG_ERR_CANCELED ? context : NULL;
}

/* One that is asked again and again, and cancelled at any moment. */
static bool cancel_sometime(void)
{
    struct cardea *connection = NULL;
    pthread_t thread;
    void *result;

    if (cardea_connect(NULL, &connection) ||
        pthread_create(&thread, NULL, work_until_cancelled, connection))
        return false;
    usleep(20000);
    cardea_cancel(connection);
    pthread_join(thread, &result);
    cardea_disconnect(&connection);
    return result;
}

static bool all_at_once(void)
{
    pthread_t threads[THREADS];
    gpg_error_t errors[THREADS] = { 0 };
    bool good = true;

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, &errors[i]))
            exit(2);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (errors[i])
            fprintf(stderr, "client-threads: %s\n", gpg_strerror(errors[i]));
        good = good && !errors[i];
    }
    return good;
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
static bool watch_a_while(void)
{
    struct cardea *watching = NULL, *other = NULL;
    unsigned seen = 0, keys, seconds;
    gpg_error_t err = cardea_connect(NULL, &watching);
    pthread_t thread;

    if (!err)
        err = cardea_connect(NULL, &other);
    if (err || pthread_create(&thread, NULL, lock_again_and_again, other))
        return false;
    err = cardea_watch(watching, seen_enough, &seen);
    if (!err)
        err = cardea_remembered(watching, &keys, &seconds);
    cardea_cancel(other);
    pthread_join(thread, NULL);
    cardea_disconnect(&watching);
    cardea_disconnect(&other);
    return !err && seen == 2;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    message = argv[1];
    session_key = argv[2];
    if (!all_at_once())
        return 1;
    if (!cancel_sometime() || !cancel_midway(true) || !cancel_midway(false)) {
        fputs("client-threads: the one that was cancelled does not say so\n", stderr);
        return 1;
    }
    if (!watch_a_while()) {
        fputs("client-threads: the one that watched cannot go on\n", stderr);
        return 1;
    }
    puts("ok");
    return 0;
}
