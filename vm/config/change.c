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

/* The keys of `delete` or `revert`, which `parameter` says, must be there and must not be set as well. */
static int check_names(const struct vm_change *change, const char *const *names, const char *parameter,
                       struct error *err)
{
    const char *set;
    json_t *value;

    for (; names != NULL && *names != NULL; names++) {
        const char *key = vm_config_resolve(*names);
        if (vm_key_find(key, NULL) == NULL)
            return error_set_field(err, parameter, "unknown option '%s'", *names);
        json_object_foreach((json_t *)change->set, set, value)
            if (strcmp(vm_config_resolve(set), key) == 0)
                return error_set_field(err, set, "duplicate %s/set: '%s' cannot be in %s and be set too",
                                       parameter, set, parameter);
    }
    return 0;
}

/* Whether the change may be made to this VM at all. */
static int check_change(const json_t *document, const struct vm_change *change, struct error *err)
{
    const json_t *config = json_object_get(document, "config"),
                 *pending = json_object_get(document, "pending");
    const char *lock = json_string_value(json_object_get(config, "lock"));
    const char *const *remove = change->remove;
    bool only_removes =
        json_object_size(change->set) == 0 && is_empty(change->revert) && !is_empty(change->remove);

    if (json_object_size(change->set) == 0 && is_empty(change->remove) && is_empty(change->revert))
        return error_set(err, ERROR_FAILED, "no options specified");
    if (check_names(change, change->remove, "delete", err) != 0 ||
        check_names(change, change->revert, "revert", err) != 0)
        return -1;
    bool unlocks = only_removes && strcmp(remove[0], "lock") == 0 && remove[1] == NULL;
    if (lock != NULL && !change->skip_lock && !unlocks)
        return error_set(err, ERROR_FAILED, "VM is locked (%s)", lock);
    if (json_integer_value(json_object_get(config, "protection")) == 0 || remove == NULL)
        return 0;
    for (; *remove != NULL; remove++) {
        const char *key = vm_config_resolve(*remove);
        bool there = json_object_get(config, key) != NULL || json_object_get(pending, key) != NULL;
        if (there && vm_key_names_volume(vm_key_find(key, NULL)))
            return error_set(err, ERROR_FAILED, "can't remove drive '%s' - protection mode enabled", key);
    }
    return 0;
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

/* Makes the whole change pending; apply_pending then applies what it can. */
static int make_pending(const struct draft *draft, const struct vm_change *change, struct error *err)
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

/* A stopped VM takes every change at once, a running one only some. */
static bool takes_at_once(const char *key, bool running)
{
    const struct schema *schema = vm_key_find(key, NULL);

    return !running || (schema != NULL && vm_key_about(schema)->effect == VM_EFFECT_NOW);
}

/* Moves to the configuration what the VM takes at once, and drops what would change nothing. */
static void apply_pending(const struct draft *draft, bool running)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(draft->pending, next, key, value) {
        if (takes_at_once(key, running))
            json_object_set(draft->config, key, value);
        if (json_equal(json_object_get(draft->config, key), value))
            json_object_del(draft->pending, key);
    }
    json_object_foreach_safe(draft->removed, next, key, value) {
        if (takes_at_once(key, running))
            json_object_del(draft->config, key);
        if (json_object_get(draft->config, key) == NULL)
            json_object_del(draft->removed, key);
    }
}

int vm_config_change(const json_t *document, const struct vm_change *change, json_t **ret, struct error *err)
{
    if (check_change(document, change, err) != 0)
        return -1;
    autojson json_t *changed = json_deep_copy(document), *before = vm_config_view(document, false);
    struct draft draft = {.config = member(changed, "config"),
                          .pending = member(changed, "pending"),
                          .removed = member(changed, "delete")};
    if (make_pending(&draft, change, err) != 0)
        return -1;

    autojson json_t *after = vm_config_view(changed, false);
    if (vm_rules_check_change(before, after, err) != 0)
        return -1;
    bool sets_boot = json_object_get(change->set, "boot") != NULL;
    if (sets_boot && vm_config_check_boot(after, err) != 0)
        return -1;
    autofree char *boot = sets_boot ? NULL : vm_config_follow_boot(before, after);
    if (boot != NULL) {
        autojson json_t *value = json_string(boot);
        set_key(&draft, "boot", value);
    }

    apply_pending(&draft, change->running);
    if (!change->force)
        vm_config_settle_volumes(document, changed, change->vmid);
    if (json_object_size(draft.pending) == 0)
        json_object_del(changed, "pending");
    if (json_object_size(draft.removed) == 0)
        json_object_del(changed, "delete");
    if (vm_config_check_size(changed, err) != 0)
        return -1;
    *ret = TAKE(changed);
    return 0;
}
