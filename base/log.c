#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char *const level_names[] = { "error", "warning", "info", "debug" };

static const char *program_name;
static atomic_int shown_level = LOG_LEVEL_WARNING;

void log_init(const char *program, enum log_level level)
{
    program_name = program;
    atomic_store(&shown_level, level);
}

void log_set_level(enum log_level level)
{
    atomic_store(&shown_level, level);
}

int log_level_from_name(const char *name)
{
    for (int i = 0; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0)
            return i;
    }
    return -1;
}

/* One write per line, so that lines of several threads never mix. */
__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
                                                             const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    int saved_errno = errno;
    int len = 0;

    if (program_name)
        len = snprintf(line, sizeof line, "%.32s: ", program_name);
    if (level != LOG_LEVEL_INFO)
        len += snprintf(line + len, sizeof line - (size_t)len, "%s: ", level_names[level]);
    len += vsnprintf(line + len, sizeof line - (size_t)len, format, args);
    if (len > (int)sizeof line - 2)
        len = (int)sizeof line - 2;
    /* Names of readers and files, and arguments, are not ours: a line stays one line. */
    for (int i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)len) < 0) {
        /* Nobody is left to tell. */
    }
    errno = saved_errno;
}

#define DEFINE_LOG(name, level)                                                                    \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        if (atomic_load(&shown_level) < (level))                                                   \
            return;                                                                                \
        va_start(args, format);                                                                    \
        write_line((level), format, args);                                                         \
        va_end(args);                                                                              \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
