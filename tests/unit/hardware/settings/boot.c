/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot loader, and where it keeps the kernel's command line. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/settings/boot.h"
#include "tests/unit/hardware/fixture.h"

#define GRUB    "etc/default/grub"
#define CMDLINE "etc/kernel/cmdline"
#define LOADER  "sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

static void expect(const struct tree *tree, const char *name, const char *file, const char *refresh,
                   const char *evidence)
{
    struct boot boot;

    boot_find(tree->sysroot, &boot);
    cr_expect_str_eq(boot.name, name, "%s: %s", boot.name, boot.evidence);
    cr_expect_str_eq(boot.file, file);
    cr_expect(strstr(boot.refresh, refresh) == boot.refresh, "%s", boot.refresh);
    cr_expect(strstr(boot.evidence, evidence) != NULL, "%s", boot.evidence);
}

Test(settings_boot, loader_is_found_out)
{
    static const char loaded[] = "\6\0\0\0s\0y\0s\0t\0e\0m\0d\0-\0b\0o\0o\0t\0 \0002\0005\0002\0\0";
    autotree struct tree tree;

    tree_make(&tree);
    expect(&tree, "unknown", "", "", "neither /etc/default/grub nor /etc/kernel/cmdline");
    tree_write(&tree, GRUB, "GRUB_TIMEOUT=5\n");
    expect(&tree, "grub", GRUB, "update-grub", "/etc/default/grub exists");
    tree_write(&tree, "proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1 root=/dev/sda1 quiet\n");
    tree_write(&tree, CMDLINE, "root=ZFS=rpool/ROOT/pve-1\n");
    expect(&tree, "grub", GRUB, "update-grub", "/proc/cmdline: BOOT_IMAGE=/boot/vmlinuz-6.1");
    tree_write(&tree, "proc/cmdline", "initrd=\\EFI\\proxmox\\6.8\\initrd.img root=ZFS=rpool\n");
    expect(&tree, "systemd-boot", CMDLINE, "kernel-install", "/proc/cmdline: initrd=\\EFI\\proxmox");
    tree_write(&tree, "proc/cmdline", "root=/dev/sda1\n");
    tree_write_bytes(&tree, LOADER, loaded, sizeof(loaded) - 1);
    expect(&tree, "systemd-boot", CMDLINE, "kernel-install", "systemd-boot 252");
    tree_write(&tree, "etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
    expect(&tree, "systemd-boot", CMDLINE, "proxmox-boot-tool refresh", "systemd-boot 252");
}

static const struct boot grub = {.kind = BOOT_GRUB};

Test(settings_boot, line_is_changed_in_its_quotes)
{
    static const struct {
        const char *text, *line, *wanted, *result;
    } cases[] = {
        {"A=1\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\nB=2\n", "quiet splash", "quiet iommu=pt",
         "A=1\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet iommu=pt\"\nB=2\n"},
        {"GRUB_CMDLINE_LINUX_DEFAULT='quiet' # mine\n", "quiet", "",
         "GRUB_CMDLINE_LINUX_DEFAULT='' # mine\n"},
        {"GRUB_CMDLINE_LINUX_DEFAULT=quiet", "quiet", "quiet iommu=pt",
         "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet iommu=pt\""},
        {"  export GRUB_CMDLINE_LINUX_DEFAULT=\n", "", "iommu=pt",
         "  export GRUB_CMDLINE_LINUX_DEFAULT=iommu=pt\n"},
        {"GRUB_CMDLINE_LINUX_DEFAULT=\"a\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"b\"\n", "b", "c",
         "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"c\"\n"},
        {"# GRUB_CMDLINE_LINUX_DEFAULT=\"x\"\nA=1", "", "iommu=pt",
         "# GRUB_CMDLINE_LINUX_DEFAULT=\"x\"\nA=1\nGRUB_CMDLINE_LINUX_DEFAULT=\"iommu=pt\"\n"},
        {"GRUB_CMDLINE_LINUX=\"console=ttyS0\"\n", "", "iommu=pt",
         "GRUB_CMDLINE_LINUX=\"console=ttyS0\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"iommu=pt\"\n"},
    };
    struct error err = {.message = ""};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autofree char *line = NULL, *result = NULL;
        cr_assert_eq(boot_read_line(&grub, cases[i].text, &line, &err), 0, "%zu: %s", i, err.message);
        cr_expect_str_eq(line, cases[i].line);
        cr_assert_eq(boot_change_line(&grub, cases[i].text, cases[i].wanted, &result, &err), 0);
        cr_expect_str_eq(result, cases[i].result);
    }
}

Test(settings_boot, line_that_a_shell_would_expand_is_left_to_its_author)
{
    static const char *const texts[] = {"GRUB_CMDLINE_LINUX_DEFAULT=\"$OTHER quiet\"\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=\"a\\\"b\"\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"'b'\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=`cat x`\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=\"two\nlines\"\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT+=\" quiet\"\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=a b\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"; rm x\n",
                                        "GRUB_CMDLINE_LINUX_DEFAULT=a#b\n"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct error err = {.message = ""};
        char *line = NULL;
        cr_expect_eq(boot_read_line(&grub, texts[i], &line, &err), -1, "%s", texts[i]);
        cr_expect(strstr(err.message, "line 1 of '/etc/default/grub'") != NULL, "%s", err.message);
    }
}

Test(settings_boot, later_file_that_sets_the_line_anew_wins)
{
    autotree struct tree tree;
    struct error err = {.message = ""};

    tree_make(&tree);
    cr_expect_eq(boot_check_others(tree.sysroot, &grub, &err), 0);
    tree_write(&tree, "etc/default/grub.d/10-more.cfg",
               "# GRUB_CMDLINE_LINUX_DEFAULT=x\n"
               "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT nosplash\"\n");
    tree_write(&tree, "etc/default/grub.d/README", "GRUB_CMDLINE_LINUX_DEFAULT=x\n");
    cr_expect_eq(boot_check_others(tree.sysroot, &grub, &err), 0, "%s", err.message);
    tree_write(&tree, "etc/default/grub.d/50-cloudimg.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"console=ttyS0\"\n");
    cr_expect_eq(boot_check_others(tree.sysroot, &grub, &err), -1);
    cr_expect(strstr(err.message, "50-cloudimg.cfg") != NULL, "%s", err.message);
}
