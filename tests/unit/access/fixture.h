/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests about who may do what: a database with users, groups, roles and entries.
 *
 * They are written as Proxmox VE writes them (user.cfg):
 *   user:ID:   group:ID:MEMBERS:   role:ID:PRIVILEGES:   token:USER!ID:EXPIRE:PRIVSEP:
 *   acl:PROPAGATE:PATH:IDS:ROLES:  (of a group, @ID) */
#ifndef HOSTPCI_TESTS_UNIT_ACCESS_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_ACCESS_FIXTURE_H

#include "access/access.h"
#include "tests/unit/storage/fixture.h"

struct world {
    struct fixture fixture;
    struct storage *storage;
    struct access *access; /* with keys in the fixture's folder */
};

/* Lines end with NULL. */
void make_world(struct world *world, const char *const *lines);
void end_world(struct world *world);
#define autoworld __attribute__((cleanup(end_world)))

/* "joe@pve" or "joe@pve!ci" */
struct identity identity_of(const char *who);

/* Expects all documents of the kind to be the JSON in `text` (with ' for "). */
void expect_documents(struct world *world, const char *kind, const char *text);

#endif
