/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may do what where: one large installation, and what each of its users and tokens holds on many paths.
 *
 * The expectations are lists of a sign and a privilege: "+" is held and is inherited by what lies below, "="
 * is held here only, "-" is not held. (The flag is what /access/permissions shows as 1, 0 or not at all.) */
#include <criterion/criterion.h>
#include <string.h>

#include "access/access.h"
#include "access/acl.h"
#include "access/role.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

static const char *const installation[] = {
    "user:root@pam:",
    "user:ann@pve:",
    "user:ben@pve:",
    "user:cat@pve:",
    "user:dan@pve:",
    "user:eve@pve:",
    "user:fay@pve:",
    "token:root@pam!full:0:0:",
    "token:root@pam!sep:0:1:",
    "token:root@pam!bare:0:1:",
    "token:ann@pve!full:0:0:",
    "token:ann@pve!sep:0:1:",
    "token:ben@pve!sep:0:1:",
    "token:cat@pve!sep:0:1:",
    "token:dan@pve!full:0:0:",
    "token:fay@pve!sep:0:1:",
    "group:staff:ann@pve,ben@pve,fay@pve:",
    "group:leads:ann@pve:",
    "group:night:cat@pve,fay@pve:",
    "role:Operator:VM.Audit,VM.PowerMgmt:",
    "role:Reader:VM.Audit:",
    "role:Empty::",

    "acl:1:/:@staff:PVEAuditor:",
    "acl:0:/:dan@pve:Administrator:",
    "acl:1:/vms:@staff:PVEVMUser:",
    "acl:1:/vms/100:ann@pve:PVEVMAdmin:",
    "acl:0:/vms/101:ann@pve:Operator:",
    "acl:1:/vms/102:@staff:NoAccess:",
    "acl:1:/vms/103:ann@pve:NoAccess:",
    "acl:1:/vms/104:@night:Operator:",
    "acl:1:/vms/104:@staff:NoAccess:",
    "acl:1:/vms/105:@night:Operator:",
    "acl:0:/vms/105:@staff:PVEDatastoreUser,Reader:",
    "acl:1:/vms/106:ben@pve:Empty:",
    "acl:1:/vms/107:ben@pve:Gone:",
    "acl:0:/vms/108:ben@pve:NoAccess:",
    "acl:1:/vms/109:ben@pve:Operator:",
    "acl:0:/vms/109:ben@pve:NoAccess:",
    "acl:0:/vms/110:ben@pve:Operator:",
    "acl:1:/vms/110:ben@pve:Reader:",
    "acl:1:/vms/111:@void:Administrator:",
    "acl:1:/vms/112:gus@pve:Administrator:",
    "acl:1:/nodes:@night:PVESysAdmin:",
    "acl:1:/nodes/pve2:cat@pve:NoAccess:",
    "acl:1:/nodes/pve3:@night:NoAccess:",
    "acl:1:/nodes/pve3:cat@pve:PVESysAdmin:",
    "acl:0:/nodes/pve4:cat@pve:Empty:",
    "acl:1:/mapping:dan@pve:PVEMappingUser:",
    "acl:1:/mapping/pci/gpu:dan@pve:PVEMappingAdmin:",
    "acl:0:/mapping/usb:dan@pve:PVEMappingAdmin:",
    "acl:1:/mapping/pci/a:@night:PVEMappingAdmin:",
    "acl:1:/access/groups/night:ann@pve:PVEUserAdmin:",
    "acl:1:/access/realm/pve:@leads:PVEUserAdmin:",
    "acl:1:/pool/lab/x/y:dan@pve:PVEPoolAdmin:",
    "acl:1:/sdn/zones/z/v/7:dan@pve:PVESDNAdmin:",

    "acl:1:/:ann@pve!sep:PVEAuditor:",
    "acl:1:/vms:ann@pve!sep:PVEVMAdmin:",
    "acl:0:/vms/101:ann@pve!sep:Reader:",
    "acl:1:/vms/103:ann@pve!sep:Administrator:",
    "acl:1:/vms/120:ann@pve!sep:NoAccess:",
    "acl:0:/vms/121:ann@pve!sep:Operator:",
    "acl:1:/vms/100:ann@pve!full:NoAccess:",
    "acl:1:/:ben@pve!sep:Administrator:",
    "acl:1:/vms/104:fay@pve!sep:Administrator:",
    "acl:1:/vms/105:fay@pve!sep:Administrator:",
    "acl:1:/vms:root@pam!sep:PVEVMAdmin:",
    "acl:0:/nodes:root@pam!sep:PVESysAdmin:",
    "acl:1:/storage:root@pam!sep:Administrator:",
    "acl:1:/storage/local:root@pam!sep:NoAccess:",
    "acl:1:/:root@pam!full:NoAccess:",
    "acl:1:/:root@pam:NoAccess:",
    NULL,
};

