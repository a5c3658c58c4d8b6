/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Displays: what the firmware started with, the text console, the boot framebuffer, and who draws.
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (boot_vga), drivers/tty/vt/vt.c (vtconsole),
 * drivers/firmware/sysfb and drivers/video/aperture.c (BOOTFB) of the Linux kernel; NVIDIA's README
 * (/proc/driver/nvidia). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/use/parts.h"

#define MOST_IOMEM (4U << 20)
#define MOST_DEPTH 32

/* The name of the first console that is bound to the screen in this manner ("frame buffer", "VGA+"), in
 * `file`. */
static bool find_console(struct host_uses *uses, const char *manner, struct text *evidence)
{
    autolist char **names = NULL;
    char text[64];
    long long bound;

    if (use_list_folder(uses, SYS_CLASS_VTCONSOLE, &names) < 0)
        return false;
    for (char **name = names; *name != NULL; name++) {
        struct host_path name_file = path_below(SYS_CLASS_VTCONSOLE, *name, "name");
        struct host_path bind_file = path_below(SYS_CLASS_VTCONSOLE, *name, "bind");
        if (sysfs_read(uses->root, name_file.text, text, sizeof(text)) < 0 || strstr(text, manner) == NULL ||
            sysfs_read_number(uses->root, bind_file.text, &bound) < 0 || bound == 0)
            continue;
        text_printf(evidence, "/%s: %s, bind 1", name_file.text, text);
        return true;
    }
    return false;
}

/* The firmware's display: the kernel's VGA text console is shown on it unless another one took over. */
static void report_boot_display(struct host_uses *uses, const struct pci_device *function)
{
    autotext struct text console = {0};
    struct use_owners owners = use_own(function);
    struct host_path file = pci_path(function->address, "boot_vga");
    long long boot = 0;

    if (sysfs_read_number(uses->root, file.text, &boot) < 0 || boot == 0)
        return;
    autofree char *evidence = xasprintf("/%s: 1", file.text);
    use_add(
        uses, &owners,
        (struct host_use){.kind = USE_DISPLAY, .weight = USE_IDLE, .name = "boot_vga", .evidence = evidence},
        "the firmware started with this display");
    if (!driver_is_vfio(function->driver) && find_console(uses, "VGA", &console))
        use_add(uses, &owners,
                (struct host_use){.kind = USE_DISPLAY,
                                  .weight = USE_ACTIVE,
                                  .name = "console",
                                  .console = true,
                                  .evidence = text_string(&console)},
                "the host's text console is shown on it");
}

static void find_boot_display(struct host_uses *uses)
{
    for (size_t i = 0; i < uses->inventory->count; i++) {
        const struct pci_device *function = &uses->inventory->devices[i];
        if (pci_is_vga(function) && !function->virtual_function)
            report_boot_display(uses, function);
    }
}

/* The text console is on the first framebuffer, unless con2fbmap moved it, which cannot be found out here. */
static void report_framebuffer(struct host_uses *uses, const char *name, const struct use_owners *owners)
{
    autotext struct text console = {0}, who = {0}, opener = {0};
    autofree char *evidence = xasprintf("/%s", path_below(SYS_CLASS_GRAPHICS, name, NULL).text);
    bool shown = strcmp(name, "fb0") == 0 && find_console(uses, "frame buffer", &console);
    bool open = use_describe_openers(uses, name, &who, &opener);

    if (open)
        use_add(uses, owners,
                (struct host_use){.kind = USE_DISPLAY,
                                  .weight = USE_ACTIVE,
                                  .name = name,
                                  .node = name,
                                  .evidence = text_string(&opener)},
                "framebuffer %s is open in %s", name, text_string(&who));
    if (shown)
        use_add(uses, owners,
                (struct host_use){.kind = USE_DISPLAY,
                                  .weight = USE_ACTIVE,
                                  .name = name,
                                  .console = true,
                                  .evidence = text_string(&console)},
                "the host's text console is shown on framebuffer %s", name);
    if (!open && !shown)
        use_add(
            uses, owners,
            (struct host_use){.kind = USE_DISPLAY, .weight = USE_IDLE, .name = name, .evidence = evidence},
            "nothing is known to be shown on framebuffer %s", name);
}

static bool is_numbered(const char *name, const char *prefix)
{
    const char *digits = name + strlen(prefix);

    return text_starts_with(name, prefix) && *digits != '\0' &&
           strspn(digits, "0123456789") == strlen(digits);
}

