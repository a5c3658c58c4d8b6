/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM's `machine` and `cpu` can be set to. */
#include "vm/command/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/cpu_flags.h"
#include "vm/command/parts.h"

struct machine {
    const char *id, *type, *version;
};

/* False for aliases, and for machines that VMs cannot have. */
static bool read_machine(const char *id, struct machine *ret)
{
    static const struct {
        const char *stem, *type;
    } kinds[] = {{"pc-q35-", "q35"}, {"pc-i440fx-", "i440fx"}};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text_starts_with(id, kinds[i].stem)) {
            *ret = (struct machine){id, kinds[i].type, id + strlen(kinds[i].stem)};
            return true;
        }
    return false;
}

/* 10.0 is newer than 9.2, so versions are compared as numbers, not as text. */
static int compare_machines(const void *a, const void *b)
{
    const struct machine *one = a, *other = b;
    int newer = strverscmp(other->version, one->version);

    return newer != 0 ? newer : strcmp(one->id, other->id);
}

json_t *vm_choices_machines(const struct vm_features *qemu)
{
    const json_t *names = vm_features_names(qemu, "machines");
    autofree struct machine *all = xcalloc(json_object_size(names) + 1, sizeof(*all));
    json_t *list = json_array(), *ignored;
    const char *id;
    size_t count = 0;

    json_object_foreach((json_t *)names, id, ignored)
        count += read_machine(id, &all[count]);
    qsort(all, count, sizeof(*all), compare_machines);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "id", all[i].id, "type", all[i].type,
                                              "version", all[i].version));
    return list;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *vm_choices_cpus(const struct vm_features *qemu)
{
    const json_t *known = vm_features_names(qemu, "cpus");
    size_t own = 0, count = 0;
    const char *name;

    while (vm_cpu_own_model(own) != NULL)
        own++;
    autofree const char **names = xcalloc(json_object_size(known) + own + 1, sizeof(*names));
    json_t *list = json_array(), *ignored;

    json_object_foreach((json_t *)known, name, ignored)
        names[count++] = name;
    for (size_t i = 0; i < own; i++)
        if (json_object_get(known, vm_cpu_own_model(i)) == NULL)
            names[count++] = vm_cpu_own_model(i);
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        const char *vendor = vm_cpu_vendor(names[i]);
        json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name", names[i], "vendor",
                                              vendor != NULL ? vendor : "default", "custom", 0));
    }
    return list;
}

json_t *vm_choices_cpu_flags(void)
{
    static const struct {
        const char *name, *text;
    } flags[] = {
#define FLAG(name, text) {name, text},
        CPU_FLAGS(FLAG)};
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT_OF(flags); i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "name", flags[i].name, "description", flags[i].text));
    return list;
}
