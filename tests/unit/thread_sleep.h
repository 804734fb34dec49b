/* Whether another thread of this process sleeps, as the kernel tells. */
#pragma once

#include <sys/types.h>

/* How often the thread went to sleep: it does not change while the thread sleeps. */
long thread_sleeps(pid_t tid);

/* Waits until the thread sleeps, and goes on sleeping for a moment. */
void thread_await_sleep(pid_t tid);
