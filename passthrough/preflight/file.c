/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: the files and the bridges that its configuration names.
 *
 * QEMU opens volumes, ROMs (rom.c) and firmware by their paths on this very host, so that these are never
 * below the sysroot. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/network.h"
#include "hardware/paths.h"
#include "passthrough/preflight/parts.h"
#include "schema/property_string.h"
#include "vm/disk.h"
#include "vm/image.h"
#include "vm/value.h"
#include "vm/volume.h"

enum preflight_presence preflight_find_file(const char *path, struct stat *ret_status, struct findings *ret)
{
    if (stat(path, ret_status) == 0)
        return PREFLIGHT_FILE_THERE;
    bool hidden = errno == EACCES;
    text_printf(&ret->evidence, "%s: %s", path, strerrordesc_np(errno));
    return hidden ? PREFLIGHT_FILE_HIDDEN : PREFLIGHT_FILE_MISSING;
}

void preflight_add_absent(const char *key, const char *what, const char *path,
                          enum preflight_presence presence, struct findings *ret)
{
    if (presence == PREFLIGHT_FILE_HIDDEN)
        findings_add(
            ret, SEVERITY_INFO,
            "%s: this daemon has no permission to look for %s '%s', so whether it exists is unknown.", key,
            what, path);
    else
        findings_add(ret, SEVERITY_ERROR, "%s: %s '%s' is missing.", key, what, path);
}

/* The file that the firmware's variables are copied from; NULL if there is none, which command-line reports.
 */
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

/* An empty disk of the same size in the place of one that is gone. */
static void remedy_store_volume(const struct inspection *inspection, const char *key, const json_t *values,
                                struct findings *ret)
{
    autojson json_t *wanted = json_deep_copy(values);
    const char *size = json_text_or(values, "size", "32G"), *format = vm_disk_format(values);
    unsigned long long gib = (vm_value_parse_size(size) + ((1ULL << 30) - 1)) >> 30;

    json_object_set_new(wanted, "file", json_sprintf(VM_STORE ":%llu", gib));
    json_object_del(wanted, "size");
    if (strcmp(format, "raw") != 0)
        json_object_set_new(wanted, "format", json_string(format));
    autofree char *text = property_string_print(vm_key_find(key, NULL), wanted);
    text_append(&ret->remedy.lines, "# make a new one, which is empty:\n");
    preflight_remedy_set(inspection, key, text, ret);
}

static void remedy_volume(const struct inspection *inspection, const char *key, const char *path,
                          const json_t *values, struct findings *ret)
{
    if (vm_disk_is_cdrom(values)) {
        text_append(&ret->remedy.lines, "# without a disc:\n");
        preflight_remedy_set(inspection, key, "none,media=cdrom", ret);
        return;
    }
    if (vm_disk_is_in_store(values)) {
        remedy_store_volume(inspection, key, values, ret);
        return;
    }
    autofree char *vars = strcmp(key, "efidisk0") == 0 ? find_variables(inspection) : NULL;
    if (vars != NULL) {
        text_append(&ret->remedy.lines, "# make it from the firmware's initial variables:\n");
        preflight_remedy_command((const char *const[]){"cp", vars, path, NULL}, ret);
        return;
    }
    const char *format = vm_disk_format(values), *size = json_text_or(values, "size", "32G");
    text_append(&ret->remedy.lines, "# create a new one, or set the path of the right one:\n");
    if (strcmp(format, "raw") == 0)
        preflight_remedy_command((const char *const[]){"truncate", "-s", size, path, NULL}, ret);
    else
        preflight_remedy_command((const char *const[]){"qemu-img", "create", "-f", format, path, size, NULL},
                                 ret);
}

/* The daemon's list, which is that of the broker unless the administrator gave them different ones. */
static bool lies_elsewhere(const struct inspection *inspection, const char *path)
{
    const char *const *folder = inspection->what->volume_dirs;

    if (folder == NULL)
        return false;
    while (*folder != NULL && !file_is_below(path, *folder))
        folder++;
    return *folder == NULL;
}

