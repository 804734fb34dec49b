/* What libusb says about itself and its errors, and strings of devices. */
#include "tests/usb/fake_inside.h"

#define ENGLISH 0x0409

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    { LIBUSB_SUCCESS, "LIBUSB_SUCCESS", "Success" },
    { LIBUSB_ERROR_IO, "LIBUSB_ERROR_IO", "Input/Output Error" },
    { LIBUSB_ERROR_INVALID_PARAM, "LIBUSB_ERROR_INVALID_PARAM", "Invalid parameter" },
    { LIBUSB_ERROR_ACCESS, "LIBUSB_ERROR_ACCESS", "Access denied (insufficient permissions)" },
    { LIBUSB_ERROR_NO_DEVICE, "LIBUSB_ERROR_NO_DEVICE",
      "No such device (it may have been disconnected)" },
    { LIBUSB_ERROR_NOT_FOUND, "LIBUSB_ERROR_NOT_FOUND", "Entity not found" },
    { LIBUSB_ERROR_BUSY, "LIBUSB_ERROR_BUSY", "Resource busy" },
    { LIBUSB_ERROR_TIMEOUT, "LIBUSB_ERROR_TIMEOUT", "Operation timed out" },
    { LIBUSB_ERROR_OVERFLOW, "LIBUSB_ERROR_OVERFLOW", "Overflow" },
    { LIBUSB_ERROR_PIPE, "LIBUSB_ERROR_PIPE", "Pipe error" },
    { LIBUSB_ERROR_INTERRUPTED, "LIBUSB_ERROR_INTERRUPTED", "System call interrupted" },
    { LIBUSB_ERROR_NO_MEM, "LIBUSB_ERROR_NO_MEM", "Insufficient memory" },
    { LIBUSB_ERROR_NOT_SUPPORTED, "LIBUSB_ERROR_NOT_SUPPORTED", "Operation not supported" },
    { LIBUSB_ERROR_OTHER, "LIBUSB_ERROR_OTHER", "Other error" },
};

const char *LIBUSB_CALL libusb_error_name(int code)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code)
            return errors[i].name;
    return "**UNKNOWN**";
}

const char *LIBUSB_CALL libusb_strerror(int code)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code)
            return errors[i].text;
    return "Other error";
}

int LIBUSB_CALL libusb_has_capability(uint32_t capability)
{
    return capability == LIBUSB_CAP_HAS_CAPABILITY || capability == LIBUSB_CAP_HAS_HOTPLUG;
}

const struct libusb_version *LIBUSB_CALL libusb_get_version(void)
{
    static const struct libusb_version version = { 1, 0, 26, 0, "", "" };

    return &version;
}

int LIBUSB_CALL libusb_set_option(libusb_context *context, enum libusb_option option, ...)
{
    (void)context, (void)option;
    return 0;
}

void LIBUSB_CALL libusb_set_log_cb(libusb_context *context, libusb_log_cb callback, int mode)
{
    (void)context, (void)callback, (void)mode;
}

int LIBUSB_CALL libusb_get_string_descriptor_ascii(libusb_device_handle *handle, uint8_t index,
                                                   unsigned char *text, int size)
{
    unsigned char octets[255];
    int len, at = 0;

    if (index == 0)
        return LIBUSB_ERROR_INVALID_PARAM;
    len = libusb_get_string_descriptor(handle, index, ENGLISH, octets, sizeof octets);
    if (len < 0)
        return len;
    if (len < 2 || octets[0] > len || octets[1] != LIBUSB_DT_STRING)
        return LIBUSB_ERROR_IO;
    for (int i = 2; i + 1 < octets[0] && at < size - 1; i += 2)
        text[at++] = octets[i] < 0x80 && !octets[i + 1] ? octets[i] : '?';
    text[at] = 0;
    return at;
}
