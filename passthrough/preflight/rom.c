/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: the ROMs that its devices show to the guest. */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/pci/rom.h"
#include "passthrough/preflight/parts.h"

/* A romfile: who names it, and what is in it. */
struct romfile {
    const struct preflight_hostpci *hostpci;
    const char *path;
    struct rom rom;
};

static void add(const struct romfile *file, enum severity severity, const char *fault, struct findings *ret)
{
    findings_add(ret, severity, "%s: the ROM '%s' %s", file->hostpci->key, file->path, fault);
}

static void remedy_own(const struct inspection *inspection, const struct romfile *file, struct findings *ret)
{
    text_append(&ret->remedy.lines, "# use the device's own:\n");
    preflight_remedy_edit(inspection, file->hostpci->key, "romfile", NULL, ret);
}

static void check_chain(const struct inspection *inspection, const struct romfile *file, struct findings *ret)
{
    const struct rom_image *damage = rom_find_damage(&file->rom);

    if (!file->rom.complete) {
        text_printf(&ret->evidence, "%s: %s", file->path, file->rom.fault);
        remedy_own(inspection, file, ret);
        add(file, SEVERITY_WARNING, "is damaged: it does not end with its last image.", ret);
    }
    if (damage != NULL) {
        text_printf(&ret->evidence, "%s: the bytes of the image at %zu do not add up to 0", file->path,
                    file->rom.before + damage->offset);
        remedy_own(inspection, file, ret);
        add(file, inspection->ovmf ? SEVERITY_INFO : SEVERITY_WARNING,
            "is damaged, or was changed: the checksum of its image for a BIOS is wrong, and SeaBIOS leaves "
            "such an "
            "image out.",
            ret);
    }
}

/* The guest's firmware expects the first image at 0. */
static void check_beginning(const struct romfile *file, struct findings *ret)
{
    autofree char *whole = xasprintf("%s.new", file->path), *from = xasprintf("if=%s", file->path),
                  *to = xasprintf("of=%s", whole), *skip = xasprintf("skip=%zu", file->rom.before / 512);

    if (file->rom.before == 0)
        return;
    text_printf(&ret->evidence, "%s: the first image begins at %zu", file->path, file->rom.before);
    preflight_remedy_command((const char *const[]){"dd", from, to, "bs=512", skip, NULL}, ret);
    preflight_remedy_command((const char *const[]){"mv", whole, file->path, NULL}, ret);
    add(file, SEVERITY_WARNING,
        "begins with something else, such as the header of the program that saved it: the guest's firmware "
        "does "
        "not find its images.",
        ret);
}

static void check_firmware(const struct inspection *inspection, const struct romfile *file,
                           struct findings *ret)
{
    bool fits = inspection->ovmf ? rom_has_uefi(&file->rom, ROM_MACHINE_X64) : rom_has_bios(&file->rom);
    bool foreign = inspection->ovmf && rom_has_uefi(&file->rom, 0);

    if (fits)
        return;
    text_printf(&ret->evidence, "%s: images for %s", file->path,
                rom_name_firmware(rom_has_bios(&file->rom), rom_has_uefi(&file->rom, 0)));
    for (size_t i = 0; foreign && i < file->rom.count; i++)
        if (file->rom.images[i].efi)
            text_printf(&ret->evidence, " (%s)", rom_machine_name(file->rom.images[i].machine).text);
    if (foreign)
        remedy_own(inspection, file, ret);
    else
        preflight_remedy_set(inspection, "bios", inspection->ovmf ? "seabios" : "ovmf", ret);
    add(file, SEVERITY_WARNING,
        foreign            ? "is for UEFI on another kind of processor than the guest's, x64."
        : inspection->ovmf ? "is not UEFI capable, and the VM has OVMF: use SeaBIOS instead."
                           : "is for UEFI alone, and the VM has SeaBIOS: use OVMF instead.",
        ret);
}

/* A romfile is shown by the first function. */
static void check_device(const struct inspection *inspection, const struct romfile *file,
                         struct findings *ret)
{
    const struct pci_device *device = preflight_device(inspection, file->hostpci->assignment, 0);
    char id[PCI_ADDRESS_SIZE];

    if (device == NULL || rom_fits(&file->rom, device->vendor, device->device))
        return;
    autofree char *ids = rom_list_ids(&file->rom);
    pci_address_format(device->address, id);
    text_printf(&ret->evidence, "%s: for %s; %s is %04x:%04x", file->path, ids, id, device->vendor,
                device->device);
    remedy_own(inspection, file, ret);
    add(file, SEVERITY_WARNING, "is for another device.", ret);
}

static void check_none(const struct inspection *inspection, const struct romfile *file, struct findings *ret)
{
    text_printf(&ret->evidence, "%s: images for nothing", file->path);
    preflight_remedy_edit(inspection, file->hostpci->key, "romfile", NULL, ret);
    findings_add(ret, SEVERITY_WARNING,
                 "%s: the file '%s' is not a ROM of a PCI device: no image begins in it.", file->hostpci->key,
                 file->path);
}

static int read_rom(const char *path, struct rom *ret)
{
    autofree char *content = NULL;
    struct error err;
    size_t length;

    if (file_read(path, ROM_LIMIT, &content, &length, &err) != 0)
        return -1;
    rom_parse((const unsigned char *)content, length, ret);
    return 0;
}

static void check_content(const struct inspection *inspection, struct romfile *file, struct findings *ret)
{
    struct stat status;
    enum preflight_presence presence = preflight_find_file(file->path, &status, ret);

    if (presence != PREFLIGHT_FILE_THERE) {
        if (presence == PREFLIGHT_FILE_MISSING) {
            text_append(&ret->remedy.lines, "# copy it there, or use the device's own:\n");
            preflight_remedy_edit(inspection, file->hostpci->key, "romfile", NULL, ret);
        }
        preflight_add_absent(file->hostpci->key, "the ROM", file->path, presence, ret);
    } else if (!S_ISREG(status.st_mode) || read_rom(file->path, &file->rom) != 0) {
        text_printf(&ret->evidence, "%s: mode %06o", file->path, (unsigned)status.st_mode);
        findings_add(ret, SEVERITY_WARNING, "%s: the ROM '%s' cannot be read.", file->hostpci->key,
                     file->path);
    } else if (file->rom.count == 0) {
        check_none(inspection, file, ret);
    } else {
        check_beginning(file, ret);
        check_chain(inspection, file, ret);
        check_firmware(inspection, file, ret);
        check_device(inspection, file, ret);
    }
}

static void check_roms(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        const char *name = hostpci.assignment->hostpci.romfile;
        if (name == NULL)
            continue;
        autofree char *path = xasprintf("%s/%s", inspection->what->paths->rom, name);
        struct romfile file = {.hostpci = &hostpci, .path = path};
        check_content(inspection, &file, ret);
    }
}

static const struct check rom_file_check = {
    .id = "rom-file",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "romfile=<path>, is an optional path to a ROM file for the device to use.",
    .text = "that it is there and whole, and whether its images are for the VM's firmware and for the device",
    .run = check_roms,
};

const struct check *const preflight_rom_checks[] = {&rom_file_check, NULL};
