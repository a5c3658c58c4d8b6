/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host: firmware tables, IOMMU units, interrupt chips.
 *
 * Sources: Documentation/ABI/testing/sysfs-class-iommu-intel-iommu of the Linux kernel (cap and ecap in
 * hexadecimal without 0x); "Intel Virtualization Technology for Directed I/O", 11.4.3 (extended capability
 * register: bit 3 interrupt remapping support, bit 6 pass through). AMD's units can always do both ("AMD I/O
 * Virtualization Technology", 2.2.2, 2.2.5). Names of units: drivers/iommu of the Linux kernel. */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/facts/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/inventory.h"

#define MOST_TABLE      65536
#define MOST_INTERRUPTS (16 * 1024 * 1024)
#define DMAR_FLAGS      37
#define ECAP_REMAPS     (1ULL << 3)
#define ECAP_PASSES     (1ULL << 6)

static void read_dmar(struct facts *facts)
{
    autofree unsigned char *table = xcalloc(MOST_TABLE, 1);
    int length = sysfs_read_bytes(sysroot_fd(facts->sysroot), SYS_ACPI_TABLES "/DMAR", table, MOST_TABLE);

    if (length > DMAR_FLAGS)
        facts->firmware.dmar_flags = table[DMAR_FLAGS];
    else if (length < 0)
        facts_note(facts, SYS_ACPI_TABLES "/DMAR", length, false);
}

void facts_read_firmware(struct facts *facts)
{
    struct firmware_facts *firmware = &facts->firmware;
    autolist char **names = NULL;
    int count = sysfs_list(sysroot_fd(facts->sysroot), SYS_ACPI_TABLES, &names);

    firmware->dmar_flags = -1;
    if (count < 0) { /* no ACPI, or a container that hides it */
        facts_note(facts, SYS_ACPI_TABLES, count, true);
        return;
    }
    firmware->listed = true;
    for (char **name = names; *name != NULL; name++) {
        firmware->dmar |= strcmp(*name, "DMAR") == 0;
        firmware->ivrs |= strcmp(*name, "IVRS") == 0;
        firmware->viot |= strcmp(*name, "VIOT") == 0;
        firmware->iort |= strcmp(*name, "IORT") == 0;
    }
    if (firmware->dmar)
        read_dmar(facts);
}

static const char *driver_of(const char *unit)
{
    static const struct {
        const char *start, *driver;
    } names[] = {
        {"dmar", "intel-iommu"}, {"ivhd", "amd-iommu"}, {"smmu3", "arm-smmu-v3"}, {"smmu", "arm-smmu"}};
    struct pci_address address;

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_starts_with(unit, names[i].start))
            return names[i].driver;
    return pci_address_parse(unit, &address) || text_starts_with(unit, "virtio") ? "virtio-iommu" : "other";
}

static enum answer worse(enum answer known, bool can)
{
    return known == ANSWER_NO || !can ? ANSWER_NO : ANSWER_YES;
}

static void read_intel_unit(struct facts *facts, const char *unit)
{
    struct iommu_facts *iommu = &facts->iommu;
    struct host_path file = path_below(SYS_CLASS_IOMMU, unit, "intel-iommu/ecap");
    char text[32];
    unsigned long long ecap;
    int length = sysfs_read(sysroot_fd(facts->sysroot), file.text, text, sizeof(text));

    if (length < 0 || !text_to_number(text, 16, UINT64_MAX, &ecap)) {
        facts_note(facts, file.text, length < 0 ? length : -EINVAL, true);
        return;
    }
    iommu->can_remap = worse(iommu->can_remap, ecap & ECAP_REMAPS);
    iommu->can_pass = worse(iommu->can_pass, ecap & ECAP_PASSES);
    if ((ecap & ECAP_REMAPS) == 0) {
        snprintf(iommu->weak_unit, sizeof(iommu->weak_unit), "%s", unit);
        snprintf(iommu->weak_value, sizeof(iommu->weak_value), "%s", text);
    }
}

void facts_read_iommu(struct facts *facts)
{
    struct iommu_facts *iommu = &facts->iommu;
    autolist char **names = NULL;
    int count = sysfs_list(sysroot_fd(facts->sysroot), SYS_CLASS_IOMMU, &names);

    iommu->driver = "";
    iommu->listed = count >= 0;
    if (count <= 0) {
        facts_note(facts, SYS_CLASS_IOMMU, count < 0 ? count : -ENOENT, count < 0);
        return;
    }
    iommu->units = (size_t)count;
    iommu->driver = driver_of(names[0]);
    snprintf(iommu->first, sizeof(iommu->first), "%s", names[0]);
    if (strcmp(iommu->driver, "amd-iommu") == 0)
        iommu->can_remap = iommu->can_pass = ANSWER_YES;
    if (strcmp(iommu->driver, "virtio-iommu") == 0)
        iommu->can_remap = ANSWER_NO;
    for (char **name = names; *name != NULL && strcmp(iommu->driver, "intel-iommu") == 0; name++)
        read_intel_unit(facts, *name);
}

/* The first chip whose name begins with `start`: names stand after blanks, "IR-PCI-MSIX-0000:01:00.0". */
static bool find_chip(const char *text, const char *start, char *chip, size_t size)
{
    const char *at = strstr(text, start);

    while (at != NULL && at > text && at[-1] != ' ')
        at = strstr(at + 1, start);
    if (at == NULL)
        return false;
    snprintf(chip, size, "%.*s", (int)strcspn(at, " \n"), at);
    return true;
}

void facts_read_interrupts(struct facts *facts)
{
    static const char *const remapped[] = {"IR-", "ITS-"}, *const plain[] = {"PCI-MSI", "IO-APIC"};
    struct iommu_facts *iommu = &facts->iommu;
    autofree char *text = NULL;
    int length = sysfs_read_whole(sysroot_fd(facts->sysroot), PROC_INTERRUPTS, MOST_INTERRUPTS, &text);

    if (length < 0) {
        facts_note(facts, PROC_INTERRUPTS, length, true);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(remapped) && iommu->remaps != ANSWER_YES; i++)
        if (find_chip(text, remapped[i], iommu->chip, sizeof(iommu->chip)))
            iommu->remaps = ANSWER_YES;
    for (size_t i = 0; i < COUNT_OF(plain) && iommu->remaps == ANSWER_UNKNOWN; i++)
        if (find_chip(text, plain[i], iommu->chip, sizeof(iommu->chip)))
            iommu->remaps = ANSWER_NO;
}
