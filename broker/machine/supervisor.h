/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci supervise [--give-back | --nodes] FOLDER`: the parent of a VM's QEMU; an internal command, for the
 * broker alone.
 *
 * The broker is confined, and so is all that it starts; the supervisor is not. It does what the file `order`
 * of the machine's folder says (broker/machine/machine.h), which only root can write:
 *
 *   {arguments: [...], files: [...], uid?, lock?, own: [NODE, ...], back?: [NODE, ...], roms?: [FILE, ...],
 *    tpm?}
 *
 * It opens the files (broker/machine/files.h), gives the device nodes `own` to QEMU's user, limits the memory
 * that QEMU may lock to `lock` bytes, and starts QEMU as that user and the group of the same number, with kvm
 * as its only other group; and before it, in the same way, the program of its TPM (broker/machine/tpm.h). Its
 * first process ends when QEMU runs; what fails before that is in `end`: {error}.
 *
 * Then it waits for QEMU's end, and keeps the files `pid`, `state` and `end` of the folder: the latter {pid,
 * code} or {pid, signal}, with `lines`, the last that QEMU printed. SIGTERM ends QEMU, SIGUSR1 does so at
 * once, and QEMU does not outlive it. After QEMU's end the device nodes are root's again. It needs neither
 * broker nor daemon.
 *
 * Without systemd QEMU gets a control group of its own (broker/machine/control_group.h).
 *
 * With --give-back it makes the nodes root's again, removes that group and ends: a supervisor that was killed
 * has not done it (broker/machine/nodes.h). With --nodes it does for a QEMU that runs what the order has
 * become since (broker/worker/vm_plug.h): makes `roms`, gives it the nodes, lets it lock that much, makes
 * those in `back` root's, and ends.
 */
#ifndef HOSTPCI_BROKER_MACHINE_SUPERVISOR_H
#define HOSTPCI_BROKER_MACHINE_SUPERVISOR_H

int supervisor_main(int argc, char **argv);

#endif
