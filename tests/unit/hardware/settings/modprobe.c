/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of module settings that hostpci keeps. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/settings/modprobe.h"
#include "tests/unit/hardware/fixture.h"

#define HEADER "# Written by hostpci: change it with `hostpci set /nodes/localhost/hardware/vfio`.\n"

static const char all[] = HEADER "options vfio-pci ids=10de:2484,10de:228b\n"
                                 "options vfio-pci disable_vga=1\n"
                                 "options vfio-pci disable_idle_d3=0\n"
                                 "options vfio_iommu_type1 allow_unsafe_interrupts=1\n"
                                 "options i915 enable_gvt=1 max_vfs=7\n"
                                 "blacklist nouveau\n"
                                 "blacklist snd_hda_intel\n"
                                 "softdep nouveau pre: vfio-pci\n";

Test(settings_modprobe, what_is_written_is_read_back)
{
    autojson json_t *settings = NULL;
    struct error err = {.message = ""};

    cr_assert_eq(modprobe_parse(all, HEADER "vfio-pci\nkvmgt\n", &settings, &err), 0, "%s", err.message);
    expect_json(json_incref(settings),
                "{'ids': '10de:2484,10de:228b', 'disable-vga': 1, 'disable-idle-d3': 0,"
                " 'allow-unsafe-interrupts': 1, 'options': ['i915 enable_gvt=1 max_vfs=7'],"
                " 'blacklist': 'nouveau,snd_hda_intel', 'softdep': 'nouveau', 'modules': 'vfio-pci,kvmgt'}");
    autofree char *modprobe = modprobe_print(settings), *modules = modprobe_print_modules(settings);
    cr_expect_str_eq(modprobe, all);
    cr_expect_str_eq(modules, HEADER "vfio-pci\nkvmgt\n");
}

Test(settings_modprobe, nothing_to_say_is_no_file)
{
    autojson json_t *settings = NULL;
    struct error err;

    cr_assert_eq(modprobe_parse(NULL, NULL, &settings, &err), 0);
    expect_json(json_incref(settings), "{}");
    cr_expect_null(modprobe_print(settings));
    cr_expect_null(modprobe_print_modules(settings));
}

Test(settings_modprobe, what_somebody_else_wrote_is_left_alone)
{
    static const struct {
        const char *modprobe, *modules, *line;
    } files[] = {
        {HEADER "install nouveau /bin/true\n", NULL, "line 2 of '/etc/modprobe.d/hostpci.conf'"},
        {HEADER "blacklist nouveau\n\nblacklist i915\n", NULL, "line 3 of"},
        {HEADER "blacklist nouveau", NULL, "line 2 of"},
        {"blacklist nouveau\n", NULL, "line 1 of"},
        {HEADER "options vfio-pci enable_sriov=1 ids=10de:2484\n", NULL, "line 2 of"},
        {HEADER, NULL, NULL},
        {HEADER "options vfio-pci  ids=10de:2484\n", NULL, "line 2 of"},
        {NULL, HEADER "vfio # comment\n#\n", "line 3 of '/etc/modules-load.d/hostpci.conf'"},
        {"", NULL, NULL},
    };

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        json_t *settings = NULL;
        struct error err = {.message = ""};
        int result = modprobe_parse(files[i].modprobe, files[i].modules, &settings, &err);
        cr_expect_eq(result, files[i].line != NULL ? -1 : 0, "file %zu is taken", i);
        if (files[i].line != NULL)
            cr_expect(strstr(err.message, files[i].line) != NULL, "file %zu: %s", i, err.message);
        json_decref(settings);
    }
}

static json_t *parse(const char *text)
{
    autofree char *json = xstrdup(text);

    for (char *quote = json; (quote = strchr(quote, '\'')) != NULL;)
        *quote = '"';
    return json_loads(json, 0, NULL);
}

/* What `init=` is on the command line, a module of any kind or a line of its own would be here. */
Test(settings_modprobe, only_modules_of_vfio_and_of_devices_are_set)
{
    static const struct {
        const char *settings, *field;
    } cases[] = {
        {"{'ids': '10de:2484'}", NULL},
        {"{'ids': '10de:2484:1043:8721:030000'}", NULL},
        {"{'ids': '10de'}", "ids"},
        {"{'ids': '10de:24846'}", "ids"},
        {"{'ids': '10de:2484,'}", "ids"},
        {"{'ids': '10de:2484 ids=1:2'}", "ids"},
        {"{'ids': '10de:2484\\ninstall x y'}", "ids"},
        {"{'blacklist': 'nouveau'}", NULL},
        {"{'blacklist': 'nouveau,ext4'}", "blacklist"},
        {"{'blacklist': ''}", "blacklist"},
        {"{'softdep': 'snd-hda-intel'}", NULL},
        {"{'softdep': 'nouveau pre: evil'}", "softdep"},
        {"{'modules': 'vfio-pci,vfio_iommu_type1,vfio_virqfd,kvmgt,mlx5_vfio_pci'}", NULL},
        {"{'modules': 'dccp'}", "modules"},
        {"{'modules': '../x'}", "modules"},
        {"{'options': ['nouveau modeset=0']}", NULL},
        {"{'options': ['vfio_pci enable_sriov=1']}", NULL},
        {"{'options': ['vfio-pci ids=10de:2484']}", "options"},
        {"{'options': ['vfio_iommu_type1 allow_unsafe_interrupts=1']}", "options"},
        {"{'options': ['nouveau']}", "options"},
        {"{'options': ['nouveau config=/etc/passwd']}", "options"},
        {"{'options': ['nouveau a=1\\ninstall x y']}", "options"},
        {"{'options': ['nouveau a=$(id)']}", "options"},
        {"{'options': ['kernel init=1']}", "options"},
    };
    autotree struct tree tree;

    tree_make(&tree);
    tree_add_function(&tree, "0000:01:00.0", "nouveau", "30000", "10DE:2484", "10DE:146B");
    tree_add_function(&tree, "0000:01:00.1", "snd_hda_intel", "40300", "10DE:228B", "10DE:146B");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autojson json_t *settings = parse(cases[i].settings), *now = json_object();
        struct error err = {.message = ""};
        int result = modprobe_check(tree.sysroot, inventory, settings, now, &err);
        cr_expect_eq(result, cases[i].field != NULL ? -1 : 0, "%s: %s", cases[i].settings, err.message);
        if (cases[i].field != NULL)
            cr_expect_str_eq(err.field, cases[i].field, "%s: %s", cases[i].settings, err.message);
    }
}

/* Else nothing could be changed any more after a card was taken out. */
Test(settings_modprobe, what_was_set_before_may_stay)
{
    autotree struct tree tree;
    autojson json_t *now = parse("{'blacklist': 'radeon', 'options': ['radeon audio=0']}");
    autojson json_t *more = parse("{'blacklist': 'radeon', 'options': ['radeon audio=1']}");
    struct error err;

    tree_make(&tree);
    tree_add_function(&tree, "0000:01:00.0", "nouveau", "30000", "10DE:2484", "10DE:146B");
    autoinventory struct inventory *inventory = tree_scan(&tree);
    cr_expect_eq(modprobe_check(tree.sysroot, inventory, now, now, &err), 0);
    cr_expect_eq(modprobe_check(tree.sysroot, inventory, more, now, &err), -1);
}
