/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: what the manual advises for graphics cards, vIOMMU and Windows. */
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "passthrough/preflight/parts.h"

/* The next hostpciN with a graphics card of its own, which *ret_device is. */
static bool next_gpu(const struct inspection *inspection, unsigned *at, struct place *ret,
                     const struct pci_device **ret_device)
{
    while (preflight_next(inspection, at, ret)) {
        *ret_device = choice_is_whole(ret->choice) ? preflight_display(inspection, ret->choice) : NULL;
        if (*ret_device != NULL)
            return true;
    }
    return false;
}

struct id {
    char text[PCI_ADDRESS_SIZE];
};

static struct id id_of(const struct pci_device *device)
{
    struct id id = {""};

    pci_address_format(device->address, id.text);
    return id;
}

/* legacy-igd wants the old machine and the old firmware. */
static bool next_modern_gpu(const struct inspection *inspection, unsigned *at, struct place *ret,
                            const struct pci_device **ret_device)
{
    while (next_gpu(inspection, at, ret, ret_device))
        if (!ret->choice->hostpci.legacy_igd)
            return true;
    return false;
}

void preflight_gpu_machine(struct inspection *inspection)
{
    const struct pci_device *device;
    struct place place;
    unsigned at = 0;

    if (inspection->q35 || !next_modern_gpu(inspection, &at, &place, &device))
        return;
    struct finding *finding = preflight_tell(inspection, SEVERITY_INFO,
                                             "%s: the graphics card %s works best with the machine type q35.",
                                             place.key, id_of(device).text);
    preflight_show_key(inspection, "machine", finding);
    preflight_remedy_machine(inspection, true, finding);
}

void preflight_gpu_firmware(struct inspection *inspection)
{
    const struct pci_device *device;
    struct place place;
    unsigned at = 0;

    if (inspection->ovmf || !next_modern_gpu(inspection, &at, &place, &device))
        return;
    struct finding *finding = preflight_tell(inspection, SEVERITY_INFO,
                                             "%s: the graphics card %s works best with OVMF (UEFI) instead "
                                             "of SeaBIOS, if its ROM is UEFI capable.",
                                             place.key, id_of(device).text);
    preflight_show_key(inspection, "bios", finding);
    text_append(&finding->remedy, "# a system that was installed with SeaBIOS does not start with OVMF:\n");
    preflight_remedy_set(inspection, "bios", "ovmf", finding);
}

void preflight_gpu_pcie(struct inspection *inspection)
{
    const struct pci_device *device;
    struct place place;

    for (unsigned at = 0; inspection->q35 && next_modern_gpu(inspection, &at, &place, &device);) {
        if (place.choice->hostpci.pcie)
            continue;
        struct finding *finding =
            preflight_tell(inspection, SEVERITY_INFO, "%s: the graphics card %s works best as a PCIe device.",
                           place.key, id_of(device).text);
        preflight_show_key(inspection, place.key, finding);
        preflight_remedy_edit(inspection, place.key, "pcie", json_integer(1), finding);
    }
}

/* What is in the device's own ROM shows when it is enabled, which a check does not. */
void preflight_gpu_rom(struct inspection *inspection)
{
    const struct pci_device *device;
    struct place place;

    for (unsigned at = 0; inspection->ovmf && next_gpu(inspection, &at, &place, &device);) {
        if (place.choice->hostpci.romfile != NULL || !place.choice->hostpci.rombar ||
            device->virtual_function)
            continue;
        struct id id = id_of(device);
        struct host_path file = path_of_function(id.text, "rom");
        bool there = sysfs_exists(sysroot_fd(inspection->what->sysroot), file.text);
        struct finding *finding = preflight_tell(
            inspection, SEVERITY_INFO,
            there
                ? "%s: OVMF needs a UEFI capable ROM of the graphics card %s; if it is not, use SeaBIOS."
                : "%s: the graphics card %s has no ROM of its own: with OVMF its screen stays dark until the "
                  "guest's driver is loaded, unless a romfile is given.",
            place.key, id.text);
        text_printf(&finding->evidence, "/%s: %s", file.text, there ? "there" : "absent");
        if (!there)
            continue;
        text_printf(&finding->remedy,
                    "# to see what it is (a ROM that is given is looked at here):\n"
                    "cd /%s && echo 1 > rom && cat rom > %s/vbios.rom; echo 0 > rom\n",
                    path_of_function(id.text, NULL).text, inspection->what->paths->rom);
        preflight_remedy_edit(inspection, place.key, "romfile", json_string("vbios.rom"), finding);
    }
}

