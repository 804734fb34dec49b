#include "client/cli/progress.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 700 /* what is done by then needs no line */
#define EVERY_MS 100
#define BAR      30

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, int in, bool quiet)
{
    struct stat st;

    *progress = (struct progress){ .on = !quiet && isatty(STDERR_FILENO), .begun_ms = now_ms() };
    if (fstat(in, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        progress->total = (uint64_t)st.st_size;
}

void progress_show(struct progress *progress, uint64_t read, uint64_t written)
{
    int64_t now;
    int filled;

    if (!progress->on)
        return;
    now = now_ms();
    if (now - progress->begun_ms < FIRST_MS || now - progress->shown_ms < EVERY_MS)
        return;
    progress->shown_ms = now;
    progress->shown = true;
    if (progress->total) {
        if (read > progress->total)
            read = progress->total;
        filled = (int)(BAR * read / progress->total);
        fprintf(stderr, "\r[%.*s%*s] %3d%%", filled, "##############################", BAR - filled,
                "", (int)(100 * read / progress->total));
    } else {
        fprintf(stderr, "\r%8.1f MB", (double)written / 1e6);
    }
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
