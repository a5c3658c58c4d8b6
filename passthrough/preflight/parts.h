/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of a VM's start, and what they share. For the files preflight*.c only.
 *
 * All are in the one table of preflight.c, with the sentence of the manual that each answers; docs/checks.md
 * is printed from it. A check reads and never changes anything, and says as much as it finds, one finding
 * for each key that it concerns. Only one that is marked `blocks` may find an error. */
#ifndef HOSTPCI_PASSTHROUGH_PREFLIGHT_PARTS_H
#define HOSTPCI_PASSTHROUGH_PREFLIGHT_PARTS_H

#include "base/json.h"
#include "hardware/check/check.h"
#include "passthrough/preflight/preflight.h"

struct preflight_row;

/* What a start would find. */
struct inspection {
    const struct preflight *what;
    const struct preflight_row *row; /* the check that runs */
    json_t *config;                  /* as the start sees it */
    struct availability availability;
    const struct inventory *inventory; /* the one of availability */
    struct facts facts;
    json_t *memory, *cpus; /* of the host: bytes of memory and processors as hardware/host.h tells; {} */
    struct assignments choices;
    json_t *seen;      /* {ID: as readiness_describe_device}: functions that are given as they are */
    json_t *states;    /* {ID: what the broker knows of it}; none where no broker answers */
    json_t *host;      /* as readiness_describe_host; NULL unless a function is to be given */
    bool q35, ovmf;    /* of the VM */
    struct told *list; /* what was found so far */
    size_t count;
};

struct told {
    char id[64]; /* of the check */
    struct finding finding;
};

typedef void preflight_check_fn(struct inspection *inspection);

struct preflight_row {
    const char *id; /* stable, kebab-case */
    bool blocks;
    const char *section;  /* of the manual */
    const char *sentence; /* what it says there */
    const char *text;     /* what we look at */
    preflight_check_fn *run;
};

extern const struct preflight_row preflight_rows[];
extern const size_t preflight_row_count;

/* A new finding of the check that runs, with its message; evidence and remedy can be added until the next. */
struct finding *preflight_tell(struct inspection *inspection, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Values of the configuration; "", or the fallback, if unset. */
const char *preflight_text(const struct inspection *inspection, const char *key);
long long preflight_number(const struct inspection *inspection, const char *key, long long fallback);

/* The keys of a property string, empty if it is unset or cannot be read (command-line says that). */
json_t *preflight_values(const struct inspection *inspection, const char *key);

/* Evidence "KEY: VALUE", or "KEY: not set". */
void preflight_show_key(const struct inspection *inspection, const char *key, struct finding *finding);

/* A remedy's line, its words (the last is NULL) quoted for a shell: what others configured is pasted there.
 */
void preflight_remedy_command(const char *const *words, struct finding *finding);
/* "hostpci qm set 100 -KEY VALUE" */
void preflight_remedy_set(const struct inspection *inspection, const char *key, const char *value,
                          struct finding *finding);
/* "hostpci qm set 100 -delete KEY" */
void preflight_remedy_delete(const struct inspection *inspection, const char *key, struct finding *finding);
/* The key's property string as it is but for one property: what that shall be (taken), or NULL: without it.
 */
void preflight_remedy_edit(const struct inspection *inspection, const char *key, const char *property,
                           json_t *value, struct finding *finding);

/* The machine's type, of the other kind. */
void preflight_remedy_machine(const struct inspection *inspection, bool q35, struct finding *finding);

/* Each hostpciN that is set, in order: its key, and its choice; false at the end. Starts with *at 0. */
struct place {
    unsigned index;
    char key[16];
    const struct assignment *choice;
};
bool preflight_next(const struct inspection *inspection, unsigned *at, struct place *ret);

/* The functions themselves are given, not a mediated device of theirs. */
bool choice_is_whole(const struct assignment *choice);

/* A chosen function, by its place in the choice; NULL if it is gone. */
const struct pci_device *preflight_device(const struct inspection *inspection,
                                          const struct assignment *choice, size_t at);

/* The first graphics card among them, NULL if there is none. */
const struct pci_device *preflight_display(const struct inspection *inspection,
                                           const struct assignment *choice);

/* The list detaches of what the start takes for one hostpciN: [{id, driver}], a new reference. */
json_t *preflight_detaches(const struct inspection *inspection, const struct assignment *choice);

/* Fills seen, states and host. */
void preflight_look(struct inspection *inspection);

/* preflight_vm.c: the VM, and what the host has for it */
preflight_check_fn preflight_lock, preflight_template, preflight_running, preflight_processors,
    preflight_memory, preflight_balloon, preflight_hugepages, preflight_kvm, preflight_vfio;
/* preflight_hardware.c: what the checks of the host and of each function say */
preflight_check_fn preflight_host, preflight_functions;
/* preflight_device.c: hostpciN */
preflight_check_fn preflight_chosen, preflight_detached, preflight_task, preflight_reset, preflight_keep,
    preflight_others, preflight_mdev, preflight_overrides;
/* preflight_command.c: QEMU and its arguments */
preflight_check_fn preflight_qemu, preflight_command;
/* preflight_file.c: what the arguments name */
preflight_check_fn preflight_volumes, preflight_roms, preflight_bridges, preflight_firmware;
/* preflight_advice.c: graphics cards, vIOMMU, Windows */
preflight_check_fn preflight_gpu_machine, preflight_gpu_firmware, preflight_gpu_pcie, preflight_gpu_rom,
    preflight_gpu_screen, preflight_gpu_hidden, preflight_x_vga, preflight_rom_bar, preflight_viommu_host,
    preflight_viommu_guest, preflight_machine_version;

#endif
