#include "tests/fault/shortage.h"

#include <assuan.h>
#include <errno.h>
#include <gcrypt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

static atomic_bool armed;
static atomic_uint requests;
static unsigned first;
static bool lasts;
static pthread_t begun_by;
static _Thread_local int paused;

void shortage_begin(unsigned at, bool for_good)
{
    first = at;
    lasts = for_good;
    begun_by = pthread_self();
    atomic_store(&requests, 0);
    atomic_store(&armed, true);
}

unsigned shortage_end(void)
{
    atomic_store(&armed, false);
    return atomic_load(&requests);
}

void shortage_pause(void)
{
    paused++;
}

void shortage_resume(void)
{
    paused--;
}

/* The client runs in the thread that began it. */
static bool is_refused(void)
{
    unsigned number;

    if (!atomic_load(&armed) || paused || pthread_equal(pthread_self(), begun_by))
        return false;
    number = atomic_fetch_add(&requests, 1);
    if (number != first && !(lasts && number > first))
        return false;
    errno = ENOMEM;
    return true;
}

/* What the linker calls the functions themselves, and what it puts in their places. */
#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return is_refused() ? NULL : __real_##name arguments;                                      \
    }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *old, size_t size), (old, size))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t max), (text, max))
WRAP(void *, gcry_malloc, (size_t size), (size))
WRAP(void *, gcry_calloc_secure, (size_t count, size_t size), (count, size))

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    int len;

    if (is_refused())
        return -1;
    va_start(arguments, format);
    len = vasprintf(text, format, arguments);
    va_end(arguments);
    return len;
}

int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags)
{
    if (!is_refused())
        return __real_eventfd(value, flags);
    errno = EMFILE;
    return -1;
}

typedef void *thread_function(void *);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          thread_function *function, void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          thread_function *function, void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          thread_function *function, void *argument)
{
    return is_refused() ? EAGAIN : __real_pthread_create(thread, attributes, function, argument);
}
