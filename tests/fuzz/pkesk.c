/* Any octets as a PKESK, opened with what a hostile card might answer, and as the public keys of a
 * certificate. The first byte says how much of the rest is the packet; what follows is the answer.
 */
#include "message/certificate.h"
#include "tests/unit/message_maker.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct recipient recipients[] = {
    { .version = 4,
      .fingerprint = { (const uint8_t *)"0123456789abcdef0123", 20 },
      .oid = { (const uint8_t *)"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8 },
      .kdf_hash = 8,
      .kdf_cipher = 7,
      .point = { (const uint8_t *)"0123456789abcdef0123456789abcdef", 32 } },
    { .version = 6,
      .fingerprint = { (const uint8_t *)"0123456789abcdef0123456789abcdef", 32 },
      .oid = { (const uint8_t *)"\x2b\x65\x6f", 3 },
      .kdf_hash = 10,
      .kdf_cipher = 9,
      .point = { (const uint8_t *)"0123456789abcdef0123456789abcdef0123456789abcdef01234567",
                 56 } },
};

static void open_packet(struct view body, struct view answer)
{
    struct session_key key = { 0 };
    struct secret result = { 0 };
    struct pkesk p;

    if (pkesk_parse(body, &p) || secret_copy(&result, answer))
        return;
    for (size_t i = 0; i < 2; i++) {
        gpg_error_t err = session_key_open(&p, &recipients[i], &result, &key);

        if (!err != !!key.key.data || (!p.on_token && !err))
            abort();
        session_key_free(&key);
    }
    secret_free(&result);
}

static void read_keys(struct view bytes)
{
    struct certificate c = CERTIFICATE(source_of_view(&bytes));
    struct certificate_key key;

    while (!certificate_next_key(&c, &key)) {
        if (key.fingerprint_len != 20 && key.fingerprint_len != 32)
            abort();
    }
    certificate_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len;

    if (secret_init_library() || !size)
        return 0;
    len = data[0] < size - 1 ? data[0] : size - 1;
    open_packet(view_of(data + 1, len), view_of(data + 1 + len, size - 1 - len));
    read_keys(view_of(data + 1, size - 1));
    return 0;
}
