/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that the broker has run outside of its confinement. */
#include "broker/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/pci/address.h"

#define OWN            "/hostpci"            /* this program, wherever it is */
#define MANAGER_FOLDER "/run/systemd/system" /* sd_booted(3) */

enum form { FORM_NONE, FORM_FUNCTION, FORM_RELEASE, FORM_MACHINE, FORM_ORDER };

/* '%' in a word stands for the argument. */
static const struct row {
    const char *name;
    const char *words[PROGRAM_WORDS], *without_manager[PROGRAM_WORDS];
    enum form form;
    bool own;   /* of hostpci: no act on the host by itself */
    bool stays; /* leaves a process behind */
    unsigned seconds;
} rows[PROGRAMS] = {
    [PROGRAM_UPDATE_INITRAMFS] = {"update-initramfs",
                                  {"/usr/sbin/update-initramfs", "-u", "-k", "all"},
                                  .seconds = 1800},
    [PROGRAM_DRACUT] = {"dracut", {"/usr/bin/dracut", "-f", "--regenerate-all"}, .seconds = 1800},
    [PROGRAM_UPDATE_GRUB] = {"update-grub", {"/usr/sbin/update-grub"}, .seconds = 600},
    [PROGRAM_PROXMOX_BOOT_TOOL] = {"proxmox-boot-tool",
                                   {"/usr/sbin/proxmox-boot-tool", "refresh"},
                                   .seconds = 600},
    [PROGRAM_KERNEL_INSTALL] = {"kernel-install",
                                {"/usr/bin/kernel-install", "add", "%", "/boot/vmlinuz-%"},
                                .form = FORM_RELEASE,
                                .seconds = 900},
    [PROGRAM_SRIOV_ENABLE] = {"sriov-manage",
                              {"/usr/lib/nvidia/sriov-manage", "-e", "%"},
                              .form = FORM_FUNCTION,
                              .seconds = 300},
    [PROGRAM_SRIOV_DISABLE] = {"sriov-manage",
                               {"/usr/lib/nvidia/sriov-manage", "-d", "%"},
                               .form = FORM_FUNCTION,
                               .seconds = 300},
    [PROGRAM_REBOOT] = {"reboot",
                        {"/usr/bin/systemctl", "--no-block", "reboot"},
                        {"/sbin/shutdown", "-r", "now"},
                        .seconds = 60},
    [PROGRAM_POWEROFF] = {"poweroff",
                          {"/usr/bin/systemctl", "--no-block", "poweroff"},
                          {"/sbin/shutdown", "-P", "now"},
                          .seconds = 60},
    [PROGRAM_SUPERVISE] = {"supervise",
                           {OWN, "supervise", "%"},
                           .form = FORM_MACHINE,
                           .own = true,
                           .stays = true,
                           .seconds = 60},
    [PROGRAM_GIVE_BACK] = {"give-back",
                           {OWN, "supervise", "--give-back", "%"},
                           .form = FORM_MACHINE,
                           .own = true,
                           .seconds = 60},
    [PROGRAM_NODES] =
        {"nodes", {OWN, "supervise", "--nodes", "%"}, .form = FORM_MACHINE, .own = true, .seconds = 60},
    [PROGRAM_IMAGE] = {"image", {OWN, "image", "%"}, .form = FORM_ORDER, .own = true, .seconds = 600},
};

const char *program_root;

bool program_has_manager(void)
{
    return program_root == NULL && access(MANAGER_FOLDER, F_OK) == 0;
}

bool program_may_run(const struct sysroot *sysroot)
{
    return program_root != NULL || sysroot_is_host(sysroot);
}

/* Debian's names: "6.12.57+deb13-amd64", "6.1.0-41-amd64", "7.0.2-2-pve", "7.1~rc3". */
static bool is_release(const char *text)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+~_-";

    return text[0] >= '0' && text[0] <= '9' && text[strspn(text, allowed)] == '\0' && strlen(text) <= 64;
}

/* .../vm/100 of a machine, .../vm/image-100 of an order: what stands before the number. */
static bool is_below_machines(const char *path, const char *before)
{
    const char *last = strrchr(path, '/');
    unsigned long long number;

    return path[0] == '/' && strlen(path) < PROGRAM_ARGUMENT_SIZE && last - path > 3 &&
           strncmp(last - 3, "/vm", 3) == 0 && strstr(path, "/../") == NULL &&
           text_starts_with(last + 1, before) &&
           text_to_number(last + 1 + strlen(before), 10, UINT32_MAX, &number);
}

