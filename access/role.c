/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges and the built-in roles. */
#include "access/role.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/endpoint.h"

#define PRIVILEGE(name) name,
const char *const privilege_names[PRIVILEGE_COUNT] = {
#include "access/privileges.def"
};
#undef PRIVILEGE

#define VM_USER                                                                                              \
    "VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt",         \
        "VM.GuestAgent.Audit", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileWrite",                          \
        "VM.GuestAgent.FileSystemMgmt"
#define VM_ADMIN                                                                                             \
    VM_USER, "VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Replicate", "VM.Snapshot", "VM.Snapshot.Rollback", \
        "VM.GuestAgent.Unrestricted", "VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory",                 \
        "VM.Config.Network", "VM.Config.HWType", "VM.Config.Options"
#define SYS_ADMIN       "Sys.Audit", "Sys.Console", "Sys.Syslog"
#define DATASTORE_USER  "Datastore.Audit", "Datastore.AllocateSpace"
#define DATASTORE_ADMIN DATASTORE_USER, "Datastore.Allocate", "Datastore.AllocateTemplate"
#define SDN_USER        "SDN.Audit", "SDN.Use"
#define SDN_ADMIN       SDN_USER, "SDN.Allocate"
#define POOL_USER       "Pool.Audit"
#define POOL_ADMIN      POOL_USER, "Pool.Allocate"
#define MAPPING_USER    "Mapping.Audit", "Mapping.Use"
#define MAPPING_ADMIN   MAPPING_USER, "Mapping.Modify"
#define USER_ADMIN      "User.Modify", "Group.Allocate", "Realm.AllocateUser"
#define ADMIN           VM_ADMIN, SYS_ADMIN, DATASTORE_ADMIN, SDN_ADMIN, POOL_ADMIN, MAPPING_USER, USER_ADMIN
#define ADMINISTRATOR                                                                                        \
    ADMIN, "Mapping.Modify", "Permissions.Modify", "Sys.PowerMgmt", "Sys.Modify", "Sys.Incoming",            \
        "Sys.AccessNetwork", "Realm.Allocate"
#define AUDITOR                                                                                              \
    "Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit",                  \
        "VM.GuestAgent.Audit"

const struct role builtin_roles[] = {
    {"Administrator", VALUES(ADMINISTRATOR)},
    {ROLE_NO_ACCESS, (const char *const[]){NULL}},
    {"PVEAdmin", VALUES(ADMIN)},
    {"PVEAuditor", VALUES(AUDITOR)},
    {"PVEDatastoreAdmin", VALUES(DATASTORE_ADMIN)},
    {"PVEDatastoreUser", VALUES(DATASTORE_USER)},
    {"PVEMappingAdmin", VALUES(MAPPING_ADMIN)},
    {"PVEMappingUser", VALUES(MAPPING_USER)},
    {"PVEPoolAdmin", VALUES(POOL_ADMIN)},
    {"PVEPoolUser", VALUES(POOL_USER)},
    {"PVESDNAdmin", VALUES(SDN_ADMIN)},
    {"PVESDNUser", VALUES(SDN_USER)},
    {"PVESysAdmin", VALUES(SYS_ADMIN)},
    {"PVETemplateUser", VALUES("VM.Clone", "VM.Audit")},
    {"PVEUserAdmin", VALUES(USER_ADMIN)},
    {"PVEVMAdmin", VALUES(VM_ADMIN)},
    {"PVEVMUser", VALUES(VM_USER)},
};
const size_t builtin_role_count = COUNT_OF(builtin_roles);

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

uint64_t privilege_find(const char *name)
{
    const char *const *found =
        bsearch(name, privilege_names, PRIVILEGE_COUNT, sizeof(privilege_names[0]), compare_name);

    return found != NULL ? UINT64_C(1) << (found - privilege_names) : 0;
}

static uint64_t set_of_names(const char *const *names)
{
    uint64_t set = 0;

    for (; *names != NULL; names++)
        set |= privilege_find(*names);
    return set;
}

uint64_t privilege_set(const json_t *names)
{
    uint64_t set = 0;
    json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
        if (json_is_string(name))
            set |= privilege_find(json_string_value(name));
    return set;
}

bool role_is_builtin(const char *name)
{
    for (size_t i = 0; i < builtin_role_count; i++)
        if (strcmp(builtin_roles[i].name, name) == 0)
            return true;
    return false;
}

json_t *role_sets(const json_t *documents)
{
    json_t *sets = json_object(), *document;
    const char *id;

    json_object_foreach((json_t *)documents, id, document)
        json_object_set_new(sets, id,
                            json_integer((json_int_t)privilege_set(json_object_get(document, "privs"))));
    for (size_t i = 0; i < builtin_role_count; i++)
        json_object_set_new(sets, builtin_roles[i].name,
                            json_integer((json_int_t)set_of_names(builtin_roles[i].privileges)));
    return sets;
}
