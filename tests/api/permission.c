/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a token may do according to the entries of the ACL. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"

#define MAPPINGS "/cluster/mapping/pci"
#define ENTRY    "node=" NODE ",path=0000:01:00.0,id=10de:2484"
#define TOKEN    "root@pam!ci"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(permission, .init = start, .timeout = 120);

/* Grants the token that role on that path, and calls with it from now on. */
static void call_with_role(const char *path, const char *role)
{
    const json_t *created = post("/access/users/root@pam/token/ci", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    autofree char *entry = xasprintf("{'tokens':{'" TOKEN "':{'%s':1}}}", role);

    post(MAPPINGS, "id", "gpu", "map", ENTRY, NULL);
    post(MAPPINGS, "id", "spare", "map", ENTRY, NULL);
    daemon_stop();
    document_put("acl", path, entry);
    daemon_start_again();
    call_with_token(credential);
}

DAEMON_TEST(permission, list_of_mappings_shows_what_the_caller_may_see)
{
    call_with_role("/mapping/pci/gpu", "PVEMappingUser");
    const json_t *list = get(MAPPINGS, NULL);
    cr_assert_eq(json_array_size(list), 1);
    cr_assert(has_row(list, "id", "gpu"));
    get(MAPPINGS "/gpu", NULL);
    fails(403, "Permission check failed", "GET", MAPPINGS "/spare", NULL);
    fails(403, "Permission check failed (/mapping/pci/gpu, Mapping.Modify)", "PUT", MAPPINGS "/gpu", "map",
          ENTRY, NULL);
    fails(403, "Permission check failed (/mapping/pci, Mapping.Modify)", "DELETE", MAPPINGS "/gpu", NULL);
}

DAEMON_TEST(permission, to_change_one_mapping_is_not_to_create_or_delete)
{
    call_with_role("/mapping/pci/gpu", "PVEMappingAdmin");
    put(MAPPINGS "/gpu", "map", ENTRY, "description", "x", NULL);
    fails(403, "Permission check failed (/mapping/pci/spare, Mapping.Modify)", "PUT", MAPPINGS "/spare",
          "map", ENTRY, NULL);
    fails(403, "Permission check failed (/mapping/pci, Mapping.Modify)", "POST", MAPPINGS, "id", "new", "map",
          ENTRY, NULL);
    fails(403, "Permission check failed (/mapping/pci, Mapping.Modify)", "DELETE", MAPPINGS "/gpu", NULL);
}

DAEMON_TEST(permission, above_is_inherited)
{
    call_with_role("/mapping", "PVEMappingAdmin");
    cr_assert_eq(json_array_size(get(MAPPINGS, NULL)), 2);
    post(MAPPINGS, "id", "new", "map", ENTRY, NULL);
    delete (MAPPINGS "/gpu", NULL);
    fails(403, "Permission check failed (/, Sys.Audit|Sys.Modify)", "GET", "/nodes/" NODE "/hardware/pci",
          NULL);
}

DAEMON_TEST(permission, auditor_reads_everything_and_changes_nothing)
{
    call_with_role("/", "PVEAuditor");
    cr_assert(has(row(get("/nodes", NULL), "node", NODE), "maxcpu"));
    get("/nodes/" NODE "/status", NULL);
    get("/nodes/" NODE "/hardware/pci", NULL);
    get("/nodes/" NODE "/hardware/pci/0000:01:00.0/status", NULL);
    get("/nodes/" NODE "/hardware/iommu/groups", NULL);
    get("/nodes/" NODE "/hardware/mdev", NULL);
    get("/cluster/status", NULL);
    cr_assert_eq(json_array_size(get(MAPPINGS, NULL)), 2);
    fails(403, "Permission check failed (/mapping/pci/gpu, Mapping.Modify)", "PUT", MAPPINGS "/gpu", "map",
          ENTRY, NULL);
    fails(403, "Permission check failed", "DELETE", "/access/users/root@pam/token/ci", NULL);
}

/* Everybody may know that the node is there. */
DAEMON_TEST(permission, sizes_of_a_node_need_audit)
{
    call_with_role("/mapping", "PVEMappingUser");
    is_json(get("/cluster/resources", NULL), "[{'id':'node/" NODE "','node':'" NODE "','type':'node',"
                                             "'status':'online','level':''}]");
    cr_assert_not(has(row(get("/nodes", NULL), "node", NODE), "maxcpu"));
    fails(403, "Permission check failed (/, Sys.Audit)", "GET", "/cluster/status", NULL);
}

/* A caller without the permission does not find out whether the node, or a parameter, was right. */
DAEMON_TEST(permission, comes_before_the_node_and_the_parameters)
{
    call_with_role("/mapping", "PVEMappingUser");
    fails(403, "Permission check failed (/nodes/pve9, Sys.Audit)", "GET", "/nodes/pve9/status", NULL);
    fails(403, "Permission check failed (/, Sys.Audit|Sys.Modify)", "GET", "/nodes/" NODE "/hardware/pci",
          "verbose", "perhaps", NULL);
}

DAEMON_TEST(permission, of_a_deleted_token_is_not_inherited_by_the_next_of_its_name)
{
    call_with_role("/", "PVEAuditor");
    call_with_token(NULL);
    delete ("/access/users/root@pam/token/ci", NULL);
    const json_t *created = post("/access/users/root@pam/token/ci", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    call_with_token(credential);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Audit)", "GET", "/nodes/" NODE "/status", NULL);
}
