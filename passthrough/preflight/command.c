/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: every reason why there is no command line for it. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "passthrough/preflight/parts.h"
#include "schema/format.h"
#include "vm/refusal.h"
#include "vm/rules.h"

#define MOST_REFUSALS 64 /* more are not reported at once */

/* What to type, by the reason. */
static const struct cure {
    enum { CURE_NONE, CURE_SET, CURE_EDIT, CURE_MACHINE, CURE_VERSION, CURE_PACKAGE } kind;
    const char *key, *property, *value;
} cures[] = {
    [VM_NEEDS_Q35] = {CURE_MACHINE, NULL, NULL, "q35"},
    [VM_NEEDS_I440FX] = {CURE_MACHINE, NULL, NULL, "pc"},
    [VM_NEEDS_OTHER_VERSION] = {CURE_VERSION, NULL, NULL, NULL},
    [VM_NEEDS_NO_AW_BITS] = {CURE_EDIT, "machine", "aw-bits", NULL},
    [VM_NEEDS_OTHER_AW_BITS] = {CURE_EDIT, "machine", "aw-bits", "48"},
    [VM_NEEDS_NO_VIOMMU] = {CURE_EDIT, "machine", "viommu", NULL},
    [VM_NEEDS_NO_VGA] = {CURE_SET, "vga", NULL, "none"},
    [VM_NEEDS_NUMA] = {CURE_SET, "numa", NULL, "1"},
    [VM_NEEDS_SPICE_MODULES] = {CURE_PACKAGE, NULL, NULL, VM_PACKAGE_SPICE},
    [VM_NEEDS_OPENGL_MODULES] = {CURE_PACKAGE, NULL, NULL, VM_PACKAGE_OPENGL},
};

/* What keeps the machine of the one kind from becoming the other. */
static bool is_bound_to(const struct inspection *inspection, bool q35)
{
    autojson json_t *machine = preflight_values(inspection, "machine");
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        if (q35 ? hostpci.assignment->hostpci.pcie : hostpci.assignment->hostpci.legacy_igd)
            return true;
    return q35 && strcmp(json_text(machine, "viommu"), "intel") == 0;
}

/* A version stays. Where another key needs the machine as it is, the key that was refused gives way. */
static void cure_machine(const struct inspection *inspection, const char *key, bool q35, struct findings *ret)
{
    if (!is_bound_to(inspection, !q35))
        preflight_remedy_machine(inspection, q35, ret);
    else if (strcmp(key, "machine") == 0)
        preflight_remedy_edit(inspection, key, "viommu", json_string("virtio"), ret);
    else
        preflight_remedy_edit(inspection, key, q35 ? "pcie" : "legacy-igd", NULL, ret);
}

/* False if nothing is known that helps. */
static bool cure(const struct inspection *inspection, const char *key, enum vm_refusal why,
                 struct findings *ret)
{
    const struct cure *cure = &cures[why];

    switch (cure->kind) {
    case CURE_NONE:
        return false;
    case CURE_SET:
        preflight_remedy_set(inspection, cure->key, cure->value, ret);
        return true;
    case CURE_EDIT:
        preflight_remedy_edit(inspection, cure->key, cure->property,
                              cure->value != NULL ? json_string(cure->value) : NULL, ret);
        return true;
    case CURE_MACHINE:
        cure_machine(inspection, key, strcmp(cure->value, "q35") == 0, ret);
        return true;
    case CURE_VERSION: /* none: the newest that there is */
        preflight_remedy_edit(inspection, "machine", "type", json_string(inspection->q35 ? "q35" : "pc"),
                              ret);
        return true;
    case CURE_PACKAGE:
        text_printf(&ret->remedy.lines, "apt install %s\n", cure->value);
        return true;
    }
    return false;
}

static void add_refusal(const struct inspection *inspection, const char *key, const struct error *why,
                        struct findings *ret)
{
    if (key[0] != '\0') {
        preflight_show_key(inspection, key, ret);
        if (!cure(inspection, key, (enum vm_refusal)why->reason, ret)) {
            text_printf(&ret->remedy.lines,
                        "# see what it may be:\n"
                        "hostpci usage /nodes/localhost/qemu/%lld/config\n"
                        "# or without it:\n",
                        inspection->what->vmid);
            preflight_remedy_delete(inspection, key, ret);
        }
    }
    findings_add(ret, SEVERITY_ERROR, "%s", why->message);
}

/* Removes the key and those of its family. Of a machine only the version is removed, since its kind decides
 * on much else. */
static void leave_out(json_t *config, const char *key)
{
    const char *value = json_text(config, key), *name;
    json_t *other;
    void *next;

    if (strcmp(key, "machine") == 0 && strstr(value, "q35") != NULL && strcmp(value, "q35") != 0)
        json_object_set_new(config, key, json_string("q35"));
    else
        json_object_del(config, key);
    json_object_foreach_safe(config, next, name, other)
        if (vm_rules_relate(key, name))
            json_object_del(config, name);
}

static bool build(const struct inspection *inspection, const struct vm_features *qemu, const json_t *config,
                  struct error *err)
{
    autosplit char **arguments = NULL;
    const struct preflight *what = inspection->what;
    const struct command_line_host host = {.storage = what->storage,
                                           .sysroot = what->sysroot,
                                           .node = what->node,
                                           .qemu = qemu,
                                           .paths = what->paths};

    return command_line_build(&host, what->vmid, config, &inspection->assignments, &arguments, err) == 0;
}

/* A hostpciN that got no device cannot be built, but may be wrong in other ways, too. */
static void leave_out_unassigned(const struct inspection *inspection, json_t *config, struct findings *ret)
{
    autojson json_t *vga = preflight_values(inspection, "vga");
    struct preflight_hostpci hostpci;
    struct error err;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        if (hostpci.assignment->assigned)
            continue;
        json_object_del(config, hostpci.key);
        if (vm_hostpci_check(&hostpci.assignment->hostpci, inspection->q35, json_text_or(vga, "type", NULL),
                             &err) == 0)
            continue;
        error_prefix(&err, "%s: ", hostpci.key);
        add_refusal(inspection, hostpci.key, &err, ret);
    }
}

/* Builds the command line, leaves out the key that was refused, and builds again until nothing is refused. */
static void check_command(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *config = json_copy(inspection->config);
    const struct vm_features *qemu;
    struct error err;

    if (qemu_features(inspection->what->qemu, &qemu, &err) != 0)
        return;
    leave_out_unassigned(inspection, config, ret);
    for (unsigned i = 0; i < MOST_REFUSALS && !build(inspection, qemu, config, &err); i++) {
        bool is_set = json_object_get(config, err.field) != NULL;
        add_refusal(inspection, is_set ? err.field : "", &err, ret);
        if (!is_set)
            return;
        leave_out(config, err.field);
    }
}

static const struct check command_line_check = {
    .id = "command-line",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_INTRODUCTION,
    .sentence = "PCIe passthrough is only available on q35 machines.",
    .text = "every key that cannot be put on the command line: keys that exclude each other, what this QEMU "
            "lacks",
    .run = check_command,
};

const struct check *const preflight_command_checks[] = {&command_line_check, NULL};
