#include "ccid/usb_interface.h"

#define CLASS_SMART_CARD 0x0b
#define PROTOCOL_CCID    0x00 /* 1 and 2 are ICCD, by control transfers */
#define PACKET_MASK      0x07ff

struct usb_id {
    uint16_t vendor, product;
};

/* Readers with a class of their vendor's own. */
static const struct usb_id vendor_class[] = {
#include "ccid/usb_vendor_class.inc"
};

/* Known to be wrong in the descriptors. */
static const struct {
    struct usb_id id;
    uint16_t before;       /* bcdDevice from which on they are right; 0xffff: always wrong */
    enum ccid_level level; /* CCID_CHARACTER: as the descriptor says */
    uint32_t max_ifsd;     /* 0: as the descriptor says */
    uint32_t features;     /* to be added */
} mends[] = {
    /* They get stuck over answers of whole packets. */
    { { 0x04e6, 0xe001 }, 0x0516, CCID_CHARACTER, 48, 0 }, /* SCR331 */
    { { 0x04e6, 0x5111 }, 0x0620, CCID_CHARACTER, 48, 0 }, /* SCR331-DI */
    { { 0x04e6, 0x5115 }, 0x0514, CCID_CHARACTER, 48, 0 }, /* SCR335 */
    { { 0x04e6, 0x5117 }, 0x0522, CCID_CHARACTER, 48, 0 }, /* SCR3320 */
    { { 0x04e6, 0xe003 }, 0x0504, CCID_CHARACTER, 48, 0 }, /* SPR532 */
    /* Announces extended length and does not have it. */
    { { 0x0d46, 0x3010 }, 0xffff, CCID_SHORT_APDU, 0, 0 }, /* Kobil EMV CAP */
    /* Fails at S(IFS request). */
    { { 0x0529, 0x0620 }, 0xffff, CCID_CHARACTER, 0, CCID_AUTO_IFSD }, /* SafeNet eToken 7300 */
};

static bool is_device(const struct libusb_device_descriptor *device, struct usb_id id)
{
    return device->idVendor == id.vendor && device->idProduct == id.product;
}

static bool has_vendor_class(const struct libusb_device_descriptor *device)
{
    for (size_t i = 0; i < sizeof vendor_class / sizeof vendor_class[0]; i++) {
        if (is_device(device, vendor_class[i]))
            return true;
    }
    return false;
}

static bool is_ccid(const struct libusb_device_descriptor *device,
                    const struct libusb_interface_descriptor *alt)
{
    if (alt->bInterfaceClass == CLASS_SMART_CARD)
        return alt->bInterfaceSubClass == 0 && alt->bInterfaceProtocol == PROTOCOL_CCID;
    return alt->bInterfaceClass == LIBUSB_CLASS_VENDOR_SPEC && has_vendor_class(device);
}

static void note_endpoint(const struct libusb_endpoint_descriptor *endpoint,
                          struct usb_interface *found)
{
    uint8_t address = endpoint->bEndpointAddress;
    bool in = address & LIBUSB_ENDPOINT_IN;
    uint8_t type = endpoint->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK;

    if (type == LIBUSB_TRANSFER_TYPE_BULK && in && !found->in) {
        found->in = address;
        found->in_packet = endpoint->wMaxPacketSize & PACKET_MASK;
    } else if (type == LIBUSB_TRANSFER_TYPE_BULK && !in && !found->out) {
        found->out = address;
    } else if (type == LIBUSB_TRANSFER_TYPE_INTERRUPT && in && !found->notice) {
        found->notice = address;
    }
}

static gpg_error_t parse_extra(const unsigned char *extra, int len, struct ccid_descriptor *ccid)
{
    if (len <= 0)
        return gpg_error(GPG_ERR_NOT_FOUND);
    return ccid_descriptor_parse(view_of(extra, (size_t)len), ccid);
}

/* The class descriptor stands before the endpoints, or after one of them. */
static bool read_alt(const struct libusb_interface_descriptor *alt, struct usb_interface *found)
{
    gpg_error_t err = parse_extra(alt->extra, alt->extra_length, &found->ccid);

    for (unsigned i = 0; i < alt->bNumEndpoints; i++) {
        const struct libusb_endpoint_descriptor *endpoint = &alt->endpoint[i];

        note_endpoint(endpoint, found);
        if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
            err = parse_extra(endpoint->extra, endpoint->extra_length, &found->ccid);
    }
    found->number = alt->bInterfaceNumber;
    return !err && found->in && found->out && found->in_packet;
}

static void mend(const struct libusb_device_descriptor *device, struct ccid_descriptor *ccid)
{
    for (size_t i = 0; i < sizeof mends / sizeof mends[0]; i++) {
        if (!is_device(device, mends[i].id) || device->bcdDevice >= mends[i].before)
            continue;
        if (mends[i].level != CCID_CHARACTER)
            ccid->level = mends[i].level;
        if (mends[i].max_ifsd && ccid->max_ifsd > mends[i].max_ifsd)
            ccid->max_ifsd = mends[i].max_ifsd;
        ccid->features |= mends[i].features;
    }
}

size_t usb_interfaces_find(const struct libusb_device_descriptor *device,
                           const struct libusb_config_descriptor *config,
                           struct usb_interface found[USB_INTERFACES_MAX])
{
    size_t count = 0;

    for (unsigned i = 0; i < config->bNumInterfaces && count < USB_INTERFACES_MAX; i++) {
        const struct libusb_interface *interface = &config->interface[i];

        if (interface->num_altsetting < 1 || !is_ccid(device, &interface->altsetting[0]))
            continue;
        found[count] = (struct usb_interface){ .alone = config->bNumInterfaces == 1 };
        if (!read_alt(&interface->altsetting[0], &found[count]))
            continue;
        mend(device, &found[count].ccid);
        if (found[count].ccid.pin_operations & CCID_PIN_VERIFY)
            found[count].keypad = ccid_keypad_find(device->idVendor, device->idProduct);
        count++;
    }
    return count;
}
