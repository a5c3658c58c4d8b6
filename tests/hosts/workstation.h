/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The workstation's table, for hosts that are the same with a difference. */
#ifndef HOSTPCI_TESTS_HOSTS_WORKSTATION_H
#define HOSTPCI_TESTS_HOSTS_WORKSTATION_H

#include "tests/hosts/host.h"

enum { WORKSTATION_FUNCTIONS = 12 };
extern const struct pci_function workstation_functions[WORKSTATION_FUNCTIONS];

#define WORKSTATION_MACHINE                                                                                  \
    {.release = "6.1.0-28-amd64",                                                                            \
     .model = "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz",                                                    \
     .cmdline = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=/dev/nvme0n1p2 ro quiet intel_iommu=on",       \
     .iommu = "dmar",                                                                                        \
     .group_type = "DMA-FQ",                                                                                 \
     .cpus = 8,                                                                                              \
     .memory = 32768}

#endif
