/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands a request to another node, and brings its reply back as it is.
 *
 * Connections are kept and used again. A node is known by the key of its certificate: nothing is sent to
 * whoever has another one. Thread-safe; a call blocks for up to FORWARD_SECONDS. */
#ifndef HOSTPCI_CLUSTER_FORWARD_H
#define HOSTPCI_CLUSTER_FORWARD_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

#define FORWARD_SECONDS 30

/* err.reason, which is the HTTP status that Proxmox VE gives it. */
enum forward_failure {
    FORWARD_CONNECT = 595, /* the node cannot be reached */
    FORWARD_HEADERS = 596, /* it did not show its key, or did not answer */
    FORWARD_BODY = 597,    /* its answer broke off */
    FORWARD_OTHER = 599,
};

struct forwarder;
int forwarder_open(struct forwarder **ret, struct error *err);
void forwarder_close(struct forwarder *forwarder); /* takes NULL */

/* The pin of a certificate's key: "sha256//...", for struct forward_call. */
#define FORWARD_PIN_SIZE 64
int forward_make_pin(const char *certificate, char ret[static FORWARD_PIN_SIZE], struct error *err);

struct forward_call {
    const char *url;            /* of the node: "https://10.0.0.2:8006" */
    const char *pin;            /* of its certificate */
    const char *method, *uri;   /* with the query, as they were sent */
    const char *const *headers; /* "Name: value"; ends with NULL */
    const char *body;
    size_t length; /* of the body */
};

struct forward_reply {
    unsigned status;
    char phrase[256];
    char type[64]; /* Content-Type; "": none */
    struct text body;
};
void forward_reply_release(struct forward_reply *reply);

int forward_run(struct forwarder *forwarder, const struct forward_call *call, struct forward_reply *ret,
                struct error *err);

#endif