static void add_elsewhere(const struct inspection *inspection, const char *key, const char *path, bool file,
                          struct findings *ret)
{
    const char *folder = inspection->what->volume_dirs[0];

    preflight_show_key(inspection, key, ret);
    text_printf(&ret->remedy.lines,
                "# name its folder with --volume-dir, to `hostpci serve` and to `hostpci broker`%s\n",
                file ? "; or move it, and set its new path:" : "");
    if (file)
        preflight_remedy_command((const char *const[]){"mv", path, folder, NULL}, ret);
    findings_add(ret, SEVERITY_ERROR,
                 "%s: the volume '%s' does not lie below a --volume-dir (%s), so a VM is not given it.", key,
                 path, folder);
}

/* Whether QEMU goes past the host's cache: vm/command/backend.c. */
static bool is_direct(const char *key, const json_t *values)
{
    const char *cache = json_text_or(values, "cache", vm_disk_is_cdrom(values) ? "writeback" : "none");

    return strcmp(key, "efidisk0") != 0 && (strcmp(cache, "none") == 0 || strcmp(cache, "directsync") == 0);
}

/* Some file systems, such as those of other hosts' folders, cannot. */
static void check_cache(const struct inspection *inspection, const char *key, const char *path, int file,
                        const json_t *values, struct findings *ret)
{
    if (!is_direct(key, values) || fcntl(file, F_SETFL, O_DIRECT) == 0 || errno != EINVAL)
        return;
    preflight_show_key(inspection, key, ret);
    preflight_remedy_edit(inspection, key, "cache", json_string("writeback"), ret);
    text_append(&ret->remedy.lines, "# or move it to another file system\n");
    findings_add(
        ret, SEVERITY_ERROR,
        "%s: the volume '%s' lies on a file system that cannot do without the host's cache, as cache=%s "
        "wants it.",
        key, path, json_text_or(values, "cache", "none"));
}

/* QEMU gets a volume open, and runs as a user who could not open another one. */
static void check_image(const struct inspection *inspection, const char *key, const char *path,
                        const json_t *values, struct findings *ret)
{
    autoclose int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct error why;

    if (file >= 0 && json_object_get(values, "format") == NULL && text_ends_with(path, ".qcow2")) {
        preflight_show_key(inspection, key, ret);
        preflight_remedy_edit(inspection, key, "format", json_string("qcow2"), ret);
        findings_add(
            ret, SEVERITY_WARNING,
            "%s: the volume '%s' is used as raw: the guest finds the image's own headers on its disk, "
            "and may overwrite them.",
            key, path);
    }
    if (file >= 0)
        check_cache(inspection, key, path, file, values, ret);
    if (file < 0 || vm_image_check(file, json_text_or(values, "format", "raw"), &why) == 0)
        return;
    preflight_show_key(inspection, key, ret);
    findings_add(ret, SEVERITY_ERROR,
                 "%s: the volume '%s' %s: QEMU is given the volume alone, and cannot open what it leads to.",
                 key, path, why.message);
}

/* What the daemon can see of a volume of the store, which root alone can read. */
static void check_names(const struct inspection *inspection, const char *key, const char *path,
                        const struct stat *status, struct findings *ret)
{
    if (status->st_nlink == 1)
        return;
    preflight_show_key(inspection, key, ret);
    findings_add(
        ret, SEVERITY_ERROR,
        "%s: the volume '%s' has %lu names (hard links): the others may lie anywhere, so a VM is not "
        "given it.",
        key, path, (unsigned long)status->st_nlink);
}

