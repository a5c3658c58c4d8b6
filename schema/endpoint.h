/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an endpoint is declared: once, as data, beside its handler.
 *
 * Router, validation, permission check, `hostpci usage`, `hostpci ls` and openapi.yaml all read the same
 * `const struct endpoint`; nothing about an endpoint is written anywhere else, except for its line in
 * api/endpoints.def.
 *
 * Values: a boolean is the integer 1 or 0 in parameters, documents and replies alike, as in Proxmox. */
#ifndef HOSTPCI_SCHEMA_ENDPOINT_H
#define HOSTPCI_SCHEMA_ENDPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "schema/permission.h"

enum schema_type {
    SCHEMA_NULL,
    SCHEMA_STRING,
    SCHEMA_INTEGER,
    SCHEMA_NUMBER,
    SCHEMA_BOOLEAN,
    SCHEMA_ARRAY,
    SCHEMA_OBJECT,
};

/* The limits of an integer or a number, both inclusive. Whole numbers up to 2^53 are exact. */
struct schema_range {
    double minimum;
    double maximum;
};
#define RANGE(low, high) (&(const struct schema_range){(low), (high)})
#define AT_LEAST(low)    (&(const struct schema_range){(low), 9007199254740992.0})

/* A parameter, a property of an object, a key of a property string, the items of an array, or a reply. */
struct schema {
    const char *name; /* of a parameter or property, "hostpci[n]" if indexed; NULL ends a list of them */
    const struct schema *more; /* in the last row of a list: the list that continues it */
    enum schema_type type;
    bool optional;
    const char *text;                     /* for the documentation */
    const char *format;                   /* a name from schema/format.c */
    const struct schema *property_string; /* the string's keys; see schema/property_string.h */
    const char *default_key;              /* of a property string: the key of a bare value */
    const char *alias;         /* of a property string's key: the key under which its value is stored */
    const char *key_alias;     /* ... and the key under which its own name is stored: net's virtio=MAC */
    const char *pattern;       /* PCRE2, matched against the whole value */
    const char *const *values; /* the only values allowed; ends with NULL */
    const struct schema_range *range;
    size_t min_length;               /* of a string in bytes */
    size_t max_length;               /* the same; 0: SCHEMA_STRING_LIMIT */
    size_t max_items;                /* of an array; 0: SCHEMA_ARRAY_LIMIT */
    const char *fallback;            /* the default, as a string; a documentation word if it is not a value */
    unsigned count;                  /* of an indexed name: indexes 0 to count - 1 */
    const struct schema *items;      /* of an array */
    const char *empty;               /* of a reply that is an array: what a person reads when it is empty */
    const struct schema *properties; /* of an object */
    bool nullable;                   /* a reply's property that may be null */
    bool or_integer;                 /* a reply's string that may be an integer as well */
    bool open;                       /* an object that may have more properties than declared */
    const void *about;               /* data of the room that declares it; see vm/keys.h */
};

#define SCHEMA_STRING_LIMIT ((size_t)65536)
#define SCHEMA_ARRAY_LIMIT  ((size_t)1024)

/* The row at `at` or, if that only continues a list, the first row of the next list; NULL at the end. */
const struct schema *schema_row(const struct schema *at);
#define SCHEMA_FOREACH(row, list)                                                                            \
    for (const struct schema *row = schema_row(list); row != NULL; row = schema_row(row + 1))

#define PROPERTIES(...) ((const struct schema[]){__VA_ARGS__, {.name = NULL}})
#define ITEMS(...)      (&(const struct schema){__VA_ARGS__})
#define VALUES(...)     ((const char *const[]){__VA_ARGS__, NULL})

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_COUNT };
extern const char *const method_names[METHOD_COUNT];
enum method method_find(const char *name); /* METHOD_COUNT: there is no such method */

struct request; /* what a handler is given: api/request.h */

struct endpoint {
    enum method method;
    const char *path; /* "/nodes/{node}/hardware/pci" */
    const char *text; /* one sentence for the documentation */
    struct permission permission;
    const struct schema *parameters; /* with those captured from the path; NULL: none */
    struct schema returns;
    const char *index_key; /* of an index, which has no run(): the property that names the child */
    bool may_block; /* it writes, calls the broker or another node, or makes a long list: runs in a worker */
    bool on_node;   /* runs on the node {node} */
    bool no_tokens; /* an API token may not call it */
    bool own_page;  /* a page of another server may not call it */
    bool upgrades;  /* the connection may become a WebSocket: struct request_console */
    bool login;     /* it tries a password: server/request/login.h slows guessing down */
    const char *hashes;    /* the parameter that it hashes as a password, which is slow by design */
    const char *download;  /* the parameter that makes the reply a text file instead of JSON */
    const char *text_type; /* its reply is a string, which is sent as it is, with this Content-Type */
    /* If set, it takes a file, as multipart/form-data (server/request/upload.h). Called with the parameters
     * of path and query before the body is read, once the caller is known to be allowed to call the endpoint.
     * If it fails, nothing is read of the file. */
    int (*admit_file)(struct request *request, unsigned long long length, struct error *err);
    const void *subject; /* for a handler that several endpoints share: how they differ */
    int (*run)(struct request *request, json_t **ret, struct error *err);
    /* If set, the reply may be cached: it depends only on path, parameters, this number and, with
     * PERMISSION_ALL, the caller. Returns false if it must not be cached now. */
    bool (*version)(struct request *request, uint64_t *ret);
};

#endif
