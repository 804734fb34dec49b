#include "tests/fault/caught_log.h"

#include "base/log.h"
#include "base/text.h"
#include "tests/fault/need.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECRET_MAX 64

static int log_fd;
static size_t looked_at;

/* The sanitizers, where there are any, do not write among the log. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "log_path=stdout";
}

const char *__ubsan_default_options(void)
{
    return "log_path=stdout";
}

void caught_log_begin(void)
{
    log_fd = memfd_create("log", MFD_CLOEXEC);
    NEED(log_fd >= 0 && dup2(log_fd, STDERR_FILENO) >= 0);
    log_init("fault", LOG_LEVEL_DEBUG);
}

void caught_log_end(void)
{
    close(log_fd);
}

static bool holds(const char *text, size_t len, struct view part)
{
    return part.len && memmem(text, len, part.data, part.len);
}

static bool tells(const char *text, size_t len, struct view secret)
{
    char upper[2 * SECRET_MAX + 1], lower[2 * SECRET_MAX + 1];

    NEED(secret.len <= SECRET_MAX);
    hex_encode(secret, upper);
    for (size_t i = 0; i <= 2 * secret.len; i++)
        lower[i] = upper[i] >= 'A' && upper[i] <= 'F' ? (char)(upper[i] + 'a' - 'A') : upper[i];
    return holds(text, len, secret) || holds(text, len, view_of(upper, 2 * secret.len)) ||
           holds(text, len, view_of(lower, 2 * secret.len));
}

bool caught_log_is_clean(const struct view *secrets, size_t count)
{
    static char text[1 << 24]; /* a fast build asks a reader that is held very often */
    ssize_t len = pread(log_fd, text, sizeof text, (off_t)looked_at);
    bool clean = true;

    NEED(len >= 0 && (size_t)len < sizeof text);
    looked_at += (size_t)len;
    for (size_t i = 0; i < count; i++)
        clean = clean && !tells(text, (size_t)len, secrets[i]);
    return clean;
}
