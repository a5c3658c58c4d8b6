/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: its changes. */
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"
#include "schema/validate.h"
#include "vm/config/parts.h"
#include "vm/rules.h"

static bool is_empty(const char *const *list)
{
    return list == NULL || list[0] == NULL;
}

/* Neither is an option twice, nor is one that there is not. `what` is the parameter that they were in. */
static int check_names(const struct vm_change *change, const char *const *names, const char *what,
                       struct error *err)
{
    for (; names != NULL && *names != NULL; names++) {
        const char *key = vm_config_resolve(*names);
        if (vm_key_find(key, NULL) == NULL)
            return error_set_field(err, what, "unknown option '%s'", *names);
        const char *set;
        json_t *value;
        json_object_foreach((json_t *)change->set, set, value)
            if (strcmp(vm_config_resolve(set), key) == 0)
                return error_set_field(err, set, "duplicate %s/set: '%s' cannot be in %s and be set too",
                                       what, set, what);
    }
    return 0;
}

/* The only change of a locked VM: it is unlocked. */
static bool is_unlock(const struct vm_change *change)
{
    return json_object_size(change->set) == 0 && is_empty(change->revert) && !is_empty(change->remove) &&
           strcmp(change->remove[0], "lock") == 0 && change->remove[1] == NULL;
}

static int check_lock(const json_t *config, const struct vm_change *change, struct error *err)
{
    const char *lock = json_string_value(json_object_get(config, "lock"));

    if (lock != NULL && !change->skip_lock && !is_unlock(change))
        return error_set(err, ERROR_FAILED, "VM is locked (%s)", lock);
    return 0;
}

static int check_protection(const json_t *document, const struct vm_change *change, struct error *err)
{
    const json_t *config = json_object_get(document, "config"),
                 *pending = json_object_get(document, "pending");

    if (json_integer_value(json_object_get(config, "protection")) == 0 || change->remove == NULL)
        return 0;
    for (const char *const *name = change->remove; *name != NULL; name++) {
        const char *key = vm_config_resolve(*name);
        if (vm_key_names_volume(vm_key_find(key, NULL)) &&
            (json_object_get(config, key) != NULL || json_object_get(pending, key) != NULL))
            return error_set(err, ERROR_FAILED, "can't remove drive '%s' - protection mode enabled", key);
    }
    return 0;
}

static int check_change(const json_t *document, const struct vm_change *change, struct error *err)
{
    if (json_object_size(change->set) == 0 && is_empty(change->remove) && is_empty(change->revert))
        return error_set(err, ERROR_FAILED, "no options specified");
    if (check_names(change, change->remove, "delete", err) != 0 ||
        check_names(change, change->revert, "revert", err) != 0)
        return -1;
    if (check_lock(json_object_get(document, "config"), change, err) != 0)
        return -1;
    return check_protection(document, change, err);
}

/* The three objects of a document that is being changed. */
struct draft {
    json_t *config, *pending, *removed; /* borrowed */
};

static json_t *member(json_t *document, const char *name)
{
    if (json_object_get(document, name) == NULL)
        json_object_set_new(document, name, json_object());
    return json_object_get(document, name);
}

static void remove_key(const struct draft *draft, const char *key, bool force)
{
    json_object_del(draft->pending, key);
    if (json_object_get(draft->config, key) != NULL)
        json_object_set_new(draft->removed, key, json_integer(force ? 2 : 1));
}

static void set_key(const struct draft *draft, const char *key, json_t *value)
{
    json_object_set(draft->pending, key, value);
    json_object_del(draft->removed, key);
}

/* Everything that is wished for is pending at first. */
static int wish(const struct draft *draft, const struct vm_change *change, struct error *err)
{
    autojson json_t *set = NULL;
    const char *name;
    json_t *value;

    if (vm_config_make(change, &set, err) != 0)
        return -1;
    for (const char *const *key = change->revert; key != NULL && *key != NULL; key++) {
        json_object_del(draft->pending, vm_config_resolve(*key));
        json_object_del(draft->removed, vm_config_resolve(*key));
    }
    for (const char *const *key = change->remove; key != NULL && *key != NULL; key++)
        remove_key(draft, vm_config_resolve(*key), change->force);
    json_object_foreach(set, name, value) {
        if (json_is_null(value))
            remove_key(draft, name, false);
        else
            set_key(draft, name, value);
    }
    return 0;
}

/* What has to fit together. What an earlier change or a file left unfit is not this change's fault. */
static int fit(const json_t *before, json_t *document, const struct draft *draft,
               const struct vm_change *change, struct error *err)
{
    autojson json_t *after = vm_config_view(document, false);

    if (vm_rules_check_change(before, after, err) != 0)
        return -1;
    if (json_object_get(change->set, "boot") != NULL)
        return vm_config_check_boot(after, err);
    autofree char *boot = vm_config_follow_boot(before, after);
    if (boot != NULL) {
        autojson json_t *value = json_string(boot);
        set_key(draft, "boot", value);
    }
    return 0;
}

/* A running VM takes some keys at once; one that is not takes all. */
static bool is_taken(const char *key, bool running)
{
    const struct schema *schema = vm_key_find(key, NULL);

    return !running || (schema != NULL && vm_key_about(schema)->effect == VM_EFFECT_NOW);
}

/* What can be is applied, and nothing stays pending that is so already. */
static void settle(const struct draft *draft, bool running)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(draft->pending, next, key, value) {
        if (is_taken(key, running))
            json_object_set(draft->config, key, value);
        if (json_equal(json_object_get(draft->config, key), value))
            json_object_del(draft->pending, key);
    }
    json_object_foreach_safe(draft->removed, next, key, value) {
        if (is_taken(key, running))
            json_object_del(draft->config, key);
        if (json_object_get(draft->config, key) == NULL)
            json_object_del(draft->removed, key);
    }
}

static void drop_empty(json_t *document, const char *name)
{
    if (json_object_size(json_object_get(document, name)) == 0)
        json_object_del(document, name);
}

int vm_config_change(const json_t *document, const struct vm_change *change, json_t **ret, struct error *err)
{
    if (check_change(document, change, err) != 0)
        return -1;
    autojson json_t *changed = json_deep_copy(document), *before = vm_config_view(document, false);
    struct draft draft = {.config = member(changed, "config"),
                          .pending = member(changed, "pending"),
                          .removed = member(changed, "delete")};
    if (wish(&draft, change, err) != 0 || fit(before, changed, &draft, change, err) != 0)
        return -1;
    settle(&draft, change->running);
    drop_empty(changed, "pending");
    drop_empty(changed, "delete");
    if (vm_config_check_size(changed, err) != 0)
        return -1;
    *ret = TAKE(changed);
    return 0;
}
