/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine: its type, options, buses, vIOMMU and clock. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "vm/command/parts.h"
#include "vm/refusal.h"

/* Reads the version at the end of a type: "7.2+pve1" of "pc-q35-7.2+pve1". */
static void read_version(struct vm_machine *machine, const char *type)
{
    const char *dash = strrchr(type, '-');
    const char *pve = strstr(type, "+pve");

    if (dash == NULL)
        return;
    machine->versioned = true;
    machine->major = (unsigned)strtoul(dash + 1, NULL, 10);
    const char *dot = strchr(dash, '.');
    machine->minor = dot != NULL ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
    machine->pve = pve != NULL ? (unsigned)strtoul(pve + strlen("+pve"), NULL, 10) : 0;
}

static int check_machine(const struct vm_build *build, struct error *err)
{
    struct vm_version version = vm_build_version(build);

    if (text_starts_with(build->machine.type, "virt"))
        return error_set_field(err, "machine", "'%s' is not a machine type of x86_64", build->machine.type);
    if (!vm_features_has_machine(build->what->qemu, build->machine.type))
        return error_set_field_reason(
            err, "machine", VM_NEEDS_OTHER_VERSION,
            "QEMU %u.%u.%u has no machine type '%s': set an older one, or install a newer QEMU",
            version.major, version.minor, version.micro, build->machine.type);
    return 0;
}

int vm_build_read_machine(struct vm_build *build, struct error *err)
{
    struct vm_machine *machine = &build->machine;
    struct vm_version version = vm_build_version(build);

    if (vm_value_parts(build->what->config, "machine", &build->machine_values, err) != 0)
        return -1;
    const char *type = json_text_or(build->machine_values, "type", NULL);
    if (type == NULL)
        type = "pc";
    machine->major = version.major;
    machine->minor = version.minor;
    machine->pve = UINT_MAX;
    machine->q35 = strstr(type, "q35") != NULL;
    read_version(machine, type);
    machine->type = xstrndup(type, strcspn(type, "+"));
    if (text_ends_with(machine->type, ".pxe"))
        machine->type[strlen(machine->type) - strlen(".pxe")] = '\0';
    return check_machine(build, err);
}

bool vm_build_machine_at_least(const struct vm_build *build, unsigned major, unsigned minor, unsigned pve)
{
    const struct vm_machine *machine = &build->machine;

    if (machine->major != major)
        return machine->major > major;
    return machine->minor != minor ? machine->minor > minor : machine->pve >= pve;
}

/* Sleep states are off from machine version 9.2+pve1 on, since guests do not wake up from them, unless the
 * configuration turns them on. */
static void add_sleep(struct vm_build *build, const char *key, const char *property)
{
    bool fallback = !vm_build_machine_at_least(build, 9, 2, 1);

    if (vm_value_number(build->machine_values, key, fallback) == 0)
        vm_build_add(build, VM_HEAD, "-global", "%s.%s=1", build->machine.q35 ? "ICH9-LPC" : "PIIX4_PM",
                     property);
}

/* Whether the VM was created with an older QEMU (creation-qemu=X.Y.Z in meta) or with an unknown one. */
static bool created_before(const struct vm_build *build, unsigned major, unsigned minor)
{
    const char *meta = vm_build_text(build, "meta");
    const char *version = meta != NULL ? strstr(meta, "creation-qemu=") : NULL;
    struct vm_version created = {0};

    if (version == NULL || sscanf(version, "creation-qemu=%u.%u", &created.major, &created.minor) != 2)
        return true;
    return !vm_version_at_least(created, major, minor);
}

/* From QEMU 6.1 on, ACPI describes the slots of bridges, which makes Linux rename its network cards. An older
 * VM is spared that. */
