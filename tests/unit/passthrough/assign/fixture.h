/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests about who gets which device: a host that make-host knows, and a database. */
#ifndef HOSTPCI_TESTS_UNIT_PASSTHROUGH_ASSIGN_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_PASSTHROUGH_ASSIGN_FIXTURE_H

#include "passthrough/assign/claim.h"
#include "tests/unit/hardware/fixture.h"
#include "tests/unit/storage/fixture.h"

#define WORLD_NODE "pve1"

struct world {
    struct fixture fixture;
    struct tree tree;
    struct storage *storage;
    struct inventory_source *source;
    struct reservations reservations;
};

void world_make(struct world *world, const char *host);
void world_remove(struct world *world);
#define autoworld __attribute__((cleanup(world_remove)))

/* A PCI mapping; the body is JSON with ' for ". */
void world_add_mapping(const struct world *world, const char *id, const char *body);

/* Reserves it for the VM. */
void world_reserve_item(const struct world *world, long long vmid, const struct reservation *item);
void world_reserve(const struct world *world, long long vmid, const char *device);

/* claim_devices of a VM with that configuration; *ret is world_describe's. */
int world_claim(const struct world *world, long long vmid, const char *config, char **ret, struct error *err);

/* Of each hostpciN "ID ID", "ID=UUID" of a mediated device, or "! why not"; one after the other. The caller
 * frees it. */
char *world_describe(const struct assignments *assignments);

#endif
