/* A device (device.h) on a port of the kernel's vhci_hcd: USB/IP's packets over a socket pair, of
 * which the kernel has the other end (Documentation/usb/usbip_protocol.rst). As root. */
#pragma once

#include "tests/usb/device.h"

struct vhci_port;

/* Attaches to this port of the first controller; NULL, and errno, when the kernel refuses. */
struct vhci_port *vhci_attach(struct usb_device *device, unsigned int port);
/* Unplugs. Accepts NULL, clears the pointer. */
void vhci_detach(struct vhci_port **port);

const struct usb_device *vhci_device(const struct vhci_port *port);
int vhci_fd(const struct vhci_port *port);
/* Takes what the kernel has sent; false when it hung up. */
bool vhci_read(struct vhci_port *port);
/* Ends what can be ended now; false when it hung up, or the device is gone. */
bool vhci_progress(struct vhci_port *port);
