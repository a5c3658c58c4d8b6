/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: the files and the bridges that its configuration names.
 *
 * QEMU opens volumes, ROMs and firmware by their paths on this very host, so that these are never below the
 * sysroot. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "hardware/network.h"
#include "hardware/paths.h"
#include "passthrough/preflight/parts.h"
#include "passthrough/preflight/rom.h"
#include "vm/disk.h"

/* False after telling that it is missing, or (*ret_finding is NULL then) that this daemon may not look.
 * `what` is "the volume", "the ROM". */
static bool find_file(struct inspection *inspection, const char *key, const char *what, const char *path,
                      struct stat *ret, struct finding **ret_finding)
{
    *ret_finding = NULL;
    if (stat(path, ret) == 0)
        return true;
    bool hidden = errno == EACCES;
    struct finding *finding =
        preflight_tell(inspection, hidden ? SEVERITY_INFO : SEVERITY_ERROR,
                       hidden ? "%s: this daemon may not look at %s '%s': whether it is there cannot be told."
                              : "%s: %s '%s' is missing.",
                       key, what, path);
    text_printf(&finding->evidence, "%s: %s", path, strerrordesc_np(errno));
    *ret_finding = hidden ? NULL : finding;
    return false;
}

/* What the variables of the firmware start as; NULL if it cannot be told, which command-line says. */
static char *find_variables(const struct inspection *inspection)
{
    const struct vm_command what = {.vmid = (unsigned)inspection->what->vmid,
                                    .config = inspection->config,
                                    .paths = inspection->what->paths};
    autofree char *copy = NULL;
    struct error err;
    char *vars;

    return vm_command_firmware(&what, &vars, &copy, &err) == 0 ? vars : NULL;
}

static void remedy_volume(struct inspection *inspection, const char *key, const char *path,
                          const json_t *values, struct finding *finding)
{
    if (vm_disk_is_cdrom(values)) {
        text_append(&finding->remedy, "# without a disc:\n");
        preflight_remedy_set(inspection, key, "none,media=cdrom", finding);
        return;
    }
    autofree char *vars = strcmp(key, "efidisk0") == 0 ? find_variables(inspection) : NULL;
    if (vars != NULL) {
        text_append(&finding->remedy, "# as the firmware's variables start:\n");
        preflight_remedy_command((const char *const[]){"cp", vars, path, NULL}, finding);
        return;
    }
    text_append(&finding->remedy, "# a new one, or set the path of the right one:\n");
    preflight_remedy_command((const char *const[]){"qemu-img", "create", "-f",
                                                   json_text_or(values, "format", "raw"), path,
                                                   json_text_or(values, "size", "32G"), NULL},
                             finding);
}

static void check_volume(struct inspection *inspection, const char *key, const char *path,
                         const json_t *values)
{
    struct finding *finding;
    struct stat status;

    if (!find_file(inspection, key, "the volume", path, &status, &finding)) {
        if (finding != NULL)
            remedy_volume(inspection, key, path, values, finding);
    } else if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        finding = preflight_tell(inspection, SEVERITY_ERROR,
                                 "%s: the volume '%s' is neither a file nor a block device.", key, path);
        preflight_show_key(inspection, key, finding);
    } else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0) {
        /* whoever runs QEMU may have more rights */
        finding = preflight_tell(
            inspection, SEVERITY_INFO,
            "%s: this daemon cannot read the volume '%s': whether the VM can is not told by that.", key,
            path);
        text_printf(&finding->evidence, "%s: mode %04o, owner %u, group %u: %s", path,
                    (unsigned)(status.st_mode & 07777), (unsigned)status.st_uid, (unsigned)status.st_gid,
                    strerrordesc_np(errno));
    }
}

void preflight_volumes(struct inspection *inspection)
{
    const char *key, *path;
    json_t *value;
    struct error err;

    json_object_foreach(inspection->config, key, value) {
        const struct schema *known = vm_key_find(key, NULL);
        enum vm_kind kind = known != NULL ? vm_key_about(known)->kind : VM_KIND_PLAIN;
        if (kind != VM_KIND_DISK && kind != VM_KIND_EFIDISK)
            continue;
        autojson json_t *values = preflight_values(inspection, key);
        if (json_object_get(values, "file") != NULL && vm_disk_path(key, values, &path, &err) == 0 &&
            path != NULL)
            check_volume(inspection, key, path, values);
    }
}

