/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: every reason why there is no command line for it. */
#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "passthrough/preflight/parts.h"
#include "schema/format.h"
#include "vm/rules.h"

#define MOST_REFUSALS 64 /* more are not reported at once */

/* What to type, by a part of the error's text. */
static const struct cure {
    const char *part;
    enum { CURE_SET, CURE_EDIT, CURE_MACHINE, CURE_VERSION, CURE_PACKAGE } kind;
    const char *key, *property, *value;
} cures[] = {
    {"q35 machine model is not enabled", CURE_MACHINE, NULL, NULL, "q35"},
    {"please set the machine type to q35", CURE_MACHINE, NULL, NULL, "q35"},
    {"legacy-igd needs the machine type i440fx", CURE_MACHINE, NULL, NULL, "pc"},
    {"has no machine type", CURE_VERSION, NULL, NULL, NULL},
    {"cannot set aw-bits", CURE_EDIT, "machine", "aw-bits", NULL},
    {"takes aw-bits 39 or 48", CURE_EDIT, "machine", "aw-bits", "48"},
    {"cannot be used with a VirtIO vIOMMU", CURE_EDIT, "machine", "viommu", NULL},
    {"legacy-igd needs vga", CURE_SET, "vga", NULL, "none"},
    {"hugepages need numa", CURE_SET, "numa", NULL, "1"},
    {"numa needs to be enabled", CURE_SET, "numa", NULL, "1"},
    {"install the package ", CURE_PACKAGE, NULL, NULL, NULL},
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

/* `rest` is what follows the cure's part in the error's text. */
static void apply(const struct inspection *inspection, const char *key, const struct cure *cure,
                  const char *rest, struct findings *ret)
{
    switch (cure->kind) {
    case CURE_SET:
        preflight_remedy_set(inspection, cure->key, cure->value, ret);
        break;
    case CURE_EDIT:
        preflight_remedy_edit(inspection, cure->key, cure->property,
                              cure->value != NULL ? json_string(cure->value) : NULL, ret);
        break;
    case CURE_MACHINE:
        cure_machine(inspection, key, strcmp(cure->value, "q35") == 0, ret);
        break;
    case CURE_VERSION: /* none: the newest that there is */
        preflight_remedy_edit(inspection, "machine", "type", json_string(inspection->q35 ? "q35" : "pc"),
                              ret);
        break;
    case CURE_PACKAGE:
        text_printf(&ret->remedy.lines, "apt install %s\n", rest);
        break;
    }
}

static bool cure(const struct inspection *inspection, const char *key, const char *message,
                 struct findings *ret)
{
    for (size_t i = 0; i < COUNT_OF(cures); i++) {
        const char *part = strstr(message, cures[i].part);
        if (part != NULL) {
            apply(inspection, key, &cures[i], part + strlen(cures[i].part), ret);
            return true;
        }
    }
    return false;
}

static void add_refusal(const struct inspection *inspection, const char *key, const struct error *why,
                        struct findings *ret)
{
    if (key[0] != '\0') {
        preflight_show_key(inspection, key, ret);
        if (!cure(inspection, key, why->message, ret)) {
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

#define KEY_SIZE 32

/* The first word of a text that is a key of the configuration. */
static bool find_key(const json_t *config, const char *text, char key[static KEY_SIZE])
{
    while (*text != '\0') {
        size_t length = 0;
        while (isalnum((unsigned char)text[length]) || text[length] == '_')
            length++;
        snprintf(key, KEY_SIZE, "%.*s", (int)length, text);
        if (length > 0 && json_object_get(config, key) != NULL)
            return true;
        text += length > 0 ? length : 1;
    }
    key[0] = '\0';
    return false;
}

/* The key that an error is about: as the message begins with it, or the error's field, or a word of the
 * message. */
static void find_culprit(const json_t *config, const struct error *why, char key[static KEY_SIZE])
{
    size_t length = strcspn(why->message, ": ");

    snprintf(key, KEY_SIZE, "%.*s", (int)length, why->message);
    if (why->message[length] == ':' && json_object_get(config, key) != NULL)
        return;
    snprintf(key, KEY_SIZE, "%.31s", why->field);
    if (json_object_get(config, key) == NULL)
        find_key(config, why->message, key);
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
    char key[KEY_SIZE];

    if (qemu_features(inspection->what->qemu, &qemu, &err) != 0)
        return;
    leave_out_unassigned(inspection, config, ret);
    for (unsigned i = 0; i < MOST_REFUSALS && !build(inspection, qemu, config, &err); i++) {
        find_culprit(config, &err, key);
        add_refusal(inspection, key, &err, ret);
        if (key[0] == '\0')
            return;
        leave_out(config, key);
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
