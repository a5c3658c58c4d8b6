/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: graphics cards.
 *
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (boot_vga, rom); include/linux/ioport.h
 * (IORESOURCE_ROM_SHADOW, 0x2: the region is the copy of the boot VGA's ROM in main memory);
 * drivers/firmware/sysfb.c, since 5.14 the one place that makes the devices of all these drivers; PCI
 * Firmware Specification 3.3, 5.1 (ROM images of several kinds). Whether an image for UEFI is in the ROM is
 * only seen in the ROM, and to read it one must first enable it by a write, which a check does not: the
 * broker does it when it is asked to, and keeps what it saw. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/pci/rom.h"

#define ROM_LINE   6
#define SHADOW     0x2
#define MOST_IOMEM (1024 * 1024)

static void check_boot_vga(const struct subject *subject, struct findings *ret)
{
    char held[16];

    if (!pci_is_display(subject->device) || sysfs_read(subject->folder, "boot_vga", held, sizeof(held)) <= 0)
        return;
    evidence_file(subject, &ret->evidence, "boot_vga", held);
    if (held[0] != '1') {
        findings_add(ret, SEVERITY_OK, "The firmware started on another graphics card.");
        return;
    }
    text_append(&ret->remedy.lines,
                "# if the firmware setup (BIOS/UEFI) lets you choose, make another card the first;\n"
                "# else save its ROM once and give it to the VM, in its configuration:\n");
    text_printf(&ret->remedy.lines, "hostpci0: %s,romfile=vbios.rom\n", subject->id);
    findings_add(ret, SEVERITY_WARNING,
                 "The firmware started on this graphics card: the host's screen goes dark when a VM takes "
                 "it, and its ROM may not be intact any more.");
}

static const struct check boot_vga_check = {
    .id = "boot-vga",
    .scope = CHECK_DEVICE,
    .section = MANUAL_VM,
    .sentence = "romfile=<path>, is an optional path to a ROM file for the device to use.",
    .text = "the graphics card that the firmware started on",
    .run = check_boot_vga,
};

/* proc/iomem lists what lies in a window below it, further to the right. Only root sees addresses other than
 * 0. */
static bool has_framebuffer(const char *text, const char *id, char *name, size_t size)
{
    size_t outer = 0;
    bool inside = false;

    for (const char *line = text; *line != '\0';) {
        size_t end = strcspn(line, "\n"), indent = strspn(line, " ");
        const char *colon = memmem(line, end, " : ", 3);
        inside = inside && indent > outer;
        if (colon != NULL && !inside && strncmp(colon + 3, id, strlen(id)) == 0) {
            inside = true;
            outer = indent;
        }
        if (inside && colon != NULL && use_is_boot_framebuffer(colon + 3)) {
            snprintf(name, size, "%.*s", (int)strcspn(colon + 3, " \n"), colon + 3);
            return true;
        }
        line += end + (line[end] == '\n');
    }
    return false;
}

static void check_framebuffer(const struct subject *subject, struct findings *ret)
{
    autofree char *text = NULL;
    char name[32];

    if (!pci_is_display(subject->device))
        return;
    int length = sysfs_read_whole(sysroot_fd(subject->facts->sysroot), PROC_IOMEM, MOST_IOMEM, &text);
    if (length < 0)
        facts_note(subject->facts, PROC_IOMEM, length, false);
    if (length < 0 || !has_framebuffer(text, subject->id, name, sizeof(name)))
        return;
    text_printf(&ret->evidence, "/" PROC_IOMEM ": %s in a window of %s", name, subject->id);
    unsigned version = subject->facts->version;
    remedy_add_parameter(subject->facts, &ret->remedy,
                         version != 0 && version < 5014 ? "video=efifb:off,vesafb:off"
                                                        : "initcall_blacklist=sysfb_init");
    findings_add(
        ret, SEVERITY_WARNING,
        "The firmware's framebuffer (%s) lies in its memory: vfio-pci then says \"can't reserve\" and the "
        "guest's screen stays dark.",
        name);
}

static const struct check framebuffer_check = {
    .id = "framebuffer",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "Proxmox VE tries to automatically make the PCI(e) device unavailable for the host. However, "
                "if this doesn't work",
    .text = "the firmware's framebuffer in its memory, in /" PROC_IOMEM,
    .run = check_framebuffer,
};

/* A driver of the host must not have the device meanwhile. */
static void remedy_read_rom(const struct subject *subject, struct remedy *remedy)
{
    const char *driver = subject->device->driver;

    if (driver[0] != '\0' && !driver_is_vfio(driver))
        remedy_take(subject, remedy);
    if (driver[0] == '\0' || driver_is_vfio(driver) || remedy->lines.length > 0)
        remedy_add_call(remedy, "get", json_object(), REMEDY_NODE "/hardware/pci/%s/rom", subject->id);
}

static bool says(const json_t *rom, const char *name)
{
    return json_integer_value(json_object_get(rom, name)) != 0;
}

/* What was seen in it when it was read last. */
static void report_content(const struct subject *subject, struct findings *ret)
{
    bool bios = says(subject->rom, "bios"), uefi = says(subject->rom, "uefi");
    autofree char *held = xasprintf("images for %s", rom_name_firmware(bios, uefi));

    evidence_file(subject, &ret->evidence, "rom", held);
    if (!says(subject->rom, "complete")) {
        remedy_read_rom(subject, &ret->remedy);
        findings_add(ret, SEVERITY_WARNING,
                     "Its ROM was damaged when it was read last: it does not end with its last image.");
    } else if (uefi) {
        findings_add(ret, SEVERITY_OK, "Its ROM is UEFI capable: it works with OVMF%s.",
                     bios ? " and with SeaBIOS" : ", not with SeaBIOS");
    } else {
        findings_add(ret, SEVERITY_INFO,
                     "Its ROM is not UEFI capable: use SeaBIOS, or give the VM a romfile that is.");
    }
}

static void check_rom(const struct subject *subject, struct findings *ret)
{
    struct region rom;
    char held[64];

    if (!pci_is_display(subject->device) || subject->device->virtual_function ||
        !sysfs_exists(subject->folder, "resource"))
        return;
    if (!read_region(subject, ROM_LINE, &rom)) {
        evidence_file(subject, &ret->evidence, "resource", "line 7: no ROM");
        findings_add(ret, SEVERITY_INFO,
                     "It has no ROM of its own: under OVMF its screen stays dark until the guest's driver is "
                     "loaded, unless a romfile is given.");
        return;
    }
    snprintf(held, sizeof(held), "line 7: ROM of %llu KiB", rom.size >> 10);
    evidence_file(subject, &ret->evidence, "resource", held);
    if ((rom.flags & SHADOW) != 0) {
        findings_add(
            ret, SEVERITY_INFO,
            "What the host sees as its ROM is the copy that the firmware left in memory; give the VM a "
            "romfile.");
        return;
    }
    if (subject->rom != NULL) {
        report_content(subject, ret);
        return;
    }
    remedy_read_rom(subject, &ret->remedy);
    findings_add(
        ret, SEVERITY_INFO,
        "It has a ROM; only reading it shows whether it is for UEFI (OVMF) or just for a BIOS (SeaBIOS).");
}

static const struct check rom_check = {
    .id = "rom",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "the GPU needs to have an UEFI capable ROM, otherwise use SeaBIOS instead.",
    .text = "that there is a ROM, and what was in it when the broker was asked to read it",
    .run = check_rom,
};

static void check_vga_arbitration(const struct subject *subject, struct findings *ret)
{
    const struct setting *setting = NULL;
    char value[16] = "";

    if (!pci_is_vga(subject->device) || !driver_is_vfio(subject->device->driver))
        return;
    bool known = facts_module_parameter(subject->facts, "vfio_pci", "disable_vga", value, sizeof(value));
    bool set = host_settings_option(&subject->facts->settings, "vfio_pci", "disable_vga", value,
                                    sizeof(value), &setting);
    if (!known && !set)
        return;
    if (set)
        evidence_setting(setting, &ret->evidence);
    else
        text_printf(&ret->evidence, "/%s: %s", path_of_module("vfio_pci", "parameters/disable_vga").text,
                    value);
    if (value[0] == 'Y' || value[0] == '1') {
        findings_add(ret, SEVERITY_INFO, "VGA arbitration is off: it only works in VMs with OVMF.");
        return;
    }
    remedy_set_option(subject->facts, &ret->remedy, "vfio-pci", "disable_vga", "1", "vfio-vga");
    text_append(&ret->remedy.lines, REMEDY_INITRAMFS "# it takes effect at the next boot\n");
    findings_add(ret, SEVERITY_INFO, "VGA arbitration is on; VMs with OVMF do not need it.");
}

static const struct check vga_arbitration_check = {
    .id = "vga-arbitration",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "using OVMF, disabling vga arbitration may be possible: disable_vga=1",
    .text = "vfio-pci's disable_vga",
    .run = check_vga_arbitration,
};

const struct check *const checks_display[] = {&boot_vga_check, &framebuffer_check, &rom_check,
                                              &vga_arbitration_check, NULL};