static const struct {
    const char *who;
    const char *path;
    const char *expected;
} cases[] = {
    /* root@pam holds everything everywhere, whatever the entries say */
    {"root@pam", "/", "+Sys.Modify +Permissions.Modify +Realm.Allocate"},
    {"root@pam", "/vms/102", "+VM.Allocate +VM.Audit"},
    {"root@pam", "/nowhere/at/all", "+Mapping.Modify"},

    /* its tokens do not: without separation they hold what it holds, else their own entries alone */
    {"root@pam!full", "/", "+Sys.Modify +Permissions.Modify"},
    {"root@pam!full", "/vms/102", "+VM.Allocate"},
    {"root@pam!bare", "/", "-Sys.Audit -VM.Audit"},
    {"root@pam!bare", "/vms/100", "-VM.Audit"},
    {"root@pam!gone", "/", "-Sys.Audit"},
    {"root@pam!sep", "/", "-VM.Audit -Sys.Audit"},
    {"root@pam!sep", "/vms", "+VM.Audit +VM.Allocate +VM.Config.HWType -Sys.Audit"},
    {"root@pam!sep", "/vms/100", "+VM.Audit +VM.Snapshot.Rollback -Permissions.Modify"},
    {"root@pam!sep", "/nodes", "=Sys.Audit =Sys.Console =Sys.Syslog -Sys.Modify"},
    {"root@pam!sep", "/nodes/pve1", "-Sys.Audit -Sys.Console"},
    {"root@pam!sep", "/storage", "+Datastore.Allocate +Sys.Modify"},
    {"root@pam!sep", "/storage/other", "+Datastore.Allocate +Sys.Modify"},
    {"root@pam!sep", "/storage/local", "-Datastore.Allocate -Sys.Modify"},
    {"root@pam!sep", "/mapping/pci/gpu", "-Mapping.Use"},

    /* nobody, a user who does not exist and a user without entries hold nothing */
    {"", "/", "-Sys.Audit"},
    {"", "/vms/100", "-VM.Audit"},
    {"eve@pve", "/", "-Sys.Audit -VM.Audit"},
    {"eve@pve", "/vms/100", "-VM.Audit"},
    {"eve@pve", "/mapping/pci/gpu", "-Mapping.Use"},
    {"gus@pve", "/vms/112", "-VM.Audit -VM.Allocate"},
    {"Ann@pve", "/vms/100", "-VM.Audit"},
    {"ann@pam", "/vms/100", "-VM.Audit"},
    {"ann@PVE", "/vms/100", "-VM.Audit"},
    {"staff", "/vms", "-VM.Audit"},
    {"@staff", "/vms", "-VM.Audit"},

    /* a group's entry counts for its members, and is inherited */
    {"ann@pve", "/",
     "+Sys.Audit +VM.Audit +Datastore.Audit +Mapping.Audit +Pool.Audit +SDN.Audit +VM.GuestAgent.Audit"},
    {"ann@pve", "/", "-VM.Console -Sys.Modify -Sys.Console -Mapping.Use -Permissions.Modify -User.Modify"},
    {"ben@pve", "/", "+Sys.Audit +Pool.Audit -Pool.Allocate"},
    {"fay@pve", "/", "+Sys.Audit +SDN.Audit -SDN.Use"},
    {"cat@pve", "/", "-Sys.Audit -VM.Audit"},
    {"ann@pve", "/nodes", "+Sys.Audit -Sys.Console"},
    {"ann@pve", "/nodes/pve1", "+Sys.Audit -Sys.Modify"},
    {"ann@pve", "/mapping/pci/gpu", "+Mapping.Audit -Mapping.Use"},
    {"ann@pve", "/storage/local", "+Datastore.Audit -Datastore.AllocateSpace"},
    {"ann@pve", "/sdn/zones/z/v", "+SDN.Audit"},
    {"ann@pve", "/a/b/c/d/e/f/g/h", "+Sys.Audit +VM.Audit"},

    /* the nearer entry replaces all that was inherited, not only what it names */
    {"ann@pve", "/vms", "+VM.Audit +VM.Console +VM.PowerMgmt +VM.Backup +VM.GuestAgent.FileRead"},
    {"ann@pve", "/vms", "-Sys.Audit -Datastore.Audit -Mapping.Audit -VM.Allocate -VM.Config.HWType"},
    {"ben@pve", "/vms/999", "+VM.Audit +VM.Console +VM.GuestAgent.FileWrite -VM.Migrate"},
    {"ann@pve", "/vms/100", "+VM.Allocate +VM.Config.HWType +VM.Audit +VM.Migrate -Sys.Audit"},
    {"ben@pve", "/vms/100", "+VM.Audit +VM.Console -VM.Allocate -VM.Config.HWType"},
    {"cat@pve", "/vms/100", "-VM.Audit"},
    {"ann@pve", "/vms/10", "+VM.Console -VM.Allocate"},
    {"ann@pve", "/vms/1000", "+VM.Console -VM.Allocate"},
    {"ann@pve", "/vms/100/below", "+VM.Allocate +VM.Config.HWType"},

    /* without propagation an entry counts on its own path, and replaces there what was inherited */
    {"ann@pve", "/vms/101", "=VM.Audit =VM.PowerMgmt -VM.Console -VM.Backup"},
    {"ann@pve", "/vms/101/below", "+VM.Audit +VM.PowerMgmt +VM.Console"},
    {"ben@pve", "/vms/101", "+VM.Audit +VM.Console"},
    {"dan@pve", "/", "=Sys.Modify =Permissions.Modify =VM.Allocate =Mapping.Modify"},
    {"dan@pve", "/vms", "-VM.Allocate -Permissions.Modify"},
    {"dan@pve", "/access", "-Sys.Modify -Permissions.Modify"},
    {"dan@pve", "/nodes/pve1", "-Sys.Audit"},

    /* NoAccess among what is left takes all away, for a user and for a group */
    {"ann@pve", "/vms/102", "-VM.Audit -VM.Console -Sys.Audit"},
    {"ben@pve", "/vms/102", "-VM.Audit -VM.Console"},
    {"fay@pve", "/vms/102/below", "-VM.Audit"},
    {"ann@pve", "/vms/103", "-VM.Audit -VM.Console"},
    {"ben@pve", "/vms/103", "+VM.Audit +VM.Console"},
    {"fay@pve", "/vms/104", "-VM.Audit -VM.PowerMgmt"},
    {"ann@pve", "/vms/104", "-VM.Audit"},
    {"cat@pve", "/vms/104", "+VM.Audit +VM.PowerMgmt -VM.Console"},
    {"ben@pve", "/vms/108", "-VM.Audit -VM.Console"},
    {"ben@pve", "/vms/108/below", "+VM.Audit +VM.Console"},
    {"ben@pve", "/vms/109", "-VM.Audit -VM.PowerMgmt"},
    {"ben@pve", "/vms/109/below", "+VM.Audit +VM.PowerMgmt -VM.Console"},
    {"cat@pve", "/nodes/pve2", "-Sys.Audit -Sys.Console"},
    {"fay@pve", "/nodes/pve2", "+Sys.Audit +Sys.Console"},

    /* what one of several groups gives counts, each with its own propagation */
    {"fay@pve", "/vms/105", "+VM.Audit +VM.PowerMgmt =Datastore.Audit =Datastore.AllocateSpace -VM.Console"},
    {"fay@pve", "/vms/105/below", "+VM.Audit +VM.PowerMgmt -Datastore.Audit"},
    {"ann@pve", "/vms/105", "=VM.Audit =Datastore.Audit =Datastore.AllocateSpace -VM.PowerMgmt"},
    {"ann@pve", "/vms/105/below", "+VM.Audit +VM.Console -Datastore.AllocateSpace"},
    {"cat@pve", "/vms/105", "+VM.Audit +VM.PowerMgmt -Datastore.Audit"},
    {"fay@pve", "/nodes", "+Sys.Audit +Sys.Console +Sys.Syslog -VM.Audit"},
    {"fay@pve", "/nodes/pve1", "+Sys.Console -Pool.Audit"},
    {"fay@pve", "/mapping/pci/a", "+Mapping.Modify +Mapping.Use -Sys.Audit"},
    {"fay@pve", "/mapping/pci/b", "+Mapping.Audit -Mapping.Modify"},
    {"cat@pve", "/mapping/pci/a", "+Mapping.Modify +Mapping.Use +Mapping.Audit"},
    {"cat@pve", "/mapping/pci", "-Mapping.Audit"},

    /* on one level a user's own entry counts before those of the groups */
    {"cat@pve", "/nodes", "+Sys.Audit +Sys.Console"},
    {"cat@pve", "/nodes/pve3", "+Sys.Audit +Sys.Console"},
    {"fay@pve", "/nodes/pve3", "-Sys.Audit -Sys.Console"},
    {"cat@pve", "/nodes/pve4", "-Sys.Audit -Sys.Console"},
    {"cat@pve", "/nodes/pve4/below", "+Sys.Audit +Sys.Console"},
    {"fay@pve", "/nodes/pve4", "+Sys.Audit +Sys.Console"},

    /* a role without privileges replaces, one that is gone does not; of two roles the propagating one counts
     */
    {"ben@pve", "/vms/106", "-VM.Audit -VM.Console"},
    {"ann@pve", "/vms/106", "+VM.Audit +VM.Console"},
    {"ben@pve", "/vms/107", "+VM.Audit +VM.Console"},
    {"ben@pve", "/vms/110", "+VM.Audit =VM.PowerMgmt -VM.Console"},
    {"ben@pve", "/vms/110/below", "+VM.Audit -VM.PowerMgmt"},

    /* entries of a group that does not exist, or is empty, count for nobody and replace nothing */
    {"ann@pve", "/vms/111", "+VM.Audit +VM.Console -VM.Allocate"},
    {"eve@pve", "/vms/111", "-VM.Audit"},

    /* whole names match: neither their beginnings nor their neighbours */
    {"dan@pve", "/mapping", "+Mapping.Use +Mapping.Audit -Mapping.Modify"},
    {"dan@pve", "/mapping/pci", "+Mapping.Use -Mapping.Modify"},
    {"dan@pve", "/mapping/pci/gpu", "+Mapping.Modify +Mapping.Use +Mapping.Audit"},
    {"dan@pve", "/mapping/pci/gpu2", "+Mapping.Use -Mapping.Modify"},
    {"dan@pve", "/mapping/pci/gp", "+Mapping.Use -Mapping.Modify"},
    {"dan@pve", "/mapping/usb", "=Mapping.Modify =Mapping.Use =Mapping.Audit"},
    {"dan@pve", "/mapping/usb/key", "+Mapping.Use -Mapping.Modify"},
    {"dan@pve", "/mappings", "-Mapping.Use"},
    {"dan@pve", "/mapping/usb/gpu", "-Mapping.Modify"},
    {"dan@pve", "/pool/lab/x/y", "+Pool.Allocate +Pool.Audit"},
    {"dan@pve", "/pool/lab/x", "-Pool.Allocate -Pool.Audit"},
    {"dan@pve", "/pool/lab/x/y/z", "+Pool.Allocate"},
    {"dan@pve", "/sdn/zones/z/v/7", "+SDN.Allocate +SDN.Use"},
    {"dan@pve", "/sdn/zones/z/v/77", "-SDN.Use"},
    {"dan@pve", "/sdn", "-SDN.Use"},
    {"ann@pve", "/access", "+Sys.Audit -User.Modify"},
    {"ann@pve", "/access/groups", "+Sys.Audit -User.Modify"},
    {"ann@pve", "/access/groups/night", "+User.Modify +Group.Allocate +Realm.AllocateUser -Sys.Audit"},
    {"ann@pve", "/access/groups/staff", "+Sys.Audit -User.Modify"},
    {"ann@pve", "/access/realm/pve", "+Realm.AllocateUser +User.Modify -Realm.Allocate"},
    {"ann@pve", "/access/realm/pam", "-Realm.AllocateUser"},
    {"ben@pve", "/access/realm/pve", "+Sys.Audit -Realm.AllocateUser"},

    /* paths are normalised before */
    {"ann@pve", "//vms///100//", "+VM.Allocate"},
    {"ann@pve", "vms/100", "+VM.Allocate"},
    {"ann@pve", "", "+Sys.Audit -VM.Console"},
    {"ann@pve", "///", "+Sys.Audit -VM.Console"},
    {"ann@pve", "/vms/./100", "+VM.Console -VM.Allocate"},
    {"ann@pve", "/vms/../vms/100", "+VM.Console -VM.Allocate"},
    {"ann@pve", "/VMS/100", "+VM.Audit +Sys.Audit -VM.Console"},

    /* a token without separation is its user; entries for it count nothing */
    {"ann@pve!full", "/", "+Sys.Audit -VM.Console"},
    {"ann@pve!full", "/vms", "+VM.Console -VM.Allocate"},
    {"ann@pve!full", "/vms/100", "+VM.Allocate +VM.Config.HWType"},
    {"ann@pve!full", "/vms/101", "=VM.Audit =VM.PowerMgmt -VM.Console"},
    {"ann@pve!full", "/vms/103", "-VM.Audit"},
    {"dan@pve!full", "/", "=Permissions.Modify =Sys.Modify"},
    {"dan@pve!full", "/mapping/pci/gpu", "+Mapping.Modify"},

    /* one with separation holds what both hold, and what both inherit is inherited */
    {"ann@pve!sep", "/", "+Sys.Audit +VM.Audit -VM.Console"},
    {"ann@pve!sep", "/nodes/pve1", "+Sys.Audit -Sys.Console"},
    {"ann@pve!sep", "/vms", "+VM.Audit +VM.Console -VM.Allocate -Sys.Audit"},
    {"ann@pve!sep", "/vms/100", "+VM.Audit +VM.Allocate +VM.Config.HWType"},
    {"ann@pve!sep", "/vms/101", "=VM.Audit -VM.PowerMgmt -VM.Console"},
    {"ann@pve!sep", "/vms/101/below", "+VM.Audit +VM.Console -VM.Allocate"},
    {"ann@pve!sep", "/vms/102", "-VM.Audit"},
    {"ann@pve!sep", "/vms/103", "-VM.Audit -Sys.Modify"},
    {"ann@pve!sep", "/vms/120", "-VM.Audit"},
    {"ann@pve!sep", "/vms/121", "=VM.Audit =VM.PowerMgmt -VM.Console"},
    {"ann@pve!sep", "/access/groups/night", "-User.Modify -Sys.Audit"},
    {"ben@pve!sep", "/", "+Sys.Audit +VM.Audit -Sys.Modify -VM.Console"},
    {"ben@pve!sep", "/vms", "+VM.Console -VM.Allocate -Sys.Audit"},
    {"ben@pve!sep", "/vms/108", "-VM.Audit"},
    {"ben@pve!sep", "/vms/110", "+VM.Audit =VM.PowerMgmt -VM.Console"},

    /* the groups of its user never count for the token itself */
    {"cat@pve!sep", "/nodes", "-Sys.Audit -Sys.Console"},
    {"cat@pve!sep", "/mapping/pci/a", "-Mapping.Use"},
    {"fay@pve!sep", "/", "-Sys.Audit"},
    {"fay@pve!sep", "/vms", "-VM.Audit"},
    {"fay@pve!sep", "/vms/104", "-VM.Audit"},
    {"fay@pve!sep", "/vms/105", "+VM.Audit +VM.PowerMgmt =Datastore.Audit -VM.Console"},

    /* a token belongs to one user, and must exist */
    {"ben@pve!full", "/", "-Sys.Audit"},
    {"eve@pve!sep", "/", "-Sys.Audit"},
    {"ann@pve!SEP", "/vms", "-VM.Audit"},
};

