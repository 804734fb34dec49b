#include "agent/ciphertext.h"
#include "base/secret.h"
#include "tests/unit/gpg_vectors.h"
#include "tests/unit/hex.h"

#include <stdio.h>

static int init(void **state)
{
    (void)state;
    return secret_init_library() ? -1 : 0;
}

/* A canonical S-expression, written by hand: text and octet strings one after the other. libgcrypt
 * takes no octet string of no octets. */
struct sexp {
    uint8_t bytes[6000];
    size_t len;
};

static void put(struct sexp *s, const char *text)
{
    memcpy(s->bytes + s->len, text, strlen(text));
    s->len += strlen(text);
}

/* (name octets) */
static void put_field(struct sexp *s, const char *name, struct view octets)
{
    char head[64];

    snprintf(head, sizeof head, "(%zu:%s%zu:", strlen(name), name, octets.len);
    put(s, head);
    if (octets.len)
        memcpy(s->bytes + s->len, octets.data, octets.len);
    s->len += octets.len;
    put(s, ")");
}

static gpg_error_t parse(const struct sexp *s, enum kem kem, struct ciphertext *c)
{
    uint8_t *copy = exact_copy(view_of(s->bytes, s->len));
    gpg_error_t err = ciphertext_parse(view_of(copy, s->len), kem, c);

    free(copy);
    return err;
}

static gpg_error_t parse_text(const char *text, enum kem kem, struct ciphertext *c)
{
    struct sexp s = { .len = 0 };

    put(&s, text);
    return parse(&s, kem, c);
}

static gpg_error_t parse_rsa(struct view number, struct ciphertext *c)
{
    struct sexp s = { .len = 0 };

    put(&s, "(7:enc-val(3:rsa");
    put_field(&s, "a", number);
    put(&s, "))");
    return parse(&s, KEM_NONE, c);
}

/* One octet of each is a number; 513 octets are one of 512 with the sign's zero before it. */
static void rsa_numbers_have_bounds(void **state)
{
    const struct {
        size_t zeros, octets;
        gpg_err_code_t code;
    } rows[] = {
        { 0, 0, GPG_ERR_INV_SEXP },   { 1, 0, GPG_ERR_INV_DATA },   { 0, 1, GPG_ERR_NO_ERROR },
        { 0, 255, GPG_ERR_NO_ERROR }, { 0, 256, GPG_ERR_NO_ERROR }, { 1, 256, GPG_ERR_NO_ERROR },
        { 2, 254, GPG_ERR_NO_ERROR }, { 0, 512, GPG_ERR_NO_ERROR }, { 1, 512, GPG_ERR_NO_ERROR },
        { 0, 513, GPG_ERR_INV_DATA }, { 2, 512, GPG_ERR_INV_DATA }, { 0, 3000, GPG_ERR_INV_DATA },
    };
    uint8_t number[3000];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ciphertext c = { .len = 7 };

        memset(number, 0, rows[i].zeros);
        memset(number + rows[i].zeros, 0x80, rows[i].octets);
        assert_err(parse_rsa(view_of(number, rows[i].zeros + rows[i].octets), &c), rows[i].code);
        assert_int_equal(c.len, rows[i].code ? 7 : rows[i].octets);
        if (!rows[i].code) {
            assert_int_equal(c.kind, CIPHERTEXT_RSA);
            assert_int_equal(c.data[0], 0x80);
        }
    }
}

struct fields {
    const char *list; /* "4:ecdh" or "3:ecc" */
    const char *c, *h;
    struct view e, s, params;
};

static void put_fields(struct sexp *s, const struct fields *f)
{
    put(s, "(7:enc-val(");
    put(s, f->list);
    if (f->c)
        put_field(s, "c", view_of(f->c, strlen(f->c)));
    if (f->h)
        put_field(s, "h", view_of(f->h, strlen(f->h)));
    put_field(s, "e", f->e);
    put_field(s, "s", f->s);
    put_field(s, "kdf-params", f->params);
    put(s, "))");
}