/* What a guest's firmware makes of the images in it. */
static void check_images(struct inspection *inspection, const struct place *place, const char *path,
                         const struct rom_images *images)
{
    struct finding *finding = NULL;

    if (!images->any)
        finding = preflight_tell(inspection, SEVERITY_WARNING,
                                 "%s: the file '%s' is no ROM of a PCI device: no image begins in it.",
                                 place->key, path);
    else if (inspection->ovmf && !images->uefi)
        finding =
            preflight_tell(inspection, SEVERITY_WARNING,
                           "%s: the ROM '%s' is not UEFI capable, and the VM has OVMF: use SeaBIOS instead.",
                           place->key, path);
    else if (!inspection->ovmf && !images->bios)
        finding =
            preflight_tell(inspection, SEVERITY_WARNING,
                           "%s: the ROM '%s' is for UEFI alone, and the VM has SeaBIOS: use OVMF instead.",
                           place->key, path);
    if (finding == NULL)
        return;
    text_printf(&finding->evidence, "%s: images for %s", path,
                images->bios && images->uefi ? "BIOS and UEFI"
                : images->uefi               ? "UEFI"
                : images->bios               ? "BIOS"
                                             : "nothing");
    if (images->any)
        preflight_remedy_set(inspection, "bios", inspection->ovmf ? "seabios" : "ovmf", finding);
    else
        preflight_remedy_edit(inspection, place->key, "romfile", NULL, finding);
}

void preflight_roms(struct inspection *inspection)
{
    struct rom_images images;
    struct finding *finding;
    struct place place;
    struct stat status;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        if (place.choice->hostpci.romfile == NULL)
            continue;
        autofree char *path = xasprintf("%s/%s", inspection->what->paths->rom, place.choice->hostpci.romfile);
        if (!find_file(inspection, place.key, "the ROM", path, &status, &finding)) {
            if (finding == NULL)
                continue;
            text_append(&finding->remedy, "# copy it there, or use the device's own:\n");
            preflight_remedy_edit(inspection, place.key, "romfile", NULL, finding);
        } else if (S_ISREG(status.st_mode) && rom_read_images(path, &images) == 0) {
            check_images(inspection, &place, path, &images);
        } else {
            finding = preflight_tell(inspection, SEVERITY_WARNING, "%s: the ROM '%s' cannot be read.",
                                     place.key, path);
            text_printf(&finding->evidence, "%s: mode %06o", path, (unsigned)status.st_mode);
        }
    }
}

void preflight_bridges(struct inspection *inspection)
{
    const char *key;
    json_t *value;

    json_object_foreach(inspection->config, key, value) {
        const struct schema *known = vm_key_find(key, NULL);
        if (known == NULL || vm_key_about(known)->kind != VM_KIND_NET)
            continue;
        autojson json_t *values = preflight_values(inspection, key);
        const char *bridge = json_text(values, "bridge");
        if (bridge[0] == '\0' || bridge_mtu(inspection->what->sysroot, bridge) != 0)
            continue;
        struct finding *finding =
            preflight_tell(inspection, SEVERITY_ERROR, "%s: bridge '%s' does not exist", key, bridge);
        text_printf(&finding->evidence, "/%s: absent", path_below(SYS_CLASS_NET, bridge, NULL).text);
        text_printf(&finding->remedy, "ip link add name %s type bridge && ip link set %s up\n", bridge,
                    bridge);
        text_append(&finding->remedy,
                    "# to have it after a reboot: /etc/network/interfaces; those that there are:\n"
                    "ip link show type bridge\n");
    }
}

void preflight_firmware(struct inspection *inspection)
{
    autofree char *vars = inspection->ovmf ? find_variables(inspection) : NULL;
    struct finding *finding;
    struct stat status;

    if (vars == NULL || find_file(inspection, "bios", "OVMF's file", vars, &status, &finding))
        return;
    if (finding != NULL)
        text_append(&finding->remedy, "apt install ovmf\n");
}
