/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware and what the kernel makes of it: ACPI tables, interrupts, the log. Sources: ACPI 6.5, 5.2.6 (a
 * table's header); "Intel Virtualization Technology for Directed I/O", 8.1 (DMAR); the lines of the log are
 * those of drivers/iommu in Linux 6.1. */
#include "tests/hosts/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 36, DMAR_WIDTH = 36, DMAR_FLAGS = 37, TABLE = 64 };

static bool has_table(const struct machine *machine, const char *name)
{
    if (machine->tables)
        return strstr(machine->tables, name) != NULL;
    bool intel = machine->iommu && strcmp(machine->iommu, "dmar") == 0;
    return machine->iommu && strcmp(name, intel ? "DMAR" : "IVRS") == 0;
}

static void write_table(int folder, const char *name)
{
    uint8_t table[TABLE] = {0};
    for (size_t i = 0; i < 4; i++)
        table[i] = (uint8_t)name[i];
    table[4] = TABLE;
    table[8] = 1;
    if (strcmp(name, "DMAR") == 0) {
        table[DMAR_WIDTH] = 38;
        table[DMAR_FLAGS] = 1;
    }
    tree_put_bytes(folder, name, 0400, table, sizeof(table));
}

static void write_tables(const struct machine *machine)
{
    static const char *const always[] = {"APIC", "DSDT", "FACP", "MCFG"};
    static const char *const of_iommus[] = {"DMAR", "IVRS", "VIOT"};
    int fd = tree_open_folder("sys/firmware/acpi/tables");
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        write_table(fd, always[i]);
    for (size_t i = 0; i < sizeof(of_iommus) / sizeof(of_iommus[0]); i++) {
        if (has_table(machine, of_iommus[i]))
            write_table(fd, of_iommus[i]);
    }
    close(fd);
}

static bool remaps(const struct machine *machine)
{
    return machine->iommu && !machine->plain_interrupts;
}

static void write_interrupts(const struct machine *machine)
{
    const char *prefix = remaps(machine) ? "IR-" : "";
    tree_write("proc/interrupts", MODE_READ,
               "           CPU0\n"
               "   0:         31  %sIO-APIC    2-edge      timer\n"
               "   8:          1  %sIO-APIC    8-edge      rtc0\n"
               " 120:          0  %sPCI-MSI 16384-edge      PCIe PME\n"
               " 125:      81234  %sPCI-MSI 327680-edge      xhci_hcd\n"
               " 128:      41200  %sPCI-MSI 1048576-edge      nvme0q0\n"
               " NMI:          4   Non-maskable interrupts\n"
               " LOC:    9182736   Local timer interrupts\n",
               prefix, prefix, prefix, prefix, prefix);
}

void log_append(const char *format, ...)
{
    static unsigned sequence;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tree_append("dev/kmsg", "6,%u,%u,-;%s\n", sequence, sequence * 1000, text);
    sequence++;
}

static void log_intel(const struct machine *machine)
{
    if (has_table(machine, "DMAR"))
        log_append("ACPI: DMAR 0x000000008B1F0000 000088 (v01 INTEL  EDK2     00000002      01000013)");
    if (strstr(machine->cmdline, "intel_iommu=on"))
        log_append("DMAR: IOMMU enabled");
    if (remaps(machine))
        log_append("DMAR-IR: Enabled IRQ remapping in x2apic mode");
    if (machine->iommu)
        log_append("DMAR: Intel(R) Virtualization Technology for Directed I/O");
}

static void log_amd(const struct machine *machine)
{
    if (has_table(machine, "IVRS"))
        log_append("ACPI: IVRS 0x00000000CA5F2000 0000D0 (v02 AMD    AmdTable 00000001 AMD  00000001)");
    if (machine->iommu)
        log_append("pci 0000:00:00.2: AMD-Vi: IOMMU performance counters supported");
    if (remaps(machine))
        log_append("AMD-Vi: Interrupt remapping enabled");
}

void firmware_write(const struct machine *machine)
{
    write_tables(machine);
    write_interrupts(machine);
    log_append("Linux version %s (debian-kernel@lists.debian.org)", machine->release);
    log_append("Command line: %s", machine->cmdline);
    if (strncmp(machine->model, "AMD", 3) == 0)
        log_amd(machine);
    else
        log_intel(machine);
    tree_set_mode("dev/kmsg", 0600);
}
