/* What readers on USB are called. */
#pragma once

#include "ccid/reader.h"
#include "ccid/usb_holder.h"

#include <libusb.h>

/* "1-2.3": bus and ports. */
void usb_name_path(libusb_device *device, char path[USB_PATH_MAX]);

/* "Yubico YubiKey OTP+FIDO+CCID (0011223344)": the same wherever it is plugged in, if it has a
 * number of its own; else with the place instead of that. Without a handle, which may be NULL, of
 * numbers alone. What the device says is made harmless. */
void usb_name_reader(libusb_device *device, libusb_device_handle *handle, const char *path,
                     char name[READER_NAME_MAX]);

/* Of a slot: that of the first is the reader's. */
void usb_name_slot(const char *reader, unsigned slot, char name[READER_NAME_MAX]);
