/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host: where a kernel module is. A module that was loaded has sys/module/NAME/initstate; a
 * built-in one has the folder without it, and only if it has parameters or a version. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/parts.h"
#include "hardware/module.h"
#include "hardware/paths.h"

#define MOST_LIST (32 * 1024 * 1024)

enum module_state facts_module(struct facts *facts, const char *name)
{
    autofree char *builtin = xasprintf("lib/modules/%s/modules.builtin", facts->release);
    autofree char *all = xasprintf("lib/modules/%s/modules.dep", facts->release);
    int root = sysroot_fd(facts->sysroot);

    if (sysfs_exists(root, path_of_module(name, NULL).text))
        return sysfs_exists(root, path_of_module(name, "initstate").text) ? MODULE_LOADED : MODULE_BUILT_IN;
    if (facts->release[0] == '\0')
        return MODULE_UNKNOWN;
    const char *list = facts_read_lazily(facts, &facts->builtin, builtin, MOST_LIST);
    if (list != NULL && module_is_listed(list, name))
        return MODULE_BUILT_IN;
    list = facts_read_lazily(facts, &facts->dependencies, all, MOST_LIST);
    if (list == NULL)
        return MODULE_UNKNOWN;
    return module_is_listed(list, name) ? MODULE_AVAILABLE : MODULE_MISSING;
}

bool facts_module_parameter(const struct facts *facts, const char *name, const char *parameter, char *value,
                            size_t size)
{
    struct host_path folder = path_of_module(name, "parameters"),
                     file = path_below(folder.text, parameter, NULL);

    return sysfs_read(sysroot_fd(facts->sysroot), file.text, value, size) >= 0;
}
