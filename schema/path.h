/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of endpoints.
 *
 * A declared path, such as "/nodes/{node}/hardware", has literal segments, and segments in braces, which
 * match any one segment and capture it under their name. {volume}, which is always the last, captures all the
 * rest, since the name of a volume has slashes. Empty segments are ignored in declared and given paths alike:
 * "//nodes/pve1/" is "/nodes/pve1". A given path must be percent-decoded. */
#ifndef HOSTPCI_SCHEMA_PATH_H
#define HOSTPCI_SCHEMA_PATH_H

#include <stdbool.h>
#include <stddef.h>

bool path_matches(const char *declared, const char *given);

/* The part of the declared path that lies below the given one; NULL if it does not lie below. For
 * "/pci/{id}/status" and "/pci" this is "{id}/status". */
const char *path_remainder(const char *declared, const char *given);

/* Whether the declared path has the segment "{name}". */
bool path_captures(const char *declared, const char *name);

/* Name and value point into the paths, and are not NUL-terminated. */
struct path_capture {
    const char *name, *value;
    size_t name_length, value_length;
};

/* Finds the next captured segment of two paths that match, and advances both past it; false if there is none.
 */
bool path_next_capture(const char **declared, const char **given, struct path_capture *ret);

#endif
