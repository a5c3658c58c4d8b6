/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and groups: creating, changing and deleting them, and what is deleted with them. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/group.h"
#include "access/role.h"
#include "access/user.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

static const char *const people[] = {
    "user:root@pam:",
    "user:joe@pve:",
    "token:joe@pve!ci:0:1:",
    "token:joe@pve!cd:0:0:",
    "user:joe@pvex:",
    "token:joe@pvex!ci:0:0:",
    "group:staff:joe@pve,joe@pvex:",
    "group:night:joe@pve:",
    "group:empty::",
    "acl:1:/:joe@pve,joe@pvex,@night:PVEAuditor:",
    "acl:1:/vms:joe@pve!ci,joe@pve!cd,joe@pvex!ci:PVEVMUser:",
    "acl:1:/pool:joe@pve!ci,joe@pve:PVEPoolUser:",
    "acl:0:/nodes:@night:PVESysAdmin:",
    NULL,
};

static int try(struct world *world,
               int (*change)(struct storage *storage, const char *user, const json_t *settings,
                             struct error *err),
               const char *user, const char *settings, struct error *err)
{
    autojson json_t *parsed = fixture_json(settings);

    return change(world->storage, user, parsed, err);
}

static int create_without_password(struct storage *storage, const char *user, const json_t *settings,
                                   struct error *err)
{
    return user_create(storage, user, NULL, settings, err);
}

static void create(struct world *world, const char *user, const char *settings)
{
    struct error err;

    cr_assert_eq(try(world, create_without_password, user, settings, &err), 0, "%s", err.message);
}

static void update(struct world *world, const char *user, const char *settings)
{
    struct error err;

    cr_assert_eq(try(world, user_update, user, settings, &err), 0, "%s", err.message);
}

static void expect_user(struct world *world, const char *user, const char *text)
{
    struct error err;
    json_t *shown;

    cr_assert_eq(user_read(world->storage, user, &shown, &err), 0, "%s", err.message);
    fixture_expect_json(shown, text);
}

Test(access_user, is_created_with_its_settings_and_groups)
{
    autoworld struct world world;
    make_world(&world, people);

    create(&world, "ann@pve", "{}");
    expect_user(&world, "ann@pve", "{'enable': 1, 'expire': 0, 'groups': [], 'tokens': null}");
    create(&world, "bob@pve",
           "{'enable': 0, 'expire': 7, 'firstname': 'B', 'lastname': 'O', 'email': 'b@o', 'comment': 'c', "
           "'keys': 'k', 'groups': 'night,staff', 'password': 'not by this way', 'userid': 'x@pve'}");
    expect_user(&world, "bob@pve",
                "{'enable': 0, 'expire': 7, 'firstname': 'B', 'lastname': 'O', 'email': 'b@o', 'comment': "
                "'c', 'keys': 'k', 'groups': ['night', 'staff'], 'tokens': null}");
    autojson json_t *stored = NULL;
    struct error err;
    cr_assert_eq(object_read(world.storage, "user", "bob@pve", &stored, NULL, &err), 0);
    cr_assert_null(json_object_get(stored, "password"));
}

