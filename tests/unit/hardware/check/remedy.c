/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a remedy tells to type is typed, on a copy of the host: on each variant of the golden host whose
 * finding in tests/golden has such lines. After edits of files the command line is made anew from the boot
 * loader's file, and whoever asks again is not told to change the same file again. After steps that the
 * kernel takes at once the finding is gone. (What calls of hostpci do is in tests/api/fix_golden.c.)
 *
 * What the kernel would do after a reboot is not played here: a finding may stay, but not its edit. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/report.h"
#include "schema/format.h"
#include "tests/unit/hardware/check/variant.h"
#include "tests/unit/hardware/fixture.h"

#define GPU "0000:01:00.0"

/* A line that changes a file of settings. What follows in a remedy makes programs read it anew. */
static bool is_edit(const char *line)
{
    return (text_starts_with(line, "sed -i ") || text_starts_with(line, "echo ") ||
            text_starts_with(line, "printf ")) &&
           strstr(line, " /etc/") != NULL;
}

/* A line that changes what the kernel runs with now: `played` does it to the tree. */
static bool is_step(const char *line)
{
    static const char *const begins[] = {"modprobe ",       "umount ",        "ip link set ",
                                         "systemctl stop ", "echo N > /sys/", "for console in /sys/"};

    for (size_t i = 0; i < COUNT_OF(begins); i++)
        if (text_starts_with(line, begins[i]))
            return true;
    return false;
}

static bool is_edit_or_step(const char *line)
{
    return is_edit(line) || is_step(line);
}

/* What such lines make of a host. */
static const char played[] =
    "modprobe() { mkdir -p sys/module/$(echo $1 | tr - _); }\n"
    "umount() { sed -i \"\\\\# $1 #d\" proc/1/mountinfo; }\n"
    "ip() { echo 0x1002 > sys/class/net/$3/flags; echo down > sys/class/net/$3/operstate; }\n"
    "systemctl() { for process in proc/[0-9]*; do\n"
    "  if ls -l $process/fd 2>&1 | grep -q /dev/dri/; then rm -r $process; fi\ndone; }\n";

/* A line, with the paths of files below the folder that the shell is started in. */
static void append_below(struct text *ret, const char *line)
{
    for (const char *at; (at = strstr(line, " /")) != NULL; line = at + strlen(" /")) {
        bool below = text_starts_with(at, " /etc/") || text_starts_with(at, " /sys/");
        text_printf(ret, "%.*s %s/", (int)(at - line), line, below ? "." : "");
    }
    text_printf(ret, "%s\n", line);
}

static char *take_lines(const char *remedy, bool (*is_wanted)(const char *line))
{
    struct text lines = {0};
    autofree char *copy = xstrdup(remedy);
    char *rest = copy;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (is_wanted(line))
            append_below(&lines, line);
    return text_take(&lines);
}

static char *take_edits(const char *remedy)
{
    return take_lines(remedy, is_edit);
}

static void run_shell(const struct tree *tree, const char *script)
{
    autofree char *whole =
        xasprintf("set -e\ncd '%s'\nmkdir -p etc/modprobe.d etc/modules-load.d etc/initramfs-tools\n%s",
                  tree->path, script);
    char *const arguments[] = {(char[]){"sh"}, (char[]){"-c"}, whole, NULL};
    int status;
    pid_t pid;

    cr_assert_eq(posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "sh: %s", whole);
}

/* What the boot loader would start the kernel with: what GRUB adds comes after "ro", systemd-boot's file
 * begins at "root=". */
static void boot_anew(const struct tree *tree)
{
    run_shell(tree, "if grep -qs BOOT_IMAGE= proc/cmdline && [ -e etc/default/grub ]; then\n"
                    "  . ./etc/default/grub\n"
                    "  line=\"$(sed 's/ ro .*/ ro/;q' proc/cmdline) $GRUB_CMDLINE_LINUX_DEFAULT\"\n"
                    "elif [ -e etc/kernel/cmdline ]; then\n"
                    "  line=\"$(sed 's/ *root=.*//;q' proc/cmdline) $(cat etc/kernel/cmdline)\"\n"
                    "else exit 0\nfi\n"
                    "rm proc/cmdline\nprintf '%s\\n' \"$line\" > proc/cmdline\n");
}

static json_t *ask(const struct tree *tree, const char *id)
{
    autoinventory struct inventory *inventory = tree_scan(tree);
    autohostuses struct host_uses *uses = NULL;
    autojson json_t *host = NULL, *device = NULL;
    struct error err;

    cr_assert_eq(host_uses_scan(tree->sysroot, inventory, &uses, &err), 0, "%s", err.message);
    cr_assert_eq(readiness_describe_host(tree->sysroot, inventory, &host, &err), 0, "%s", err.message);
    cr_assert_eq(
        readiness_describe_device(tree->sysroot, inventory, uses, address_of(id), NULL, &device, &err), 0,
        "%s", err.message);
    json_t *all = json_copy(json_object_get(host, "checks"));
    json_array_extend(all, json_object_get(device, "checks"));
    return all;
}

