/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes of the store that a VM owns: what becomes unused, and what is dropped. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/storage/fixture.h"
#include "vm/config/config.h"

#define A "local:100/vm-100-disk-0.raw"
#define B "local:100/vm-100-disk-1.qcow2"

Test(vm_config_volumes, that_no_key_names_become_unused)
{
    static const struct {
        const char *before, *after, *settled, *dropped;
    } rows[] = {
        {"{'config':{'scsi0':'" A ",size=1G'}}", "{'config':{}}", "{'config':{'unused0':'" A "'}}", "[]"},
        {"{'config':{'scsi0':'" A "','unused0':'" B "'}}", "{'config':{'unused0':'" B "'}}",
         "{'config':{'unused0':'" B "','unused1':'" A "'}}", "[]"},
        {"{'config':{'scsi0':'" A "'}}", "{'config':{'scsi0':'" B "'}}",
         "{'config':{'scsi0':'" B "','unused0':'" A "'}}", "[]"},
        {"{'config':{'unused0':'" A "'}}", "{'config':{'sata0':'" A "','unused0':'" A "'}}",
         "{'config':{'sata0':'" A "'}}", "[]"},
        {"{'config':{'unused0':'" A "'}}", "{'config':{'unused0':'" A "'},'pending':{'sata0':'" A "'}}",
         "{'config':{},'pending':{'sata0':'" A "'}}", "[]"},
        {"{'config':{},'pending':{'sata0':'" A "'}}", "{'config':{}}", "{'config':{'unused0':'" A "'}}",
         "[]"},
        {"{'config':{'scsi0':'" A "'}}", "{'config':{'virtio0':'" A "'}}", "{'config':{'virtio0':'" A "'}}",
         "[]"},
        {"{'config':{'unused0':'" A "'}}", "{'config':{}}", "{'config':{}}", "['" A "']"},
        {"{'config':{'ide2':'local:iso/a.iso,media=cdrom'}}", "{'config':{}}", "{'config':{}}", "[]"},
        {"{'config':{'scsi0':'local:101/vm-101-disk-0.raw','scsi1':'/a.raw'}}", "{'config':{}}",
         "{'config':{}}", "[]"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *before = fixture_json(rows[i].before), *after = fixture_json(rows[i].after);
        vm_config_settle_volumes(before, after, 100);
        json_t *dropped = vm_config_list_dropped(before, after, 100);
        fixture_expect_json(json_incref(after), rows[i].settled);
        fixture_expect_json(dropped, rows[i].dropped);
    }
}