Test(access_user, is_created_once_and_in_groups_that_exist)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;

    cr_assert_eq(try(&world, create_without_password, "joe@pve", "{}", &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "create user failed: user 'joe@pve' already exists");
    cr_assert_eq(try(&world, create_without_password, "ann@pve", "{'groups': 'staff,gone'}", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "create user failed: no such group 'gone'");
    cr_assert_eq(fixture_revision(world.storage, "user", "ann@pve"), 0);
    expect_documents(&world, "group",
                     "{'staff': {'members': ['joe@pve', 'joe@pvex']}, 'night': {'members': ['joe@pve']}, "
                     "'empty': {'members': []}}");
}

Test(access_user, keeps_what_was_not_sent_and_loses_what_was_emptied)
{
    autoworld struct world world;
    make_world(&world, people);

    create(&world, "ann@pve", "{'comment': 'c', 'firstname': 'A', 'groups': 'staff'}");
    update(&world, "ann@pve", "{'enable': 0}");
    expect_user(&world, "ann@pve",
                "{'enable': 0, 'expire': 0, 'comment': 'c', 'firstname': 'A', 'groups': ['staff'], 'tokens': "
                "null}");
    update(&world, "ann@pve", "{'comment': '', 'firstname': 'B', 'enable': 1, 'expire': 9}");
    expect_user(&world, "ann@pve",
                "{'enable': 1, 'expire': 9, 'firstname': 'B', 'groups': ['staff'], 'tokens': null}");
}

Test(access_user, changes_groups_or_adds_to_them)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;

    create(&world, "ann@pve", "{'groups': 'staff'}");
    update(&world, "ann@pve", "{'groups': 'night', 'append': 1}");
    expect_user(&world, "ann@pve",
                "{'enable': 1, 'expire': 0, 'groups': ['night', 'staff'], 'tokens': null}");
    update(&world, "ann@pve", "{'groups': 'empty,night,night'}");
    expect_user(&world, "ann@pve",
                "{'enable': 1, 'expire': 0, 'groups': ['empty', 'night'], 'tokens': null}");
    update(&world, "ann@pve", "{'groups': ''}");
    expect_user(&world, "ann@pve", "{'enable': 1, 'expire': 0, 'groups': [], 'tokens': null}");
    cr_assert_eq(try(&world, user_update, "ann@pve", "{'groups': 'gone', 'comment': 'x'}", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such group 'gone'");
    cr_assert_eq(try(&world, user_update, "gone@pve", "{}", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('gone@pve')");
    expect_user(&world, "ann@pve", "{'enable': 1, 'expire': 0, 'groups': [], 'tokens': null}");
}

Test(access_user, takes_along_what_names_it)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;

    cr_assert_eq(user_delete(world.storage, "joe@pve", &err), 0, "%s", err.message);
    expect_documents(&world, "user", "{'root@pam': {}, 'joe@pvex': {'tokens': {'ci': {'privsep': 0}}}}");
    expect_documents(
        &world, "group",
        "{'staff': {'members': ['joe@pvex']}, 'night': {'members': []}, 'empty': {'members': []}}");
    expect_documents(&world, "acl",
                     "{'/': {'users': {'joe@pvex': {'PVEAuditor': 1}}, 'groups': {'night': {'PVEAuditor': "
                     "1}}}, '/vms': {'tokens': {'joe@pvex!ci': {'PVEVMUser': 1}}},"
                     " '/nodes': {'groups': {'night': {'PVESysAdmin': 0}}}}");
    cr_assert_eq(user_delete(world.storage, "joe@pve", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('joe@pve')");
    cr_assert_eq(user_delete(world.storage, "root@pam", &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "root@pam cannot be deleted");
}

static void expect_group(struct world *world, const char *id, const char *text)
{
    struct error err;
    json_t *shown;

    cr_assert_eq(group_read(world->storage, id, &shown, &err), 0, "%s", err.message);
    fixture_expect_json(shown, text);
}

static bool shows_all(const char *group, void *context)
{
    (void)group, (void)context;
    return true;
}

Test(access_group, is_created_changed_and_listed)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;
    json_t *list;

    cr_assert_eq(group_create(world.storage, "day", "at work", &err), 0, "%s", err.message);
    expect_group(&world, "day", "{'members': [], 'comment': 'at work'}");
    cr_assert_eq(group_update(world.storage, "day", NULL, &err), 0);
    expect_group(&world, "day", "{'members': [], 'comment': 'at work'}");
    cr_assert_eq(group_update(world.storage, "day", "", &err), 0);
    expect_group(&world, "day", "{'members': []}");
    cr_assert_eq(group_update(world.storage, "staff", "all", &err), 0);
    cr_assert_eq(group_list(world.storage, shows_all, NULL, &list, &err), 0);
    fixture_expect_json(list, "[{'groupid': 'day', 'users': ''}, {'groupid': 'empty', 'users': ''},"
                              " {'groupid': 'night', 'users': 'joe@pve'},"
                              " {'groupid': 'staff', 'users': 'joe@pve,joe@pvex', 'comment': 'all'}]");
}

static void put_many(struct world *world, const char *kind, int count, const char *realm)
{
    struct change_set *set = change_set_new();
    struct error err;
    char id[64];

    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "x%d%s", i, realm);
        change_set_put(set, kind, id, REVISION_ANY, json_object());
    }
    cr_assert_eq(storage_commit(world->storage, set, &err), 0, "%s", err.message);
}

Test(access_group, and_roles_are_only_so_many, .timeout = 60)
{
    autoworld struct world world;
    make_world(&world, people);
    static const struct identity root = {.user = "root@pam"};
    struct error err;

    put_many(&world, "group", 2000, "");
    cr_assert_eq(group_create(world.storage, "more", NULL, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "create group failed: there are 200");
    fixture_expect_error(&err, ERROR_FAILED, " groups, and no more are possible: delete one first");
    put_many(&world, "role", 1000, "");
    cr_assert_eq(role_create(world.access, &root, "More", NULL, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "create role failed: there are 1000 roles");
    put_many(&world, "user", 20000, "@pve");
    cr_assert_eq(try(&world, create_without_password, "more@pve", "{}", &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "create user failed: there are 2000");
}

Test(access_group, takes_its_entries_along_and_leaves_its_members)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;

    cr_assert_eq(group_delete(world.storage, "night", &err), 0, "%s", err.message);
    expect_documents(&world, "acl",
                     "{'/': {'users': {'joe@pve': {'PVEAuditor': 1}, 'joe@pvex': {'PVEAuditor': 1}}},"
                     " '/vms': {'tokens': {'joe@pve!ci': {'PVEVMUser': 1}, 'joe@pve!cd': {'PVEVMUser': 1}, "
                     "'joe@pvex!ci': {'PVEVMUser': 1}}},"
                     " '/pool': {'users': {'joe@pve': {'PVEPoolUser': 1}}, 'tokens': {'joe@pve!ci': "
                     "{'PVEPoolUser': 1}}}}");
    cr_assert_neq(fixture_revision(world.storage, "user", "joe@pve"), 0);
}

Test(access_group, tells_what_does_not_exist_or_exists_already)
{
    autoworld struct world world;
    make_world(&world, people);
    struct error err;
    json_t *shown;

    cr_assert_eq(group_create(world.storage, "staff", NULL, &err), -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "create group failed: group 'staff' already exists");
    cr_assert_eq(group_read(world.storage, "gone", &shown, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "group 'gone' does not exist");
    cr_assert_eq(group_update(world.storage, "gone", "x", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "group 'gone' does not exist");
    cr_assert_eq(group_delete(world.storage, "gone", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "delete group failed: group 'gone' does not exist");
}
