/* Tokens and readers as they show themselves on USB: what their descriptors say, as data.
 *
 * The ids, features and lengths are those of libccid's collection of descriptors; strings are the
 * devices' own, numbers in them made up. The card in a token is that token's; in a reader it is one
 * that is used with it. A test may copy a model and change it. */
#pragma once

#include "base/bytes.h"
#include "tests/token/profiles/profile.h"

#define USB_DEVICE_LEN   18
#define USB_CONFIG_MAX   512
#define CCID_CLASS_LEN   54 /* CCID 1.1 §5.1 */
#define INTERRUPT_PACKET 8
#define USB_CLASS_CCID   0x0B
#define USB_CLASS_VENDOR 0xFF

/* dwFeatures, CCID 1.1 §5.1 */
enum ccid_feature {
    CCID_AUTO_ACTIVATION = 0x04,
    CCID_AUTO_VOLTAGE = 0x08,
    CCID_AUTO_NEGOTIATION = 0x40,
    CCID_AUTO_PPS = 0x80,
    CCID_AUTO_IFSD = 0x400,
    CCID_LEVELS = 0x70000,
    CCID_TPDU = 0x10000,
    CCID_SHORT_APDU = 0x20000,
    CCID_EXTENDED_APDU = 0x40000,
};

/* Where the class descriptor stands: CCID 1.1 says before the endpoints, some devices differ. */
enum class_place { CLASS_BEFORE_ENDPOINTS, CLASS_AFTER_ENDPOINTS, CLASS_AMONG_OTHERS };

struct usb_model {
    const char *name;
    uint16_t vendor, product, release;
    const char *manufacturer_string, *product_string, *serial_string; /* NULL: none */
    uint8_t interface_class;
    uint8_t hid_interfaces;                  /* before the CCID interface, whose number this is */
    uint8_t bulk_out, bulk_in, interrupt_in; /* endpoint addresses; 0: there is none */
    uint16_t packet; /* of the bulk endpoints: 64 full speed, 512 high speed */
    enum class_place place;

    uint32_t features, max_message, max_ifsd, protocols;
    uint8_t voltages, slots, pin_support;

    const struct token_profile *card; /* that is in it, whole: its ATR, its keys, its limits */
};

extern const struct usb_model usb_models[];
extern const size_t usb_model_count;

/* NULL when there is none of this name. */
const struct usb_model *usb_model_find(const char *name);

/* Octets as GET_DESCRIPTOR has them; the configuration with all that belongs to it. */
void usb_model_device(const struct usb_model *model, uint8_t octets[USB_DEVICE_LEN]);
size_t usb_model_config(const struct usb_model *model, uint8_t octets[USB_CONFIG_MAX]);

/* String descriptor by its number in the device descriptor; false when there is none. */
bool usb_model_string(const struct usb_model *model, uint8_t number, struct buffer *octets);
