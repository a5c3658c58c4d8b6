/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags that `cpu` can set or clear: FLAG(NAME, TEXT) for each. */
#ifndef HOSTPCI_SCHEMA_CPU_FLAGS_H
#define HOSTPCI_SCHEMA_CPU_FLAGS_H

#define CPU_FLAGS(FLAG)                                                                                      \
    FLAG("aes", "the AES instructions")                                                                      \
    FLAG("amd-no-ssb", "AMD: tells the guest that Speculative Store Bypass does not affect this processor")  \
    FLAG("amd-ssbd", "AMD: lets the guest mitigate Speculative Store Bypass; faster than virt-ssbd")         \
    FLAG("hv-evmcs", "Intel: makes virtual machines inside Hyper-V faster")                                  \
    FLAG("hv-tlbflush", "lets Windows flush the TLBs of all its processors by one call")                     \
    FLAG("ibpb", "AMD: lets the guest mitigate Spectre by a barrier")                                        \
    FLAG("md-clear", "Intel: lets the guest mitigate Microarchitectural Data Sampling")                      \
    FLAG("nested-virt", "lets the guest run virtual machines: vmx or svm, as the host has it")               \
    FLAG("pcid", "Intel: makes the mitigation of Meltdown cheaper")                                          \
    FLAG("pdpe1gb", "pages of 1 GiB")                                                                        \
    FLAG("spec-ctrl", "Intel: lets the guest mitigate Spectre")                                              \
    FLAG("ssbd", "Intel: lets the guest mitigate Speculative Store Bypass")                                  \
    FLAG("virt-ssbd", "AMD: lets the guest mitigate Speculative Store Bypass on any processor")

#endif