static const char *get(const json_t *check, const char *key)
{
    const char *text = json_string_value(json_object_get(check, key));

    return text != NULL ? text : "";
}

/* The same finding, asked again, proposes this line again. */
static void expect_not_again(const char *variant, const json_t *checks, const json_t *finding,
                             const char *edits)
{
    const json_t *check;
    size_t i;

    json_array_foreach(checks, i, check) {
        if (strcmp(get(check, "id"), get(finding, "id")) != 0 ||
            strcmp(get(check, "message"), get(finding, "message")) != 0)
            continue;
        autofree char *again = take_edits(get(check, "remedy"));
        cr_expect(again[0] == '\0' || strcmp(again, edits) != 0, "%s: %s was done and is told again:\n%s",
                  variant, get(finding, "id"), again);
    }
}

static void try_finding(const char *variant, const char *host, const char *id, const json_t *finding)
{
    autofree char *edits = take_edits(get(finding, "remedy"));

    if (edits[0] == '\0')
        return;
    autotree struct tree tree;
    tree_make_host(&tree, host);
    run_shell(&tree, edits);
    if (strstr(edits, "etc/default/grub") != NULL || strstr(edits, "etc/kernel/cmdline") != NULL)
        boot_anew(&tree);
    autojson json_t *checks = ask(&tree, id);
    expect_not_again(variant, checks, finding, edits);
}

/* Of a variant only the finding that it is about; of the golden host all. */
static void try_findings(const char *variant)
{
    bool golden = strcmp(variant, "golden") == 0;
    autofree char *file = xasprintf(VARIANTS "/%s.json", variant);
    autofree char *host = golden ? xstrdup("golden") : xasprintf("golden:%s", variant);
    autojson json_t *expected = json_load_file(file, 0, NULL);
    const char *id = golden ? GPU : get(expected, "id");
    const char *meant = get(json_object_get(expected, "meant"), "id");
    const json_t *finding;
    size_t i;

    autofree char *edits = take_edits(get(json_object_get(expected, "meant"), "remedy"));
    if (!golden && edits[0] == '\0')
        return;
    autotree struct tree tree;
    tree_make_host(&tree, host);
    autojson json_t *checks = ask(&tree, id[0] != '\0' ? id : GPU);
    json_array_foreach(checks, i, finding)
        if (golden || strcmp(get(finding, "id"), meant) == 0)
            try_finding(variant, host, id[0] != '\0' ? id : GPU, finding);
}

/* What a hand does first, as the remedy says in words, is not played. */
static bool is_for_hands(const char *variant)
{
    static const char *const variants[] = {"nic-default-route"}; /* its addresses go to another interface */

    for (size_t i = 0; i < COUNT_OF(variants); i++)
        if (strcmp(variants[i], variant) == 0)
            return true;
    return false;
}

static void try_steps(const char *variant)
{
    autofree char *file = xasprintf(VARIANTS "/%s.json", variant);
    autofree char *host = xasprintf("golden:%s", variant);
    autojson json_t *expected = json_load_file(file, 0, NULL);
    const json_t *meant = json_object_get(expected, "meant"), *check;
    autofree char *steps = take_lines(get(meant, "remedy"), is_step);
    size_t i;

    if (steps[0] == '\0' || is_for_hands(variant))
        return;
    autotree struct tree tree;
    tree_make_host(&tree, host);
    autofree char *lines = take_lines(get(meant, "remedy"), is_edit_or_step);
    autofree char *script = xasprintf("%s%s", played, lines);
    run_shell(&tree, script);
    autojson json_t *checks = ask(&tree, get(expected, "id")[0] != '\0' ? get(expected, "id") : GPU);
    json_array_foreach(checks, i, check)
        cr_expect(strcmp(get(check, "id"), get(meant, "id")) != 0 ||
                      strcmp(get(check, "message"), get(meant, "message")) != 0,
                  "%s: %s stays after\n%s", variant, get(meant, "id"), lines);
}

Test(remedy, of_steps_makes_the_finding_go_away)
{
    autosplit char **names = variant_names();

    for (char **name = names; *name != NULL; name++)
        try_steps(*name);
}

