/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VMs do not have here: snapshots, statistics, cloud-init, a firewall, replication. Proxmox VE's web
 * interface asks for all of it as soon as a VM is opened, and shows an error where an empty answer would do.
 */
#include "api/qemu/list.h"
#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "storage/storage.h"

static int read_vm(const struct request *request, json_t **ret, struct error *err)
{
    return vm_document_read(request->service->storage, request->service->node, param_integer(request, "vmid"),
                            ret, NULL, err);
}

/* An empty list for a VM that exists. */
static int list_none(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (read_vm(request, &document, err) != 0)
        return -1;
    *ret = json_array();
    return 0;
}

const struct endpoint endpoint_list_qemu_rrddata = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/rrddata",
    .text = "Statistics over time: an empty list, since none are kept.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_VMID,
        {.name = "timeframe",
         .type = SCHEMA_STRING,
         .values = VALUES("hour", "day", "week", "month", "year", "decade")},
        {.name = "cf", .type = SCHEMA_STRING, .optional = true, .values = VALUES("AVERAGE", "MAX")}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "No statistics are kept.",
                .items = ITEMS(.type = SCHEMA_OBJECT, .open = true)},
    .on_node = true,
    .run = list_none,
};

/* The one row that Proxmox VE lists beside the snapshots: how the VM is now. */
static int list_snapshots(struct request *request, json_t **ret, struct error *err)
{
    const struct machines_source source = qemu_machines(request->service);
    autojson json_t *document = NULL, *machines = NULL;
    char digest[DIGEST_SIZE];

    if (read_vm(request, &document, err) != 0 || machines_list(&source, &machines, err) != 0)
        return -1;
    object_digest(document, digest);
    *ret = json_pack("[{s:s, s:s, s:s, s:i}]", "name", "current", "description", "You are here!", "digest",
                     digest, "running", machines_find(machines, param_integer(request, "vmid")) != NULL);
    return 0;
}

const struct endpoint endpoint_list_qemu_snapshots = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/snapshot",
    .text = "Lists the VM's current state, as Proxmox VE does with the snapshots; there are none.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .returns =
        {.type = SCHEMA_ARRAY,
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "name", .type = SCHEMA_STRING, .values = VALUES("current")},
                       {.name = "description", .type = SCHEMA_STRING},
                       {.name = "digest", .type = SCHEMA_STRING, .text = "Changes with the configuration."},
                       {.name = "running", .type = SCHEMA_BOOLEAN, .text = "Whether the VM runs."}))},
    .may_block = true,
    .on_node = true,
    .run = list_snapshots,
};

static int get_feature(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (read_vm(request, &document, err) != 0)
        return -1;
    *ret = json_pack("{s:i, s:[]}", "hasFeature", 0, "nodes");
    return 0;
}

const struct endpoint endpoint_get_qemu_feature = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/feature",
    .text = "Says whether the VM can have snapshots or be cloned. It cannot: hostpci does neither.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                   {.name = "feature", .type = SCHEMA_STRING, .values = VALUES("snapshot", "clone", "copy")},
                   {.name = "snapname",
                    .type = SCHEMA_STRING,
                    .optional = true,
                    .format = "pve-configid",
                    .max_length = 40,
                    .text = "Name of a snapshot; there are none."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES({.name = "hasFeature", .type = SCHEMA_BOOLEAN, .text = "Always 0."},
                                         {.name = "nodes",
                                          .type = SCHEMA_ARRAY,
                                          .text = "The nodes on which that would be possible: none.",
                                          .items = ITEMS(.type = SCHEMA_STRING)})},
    .on_node = true,
    .run = get_feature,
};

#define LISTS_NONE(below, about)                                                                             \
    .method = METHOD_GET, .path = "/nodes/{node}/qemu/{vmid}/" below, .text = about,                         \
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),                                                \
    .returns = {.type = SCHEMA_ARRAY, .empty = about, .items = ITEMS(.type = SCHEMA_OBJECT, .open = true)},  \
    .on_node = true, .run = list_none

const struct endpoint endpoint_list_qemu_cloudinit = {
    LISTS_NONE("cloudinit", "There is no cloud-init drive."),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
};

const struct endpoint endpoint_get_qemu_firewall = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/firewall",
    .text = "Lists the parts of the VM's firewall, which hostpci does not have: all are empty.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .index_key = "name",
    .on_node = true,
};

const struct endpoint endpoint_list_qemu_firewall_rules = {
    LISTS_NONE("firewall/rules", "There is no firewall: no rules."),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
};

const struct endpoint endpoint_list_qemu_firewall_aliases = {
    LISTS_NONE("firewall/aliases", "There is no firewall: no aliases."),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
};

const struct endpoint endpoint_list_qemu_firewall_ipsets = {
    LISTS_NONE("firewall/ipset", "There is no firewall: no sets of addresses."),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
};

const struct endpoint endpoint_list_qemu_firewall_refs = {
    LISTS_NONE("firewall/refs", "There is no firewall: nothing that a rule could name."),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "type",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("alias", "ipset"),
                              .text = "Only of this type."}),
};

static int get_options(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (read_vm(request, &document, err) != 0)
        return -1;
    *ret = json_object();
    return 0;
}

const struct endpoint endpoint_get_qemu_firewall_options = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/firewall/options",
    .text = "Shows the options of the VM's firewall: none, as there is no firewall.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .returns = {.type = SCHEMA_OBJECT, .open = true},
    .on_node = true,
    .run = get_options,
};

const struct endpoint endpoint_list_node_replication = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/replication",
    .text = "Lists the jobs that replicate disks: there are none.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, {.name = "guest",
                                              .type = SCHEMA_INTEGER,
                                              .optional = true,
                                              .range = RANGE(VM_ID_MIN, VM_ID_MAX),
                                              .text = "Only those of this VM."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "Nothing is replicated.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES({.name = "id", .type = SCHEMA_STRING}))},
    .on_node = true,
    .run = request_list_none,
};
