/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of the manual's page "PCI(e) Passthrough" that checks answer. */
#ifndef HOSTPCI_HARDWARE_CHECK_MANUAL_H
#define HOSTPCI_HARDWARE_CHECK_MANUAL_H

#define MANUAL_INTRODUCTION      "(introduction)"
#define MANUAL_GENERAL           "General Requirements"
#define MANUAL_ADDRESS           "Determining PCI Card Address"
#define MANUAL_HOST              "Host Configuration"
#define MANUAL_PASSTHROUGH_MODE  "IOMMU Passthrough Mode"
#define MANUAL_MODULES           "Kernel Modules"
#define MANUAL_FINISH            "Finish Configuration"
#define MANUAL_SLOTS             "PCI(e) slots"
#define MANUAL_UNSAFE_INTERRUPTS "Unsafe interrupts"
#define MANUAL_GPU               "GPU Passthrough Notes"
#define MANUAL_DEVICE            "Host Device Passthrough"
#define MANUAL_VERIFY            "Verify Configuration"
#define MANUAL_VM                "VM Configuration"
#define MANUAL_ID_OVERRIDES      "PCI ID overrides"
#define MANUAL_SRIOV             "SR-IOV"
#define MANUAL_MEDIATED          "Mediated Devices (vGPU, GVT-g)"
#define MANUAL_CLUSTERS          "Use in Clusters"
#define MANUAL_VIOMMU            "vIOMMU (emulated IOMMU)"
#define MANUAL_NOTHING           "(not in the manual)"

#endif