static gpg_error_t parse_fields(const struct fields *f, enum kem kem, struct ciphertext *c)
{
    struct sexp s = { .len = 0 };

    put_fields(&s, f);
    return parse(&s, kem, c);
}

/* The length octet and the blob after it, as PKESK has them. */
static struct view prefixed(size_t stated, size_t octets)
{
    static uint8_t s[4000];

    memset(s, 0xa7, sizeof s);
    s[0] = (uint8_t)stated;
    return view_of(s, octets + 1);
}

static struct fields good_fields(void)
{
    static const uint8_t zeros[33];

    return (struct fields){ .list = "3:ecc",
                            .c = "7",
                            .h = "8",
                            .e = view_of(zeros, 33),
                            .s = prefixed(48, 48),
                            .params = hex(gpg_ecdh_vectors[7].kdf_params) };
}

static void kem_request_of_gpg_is_read(void **state)
{
    const struct gpg_ecdh_vector *v = &gpg_ecdh_vectors[GPG_ECDH_VECTORS - 1];
    struct fields f = good_fields();
    char wrapped[128];
    struct ciphertext c;

    (void)state;
    snprintf(wrapped, sizeof wrapped, "30%s", v->wrapped);
    f.e = hex(v->e);
    f.s = hex(wrapped);
    assert_ok(parse_fields(&f, KEM_PGP, &c));
    assert_int_equal(c.kind, CIPHERTEXT_ECDH);
    assert_octets(view_of(c.data, c.len), v->e);
    assert_int_equal(c.key.cipher, v->cipher);
    assert_int_equal(c.key.hash, v->hash);
    assert_octets(c.key.kdf_params, v->kdf_params);
    assert_octets(c.key.wrapped, v->wrapped);
    /* the views are of the caller's own */
    assert_ptr_equal(c.key.kdf_params.data, c.kdf_params);
    assert_ptr_equal(c.key.wrapped.data, c.wrapped);
}

/* gpg 2.4: (enc-val(ecdh(s S)(e E))), gpgsm: flags before the list of the algorithm. */
static void classic_requests_are_read(void **state)
{
    struct ciphertext c;

    (void)state;
    assert_ok(parse_text("(7:enc-val(4:ecdh(1:s3:\x02zz)(1:e4:@abc)))", KEM_NONE, &c));
    assert_int_equal(c.kind, CIPHERTEXT_ECDH);
    assert_octets(view_of(c.data, c.len), "40616263");
    assert_ok(parse_text("(7:enc-val(4:ecdh(1:e4:@abc)))", KEM_NONE, &c));
    assert_ok(parse_text("(7:enc-val(5:flags5:pkcs1)(3:rsa(1:a2:zz)))", KEM_NONE, &c));
    /* A card takes no OAEP off; it would blame the padding. */
    assert_err(parse_text("(7:enc-val(5:flags4:oaep)(3:rsa(1:a2:zz)))", KEM_NONE, &c),
               GPG_ERR_UNSUPPORTED_ALGORITHM);
    assert_int_equal(c.kind, CIPHERTEXT_RSA);
    assert_octets(view_of(c.data, c.len), "7A7A");
}

static void order_and_unknown_elements_do_not_matter(void **state)
{
    static const char *const rows[] = {
        "(7:enc-val(4:ecdh(1:e4:@abc)(1:s1:x)))",
        "(7:enc-val(4:junk(3:foo3:bar))(4:ecdh(1:z1:z)(1:e4:@abc)(1:s1:x)(1:0)))",
        "(7:enc-val4:atom(4:ecdh4:atom(9:encr-algo3:foo)(1:e4:@abc)(3:ukm1:0)))",
        "(7:enc-val(4:ecdh(2:ee1:x)(1:E1:y)(1:e4:@abc4:more)))",
    };
    struct ciphertext c;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(parse_text(rows[i], KEM_NONE, &c));
        assert_octets(view_of(c.data, c.len), "40616263");
    }
}

