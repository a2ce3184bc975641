/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.c - a key and a certificate for a server that was given none (RFC 5280). */
#include "http/http.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "http/internal.h"

enum { SERIAL_BITS = 120, CLOCK_SKEW_S = 3600, NAME_MAX_BYTES = 253 };

static bool fail(struct err *err)
{
    char text[120];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    return err_set(err, ERR_UNAVAILABLE, "certificate: %s", text);
}

/* It stands in an extension's configuration language, where commas and newlines mean something. */
static bool is_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && str_find_byte(STR("-._:*"), c) == 5)
            return false;
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool is_ok = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return is_ok;
}

static bool add_names(X509 *cert, const str *names, size_t n, struct err *err)
{
    auto_sb list;
    sb_init(&list, LIMIT(HTTP_HEADER));
    for (size_t i = 0; i < n; i++) {
        unsigned char address[16];
        char text[NAME_MAX_BYTES + 1];
        snprintf(text, sizeof(text), STR_FMT, STR_ARG(names[i]));
        bool is_ip =
            inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
        sb_addf(&list, "%s%s:%s", i ? "," : "", is_ip ? "IP" : "DNS", text);
    }
    return sb_ok(&list, err) && (add_extension(cert, NID_subject_alt_name, list.ptr) || fail(err));
}

static bool set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool is_ok = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                 BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return is_ok;
}

static bool set_subject(X509 *cert, str name)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    int len = name.len > 64 ? 64 : (int)name.len; /* ub-common-name */
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name.ptr,
                                      len, -1, 0) &&
           X509_set_issuer_name(cert, subject);
}

static bool fill(X509 *cert, EVP_PKEY *key, const str *names, size_t n, unsigned days,
                 struct err *err)
{
    bool is_ok = X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
                 X509_gmtime_adj(X509_getm_notBefore(cert), -CLOCK_SKEW_S) &&
                 X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) &&
                 X509_set_pubkey(cert, key) && set_subject(cert, names[0]) &&
                 add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
                 add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
                 add_extension(cert, NID_ext_key_usage, "serverAuth") &&
                 add_extension(cert, NID_subject_key_identifier, "hash");
    if (!is_ok)
        return fail(err);
    return add_names(cert, names, n, err) && (X509_sign(cert, key, EVP_sha256()) != 0 || fail(err));
}

static bool take_pem(struct arena *arena, BIO *bio, str *out, struct err *err)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    if (len <= 0)
        return fail(err);
    *out = arena_dup(arena, str_of(bytes, (size_t)len));
    return out->ptr || err_memory(err);
}

static bool print(struct arena *arena, X509 *cert, EVP_PKEY *key, str *cert_pem, str *key_pem,
                  struct err *err)
{
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
    bool is_ok = cert_bio && key_bio && PEM_write_bio_X509(cert_bio, cert) &&
                 PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
    is_ok = is_ok
                ? take_pem(arena, cert_bio, cert_pem, err) && take_pem(arena, key_bio, key_pem, err)
                : fail(err);
    BIO_free(cert_bio);
    BIO_free(key_bio);
    return is_ok;
}

bool http_self_signed(struct arena *arena, const str *names, size_t n, unsigned days, str *cert_pem,
                      str *key_pem, struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_USAGE, "a certificate needs a name");
    for (size_t i = 0; i < n; i++)
        if (!is_name(names[i]))
            return err_set(err, ERR_USAGE, "'" STR_FMT "' is no name for a certificate",
                           STR_ARG(names[i]));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool is_ok = key && cert ? fill(cert, key, names, n, days, err) : fail(err);
    is_ok = is_ok && print(arena, cert, key, cert_pem, key_pem, err);
    EVP_PKEY_free(key);
    X509_free(cert);
    return is_ok;
}
