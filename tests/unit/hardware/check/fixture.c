/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of checks. */
#include "tests/unit/hardware/check/fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/report.h"
#include "tests/unit/action.h"

static const struct change right[] = {
    {"proc/sys/kernel/osrelease", RELEASE "\n"},
    {"proc/cmdline",
     "BOOT_IMAGE=/boot/vmlinuz-" RELEASE " root=/dev/sda1 ro quiet intel_iommu=on iommu=pt\n"},
    {"proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i7-7700K\n"
                     "flags\t\t: fpu vme vmx lm\naddress sizes\t: 39 bits physical, 48 bits virtual\n\n"
                     "processor\t: 1\nvendor_id\t: GenuineIntel\n"},
    {"proc/interrupts",
     "            CPU0       CPU1\n  1:          9          0  IR-IO-APIC    1-edge      i8042\n"
     "120:          0          0  IR-PCI-MSI 16384-edge      PCIe PME\n"},
    {"sys/firmware/acpi/tables/DMAR", "not read by these tests"},
    {"sys/class/iommu/dmar0/intel-iommu/ecap", "f050da\n"},
    {"sys/module/vfio/initstate", "live\n"},
    {"sys/module/vfio_iommu_type1/initstate", "live\n"},
    {"sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n"},
    {"sys/module/vfio_pci/initstate", "live\n"},
    {"sys/module/vfio_virqfd/initstate", "live\n"},
    {"lib/modules/" RELEASE "/modules.builtin", "kernel/drivers/pci/pcieport.ko\n"},
    {"lib/modules/" RELEASE "/modules.dep",
     "kernel/drivers/vfio/vfio.ko:\nkernel/drivers/vfio/vfio_iommu_type1.ko: kernel/drivers/vfio/vfio.ko\n"
     "kernel/drivers/vfio/pci/vfio-pci.ko: kernel/drivers/vfio/vfio.ko\nkernel/drivers/vfio/vfio_virqfd.ko:\n"
     "kernel/drivers/gpu/drm/i915/kvmgt.ko.xz: kernel/drivers/gpu/drm/i915/i915.ko.xz\n"},
    {"lib/modules/" RELEASE "/modules.alias", "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\n"},
    {"etc/modules", "# loaded at boot\nvfio\nvfio_iommu_type1\nvfio-pci\n"},
    {"etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n"},
    {"dev/kmsg", "6,1,0,-;Linux version " RELEASE "\n6,2,1,-;DMAR: IOMMU enabled\n SUBSYSTEM=acpi\n"},
    {"sys/kernel/iommu_groups/1/type", "identity\n"},
    {"sys/kernel/iommu_groups/1/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n"},
    {"sys/kernel/iommu_groups/2/type", "identity\n"},
    {"sys/kernel/iommu_groups/3/type", "identity\n"},
    {"sys/bus/pci/slots/1/address", "0000:01:00\n"},
    {"sys/bus/pci/slots/2/address", "0000:02:00\n"},
    {"sys/bus/pci/slots/7/address", "0000:07:00\n"},
    {NULL, NULL},
};

static const struct {
    const char *id, *driver, *class_code, *ids, *subsystem, *group;
    struct change files[8];
} functions[] = {
    {"0000:00:01.0", "pcieport", "60400", "8086:1901", "0000:0000", "1", {{NULL, NULL}}},
    {CARD,
     "vfio-pci",
     "30000",
     "10DE:2484",
     "10DE:146B",
     "1",
     {{"power_state", "D0\n"},
      {"power/runtime_status", "active\n"},
      {"reset_method", "flr bus\n"},
      {"boot_vga", "0\n"},
      {"modalias", "pci:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i00\n"},
      {"resource", "0x00000000de000000 0x00000000deffffff 0x0000000000040200\n"},
      {NULL, NULL}}},
    {"0000:01:00.1",
     "vfio-pci",
     "40300",
     "10DE:228B",
     "10DE:146B",
     "1",
     {{"reset_method", "bus\n"}, {NULL, NULL}}},
    {NETWORK,
     "i40e",
     "20000",
     "8086:1572",
     "8086:0001",
     "2",
     {{"reset_method", "flr\n"},
      {"sriov_totalvfs", "8\n"},
      {"sriov_numvfs", "4\n"},
      {"driver/module", "-> ../../../../module/i40e"},
      {NULL, NULL}}},
    {GRAPHICS, NULL, "30000", "8086:5912", "8086:0001", "3", {{"reset_method", "flr\n"}, {NULL, NULL}}},
};