/* The form that the program gets: of a function its full id, however it was written. */
static int read_argument(const struct row *row, const char *argument, char ret[static PROGRAM_ARGUMENT_SIZE],
                         struct error *err)
{
    struct pci_address address;

    ret[0] = '\0';
    if (row->form == FORM_NONE && argument == NULL)
        return 0;
    if (row->form == FORM_FUNCTION && argument != NULL && pci_address_parse(argument, &address)) {
        pci_address_format(address, ret);
        return 0;
    }
    if (row->form == FORM_RELEASE && argument != NULL && is_release(argument)) {
        snprintf(ret, PROGRAM_ARGUMENT_SIZE, "%s", argument);
        return 0;
    }
    if (argument != NULL && ((row->form == FORM_MACHINE && is_below_machines(argument, "")) ||
                             (row->form == FORM_ORDER && is_below_machines(argument, "image-")))) {
        snprintf(ret, PROGRAM_ARGUMENT_SIZE, "%s", argument);
        return 0;
    }
    return error_set(err, ERROR_INVALID, "'%.80s' is not an argument for %s",
                     argument != NULL ? argument : "", row->name);
}

/* A real path, not /proc/self, since another process may start it; after an upgrade it is the new file. */
static void find_own_path(char *ret, size_t size)
{
    static const char deleted[] = " (deleted)";
    ssize_t length = readlink("/proc/self/exe", ret, size - 1);

    ret[length > 0 ? length : 0] = '\0';
    if (text_ends_with(ret, deleted))
        ret[strlen(ret) - strlen(deleted)] = '\0';
}

static void fill_word(const char *word, const char *argument, struct program_command *ret, size_t index)
{
    size_t before = strcspn(word, "%"), size = sizeof(ret->words[0]);
    const char *root = index == 0 && program_root != NULL ? program_root : "";

    snprintf(ret->words[index], size, "%s%.*s%s", root, (int)before, word,
             word[before] == '%' ? argument : "");
    if (index == 0 && strcmp(word, OWN) == 0 && program_root == NULL)
        find_own_path(ret->words[0], size);
    ret->argv[index] = ret->words[index];
}

static const char *const *words_of(const struct row *row)
{
    return row->without_manager[0] != NULL && !program_has_manager() ? row->without_manager : row->words;
}

int program_fill(enum program which, const char *argument, struct program_command *ret, struct error *err)
{
    char given[PROGRAM_ARGUMENT_SIZE];

    if ((unsigned)which >= PROGRAMS)
        return error_set(err, ERROR_INVALID, "there is no program number %u", (unsigned)which);
    const struct row *row = &rows[which];
    if (read_argument(row, argument, given, err) != 0)
        return -1;
    const char *const *words = words_of(row);
    *ret = (struct program_command){.seconds = row->seconds, .own = row->own, .stays = row->stays};
    for (size_t i = 0; i < PROGRAM_WORDS - 1 && words[i] != NULL; i++) {
        size_t length = strlen(ret->text);
        fill_word(words[i], given, ret, i);
        snprintf(ret->text + length, sizeof(ret->text) - length, "%s%s", i > 0 ? " " : "",
                 i > 0 ? ret->argv[i] : row->name);
    }
    if (row->form == FORM_MACHINE) { /* a unit of the name is stopped before, and this one's QEMU runs */
        snprintf(ret->unit, sizeof(ret->unit), "hostpci-%s@%s.service",
                 which == PROGRAM_NODES ? "nodes" : "vm", strrchr(given, '/') + 1);
        return 0;
    }
    if (row->form == FORM_ORDER) {
        snprintf(ret->unit, sizeof(ret->unit), "hostpci-%s.service", strrchr(given, '/') + 1);
        return 0;
    }
    snprintf(ret->unit, sizeof(ret->unit), "hostpci-%s%s%s.service", row->name,
             row->form == FORM_FUNCTION ? "-" : "", row->form == FORM_FUNCTION ? given : "");
    return 0;
}

bool program_is_there(enum program which)
{
    autofree char *path =
        xasprintf("%s%s", program_root != NULL ? program_root : "", words_of(&rows[which])[0]);

    return access(path, X_OK) == 0;
}
