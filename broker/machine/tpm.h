/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TPM of a VM: swtpm, which the supervisor starts beside QEMU as the same user, and which ends with the
 * connection between the two. `tpm` of an order is {path, below, version, number}: the volume of its state,
 * which is that user's while the VM runs (it is in `own`, too), and QEMU's number for the connection. */
#ifndef HOSTPCI_BROKER_MACHINE_TPM_H
#define HOSTPCI_BROKER_MACHINE_TPM_H

#include "broker/machine/files.h"

#define TPM_PROGRAM "/usr/bin/swtpm"

/* Opens the state, and adds QEMU's end of the connection to `qemu`, and the rest to `own`. *ret_arguments are
 * the program's, an array; NULL if the VM has no TPM. The caller drops. */
int tpm_prepare(const json_t *order, struct files *qemu, struct files *own, json_t **ret_arguments,
                struct error *err);

#endif
