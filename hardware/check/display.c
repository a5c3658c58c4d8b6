/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: graphics cards.
 *
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (boot_vga, rom); include/linux/ioport.h
 * (IORESOURCE_ROM_SHADOW, 0x2: the region is the copy of the boot VGA's ROM in main memory);
 * drivers/firmware/sysfb.c; PCI Firmware Specification 3.3, 5.1 (ROM images of several kinds). Whether an
 * image for UEFI is in the ROM is only seen in the ROM, and to read it one must first enable it by a write,
 * which a check does not. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

#define ROM_LINE   6
#define SHADOW     0x2
#define MOST_IOMEM (1024 * 1024)

bool check_boot_vga(const struct subject *subject, struct finding *ret)
{
    char held[16];

    if (!pci_is_display(subject->device) || sysfs_read(subject->folder, "boot_vga", held, sizeof(held)) <= 0)
        return false;
    evidence_file(subject, &ret->evidence, "boot_vga", held);
    if (held[0] != '1')
        return find(ret, SEVERITY_OK, "The firmware started on another graphics card.");
    text_append(&ret->remedy,
                "# if the firmware setup (BIOS/UEFI) lets you choose, make another card the first;\n"
                "# else save its ROM once and give it to the VM, in its configuration:\n");
    text_printf(&ret->remedy, "hostpci0: %s,romfile=vbios.rom\n", subject->id);
    return find(
        ret, SEVERITY_WARNING,
        "The firmware started on this graphics card: the host's screen goes dark when a VM takes it, and its "
        "ROM is no longer as it was.");
}

/* In proc/iomem what is in a window stands below it, further to the right; addresses are zero for all but
 * root. */
static bool has_framebuffer(const char *text, const char *id, char *name, size_t size)
{
    static const char *const names[] = {"BOOTFB", "efifb", "vesafb", "simplefb", "simple-framebuffer"};
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
        for (size_t i = 0; i < COUNT_OF(names) && inside && colon != NULL; i++)
            if (strncmp(colon + 3, names[i], strlen(names[i])) == 0) {
                snprintf(name, size, "%s", names[i]);
                return true;
            }
        line += end + (line[end] == '\n');
    }
    return false;
}

bool check_framebuffer(const struct subject *subject, struct finding *ret)
{
    autofree char *text = NULL;
    char name[32];

    if (!pci_is_display(subject->device))
        return false;
    int length = sysfs_read_whole(sysroot_fd(subject->facts->sysroot), PROC_IOMEM, MOST_IOMEM, &text);
    if (length < 0)
        facts_note(subject->facts, PROC_IOMEM, length, false);
    if (length < 0 || !has_framebuffer(text, subject->id, name, sizeof(name)))
        return false;
    text_printf(&ret->evidence, "/" PROC_IOMEM ": %s in a window of %s", name, subject->id);
    remedy_add_parameter(subject->facts, &ret->remedy, "initcall_blacklist=sysfb_init");
    return find(
        ret, SEVERITY_WARNING,
        "The firmware's framebuffer (%s) lies in its memory: vfio-pci then says \"can't reserve\" and the "
        "guest's screen stays dark.",
        name);
}

bool check_rom(const struct subject *subject, struct finding *ret)
{
    struct region rom;
    char held[64];

    if (!pci_is_display(subject->device) || subject->device->virtual_function ||
        !sysfs_exists(subject->folder, "resource"))
        return false;
    if (!read_region(subject, ROM_LINE, &rom)) {
        evidence_file(subject, &ret->evidence, "resource", "line 7: no ROM");
        return find(ret, SEVERITY_INFO,
                    "It has no ROM of its own: under OVMF its screen stays dark until the guest's driver is "
                    "loaded, unless a romfile is given.");
    }
    snprintf(held, sizeof(held), "line 7: ROM of %llu KiB", rom.size >> 10);
    evidence_file(subject, &ret->evidence, "resource", held);
    if ((rom.flags & SHADOW) != 0)
        return find(
            ret, SEVERITY_INFO,
            "What the host sees as its ROM is the copy that the firmware left in memory; give the VM a "
            "romfile.");
    text_printf(&ret->remedy, "cd /%s && echo 1 > rom && cat rom > /tmp/vbios.rom; echo 0 > rom\n",
                path_of_function(subject->id, NULL).text);
    return find(ret, SEVERITY_INFO,
                "It has a ROM; whether that is for UEFI (OVMF) or only for a BIOS (SeaBIOS) shows when it is "
                "read.");
}

bool check_vga_arbitration(const struct subject *subject, struct finding *ret)
{
    const struct setting *setting = NULL;
    char value[16] = "";

    if (!pci_is_vga(subject->device) || !driver_is_vfio(subject->device->driver))
        return false;
    bool known = facts_module_parameter(subject->facts, "vfio_pci", "disable_vga", value, sizeof(value));
    bool set = host_settings_option(&subject->facts->settings, "vfio_pci", "disable_vga", value,
                                    sizeof(value), &setting);
    if (!known && !set)
        return false;
    if (set)
        evidence_setting(setting, &ret->evidence);
    else
        text_printf(&ret->evidence, "/%s: %s", path_of_module("vfio_pci", "parameters/disable_vga").text,
                    value);
    if (value[0] == 'Y' || value[0] == '1')
        return find(ret, SEVERITY_INFO, "VGA arbitration is off: it only works in VMs with OVMF.");
    text_append(&ret->remedy,
                "echo \"options vfio-pci disable_vga=1\" > /etc/modprobe.d/vfio-vga.conf\n" REMEDY_INITRAMFS
                    REMEDY_REBOOT);
    return find(ret, SEVERITY_INFO, "VGA arbitration is on; VMs with OVMF do not need it.");
}
