/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a handler is given: a validated request, and the house it works in. */
#ifndef HOSTPCI_API_REQUEST_H
#define HOSTPCI_API_REQUEST_H

#include <jansson.h>

#include "access/access.h"
#include "broker/call.h"
#include "broker/probe/qemu.h"
#include "hardware/pci/names.h"
#include "hardware/pci/watch.h"
#include "hardware/sysfs.h"
#include "schema/endpoint.h"
#include "storage/storage.h"
#include "task/task.h"
#include "vm/command/command.h"

/* Everything that lives as long as the daemon. */
struct service {
    const char *node;        /* this node's name */
    const char *fingerprint; /* SHA-256 of the certificate, colon hex; NULL without TLS */
    struct sysroot *sysroot;
    struct inventory_source *inventory;
    struct names *names;
    struct storage *storage;
    struct access *access;
    struct broker *broker;
    struct tasks *tasks;
    struct qemu *qemu;
    struct vm_paths paths; /* of this host, for command lines */
    const char *const
        *volume_dirs; /* what others than root@pam may name lies in one of them; ends with NULL */
};

struct request {
    const struct endpoint *endpoint;
    struct service *service;
    struct identity caller;
    json_t *params;  /* decoded, captured from the path too, validated and in their declared types */
    long long total; /* for the handler to set if its reply is a part of more: how many there are */
};

/* Parameters by name, which must be declared (asserted). A missing one is its declared fallback, else NULL,
 * 0. */
bool param_given(const struct request *request, const char *name);
const char *param_string(const struct request *request, const char *name);
long long param_integer(const struct request *request, const char *name);
bool param_boolean(const struct request *request, const char *name);
json_t *param_array(const struct request *request, const char *name); /* borrowed; NULL if missing */

/* Who calls, as tasks name it: "USER@REALM" or "USER@REALM!TOKEN". The caller of this function frees it. */
char *request_caller(const struct request *request);

/* Runs the handler of request->endpoint, or lists the children of an index. */
int request_run(struct request *request, json_t **ret, struct error *err);

/* The table of all endpoints, in the order of api/endpoints.def. */
extern const struct endpoint *const endpoint_table[];
extern const size_t endpoint_count;

#endif
