/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm`: manages virtual machines with the command line of Proxmox VE's qm.
 *
 *   hostpci qm set 100 -hostpci0 02:00,pcie=on,x-vga=on
 *
 * A verb stands for an endpoint below /nodes/localhost/qemu; everything else works as for the commands that
 * take a path (client/shell/options.h). As text, `config` prints the file form
 * (vm/config/config.h), which --file reads back, and `list` and `pending` print what Proxmox prints. The
 * other formats show the reply as it is. */
#ifndef HOSTPCI_CLIENT_SHELL_QM_H
#define HOSTPCI_CLIENT_SHELL_QM_H

#include <jansson.h>

#include "client/print/table.h"
#include "client/shell/options.h"

/* argv[0] is "qm", argv[1] the verb. Returns the exit status. */
int qm_main(int argc, char **argv);

/* Adds the keys of the file options->file ("-" is standard input) as parameters, except for those that the
 * command line gave; `meta` only with `create`. A line that cannot be read is skipped, and standard error
 * says so. */
int qm_read_file(struct options *options, bool create, struct error *err);

/* Print replies as text, which the caller frees. */
char *qm_print_list(const json_t *data, const struct table_style *style);
char *qm_print_config(const json_t *data, const struct table_style *style);
char *qm_print_pending(const json_t *data, const struct table_style *style);
char *qm_print_status(const json_t *data, const struct table_style *style);
char *qm_print_status_whole(const json_t *data, const struct table_style *style); /* all keys, sorted */
char *qm_print_devices(const json_t *data, const struct table_style *style); /* one line for each function */

#endif
