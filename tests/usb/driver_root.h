/* Where the driver looks for who holds a device. Apart from driver.h: the driver's headers and the
 * devices' have names in common. */
#pragma once

struct readers;

/* The folder in which sys, proc and dev are, borrowed; of a back end "usb". */
void driver_set_root(struct readers *readers, const char *root);
