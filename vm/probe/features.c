/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a QEMU binary can do, from its own answers. */
#include "vm/probe/features.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Without split-wx=on, TCG cannot start under systemd's MemoryDenyWriteExecute. KVM is not used, because the
 * process that asks may not open /dev/kvm. */
const char *const vm_features_arguments[] = {"qemu-system-x86_64",
                                             "-machine",
                                             "none",
                                             "-accel",
                                             "tcg,split-wx=on,tb-size=1",
                                             "-nodefaults",
                                             "-display",
                                             "none",
                                             "-S",
                                             "-qmp",
                                             "stdio",
                                             NULL};

#define PROPERTIES_OF(driver)                                                                                \
    "{\"execute\":\"device-list-properties\",\"id\":\"" driver "\",\"arguments\":{\"typename\":\"" driver    \
    "\"}}"

/* The id of a question is the name under which its answer is stored. */
const char *const vm_features_questions[] = {
    "{\"execute\":\"qmp_capabilities\"}",
    "{\"execute\":\"query-version\",\"id\":\"version\"}",
    "{\"execute\":\"query-machines\",\"id\":\"machines\"}",
    "{\"execute\":\"query-cpu-definitions\",\"id\":\"cpus\"}",
    "{\"execute\":\"qom-list-types\",\"id\":\"devices\",\"arguments\":{\"implements\":\"device\"}}",
    PROPERTIES_OF("vfio-pci"),
    PROPERTIES_OF("virtio-iommu-pci"),
    PROPERTIES_OF("intel-iommu"),
    PROPERTIES_OF("qemu64-x86_64-cpu"),
    "{\"execute\":\"quit\"}",
    NULL};

struct vm_features {
    struct vm_version version;
    json_t *names; /* id of the question -> {name: true} */
};

/* Questions that every QEMU answers. The others are optional: a binary may lack VFIO or a vIOMMU. */
static const char *const needed[] = {"machines", "cpus", "devices"};

/* Names that -device takes and qom-list-types does not list. */
static const char *const aliases[][2] = {
    {"ahci", "ich9-ahci"}, {"lsi", "lsi53c895a"}, {"virtio-serial", "virtio-serial-pci"}};

static void add_names(json_t *set, const json_t *list, const char *key)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry) {
        const char *name = json_string_value(json_object_get(entry, key));
        if (name != NULL)
            json_object_set_new(set, name, json_true());
    }
}

/* Leaves the version at 0 if the answer has none. */
static void take_version(struct vm_features *qemu, const json_t *answer)
{
    int major, minor, micro;

    if (json_unpack((json_t *)answer, "{s:{s:i, s:i, s:i}}", "qemu", "major", &major, "minor", &minor,
                    "micro", &micro) == 0 &&
        major >= 0 && minor >= 0 && micro >= 0)
        qemu->version = (struct vm_version){(unsigned)major, (unsigned)minor, (unsigned)micro};
}

static void take_answer(struct vm_features *qemu, const json_t *line)
{
    const char *id = json_string_value(json_object_get(line, "id"));
    const json_t *answer = json_object_get(line, "return");

    /* the greeting, an event, or an error about a device that this binary does not have */
    if (id == NULL || answer == NULL)
        return;
    if (strcmp(id, "version") == 0) {
        take_version(qemu, answer);
        return;
    }
    json_t *set = json_object();
    json_object_set_new(qemu->names, id, set);
    add_names(set, answer, "name");
    add_names(set, answer, "alias");
}

int vm_features_parse(const char *answers, size_t length, struct vm_features **ret, struct error *err)
{
    autofeatures struct vm_features *qemu = xcalloc(1, sizeof(*qemu));

    qemu->names = json_object();
    if (length > VM_FEATURES_LIMIT)
        return error_set(err, ERROR_FAILED, "QEMU's answers are longer than %zu bytes", VM_FEATURES_LIMIT);
    for (const char *end = answers + length, *next; answers < end; answers = next) {
        const char *newline = memchr(answers, '\n', (size_t)(end - answers));
        next = newline != NULL ? newline + 1 : end;
        json_error_t wrong;
        autojson json_t *line = json_loadb(answers, (size_t)(next - answers), 0, &wrong);
        if (line != NULL)
            take_answer(qemu, line);
    }
    if (qemu->version.major == 0)
        return error_set(err, ERROR_FAILED, "QEMU did not report its version");
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (json_object_size(json_object_get(qemu->names, needed[i])) == 0)
            return error_set(err, ERROR_FAILED, "QEMU did not report which %s it has", needed[i]);
    *ret = TAKE(qemu);
    return 0;
}

void vm_features_free(struct vm_features *qemu)
{
    if (qemu == NULL)
        return;
    json_decref(qemu->names);
    free(qemu);
}

void cleanup_features(struct vm_features **qemu)
{
    vm_features_free(*qemu);
}

struct vm_version vm_features_version(const struct vm_features *qemu)
{
    return qemu->version;
}

bool vm_version_at_least(struct vm_version version, unsigned major, unsigned minor)
{
    return version.major != major ? version.major > major : version.minor >= minor;
}

const json_t *vm_features_names(const struct vm_features *qemu, const char *question)
{
    return json_object_get(qemu->names, question);
}

bool vm_features_has_property(const struct vm_features *qemu, const char *driver, const char *property)
{
    return json_object_get(json_object_get(qemu->names, driver), property) != NULL;
}

bool vm_features_has_machine(const struct vm_features *qemu, const char *type)
{
    return vm_features_has_property(qemu, "machines", type);
}

bool vm_features_has_device(const struct vm_features *qemu, const char *driver)
{
    for (size_t i = 0; i < COUNT_OF(aliases); i++)
        if (strcmp(driver, aliases[i][0]) == 0)
            driver = aliases[i][1];
    return vm_features_has_property(qemu, "devices", driver);
}

bool vm_features_has_cpu(const struct vm_features *qemu, const char *model)
{
    return vm_features_has_property(qemu, "cpus", model);
}
