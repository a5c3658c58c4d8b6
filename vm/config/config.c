/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: views of a document, and the keys that a change touches. */
#include "vm/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"
#include "vm/config/parts.h"

const char *vm_config_resolve(const char *key)
{
    return strcmp(key, "cdrom") == 0 ? "ide2" : key;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **vm_config_sort(const json_t *object)
{
    size_t count = 0;
    char **names = xcalloc(json_object_size(object) + 1, sizeof(*names));
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
        names[count++] = xstrdup(name);
    qsort(names, count, sizeof(*names), compare);
    return names;
}

json_t *vm_config_view(const json_t *document, bool current)
{
    json_t *view = json_copy(json_object_get(document, "config"));
    const char *key;
    json_t *value;

    if (current)
        return view;
    json_object_foreach(json_object_get(document, "delete"), key, value)
        json_object_del(view, key);
    json_object_update(view, json_object_get(document, "pending"));
    return view;
}

/* A value as shown in a reply: a blank for an empty one, asterisks for a secret. */
static json_t *show(const char *key, const json_t *value)
{
    const struct schema *schema = vm_key_find(key, NULL);

    if (schema != NULL && vm_key_about(schema)->kind == VM_KIND_SECRET)
        return json_string("**********");
    if (json_is_string(value) && json_string_length(value) == 0)
        return json_string(" ");
    return json_incref((json_t *)value);
}

json_t *vm_config_show(const json_t *document, bool current)
{
    autojson json_t *view = vm_config_view(document, current);
    json_t *shown = json_object();
    const char *key;
    json_t *value;

    json_object_foreach(view, key, value)
        json_object_set_new(shown, key, show(key, value));
    return shown;
}

static void add_shown(json_t *row, const char *name, const char *key, const json_t *value)
{
    if (value != NULL)
        json_object_set_new(row, name, show(key, value));
}

json_t *vm_config_list_pending(const json_t *document)
{
    const json_t *config = json_object_get(document, "config"),
                 *pending = json_object_get(document, "pending"),
                 *removed = json_object_get(document, "delete");
    autojson json_t *all = json_copy((json_t *)config);
    json_t *rows = json_array();

    json_object_update(all, (json_t *)pending);
    json_object_update(all, (json_t *)removed);
    autosplit char **keys = vm_config_sort(all);
    for (char **key = keys; *key != NULL; key++) {
        json_t *row = json_pack("{s:s}", "key", *key);
        add_shown(row, "value", *key, json_object_get(config, *key));
        add_shown(row, "pending", *key, json_object_get(pending, *key));
        json_object_set(row, "delete", json_object_get(removed, *key));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void touch_all(json_t *touched, const char *const *keys)
{
    for (; keys != NULL && *keys != NULL; keys++)
        json_object_set_new(touched, vm_config_resolve(*keys), json_true());
}

char **vm_config_touched(const struct vm_change *change)
{
    autojson json_t *touched = json_object();
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)change->set, key, value)
        json_object_set_new(touched, vm_config_resolve(key), json_true());
    touch_all(touched, change->remove);
    touch_all(touched, change->revert);
    return vm_config_sort(touched);
}