static void check_volume(const struct inspection *inspection, const char *key, const char *path,
                         const json_t *values, struct findings *ret)
{
    struct stat status;
    enum preflight_presence presence = preflight_find_file(path, &status, ret);

    if (presence != PREFLIGHT_FILE_THERE) {
        if (presence == PREFLIGHT_FILE_MISSING)
            remedy_volume(inspection, key, path, values, ret);
        preflight_add_absent(key, "the volume", path, presence, ret);
    } else if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        preflight_show_key(inspection, key, ret);
        findings_add(ret, SEVERITY_ERROR, "%s: the volume '%s' is neither a file nor a block device.", key,
                     path);
    } else if (vm_disk_is_in_store(values)) {
        check_names(inspection, key, path, &status, ret);
    } else if (lies_elsewhere(inspection, path)) {
        add_elsewhere(inspection, key, path, S_ISREG(status.st_mode), ret);
    } else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0) {
        /* the user who runs QEMU may have more rights */
        text_printf(&ret->evidence, "%s: mode %04o, owner %u, group %u: %s", path,
                    (unsigned)(status.st_mode & 07777), (unsigned)status.st_uid, (unsigned)status.st_gid,
                    strerrordesc_np(errno));
        findings_add(ret, SEVERITY_INFO,
                     "%s: this daemon cannot read the volume '%s': the VM may still be able to.", key, path);
    } else {
        check_image(inspection, key, path, values, ret);
    }
}

static void check_volumes(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const char *key;
    json_t *value;
    struct error err;

    json_object_foreach(inspection->config, key, value) {
        const struct schema *known = vm_key_find(key, NULL);
        enum vm_kind kind = known != NULL ? vm_key_about(known)->kind : VM_KIND_PLAIN;
        if (kind != VM_KIND_DISK && kind != VM_KIND_EFIDISK)
            continue;
        autojson json_t *values = preflight_values(inspection, key);
        autofree char *path = NULL;
        if (json_object_get(values, "file") != NULL &&
            vm_disk_path(key, values, inspection->what->paths->store, &path, &err) == 0 && path != NULL)
            check_volume(inspection, key, path, values, ret);
    }
}

static const struct check volume_check = {
    .id = "volume",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "that the files and block devices of disks exist, can be read, and do not lead to other files",
    .run = check_volumes,
};

static void check_bridges(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
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
        text_printf(&ret->evidence, "/%s: absent", path_below(SYS_CLASS_NET, bridge, NULL).text);
        text_printf(&ret->remedy.lines, "ip link add name %s type bridge && ip link set %s up\n", bridge,
                    bridge);
        text_append(&ret->remedy.lines,
                    "# to keep it over a reboot, add it to /etc/network/interfaces; these exist:\n"
                    "ip link show type bridge\n");
        findings_add(ret, SEVERITY_ERROR, "%s: bridge '%s' does not exist", key, bridge);
    }
}

static const struct check bridge_of_net_check = {
    .id = "bridge-of-net",
    .scope = CHECK_VM,
    .blocks = true,
    .section = MANUAL_NOTHING,
    .text = "that each netN's bridge exists",
    .run = check_bridges,
};

static void check_firmware(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autofree char *vars = inspection->ovmf ? find_variables(inspection) : NULL;
    struct stat status;
    enum preflight_presence presence =
        vars != NULL ? preflight_find_file(vars, &status, ret) : PREFLIGHT_FILE_THERE;

    if (presence == PREFLIGHT_FILE_THERE)
        return;
    if (presence == PREFLIGHT_FILE_MISSING)
        text_append(&ret->remedy.lines, "apt install ovmf\n");
    preflight_add_absent("bios", "OVMF's file", vars, presence, ret);
}

static const struct check ovmf_files_check = {
    .id = "ovmf-files",
    .scope = CHECK_VM,
    .blocks = true,
    .section = MANUAL_VM,
    .sentence = "OVMF (UEFI for VMs) instead of SeaBIOS",
    .text = "that OVMF is installed, if the VM has it",
    .run = check_firmware,
};

const struct check *const preflight_file_checks[] = {&volume_check, &bridge_of_net_check, &ovmf_files_check,
                                                     NULL};
