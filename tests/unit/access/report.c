/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How somebody's privileges are reported: by path, and by the parts of the user interface. Realms, too. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/realm.h"
#include "access/report.h"
#include "access/role.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

static const char *const people[] = {
    "user:root@pam:",
    "user:joe@pve:",
    "user:eve@pve:",
    "token:joe@pve!sep:0:1:",
    "token:joe@pve!full:0:0:",
    "role:Looker:VM.Audit:",
    "acl:0:/vms/100:joe@pve:Looker:",
    "acl:1:/mapping/pci/gpu:joe@pve:PVEMappingUser:",
    "acl:1:/access:joe@pve:PVEUserAdmin:",
    "acl:1:/access/groups/secret:joe@pve:NoAccess:",
    "acl:1:/mapping/pci/gpu:joe@pve!sep:PVEMappingAdmin:",
    "acl:1:/vms/100:joe@pve!sep:Looker:",
    NULL,
};

static void expect_permissions(struct world *world, const char *who, const char *path, const char *text)
{
    struct identity identity;
    struct error err;
    json_t *told;

    cr_assert_eq(report_find(world->access, who, &identity, &err), 0, "%s", err.message);
    cr_assert_eq(report_permissions(world->access, &identity, path, &told, &err), 0, "%s", err.message);
    fixture_expect_json(told, text);
}

Test(access_report, tells_what_is_held_by_path_and_whether_it_is_inherited)
{
    autoworld struct world world;
    make_world(&world, people);

#define USERS "{'Group.Allocate': 1, 'Realm.AllocateUser': 1, 'User.Modify': 1}"
#define JOE                                                                                                  \
    "{'/vms/100': {'VM.Audit': 0}, '/mapping/pci/gpu': {'Mapping.Audit': 1, 'Mapping.Use': 1},"              \
    " '/access': " USERS ", '/access/groups': " USERS "}"
    expect_permissions(&world, "joe@pve", NULL, JOE);
    expect_permissions(&world, "joe@pve!full", NULL, JOE);
    expect_permissions(
        &world, "joe@pve!sep", NULL,
        "{'/vms/100': {'VM.Audit': 0}, '/mapping/pci/gpu': {'Mapping.Audit': 1, 'Mapping.Use': 1}}");
    expect_permissions(&world, "eve@pve", NULL, "{}");
}

Test(access_report, tells_of_one_path_as_it_is_written)
{
    autoworld struct world world;
    make_world(&world, people);

    expect_permissions(&world, "joe@pve", "/vms/100", "{'/vms/100': {'VM.Audit': 0}}");
    expect_permissions(&world, "joe@pve", "vms//100/", "{'vms//100/': {'VM.Audit': 0}}");
    expect_permissions(&world, "joe@pve", "/vms", "{'/vms': {}}");
    expect_permissions(&world, "joe@pve", "/no/such/path", "{'/no/such/path': {}}");
    expect_permissions(&world, "joe@pve", "/access/realm/x", "{'/access/realm/x': " USERS "}");
}

Test(access_report, tells_all_paths_on_the_way_to_an_entry)
{
    static const char *const paths[] = {"/",
                                        "/access",
                                        "/access/groups",
                                        "/access/groups/secret",
                                        "/nodes",
                                        "/pool",
                                        "/sdn",
                                        "/storage",
                                        "/vms",
                                        "/vms/100",
                                        "/mapping",
                                        "/mapping/pci",
                                        "/mapping/pci/gpu"};
    struct identity root = {.user = "root@pam"};
    autoworld struct world world;
    make_world(&world, people);
    autojson json_t *told = NULL;
    struct error err;

    cr_assert_eq(report_permissions(world.access, &root, NULL, &told, &err), 0);
    cr_assert_eq(json_object_size(told), COUNT_OF(paths));
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        cr_expect_eq(json_object_size(json_object_get(told, paths[i])), PRIVILEGE_COUNT, "%s", paths[i]);
}

