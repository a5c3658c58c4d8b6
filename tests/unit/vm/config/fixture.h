/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of vm/config/config.h: documents in one line, and what else is random always the same.
 */
#ifndef HOSTPCI_TESTS_UNIT_VM_CONFIG_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_VM_CONFIG_FIXTURE_H

#include "tests/unit/storage/fixture.h"
#include "vm/config/config.h"

/* The UUIDs are all 1 and all 2, netN's MAC is BC:24:11:AA:BB:N, the QEMU is 7.2.0, the time 1700000000. */
extern const struct vm_fresh config_fresh;
#define SMBIOS     "11111111-1111-4111-9111-111111111111"
#define GENERATION "22222222-2222-4222-a222-222222222222"

/* A change as a client sends it: JSON with ' for ", lists separated by blanks; NULL: none. */
struct config_wanted {
    const char *set, *remove, *revert;
    bool force, running, skip_lock;
};

/* The new document of an old one, or of no VM (NULL, on node n1); NULL and an error. */
json_t *config_try(const char *document, const struct config_wanted *wanted, struct error *err);

/* From a file; what is warned of must be `warnings`, a line each. */
json_t *config_read(const char *file, const char *warnings);

#endif
