/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm`: virtual machines with the command line of Proxmox VE's qm.
 *
 *   hostpci qm set 100 -hostpci0 02:00,pcie=on,x-vga=on
 *
 * A verb stands for an endpoint below /nodes/localhost/qemu; everything else is as with the commands that
 * name the path themselves (client/shell/options.h). As text, `config` is the file form (vm/config/config.h),
 * which
 * --file reads back; `list` and `pending` are Proxmox's. The other formats give the reply as it is.
 *
 * Tasks are waited for also where no terminal is, unless --no-wait: in a script a VM is there after `create`.
 */
#ifndef HOSTPCI_CLIENT_SHELL_QM_H
#define HOSTPCI_CLIENT_SHELL_QM_H

#include <jansson.h>

#include "client/print/table.h"
#include "client/shell/options.h"

/* argv[0] is "qm", argv[1] the verb. Gives the exit status. */
int qm_main(int argc, char **argv);

/* Adds the parameters that the file form in options->file stands for, but those that the command line gave
 * itself; "-" is standard input. What is not understood is left out, with a line on standard error. */
int qm_read_file(struct options *options, struct error *err);

/* Replies as text, which the caller frees. */
char *qm_print_list(const json_t *data, const struct table_style *style);
char *qm_print_config(const json_t *data, const struct table_style *style);
char *qm_print_pending(const json_t *data, const struct table_style *style);

#endif
