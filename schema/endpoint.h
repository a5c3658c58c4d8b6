/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an endpoint is declared: once, as data, beside its handler.
 *
 * Router, validation, permission check, `hostpci usage`, `hostpci ls` and openapi.yaml all read the same
 * `const struct endpoint`; nothing about an endpoint is written anywhere else, except for its line in
 * api/endpoints.def.
 *
 * Values: a boolean is the integer 1 or 0 in parameters, documents and replies alike (Proxmox's manner). */
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
    const char *alias;                    /* of a property string's key: the key that it is stored under */
    const char *key_alias;     /* ... and the key that its own name is stored under: net's virtio=MAC */
    const char *pattern;       /* PCRE2, matched against the whole value */
    const char *const *values; /* the only values allowed; ends with NULL */
    const struct schema_range *range;
    size_t min_length;               /* of a string in bytes */
    size_t max_length;               /* the same; 0: SCHEMA_STRING_LIMIT */
    size_t max_items;                /* of an array; 0: SCHEMA_ARRAY_LIMIT */
    const char *fallback;            /* the default, as a string; a documentation word if it is not a value */
    unsigned count;                  /* of an indexed name: indexes 0 to count - 1 */
    const struct schema *items;      /* of an array */
    const char *empty;               /* of a reply that is an array: what it says to a person when empty */
    const struct schema *properties; /* of an object */
    bool nullable;                   /* a reply's property that may be null */
    bool or_integer;                 /* a reply's string that may be an integer as well */
    bool open;                       /* an object that may have more properties than declared */
    const void *about;               /* what else the room that declares it knows about it; see vm/keys.h */
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
    bool may_block;     /* a durable write, a broker call, a forward, a list that grows: runs in a worker */
    bool on_node;       /* runs on the node {node} */
    bool no_tokens;     /* an API token may not call it */
    bool login;         /* it tries a password: server/request/login.h slows guessing down */
    const char *hashes; /* the parameter of which it makes a hash, which takes as long as trying a password */
    const char *download; /* the parameter with which the reply is a text file instead of JSON */
    /* If set, it takes a file, as multipart/form-data (server/request/upload.h): called before the body is
     * read, when the caller may call the endpoint, with the parameters of path and query. Of a file for which
     * this fails nothing is read. */
    int (*admit_file)(struct request *request, unsigned long long length, struct error *err);
    const void *subject; /* for a handler that several endpoints share: what they differ in */
    int (*run)(struct request *request, json_t **ret, struct error *err);
    /* If set, the reply may be cached: it depends only on path, parameters, this number and, where every
     * login may ask, the caller. False: it may not be cached now. */
    bool (*version)(struct request *request, uint64_t *ret);
};

#endif
