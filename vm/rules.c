/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of a VM's configuration demand of each other. */
#include "vm/rules.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "vm/keys.h"
#include "vm/refusal.h"
#include "vm/value.h"

static int read_memory(const json_t *config, long long *ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (vm_value_parts(config, "memory", &values, err) != 0)
        return -1;
    *ret = vm_value_number(values, "current", VM_DEFAULT_MEMORY);
    return 0;
}

static int check_balloon(const json_t *config, struct error *err)
{
    long long memory;

    if (read_memory(config, &memory, err) != 0)
        return -1;
    if (vm_value_number(config, "balloon", 0) > memory)
        return error_set_field(err, "balloon",
                               "balloon value too large (must be smaller than assigned memory)");
    return 0;
}

static int check_memory_hotplug(const json_t *config, struct error *err)
{
    long long memory;

    if (!vm_value_hotplugs(config, "memory"))
        return 0;
    if (vm_value_number(config, "numa", 0) == 0)
        return error_set_field_reason(err, "hotplug", VM_NEEDS_NUMA,
                                      "numa needs to be enabled for memory hotplug");
    if (read_memory(config, &memory, err) != 0)
        return -1;
    if (memory < VM_STATIC_MEMORY)
        return error_set_field(err, "memory", "memory size (%lld) must be at least %d for hotplugging",
                               memory, VM_STATIC_MEMORY);
    return 0;
}

static int check_hugepages(const json_t *config, struct error *err)
{
    if (json_object_get(config, "hugepages") != NULL && vm_value_number(config, "numa", 0) == 0)
        return error_set_field_reason(err, "hugepages", VM_NEEDS_NUMA, "hugepages need numa to be enabled");
    return 0;
}

static int check_processors(const json_t *config, struct error *err)
{
    long long sockets = vm_value_number(config, "sockets", 1), cores = vm_value_number(config, "cores", 1);

    if (sockets < 1 || cores < 1 || sockets > VM_CPU_LIMIT || cores > VM_CPU_LIMIT ||
        sockets * cores > VM_CPU_LIMIT)
        return error_set_field(err, "cores", "%lld sockets of %lld cores are more than %d processors",
                               sockets, cores, VM_CPU_LIMIT);
    if (vm_value_number(config, "vcpus", 1) > sockets * cores)
        return error_set_field(err, "vcpus", "vcpus cannot be above sockets times cores, which is %lld",
                               sockets * cores);
    return 0;
}

#define MOST_KEYS 4

static const struct rule {
    const char *keys[MOST_KEYS];
    bool at_change;
    int (*check)(const json_t *config, struct error *err);
} rules[] = {
    {{"balloon", "memory"}, true, check_balloon},
    {{"hotplug", "numa", "memory"}, false, check_memory_hotplug},
    {{"hugepages", "numa"}, false, check_hugepages},
    {{"vcpus", "sockets", "cores"}, false, check_processors},
};

int vm_rules_check(const json_t *config, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (rules[i].check(config, err) != 0)
            return -1;
    return 0;
}

static bool differs(const json_t *before, const json_t *after, const char *key)
{
    const json_t *old = json_object_get(before, key), *new = json_object_get(after, key);

    return old != new && !json_equal(old, new);
}

int vm_rules_check_change(const json_t *before, const json_t *after, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        bool changed = false;
        for (size_t j = 0; j < MOST_KEYS && rules[i].keys[j] != NULL; j++)
            changed = changed || differs(before, after, rules[i].keys[j]);
        if (rules[i].at_change && changed && rules[i].check(after, err) != 0)
            return -1;
    }
    return 0;
}

static bool concerns(const struct rule *rule, const char *key)
{
    for (size_t i = 0; i < MOST_KEYS && rule->keys[i] != NULL; i++)
        if (vm_key_has_stem(key, rule->keys[i]))
            return true;
    return false;
}

/* `visited` has a bit for each rule that was followed already. */
static bool reaches(const char *key, const char *other, unsigned visited)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const struct rule *rule = &rules[i];
        if ((visited & 1U << i) != 0 || !concerns(rule, key))
            continue;
        if (concerns(rule, other))
            return true;
        for (size_t j = 0; j < MOST_KEYS && rule->keys[j] != NULL; j++)
            if (reaches(rule->keys[j], other, visited | 1U << i))
                return true;
    }
    return false;
}

bool vm_rules_relate(const char *key, const char *other)
{
    return reaches(key, other, 0);
}
