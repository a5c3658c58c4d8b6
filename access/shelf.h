/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shelf: documents of one kind by their ids, many of them, of which a changed copy is cheap: it shares with
 * its model all but the small part in which the change lies. For access/snapshot.c and its readers.
 *
 * A shelf that others can see is never changed. Parts are shared between threads: their counts are atomic. */
#ifndef HOSTPCI_ACCESS_SHELF_H
#define HOSTPCI_ACCESS_SHELF_H

#include <jansson.h>
#include <stddef.h>

#define SHELF_PARTS 256

struct shelf {
    json_t *parts[SHELF_PARTS]; /* {id: body} */
};

void shelf_fill(struct shelf *ret, const json_t *documents);
void shelf_copy(struct shelf *ret, const struct shelf *model);
void shelf_release(struct shelf *shelf);

/* Takes the document away if `body` is null (JSON), else puts it in. */
void shelf_put(struct shelf *shelf, const char *id, json_t *body);

/* Borrowed; NULL if there is none. */
const json_t *shelf_find(const struct shelf *shelf, const char *id, size_t length);

#endif
