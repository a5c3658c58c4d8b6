/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the index that VMs' documents make, for storage/index.c. */
#ifndef HOSTPCI_STORAGE_INDEX_VM_H
#define HOSTPCI_STORAGE_INDEX_VM_H

#include <jansson.h>
#include <sqlite3.h>

#include "base/error.h"

int index_update_vm(sqlite3 *db, const char *id, const json_t *body, struct error *err);

#endif
