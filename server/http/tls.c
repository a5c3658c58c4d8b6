/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's certificate. */
#include "server/http/tls.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

#define FILE_LIMIT ((size_t)1024 * 1024)
#define YEARS      10

static void free_key(gnutls_x509_privkey_t *key)
{
    gnutls_x509_privkey_deinit(*key);
}

static void free_certificate(gnutls_x509_crt_t *certificate)
{
    gnutls_x509_crt_deinit(*certificate);
}

static void free_credentials(gnutls_certificate_credentials_t *credentials)
{
    gnutls_certificate_free_credentials(*credentials);
}

static int tls_error(struct error *err, int code, const char *what)
{
    return error_set(err, ERROR_FAILED, "%s: %s", what, gnutls_strerror(code));
}

static int add_names(gnutls_x509_crt_t certificate, const char *node)
{
    const char *const hosts[] = {node, "localhost"};
    const char *const addresses[] = {"127.0.0.1", "::1"};
    int result = 0;

    for (size_t i = 0; i < COUNT_OF(hosts) && result >= 0; i++)
        result = gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, hosts[i],
                                                      (unsigned)strlen(hosts[i]), GNUTLS_FSAN_APPEND);
    for (size_t i = 0; i < COUNT_OF(addresses) && result >= 0; i++) {
        unsigned char address[sizeof(struct in6_addr)];
        bool v6 = strchr(addresses[i], ':') != NULL;
        inet_pton(v6 ? AF_INET6 : AF_INET, addresses[i], address);
        result = gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address,
                                                      v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr),
                                                      GNUTLS_FSAN_APPEND);
    }
    return result;
}

static int set_serial(gnutls_x509_crt_t certificate)
{
    unsigned char serial[16];
    int result = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

    if (result < 0)
        return result;
    serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40); /* positive, and always of the same length */
    return gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
}

static int set_key(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    unsigned char id[20];
    size_t length = sizeof(id);
    int result = gnutls_x509_crt_set_key(certificate, key);

    if (result >= 0)
        result = gnutls_x509_crt_get_key_id(certificate, 0, id, &length);
    return result < 0 ? result : gnutls_x509_crt_set_subject_key_id(certificate, id, length);
}

static int fill_certificate(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *node)
{
    const time_t now = time(NULL), begin = now - 3600; /* the clocks of clients may be slow */
    const time_t end = now + (time_t)YEARS * 365 * 24 * 3600;
    const unsigned length = (unsigned)strlen(node);
    int result;

    if ((result = gnutls_x509_crt_set_version(certificate, 3)) < 0 ||
        (result = set_serial(certificate)) < 0 ||
        (result = gnutls_x509_crt_set_activation_time(certificate, begin)) < 0 ||
        (result = gnutls_x509_crt_set_expiration_time(certificate, end)) < 0 ||
        (result = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, node, length)) <
            0 ||
        (result = set_key(certificate, key)) < 0 || (result = add_names(certificate, node)) < 0 ||
        (result = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1)) < 0 ||
        (result = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE)) < 0 ||
        (result = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0)
        return result;
    return gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
}

static int write_files(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *certificate_path,
                       const char *key_path, struct error *err)
{
    gnutls_datum_t certificate_pem = {0}, key_pem = {0};
    int result =
        gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key_pem);

    if (result >= 0)
        result = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificate_pem);
    int written = result < 0 ? tls_error(err, result, "cannot encode the certificate")
                             : file_replace(key_path, key_pem.data, key_pem.size, 0600, err);
    if (written == 0)
        written = file_replace(certificate_path, certificate_pem.data, certificate_pem.size, 0644, err);
    gnutls_free(certificate_pem.data);
    gnutls_free(key_pem.data);
    return written;
}

static int make(const char *certificate_path, const char *key_path, const char *node, struct error *err)
{
    __attribute__((cleanup(free_key))) gnutls_x509_privkey_t key = NULL;
    __attribute__((cleanup(free_certificate))) gnutls_x509_crt_t certificate = NULL;
    int result = gnutls_x509_privkey_init(&key);

    if (result >= 0)
        result = gnutls_x509_crt_init(&certificate);
    if (result >= 0)
        result = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (result >= 0)
        result = fill_certificate(certificate, key, node);
    if (result < 0)
        return tls_error(err, result, "cannot make a certificate");
    return write_files(certificate, key, certificate_path, key_path, err);
}

static void print_fingerprint(const unsigned char *digest, size_t length, char *ret, size_t size)
{
    for (size_t i = 0; i < length; i++)
        snprintf(ret + 3 * i, size - 3 * i, "%02X%s", digest[i], i + 1 < length ? ":" : "");
}

/* Computes the fingerprint of the leaf, and fails unless key and certificate belong together. */
static int inspect(struct tls *tls, struct error *err)
{
    __attribute__((cleanup(free_credentials))) gnutls_certificate_credentials_t credentials = NULL;
    __attribute__((cleanup(free_certificate))) gnutls_x509_crt_t certificate = NULL;
    gnutls_datum_t pem = {(unsigned char *)tls->certificate, (unsigned)strlen(tls->certificate)};
    gnutls_datum_t key = {(unsigned char *)tls->key, (unsigned)strlen(tls->key)};
    unsigned char digest[32];
    size_t length = sizeof(digest);
    int result = gnutls_x509_crt_init(&certificate);

    if (result >= 0)
        result = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM);
    if (result >= 0)
        result = gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, digest, &length);
    if (result >= 0)
        result = gnutls_certificate_allocate_credentials(&credentials);
    if (result >= 0)
        result = gnutls_certificate_set_x509_key_mem(credentials, &pem, &key, GNUTLS_X509_FMT_PEM);
    if (result < 0)
        return error_set(err, ERROR_FAILED, "%s", gnutls_strerror(result));
    print_fingerprint(digest, length, tls->fingerprint, sizeof(tls->fingerprint));
    return 0;
}

static int load(const char *certificate_path, const char *key_path, struct tls *tls, struct error *err)
{
    if (file_read(certificate_path, FILE_LIMIT, &tls->certificate, NULL, err) != 0 ||
        file_read(key_path, FILE_LIMIT, &tls->key, NULL, err) != 0)
        return -1;
    return inspect(tls, err);
}

/* If only one of the two files exists, an administrator may have put it there, so it is not overwritten. */
int tls_open(const char *state_folder, const char *node, struct tls *ret, struct error *err)
{
    autofree char *certificate_path = xasprintf("%s/tls.pem", state_folder);
    autofree char *key_path = xasprintf("%s/tls.key", state_folder);
    struct tls tls = {0};

    if (access(certificate_path, F_OK) != 0 && access(key_path, F_OK) != 0 &&
        make(certificate_path, key_path, node, err) != 0)
        return -1;
    if (load(certificate_path, key_path, &tls, err) != 0) {
        tls_release(&tls);
        return error_prefix(
            err,
            "cannot use the certificate '%s' with the key '%s' (repair them, or delete both and "
            "restart to have new ones made): ",
            certificate_path, key_path);
    }
    *ret = tls;
    return 0;
}

void tls_release(struct tls *tls)
{
    if (tls->key != NULL)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->certificate);
    free(tls->key);
    *tls = (struct tls){0};
}
