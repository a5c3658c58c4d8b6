/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots that follow the changes are like those that are read whole. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/snapshot.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

static json_t *print_shelf(const struct shelf *shelf)
{
    json_t *all = json_object();

    for (size_t i = 0; i < SHELF_PARTS; i++)
        json_object_update(all, shelf->parts[i]);
    return all;
}

static void expect_same(const json_t *a, const json_t *b, const char *what)
{
    cr_assert(json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b), "%s", what);
}

static void expect_same_shelf(const struct shelf *a, const struct shelf *b, const char *what)
{
    autojson json_t *all_a = print_shelf(a), *all_b = print_shelf(b);

    expect_same(all_a, all_b, what);
}

/* {user: {group: true}}: the order of a user's groups does not matter. */
static json_t *sets_of(const json_t *groups_of)
{
    json_t *sets = json_object(), *groups, *group;
    const char *user;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)groups_of, user, groups) {
        json_t *set = json_object();
        json_array_foreach(groups, i, group)
            json_object_set_new(set, json_string_value(group), json_true());
        cr_assert_eq(json_object_size(set), json_array_size(groups), "no group twice");
        json_object_set_new(sets, user, set);
    }
    return sets;
}

static void expect_current(struct world *world)
{
    autosnapshot struct snapshot *followed = NULL, *read = NULL;
    struct error err;

    cr_assert_eq(access_snapshot(world->access, &followed, &err), 0, "%s", err.message);
    cr_assert_eq(snapshot_read(world->storage, &read, &err), 0, "%s", err.message);
    expect_same_shelf(&followed->users, &read->users, "users");
    expect_same_shelf(&followed->acl, &read->acl, "acl");
    autojson json_t *followed_groups = sets_of(followed->groups_of), *read_groups = sets_of(read->groups_of);
    expect_same(followed_groups, read_groups, "groups");
    expect_same(followed->roles, read->roles, "roles");
    cr_assert_eq(followed->newest, read->newest);
}

/* The same numbers in each run. */
static unsigned any_below(unsigned limit)
{
    static uint32_t state = 7;

    state = state * 1664525 + 1013904223;
    return (state >> 16) % limit;
}

static void change_one(struct change_set *set)
{
    static const char *const kinds[] = {"user", "group", "role", "acl", "vm"};
    const char *kind = kinds[any_below(COUNT_OF(kinds))];
    json_t *body =
        strcmp(kind, "group") == 0  ? json_pack("{s:[s]}", "members", any_below(2) ? "u1@pve" : "u2@pve")
        : strcmp(kind, "role") == 0 ? json_pack("{s:[s]}", "privs", any_below(2) ? "VM.Audit" : "VM.Clone")
                                    : json_pack("{s:i}", "enable", (int)any_below(3));
    char id[32];

    snprintf(id, sizeof(id), "%u", 100 + any_below(20));
    change_set_put(set, kind, id, REVISION_ANY, any_below(3) == 0 ? (json_decref(body), NULL) : body);
}

Test(access_snapshot, follows_every_change, .timeout = 60)
{
    autoworld struct world world;
    make_world(&world, (const char *const[]){"user:root@pam:", "user:u1@pve:", "user:u2@pve:", NULL});
    struct error err;

    for (int i = 0; i < 200; i++) {
        struct change_set *set = change_set_new();
        for (unsigned changes = any_below(4) + 1; changes > 0; changes--)
            change_one(set);
        cr_assert_eq(storage_commit(world.storage, set, &err), 0, "%s", err.message);
        if (any_below(3) != 0)
            expect_current(&world);
    }
    expect_current(&world);
}

/* After so many changes that deletions are forgotten, everything is read. */
Test(access_snapshot, that_has_missed_too_much_is_read_whole)
{
    autoworld struct world world;
    make_world(&world, (const char *const[]){"user:root@pam:", "user:u1@pve:", NULL});
    struct error err;
    char id[32];

    for (int round = 0; round < 2; round++) {
        struct change_set *set = change_set_new();
        change_set_delete(set, "user", "u1@pve", REVISION_ANY);
        for (int i = 0; i < 1500; i++) {
            snprintf(id, sizeof(id), "x%d", i);
            change_set_put(set, "group", id, REVISION_ANY, round == 0 ? json_object() : NULL);
        }
        cr_assert_eq(storage_commit(world.storage, set, &err), 0, "%s", err.message);
    }
    expect_current(&world);
}

/* What somebody holds stays as it was. */
Test(access_snapshot, is_not_changed_by_those_that_follow)
{
    autoworld struct world world;
    make_world(&world, (const char *const[]){
                           "user:root@pam:", "user:u1@pve:", "acl:1:/vms:u1@pve:PVEAuditor:", NULL});
    autosnapshot struct snapshot *before = NULL;
    struct change_set *set = change_set_new();
    struct error err;

    cr_assert_eq(access_snapshot(world.access, &before, &err), 0);
    change_set_delete(set, "user", "u1@pve", REVISION_ANY);
    change_set_delete(set, "acl", "/vms", REVISION_ANY);
    cr_assert_eq(storage_commit(world.storage, set, &err), 0);
    expect_current(&world);
    cr_assert_not_null(snapshot_user(before, "u1@pve"));
    cr_assert_not_null(shelf_find(&before->acl, "/vms", 4));
}