/* As libgcrypt prints them; gpg-agent reads these too. */
static void advanced_format_is_read(void **state)
{
    struct ciphertext c;

    (void)state;
    assert_ok(parse_text("(enc-val (rsa (a #7A7A#)))", KEM_NONE, &c));
    assert_octets(view_of(c.data, c.len), "7A7A");
    assert_ok(
        parse_text("(enc-val\n (ecdh\n  (s #00#)\n  (e #40616263#)\n  )\n )\n", KEM_NONE, &c));
    assert_octets(view_of(c.data, c.len), "40616263");
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum kem kem;
        gpg_err_code_t code;
    } rows[] = {
        { "", KEM_NONE, GPG_ERR_INV_SEXP },
        { "x", KEM_NONE, GPG_ERR_INV_SEXP },
        { "(", KEM_NONE, GPG_ERR_INV_SEXP },
        { "()", KEM_NONE, GPG_ERR_INV_SEXP },
        { ")", KEM_NONE, GPG_ERR_INV_SEXP },
        { "(7:enc-val", KEM_NONE, GPG_ERR_INV_SEXP },
        { "(7:enc-val(3:rsa(1:a9:zz)))", KEM_NONE, GPG_ERR_INV_SEXP },
        { "(7:sig-val(3:rsa(1:a2:zz)))", KEM_NONE, GPG_ERR_INV_SEXP },
        { "(7:enc-val)", KEM_NONE, GPG_ERR_UNSUPPORTED_ALGORITHM },
        { "(7:enc-val(3:elg(1:a2:zz)(1:b2:zz)))", KEM_NONE, GPG_ERR_UNSUPPORTED_ALGORITHM },
        { "(7:enc-val(3:ecc(1:e2:zz)))", KEM_NONE, GPG_ERR_UNSUPPORTED_ALGORITHM },
        { "(7:enc-val(4:ecdh(1:e2:zz)))", KEM_PGP, GPG_ERR_UNSUPPORTED_ALGORITHM },
        { "(7:enc-val(3:rsa(1:a2:zz)))", KEM_PGP, GPG_ERR_UNSUPPORTED_ALGORITHM },
        { "(7:enc-val(3:pqc(1:e2:zz)))", KEM_PGP, GPG_ERR_UNSUPPORTED_ALGORITHM },
        { "(7:enc-val(3:rsa))", KEM_NONE, GPG_ERR_INV_DATA },
        { "(7:enc-val(3:rsa(1:a)))", KEM_NONE, GPG_ERR_INV_DATA },
        { "(7:enc-val(3:rsa(1:a(1:a))))", KEM_NONE, GPG_ERR_INV_DATA },
        { "(7:enc-val(4:ecdh(1:s2:zz)))", KEM_NONE, GPG_ERR_INV_DATA },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ciphertext c = { .len = 7 };

        assert_err(parse_text(rows[i].text, rows[i].kem, &c), rows[i].code);
        assert_int_equal(c.len, 7);
    }
}

static void points_have_bounds(void **state)
{
    static const uint8_t octets[3000] = { 4 };
    static const struct {
        size_t len;
        gpg_err_code_t code;
    } rows[] = { { 0, GPG_ERR_INV_SEXP },   { 1, GPG_ERR_NO_ERROR },   { 133, GPG_ERR_NO_ERROR },
                 { 134, GPG_ERR_INV_DATA }, { 512, GPG_ERR_INV_DATA }, { 3000, GPG_ERR_INV_DATA } };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct fields f = good_fields();
        struct ciphertext c = { .len = 7 };

        f.e = view_of(octets, rows[i / 2].len);
        if (i % 2)
            f.list = "4:ecdh";
        assert_err(parse_fields(&f, i % 2 ? KEM_NONE : KEM_PGP, &c), rows[i / 2].code);
        assert_int_equal(c.len, rows[i / 2].code ? 7 : rows[i / 2].len);
    }
}

