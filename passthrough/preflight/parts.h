/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of a VM's start share (hardware/check/check.h): all that they look at, values of the
 * configuration, evidence and remedies. For the files of this folder. */
#ifndef HOSTPCI_PASSTHROUGH_PREFLIGHT_PARTS_H
#define HOSTPCI_PASSTHROUGH_PREFLIGHT_PARTS_H

#include <sys/stat.h>

#include "base/json.h"
#include "hardware/check/check.h"
#include "passthrough/preflight/preflight.h"

/* What a start of the VM would see. */
struct inspection {
    const struct preflight *what;
    json_t *config; /* with pending changes, as a start would use it */
    struct availability availability;
    const struct inventory *inventory; /* the one of availability */
    struct facts facts;
    json_t *memory,
        *cpus; /* of the host: bytes of memory and processors, as in hardware/host.h; {} if unknown */
    struct assignments assignments;
    json_t *described; /* {ID: as readiness_describe_device}: the functions that are passed through whole */
    json_t *states;    /* {ID: what the broker knows of it}; empty where no broker answers */
    json_t *host;      /* as readiness_describe_host; NULL unless a function is to be given */
    bool q35, ovmf;    /* of the VM */
};

/* What each file declares. */
extern check_list preflight_vm_checks, preflight_hardware_checks, preflight_device_checks,
    preflight_command_checks, preflight_file_checks, preflight_rom_checks, preflight_advice_checks,
    preflight_viommu_checks;

/* Values of the configuration; "", or the fallback, if unset. */
const char *preflight_text(const struct inspection *inspection, const char *key);
long long preflight_number(const struct inspection *inspection, const char *key, long long fallback);

/* The keys of a property string; empty if it is not set, or cannot be parsed (which the check command-line
 * reports). */
json_t *preflight_values(const struct inspection *inspection, const char *key);

/* Evidence "KEY: VALUE", or "KEY: not set". */
void preflight_show_key(const struct inspection *inspection, const char *key, struct findings *ret);

/* A remedy's line, its words (the last is NULL) quoted for a shell, since text that others configured is
 * pasted into one.
 */
void preflight_remedy_command(const char *const *words, struct findings *ret);
/* "hostpci qm set 100 -KEY VALUE" */
void preflight_remedy_set(const struct inspection *inspection, const char *key, const char *value,
                          struct findings *ret);
/* "hostpci qm set 100 -delete KEY" */
void preflight_remedy_delete(const struct inspection *inspection, const char *key, struct findings *ret);
/* The key's property string with one property changed to the value (taken), or, if that is NULL, without it.
 */
void preflight_remedy_edit(const struct inspection *inspection, const char *key, const char *property,
                           json_t *value, struct findings *ret);

/* Whether a file exists. If not, this begins the finding that says so: for a hidden file, which this
 * daemon may not access, only preflight_add_absent is left to do; for a missing one add a remedy before.
 * `what` is "the volume", "the ROM". */
enum preflight_presence { PREFLIGHT_FILE_THERE, PREFLIGHT_FILE_MISSING, PREFLIGHT_FILE_HIDDEN };
enum preflight_presence preflight_find_file(const char *path, struct stat *ret_status, struct findings *ret);
void preflight_add_absent(const char *key, const char *what, const char *path,
                          enum preflight_presence presence, struct findings *ret);

/* Changes the machine's type to the other kind. */
void preflight_remedy_machine(const struct inspection *inspection, bool q35, struct findings *ret);

/* Each hostpciN that is set, in order: its key, and its assignment; false at the end. Starts with *at 0. */
struct preflight_hostpci {
    unsigned index;
    char key[16];
    const struct assignment *assignment;
};
bool preflight_next(const struct inspection *inspection, unsigned *at, struct preflight_hostpci *ret);

/* Whether the VM gets the functions themselves, not a mediated device of theirs. */
bool preflight_is_whole(const struct assignment *assignment);

/* One of the assigned functions, by its index; NULL if it is gone. */
const struct pci_device *preflight_device(const struct inspection *inspection,
                                          const struct assignment *assignment, size_t at);

/* The first graphics card among them, NULL if there is none. */
const struct pci_device *preflight_display(const struct inspection *inspection,
                                           const struct assignment *assignment);

/* The list detaches of what the start takes for one hostpciN: [{id, driver}], a new reference. */
json_t *preflight_detaches(const struct inspection *inspection, const struct assignment *assignment);

/* Fills described, states and host. */
void preflight_describe(struct inspection *inspection);

#endif
