/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What claims to be a QEMU's answers: it is understood or refused. */
#include <stddef.h>
#include <stdint.h>

#include "vm/probe/features.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofeatures struct vm_features *qemu = NULL;
    struct error err;

    if (vm_features_parse((const char *)data, size, &qemu, &err) == 0 && vm_features_has_machine(qemu, "pc"))
        vm_features_version(qemu);
    return 0;
}
