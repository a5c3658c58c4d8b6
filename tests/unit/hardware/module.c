/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The variant driver that is made for a device, by lines of real modules.alias files. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "hardware/module.h"
#include "tests/unit/hardware/fixture.h"

#define CONNECTX_VF "pci:v000015B3d0000101Esv000015B3sd00000083bc02sc00i00"
#define VIRTIO_NET  "pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00"
#define GRACE       "pci:v000010DEd00002342sv000010DEsd000016EBbc03sc02i00"
#define E1000E      "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00"
#define EDU         "pci:v00001234d000011E8sv00001AF4sd00001100bc00scFFi00"

/* Of Linux 6.12 with its variant drivers, in the order of depmod, and two of nobody. */
static const char aliases[] = "# Aliases extracted from modules themselves.\n"
                              "alias fs-xfs xfs\n"
                              "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
                              "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"
                              "alias vfio_pci:v000019E5d0000A256sv*sd*bc*sc*i* hisi_acc_vfio_pci\n"
                              "alias vfio_pci:v00001DD8d00001003sv*sd*bc*sc*i* pds_vfio_pci\n"
                              "alias vfio_pci:v00001AF4d00001041sv*sd*bc*sc*i* virtio_vfio_pci\n"
                              "alias vfio_pci:v00001AF4d*sv*sd*bc02sc*i* any_vfio_pci\n"
                              "alias vfio_pci:v000010DEd00002342sv*sd*bc*sc*i* nvgrace_gpu_vfio_pci\n"
                              "alias vfio_pci:v000010DEd00002342sv000010DEsd000016EBbc*sc*i* its_vfio_pci\n"
                              "alias vfio_pci:v*d*sv*sd*bc*sc*i* greedy_vfio_pci\n"
                              "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n"
                              "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n"
                              "alias vfio_pci:v00008086\n";

static const char builtin[] = "vfio_pci.alias=vfio_pci:v*d*sv*sd*bc*sc*i*\0"
                              "edu_vfio_pci.license=GPL\0"
                              "edu_vfio_pci.alias=vfio_pci:v00001234d000011E8sv*sd*bc*sc*i*";

static void make_modules(struct tree *tree)
{
    tree_make(tree);
    tree_write(tree, "proc/sys/kernel/osrelease", "6.12.0-test\n");
    tree_write(tree, "lib/modules/6.12.0-test/modules.alias", aliases);
}

Test(module, variant_is_the_one_whose_alias_fits_best)
{
    static const struct {
        const char *modalias, *variant;
    } cases[] = {
        {CONNECTX_VF, "mlx5_vfio_pci"},
        {VIRTIO_NET, "virtio_vfio_pci"}, /* two ids say more than one id and a class */
        {GRACE, "its_vfio_pci"},         /* and those of the subsystem more still */
        {E1000E, ""},                    /* it has a driver for the host, and vfio-pci for VMs */
        {EDU, ""},
        {"virtio:d00000001v00001AF4", ""},
        {"", ""},
    };
    autotree struct tree tree;
    char name[MODULE_NAME_SIZE];

    make_modules(&tree);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool found = module_find_variant(tree.sysroot, cases[i].modalias, name);
        cr_expect_eq(found, cases[i].variant[0] != '\0', "%s", cases[i].modalias);
        cr_expect_str_eq(name, cases[i].variant, "%s: %s", cases[i].modalias, name);
    }
}

Test(module, variant_may_be_built_into_the_kernel)
{
    autotree struct tree tree;
    char name[MODULE_NAME_SIZE];

    make_modules(&tree);
    tree_write_bytes(&tree, "lib/modules/6.12.0-test/modules.builtin.modinfo", builtin, sizeof(builtin));
    cr_assert(module_find_variant(tree.sysroot, EDU, name));
    cr_assert_str_eq(name, "edu_vfio_pci");
}

/* Else the kernel's own choice would seem to be a driver for VMs. */
Test(module, list_has_no_variants)
{
    autotree struct tree tree;

    make_modules(&tree);
    autojson json_t *list = module_list_for(tree.sysroot, CONNECTX_VF);
    cr_assert_eq(json_array_size(list), 1);
    cr_assert_str_eq(json_string_value(json_array_get(list, 0)), "mlx5_core");
}
