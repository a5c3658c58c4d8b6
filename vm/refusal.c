/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a configuration has no command line. */
#include "vm/refusal.h"

#include <stdio.h>

int vm_refuse_key(const char *key, struct error *err)
{
    snprintf(err->field, sizeof(err->field), "%s", key);
    return error_prefix(err, "%s: ", key);
}
