/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of virtual functions. */
#include "broker/worker/vf_settings.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/worker/vf_nvme.h"
#include "schema/property_string.h"
#include "schema/validate.h"

static const char *const protocols[] = {"802.1q", "802.1ad", NULL};
static const char *const link_states[] = {"auto", "enable", "disable", NULL};

/* Those of an NVMe drive's; all others are those of a network card's. */
static const struct schema nvme_keys[] = {
    {.name = "queues",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(2, 65535),
     .text =
         "How many of the drive's queues it gets, one of them for commands to the controller; left out: an "
         "equal part of what the others leave."},
    {.name = "interrupts",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(1, 65535),
     .text = "How many of the drive's interrupts it gets; left out: an equal part of what the others leave."},
    {.name = NULL}};

const struct schema vf_setting_keys[] = {
    {.name = "mac",
     .type = SCHEMA_STRING,
     .optional = true,
     .pattern = "[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}",
     .text = "Its address; left out: one that is made of this host's machine id and stays the same."},
    {.name = "vlan",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(0, 4094),
     .text = "The VLAN that all its packets are in, without its knowing; 0: none."},
    {.name = "qos",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(0, 7),
     .text = "The VLAN's priority."},
    {.name = "proto",
     .type = SCHEMA_STRING,
     .optional = true,
     .values = protocols,
     .text = "How the VLAN is tagged."},
    {.name = "min-tx-rate",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(0, 1000000),
     .text = "Mbit/s that it can send at least; 0: nothing is promised."},
    {.name = "max-tx-rate",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(0, 1000000),
     .text = "Mbit/s that it can send at most; 0: no limit."},
    {.name = "trust",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: it may change its address and receive what is for others."},
    {.name = "spoofchk",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: what it sends from another address than its own is dropped."},
    {.name = "query-rss",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: it may read how the card spreads packets over queues."},
    {.name = "link-state",
     .type = SCHEMA_STRING,
     .optional = true,
     .values = link_states,
     .text = "Whether it has a link: as the port has, always, never."},
    {.name = NULL, .more = nvme_keys},
};

static const struct schema setting_schema = {.type = SCHEMA_STRING, .property_string = vf_setting_keys};

/* As the kernel prints an address. */
static void lower_mac(json_t *settings)
{
    const char *mac = json_string_value(json_object_get(settings, "mac"));

    if (mac == NULL)
        return;
    autofree char *lower = xstrdup(mac);
    for (char *letter = lower; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    json_object_set_new(settings, "mac", json_string(lower));
}

static bool is_setting(const char *name, unsigned long long *ret_index)
{
    return text_starts_with(name, "vf") && text_to_number(name + 2, 10, VF_SETTINGS_LIMIT - 1, ret_index);
}

int vf_settings_parse(const json_t *arguments, unsigned count, json_t **ret, struct error *err)
{
    autojson json_t *all = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)arguments, name, value) {
        json_t *settings = NULL;
        unsigned long long index;
        if (!is_setting(name, &index))
            continue;
        if (index >= count)
            return error_set_field(err, name, "there is no virtual function %llu: it has %u, from 0", index,
                                   count);
        if (property_string_parse(&setting_schema, json_string_value(value), &settings, err) != 0)
            return error_prefix(err, "%s: ", name);
        lower_mac(settings);
        json_object_set_new(all, name + 2, settings);
    }
    *ret = TAKE(all);
    return 0;
}

void vf_settings_add_macs(struct worker *worker, struct pci_address physical, unsigned count,
                          json_t *settings)
{
    if (vf_interface_find(worker->sysroot, physical).index == 0)
        return;
    for (unsigned i = 0; i < count && i < VF_SETTINGS_LIMIT; i++) {
        char name[16], mac[VF_MAC_SIZE];
        snprintf(name, sizeof(name), "%u", i);
        json_t *own = json_object_get(settings, name);
        if (json_object_get(own, "mac") != NULL || !vf_link_make_mac(worker->sysroot, physical, i, mac))
            continue;
        if (own == NULL)
            json_object_set_new(settings, name, json_pack("{s:s}", "mac", mac));
        else
            json_object_set_new(own, "mac", json_string(mac));
    }
}

json_t *vf_settings_kept(struct worker *worker, struct pci_address physical, unsigned count)
{
    char id[PCI_ADDRESS_SIZE];
    json_t *settings = NULL;
    struct error ignored;

    pci_address_format(physical, id);
    autojson json_t *facts = worker_read_facts(worker, id);
    const json_t *kept = json_object_get(facts, FACT_VFS);
    if (kept == NULL || json_integer_value(json_object_get(kept, "numvfs")) != (json_int_t)count ||
        vf_settings_parse(kept, count, &settings, &ignored) != 0)
        return json_object();
    vf_settings_add_macs(worker, physical, count, settings);
    return settings;
}

static bool is_drive(const struct worker *worker, struct pci_address physical)
{
    char driver[DRIVER_NAME_SIZE];
    struct error ignored;

    return driver_read_name(worker->sysroot, physical, driver, &ignored) == 0 && strcmp(driver, "nvme") == 0;
}

int vf_settings_read(struct worker *worker, struct pci_address physical, unsigned count, json_t **ret,
                     struct error *err)
{
    struct vf_interface interface = vf_interface_find(worker->sysroot, physical);
    autojson json_t *list = NULL, *all = json_object();

    if (is_drive(worker, physical))
        return vf_nvme_read(worker, physical, count, ret, err);
    if (interface.index != 0 && vf_link_read(worker->sysroot, &interface, &list, err) != 0)
        return -1;
    for (unsigned i = 0; i < json_array_size(list) && i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        json_object_set(all, name, json_array_get(list, i));
    }
    *ret = TAKE(all);
    return 0;
}

static bool differs(const struct vf_group *group, const json_t *settings, const json_t *now)
{
    for (const char *const *member = group->members; *member != NULL; member++) {
        const json_t *wanted = json_object_get(settings, *member);
        if (wanted != NULL && !json_equal(wanted, json_object_get(now, *member)))
            return true;
    }
    return false;
}

/* "mac, vlan"; returns how many groups differ. */
static int name_changes(const json_t *settings, const json_t *now, struct text *names)
{
    int count = 0;

    for (const struct vf_group *group = vf_groups; group->name != NULL; group++)
        if (differs(group, settings, now))
            text_printf(names, "%s%s", count++ > 0 ? ", " : "", group->name);
    return count;
}

/* What is so already is not written: a driver may refuse even that. Returns how many groups were. */
static int apply_one(struct worker *worker, const char *id, const struct vf_interface *interface, unsigned vf,
                     const json_t *settings, const json_t *now, struct error *err)
{
    autotext struct text names = {0};
    int count = name_changes(settings, now, &names);

    if (count == 0)
        return 0;
    autofree char *step =
        xasprintf("set %s of virtual function %u on %s", text_string(&names), vf, interface->name);
    if (worker_step(worker, id, step, err) != 0)
        return -1;
    for (const struct vf_group *group = vf_groups; group->name != NULL; group++) {
        if (!differs(group, settings, now))
            continue;
        if (strcmp(group->name, "min-tx-rate") == 0)
            vf_interface_wait(worker->sysroot, interface);
        if (vf_link_write(worker->sysroot, interface, vf, group, settings, now, err) != 0)
            return -1;
    }
    return count;
}

static int refuse_kind(const struct worker *worker, struct pci_address physical, bool of_drive,
                       struct error *err)
{
    char driver[DRIVER_NAME_SIZE], id[PCI_ADDRESS_SIZE];

    pci_address_format(physical, id);
    if (driver_read_name(worker->sysroot, physical, driver, err) != 0)
        return -1;
    return error_set(err, ERROR_FAILED, "%s (%s) %s: its virtual functions cannot have %s", id,
                     driver[0] != '\0' ? driver : "no driver",
                     of_drive ? "is no NVMe drive" : "has no network interface",
                     of_drive ? "queues and interrupts" : "these settings");
}

int vf_settings_check(struct worker *worker, struct pci_address physical, unsigned count,
                      const json_t *settings, const json_t *now, struct error *err)
{
    bool drive = is_drive(worker, physical),
         network = vf_interface_find(worker->sysroot, physical).index != 0;
    char id[PCI_ADDRESS_SIZE];
    const char *vf, *key;
    json_t *own, *value;

    json_object_foreach((json_t *)(uintptr_t)settings, vf, own)
        json_object_foreach(own, key, value) {
            bool of_drive = schema_find(nvme_keys, key) != NULL;
            if (of_drive ? !drive : !network)
                return refuse_kind(worker, physical, of_drive, err);
        }
    pci_address_format(physical, id);
    if (!drive)
        return 0;
    return now != NULL ? vf_nvme_check(id, settings, now, err)
                       : vf_nvme_check_count(worker, physical, count, settings, err);
}

int vf_settings_apply(struct worker *worker, struct pci_address physical, const json_t *settings,
                      struct error *err)
{
    struct vf_interface interface = vf_interface_find(worker->sysroot, physical);
    autojson json_t *all = NULL;
    char id[PCI_ADDRESS_SIZE];
    const char *name;
    json_t *own;
    int changed = 0;

    pci_address_format(physical, id);
    if (json_object_size(settings) == 0)
        return 0;
    if (interface.index == 0)
        return refuse_kind(worker, physical, false, err);
    if (vf_link_read(worker->sysroot, &interface, &all, err) != 0)
        return -1;
    json_object_foreach((json_t *)(uintptr_t)settings, name, own) {
        unsigned long long vf = 0;
        text_to_number(name, 10, VF_SETTINGS_LIMIT, &vf);
        int done = apply_one(worker, id, &interface, (unsigned)vf, own, json_array_get(all, vf), err);
        if (done < 0)
            return -1;
        changed += done;
    }
    if (changed > 0 && vf_link_check(worker->sysroot, &interface, settings, err) != 0)
        return -1;
    if (changed > 0)
        worker_log(worker, "%s: %d settings of its virtual functions were made on %s", id, changed,
                   interface.name);
    return changed > 0 ? 1 : 0;
}
