/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy-on-write map of documents. */
#include "access/shelf.h"

#include <string.h>

#include "base/hash.h"

static json_t *const *part_of(const struct shelf *shelf, const char *id, size_t length)
{
    return &shelf->parts[hash_quick(id, length) % SHELF_PARTS];
}

void shelf_fill(struct shelf *ret, const json_t *documents)
{
    const char *id;
    json_t *body;

    for (size_t i = 0; i < SHELF_PARTS; i++)
        ret->parts[i] = json_object();
    json_object_foreach((json_t *)documents, id, body)
        json_object_set(*part_of(ret, id, strlen(id)), id, body);
}

void shelf_copy(struct shelf *ret, const struct shelf *model)
{
    for (size_t i = 0; i < SHELF_PARTS; i++)
        ret->parts[i] = json_incref(model->parts[i]);
}

void shelf_release(struct shelf *shelf)
{
    for (size_t i = 0; i < SHELF_PARTS; i++)
        json_decref(shelf->parts[i]);
}

void shelf_put(struct shelf *shelf, const char *id, json_t *body)
{
    json_t **part = (json_t **)part_of(shelf, id, strlen(id)), *changed = json_copy(*part);

    if (json_is_null(body))
        json_object_del(changed, id);
    else
        json_object_set(changed, id, body);
    json_decref(*part);
    *part = changed;
}

const json_t *shelf_find(const struct shelf *shelf, const char *id, size_t length)
{
    return json_object_getn(*part_of(shelf, id, length), id, length);
}
