/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks: each asks one thing of the host or of a device and says what to do. All are in the one table of
 * check.c, with the sentence of the manual that each answers; docs/checks.md is printed from it.
 *
 * A check reads and never changes anything. It gives one finding, or none when it does not apply. Only a
 * check that is marked `decides` may find an error; such checks read no file in the device's folder, so that
 * the verdicts of thousands of devices cost little and are the same as those of each asked alone. */
#ifndef HOSTPCI_HARDWARE_CHECK_CHECK_H
#define HOSTPCI_HARDWARE_CHECK_CHECK_H

#include <stdio.h>

#include "base/text.h"
#include "hardware/facts/facts.h"
#include "hardware/iommu/group.h"
#include "hardware/pci/inventory.h"
#include "hardware/use/use.h"

enum severity {
    SEVERITY_OK,      /* as it should be */
    SEVERITY_INFO,    /* good to know, or could be better */
    SEVERITY_WARNING, /* may fail or harm */
    SEVERITY_ERROR,   /* must be resolved first */
    SEVERITY_COUNT,
};
extern const char *const severity_names[SEVERITY_COUNT];

struct finding {
    enum severity severity;
    struct text message;  /* one sentence for an admin */
    struct text evidence; /* the file and what it held */
    struct text remedy;   /* what to type, a line each; empty: nothing to do */
};

/* What a check is about. */
struct subject {
    struct facts *facts;
    const struct inventory *inventory;
    const struct groups *groups;
    const struct host_uses *usage;   /* NULL in checks of the host */
    const struct pci_device *device; /* the same */
    int folder;                      /* the device's; -1 in checks of the host and while deciding */
    char id[PCI_ADDRESS_SIZE];
};

enum check_scope { CHECK_HOST, CHECK_DEVICE };

struct check {
    const char *id; /* stable, kebab-case */
    enum check_scope scope;
    bool decides;
    const char *section;  /* of the manual */
    const char *sentence; /* what it says there */
    const char *text;     /* what we look at */
    bool (*run)(const struct subject *subject, struct finding *ret);
};

extern const struct check checks[];
extern const size_t check_count;

const struct check *check_find(const char *id); /* NULL if there is none */

/* False, with nothing to release, if the check does not apply. */
bool check_run(const struct check *check, const struct subject *subject, struct finding *ret);
void finding_release(struct finding *finding);
json_t *finding_to_json(const char *check, const struct finding *finding); /* by the check's id */

/* For the checks: sets severity and message. Returns true, so that a check ends with it. */
bool find(struct finding *finding, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* docs/checks.md: its beginning, with the tables of this room; what no check answers; and a row of such a
 * table. passthrough/preflight/preflight.h has the table between. */
void check_print_documentation(FILE *out);
void check_print_unchecked(FILE *out);
void check_print_row(FILE *out, const char *const *cells, size_t count);

#endif