static char sign_of(const struct acl_rights *rights, const char *privilege)
{
    uint64_t bit = privilege_find(privilege);

    cr_assert_neq(bit, 0, "there is no privilege '%s'", privilege);
    return (rights->held & bit) == 0 ? '-' : (rights->inherited & bit) != 0 ? '+' : '=';
}

/* Returns how many expectations there were. */
static unsigned check_case(const struct snapshot *snapshot, size_t i)
{
    autofree char *copy = xstrdup(cases[i].expected);
    struct identity identity = identity_of(cases[i].who);
    char path[ACL_PATH_SIZE], *rest = copy;
    unsigned count = 0;

    cr_assert(acl_normalise_path(cases[i].path, path));
    struct acl_rights rights = acl_rights(snapshot, &identity, path);
    cr_expect_eq(rights.inherited & ~rights.held, 0, "what is not held cannot be handed on");
    for (char *word; (word = strsep(&rest, " ")) != NULL; count++) {
        char sign = sign_of(&rights, word + 1);
        cr_expect_eq(sign, word[0], "%s on '%s': %s is '%c'", cases[i].who, cases[i].path, word, sign);
    }
    return count;
}

Test(access_table, everybody_holds_what_the_rules_give)
{
    autoworld struct world world;
    make_world(&world, installation);
    struct snapshot *snapshot;
    unsigned count = 0;
    struct error err;

    cr_assert_eq(access_snapshot(world.access, &snapshot, &err), 0, "%s", err.message);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        count += check_case(snapshot, i);
    cr_assert_geq(count, 200);
    snapshot_release(snapshot);
}