void preflight_gpu_screen(struct inspection *inspection)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        const struct pci_device *device = preflight_display(inspection, place.choice);
        if (device == NULL)
            continue;
        struct finding *finding = preflight_tell(inspection, SEVERITY_INFO,
                                                 "%s: no console shows the picture of the graphics card %s: "
                                                 "connect a monitor to it, or set up a remote "
                                                 "desktop (VNC, RDP) in the guest.",
                                                 place.key, id_of(device).text);
        preflight_show_key(inspection, place.key, finding);
    }
}

#define NVIDIA 0x10de

void preflight_gpu_hidden(struct inspection *inspection)
{
    autojson json_t *cpu = preflight_values(inspection, "cpu");
    const struct pci_device *device;
    struct place place;

    if (preflight_number(inspection, "kvm", 1) == 0 ||
        json_integer_value(json_object_get(cpu, "hidden")) != 0)
        return;
    for (unsigned at = 0; next_gpu(inspection, &at, &place, &device);)
        if (place.choice->hostpci.x_vga)
            return; /* hides it, too */
    for (unsigned at = 0; next_gpu(inspection, &at, &place, &device);) {
        if (device->vendor != NVIDIA || device->virtual_function)
            continue;
        struct finding *finding = preflight_tell(inspection, SEVERITY_INFO,
                                                 "%s: NVIDIA's drivers before 465 refuse a consumer card "
                                                 "(%s) where they see KVM (error 43): x-vga=1 "
                                                 "hides it, and so does hidden=1 of cpu.",
                                                 place.key, id_of(device).text);
        preflight_show_key(inspection, place.key, finding);
        preflight_show_key(inspection, "cpu", finding);
        preflight_remedy_edit(inspection, place.key, "x-vga", json_integer(1), finding);
    }
}

static bool vga_is_off(const struct inspection *inspection)
{
    char value[16];

    return facts_module_parameter(&inspection->facts, "vfio_pci", "disable_vga", value, sizeof(value)) &&
           (value[0] == 'Y' || value[0] == '1');
}

/* With OVMF x-vga is no matter of the device, as no legacy VGA is needed. */
static void check_legacy_vga(struct inspection *inspection, const struct place *place)
{
    const struct pci_device *device = preflight_device(inspection, place->choice, 0);
    struct finding *finding;

    if (inspection->ovmf || device == NULL || !choice_is_whole(place->choice))
        return;
    if (!pci_is_vga(device)) {
        finding = preflight_tell(inspection, SEVERITY_ERROR, "%s: x-vga=1, but %s is no VGA device.",
                                 place->key, id_of(device).text);
        text_printf(&finding->evidence, "/%s: 0x%06x", path_of_function(id_of(device).text, "class").text,
                    (unsigned)device->class_code);
        preflight_remedy_edit(inspection, place->key, "x-vga", NULL, finding);
    } else if (vga_is_off(inspection)) {
        finding =
            preflight_tell(inspection, SEVERITY_ERROR,
                           "%s: x-vga=1 with SeaBIOS needs the VGA arbitration that vfio-pci was told to "
                           "leave off.",
                           place->key);
        text_printf(&finding->evidence, "/%s: Y", path_of_module("vfio_pci", "parameters/disable_vga").text);
        preflight_remedy_set(inspection, "bios", "ovmf", finding);
    }
}

void preflight_x_vga(struct inspection *inspection)
{
    autojson json_t *vga = preflight_values(inspection, "vga");
    const char *type = json_text(vga, "type");
    struct place place, first = {.choice = NULL};
    struct finding *finding;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        if (!place.choice->hostpci.x_vga)
            continue;
        check_legacy_vga(inspection, &place);
        if (first.choice == NULL) {
            first = place;
            continue;
        }
        finding = preflight_tell(inspection, SEVERITY_WARNING,
                                 "%s: x-vga=1 marks the primary display, and %s has it already.", place.key,
                                 first.key);
        preflight_show_key(inspection, place.key, finding);
        preflight_remedy_edit(inspection, place.key, "x-vga", NULL, finding);
    }
    if (first.choice == NULL || type[0] == '\0' || strcmp(type, "none") == 0 ||
        text_starts_with(type, "serial"))
        return;
    finding =
        preflight_tell(inspection, SEVERITY_INFO,
                       "%s is the primary display (x-vga=1): the guest should have no other.", first.key);
    preflight_show_key(inspection, "vga", finding);
    preflight_remedy_delete(inspection, "vga", finding);
}

