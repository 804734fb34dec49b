#include "tests/usb/driver_root.h"

#include "ccid/usb.h"

void driver_set_root(struct readers *readers, const char *root)
{
    ((struct usb_readers *)readers)->root = root;
}
