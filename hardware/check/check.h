/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks: each asks one thing of the host, of a device or of a VM that is to be started, and says what to do.
 *
 * A check is declared once, as a const struct beside its function, and named in the array at the end of its
 * file; docs/checks.md is printed from these arrays. It reads and never changes anything. It adds as many
 * findings as there are: none when it does not apply, one for each key of a VM that it is about.
 *
 * Only a check that is marked `fixable` may have findings with an action.
 *
 * Only a check that is marked `blocks` may find an error. Such a check of a device reads no file in the
 * device's folder, so that the verdicts of thousands of devices are cheap and the same as those of each
 * alone. Exceptions are power_state of a physical function, which the kernel answers even while it works
 * on the device, and NVIDIA's list of types, unless the device is `held`. */
#ifndef HOSTPCI_HARDWARE_CHECK_CHECK_H
#define HOSTPCI_HARDWARE_CHECK_CHECK_H

#include <stdio.h>

#include "base/text.h"
#include "hardware/check/remedy.h"
#include "hardware/facts/facts.h"
#include "hardware/iommu/group.h"
#include "hardware/pci/inventory.h"
#include "hardware/use/use.h"

enum severity {
    SEVERITY_OK,      /* as it should be */
    SEVERITY_INFO,    /* good to know, or could be better */
    SEVERITY_WARNING, /* something may fail or cause harm */
    SEVERITY_ERROR,   /* must be resolved first */
    SEVERITY_COUNT,
};
extern const char *const severity_names[SEVERITY_COUNT];

#define CHECK_ID_SIZE 64

struct finding {
    char id[CHECK_ID_SIZE]; /* of the check */
    enum severity severity;
    struct text message;  /* one sentence for an admin */
    struct text evidence; /* the file and what it held */
    struct remedy remedy;
};

/* What was found so far. Starts as {0}. A check fills `evidence` and `remedy` and then adds the finding that
 * they belong to, which takes them; what is in them when it returns without having added it is dropped. */
struct findings {
    struct text evidence;
    struct remedy remedy;
    struct finding *list;
    size_t count;
    const struct check *check; /* the one that runs */
};

void findings_add(struct findings *findings, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same under another check's id, for a check that passes on what others found. */
void findings_add_as(struct findings *findings, const char *id, enum severity severity, const char *message);

/* Drops those from the index on that are less severe. */
void findings_keep(struct findings *findings, size_t from, enum severity least);

json_t *findings_to_json(const struct findings *findings); /* the worst first, otherwise in their order */
void findings_release(struct findings *findings);
#define autofindings __attribute__((cleanup(findings_release)))

/* What a check is about. */
struct subject {
    struct facts *facts;
    const struct inventory *inventory;
    const struct groups *groups; /* NULL in checks of a VM */

    /* Checks of a device; elsewhere NULL, -1 and "". */
    const struct host_uses *uses;
    const struct pci_device *device;
    int folder; /* the device's; -1 where only checks that block are run */
    bool held;  /* the kernel is working on the device, so its driver's files may not answer */
    char id[PCI_ADDRESS_SIZE];
    const json_t *rom;    /* what was read of its ROM: hardware/check/report.h; NULL: nothing yet */
    const json_t *owners; /* hardware/settings/owner.h; NULL where only checks that block are run */

    /* Checks of a VM: what the room that declares them knows about it. */
    const struct inspection *vm;
};

enum check_scope { CHECK_HOST, CHECK_DEVICE, CHECK_VM };

struct check {
    const char *id; /* stable, kebab-case */
    enum check_scope scope;
    bool blocks, fixable;
    const char *section;  /* of the manual: hardware/check/manual.h */
    const char *sentence; /* what it says there; NULL: nothing */
    const char *text;     /* what the check looks at */
    void (*run)(const struct subject *subject, struct findings *ret);
};

/* The checks of a file, ending with NULL. */
typedef const struct check *const check_list[];

/* Each check of several lists, which end with NULL, too. Findings of the same severity are shown in this
 * order. `break` leaves one list only. */
#define CHECK_FOREACH(row, lists)                                                                            \
    for (const struct check *const *const *in_##row = (lists); *in_##row != NULL; in_##row++)                \
        for (const struct check *const *at_##row = *in_##row, *row; (row = *at_##row) != NULL; at_##row++)

extern const struct check *const *const check_lists[]; /* of the host and of devices */

const struct check *check_find(const char *id); /* in check_lists; NULL if there is none */

/* Adds what the check finds. */
void check_run(const struct check *check, const struct subject *subject, struct findings *ret);

/* The same of all checks of a scope, of those that block, or of those that block up to the first error. */
enum check_extent { CHECK_ALL, CHECK_BLOCKING, CHECK_FIRST_ERROR };
void check_run_lists(const struct check *const *const *lists, enum check_scope scope,
                     enum check_extent extent, const struct subject *subject, struct findings *ret);

/* The message of the first error among the checks of a scope that block; false if there is none. */
bool check_find_error(enum check_scope scope, const struct subject *subject, struct text *ret);

/* docs/checks.md; the checks of a VM are another room's. */
void check_print_documentation(FILE *out, const struct check *const *const *vm_lists);

#endif
