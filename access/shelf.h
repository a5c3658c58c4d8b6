/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shelf: a copy-on-write map of the documents of one kind by their ids. A changed copy is cheap, because it
 * shares all parts with its original except the one that holds the change. For access/snapshot.c and its
 * readers.
 *
 * A shelf that other threads can see is never changed. Threads share its parts, since jansson counts
 * references atomically. */
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

/* Adds or replaces the document, or removes it if `body` is JSON's null. */
void shelf_put(struct shelf *shelf, const char *id, json_t *body);

/* Borrowed; NULL if there is none. */
const json_t *shelf_find(const struct shelf *shelf, const char *id, size_t length);

#endif
