/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ids of operations. */
#include "broker/daemon/id.h"

#include <string.h>

#include "broker/daemon/kept.h"
#include "broker/daemon/machines.h"

int id_check(const char *id, struct error *err)
{
    if (id == NULL || id[0] == '\0' || strlen(id) > ID_LIMIT)
        return error_set(err, ERROR_INVALID,
                         "an operation that changes something needs an 'id' of at most %d bytes", ID_LIMIT);
    if (kept_owns_id(id) || machines_owns_id(id))
        return error_set(err, ERROR_INVALID, "the 'id' %.80s is one of the broker's own", id);
    for (const char *c = id; *c != '\0'; c++)
        if (*c < '!' || *c > '~')
            return error_set(err, ERROR_INVALID,
                             "the 'id' of an operation is printable ASCII without blanks");
    return 0;
}
