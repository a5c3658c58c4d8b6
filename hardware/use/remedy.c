/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A use of the host: its sentence, and what ends it. */
#include <string.h>

#include "base/memory.h"
#include "base/shell.h"
#include "hardware/paths.h"
#include "hardware/use/use.h"

#define MOST_NAMED 3 /* folders in one sentence */

const char *const use_kind_names[] = {"block", "network", "display", "usb",
                                      "sriov", "sound",   "vfio",    "other"};
const char *const use_weight_names[] = {"none", "idle", "active", "critical"};

static void describe_mounts(const struct use_mounts *mounts, struct text *ret)
{
    if (mounts->root)
        text_append(ret, "carries the root file system");
    if (mounts->count > 0)
        text_append(ret, mounts->root ? ", also mounted on " : "carries a file system mounted on ");
    for (size_t i = 0; i < mounts->count && i < MOST_NAMED; i++)
        text_printf(ret, "%s%s", i > 0 ? ", " : "", mounts->folders[i]);
    if (mounts->count > MOST_NAMED)
        text_printf(ret, " and %zu more", mounts->count - MOST_NAMED);
}

/* The kernel's names for them are sr0, sr1 (drivers/scsi/sr.c). */
static bool is_cd_drive(const char *name)
{
    return strncmp(name, "sr", 2) == 0 && strspn(name + 2, "0123456789") == strlen(name + 2);
}

void host_use_describe(const struct host_use *use, struct text *ret)
{
    bool mounted = use->mounts.root || use->mounts.count > 0;

    if (use->kind == USE_BLOCK)
        text_printf(ret, "%s%s %s ", use->usb ? "USB " : "", is_cd_drive(use->name) ? "CD drive" : "disk",
                    use->name);
    text_printf(ret, "%s%s", use->does, use->does[0] != '\0' && mounted ? ", " : "");
    describe_mounts(&use->mounts, ret);
    if (use->through[0] != '\0')
        text_printf(ret, ", through %s", use->through);
}

/* The folder that was mounted last may lie in one of the others, so it goes first. */
static void unmount(const struct use_mounts *mounts, struct text *advice, struct text *command)
{
    size_t listed = mounts->count < USE_MOST_FOLDERS ? mounts->count : USE_MOST_FOLDERS;

    if (mounts->count > listed)
        text_printf(advice, "see findmnt for %zu more folders", mounts->count - listed);
    text_append(command, "umount");
    for (size_t i = listed; i-- > 0;) {
        text_append(command, " ");
        shell_quote(command, mounts->folders[i]);
    }
}

/* What the unit display-manager starts, or what ends with it. */
static bool is_display_manager(const char *process)
{
    static const char *const names[] = {"Xorg", "X",           "Xwayland", "systemd-logind", "gdm",
                                        "gdm3", "gnome-shell", "sddm",     "lightdm",        "kwin_wayland"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(process, names[i]) == 0)
            return true;
    return false;
}

void host_use_remedy(const struct host_use *use, struct text *advice, struct text *command)
{
    static const struct {
        const char *advice, *command, *after; /* the name stands before `after`, unless that is NULL */
    } remedies[USE_KINDS] = {
        [USE_BLOCK] = {"see what is on it, then unmount it, turn its swap space off or take it out of its "
                       "volume group",
                       "lsblk /dev/", ""},
        [USE_NETWORK] = {"give its addresses and routes to another interface (/etc/network/interfaces), then "
                         "take it down",
                         "ip link set ", " down"},
        [USE_DISPLAY] = {"stop what shows on it", "systemctl stop display-manager", NULL},
        [USE_USB] = {"plug its devices into another controller; this shows what hangs on which", "lsusb -t",
                     NULL},
        [USE_SRIOV] = {"stop the virtual machines that have its virtual functions", "", NULL},
        [USE_SOUND] = {"stop the programs that this shows", "fuser -v /dev/snd/*", NULL},
        [USE_VFIO] = {"stop the virtual machine that has it", "", NULL},
        [USE_OTHER] = {"stop what uses it", "", NULL},
    };

    if (use->mounts.count > 0) {
        unmount(&use->mounts, advice, command);
        return;
    }
    if (use->boot_framebuffer) {
        text_append(advice, "the firmware's framebuffer only goes with a reboot: see the check framebuffer");
        return;
    }
    if (use->pid > 0 && use->kind != USE_VFIO && !is_display_manager(use->process)) {
        text_printf(advice, "stop %s (pid %d); this shows the service that it belongs to", use->process,
                    use->pid);
        text_printf(command, "systemctl status %d", use->pid);
        return;
    }
    text_append(advice, remedies[use->kind].advice);
    text_append(command, remedies[use->kind].command);
    if (remedies[use->kind].after != NULL) {
        shell_quote(command, use->name);
        text_append(command, remedies[use->kind].after);
    }
    if (use->console)
        text_append(command,
                    "\nfor console in /" SYS_CLASS_VTCONSOLE "/vtcon*/bind; do echo 0 > $console; done");
}
