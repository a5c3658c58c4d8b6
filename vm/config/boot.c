/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: the boot order. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "vm/config/parts.h"
#include "vm/disk.h"

/* The order in which buses are searched for a VM's first disk and first CD-ROM drive. */
static const struct bus {
    const char *stem;
    unsigned count;
} buses[] = {{"ide", VM_IDES}, {"scsi", VM_SCSIS}, {"virtio", VM_VIRTIOS}, {"sata", VM_SATAS}};

static const struct bus nets = {"net", VM_NETS};

enum what { NOTHING, DISK, CDROM, NET };

static enum what what_is(const json_t *config, const char *key)
{
    const char *value = json_string_value(json_object_get(config, key));
    autojson json_t *values = NULL;
    struct error err;

    if (value == NULL)
        return NOTHING;
    if (text_starts_with(key, "net"))
        return NET;
    if (vm_disk_parse(key, value, &values, &err) != 0)
        return NOTHING;
    return vm_disk_is_cdrom(values) ? CDROM : DISK;
}

static void append(struct text *order, const char *device)
{
    text_printf(order, "%s%s", order->length > 0 ? ";" : "", device);
}

static bool append_first(const json_t *config, const struct bus *bus, enum what wanted, struct text *order)
{
    for (unsigned i = 0; i < bus->count; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%s%u", bus->stem, i);
        if (what_is(config, key) == wanted) {
            append(order, key);
            return true;
        }
    }
    return false;
}

static void append_first_on_bus(const json_t *config, enum what wanted, struct text *order)
{
    for (size_t i = 0; i < COUNT_OF(buses); i++)
        if (append_first(config, &buses[i], wanted, order))
            return;
}

static char *print(const struct text *order)
{
    return order->length > 0 ? xasprintf("order=%s", text_string(order)) : xstrdup("");
}

char *vm_config_first_boot(const json_t *config)
{
    autotext struct text order = {0};

    append_first_on_bus(config, DISK, &order);
    append_first_on_bus(config, CDROM, &order);
    append_first(config, &nets, NET, &order);
    return print(&order);
}

char **vm_config_boot_order(const json_t *config)
{
    const char *boot = json_string_value(json_object_get(config, "boot"));
    autojson json_t *values = NULL;
    struct error err;

    if (boot == NULL || property_string_parse(vm_key_find("boot", NULL), boot, &values, &err) != 0 ||
        json_object_get(values, "legacy") != NULL)
        return NULL;
    const char *order = json_string_value(json_object_get(values, "order"));
    return format_split_list(order != NULL ? order : "");
}

int vm_config_check_boot(const json_t *config, struct error *err)
{
    autosplit char **order = vm_config_boot_order(config);

    for (char **device = order; order != NULL && *device != NULL; device++)
        if (json_object_get(config, *device) == NULL)
            return error_set_field(err, "boot", "invalid boot device '%s'", *device);
    return 0;
}

static bool contains(char *const *list, const char *device)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, device) == 0)
            return true;
    return false;
}

/* A drive is also new if its key was a device of another kind before. */
static bool append_new_cdroms(const json_t *before, const json_t *after, char *const *known,
                              struct text *order)
{
    autosplit char **keys = vm_config_sort(after);
    bool added = false;

    for (char **key = keys; *key != NULL; key++) {
        const struct schema *schema = vm_key_find(*key, NULL);
        if (schema == NULL || vm_key_about(schema)->kind != VM_KIND_DISK || what_is(after, *key) != CDROM ||
            what_is(before, *key) == CDROM || contains(known, *key))
            continue;
        append(order, *key);
        added = true;
    }
    return added;
}

char *vm_config_follow_boot(const json_t *before, const json_t *after)
{
    autosplit char **known = vm_config_boot_order(after);
    autotext struct text order = {0};
    bool changed = false;

    if (known == NULL)
        return NULL;
    for (char **device = known; *device != NULL; device++) {
        bool gone = json_object_get(before, *device) != NULL && json_object_get(after, *device) == NULL;
        if (!gone)
            append(&order, *device);
        changed |= gone;
    }
    changed |= append_new_cdroms(before, after, known, &order);
    return changed ? print(&order) : NULL;
}
