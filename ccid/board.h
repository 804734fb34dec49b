/* The list of readers that a back end's thread keeps and others read: readers_list, readers_wait
 * and readers_wake for a back end that learns of changes by itself. */
#pragma once

#include "ccid/reader.h"

#include <pthread.h>

struct board {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct reader_list list;
    uint32_t changes;
    uint32_t listed; /* `changes` at the last list */
    bool looked;     /* anything was published that counts */
    struct deadline look_by;
    bool woken;
    bool closed;
    bool waiting;
};

/* Until something is published for the first time board_list waits for it, but not longer. */
gpg_error_t board_init(struct board *board, int first_look_ms);

/* From now on what was published is of before: board_list waits for what comes next as for the
 * first, and board_wait ends. */
void board_look_anew(struct board *board, int look_ms);

/* Ends a board_wait that is under way, and all that come later; returns when it has ended. */
void board_close(struct board *board);
void board_destroy(struct board *board);

/* Shows `list`; true if it differs from what was shown. */
bool board_publish(struct board *board, const struct reader_list *list);

void board_list(struct board *board, struct reader_list *list);
void board_wait(struct board *board);
void board_wake(struct board *board);