static void find_framebuffers(struct host_uses *uses)
{
    autolist char **names = NULL;
    struct use_owners owners;

    if (use_list_folder(uses, SYS_CLASS_GRAPHICS, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        if (is_numbered(*name, "fb") && use_find_owners(uses, SYS_CLASS_GRAPHICS, *name, &owners))
            report_framebuffer(uses, *name, &owners);
}

/* A card without clients is idle; a render node counts only while it is open. */
static void report_drm(struct host_uses *uses, const char *name, const struct use_owners *owners)
{
    autotext struct text who = {0}, evidence = {0};
    autofree char *node = xasprintf("dri/%s", name);
    autofree char *link = xasprintf("/%s", path_below(SYS_CLASS_DRM, name, NULL).text);

    if (use_describe_openers(uses, node, &who, &evidence))
        use_add(uses, owners,
                (struct host_use){.kind = USE_DISPLAY,
                                  .weight = USE_ACTIVE,
                                  .name = name,
                                  .node = node,
                                  .evidence = text_string(&evidence)},
                "graphics device %s is open in %s", name, text_string(&who));
    else if (is_numbered(name, "card"))
        use_add(uses, owners,
                (struct host_use){.kind = USE_DISPLAY, .weight = USE_IDLE, .name = name, .evidence = link},
                "graphics device %s is not known to be open%s", name,
                uses->sees_all_processes ? "" : " (not all processes could be examined)");
}

static void find_drm(struct host_uses *uses)
{
    autolist char **names = NULL;
    struct use_owners owners;

    if (use_list_folder(uses, SYS_CLASS_DRM, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        if ((is_numbered(*name, "card") || is_numbered(*name, "renderD")) &&
            use_find_owners(uses, SYS_CLASS_DRM, *name, &owners))
            report_drm(uses, *name, &owners);
}

/* "Device Minor: 	 0" says which /dev/nvidiaN is the card in proc/driver/nvidia/gpus/0000:01:00.0. */
static void report_nvidia(struct host_uses *uses, const char *id)
{
    struct host_path file = path_below(PROC_NVIDIA, id, "information");
    autotext struct text who = {0}, evidence = {0};
    struct use_owners owners = {0};
    char text[4096], node[32];
    unsigned number;

    if (!use_add_owners(uses, id, &owners) || sysfs_read(uses->root, file.text, text, sizeof(text)) < 0)
        return;
    const char *line = strstr(text, "Device Minor:");
    if (line == NULL || sscanf(line, "Device Minor: %9u", &number) != 1)
        return;
    snprintf(node, sizeof(node), "nvidia%u", number);
    if (use_describe_openers(uses, node, &who, &evidence))
        use_add(uses, &owners,
                (struct host_use){.kind = USE_DISPLAY,
                                  .weight = USE_ACTIVE,
                                  .name = node,
                                  .node = node,
                                  .evidence = text_string(&evidence)},
                "NVIDIA device %s is open in %s", node, text_string(&who));
}

static void find_nvidia(struct host_uses *uses)
{
    autolist char **names = NULL;

    if (use_list_folder(uses, PROC_NVIDIA, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        report_nvidia(uses, *name);
}

bool use_is_boot_framebuffer(const char *name)
{
    static const char *const names[] = {"BOOTFB",    "efifb",  "vesafb", "simplefb", "simple-framebuffer",
                                        "simpledrm", "efidrm", "vesadrm"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_starts_with(name, names[i]))
            return true;
    return false;
}

static void report_boot_framebuffer(struct host_uses *uses, const char *name, const struct use_owners *owners)
{
    autofree char *evidence = xasprintf("/" PROC_IOMEM ": %s below the function's memory", name);

    use_add(uses, owners,
            (struct host_use){.kind = USE_DISPLAY,
                              .weight = USE_ACTIVE,
                              .name = name,
                              .boot_framebuffer = true,
                              .evidence = evidence},
            "the boot framebuffer %s occupies its memory", name);
}

/* What a line of iomem lies in. */
struct level {
    struct use_owners owners;
    bool framebuffer; /* one was reported: "efifb" lies in "BOOTFB" */
};

/* The addresses in lines such as " c0000000-c02fffff : BOOTFB" are hidden from ordinary users, but the indent
 * still shows which region lies in which. */
static void find_in_iomem(struct host_uses *uses, char *text)
{
    struct level levels[MOST_DEPTH] = {0};
    char *rest = text;

    for (const char *line; (line = strsep(&rest, "\n")) != NULL;) {
        size_t depth = strspn(line, " ") / 2;
        const char *name = strstr(line, " : ");
        if (name == NULL || depth >= MOST_DEPTH)
            continue;
        name += strlen(" : ");
        struct level level = {0};
        if (!use_add_owners(uses, name, &level.owners) && depth > 0)
            level = levels[depth - 1];
        if (!level.framebuffer && level.owners.count > 0 && use_is_boot_framebuffer(name)) {
            report_boot_framebuffer(uses, name, &level.owners);
            level.framebuffer = true;
        }
        levels[depth] = level;
    }
}

/* On a host with many functions iomem is long, so it is read only where the firmware left a framebuffer. */
static void find_boot_framebuffer(struct host_uses *uses)
{
    autolist char **names = NULL;
    autofree char *text = NULL;
    bool exists = false;

    if (use_list_folder(uses, SYS_PLATFORM_DEVICES, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        exists |= strstr(*name, "-framebuffer.") != NULL;
    if (!exists)
        return;
    int result = sysfs_read_whole(uses->root, PROC_IOMEM, MOST_IOMEM, &text);
    if (result < 0)
        use_note(uses, PROC_IOMEM, result);
    else
        find_in_iomem(uses, text);
}

void use_find_display(struct host_uses *uses)
{
    find_boot_display(uses);
    find_framebuffers(uses);
    find_drm(uses);
    find_nvidia(uses);
    find_boot_framebuffer(uses);
}
