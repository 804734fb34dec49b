/* A line on the terminal for work that takes long. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on; /* standard error is a terminal and nobody asked for quiet */
    bool shown;
    uint64_t total; /* octets of input; 0: unknown */
    int64_t begun_ms, shown_ms;
};

/* `in` is what will be read. */
void progress_start(struct progress *progress, int in, bool quiet);
void progress_show(struct progress *progress, uint64_t read, uint64_t written);

/* Takes the line away. */
void progress_end(struct progress *progress);
