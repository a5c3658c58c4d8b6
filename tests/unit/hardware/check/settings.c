/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings in modprobe.d and its kin: which files count, in which order, and how lines are read. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "hardware/facts/facts.h"
#include "tests/unit/hardware/check/fixture.h"

static void read_changed(struct tree *tree, const struct change *changes, struct host_settings *settings)
{
    tree_make(tree);
    check_host_change(tree, changes);
    host_settings_read(tree->sysroot, settings);
}

static void expect_option(const struct host_settings *settings, const char *module, const char *option,
                          const char *expected)
{
    char value[64] = "";
    bool found = host_settings_option(settings, module, option, value, sizeof(value), NULL);

    cr_expect_eq(found, expected != NULL, "%s %s", module, option);
    if (expected != NULL)
        cr_expect_str_eq(value, expected);
}

Test(check_settings, the_last_value_wins)
{
    autotree struct tree tree;
    struct host_settings settings;

    read_changed(&tree,
                 (struct change[]){{"etc/modprobe.d/b.conf", "options vfio-pci ids=1:2\n"},
                                   {"etc/modprobe.d/a.conf", "options vfio_pci ids=3:4 disable_vga\n"},
                                   {"lib/modprobe.d/c.conf", "options vfio-pci nointxmask=1\n"},
                                   {NULL, NULL}},
                 &settings);
    expect_option(&settings, "vfio_pci", "ids", "1:2");
    expect_option(&settings, "vfio-pci", "disable-vga", "");
    expect_option(&settings, "vfio_pci", "nointxmask", "1");
    expect_option(&settings, "vfio_pci", "absent", NULL);
    expect_option(&settings, "vfio", "ids", NULL);
    host_settings_release(&settings);
}

Test(check_settings, a_file_hides_those_of_its_name_in_later_folders)
{
    autotree struct tree tree;
    struct host_settings settings;

    read_changed(&tree,
                 (struct change[]){{"etc/modprobe.d/x.conf", "blacklist a\n"},
                                   {"run/modprobe.d/x.conf", "blacklist b\n"},
                                   {"usr/lib/modprobe.d/y.conf", "blacklist c\n"},
                                   {"lib/modprobe.d/y.conf", "blacklist d\n"},
                                   {"etc/modprobe.d/z.backup", "blacklist e\n"},
                                   {NULL, NULL}},
                 &settings);
    cr_expect_not_null(host_settings_blacklist(&settings, "a"));
    cr_expect_null(host_settings_blacklist(&settings, "b"));
    cr_expect_not_null(host_settings_blacklist(&settings, "c"));
    cr_expect_null(host_settings_blacklist(&settings, "d"));
    cr_expect_null(host_settings_blacklist(&settings, "e"));
    host_settings_release(&settings);
}

Test(check_settings, lines_are_joined_commented_and_numbered)
{
    autotree struct tree tree;
    struct host_settings settings;
    const struct setting *setting;

    read_changed(&tree,
                 (struct change[]){{"etc/modprobe.d/x.conf",
                                    "# blacklist a\n\n  options\tvfio-pci \\\n ids=1:2\n"
                                    "softdep snd-hda-intel post: x pre: y vfio-pci\n"
                                    "install b /bin/true\ninstall c /sbin/modprobe c\nblacklist"},
                                   {NULL, NULL}},
                 &settings);
    cr_expect_null(host_settings_blacklist(&settings, "a"));
    cr_expect_not_null(host_settings_blacklist(&settings, "b"));
    cr_expect_null(host_settings_blacklist(&settings, "c"));
    expect_option(&settings, "vfio_pci", "ids", "1:2");
    setting = host_settings_loads_before(&settings, "snd_hda_intel", "vfio_pci");
    cr_assert_not_null(setting);
    cr_expect_eq(setting->line, 5);
    cr_expect_str_eq(setting->file, "etc/modprobe.d/x.conf");
    cr_expect_null(host_settings_loads_before(&settings, "snd_hda_intel", "x"));
    cr_expect_eq(settings.count, 4);
    host_settings_release(&settings);
}

Test(check_settings, tells_what_it_could_not_read)
{
    autotree struct tree tree;
    struct host_settings settings;

    tree_make(&tree);
    tree_link(&tree, "etc/modprobe.d/x.conf", "x.conf");
    host_settings_read(tree.sysroot, &settings);
    cr_assert_str_eq(settings.denied, "etc/modprobe.d/x.conf");
    host_settings_release(&settings);
}

/* What facts_parameter says of a command line; NULL: it is not there. */
Test(check_parameters, are_read_as_the_kernel_does)
{
    static const struct {
        const char *line, *name, *value;
    } cases[] = {
        {"quiet iommu=pt", "iommu", "pt"},
        {"iommu=pt iommu=off", "iommu", "off"},
        {"vfio_pci.ids=1:2", "vfio-pci.ids", "1:2"},
        {"intel-iommu=on", "intel_iommu", "on"},
        {"xiommu=pt", "iommu", NULL},
        {"iommu", "iommu", ""},
        {"iommux=1", "iommu", NULL},
        {"dyndbg=\"file x.c iommu=off\" quiet", "iommu", NULL},
        {"", "iommu", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotree struct tree tree;
        autofacts struct facts facts;
        char value[64] = "";
        tree_make(&tree);
        tree_write(&tree, "proc/cmdline", cases[i].line);
        facts_read(tree.sysroot, &facts);
        cr_expect_eq(facts_parameter(&facts, cases[i].name, value, sizeof(value)), cases[i].value != NULL,
                     "%s", cases[i].line);
        cr_expect_str_eq(value, cases[i].value != NULL ? cases[i].value : "", "%s", cases[i].line);
    }
}

Test(check_parameters, the_last_word_counts)
{
    static const struct {
        const char *line;
        bool on;
    } cases[] = {{"intel_iommu=on", true},
                 {"intel_iommu=on,sm_on", true},
                 {"intel_iommu=sm_on", false},
                 {"intel_iommu=on,off", false},
                 {"intel_iommu=off intel_iommu=on", true},
                 {"intel_iommu=on intel_iommu=off", false}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autotree struct tree tree;
        autofacts struct facts facts;
        tree_make(&tree);
        tree_write(&tree, "proc/cmdline", cases[i].line);
        facts_read(tree.sysroot, &facts);
        cr_expect_eq(facts_parameter_says(&facts, "intel_iommu", "on", "off"), cases[i].on, "%s",
                     cases[i].line);
    }
}
