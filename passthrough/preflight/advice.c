/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: what the manual advises for graphics cards and Windows. */
#include <string.h>

#include "base/memory.h"
#include "broker/protocol.h"
#include "hardware/check/manual.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/pci/rom.h"
#include "passthrough/preflight/parts.h"
#include "vm/value.h"

/* The next hostpciN that passes a whole graphics card through, which *ret_device is. */
static bool next_gpu(const struct inspection *inspection, unsigned *at, struct preflight_hostpci *ret,
                     const struct pci_device **ret_device)
{
    while (preflight_next(inspection, at, ret)) {
        *ret_device =
            preflight_is_whole(ret->assignment) ? preflight_display(inspection, ret->assignment) : NULL;
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

/* The same without those that have legacy-igd, which needs the old machine and the old firmware. */
static bool next_modern_gpu(const struct inspection *inspection, unsigned *at, struct preflight_hostpci *ret,
                            const struct pci_device **ret_device)
{
    while (next_gpu(inspection, at, ret, ret_device))
        if (!ret->assignment->hostpci.legacy_igd)
            return true;
    return false;
}

static void check_gpu_machine(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct pci_device *device;
    struct preflight_hostpci hostpci;
    unsigned at = 0;

    if (inspection->q35 || !next_modern_gpu(inspection, &at, &hostpci, &device))
        return;
    preflight_show_key(inspection, "machine", ret);
    preflight_remedy_machine(inspection, true, ret);
    findings_add(ret, SEVERITY_INFO, "%s: the graphics card %s works best with the machine type q35.",
                 hostpci.key, id_of(device).text);
}

static const struct check gpu_machine_check = {
    .id = "gpu-machine",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence =
        "When passing through a GPU, the best compatibility is reached when using q35 as machine type",
    .text = "the machine of a VM with a graphics card",
    .run = check_gpu_machine,
};

static void check_gpu_firmware(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct pci_device *device;
    struct preflight_hostpci hostpci;
    unsigned at = 0;

    if (inspection->ovmf || !next_modern_gpu(inspection, &at, &hostpci, &device))
        return;
    preflight_show_key(inspection, "bios", ret);
    text_append(&ret->remedy.lines, "# a system that was installed with SeaBIOS does not start with OVMF:\n");
    preflight_remedy_set(inspection, "bios", "ovmf", ret);
    findings_add(ret, SEVERITY_INFO,
                 "%s: the graphics card %s works best with OVMF (UEFI) instead "
                 "of SeaBIOS, if its ROM is UEFI capable.",
                 hostpci.key, id_of(device).text);
}

static const struct check gpu_firmware_check = {
    .id = "gpu-firmware",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "OVMF (UEFI for VMs) instead of SeaBIOS",
    .text = "its bios",
    .run = check_gpu_firmware,
};

static void check_gpu_pcie(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct pci_device *device;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; inspection->q35 && next_modern_gpu(inspection, &at, &hostpci, &device);) {
        if (hostpci.assignment->hostpci.pcie)
            continue;
        preflight_show_key(inspection, hostpci.key, ret);
        preflight_remedy_edit(inspection, hostpci.key, "pcie", json_integer(1), ret);
        findings_add(ret, SEVERITY_INFO, "%s: the graphics card %s works best as a PCIe device.", hostpci.key,
                     id_of(device).text);
    }
}

static const struct check gpu_pcie_check = {
    .id = "gpu-pcie",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "and PCIe instead of PCI.",
    .text = "pcie of the graphics card, on q35",
    .run = check_gpu_pcie,
};

/* Only a driver of the host prevents reading it. */
static void remedy_read_rom(const struct inspection *inspection, const struct pci_device *device,
                            struct findings *ret)
{
    struct id id = id_of(device);
    const json_t *readiness = json_object_get(inspection->described, id.text);

    if (strcmp(json_text(readiness, "verdict"), "blocked") == 0)
        return;
    text_append(&ret->remedy.lines, "# to see what it is:\n");
    if (device->driver[0] != '\0' && !driver_is_vfio(device->driver))
        remedy_add_call(&ret->remedy, "set", json_pack("{s:s}", "driver", "vfio-pci"),
                        REMEDY_NODE "/hardware/pci/%s/driver", id.text);
    remedy_add_call(&ret->remedy, "get", json_object(), REMEDY_NODE "/hardware/pci/%s/rom", id.text);
}

static bool says(const json_t *rom, const char *name)
{
    return json_integer_value(json_object_get(rom, name)) != 0;
}

/* Reports what was in it when the broker last read it. */
static void report_rom(const struct inspection *inspection, const char *key, const struct pci_device *device,
                       const json_t *rom, struct findings *ret)
{
    struct id id = id_of(device);

    text_printf(&ret->evidence, "; images for %s", rom_name_firmware(says(rom, "bios"), says(rom, "uefi")));
    if (says(rom, "shadow")) {
        findings_add(ret, SEVERITY_INFO,
                     "%s: what the host sees as the ROM of the graphics card %s is the copy that the "
                     "firmware left in memory: give the VM a romfile that is UEFI capable.",
                     key, id.text);
    } else if (!says(rom, "complete")) {
        remedy_read_rom(inspection, device, ret);
        findings_add(ret, SEVERITY_WARNING,
                     "%s: the ROM of the graphics card %s was damaged when it was read last.", key, id.text);
    } else if (says(rom, "uefi")) {
        findings_add(ret, SEVERITY_OK, "%s: the ROM of the graphics card %s is UEFI capable.", key, id.text);
    } else {
        preflight_remedy_set(inspection, "bios", "seabios", ret);
        findings_add(ret, SEVERITY_WARNING,
                     "%s: the ROM of the graphics card %s is not UEFI capable, and the VM has OVMF: use "
                     "SeaBIOS instead, or a romfile that is.",
                     key, id.text);
    }
}

static void report_unread(const struct inspection *inspection, const char *key,
                          const struct pci_device *device, bool there, struct findings *ret)
{
    if (there) {
        remedy_read_rom(inspection, device, ret);
        findings_add(ret, SEVERITY_INFO,
                     "%s: OVMF needs the ROM of the graphics card %s to be UEFI capable; if it is not, use "
                     "SeaBIOS.",
                     key, id_of(device).text);
        return;
    }
    findings_add(ret, SEVERITY_INFO,
                 "%s: the graphics card %s has no ROM of its own: with OVMF its screen stays dark until the "
                 "guest's driver is loaded, unless a romfile is given.",
                 key, id_of(device).text);
}

/* To read the device's own ROM it must be enabled first, which a check does not do. */
static void check_gpu_rom(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct pci_device *device;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; inspection->ovmf && next_gpu(inspection, &at, &hostpci, &device);) {
        if (hostpci.assignment->hostpci.romfile != NULL || !hostpci.assignment->hostpci.rombar ||
            device->virtual_function)
            continue;
        struct id id = id_of(device);
        struct host_path file = path_of_function(id.text, "rom");
        bool there = sysfs_exists(sysroot_fd(inspection->what->sysroot), file.text);
        const json_t *rom = protocol_find_fact(json_object_get(inspection->states, id.text), "rom", device);
        text_printf(&ret->evidence, "/%s: %s", file.text, there ? "there" : "absent");
        if (there && rom != NULL)
            report_rom(inspection, hostpci.key, device, rom, ret);
        else
            report_unread(inspection, hostpci.key, device, there, ret);
    }
}

