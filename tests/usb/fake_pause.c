/* A pause by poll, of a program whose waits are jumped over. */
#include "tests/unit/fake_clock.h"
#include "tests/usb/fake_inside.h"

#include <poll.h>

int __real_poll(struct pollfd *fds, nfds_t count, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms);

int __wrap_poll(struct pollfd *fds, nfds_t count, int ms)
{
    bool jump;

    fake_usb_lock();
    jump = fake_usb.hasty && count == 0;
    fake_usb_unlock();
    if (!jump)
        return __real_poll(fds, count, ms);
    fake_clock_jump_to(monotonic_ms() + ms);
    return 0;
}
