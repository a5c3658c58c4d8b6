/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users as the API shows them. */
#ifndef HOSTPCI_ACCESS_USER_H
#define HOSTPCI_ACCESS_USER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "storage/storage.h"

/* [{userid, enable, expire, realm-type, ...}] sorted by userid; `full` adds groups (a comma list) and tokens
 * (a list, or null if there are none). */
int user_list(struct storage *storage, bool full, json_t **ret, struct error *err);

/* {enable, expire, groups: [id], tokens: {id: {...}} or null, ...}; "no such user ('u')". */
int user_read(struct storage *storage, const char *user, json_t **ret, struct error *err);

#endif