static const struct check gpu_rom_check = {
    .id = "gpu-rom",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "if you want to use OVMF for GPU passthrough, the GPU needs to have an UEFI capable ROM, "
                "otherwise use SeaBIOS instead.",
    .text = "that the card has a ROM, or is given one, and what was in it when it was read last",
    .run = check_gpu_rom,
};

static void check_gpu_screen(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        const struct pci_device *device = preflight_display(inspection, hostpci.assignment);
        if (device == NULL)
            continue;
        preflight_show_key(inspection, hostpci.key, ret);
        findings_add(ret, SEVERITY_INFO,
                     "%s: no console shows the picture of the graphics card %s: "
                     "connect a monitor to it, or set up a remote "
                     "desktop (VNC, RDP) in the guest.",
                     hostpci.key, id_of(device).text);
    }
}

static const struct check gpu_screen_check = {
    .id = "gpu-screen",
    .scope = CHECK_VM,
    .section = MANUAL_GPU,
    .sentence = "It is not possible to display the frame buffer of the GPU via NoVNC or SPICE [...]. When "
                "passing through a whole GPU or a vGPU and graphic output is wanted, one has to either "
                "physically connect a monitor to the card, or configure a remote desktop software",
    .text = "each graphics card",
    .run = check_gpu_screen,
};