/* OpenPGP states the length of the wrapped key in an octet before it, CMS does not. */
static void wrapped_keys_have_bounds(void **state)
{
    static const struct {
        size_t stated, len;
        gpg_err_code_t pgp, cms; /* cms: of the key without the octet */
    } rows[] = {
        { 0, 0, GPG_ERR_INV_DATA, GPG_ERR_INV_SEXP },
        { 16, 16, GPG_ERR_INV_DATA, GPG_ERR_INV_DATA },
        { 24, 24, GPG_ERR_NO_ERROR, GPG_ERR_NO_ERROR },
        { 25, 25, GPG_ERR_INV_DATA, GPG_ERR_INV_DATA },
        { 48, 48, GPG_ERR_NO_ERROR, GPG_ERR_NO_ERROR },
        { 47, 48, GPG_ERR_INV_DATA, GPG_ERR_NO_ERROR },
        { 49, 48, GPG_ERR_INV_DATA, GPG_ERR_NO_ERROR },
        { 248, 248, GPG_ERR_NO_ERROR, GPG_ERR_NO_ERROR },
        { 255, 255, GPG_ERR_INV_DATA, GPG_ERR_INV_DATA },
        { 0, 256, GPG_ERR_INV_DATA, GPG_ERR_INV_DATA },
        { 48, 48 + 256, GPG_ERR_INV_DATA, GPG_ERR_INV_DATA },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fields f = good_fields();
        struct ciphertext c;

        f.s = prefixed(rows[i].stated, rows[i].len);
        assert_err(parse_fields(&f, KEM_PGP, &c), rows[i].pgp);
        if (!rows[i].pgp)
            assert_int_equal(c.key.wrapped.len, rows[i].len);
        f.s = view_of(f.s.data + 1, f.s.len - 1);
        assert_err(parse_fields(&f, KEM_CMS, &c), rows[i].cms);
        if (!rows[i].cms)
            assert_int_equal(c.key.wrapped.len, rows[i].len);
    }
}

static void parameters_have_bounds(void **state)
{
    static const uint8_t octets[3000];
    static const struct {
        size_t len;
        gpg_err_code_t code;
    } rows[] = { { 0, GPG_ERR_INV_SEXP },
                 { 1, GPG_ERR_NO_ERROR },
                 { 256, GPG_ERR_NO_ERROR },
                 { 257, GPG_ERR_INV_DATA },
                 { 3000, GPG_ERR_INV_DATA } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fields f = good_fields();
        struct ciphertext c;

        f.params = view_of(octets, rows[i].len);
        assert_err(parse_fields(&f, KEM_PGP, &c), rows[i].code);
        if (!rows[i].code)
            assert_int_equal(c.key.kdf_params.len, rows[i].len);
    }
}

static void algorithm_ids_are_small_numbers(void **state)
{
    static const char *const bad[] = { "x", "-7", "+7", " 7", "7x", "0x7", "7.", "1000", NULL };
    struct fields f = good_fields();
    struct ciphertext c;

    (void)state;
    f.c = "999";
    f.h = "10";
    assert_ok(parse_fields(&f, KEM_PGP, &c));
    assert_int_equal(c.key.cipher, 999);
    assert_int_equal(c.key.hash, 10);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f = good_fields();
        f.c = bad[i];
        assert_err(parse_fields(&f, KEM_PGP, &c), GPG_ERR_INV_DATA);
        f = good_fields();
        f.h = bad[i];
        assert_err(parse_fields(&f, KEM_PGP, &c), GPG_ERR_INV_DATA);
    }
}

static void request_has_a_bound(void **state)
{
    static uint8_t filler[4100];
    struct fields f = good_fields();
    struct sexp s = { .len = 0 };
    struct ciphertext c;

    (void)state;
    put_fields(&s, &f);
    s.len--; /* the last parenthesis */
    put_field(&s, "x", view_of(filler, CIPHERTEXT_MAX - s.len - strlen("(1:x0000:)") - 1));
    put(&s, ")");
    assert_int_equal(s.len, CIPHERTEXT_MAX);
    assert_ok(parse(&s, KEM_PGP, &c));
    s.len = 0;
    put_fields(&s, &f);
    s.len--;
    put_field(&s, "x", view_of(filler, CIPHERTEXT_MAX - s.len - strlen("(1:x0000:)")));
    put(&s, ")");
    assert_int_equal(s.len, CIPHERTEXT_MAX + 1);
    assert_err(parse(&s, KEM_PGP, &c), GPG_ERR_TOO_LARGE);
}

