/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions of this host a VM's hostpciN get: their assignment.
 *
 * A hostpciN gets functions that are reserved for the VM in three steps:
 *   1. availability.h  reads which functions this host has and which of them are reserved.
 *   2. assign.h        finds for every hostpciN functions that exist and are free.
 *   3. claim.h         does 1 and 2 and reserves what was found (reservation.h), and starts over when another
 *                      start was faster.
 * What the guest sees of them is decided later: vm/command/hostpci.c, with the addresses of vm/address.c.
 *
 * A hostpciN with `host` gets exactly the functions that it names. One with `mapping` gets the first
 * alternative of the mapping, in their order, that is still what the mapping says, that no other VM has, and
 * that no other hostpciN of this VM got. One with `mdev` gets a mediated device at the first parent that has
 * an instance of the type left; one that surely has comes before one that may have. `host` is served before
 * `mapping`, since it has no alternative.
 *
 * Nothing is changed or reserved here, and the result may be outdated as soon as it is made. */
#ifndef HOSTPCI_PASSTHROUGH_ASSIGN_ASSIGN_H
#define HOSTPCI_PASSTHROUGH_ASSIGN_ASSIGN_H

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "passthrough/assign/availability.h"
#include "storage/storage.h"
#include "vm/command/command.h"
#include "vm/hostpci.h"

struct assign {
    struct storage *storage; /* for the mappings */
    const struct availability *availability;
    const char *node;
    long long vmid;
    const json_t *config; /* as the VM's next start will see it */
    bool plugs;           /* for a VM that runs: what it has by other keys is not free either */
    pid_t process;        /* of that VM, for which claim_devices reserves; 0: for this process */
    bool on_paper;        /* nothing will be started, so the host need not have an IOMMU */
};

/* An alternative of a mapping that was not taken. */
struct passed_over {
    char *path;
    enum assign_refusal why;
    char *message;
};

/* What one hostpciN gets. */
struct assignment {
    bool configured;
    bool assigned; /* if not, `failure` says why */
    struct vm_hostpci hostpci;
    char **ids;              /* its functions, 0 first, or a mediated device's parent; ends with NULL */
    char uuid[VM_UUID_SIZE]; /* of a mediated device, else ""; also "" of a vGPU that is a function itself */
    bool live_migration;
    bool unsure; /* a mediated device for which its parent may have too little left (availability.h) */
    struct passed_over *passed_over;
    size_t passed_over_count;
    struct error failure;
};

struct assignments {
    struct assignment list[VM_HOSTPCI];
};
void assignments_release(struct assignments *assignments);
#define autoassignments __attribute__((cleanup(assignments_release)))

/* If one hostpciN gets nothing, the others get theirs all the same. */
void assign_devices(const struct assign *assign, struct assignments *ret);

/* The error of the first hostpciN that got nothing; 0 if all got theirs. */
int assignments_check(const struct assignments *assignments, struct error *err);

/* The mediated devices among them that are not made yet, for availability_count_left; a new reference. */
json_t *assignments_list_given(const struct assignments *assignments,
                               const struct availability *availability);

/* For vm_command_build. Points into the assignments. */
void assignments_to_command(const struct assignments *assignments, struct vm_assigned ret[static VM_HOSTPCI]);

#endif
