/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that run on this node: which ones, and what they use. */
#ifndef HOSTPCI_PASSTHROUGH_MACHINE_H
#define HOSTPCI_PASSTHROUGH_MACHINE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "broker/call.h"
#include "hardware/sysfs.h"
#include "storage/storage.h"

/* What the broker knows of the VMs' processes, {"100": {pid?, start?, began?, qmpstatus?, running-qemu?,
 * running-machine?, starting?: 1, ending?: 1, left?}}: there is no pid while it is being started, and
 * `ending` when QEMU has ended and its devices are being given back; `left` says why some could not be. If
 * there is no broker now, those that the last one named and whose process is still there; one that does not
 * answer is an error, since VMs run that it does not name. The caller drops. */
int machines_read(const struct broker *broker, json_t **ret, struct error *err);

/* The same joined with the VMs that have reserved devices, which are known without a broker, too. */
struct machines_source {
    const struct broker *broker;
    struct storage *storage;
    const struct sysroot *sysroot;
};
int machines_list(const struct machines_source *source, json_t **ret, struct error *err);

/* The VM's entry in such a list; NULL if it neither runs nor is being started nor gives its devices back. */
const json_t *machines_find(const json_t *machines, long long vmid);

/* Whether it has a process that has not ended. `machine` may be NULL. */
bool machine_runs(const json_t *machine);

/* ERROR_FAILED "VM 100 already running" if `machine` is not NULL and runs; else the reason why its end is not
 * complete. */
int machine_check_none(const json_t *machine, long long vmid, struct error *err);

/* ERROR_FAILED "VM 100 not running" unless it does. ret_machine (may be NULL) is a new reference. */
int machines_require(const struct machines_source *source, long long vmid, json_t **ret_machine,
                     struct error *err);

/* Adds what the VM uses to its row: cpu (of its `cpus` processors, 0 to 1), mem, memhost, disk, uptime,
 * netin, netout, and, where the host tells, diskread, diskwrite, and pressurecpusome to pressurememoryfull.
 * `cpu` is 0 in the first call, since it is measured between calls, at most once per second. Thread-safe. */
void machine_add_usage(const struct sysroot *sysroot, long long vmid, const json_t *machine, long long cpus,
                       json_t *row);

/* {tap100i0: {netin, netout}}: what the guest's cards received and sent. A new reference. */
json_t *machine_list_nics(const struct sysroot *sysroot, long long vmid);

#endif
