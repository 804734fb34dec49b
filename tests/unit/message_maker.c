#include "tests/unit/message_maker.h"
#include "message/aead_cipher.h"
#include "message/symmetric.h"

#include <bzlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "message_maker: %s\n", what);
    abort();
}

void make_packet(uint8_t tag, struct view body, struct buffer *out)
{
    must(!buffer_append_u8(out, 0xc0 | tag), "tag");
    must(!buffer_append_u8(out, 0xff), "length");
    must(!buffer_append_u32(out, (uint32_t)body.len), "length");
    must(!buffer_append_view(out, body), "body");
}

void make_literal(const char *name, struct view text, struct buffer *out)
{
    struct buffer body = MAKER;

    must(!buffer_append(&body, "b", 1), "format");
    must(!buffer_append_u8(&body, (uint8_t)strlen(name)), "name");
    must(!buffer_append(&body, name, strlen(name)), "name");
    must(!buffer_append_u32(&body, 1234567890), "date");
    must(!buffer_append_view(&body, text), "text");
    make_packet(PACKET_LITERAL, buffer_view(&body), out);
    buffer_free(&body);
}

static size_t deflate_all(uint8_t algorithm, struct view in, uint8_t *to, size_t size)
{
    z_stream z = { 0 };

    must(deflateInit2(&z, 9, Z_DEFLATED, algorithm == 1 ? -15 : 15, 9, 0) == Z_OK, "deflate");
    z.next_in = (Bytef *)(uintptr_t)in.data;
    z.avail_in = (uInt)in.len;
    z.next_out = to;
    z.avail_out = (uInt)size;
    must(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
    deflateEnd(&z);
    return size - z.avail_out;
}

void make_compressed(uint8_t algorithm, struct view packets, struct buffer *out)
{
    size_t size = packets.len + packets.len / 50 + 1024;
    unsigned bzip2_len = (unsigned)size;
    struct buffer body = MAKER;
    uint8_t *to;

    must(!buffer_append_u8(&body, algorithm), "algorithm");
    to = buffer_reserve(&body, size);
    must(to, "memory");
    if (algorithm == 3) {
        must(BZ2_bzBuffToBuffCompress((char *)to, &bzip2_len, (char *)(uintptr_t)packets.data,
                                      (unsigned)packets.len, 9, 0, 0) == BZ_OK,
             "bzip2");
        body.len += bzip2_len;
    } else {
        body.len += deflate_all(algorithm, packets, to, size);
    }
    make_packet(PACKET_COMPRESSED, buffer_view(&body), out);
    buffer_free(&body);
}

static gcry_cipher_hd_t open_cfb(const struct session_key *key, unsigned flags)
{
    gcry_cipher_hd_t handle;

    must(!symmetric_open(symmetric_by_id(key->cipher), GCRY_CIPHER_MODE_CFB, flags,
                         secret_view(&key->key), &handle),
         "cipher");
    must(!gcry_cipher_setiv(handle, NULL, 0), "iv");
    return handle;
}

static void make_prefix(uint8_t block, uint8_t *prefix)
{
    for (uint8_t i = 0; i < block; i++)
        prefix[i] = i;
    prefix[block] = (uint8_t)(block - 2);
    prefix[block + 1] = (uint8_t)(block - 1);
}

void make_seipd1_body(const struct session_key *key, struct view packets, struct buffer *out)
{
    uint8_t block = symmetric_by_id(key->cipher)->block_octets;
    gcry_cipher_hd_t cipher = open_cfb(key, 0);
    size_t len = block + 2U + packets.len + 22;
    uint8_t *to;

    must(!buffer_append_u8(out, 1), "version");
    to = buffer_reserve(out, len);
    must(to, "memory");
    make_prefix(block, to);
    memcpy(to + block + 2, packets.data, packets.len);
    memcpy(to + len - 22, "\xd3\x14", 2);
    gcry_md_hash_buffer(GCRY_MD_SHA1, to + len - 20, to, len - 20);
    must(!gcry_cipher_encrypt(cipher, to, len, NULL, 0), "encrypt");
    out->len += len;
    gcry_cipher_close(cipher);
}

void make_unprotected(const struct session_key *key, struct view packets, struct buffer *out)
{
    uint8_t block = symmetric_by_id(key->cipher)->block_octets;
    gcry_cipher_hd_t cipher = open_cfb(key, GCRY_CIPHER_ENABLE_SYNC);
    size_t len = block + 2U + packets.len;
    struct buffer body = MAKER;
    uint8_t *to = buffer_reserve(&body, len);

    must(to, "memory");
    make_prefix(block, to);
    memcpy(to + block + 2, packets.data, packets.len);
    must(!gcry_cipher_encrypt(cipher, to, block + 2U, NULL, 0), "encrypt");
    must(!gcry_cipher_sync(cipher), "sync");
    must(!gcry_cipher_encrypt(cipher, to + block + 2, packets.len, NULL, 0), "encrypt");
    body.len += len;
    make_packet(PACKET_ENCRYPTED, buffer_view(&body), out);
    buffer_free(&body);
    gcry_cipher_close(cipher);
}

static void append_sealed(struct aead_cipher *c, struct view plain, struct buffer *out)
{
    uint8_t *to = buffer_reserve(out, plain.len + AEAD_TAG_OCTETS);

    must(to, "memory");
    memcpy(to, plain.data, plain.len);
    must(!gcry_cipher_final(c->handle), "final");
    must(!gcry_cipher_encrypt(c->handle, to, plain.len, NULL, 0), "encrypt");
    must(!gcry_cipher_gettag(c->handle, to + plain.len, AEAD_TAG_OCTETS), "tag");
    out->len += plain.len + AEAD_TAG_OCTETS;
}

/* aead_cipher_check_final leaves the handle at the place of the final tag, whatever it thinks of
 * the tag it was given: enough to ask for the right one. */
static void append_final_tag(struct aead_cipher *c, uint64_t chunks, uint64_t total,
                             struct buffer *out)
{
    uint8_t tag[AEAD_TAG_OCTETS] = { 0 };

    aead_cipher_check_final(c, chunks, total, tag);
    must(!gcry_cipher_gettag(c->handle, tag, sizeof tag), "tag");
    must(!buffer_append(out, tag, sizeof tag), "tag");
}

void make_aead_body(const struct session_key *key, const struct aead_header *header,
                    struct view packets, struct buffer *out)
{
    size_t salt = !header->packet_20 ? 32 : header->mode == AEAD_EAX ? 16 : 15;
    size_t chunk = (size_t)1 << (header->chunk_octet + 6);
    struct aead_cipher c = { 0 };
    uint64_t chunks = 0;

    must(!aead_cipher_open(&c, header, key), "cipher");
    must(!buffer_append(out, c.fixed + 1, sizeof c.fixed - 1), "header");
    must(!buffer_append(out, header->salt, salt), "header");
    for (size_t at = 0; at < packets.len; at += chunk, chunks++) {
        size_t n = packets.len - at < chunk ? packets.len - at : chunk;

        must(!aead_cipher_begin(&c, chunks), "chunk");
        append_sealed(&c, view_of(packets.data + at, n), out);
    }
    append_final_tag(&c, chunks, packets.len, out);
    aead_cipher_close(&c);
}

struct session_key make_key(uint8_t cipher)
{
    struct session_key key = { .cipher = cipher };
    size_t len = symmetric_by_id(cipher)->key_octets;

    must(!secret_new(&key.key, len), "key");
    for (size_t i = 0; i < len; i++)
        key.key.data[i] = (uint8_t)(17 * i + cipher);
    return key;
}

static gpg_error_t chopped_next(void *context, struct view *piece)
{
    struct chopped *c = context;

    view_take(&c->rest, c->rest.len < c->piece ? c->rest.len : c->piece, piece);
    return 0;
}

struct source chopped_source(struct chopped *c)
{
    return (struct source){ .next = chopped_next, .context = c };
}

static gpg_error_t append(void *context, struct view piece)
{
    return buffer_append_view(context, piece);
}

struct sink buffer_sink(struct buffer *b)
{
    return (struct sink){ .write = append, .context = b };
}

gpg_error_t decrypt_pieces(struct view message, size_t piece, const struct session_key *key,
                           const struct decrypt_options *options, struct buffer *out,
                           struct content_report *report)
{
    const struct decrypt_options defaults = { 0 };
    struct chopped chopped = { message, piece };
    struct memory_holding memory = MEMORY_HOLDING(MAKER_MAX);
    struct holding held = holding_in_memory(&memory);
    struct sink sink = buffer_sink(out);
    struct content_report unused;
    struct message *m = NULL;
    gpg_error_t err = message_open(chopped_source(&chopped), &m);

    if (!err)
        err = message_decrypt(m, key, options ? options : &defaults, &held, &sink,
                              report ? report : &unused);
    message_close(&m);
    memory_holding_free(&memory);
    return err;
}

gpg_error_t decrypt_bytes(struct view message, const struct session_key *key, struct buffer *out)
{
    return decrypt_pieces(message, SIZE_MAX, key, NULL, out, NULL);
}
