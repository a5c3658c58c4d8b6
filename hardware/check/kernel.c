/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: kernel modules, settings, initramfs, the kernel log.
 *
 * Sources: drivers/vfio/Makefile of the Linux kernel (vfio_virqfd became part of vfio in 6.2);
 * vfio_pci_fill_ids() in drivers/vfio/pci/vfio_pci.c (VENDOR:DEVICE[:SUBVENDOR[:SUBDEVICE[:CLASS[:MASK]]]],
 * in hexadecimal); update-initramfs(8), modules-load.d(5). */
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

static void find_unloaded(const struct subject *subject, const char *module, struct findings *ret)
{
    const struct setting *blacklist = host_settings_blacklist(&subject->facts->settings, module);

    text_printf(&ret->evidence, "/%s: absent", path_of_module(module, NULL).text);
    if (blacklist == NULL) {
        text_printf(&ret->remedy, "modprobe %s\n", module);
        findings_add(ret, SEVERITY_INFO, "The kernel module %s is not loaded yet, but it is available.",
                     module);
        return;
    }
    evidence_setting(blacklist, &ret->evidence);
    text_printf(&ret->remedy, "sed -i '%ud' /%s\n" REMEDY_INITRAMFS "modprobe %s\n", blacklist->line,
                blacklist->file, module);
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
        text_append(&ret->remedy, "# install a kernel that has it, Debian's for example:\napt install "
                                  "linux-image-amd64\n" REMEDY_REBOOT);
        findings_add(ret, SEVERITY_ERROR, "This kernel has no module %s: nothing can be passed through.",
                     module);
        break;
    case MODULE_UNKNOWN:
        text_printf(&ret->evidence, "/%s: absent; /lib/modules/%s/modules.dep: cannot be read",
                    path_of_module(module, NULL).text, facts->release);
        text_printf(&ret->remedy,
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
    text_append(&ret->remedy,
                "printf 'vfio\\nvfio_iommu_type1\\nvfio_pci\\n' > /etc/modules-load.d/vfio.conf\n");
    findings_add(ret, SEVERITY_INFO,
                 "vfio_pci is not loaded at boot; it is loaded when the first device is bound to it.");
}

static const struct check modules_at_boot_check = {
    .id = "modules-at-boot",
    .scope = CHECK_HOST,
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
    } images[] = {{"boot/initrd.img-", "", REMEDY_INITRAMFS REMEDY_REBOOT},
                  {"boot/initramfs-", ".img", "dracut --force --regenerate-all\n" REMEDY_REBOOT}};
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
    text_append(&ret->remedy, images[i].remedy);
    findings_add(ret, SEVERITY_WARNING,
                 "Module settings were changed after the initramfs was made, which has the old ones: /%s.",
                 settings->newest);
}

static const struct check initramfs_current_check = {
    .id = "initramfs-current",
    .scope = CHECK_HOST,
    .section = MANUAL_MODULES,
    .sentence = "After changing anything modules related, you need to refresh your initramfs.",
    .text = "its time against that of /etc/modprobe.d and /etc/initramfs-tools/modules",
    .run = check_initramfs,
};

static bool is_id(const char *word)
{
    size_t vendor = strspn(word, "0123456789abcdefABCDEF"), device;

    if (vendor == 0 || vendor > 8 || word[vendor] != ':')
        return false;
    word += vendor + 1;
    device = strspn(word, "0123456789abcdefABCDEF");
    return device > 0 && device <= 8 && (word[device] == '\0' || word[device] == ':');
}

static void check_ids_syntax(const struct subject *subject, struct findings *ret)
{
    const struct setting *setting;
    char ids[1024], *rest = ids;

    if (!host_settings_option(&subject->facts->settings, "vfio_pci", "ids", ids, sizeof(ids), &setting))
        return;
    for (char *id; (id = strsep(&rest, ",")) != NULL;) {
        if (*id == '\0' || is_id(id))
            continue;
        evidence_setting(setting, &ret->evidence);
        text_printf(&ret->remedy,
                    "# write VENDOR:DEVICE, several with commas and no blanks, as in\n"
                    "# options vfio-pci ids=10de:2484,10de:228b\n"
                    "nano /%s\n" REMEDY_INITRAMFS REMEDY_REBOOT,
                    setting->file);
        findings_add(ret, SEVERITY_WARNING, "vfio-pci cannot understand '%s' in its option ids.", id);
        return;
    }
}

