/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps Criterion quick. It compares strings with libgit2, which at the start of each process, so once a
 * test, reads all certificates of the system through Mbed TLS; no test connects by libgit2. Where libgit2 is
 * built with another library these functions are not called. */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);
int mbedtls_x509_crt_parse_path(void *chain, const char *path);

int mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
    (void)chain;
    (void)path;
    return 0;
}

int mbedtls_x509_crt_parse_path(void *chain, const char *path)
{
    (void)chain;
    (void)path;
    return 0;
}