Test(access_report, finds_users_and_tokens_that_exist)
{
    autoworld struct world world;
    make_world(&world, people);
    struct identity who;
    struct error err;

    cr_assert_eq(report_find(world.access, "joe@pve!sep", &who, &err), 0);
    cr_assert_str_eq(who.user, "joe@pve");
    cr_assert_str_eq(who.token, "sep");
    cr_assert_eq(report_find(world.access, "gone@pve", &who, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('gone@pve')");
    cr_assert_eq(report_find(world.access, "gone@pve!sep", &who, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('gone@pve')");
    cr_assert_eq(report_find(world.access, "joe@pve!gone", &who, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such token 'gone' for user 'joe@pve'");
    cr_assert_eq(report_find(world.access, "j!oe@pve", &who, &err), -1);
    cr_assert_eq(report_find(world.access, "", &who, &err), -1);
}

Test(access_report, tells_what_each_part_of_the_interface_may_show)
{
    struct identity joe = {.user = "joe@pve"}, eve = {.user = "eve@pve"}, root = {.user = "root@pam"};
    autoworld struct world world;
    make_world(&world, people);
    struct error err;
    json_t *told;

    cr_assert_eq(report_interface_privileges(world.access, &eve, &told, &err), 0);
    fixture_expect_json(told, "{'vms': {}, 'access': {}, 'storage': {}, 'nodes': {}, 'sdn': {}, 'dc': {}, "
                              "'mapping': {}}");
    cr_assert_eq(report_interface_privileges(world.access, &joe, &told, &err), 0);
    fixture_expect_json(told, "{'vms': {'VM.Audit': 1}, 'access': " USERS ", 'storage': {}, 'nodes': {},"
                              " 'sdn': {}, 'dc': {}, 'mapping': {'Mapping.Audit': 1, 'Mapping.Use': 1}}");
    cr_assert_eq(report_interface_privileges(world.access, &root, &told, &err), 0);
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(told, "dc"), "Sys.Modify")), 1);
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(told, "mapping"), "Mapping.Modify")), 1);
    cr_assert_null(json_object_get(json_object_get(told, "mapping"), "VM.Audit"));
    json_decref(told);
}

static void update_realm(struct storage *storage, const char *id, const char *settings)
{
    autojson json_t *parsed = fixture_json(settings);
    struct error err;

    cr_assert_eq(realm_update(storage, id, parsed, &err), 0, "%s", err.message);
}

static void refuse_realm(struct storage *storage, const char *id, const char *settings, const char *message)
{
    autojson json_t *parsed = fixture_json(settings);
    struct error err;

    cr_assert_eq(realm_update(storage, id, parsed, &err), -1, "%s", settings);
    cr_expect_str_eq(err.message, message);
}

static void expect_realms(struct storage *storage, const char *text)
{
    struct error err;
    json_t *list;

    cr_assert_eq(realm_list(storage, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, text);
}

#define PAM "'realm': 'pam', 'type': 'pam', 'comment': 'Linux PAM standard authentication'"
#define PVE "'realm': 'pve', 'type': 'pve', 'comment': 'Proxmox VE authentication server'"

Test(access_realm, two_always_exist_and_one_may_be_offered_first)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    expect_realms(storage, "[{" PAM "}, {" PVE "}]");
    update_realm(storage, "pve", "{'default': 1}");
    expect_realms(storage, "[{" PAM "}, {" PVE ", 'default': 1}]");
    update_realm(storage, "pam", "{'default': 1, 'comment': 'ours'}");
    expect_realms(storage, "[{'realm': 'pam', 'type': 'pam', 'comment': 'ours', 'default': 1}, {" PVE "}]");
    update_realm(storage, "pam", "{'delete': 'default'}");
    expect_realms(storage, "[{'realm': 'pam', 'type': 'pam', 'comment': 'ours'}, {" PVE "}]");
    update_realm(storage, "pam", "{'comment': '', 'default': 0}");
    expect_realms(storage, "[{" PAM "}, {" PVE "}]");
}

Test(access_realm, refuses_what_makes_no_sense)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;
    json_t *shown;

    refuse_realm(storage, "ldap", "{'comment': 'x'}", "realm 'ldap' does not exist");
    refuse_realm(storage, "pam", "{'delete': 'type'}", "unknown option 'type'");
    refuse_realm(storage, "pam", "{'comment': 'x', 'delete': 'comment'}",
                 "'comment' is both set and deleted");
    refuse_realm(storage, "pam", "{'comment': 'x', 'digest': '00'}",
                 "detected modified configuration - file changed by other user? Try again.");
    cr_assert_eq(realm_read(storage, "ldap", &shown, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "realm 'ldap' does not exist");
    expect_realms(storage, "[{" PAM "}, {" PVE "}]");
}

Test(access_realm, changes_its_digest_with_its_settings)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autojson json_t *before = NULL, *after = NULL;
    struct error err;

    cr_assert_eq(realm_read(storage, "pve", &before, &err), 0);
    autofree char *change =
        xasprintf("{'comment': 'x', 'digest': '%s'}", json_string_value(json_object_get(before, "digest")));
    update_realm(storage, "pve", change);
    refuse_realm(storage, "pve", change,
                 "detected modified configuration - file changed by other user? Try again.");
    cr_assert_eq(realm_read(storage, "pve", &after, &err), 0);
    cr_assert_str_eq(json_string_value(json_object_get(after, "comment")), "x");
    cr_assert_str_neq(json_string_value(json_object_get(before, "digest")),
                      json_string_value(json_object_get(after, "digest")));
}