static void cut_requests_are_refused(void **state)
{
    struct fields f = good_fields();
    struct sexp s = { .len = 0 };

    (void)state;
    put_fields(&s, &f);
    for (size_t len = s.len; s.len > 0;) {
        struct ciphertext c;

        s.len = --len;
        assert_err(parse(&s, KEM_PGP, &c), GPG_ERR_INV_SEXP);
    }
}

static gpg_error_t point(const char *oid, const char *digits, uint8_t *out, size_t *len)
{
    struct ciphertext c = { .kind = CIPHERTEXT_ECDH };
    struct view v = hex(digits);

    memcpy(c.data, v.data, v.len);
    c.len = v.len;
    return ciphertext_point(&c, curve_by_oid(hex(oid)), out, len);
}

#define CV25519 "2B060104019755010501"
#define P256    "2A8648CE3D030107"
#define X30     "8C43EF01AB0B1EDDA4F3E9C7C1F0CE5E39A7AF1F2B9CB2A8D7E3F4A5B6C7"

static void montgomery_points_lose_their_mark(void **state)
{
    static const struct {
        const char *wire, *card;
    } rows[] = {
        { "40"
          "1111" X30,
          "1111" X30 },
        { "00"
          "1111" X30,
          "1111" X30 },
        { "1111" X30, "1111" X30 },
        { "4011" X30, "4011" X30 }, /* 32 octets: the 40 is part of it */
        { "11" X30, "0011" X30 },
        { X30, "0000" X30 },
        { "40"
          "0000" X30,
          "0000" X30 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[POINT_OCTETS_MAX];
        size_t len;

        assert_ok(point(CV25519, rows[i].wire, out, &len));
        assert_octets(view_of(out, len), rows[i].card);
    }
}

static void points_of_another_length_are_refused(void **state)
{
    uint8_t out[POINT_OCTETS_MAX];
    size_t len = 7;

    (void)state;
    assert_err(point(CV25519,
                     "41"
                     "1111" X30,
                     out, &len),
               GPG_ERR_INV_DATA);
    assert_err(point(CV25519,
                     "4040"
                     "1111" X30,
                     out, &len),
               GPG_ERR_INV_DATA);
    assert_err(point(CV25519, gpg_ecdh_vectors[0].e, out, &len), GPG_ERR_INV_DATA);
    assert_err(point(P256,
                     "40"
                     "1111" X30,
                     out, &len),
               GPG_ERR_INV_DATA);
    assert_err(point(P256, gpg_ecdh_vectors[1].e, out, &len), GPG_ERR_INV_DATA);
    assert_int_equal(len, 7);
    for (size_t i = 0; i < GPG_ECDH_VECTORS - 1; i++) {
        assert_ok(point(gpg_ecdh_vectors[i].oid, gpg_ecdh_vectors[i].e, out, &len));
        assert_octets(view_of(out, len), gpg_ecdh_vectors[i].e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_numbers_have_bounds),
        cmocka_unit_test(kem_request_of_gpg_is_read),
        cmocka_unit_test(classic_requests_are_read),
        cmocka_unit_test(order_and_unknown_elements_do_not_matter),
        cmocka_unit_test(advanced_format_is_read),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(points_have_bounds),
        cmocka_unit_test(wrapped_keys_have_bounds),
        cmocka_unit_test(parameters_have_bounds),
        cmocka_unit_test(algorithm_ids_are_small_numbers),
        cmocka_unit_test(request_has_a_bound),
        cmocka_unit_test(cut_requests_are_refused),
        cmocka_unit_test(montgomery_points_lose_their_mark),
        cmocka_unit_test(points_of_another_length_are_refused),
    };

    return cmocka_run_group_tests(tests, init, NULL);
}
