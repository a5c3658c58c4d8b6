/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files and block devices users may give to VMs: --volume-dir. What lies where and all ways to write it
 * are in tests/unit/api/qemu/volume.c. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define CONFIG QEMU "/100/config"
#define JOE    "joe@pve"

TestSuite(qemu_volume, .timeout = 120);

/* A user who may do everything with disks enters. */
static void start(const char *const *arguments)
{
    START(.host = "workstation", .arguments = arguments);
    vm_create("100", NULL);
    account_create(JOE, NULL);
    account_grant("/", "PVEAdmin", "users", JOE);
}

/* FOLDER/NAME, an empty file; the caller frees it. */
static char *make_image(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);

    cr_assert(mkdir(folder, 0755) == 0 || access(folder, F_OK) == 0, "%s", folder);
    autoclose int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s", path);
    return path;
}

static void check_refused(const char *key, const char *volume, const char *folder)
{
    autofree char *text =
        xasprintf("only root can set '%s' to '%s': others may name files that are there below "
                  "a --volume-dir of the daemon (%s)",
                  key, volume, folder);

    fails(403, text, "PUT", CONFIG, key, volume, NULL);
}

DAEMON_TEST(qemu_volume, users_name_files_in_the_folder_of_images)
{
    start(NULL);
    autofree char *folder = xasprintf("%s/images", daemon_state());
    autofree char *image = make_image(folder, "100.raw"), *new = xasprintf("%s/new.raw", folder),
                  *escape = xasprintf("%s/../hostpci.db", folder);
    account_enter(JOE);
    put(CONFIG, "scsi0", image, NULL);
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "scsi0"), image);
    check_refused("scsi1", new, folder);
    check_refused("scsi1", escape, folder);
    check_refused("scsi1", "/dev/sda", folder);
    check_refused("efidisk0", "/proc/self/mem", folder);
    put(CONFIG, "delete", "scsi0", NULL);
}

DAEMON_TEST(qemu_volume, folders_are_chosen_at_the_start)
{
    char first[] = "/tmp/hostpci-images-XXXXXX", second[] = "/tmp/hostpci-images-XXXXXX";
    cr_assert(mkdtemp(first) != NULL && mkdtemp(second) != NULL);
    cr_assert(chmod(first, 0755) == 0 && chmod(second, 0755) == 0);
    start((const char *const[]){"--volume-dir", first, "--volume-dir", second, NULL});
    autofree char *images = xasprintf("%s/images", daemon_state()),
                  *both = xasprintf("%s, %s", first, second);
    autofree char *one = make_image(first, "a.raw"), *other = make_image(second, "a.raw"),
                  *third = make_image(images, "a.raw");
    account_enter(JOE);
    put(CONFIG, "scsi0", one, "scsi1", other, NULL);
    check_refused("scsi2", third, both);
    cr_assert(unlink(one) == 0 && unlink(other) == 0 && rmdir(first) == 0 && rmdir(second) == 0);
}

DAEMON_TEST(qemu_volume, root_names_any_path)
{
    start(NULL);
    put(CONFIG, "scsi0", "/dev/disk/by-id/nvme-a", "ide2", "/images/none-yet.iso,media=cdrom", NULL);
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "scsi0"), "/dev/disk/by-id/nvme-a");
    account_enter(JOE);
    put(CONFIG, "ide2", "none", "delete", "scsi0", NULL);
}

DAEMON_TEST(qemu_volume, storages_that_there_are_not_are_refused_for_everyone)
{
    static const char text[] = "storage 'local-lvm' does not exist: the only one here is 'local'; name a "
                               "volume of it, or the absolute path of a file below a --volume-dir of the "
                               "daemon";

    start(NULL);
    wrong_parameter("scsi0", text, "PUT", CONFIG, "scsi0", "local-lvm:32", NULL);
    wrong_parameter("scsi0", text, "POST", CONFIG, "scsi0", "local-lvm:32,discard=on", NULL);
    wrong_parameter("scsi0", text, "POST", QEMU, "vmid", "101", "scsi0", "local-lvm:32", NULL);
    account_enter(JOE);
    wrong_parameter("scsi0", text, "PUT", CONFIG, "scsi0", "local-lvm:32", NULL);
    wrong_parameter("import-working-storage", "disks are not imported here: leave this out", "POST", CONFIG,
                    "memory", "512", "import-working-storage", "local", NULL);
}

DAEMON_TEST(qemu_volume, drive_of_the_host_needs_its_console)
{
    start(NULL);
    account_create("eve@pve", NULL);
    account_grant("/vms/100", "PVEVMUser", "users", "eve@pve");
    account_enter("eve@pve");
    fails(403, "Permission check failed (/, Sys.Console)", "PUT", CONFIG, "ide2", "cdrom", NULL);
    account_enter(JOE);
    put(CONFIG, "ide2", "cdrom", NULL);
    account_enter("eve@pve");
    put(CONFIG, "ide2", "none", NULL);
}
