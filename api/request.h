/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a handler gets: a validated request, and what it needs to answer it. */
#ifndef HOSTPCI_API_REQUEST_H
#define HOSTPCI_API_REQUEST_H

#include <jansson.h>

#include "access/access.h"
#include "api/console.h"
#include "base/event.h"
#include "broker/call.h"
#include "broker/probe/qemu.h"
#include "cluster/member.h"
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
    const char *certificate; /* PEM; "" without TLS */
    const char *fingerprint; /* SHA-256 of the certificate, colon hex; NULL without TLS */
    struct sysroot *sysroot;
    struct inventory_source *inventory;
    struct names *names;
    struct storage *storage;
    struct access *access;
    struct broker *broker;
    struct tasks *tasks;
    struct qemu *qemu;
    struct console_ports *consoles;
    struct members *members; /* of the cluster; NULL: a single node */
    struct vm_paths paths;   /* paths of this host in QEMU's command lines */
    const char *const
        *volume_dirs; /* volumes that anybody but root@pam names must lie in one of these; ends with NULL */
};

struct request {
    const struct endpoint *endpoint;
    struct service *service;
    struct identity caller;
    json_t *params;   /* those of path, query and body, validated and of their declared types */
    const char *file; /* of an endpoint that takes one: its name in the folder `upload` of the storage */
    bool file_taken;  /* set by a handler that removes it itself, later */
    long long total;  /* set by a handler that returns a part of a list: the length of the whole list */
    bool upgrades;    /* the client asks for a WebSocket, as one should */
    /* Set by a handler instead of its reply, if so; freed with the request. */
    struct request_console *console;
    char *ticket;     /* of an endpoint with .no_tokens: by which the caller is known, or NULL; freed, too */
    char *new_ticket; /* set by a handler: what the cookie becomes, "" for none; freed with the request */
    const char
        *last_event; /* the client asks for a stream of events after this one, "": from now on; or NULL */
    bool streams;    /* set by a handler that replies with a stream: of what comes after `mark` */
    char mark[EVENT_MARK_SIZE];
    /* Set by a handler that returns a string which is a text file, to be sent as it is. */
    char file_name[192];
};

/* The values of parameters. The endpoint must declare the name (asserted). A parameter that was not sent has
 * its declared fallback, else NULL or 0. */
bool param_given(const struct request *request, const char *name);
const char *param_string(const struct request *request, const char *name);
long long param_integer(const struct request *request, const char *name);
bool param_boolean(const struct request *request, const char *name);
json_t *param_array(const struct request *request, const char *name); /* borrowed; NULL if missing */

/* {pci-id-or-mapping} of an endpoint that declares it as PARAMETER_PCI_ID. */
struct pci_address param_pci_address(const struct request *request);

/* Who sent the request, as tasks record it: "USER@REALM" or "USER@REALM!TOKEN". To be freed. */
char *request_caller(const struct request *request);

/* Runs the handler of request->endpoint, or lists the children of an index. */
int request_run(struct request *request, json_t **ret, struct error *err);

/* A handler that lists nothing, for what hostpci does not have and clients ask for. */
int request_list_none(struct request *request, json_t **ret, struct error *err);

/* The table of all endpoints, in the order of api/endpoints.def. */
extern const struct endpoint *const endpoint_table[];
extern const size_t endpoint_count;

#endif