/* Lines that no test executes: they only show something, or a person decides. */
static bool is_hands_line(const char *line)
{
    static const char *const begins[] = {
        "#", /* words */
        "cat ",
        "dmesg",
        "fuser ",
        "grep ",
        "lsblk ",
        "lsusb ",
        "modinfo ",
        "hostpci get ",
        "systemctl status ", /* show */
        "nano ",             /* a file in which more stands than can be told */
        "apt install ",
        "systemctl restart nvidia-vgpud",
        "systemctl reboot --firmware-setup",
        "sudo hostpci serve", /* with this host's programs and firmware */
        "qm set VMID ",       /* on the machine that runs this one */
        "bios: ",
        "cpu: ",
        "machine: ",
        "hostpci0: ", /* for a VM that is not there yet */
    };

    for (size_t i = 0; i < COUNT_OF(begins); i++)
        if (text_starts_with(line, begins[i]))
            return true;
    return false;
}

/* What has the next boot read what the edits before it have written. */
static bool is_boot(const char *line)
{
    static const char *const begins[] = {"update-initramfs ", "update-grub", "proxmox-boot-tool ", "reboot"};

    for (size_t i = 0; i < COUNT_OF(begins); i++)
        if (text_starts_with(line, begins[i]))
            return true;
    return false;
}

/* A call is made as the finding's action, by tests/api/fix_golden.c and tests/unit/action.c, unless something
 * is left to a person beside it. */
static void expect_executed(const char *file, const json_t *finding)
{
    autofree char *copy = xstrdup(get(finding, "remedy"));
    char *rest = copy;
    bool hands = false;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        bool call =
            text_starts_with(line, "hostpci ") && (json_object_get(finding, "action") != NULL || hands);
        hands |= is_hands_line(line);
        cr_expect(*line == '\0' || call || is_edit_or_step(line) || is_boot(line) || is_hands_line(line),
                  "%s, %s: no test does: %s", file, get(finding, "id"), line);
    }
}

static void expect_all_executed(const char *file, const json_t *value)
{
    const json_t *child;
    const char *key;
    size_t i;

    if (json_object_get(value, "remedy") != NULL)
        expect_executed(file, value);
    json_array_foreach(value, i, child)
        expect_all_executed(file, child);
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
        expect_all_executed(file, child);
}

Test(remedy, of_every_golden_is_executed_or_for_hands)
{
    autosplit char **names = variant_names();
    autojson json_t *golden = json_load_file(VARIANTS "/golden.json", 0, NULL);

    expect_all_executed("golden", golden);
    for (char **name = names; *name != NULL; name++) {
        autofree char *file = xasprintf(VARIANTS "/%s.json", *name);
        autojson json_t *expected = json_load_file(file, 0, NULL);
        expect_all_executed(*name, expected);
    }
}

/* The file has changed since: another remedy, or its owner, took a line out above these. */
Test(remedy, of_one_line_is_right_wherever_the_line_is_by_then)
{
    static const char *const wrong =
        "# mine\nsoftdep nouveau vfio-pci  \n  options vfio-pci ids=[10de:2484], "
        "10de:228b disable_vga=1\n# options vfio-pci ids=1:2\n";
    static const char *const right = "softdep nouveau pre: vfio-pci\noptions vfio-pci "
                                     "ids=10de:2484,10de:228b disable_vga=1\n# options vfio-pci ids=1:2\n";
    autotree struct tree tree;
    autotext struct text edits = {0};
    const json_t *check;
    size_t i;

    tree_make_host(&tree, "golden");
    tree_write(&tree, "etc/modprobe.d/vfio.conf", wrong);
    autojson json_t *checks = ask(&tree, GPU);
    json_array_foreach(checks, i, check) {
        bool meant = strcmp(get(check, "id"), "vfio-ids-syntax") == 0 ||
                     strcmp(get(check, "id"), "softdep-syntax") == 0;
        autofree char *edit = take_edits(meant ? get(check, "remedy") : "");
        text_append(&edits, edit);
    }
    tree_write(&tree, "etc/modprobe.d/vfio.conf", strchr(wrong, '\n') + 1);
    run_shell(&tree, text_string(&edits));
    autofree char *path = xasprintf("%s/etc/modprobe.d/vfio.conf", tree.path), *file = NULL;
    struct error err;
    cr_assert_eq(file_read(path, 4096, &file, NULL, &err), 0, "%s", err.message);
    cr_expect_str_eq(file, right, "%s", file);
}

