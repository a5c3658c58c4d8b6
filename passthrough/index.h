/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents that have rows in the index tables (storage/index.h), for storage_open. */
#ifndef HOSTPCI_PASSTHROUGH_INDEX_H
#define HOSTPCI_PASSTHROUGH_INDEX_H

#include "storage/index.h"

extern const struct index_kind passthrough_index[];

#endif
