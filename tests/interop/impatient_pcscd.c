/* Loaded into a test's pcscd, whose threads look at their readers every 400 ms: makes that every
 * 20 ms. Nothing else about it is changed. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLEEP_MAX_NS 20000000

int nanosleep(const struct timespec *requested, struct timespec *remaining)
{
    struct timespec t = *requested;

    if (t.tv_sec == 0 && t.tv_nsec > SLEEP_MAX_NS)
        t.tv_nsec = SLEEP_MAX_NS;
    return (int)syscall(SYS_nanosleep, &t, remaining);
}
