/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostpciN: a device of the host that is given to a VM. */
#include "vm/hostpci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "vm/keys.h"
#include "vm/refusal.h"

static const char *const override_keys[VM_ID_OVERRIDES] = {"vendor-id", "device-id", "sub-vendor-id",
                                                           "sub-device-id"};

static char *copy_of(const json_t *values, const char *key)
{
    const char *value = json_string_value(json_object_get(values, key));

    return value != NULL ? xstrdup(value) : NULL;
}

static bool flag_of(const json_t *values, const char *key, bool fallback)
{
    const json_t *value = json_object_get(values, key);

    return value != NULL ? json_integer_value(value) != 0 : fallback;
}

/* Adds the domain where it is left out, as in "01:00", which has only one colon. */
static char **full_ids(const char *list)
{
    char **ids = format_split_list(list);

    for (char **id = ids; *id != NULL; id++)
        if (strchr(*id, ':') == strrchr(*id, ':')) {
            char *full = xasprintf("0000:%s", *id);
            free(*id);
            *id = full;
        }
    return ids;
}

/* The name must not lead out of the ROM folder. */
static int check_romfile(const char *name, struct error *err)
{
    autofree char *framed = xasprintf("/%s/", name);

    if (name[0] == '/' || strstr(framed, "/../") != NULL)
        return error_set(err, ERROR_INVALID,
                         "romfile '%s' is not a name below the ROM folder: copy the file there first", name);
    return 0;
}

/* legacy-igd shows Intel's graphics in the form that old guests and firmware expect. */
static int check_igd(const struct vm_hostpci *hostpci, struct error *err)
{
    const char *host = hostpci->hosts != NULL ? hostpci->hosts[0] : NULL;

    if (!hostpci->rombar)
        return error_set(err, ERROR_INVALID, "legacy-igd needs rombar to be on");
    if (hostpci->x_vga)
        return error_set(err, ERROR_INVALID, "legacy-igd cannot be used with x-vga");
    if (hostpci->mdev != NULL)
        return error_set(err, ERROR_INVALID, "legacy-igd cannot be used with a mediated device");
    if (hostpci->pcie)
        return error_set(err, ERROR_INVALID, "legacy-igd cannot be used with pcie: it is for i440fx");
    if (host != NULL && hostpci->hosts[1] != NULL)
        return error_set(err, ERROR_INVALID, "legacy-igd takes only one function");
    if (host != NULL && strcmp(host, "0000:00:02.0") != 0)
        return error_set(err, ERROR_INVALID, "legacy-igd is for the host's device 00:02.0, not '%s'", host);
    return 0;
}

static int check_values(const struct vm_hostpci *hostpci, struct error *err)
{
    if (hostpci->hosts != NULL && hostpci->mapping != NULL)
        return error_set(err, ERROR_INVALID, "Cannot set both 'host' and 'mapping'.");
    if (hostpci->hosts == NULL && hostpci->mapping == NULL)
        return error_set(err, ERROR_INVALID, "Either 'host' or 'mapping' must be set.");
    if (hostpci->romfile != NULL && check_romfile(hostpci->romfile, err) != 0)
        return -1;
    return hostpci->legacy_igd ? check_igd(hostpci, err) : 0;
}

/* Reads everything that the schema allows, whether it breaks a rule or not. */
static int read_value(const char *value, struct vm_hostpci *ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (property_string_parse(vm_key_find("hostpci0", NULL), value, &values, err) != 0)
        return -1;
    const char *host = json_string_value(json_object_get(values, "host"));
    const char *driver = json_string_value(json_object_get(values, "driver"));
    *ret = (struct vm_hostpci){
        .hosts = host != NULL ? full_ids(host) : NULL,
        .mapping = copy_of(values, "mapping"),
        .pcie = flag_of(values, "pcie", false),
        .rombar = flag_of(values, "rombar", true),
        .x_vga = flag_of(values, "x-vga", false),
        .legacy_igd = flag_of(values, "legacy-igd", false),
        .keep_driver = driver != NULL && strcmp(driver, "keep") == 0,
        .reattach = flag_of(values, "reattach", false),
        .romfile = copy_of(values, "romfile"),
        .mdev = copy_of(values, "mdev"),
    };
    for (size_t i = 0; i < VM_ID_OVERRIDES; i++)
        ret->overrides[i] = copy_of(values, override_keys[i]);
    return 0;
}

int vm_hostpci_parse(const char *value, struct vm_hostpci *ret, struct error *err)
{
    autohostpci struct vm_hostpci hostpci = {0};

    if (read_value(value, &hostpci, err) != 0 || check_values(&hostpci, err) != 0)
        return -1;
    *ret = hostpci;
    hostpci = (struct vm_hostpci){0};
    return 0;
}

int vm_hostpci_foreach(const json_t *config, vm_hostpci_visit *visit, void *context, struct error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)config, key, value) {
        autohostpci struct vm_hostpci hostpci = {0};
        const struct schema *schema = vm_key_find(key, NULL);
        struct error unreadable;
        if (schema == NULL || vm_key_about(schema)->kind != VM_KIND_HOSTPCI || !json_is_string(value) ||
            read_value(json_string_value(value), &hostpci, &unreadable) != 0)
            continue;
        if (visit(context, key, &hostpci, err) != 0)
            return -1;
    }
    return 0;
}

void vm_hostpci_release(struct vm_hostpci *hostpci)
{
    format_free_list(&hostpci->hosts);
    free(hostpci->mapping);
    free(hostpci->romfile);
    free(hostpci->mdev);
    for (size_t i = 0; i < VM_ID_OVERRIDES; i++)
        free(hostpci->overrides[i]);
    *hostpci = (struct vm_hostpci){0};
}

int vm_hostpci_check(const struct vm_hostpci *hostpci, bool q35, const char *vga, struct error *err)
{
    if (hostpci->pcie && !q35)
        return error_set_reason(err, ERROR_INVALID, VM_NEEDS_Q35, "q35 machine model is not enabled");
    if (hostpci->legacy_igd && q35)
        return error_set_reason(err, ERROR_INVALID, VM_NEEDS_I440FX,
                                "legacy-igd needs the machine type i440fx: set machine to pc");
    if (hostpci->legacy_igd && (vga == NULL || strcmp(vga, "none") != 0))
        return error_set_reason(err, ERROR_INVALID, VM_NEEDS_NO_VGA,
                                "legacy-igd needs vga to be set to none");
    return 0;
}

void vm_hostpci_uuid(unsigned index, unsigned vmid, char uuid[static VM_UUID_SIZE])
{
    snprintf(uuid, VM_UUID_SIZE, "%08u-0000-0000-0000-%012u", index, vmid);
}