#define NVIDIA 0x10de

static void check_gpu_hidden(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *cpu = preflight_values(inspection, "cpu");
    const struct pci_device *device;
    struct preflight_hostpci hostpci;

    if (preflight_number(inspection, "kvm", 1) == 0 ||
        json_integer_value(json_object_get(cpu, "hidden")) != 0)
        return;
    for (unsigned at = 0; next_gpu(inspection, &at, &hostpci, &device);)
        if (hostpci.assignment->hostpci.x_vga)
            return; /* that hides it as well */
    for (unsigned at = 0; next_gpu(inspection, &at, &hostpci, &device);) {
        if (device->vendor != NVIDIA || device->virtual_function)
            continue;
        preflight_show_key(inspection, hostpci.key, ret);
        preflight_show_key(inspection, "cpu", ret);
        preflight_remedy_edit(inspection, hostpci.key, "x-vga", json_integer(1), ret);
        findings_add(ret, SEVERITY_INFO,
                     "%s: NVIDIA's drivers before 465 refuse a consumer card "
                     "(%s) where they see KVM (error 43): x-vga=1 "
                     "hides it, and so does hidden=1 of cpu.",
                     hostpci.key, id_of(device).text);
    }
}

static const struct check gpu_hides_kvm_check = {
    .id = "gpu-hides-kvm",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "whether NVIDIA's driver would see KVM: x-vga, hidden of cpu",
    .run = check_gpu_hidden,
};

static void check_gpu_unplug(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct pci_device *device;
    struct preflight_hostpci hostpci;

    if (!vm_value_hotplugs(inspection->config, "pci") ||
        strcmp(preflight_text(inspection, "ostype"), "l26") != 0)
        return;
    for (unsigned at = 0; next_gpu(inspection, &at, &hostpci, &device);) {
        if (device->vendor != NVIDIA)
            continue;
        preflight_show_key(inspection, "hotplug", ret);
        preflight_show_key(inspection, "ostype", ret);
        findings_add(ret, SEVERITY_WARNING, "%s: " PREFLIGHT_NVIDIA_HANGS, hostpci.key, id_of(device).text);
    }
}

static const struct check gpu_unplug_check = {
    .id = "gpu-unplug",
    .scope = CHECK_VM,
    .section = MANUAL_NOTHING,
    .text =
        "with pci in hotplug, a card of NVIDIA in a Linux guest, whose driver may hang when it is unplugged",
    .run = check_gpu_unplug,
};

static bool vga_is_off(const struct inspection *inspection)
{
    char value[16];

    return facts_module_parameter(&inspection->facts, "vfio_pci", "disable_vga", value, sizeof(value)) &&
           (value[0] == 'Y' || value[0] == '1');
}

/* With OVMF, which needs no legacy VGA, x-vga works with any device. */
static void check_legacy_vga(const struct inspection *inspection, const struct preflight_hostpci *hostpci,
                             struct findings *ret)
{
    const struct pci_device *device = preflight_device(inspection, hostpci->assignment, 0);

    if (inspection->ovmf || device == NULL || !preflight_is_whole(hostpci->assignment))
        return;
    if (!pci_is_vga(device)) {
        text_printf(&ret->evidence, "/%s: 0x%06x", path_of_function(id_of(device).text, "class").text,
                    (unsigned)device->class_code);
        preflight_remedy_edit(inspection, hostpci->key, "x-vga", NULL, ret);
        findings_add(ret, SEVERITY_ERROR, "%s: x-vga=1, but %s is not a VGA device.", hostpci->key,
                     id_of(device).text);
    } else if (vga_is_off(inspection)) {
        text_printf(&ret->evidence, "/%s: Y", path_of_module("vfio_pci", "parameters/disable_vga").text);
        preflight_remedy_set(inspection, "bios", "ovmf", ret);
        findings_add(
            ret, SEVERITY_ERROR,
            "%s: x-vga=1 with SeaBIOS needs VGA arbitration, which vfio-pci's option disable_vga turns off.",
            hostpci->key);
    }
}

