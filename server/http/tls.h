/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's certificate: STATE_DIR/tls.pem and tls.key, which are made at the first start if neither
 * exists.
 *
 * It is a self-signed ECDSA P-256 certificate; its CN is the node's name, its SANs are that name, localhost,
 * 127.0.0.1 and ::1. An administrator may put another certificate (with its chain) into the same two files.
 */
#ifndef HOSTPCI_SERVER_HTTP_TLS_H
#define HOSTPCI_SERVER_HTTP_TLS_H

#include "base/error.h"

#define TLS_FINGERPRINT_SIZE 96 /* SHA-256, "AA:BB:..." */

struct tls {
    char *certificate; /* PEM */
    char *key;         /* PEM */
    char fingerprint[TLS_FINGERPRINT_SIZE];
};

/* TLS 1.2 and 1.3, as GnuTLS's priority string. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

int tls_open(const char *state_folder, const char *node, struct tls *ret, struct error *err);
void tls_release(struct tls *tls);

#endif
