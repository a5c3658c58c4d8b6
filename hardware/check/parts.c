/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the check functions share: evidence and remedies. */
#include "hardware/check/parts.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"

#define MOST_LINES  5
#define MOST_GRUB   65536
#define GRUB        "etc/default/grub"
#define BOOT_LOADER "etc/kernel/cmdline"

static const char *refresh_command(const struct facts *facts)
{
    bool proxmox = sysfs_exists(sysroot_fd(facts->sysroot), "etc/kernel/proxmox-boot-uuids");

    return proxmox ? "proxmox-boot-tool refresh\n" : REMEDY_INITRAMFS;
}

static bool file_has(const struct facts *facts, const char *file, const char *word)
{
    autofree char *text = NULL;

    return sysfs_read_whole(sysroot_fd(facts->sysroot), file, MOST_GRUB, &text) > 0 &&
           strstr(text, word) != NULL;
}

/* A parameter that is in the file already has only not taken effect: then it is not added again. */
void remedy_add_parameter(const struct facts *facts, struct text *remedy, const char *parameter)
{
    int root = sysroot_fd(facts->sysroot);

    if (sysfs_exists(root, BOOT_LOADER)) {
        if (!file_has(facts, BOOT_LOADER, parameter))
            text_printf(remedy, "sed -i '1s/$/ %s/' /" BOOT_LOADER "\n", parameter);
        text_append(remedy, refresh_command(facts));
    } else if (sysfs_exists(root, GRUB)) {
        if (!file_has(facts, GRUB, parameter))
            text_printf(remedy, "sed -i '/^GRUB_CMDLINE_LINUX_DEFAULT=/s/\"$/ %s\"/' /" GRUB "\n", parameter);
        text_append(remedy, "update-grub\n");
    } else {
        text_printf(remedy,
                    "# add to the kernel's command line, in the settings of your boot loader:\n# %s\n",
                    parameter);
    }
    text_append(remedy, REMEDY_REBOOT);
}

/* When a parameter is removed, the blank before it is removed, too. */
void remedy_replace_parameter(const struct facts *facts, struct text *remedy, const char *old,
                              const char *new)
{
    int root = sysroot_fd(facts->sysroot);
    const char *blank = new[0] == '\0' ? " *" : "";

    if (sysfs_exists(root, BOOT_LOADER)) {
        text_printf(remedy, "sed -i 's/%s\\b%s\\b/%s/' /" BOOT_LOADER "\n%s", blank, old, new,
                    refresh_command(facts));
    } else if (sysfs_exists(root, GRUB)) {
        text_printf(remedy, "sed -i 's/%s\\b%s\\b/%s/' /" GRUB "\nupdate-grub\n", blank, old, new);
    } else {
        text_printf(remedy,
                    "# on the kernel's command line, in the settings of your boot loader, take off:\n# %s\n",
                    old);
        if (new[0] != '\0')
            text_printf(remedy, "# and add:\n# %s\n", new);
    }
    text_append(remedy, REMEDY_REBOOT);
}

void remedy_set_driver(struct text *remedy, const char *id, const char *arguments)
{
    text_printf(remedy, "hostpci set /nodes/localhost/hardware/pci/%s/driver --driver %s\n", id, arguments);
}

void evidence_cmdline(const struct facts *facts, struct text *evidence)
{
    text_printf(evidence, "/" PROC_CMDLINE ": %.512s", facts->cmdline);
}

void evidence_setting(const struct setting *setting, struct text *evidence)
{
    static const char *const words[] = {[SETTING_OPTIONS] = "options ",
                                        [SETTING_BLACKLIST] = "blacklist ",
                                        [SETTING_SOFTDEP] = "softdep ",
                                        [SETTING_INSTALL] = "install ",
                                        [SETTING_ALIAS] = "alias ",
                                        [SETTING_LOAD] = "",
                                        [SETTING_SYSFS] = ""};
    bool load = setting->kind == SETTING_LOAD;

    text_printf(evidence, "%s/%s, line %u: %s%s", evidence->length > 0 ? "; " : "", setting->file,
                setting->line, words[setting->kind], setting->module);
    if (setting->value[0] != '\0' && !load)
        text_printf(evidence, "%s%s", setting->kind == SETTING_SYSFS ? " = " : " ", setting->value);
}

void evidence_file(const struct subject *subject, struct text *evidence, const char *file, const char *held)
{
    text_printf(evidence, "%s/%s: %s", evidence->length > 0 ? "; " : "",
                path_of_function(subject->id, file).text, held);
}

bool evidence_log(struct facts *facts, struct text *evidence, const char *first, const char *second)
{
    const char *line = facts_kernel_log(facts);
    size_t found = 0;

    for (const char *end; line != NULL && *line != '\0' && found < MOST_LINES; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL)
            break;
        if (memmem(line, (size_t)(end - line), first, strlen(first)) == NULL ||
            (second != NULL && memmem(line, (size_t)(end - line), second, strlen(second)) == NULL))
            continue;
        text_append(evidence, evidence->length > 0 ? "; " : "");
        if (strstr(text_string(evidence), facts->log.file) == NULL)
            text_printf(evidence, "/%s: ", facts->log.file);
        text_printf(evidence, "%.*s", (int)(end - line < 256 ? end - line : 256), line);
        found++;
    }
    return found > 0;
}

bool read_region(const struct subject *subject, unsigned line, struct region *ret)
{
    char text[4096], *rest = text, *found = text;
    unsigned long long start, end, flags;

    if (sysfs_read(subject->folder, "resource", text, sizeof(text)) <= 0)
        return false;
    for (unsigned i = 0; i <= line; i++)
        found = strsep(&rest, "\n");
    if (found == NULL || sscanf(found, "%llx %llx %llx", &start, &end, &flags) != 3 || end <= start)
        return false;
    *ret = (struct region){.start = start, .size = end - start + 1, .flags = flags};
    return true;
}

void append_comma(struct text *text)
{
    if (text->length > 0)
        text_append(text, ", ");
}

void append_device(struct text *text, const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    text_append(text, id);
    if (device->driver[0] != '\0')
        text_printf(text, " (%s)", device->driver);
}

struct members members_of(const struct subject *subject)
{
    return groups_find(subject->groups, subject->device->group);
}

bool host_needs(const struct subject *subject, const struct pci_device *device)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->uses, device->address, &uses);

    for (size_t i = 0; i < count; i++)
        if (uses[i].weight >= USE_ACTIVE && uses[i].kind != USE_VFIO)
            return true;
    return false;
}

bool driver_module(const struct subject *subject, char *module, size_t size)
{
    if (sysfs_read_link_name(subject->folder, "driver/module", module, size) < 0)
        return false;
    for (char *c = module; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    return true;
}