void preflight_rom_bar(struct inspection *inspection)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        if (place.choice->hostpci.rombar || !place.choice->assigned)
            continue;
        bool file = place.choice->hostpci.romfile != NULL;
        struct finding *finding =
            preflight_tell(inspection, file ? SEVERITY_WARNING : SEVERITY_INFO,
                           file ? "%s: rombar=0 hides the ROM from the guest, also that of romfile."
                                : "%s: rombar=0 hides the ROM from the guest, whose firmware cannot use the "
                                  "device: only some "
                                  "devices need that.",
                           place.key);
        preflight_show_key(inspection, place.key, finding);
        preflight_remedy_edit(inspection, place.key, "rombar", NULL, finding);
    }
}

void preflight_viommu_host(struct inspection *inspection)
{
    autojson json_t *machine = preflight_values(inspection, "machine");

    if (json_object_get(machine, "viommu") == NULL || inspection->inventory->has_iommu)
        return;
    struct finding *finding = preflight_tell(
        inspection, SEVERITY_WARNING,
        "The VM has a vIOMMU, but the host's IOMMU is off: no device of the host can be behind it.");
    preflight_show_key(inspection, "machine", finding);
    text_append(&finding->evidence, "; /" SYS_IOMMU_GROUPS ": empty");
    text_append(&finding->remedy, "# how to turn it on (intel_iommu=on or amd_iommu=on, by the CPU):\n"
                                  "hostpci get /nodes/localhost/hardware/iommu\n");
}

void preflight_viommu_guest(struct inspection *inspection)
{
    autojson json_t *machine = preflight_values(inspection, "machine");
    const char *viommu = json_text(machine, "viommu");
    struct finding *finding;

    if (viommu[0] == '\0')
        return;
    if (strcmp(viommu, "intel") == 0) {
        finding =
            preflight_tell(inspection, SEVERITY_INFO,
                           "The guest needs the kernel parameter intel_iommu=on for its vIOMMU, whether the "
                           "host's CPU is Intel's or AMD's.");
        preflight_show_key(inspection, "machine", finding);
        text_append(&finding->remedy,
                    "# in the guest (Debian's):\n"
                    "sed -i '/^GRUB_CMDLINE_LINUX_DEFAULT=/s/\"$/ intel_iommu=on\"/' /etc/default/grub\n"
                    "update-grub\nreboot\n");
    } else if (!inspection->q35) {
        finding = preflight_tell(inspection, SEVERITY_INFO,
                                 "A VirtIO vIOMMU works without q35, but PCIe does not: q35 is advisable.");
        preflight_show_key(inspection, "machine", finding);
        preflight_remedy_machine(inspection, true, finding);
    }
}

/* A new QEMU's machine is another one, which Windows may take for a new computer. */
void preflight_machine_version(struct inspection *inspection)
{
    autojson json_t *machine = preflight_values(inspection, "machine");
    const struct vm_features *qemu;
    struct error err;

    if (preflight_text(inspection, "ostype")[0] != 'w' || strchr(json_text(machine, "type"), '-') != NULL ||
        qemu_features(inspection->what->qemu, &qemu, &err) != 0)
        return;
    struct vm_version version = vm_features_version(qemu);
    struct finding *finding = preflight_tell(inspection, SEVERITY_INFO,
                                             "Windows should keep the machine that it was installed on: its "
                                             "version is not set, so that a newer QEMU "
                                             "gives it another one, with its devices anew.");
    preflight_show_key(inspection, "machine", finding);
    autofree char *pinned =
        xasprintf("pc-%s-%u.%u", inspection->q35 ? "q35" : "i440fx", version.major, version.minor);
    preflight_remedy_edit(inspection, "machine", "type", json_string(pinned), finding);
}
