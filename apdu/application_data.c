#include "apdu/application_data.h"

#include "apdu/tlv.h"

#include <string.h>

#define TAG_APPLICATION_RELATED_DATA 0x6e
#define TAG_DISCRETIONARY_DATA       0x73
#define TAG_AID                      0x4f
#define TAG_HISTORICAL_BYTES         0x5f52
#define TAG_EXTENDED_LENGTH          0x7f66
#define TAG_FEATURES                 0x7f74
#define TAG_EXTENDED_CAPABILITIES    0xc0
#define TAG_ALGORITHM                0xc1 /* C1, C2, C3 */
#define TAG_PW_STATUS                0xc4
#define TAG_FINGERPRINTS             0xc5
#define TAG_CA_FINGERPRINTS          0xc6
#define TAG_CREATION_TIMES           0xcd
#define TAG_KEY_INFORMATION          0xde
#define TAG_INTEGER                  0x02
#define TAG_UIF                      0xd6 /* D6, D7, D8 */

#define FEATURE_BUTTON 0x20

const uint8_t application_id[APPLICATION_ID_LEN] = { 0xd2, 0x76, 0x00, 0x01, 0x24, 0x01 };

/* Where the objects of 73 are; early NEO applets put them into 6E itself. */
struct places {
    struct view discretionary;
    struct view outer;
};

static bool find(const struct places *places, uint32_t tag, struct view *value)
{
    return tlv_find(places->discretionary, tag, value) || tlv_find(places->outer, tag, value);
}

bool aid_parse(struct view aid, struct application_data *data)
{
    struct view v = aid;
    struct view application;

    if (aid.len != AID_LEN)
        return false;
    memcpy(data->aid, aid.data, AID_LEN);
    return view_take(&v, sizeof application_id, &application) &&
           memcmp(application.data, application_id, sizeof application_id) == 0 &&
           view_u16(&v, &data->version) && view_u16(&v, &data->manufacturer) &&
           view_u32(&v, &data->serial);
}

gpg_error_t pw_status_parse(struct view v, struct pw_status *pw)
{
    if (v.len < 7)
        return gpg_error(GPG_ERR_CARD);
    *pw = (struct pw_status){
        .pw1_for_many_signatures = v.data[0] != 0,
        .pw1_max = v.data[1] & 0x7f,
        .reset_code_max = v.data[2] & 0x7f,
        .pw3_max = v.data[3] & 0x7f,
        .pw1_tries = v.data[4],
        .reset_code_tries = v.data[5],
        .pw3_tries = v.data[6],
        .pin_block_2 = v.data[1] & 0x80,
    };
    return 0;
}

static void parse_extended_capabilities(struct view v, struct extended_capabilities *c)
{
    uint8_t flags;

    if (!view_u8(&v, &flags))
        return;
    c->secure_messaging = flags & 0x80;
    c->get_challenge = flags & 0x40;
    c->key_import = flags & 0x20;
    c->pw_status_changeable = flags & 0x10;
    c->private_objects = flags & 0x08;
    c->attributes_changeable = flags & 0x04;
    c->aes = flags & 0x02;
    c->kdf = flags & 0x01;
    if (!view_u8(&v, &c->sm_algorithm) || !view_u16(&v, &c->challenge_max))
        return;
    (void)view_u16(&v, &c->certificate_max);
}

/* An INTEGER of any length: 65535 may well be written 02 03 00 FF FF. */
static uint16_t saturated(struct view number)
{
    uint16_t value;
    uint8_t low;

    number = view_strip_zeros(number);
    if (number.len > 2)
        return UINT16_MAX;
    if (view_u16(&number, &value))
        return value;
    return view_u8(&number, &low) ? low : 0;
}

/* 02 02 command 02 02 response (§4.1.3.1) */
static void parse_extended_length(struct view v, struct application_data *data)
{
    struct tlv command, response;

    if (!tlv_next(&v, &command) || !tlv_next(&v, &response) || command.tag != TAG_INTEGER ||
        response.tag != TAG_INTEGER)
        return;
    data->command_max = saturated(command.value);
    data->response_max = saturated(response.value);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* DE is pairs of slot number (1-3) and 00 none, 01 generated, 02 imported. */
static bool key_information_says_present(struct view v, int slot)
{
    uint8_t reference, status;

    while (view_u8(&v, &reference) && view_u8(&v, &status)) {
        if (reference == slot + 1)
            return status != 0;
    }
    return false;
}

/* C5 and C6 hold one per slot. */
static void copy_fingerprint(const struct places *places, uint32_t tag, int i,
                             uint8_t fingerprint[FINGERPRINT_LEN])
{
    struct view v, part;

    if (find(places, tag, &v) && view_take(&v, (size_t)i * FINGERPRINT_LEN, &part) &&
        view_take(&v, FINGERPRINT_LEN, &part))
        memcpy(fingerprint, part.data, FINGERPRINT_LEN);
}

/* A policy that we do not know is no "never". */
enum touch_policy touch_policy_parse(struct view v)
{
    if (v.len == 0)
        return TOUCH_OFF;
    return v.data[0] <= TOUCH_CACHED_FIXED ? (enum touch_policy)v.data[0] : TOUCH_ON;
}

static void parse_slot(const struct places *places, int i, struct slot_data *slot)
{
    struct view v, part;

    if (find(places, (uint32_t)(TAG_ALGORITHM + i), &v))
        slot->algorithm = algorithm_parse(v);
    copy_fingerprint(places, TAG_FINGERPRINTS, i, slot->fingerprint);
    copy_fingerprint(places, TAG_CA_FINGERPRINTS, i, slot->ca_fingerprint);
    slot->present = !all_zero(slot->fingerprint, FINGERPRINT_LEN);
    if (find(places, TAG_KEY_INFORMATION, &v) && key_information_says_present(v, i))
        slot->present = true;
    if (find(places, TAG_CREATION_TIMES, &v) && view_take(&v, (size_t)i * 4, &part))
        (void)view_u32(&v, &slot->created);
    if (find(places, (uint32_t)(TAG_UIF + i), &v))
        slot->touch = touch_policy_parse(v);
}

gpg_error_t application_data_parse(struct view answer, struct application_data *r_data)
{
    struct places places = { .outer = tlv_content(answer, TAG_APPLICATION_RELATED_DATA, 0) };
    struct application_data data = { 0 };
    struct view v;

    (void)tlv_find(places.outer, TAG_DISCRETIONARY_DATA, &places.discretionary);
    if (!find(&places, TAG_AID, &v) || !aid_parse(v, &data))
        return gpg_error(GPG_ERR_CARD);
    if (!find(&places, TAG_PW_STATUS, &v) || pw_status_parse(v, &data.pw))
        return gpg_error(GPG_ERR_CARD);
    if (find(&places, TAG_HISTORICAL_BYTES, &v))
        data.card = historical_bytes_parse(v);
    if (find(&places, TAG_EXTENDED_CAPABILITIES, &v))
        parse_extended_capabilities(v, &data.extended);
    if (find(&places, TAG_EXTENDED_LENGTH, &v))
        parse_extended_length(v, &data);
    if (find(&places, TAG_FEATURES, &v) && tlv_find(v, 0x81, &v) && v.len > 0)
        data.button = v.data[0] & FEATURE_BUTTON;
    for (int i = 0; i < SLOTS; i++)
        parse_slot(&places, i, &data.slot[i]);
    *r_data = data;
    return 0;
}
