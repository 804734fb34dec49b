#include "ccid/board.h"

#include <string.h>

gpg_error_t board_init(struct board *board, int first_look_ms)
{
    gpg_error_t err;

    *board = (struct board){ .list = { .service = gpg_error(GPG_ERR_EAGAIN) },
                             .look_by = deadline_in_ms(first_look_ms) };
    err = deadline_cond_init(&board->changed);
    if (!err)
        pthread_mutex_init(&board->mutex, NULL);
    return err;
}

void board_look_anew(struct board *board, int look_ms)
{
    pthread_mutex_lock(&board->mutex);
    board->looked = false;
    board->look_by = deadline_in_ms(look_ms);
    board->changes++;
    pthread_cond_broadcast(&board->changed);
    pthread_mutex_unlock(&board->mutex);
}

void board_close(struct board *board)
{
    pthread_mutex_lock(&board->mutex);
    board->closed = true;
    pthread_cond_broadcast(&board->changed);
    while (board->waiting)
        pthread_cond_wait(&board->changed, &board->mutex);
    pthread_mutex_unlock(&board->mutex);
}

void board_destroy(struct board *board)
{
    pthread_cond_destroy(&board->changed);
    pthread_mutex_destroy(&board->mutex);
}

static bool same_info(const struct reader_info *a, const struct reader_info *b)
{
    return strcmp(a->name, b->name) == 0 && a->present == b->present &&
           a->exclusive == b->exclusive && a->insertion == b->insertion &&
           strcmp(a->holder, b->holder) == 0;
}

static bool same_list(const struct reader_list *a, const struct reader_list *b)
{
    if (a->service != b->service || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!same_info(&a->info[i], &b->info[i]))
            return false;
    }
    return true;
}

bool board_publish(struct board *board, const struct reader_list *list)
{
    bool news;

    pthread_mutex_lock(&board->mutex);
    news = !same_list(&board->list, list);
    if (news) {
        board->list = *list;
        board->changes++;
    }
    if (news || !board->looked)
        pthread_cond_broadcast(&board->changed);
    board->looked = true;
    pthread_mutex_unlock(&board->mutex);
    return news;
}

void board_list(struct board *board, struct reader_list *list)
{
    pthread_mutex_lock(&board->mutex);
    while (!board->looked && !board->woken && !board->closed &&
           deadline_cond_wait(&board->changed, &board->mutex, board->look_by))
        ;
    *list = board->list;
    board->listed = board->changes;
    pthread_mutex_unlock(&board->mutex);
}

void board_wait(struct board *board)
{
    pthread_mutex_lock(&board->mutex);
    board->waiting = true;
    while (!board->woken && !board->closed && board->changes == board->listed)
        pthread_cond_wait(&board->changed, &board->mutex);
    board->woken = board->waiting = false;
    pthread_cond_broadcast(&board->changed);
    pthread_mutex_unlock(&board->mutex);
}

void board_wake(struct board *board)
{
    pthread_mutex_lock(&board->mutex);
    board->woken = true;
    pthread_cond_broadcast(&board->changed);
    pthread_mutex_unlock(&board->mutex);
}