/* Renamed, as a whole folder may have to go. */
static void take_away(const struct tree *tree, const char *path)
{
    autofree char *from = xasprintf("%s/%s", tree->path, path), *to = NULL;
    static unsigned number;

    to = xasprintf("%s/taken-away-%u", tree->path, number++);
    cr_assert_eq(rename(from, to), 0, "there is no %s", from);
}

/* Each file a minute younger than the one before: the order of changes is that of their times. */
static void make_younger(const struct tree *tree, const char *path)
{
    autofree char *file = xasprintf("%s/%s", tree->path, path);
    static time_t minutes;
    struct timespec at = {.tv_sec = 1700000000 + 60 * ++minutes};

    cr_assert_eq(utimensat(AT_FDCWD, file, (struct timespec[]){at, at}, 0), 0);
}

void check_host_change(const struct tree *tree, const struct change *changes)
{
    for (; changes->path != NULL; changes++)
        if (changes->text == NULL)
            take_away(tree, changes->path);
        else if (text_starts_with(changes->text, "-> "))
            tree_link(tree, changes->path, changes->text + 3);
        else {
            tree_write(tree, changes->path, changes->text);
            make_younger(tree, changes->path);
        }
}

static void make_function(const struct tree *tree, size_t i)
{
    autofree char *group = xasprintf(PCI "%s/iommu_group", functions[i].id);
    autofree char *target = xasprintf("../../../../kernel/iommu_groups/%s", functions[i].group);

    tree_add_function(tree, functions[i].id, functions[i].driver, functions[i].class_code, functions[i].ids,
                      functions[i].subsystem);
    tree_link(tree, group, target);
    for (const struct change *file = functions[i].files; file->path != NULL; file++) {
        autofree char *path = xasprintf(PCI "%s/%s", functions[i].id, file->path);
        check_host_change(tree, (struct change[]){{path, file->text}, {NULL, NULL}});
    }
}

void check_host_make(struct tree *tree)
{
    tree_make(tree);
    check_host_change(tree, right);
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        make_function(tree, i);
}

json_t *report_of(const struct tree *tree, const char *device)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    autohostuses struct host_uses *uses = NULL;
    struct error err;
    json_t *report = NULL;

    cr_assert_eq(host_uses_scan(tree->sysroot, inventory, &uses, &err), 0, "%s", err.message);
    int status = device == NULL ? readiness_describe_host(tree->sysroot, inventory, &report, &err)
                                : readiness_describe_device(tree->sysroot, inventory, uses,
                                                            address_of(device), NULL, &report, &err);
    cr_assert_eq(status, 0, "%s", err.message);
    return report;
}

json_t *check_in(const json_t *report, const char *id)
{
    size_t i;
    json_t *check;

    json_array_foreach(json_object_get(report, "checks"), i, check) {
        if (strcmp(json_string_value(json_object_get(check, "id")), id) == 0)
            return check;
    }
    return NULL;
}

static const char *text_of(const json_t *check, const char *key)
{
    const char *text = json_string_value(json_object_get(check, key));

    return text != NULL ? text : "";
}

static void expect_part(const struct broken *broken, const json_t *check, const char *key, const char *part)
{
    if (part == NULL)
        return;
    cr_expect(part[0] != '\0' ? strstr(text_of(check, key), part) != NULL : text_of(check, key)[0] == '\0',
              "%s: %s of %s should have '%s' and is '%s'", broken->about, key, broken->check, part,
              text_of(check, key));
}

static void expect_broken(const struct broken *broken)
{
    autotree struct tree tree;

    check_host_make(&tree);
    check_host_change(&tree, broken->changes);
    autojson json_t *report = report_of(&tree, broken->device);
    json_t *check = check_in(report, broken->check);
    if (broken->severity == NULL) {
        cr_expect_null(check, "%s: %s should not be there, says '%s'", broken->about, broken->check,
                       text_of(check, "message"));
        return;
    }
    cr_expect_not_null(check, "%s: there is no check %s", broken->about, broken->check);
    cr_expect_str_eq(text_of(check, "severity"), broken->severity, "%s: %s is %s: %s", broken->about,
                     broken->check, text_of(check, "severity"), text_of(check, "message"));
    expect_part(broken, check, "message", broken->message);
    expect_part(broken, check, "remedy", broken->remedy);
    expect_action(broken->about, check);
}

void expect_each_broken(const struct broken *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_broken(&cases[i]);
}