static const struct check vfio_ids_syntax_check = {
    .id = "vfio-ids-syntax",
    .scope = CHECK_HOST,
    .section = MANUAL_DEVICE,
    .sentence = "pass the device IDs to the options of the vfio-pci modules by adding options vfio-pci "
                "ids=1234:5678,4321:8765",
    .text = "that vfio-pci can understand them",
    .run = check_ids_syntax,
};

/* The kernel says "DMAR: IOMMU enabled" because of intel_iommu=on, even where there is no IOMMU. */
static void check_log_enabled(const struct subject *subject, struct findings *ret)
{
    static const struct {
        const char *driver, *first, *second;
    } lines[] = {
        {"intel-iommu", "DMAR: Intel(R) Virtualization Technology for Directed I/O", NULL},
        {"intel-iommu", "DMAR", "nabled"},
        {"amd-iommu", "AMD-Vi", "nabled"},
        {"amd-iommu", "AMD-Vi: Found IOMMU", NULL},
        {"", "iommu: Default domain type", NULL},
    };
    struct facts *facts = subject->facts;

    if (!subject->inventory->has_iommu)
        return;
    if (facts_kernel_log(facts) == NULL) {
        text_append(&ret->remedy, "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi\n");
        text_append(&ret->evidence, "/dev/kmsg: cannot be read");
        findings_add(ret, SEVERITY_INFO,
                     "The kernel log cannot be read, so what the kernel said about the IOMMU is unknown.");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (lines[i].driver[0] == '\0' || strcmp(lines[i].driver, facts->iommu.driver) == 0)
            evidence_log(facts, &ret->evidence, lines[i].first, lines[i].second);
    if (ret->evidence.length > 0) {
        findings_add(ret, SEVERITY_OK, "The kernel reported at boot that it uses the IOMMU.");
        return;
    }
    text_printf(&ret->evidence, "/%s: no line with DMAR, IOMMU or AMD-Vi and 'enabled'", facts->log.file);
    findings_add(ret, SEVERITY_INFO,
                 "The kernel log no longer has what the kernel said about the IOMMU at boot.");
}

static const struct check kernel_log_iommu_check = {
    .id = "kernel-log-iommu",
    .scope = CHECK_HOST,
    .section = MANUAL_FINISH,
    .sentence = "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi should display that IOMMU, Directed I/O or "
                "Interrupt Remapping is enabled.",
    .text = "those lines of the kernel log",
    .run = check_log_enabled,
};

static void check_log_problems(const struct subject *subject, struct findings *ret)
{
    static const char *const problems[][2] = {
        {"DMAR", "[Firmware Bug]"}, {"DMAR", "[Firmware Warn]"}, {"DMAR", "fault"},
        {"DMAR", "ailed"},          {"DMAR", "erratum"},         {"AMD-Vi", "[Firmware"},
        {"AMD-Vi", "_FAULT"},       {"AMD-Vi", "ailed"},         {"arm-smmu", "event"},
    };

    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        if (!evidence_log(subject->facts, &ret->evidence, problems[i][0], problems[i][1]))
            continue;
        text_append(&ret->remedy, "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi\n"
                                  "# then ask the vendor of the board for a newer firmware (BIOS/UEFI)\n");
        findings_add(ret, SEVERITY_WARNING, "The kernel complained about the IOMMU or its firmware tables.");
        return;
    }
}

static const struct check kernel_log_problems_check = {
    .id = "kernel-log-problems",
    .scope = CHECK_HOST,
    .section = MANUAL_GENERAL,
    .sentence = "it is not guaranteed that everything will work out of the box, due to bad hardware "
                "implementation and missing or low quality drivers.",
    .text = "lines of the kernel log on firmware bugs and DMA faults",
    .run = check_log_problems,
};

const struct check *const checks_kernel[] = {&vfio_loaded_check,         &vfio_iommu_type1_loaded_check,
                                             &vfio_pci_loaded_check,     &vfio_virqfd_loaded_check,
                                             &modules_at_boot_check,     &initramfs_current_check,
                                             &vfio_ids_syntax_check,     &kernel_log_iommu_check,
                                             &kernel_log_problems_check, NULL};
