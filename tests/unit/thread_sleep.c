#include "tests/unit/thread_sleep.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define MOMENT_US 10000

long thread_sleeps(pid_t tid)
{
    char path[64], line[128];
    long count = -1;
    FILE *status;

    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status)) {
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
            break;
    }
    if (status)
        fclose(status);
    return count;
}

static bool is_asleep(pid_t tid)
{
    char path[64], state = 'R';
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    file = fopen(path, "r");
    if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'R';
    if (file)
        fclose(file);
    return state == 'S';
}

void thread_await_sleep(pid_t tid)
{
    long before;

    do {
        before = thread_sleeps(tid);
        usleep(MOMENT_US);
    } while (!is_asleep(tid) || thread_sleeps(tid) != before);
}
