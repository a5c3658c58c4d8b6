/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TPM, which is a program of its own: swtpm, at the other end of a socket. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "vm/command/parts.h"
#include "vm/disk.h"
#include "vm/refusal.h"

#define KEY "tpmstate0"

/* Only the store's folders are root's, so that a volume there can be its user's for a while. */
static int find_state(const struct vm_build *build, const json_t *values, char **ret, struct error *err)
{
    if (!vm_disk_is_in_store(values))
        return error_set_field(err, KEY,
                               KEY ": '%.200s' is not a volume of the storage 'local': make one there by " KEY
                                   "=local:1,version=v2.0",
                               json_text(values, "file"));
    if (strcmp(vm_disk_format(values), "raw") != 0)
        return error_set_field(err, KEY, KEY ": the state of a TPM is raw, and '%.200s' is not",
                               json_text(values, "file"));
    return vm_disk_path(KEY, values, build->what->paths->store, ret, err);
}

int vm_build_add_tpm(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;
    autofree char *path = NULL, *socket = NULL;

    if (vm_value_parts(build->what->config, KEY, &values, err) != 0)
        return -1;
    if (json_object_size(values) == 0)
        return 0;
    if (find_state(build, values, &path, err) != 0)
        return -1;
    const struct vm_file file = {
        .kind = VM_FILE_TPM, .path = path, .version = json_text_or(values, "version", "v1.2")};
    if (vm_build_tpm(build, &file, &socket, err) != 0)
        return vm_refuse_key(KEY, err);
    vm_build_add(build, VM_DEVICES, "-chardev", "socket,id=tpmchar,%s", socket);
    vm_build_add(build, VM_DEVICES, "-tpmdev", "emulator,id=tpmdev,chardev=tpmchar");
    vm_build_add(build, VM_DEVICES, "-device", "tpm-tis,tpmdev=tpmdev");
    return 0;
}
