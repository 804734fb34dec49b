#include "agent/fifo_lock.h"
#include "tests/unit/cmocka_all.h"

#include <sched.h>

#define THREADS 32
#define ROUNDS  500

struct queue {
    struct fifo_lock lock;
    /* guarded by the lock, and by nothing else */
    int served[THREADS * ROUNDS];
    int count;
    int inside;
    int rounds;
};

struct guest {
    struct queue *queue;
    int number;
    pthread_t thread;
};

static void *visit(void *argument)
{
    struct guest *guest = argument;
    struct queue *queue = guest->queue;

    for (int i = 0; i < queue->rounds; i++) {
        fifo_lock_take(&queue->lock);
        assert_int_equal(queue->inside++, 0);
        queue->served[queue->count++] = guest->number;
        queue->inside--;
        fifo_lock_pass_on(&queue->lock);
    }
    return NULL;
}

static struct fifo_waiter **end_of_queue(struct fifo_lock *lock)
{
    struct fifo_waiter **end;

    pthread_mutex_lock(&lock->mutex);
    end = lock->last;
    pthread_mutex_unlock(&lock->mutex);
    return end;
}

/* Each guest begins when the one before it stands in the queue. */
static void guests_are_served_as_they_came(void **state)
{
    static struct queue queue = { .rounds = 1 };
    struct guest guests[THREADS];

    (void)state;
    fifo_lock_init(&queue.lock);
    fifo_lock_take(&queue.lock);
    for (int i = 0; i < THREADS; i++) {
        struct fifo_waiter **end = end_of_queue(&queue.lock);

        guests[i] = (struct guest){ .queue = &queue, .number = i };
        assert_int_equal(pthread_create(&guests[i].thread, NULL, visit, &guests[i]), 0);
        while (end_of_queue(&queue.lock) == end)
            sched_yield();
    }
    assert_int_equal(queue.count, 0);
    fifo_lock_pass_on(&queue.lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(guests[i].thread, NULL);
    assert_int_equal(queue.count, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(queue.served[i], i);
    fifo_lock_destroy(&queue.lock);
}

static void one_guest_at_a_time(void **state)
{
    static struct queue queue = { .rounds = ROUNDS };
    struct guest guests[THREADS];

    (void)state;
    fifo_lock_init(&queue.lock);
    for (int i = 0; i < THREADS; i++) {
        guests[i] = (struct guest){ .queue = &queue, .number = i };
        assert_int_equal(pthread_create(&guests[i].thread, NULL, visit, &guests[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(guests[i].thread, NULL);
    assert_int_equal(queue.count, THREADS * ROUNDS);
    fifo_lock_destroy(&queue.lock);
}

static void free_lock_is_taken_at_once(void **state)
{
    struct fifo_lock lock;

    (void)state;
    fifo_lock_init(&lock);
    for (int i = 0; i < 3; i++) {
        assert_false(lock.taken);
        fifo_lock_take(&lock);
        assert_true(lock.taken);
        fifo_lock_pass_on(&lock);
    }
    fifo_lock_destroy(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_lock_is_taken_at_once),
        cmocka_unit_test(guests_are_served_as_they_came),
        cmocka_unit_test(one_guest_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