/* A file in which more stands than what a finding is about, and what is to be left of it. */
static const struct {
    const char *host, *check, *file, *before, *after;
} neighbours[] = {
    {"golden", "vga-arbitration", "etc/modprobe.d/vfio.conf",
     "# disable_vga=0 was here\noptions i915 disable_vga=0 x=1\noptions\tvfio-pci ids=10de:2484,10de:228b "
     "disable-vga=0 nodisable_vga=0\nsoftdep nouveau pre: vfio-pci\n",
     "# disable_vga=0 was here\noptions i915 disable_vga=0 x=1\noptions\tvfio-pci ids=10de:2484,10de:228b "
     "disable_vga=1 nodisable_vga=0\nsoftdep nouveau pre: vfio-pci\n"},
    {"golden", "unsafe-interrupts", "etc/modprobe.d/vfio.conf",
     "options vfio_iommu_type1  allow_unsafe_interrupts=1 dma_entry_limit=9\n"
     "#options vfio_iommu_type1 allow_unsafe_interrupts=1\noptions kvm allow_unsafe_interrupts=1 x=1\n",
     "options vfio_iommu_type1 dma_entry_limit=9\n"
     "#options vfio_iommu_type1 allow_unsafe_interrupts=1\noptions kvm allow_unsafe_interrupts=1 x=1\n"},
    {"golden", "unsafe-interrupts", "etc/modprobe.d/vfio.conf",
     "options vfio_iommu_type1 allow_unsafe_interrupts=1\n# options vfio_iommu_type1 "
     "allow_unsafe_interrupts=1\n",
     "# options vfio_iommu_type1 allow_unsafe_interrupts=1\n"},
    {"golden:vfio-blacklisted", "vfio-pci-loaded", "etc/modprobe.d/no-vfio.conf",
     "install  vfio-pci /sbin/modprobe vfio; /bin/true\ninstall vfio-pci-core /bin/true\n"
     "#install vfio-pci /bin/true\n",
     "install vfio-pci-core /bin/true\n#install vfio-pci /bin/true\n"},
    {"golden", "acs-override", "etc/default/grub",
     "# GRUB_CMDLINE_LINUX_DEFAULT=\"pcie_acs_override=downstream\"\n"
     "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet pcie_acs_override=downstream,multifunction\"\n"
     "GRUB_CMDLINE_LINUX_RECOVERY='pcie_acs_override=downstream single'\n"
     "GRUB_MENU=\" pcie_acs_override=downstream \"\nGRUB_CMDLINE_LINUX='x pcie_acs_override=downstream'\n",
     "# GRUB_CMDLINE_LINUX_DEFAULT=\"pcie_acs_override=downstream\"\n"
     "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet pcie_acs_override=downstream,multifunction\"\n"
     "GRUB_CMDLINE_LINUX_RECOVERY=' single'\n"
     "GRUB_MENU=\" pcie_acs_override=downstream \"\nGRUB_CMDLINE_LINUX='x'\n"},
};

static const json_t *find_check(const json_t *checks, const char *id)
{
    const json_t *check;
    size_t i;

    json_array_foreach(checks, i, check)
        if (strcmp(get(check, "id"), id) == 0 && get(check, "remedy")[0] != '\0')
            return check;
    cr_assert_fail("%s says nothing", id);
    return NULL;
}

Test(remedy, changes_the_line_that_it_means_and_no_other)
{
    for (size_t i = 0; i < COUNT_OF(neighbours); i++) {
        autotree struct tree tree;
        struct error err;
        tree_make_host(&tree, neighbours[i].host);
        tree_write(&tree, neighbours[i].file, neighbours[i].before);
        tree_write(&tree, "proc/cmdline",
                   "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro pcie_acs_override=downstream\n");
        autojson json_t *checks = ask(&tree, GPU);
        autofree char *edits = take_edits(get(find_check(checks, neighbours[i].check), "remedy"));
        cr_expect_str_neq(edits, "", "%s", neighbours[i].check);
        run_shell(&tree, edits);
        autofree char *path = xasprintf("%s/%s", tree.path, neighbours[i].file), *file = NULL;
        cr_assert_eq(file_read(path, 4096, &file, NULL, &err), 0, "%s", err.message);
        cr_expect_str_eq(file, neighbours[i].after, "%s: %s gives\n%s", neighbours[i].check, edits, file);
    }
}

/* sed sees one line at a time. */
Test(remedy, of_a_line_that_goes_on_is_told_in_words)
{
    autotree struct tree tree;

    tree_make_host(&tree, "golden");
    tree_write(&tree, "etc/modprobe.d/vfio.conf",
               "# mine\noptions vfio-pci \\\n  ids=10de:2484,10de:228b \\\n  disable_vga=0\n");
    autojson json_t *checks = ask(&tree, GPU);
    const char *remedy = get(find_check(checks, "vga-arbitration"), "remedy");
    cr_expect(text_starts_with(remedy, "# in line 2 of /etc/modprobe.d/vfio.conf or those that continue it, "
                                       "set:\n# disable_vga=1\nupdate-initramfs"),
              "%s", remedy);
}

ParameterizedTestParameters(remedy, is_typed_and_not_told_again)
{
    return variant_slices();
}

ParameterizedTest(const size_t *slice, remedy, is_typed_and_not_told_again)
{
    autosplit char **names = variant_names();

    if (*slice == 0)
        try_findings("golden");
    for (size_t i = *slice; i < variant_count(names); i += VARIANT_SLICES)
        try_findings(names[i]);
}