static void add_compatibility(struct vm_build *build)
{
    if (build->machine.q35 && !build->machine.versioned && build->linux26 && created_before(build, 6, 1))
        vm_build_add(build, VM_HEAD, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
}

static void add_clock(struct vm_build *build)
{
    bool slew = vm_build_number(build, "tdf", build->windows != 0 && build->acpi) != 0;
    bool local = vm_build_number(build, "localtime", build->windows != 0) != 0;

    if (slew || local)
        vm_build_add(build, VM_HEAD, "-rtc", "%s%s%s", slew ? "driftfix=slew" : "", slew && local ? "," : "",
                     local ? "base=localtime" : "");
    if (build->windows >= 6)
        vm_build_add(build, VM_HEAD, "-global", "kvm-pit.lost_tick_policy=discard");
    if (build->windows >= 6 || (build->linux26 && vm_build_machine_at_least(build, 10, 1, 0)))
        vm_build_add_machine_option(build, "hpet=off");
}

static int add_intel(struct vm_build *build, long long bits, struct error *err)
{
    if (!build->machine.q35)
        return error_set_field_reason(err, "machine", VM_NEEDS_Q35,
                                      "to use Intel vIOMMU please set the machine type to q35");
    if (bits != 0 && bits != 39 && bits != 48)
        return error_set_field_reason(err, "machine", VM_NEEDS_OTHER_AW_BITS,
                                      "Intel vIOMMU takes aw-bits 39 or 48, not %lld", bits);
    if (build->kvm)
        vm_build_add_machine_option(build, "kernel-irqchip=split");
    if (bits != 0)
        vm_build_add(build, VM_BUSES, "-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=%lld",
                     bits);
    else
        vm_build_add(build, VM_BUSES, "-device", "intel-iommu,intremap=on,caching-mode=on");
    return 0;
}

static int add_virtio(struct vm_build *build, long long bits, struct error *err)
{
    struct vm_version version = vm_build_version(build);

    if (build->legacy_igd) /* the vIOMMU takes the first free slot, which would be that of the graphics */
        return error_set_field_reason(err, "machine", VM_NEEDS_NO_VIOMMU,
                                      "legacy-igd cannot be used with a VirtIO vIOMMU");
    if (bits == 0) {
        vm_build_add(build, VM_VIOMMU, "-device", "virtio-iommu-pci");
        return 0;
    }
    if (!vm_features_has_property(build->what->qemu, "virtio-iommu-pci", "aw-bits"))
        return error_set_field_reason(
            err, "machine", VM_NEEDS_NO_AW_BITS,
            "QEMU %u.%u.%u cannot set aw-bits of a VirtIO vIOMMU: leave aw-bits out", version.major,
            version.minor, version.micro);
    vm_build_add(build, VM_VIOMMU, "-device", "virtio-iommu-pci,aw-bits=%lld", bits);
    return 0;
}

static int add_viommu(struct vm_build *build, struct error *err)
{
    const char *viommu = json_text_or(build->machine_values, "viommu", NULL);
    long long bits = vm_value_number(build->machine_values, "aw-bits", 0);

    if (viommu == NULL)
        return bits == 0 ? 0
                         : error_set_field_reason(err, "machine", VM_NEEDS_NO_AW_BITS,
                                                  "cannot set aw-bits if no vIOMMU is configured");
    return strcmp(viommu, "intel") == 0 ? add_intel(build, bits, err) : add_virtio(build, bits, err);
}

static int compare_options(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int vm_build_add_machine(struct vm_build *build, struct error *err)
{
    struct vm_arguments *options = &build->machine_options;
    autotext struct text text = {0};

    if (add_viommu(build, err) != 0)
        return -1;
    add_sleep(build, "enable-s3", "disable_s3");
    add_sleep(build, "enable-s4", "disable_s4");
    add_compatibility(build);
    add_clock(build);
    vm_build_add_machine_option(build, "accel=%s", build->kvm ? "kvm" : "tcg");
    if (!build->acpi)
        vm_build_add_machine_option(build, "acpi=off");
    if (build->no_graphics && !build->ovmf)
        vm_build_add_machine_option(build, "smm=off");
    qsort(options->list, options->count, sizeof(*options->list), compare_options);
    for (size_t i = 0; i < options->count; i++)
        text_printf(&text, ",%s", options->list[i]);
    vm_build_add(build, VM_HEAD, "-machine", "type=%s%s", build->machine.type, text_string(&text));
    return 0;
}

/* USB 2 as in Intel's chipsets: a fast controller with three slow ones beside it in the same slot. */
static void add_ehci(struct vm_build *build, enum vm_section section, const char *bus, unsigned slot,
                     const char *id, unsigned first_uhci)
{
    unsigned kind = first_uhci == 1 ? 1 : 4;

    vm_build_add(build, section, "-device", "ich9-usb-ehci%u,id=%s,bus=%s,addr=%x.7,multifunction=on",
                 first_uhci == 1 ? 1 : 2, id, bus, slot);
    for (unsigned i = 0; i < 3; i++)
        vm_build_add(
            build, section, "-device",
            "ich9-usb-uhci%u,id=uhci-%u,bus=%s,addr=%x.%u,multifunction=on,masterbus=%s.0,firstport=%u",
            kind + i, first_uhci + i, bus, slot, i, id, 2 * i);
}

static void add_q35_buses(struct vm_build *build)
{
    add_ehci(build, VM_BUSES, "pcie.0", 0x1d, "ehci", 1);
    add_ehci(build, VM_BUSES, "pcie.0", 0x1a, "ehci-2", 4);
    for (unsigned i = 0; i < 4; i++)
        vm_build_add(build, VM_BUSES, "-device",
                     "pcie-root-port,id=ich9-pcie-port-%u,bus=pcie.0,addr=1c.%u,multifunction=on,x-speed=16,"
                     "x-width=32,port=%u,chassis=%u",
                     i + 1, i, i + 1, i + 1);
    vm_build_add(build, VM_BUSES, "-device", "i82801b11-bridge,id=pcidmi,bus=pcie.0,addr=1e.0");
    for (unsigned i = 0; i < 4; i++)
        vm_build_add(build, VM_BUSES, "-device", "pci-bridge,id=pci.%u,bus=pcidmi,addr=%u.0,chassis_nr=%u", i,
                     i + 1, i + 1);
}

/* With legacy-igd, guests look for the chipset of the graphics in slot 1f, so pci.2 is moved from there. */
static void add_pc_buses(struct vm_build *build)
{
    const char *address = build->legacy_igd ? "bus=pci.1,addr=0x1e" : "bus=pci.0,addr=0x1f";

    vm_build_add(build, VM_BUSES, "-device", "pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e");
    vm_build_add(build, VM_BUSES, "-device", "pci-bridge,id=pci.2,chassis_nr=2,%s", address);
    if (build->bridges[3])
        vm_build_add(build, VM_BUSES, "-device", "pci-bridge,id=pci.3,chassis_nr=3,bus=pci.0,addr=0x5");
    vm_build_add(build, VM_BUSES, "-device", "piix3-usb-uhci,id=uhci,bus=pci.0,addr=0x1.0x2");
    if (build->has_ehci)
        add_ehci(build, VM_BUSES, "pci.0", 0x1d, "ehci", 1);
}

void vm_build_add_buses(struct vm_build *build)
{
    if (build->machine.q35)
        add_q35_buses(build);
    else
        add_pc_buses(build);
    if (build->bridges[4])
        vm_build_add(build, VM_BUSES, "-device", "pci-bridge,id=pci.4,chassis_nr=4,bus=pci.1,addr=0x1c");
}