static void check_x_vga(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *vga = preflight_values(inspection, "vga");
    const char *type = json_text(vga, "type");
    struct preflight_hostpci hostpci, first = {.assignment = NULL};

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        if (!hostpci.assignment->hostpci.x_vga)
            continue;
        check_legacy_vga(inspection, &hostpci, ret);
        if (first.assignment == NULL) {
            first = hostpci;
            continue;
        }
        preflight_show_key(inspection, hostpci.key, ret);
        preflight_remedy_edit(inspection, hostpci.key, "x-vga", NULL, ret);
        findings_add(ret, SEVERITY_WARNING, "%s: x-vga=1 marks the primary display, and %s has it already.",
                     hostpci.key, first.key);
    }
    if (first.assignment == NULL || type[0] == '\0' || strcmp(type, "none") == 0 ||
        text_starts_with(type, "serial"))
        return;
    preflight_show_key(inspection, "vga", ret);
    preflight_remedy_delete(inspection, "vga", ret);
    findings_add(ret, SEVERITY_INFO, "%s is the primary display (x-vga=1): the guest should have no other.",
                 first.key);
}

static const struct check x_vga_check = {
    .id = "x-vga",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "x-vga=on|off marks the PCI(e) device as the primary GPU of the VM. With this enabled the "
                "vga configuration option will be ignored.",
    .text = "that it is a VGA device, the only one, and that vga is not set",
    .run = check_x_vga,
};

static void check_rom_bar(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        if (hostpci.assignment->hostpci.rombar || !hostpci.assignment->assigned)
            continue;
        bool file = hostpci.assignment->hostpci.romfile != NULL;
        preflight_show_key(inspection, hostpci.key, ret);
        preflight_remedy_edit(inspection, hostpci.key, "rombar", NULL, ret);
        findings_add(ret, file ? SEVERITY_WARNING : SEVERITY_INFO,
                     file ? "%s: rombar=0 hides the ROM from the guest, even one that romfile gives."
                          : "%s: rombar=0 hides the ROM from the guest, whose firmware cannot use the "
                            "device: only some "
                            "devices need that.",
                     hostpci.key);
    }
}

static const struct check rom_bar_check = {
    .id = "rom-bar",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "rombar=on|off makes the firmware ROM visible for the guest. Default is on. Some PCI(e) "
                "devices need this disabled.",
    .text = "rombar=0, above all with romfile",
    .run = check_rom_bar,
};

/* A newer QEMU has a newer machine by default, which Windows may take for another computer. */
static void check_machine_version(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *machine = preflight_values(inspection, "machine");
    const struct vm_features *qemu;
    struct error err;

    if (preflight_text(inspection, "ostype")[0] != 'w' || strchr(json_text(machine, "type"), '-') != NULL ||
        qemu_features(inspection->what->qemu, &qemu, &err) != 0)
        return;
    struct vm_version version = vm_features_version(qemu);
    preflight_show_key(inspection, "machine", ret);
    autofree char *pinned =
        xasprintf("pc-%s-%u.%u", inspection->q35 ? "q35" : "i440fx", version.major, version.minor);
    preflight_remedy_edit(inspection, "machine", "type", json_string(pinned), ret);
    findings_add(ret, SEVERITY_INFO,
                 "Windows should keep the machine version that it was installed on; none is set, so a newer "
                 "QEMU gives it another one, in which Windows finds new devices.");
}

static const struct check machine_version_check = {
    .id = "machine-version",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "with Windows, a machine without its version",
    .run = check_machine_version,
};

const struct check *const preflight_advice_checks[] = {&gpu_machine_check,
                                                       &gpu_firmware_check,
                                                       &gpu_pcie_check,
                                                       &gpu_rom_check,
                                                       &gpu_screen_check,
                                                       &gpu_hides_kvm_check,
                                                       &gpu_unplug_check,
                                                       &x_vga_check,
                                                       &rom_bar_check,
                                                       &machine_version_check,
                                                       NULL};
