/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: kernel modules, what loads them, initramfs.
 *
 * Sources: drivers/vfio/Makefile of the Linux kernel (vfio_virqfd became part of vfio in 6.2);
 * update-initramfs(8), modules-load.d(5). */
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

static bool is_module(const void *module, const char *word)
{
    return module_name_equal(module, word);
}

static void find_unloaded(const struct subject *subject, const char *module, struct findings *ret)
{
    const struct setting *blacklist = host_settings_blacklist(&subject->facts->settings, module);

    text_printf(&ret->evidence, "/%s: absent", path_of_module(module, NULL).text);
    if (blacklist == NULL) {
        text_printf(&ret->remedy.lines, "modprobe %s\n", module);
        findings_add(ret, SEVERITY_INFO, "The kernel module %s is not loaded yet, but it is available.",
                     module);
        return;
    }
    evidence_setting(blacklist, &ret->evidence);
    if (!remedy_take_from_kept(subject->facts, blacklist, &ret->remedy, "blacklist", is_module, module)) {
        remedy_remove_line(blacklist, &ret->remedy);
        text_append(&ret->remedy.lines, REMEDY_INITRAMFS);
    }
    text_printf(&ret->remedy.lines, "modprobe %s\n", module);
    if (blacklist->kind == SETTING_INSTALL) /* it cannot be loaded by its name either */
        findings_add(ret, SEVERITY_ERROR,
                     "The kernel module %s is not loaded and is kept from being loaded: nothing can be "
                     "passed through.",
                     module);
    else
        findings_add(ret, SEVERITY_WARNING,
                     "The kernel module %s is not loaded and is kept from being loaded at boot.", module);
}

static void check_module(const struct subject *subject, const char *module, struct findings *ret)
{
    struct facts *facts = subject->facts;

    switch (facts_module(facts, module)) {
    case MODULE_LOADED:
        text_printf(&ret->evidence, "/%s: there", path_of_module(module, NULL).text);
        findings_add(ret, SEVERITY_OK, "The kernel module %s is loaded.", module);
        break;
    case MODULE_BUILT_IN:
        text_printf(&ret->evidence, "/lib/modules/%s/modules.builtin", facts->release);
        findings_add(ret, SEVERITY_OK, "%s is built into the kernel.", module);
        break;
    case MODULE_AVAILABLE:
        find_unloaded(subject, module, ret);
        break;
    case MODULE_MISSING:
        text_printf(&ret->evidence, "/lib/modules/%s/modules.dep: no %s", facts->release, module);
        text_append(&ret->remedy.lines,
                    "# install a kernel that has it, Debian's for example:\n" REMEDY_KERNEL REMEDY_REBOOT);
        findings_add(ret, SEVERITY_ERROR, "This kernel has no module %s: nothing can be passed through.",
                     module);
        break;
    case MODULE_UNKNOWN:
        text_printf(&ret->evidence, "/%s: absent; ", path_of_module(module, NULL).text);
        if (facts->release[0] != '\0')
            text_printf(&ret->evidence, "/lib/modules/%s/modules.dep: cannot be read", facts->release);
        else
            text_append(&ret->evidence, "/" PROC_OSRELEASE ": cannot be read");
        text_printf(&ret->remedy.lines,
                    "modprobe %s\n# if that finds nothing, a newer kernel was installed: reboot\n", module);
        findings_add(ret, SEVERITY_INFO,
                     "The kernel module %s is not loaded; whether it is available is unknown.", module);
        break;
    }
}

static void check_vfio(const struct subject *subject, struct findings *ret)
{
    check_module(subject, "vfio", ret);
}

static const struct check vfio_loaded_check = {
    .id = "vfio-loaded",
    .scope = CHECK_HOST,
    .fixable = true,
    .blocks = true,
    .section = MANUAL_MODULES,
    .sentence = "You have to make sure the following modules are loaded: vfio.",
    .text = "loaded, built in, available or missing",
    .run = check_vfio,
};

static void check_vfio_iommu_type1(const struct subject *subject, struct findings *ret)
{
    check_module(subject, "vfio_iommu_type1", ret);
}

static const struct check vfio_iommu_type1_loaded_check = {
    .id = "vfio-iommu-type1-loaded",
    .scope = CHECK_HOST,
    .fixable = true,
    .blocks = true,
    .section = MANUAL_MODULES,
    .sentence = "You have to make sure the following modules are loaded: vfio_iommu_type1.",
    .text = "the same",
    .run = check_vfio_iommu_type1,
};

