/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: whether its IOMMU remaps interrupts, and what is allowed where it does not.
 *
 * Sources: Documentation/admin-guide/kernel-parameters.txt (intremap); vfio_iommu_type1_attach_group() in
 * drivers/vfio/vfio_iommu_type1.c of the Linux kernel (allow_unsafe_interrupts). */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

/* Adds why interrupts are not remapped, and what to do. */
static void explain_no_remapping(const struct facts *facts, struct findings *ret)
{
    const struct iommu_facts *iommu = &facts->iommu;
    char value[64];

    if (facts_parameter_says(facts, "intremap", "off", "on")) {
        evidence_cmdline(facts, &ret->evidence, "intremap");
        remedy_replace_parameter(facts, &ret->remedy, "intremap=off", "", EFFECT_NEEDED);
    } else if (facts_parameter(facts, "nointremap", value, sizeof(value))) {
        evidence_cmdline(facts, &ret->evidence, "nointremap");
        remedy_replace_parameter(facts, &ret->remedy, "nointremap", "", EFFECT_NEEDED);
    } else if (iommu->weak_unit[0] != '\0') {
        text_printf(&ret->evidence, "/%s: %s, bit 3 is clear",
                    path_below(SYS_CLASS_IOMMU, iommu->weak_unit, "intel-iommu/ecap").text,
                    iommu->weak_value);
    } else if (facts->firmware.dmar_flags >= 0 && (facts->firmware.dmar_flags & 1) == 0) {
        text_printf(&ret->evidence, "/" SYS_ACPI_TABLES "/DMAR: flags 0x%02x, bit 0 is clear",
                    (unsigned)facts->firmware.dmar_flags);
        text_append(&ret->remedy.lines,
                    "# in the firmware setup (BIOS/UEFI): enable interrupt remapping, or x2APIC\n");
    } else if (iommu->chip[0] != '\0') {
        text_printf(&ret->evidence, "/" PROC_INTERRUPTS ": %s, none that begins with IR-", iommu->chip);
    } else {
        text_printf(&ret->evidence, "/" SYS_CLASS_IOMMU ": %s", iommu->first);
    }
    if (ret->remedy.lines.length == 0 && facts->cpu.hypervisor)
        remedy_viommu(facts, &ret->remedy);
}

static void remedy_unsafe(const struct facts *facts, struct remedy *remedy)
{
    text_append(&remedy->lines,
                "# only as a last resort, and if you trust the guests (it can make the host unstable):\n");
    remedy_set_option(facts, remedy, "vfio_iommu_type1", "allow_unsafe_interrupts", "1",
                      "vfio-unsafe-interrupts");
    remedy_refresh(remedy);
}

static bool allows_unsafe(const struct facts *facts)
{
    char value[16];

    return facts_module_parameter(facts, "vfio_iommu_type1", "allow_unsafe_interrupts", value,
                                  sizeof(value)) &&
           (value[0] == 'Y' || value[0] == '1');
}

/* The option in modprobe.d, which takes effect when the module is loaded the next time. */
static const struct setting *find_unsafe_setting(const struct facts *facts)
{
    const struct setting *setting = NULL;
    char value[16];

    if (!host_settings_option(&facts->settings, "vfio_iommu_type1", "allow_unsafe_interrupts", value,
                              sizeof(value), &setting))
        return NULL;
    return strchr("1yY", value[0]) != NULL ? setting : NULL;
}

static void check_interrupt_remapping(const struct subject *subject, struct findings *ret)
{
    const struct facts *facts = subject->facts;
    const struct iommu_facts *iommu = &facts->iommu;
    char value[16];
    bool told_off = facts_parameter_says(facts, "intremap", "off", "on") ||
                    facts_parameter(facts, "nointremap", value, sizeof(value));

    if (!subject->inventory->has_iommu)
        return;
    if (iommu->remaps == ANSWER_YES) {
        text_printf(&ret->evidence, "/" PROC_INTERRUPTS ": %s", iommu->chip);
        findings_add(ret, SEVERITY_OK, "The IOMMU remaps interrupts.");
        return;
    }
    if (iommu->remaps == ANSWER_UNKNOWN && iommu->can_remap != ANSWER_NO && !told_off) {
        text_append(&ret->evidence,
                    "/" PROC_INTERRUPTS ": cannot be read, or has no interrupt chip that tells");
        findings_add(ret, SEVERITY_INFO,
                     iommu->can_remap == ANSWER_YES
                         ? "The IOMMU can remap interrupts and nothing turns that off."
                         : "Whether the IOMMU remaps interrupts is unknown.");
        return;
    }
    explain_no_remapping(facts, ret);
    if (allows_unsafe(facts)) {
        findings_add(
            ret, SEVERITY_WARNING,
            "Interrupts are not remapped: a guest can disturb the host; unsafe interrupts are allowed.");
        return;
    }
    remedy_unsafe(facts, &ret->remedy);
    findings_add(
        ret, SEVERITY_ERROR,
        "Interrupts are not remapped, so VFIO refuses all devices unless unsafe interrupts are allowed.");
}

static const struct check interrupt_remapping_check = {
    .id = "interrupt-remapping",
    .scope = CHECK_HOST,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_GENERAL,
    .sentence = "Your hardware needs to support IOMMU (I/O Memory Management Unit) interrupt remapping.",
    .text = "chips IR-... in /" PROC_INTERRUPTS
            ", the units' extended capability register, the DMAR table, intremap=off",
    .run = check_interrupt_remapping,
};

static void check_unsafe_interrupts(const struct subject *subject, struct findings *ret)
{
    const struct facts *facts = subject->facts;
    const struct setting *setting = find_unsafe_setting(facts);

    if (!allows_unsafe(facts) && setting == NULL)
        return;
    if (allows_unsafe(facts))
        text_printf(&ret->evidence, "/%s: Y",
                    path_of_module("vfio_iommu_type1", "parameters/allow_unsafe_interrupts").text);
    if (setting != NULL)
        evidence_setting(setting, &ret->evidence);
    if (facts->iommu.remaps == ANSWER_YES) {
        if (setting != NULL)
            remedy_remove_option(setting, &ret->remedy, "allow_unsafe_interrupts");
        if (setting != NULL)
            remedy_refresh(&ret->remedy);
        findings_add(
            ret, SEVERITY_WARNING,
            "Unsafe interrupts are allowed although the IOMMU remaps interrupts: not needed, and a risk.");
        return;
    }
    if (allows_unsafe(facts)) {
        findings_add(ret, SEVERITY_INFO, "Unsafe interrupts are allowed: guests can make the host unstable.");
        return;
    }
    remedy_refresh(&ret->remedy);
    findings_add(ret, SEVERITY_INFO, "Unsafe interrupts are configured, but not yet in effect.");
}

static const struct check unsafe_interrupts_check = {
    .id = "unsafe-interrupts",
    .scope = CHECK_HOST,
    .fixable = true,
    .section = MANUAL_UNSAFE_INTERRUPTS,
    .sentence = "For some platforms, it may be necessary to allow unsafe interrupts. Please be aware that "
                "this option can make your system unstable.",
    .text = "vfio_iommu_type1's allow_unsafe_interrupts, in effect and in modprobe.d",
    .run = check_unsafe_interrupts,
};

const struct check *const checks_interrupts[] = {&interrupt_remapping_check, &unsafe_interrupts_check, NULL};