static void check_vfio_pci(const struct subject *subject, struct findings *ret)
{
    check_module(subject, "vfio_pci", ret);
}

static const struct check vfio_pci_loaded_check = {
    .id = "vfio-pci-loaded",
    .scope = CHECK_HOST,
    .fixable = true,
    .blocks = true,
    .section = MANUAL_MODULES,
    .sentence = "You have to make sure the following modules are loaded: vfio_pci.",
    .text = "the same",
    .run = check_vfio_pci,
};

static void check_vfio_virqfd(const struct subject *subject, struct findings *ret)
{
    unsigned version = subject->facts->version;

    if (version != 0 && version < 6002)
        check_module(subject, "vfio_virqfd", ret);
}

static const struct check vfio_virqfd_loaded_check = {
    .id = "vfio-virqfd-loaded",
    .scope = CHECK_HOST,
    .fixable = true,
    .blocks = true,
    .section = MANUAL_MODULES,
    .sentence = "vfio_virqfd: not needed if on kernel 6.2 or newer.",
    .text = "the same, before kernel 6.2",
    .run = check_vfio_virqfd,
};

static void check_modules_at_boot(const struct subject *subject, struct findings *ret)
{
    const struct setting *setting =
        host_settings_find(&subject->facts->settings, SETTING_LOAD, "vfio_pci", 0);

    if (facts_module(subject->facts, "vfio_pci") == MODULE_BUILT_IN)
        return;
    if (setting != NULL) {
        evidence_setting(setting, &ret->evidence);
        findings_add(ret, SEVERITY_OK, "vfio_pci is loaded at boot.");
        return;
    }
    text_append(&ret->evidence, "/etc/modules, /etc/modules-load.d: no vfio_pci");
    remedy_offer_kept(subject->facts, &ret->remedy,
                      json_pack("{s:s}", "modules", "vfio,vfio_iommu_type1,vfio_pci"));
    text_append(&ret->remedy.lines,
                "printf 'vfio\\nvfio_iommu_type1\\nvfio_pci\\n' >> /etc/modules-load.d/vfio.conf\n");
    findings_add(ret, SEVERITY_INFO,
                 "vfio_pci is not loaded at boot; it is loaded when the first device is bound to it.");
}

static const struct check modules_at_boot_check = {
    .id = "modules-at-boot",
    .scope = CHECK_HOST,
    .fixable = true,
    .section = MANUAL_MODULES,
    .sentence = "This can be achieved by adding them to '/etc/modules'.",
    .text = "/etc/modules, modules-load.d, /etc/initramfs-tools/modules",
    .run = check_modules_at_boot,
};

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static void check_initramfs(const struct subject *subject, struct findings *ret)
{
    static const struct {
        const char *start, *end, *remedy;
    } images[] = {{"boot/initrd.img-", "", REMEDY_INITRAMFS},
                  {"boot/initramfs-", ".img", "dracut --force --regenerate-all\n"}};
    const struct facts *facts = subject->facts;
    const struct host_settings *settings = &facts->settings;
    struct stat status;
    char file[192];
    size_t i;

    for (i = 0; i < COUNT_OF(images); i++) {
        snprintf(file, sizeof(file), "%s%s%s", images[i].start, facts->release, images[i].end);
        if (fstatat(sysroot_fd(facts->sysroot), file, &status, 0) == 0)
            break;
    }
    if (i == COUNT_OF(images) || settings->newest == NULL)
        return;
    text_printf(&ret->evidence, "/%s; /%s", file, settings->newest);
    if (!is_later(settings->changed, status.st_mtim)) {
        findings_add(ret, SEVERITY_OK,
                     "The initramfs is newer than the module settings that it has a copy of.");
        return;
    }
    remedy_refresh_by(&ret->remedy, images[i].remedy);
    findings_add(ret, SEVERITY_WARNING,
                 "Module settings were changed after the initramfs was made, which has the old ones: /%s.",
                 settings->newest);
}

static const struct check initramfs_current_check = {
    .id = "initramfs-current",
    .scope = CHECK_HOST,
    .fixable = true,
    .section = MANUAL_MODULES,
    .sentence = "After changing anything modules related, you need to refresh your initramfs.",
    .text = "its time against that of /etc/modprobe.d and /etc/initramfs-tools/modules",
    .run = check_initramfs,
};

const struct check *const checks_kernel[] = {&vfio_loaded_check,
                                             &vfio_iommu_type1_loaded_check,
                                             &vfio_pci_loaded_check,
                                             &vfio_virqfd_loaded_check,
                                             &modules_at_boot_check,
                                             &initramfs_current_check,
                                             NULL};
