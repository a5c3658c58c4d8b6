/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: its IOMMU.
 *
 * Sources: Documentation/admin-guide/kernel-parameters.txt (intel_iommu, amd_iommu, iommu);
 * iommu_setup() in arch/x86/kernel/pci-dma.c, where iommu=off turns both vendors' off;
 * drivers/iommu/intel/Kconfig (INTEL_IOMMU_DEFAULT_ON; Debian adds INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF);
 * parse_amd_iommu_options() in drivers/iommu/amd/init.c, which knows no "on". */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

enum kind { KIND_UNKNOWN, KIND_INTEL, KIND_AMD, KIND_VIRTIO, KIND_ARM };

/* The firmware's tables decide and not the CPU, since QEMU gives guests on an AMD CPU an IOMMU of Intel's
 * kind. */
static enum kind kind_of(const struct facts *facts)
{
    const struct firmware_facts *firmware = &facts->firmware;

    if (firmware->dmar)
        return KIND_INTEL;
    if (firmware->ivrs)
        return KIND_AMD;
    if (firmware->viot)
        return KIND_VIRTIO;
    if (firmware->iort)
        return KIND_ARM;
    return facts->cpu.vendor == CPU_INTEL ? KIND_INTEL
           : facts->cpu.vendor == CPU_AMD ? KIND_AMD
                                          : KIND_UNKNOWN;
}

static void check_cpu(const struct subject *subject, struct findings *ret)
{
    const struct cpu_facts *cpu = &subject->facts->cpu;

    if (cpu->virtualizes == ANSWER_UNKNOWN)
        return;
    text_printf(&ret->evidence, "/" PROC_CPUINFO ": %s",
                cpu->model[0] != '\0' ? cpu->model : "no model name");
    if (cpu->virtualizes == ANSWER_YES) {
        findings_add(ret, SEVERITY_OK, "The CPU can run virtual machines.");
        return;
    }
    text_append(&ret->evidence, ", flags without vmx and svm");
    text_append(&ret->remedy.lines,
                cpu->hypervisor
                    ? "# on the machine that runs this one (VMID: this one's number there):\n"
                      "qm set VMID -cpu host\n"
                    : "# in the firmware setup (BIOS/UEFI): enable Intel Virtualization Technology "
                      "(VT-x) or SVM\n");
    findings_add(ret, SEVERITY_WARNING,
                 "The CPU cannot run virtual machines with KVM, or the firmware turned that off.");
}

static const struct check cpu_virtualization_check = {
    .id = "cpu-virtualization",
    .scope = CHECK_HOST,
    .section = MANUAL_GENERAL,
    .sentence = "Your hardware needs to support [it], this includes the CPU and the motherboard.",
    .text = "flags vmx and svm in /" PROC_CPUINFO ", or KVM that runs without them: /" SYS_CLASS_KVM,
    .run = check_cpu,
};

void remedy_viommu(const struct facts *facts, struct remedy *remedy)
{
    text_append(&remedy->lines, "# on the machine that runs this one (VMID: this one's number there):\n"
                                "qm set VMID -machine q35,viommu=intel\n# then here:\n");
    remedy_add_parameter(facts, remedy, "intel_iommu=on");
}

static void remedy_firmware(const struct facts *facts, struct remedy *remedy)
{
    if (facts->cpu.hypervisor) {
        remedy_viommu(facts, remedy);
        return;
    }
    text_append(&remedy->lines, "systemctl reboot --firmware-setup\n");
    text_append(&remedy->lines,
                facts->cpu.vendor == CPU_AMD ? "# there enable IOMMU (AMD-Vi; often below AMD CBS, NBIO)\n"
                : facts->cpu.vendor == CPU_INTEL
                    ? "# there enable VT-d (Intel Virtualization Technology for Directed I/O)\n"
                    : "# there enable the IOMMU (ARM: SMMU)\n");
}

/* The firmware's tables could be read and report no IOMMU, and the kernel has none. */
static bool firmware_lacks(const struct subject *subject)
{
    const struct firmware_facts *firmware = &subject->facts->firmware;

    return !subject->inventory->has_iommu && subject->facts->iommu.units == 0 && firmware->listed &&
           !firmware->dmar && !firmware->ivrs && !firmware->viot && !firmware->iort;
}

static void check_firmware(const struct subject *subject, struct findings *ret)
{
    const struct firmware_facts *firmware = &subject->facts->firmware;

    if (!firmware->listed) /* no ACPI: a device tree may describe the IOMMU */
        return;
    text_printf(&ret->evidence, "/" SYS_ACPI_TABLES ":%s%s%s%s", firmware->dmar ? " DMAR" : "",
                firmware->ivrs ? " IVRS" : "", firmware->viot ? " VIOT" : "", firmware->iort ? " IORT" : "");
    if (firmware->dmar || firmware->ivrs || firmware->viot || firmware->iort) {
        findings_add(ret, SEVERITY_OK, "The firmware reports an IOMMU.");
        return;
    }
    text_append(&ret->evidence, " no DMAR, IVRS, VIOT or IORT");
    if (!firmware_lacks(subject))
        return;
    remedy_firmware(subject->facts, &ret->remedy);
    if (subject->facts->cpu.hypervisor)
        findings_add(
            ret, SEVERITY_ERROR,
            "This host is a virtual machine without an IOMMU: the machine that runs it must give it one.");
    else
        findings_add(ret, SEVERITY_ERROR,
                     "The firmware reports no IOMMU: it is turned off in the firmware setup, or the hardware "
                     "has none.");
}

static const struct check iommu_firmware_check = {
    .id = "iommu-firmware",
    .scope = CHECK_HOST,
    .blocks = true,
    .section = MANUAL_HOST,
    .sentence = "First, you will have to enable IOMMU support in your BIOS/UEFI. Usually the corresponding "
                "setting is called IOMMU or VT-d.",
    .text = "tables DMAR, IVRS, VIOT and IORT in /" SYS_ACPI_TABLES,
    .run = check_firmware,
};

/* The parameter on the command line that turns this kind of IOMMU off, or NULL. */
static const char *find_off_switch(const struct facts *facts, enum kind kind)
{
    char value[64];

    if (kind == KIND_INTEL && facts_parameter_says(facts, "intel_iommu", "off", "on"))
        return "intel_iommu=off";
    if (kind == KIND_AMD && facts_parameter_says(facts, "amd_iommu", "off", NULL))
        return "amd_iommu=off";
    if ((kind == KIND_INTEL || kind == KIND_AMD) && facts_parameter_says(facts, "iommu", "off", NULL))
        return "iommu=off";
    if (facts_parameter(facts, "acpi", value, sizeof(value)) && strcmp(value, "off") == 0)
        return "acpi=off";
    return NULL;
}

/* The kernel turns Intel's IOMMU on by itself. */
static enum answer is_on_by_default(struct facts *facts)
{
    enum answer all = facts_kernel_option(facts, "CONFIG_INTEL_IOMMU_DEFAULT_ON"),
                most = facts_kernel_option(facts, "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF");

    return all == ANSWER_YES || most == ANSWER_YES ? ANSWER_YES : all;
}

/* Intel's IOMMU is off and nothing turned it off, nor on as far as is known. */
static void report_not_told(struct facts *facts, enum answer by_default, struct findings *ret)
{
    if (by_default == ANSWER_NO)
        text_printf(&ret->evidence, "; /%s: CONFIG_INTEL_IOMMU_DEFAULT_ON is not set", facts->config.file);
    else
        text_append(&ret->evidence, "; the kernel's configuration: cannot be read");
    remedy_add_parameter(facts, &ret->remedy, "intel_iommu=on");
    if (!facts->cmdline_known)
        findings_add(ret, SEVERITY_ERROR,
                     "The IOMMU is off; whether the kernel's command line turns it on cannot be known.");
    else if (by_default == ANSWER_NO)
        findings_add(
            ret, SEVERITY_ERROR,
            "The IOMMU is off: this kernel turns Intel's IOMMU on only if its command line says so.");
    else
        findings_add(ret, SEVERITY_ERROR,
                     "The IOMMU is off, and the kernel's command line does not turn it on; whether this "
                     "kernel turns Intel's on by itself cannot be known.");
}

struct name {
    char text[32];
};

/* "intel_iommu" of "intel_iommu=off" */
static struct name parameter_name(const char *parameter)
{
    struct name name;

    snprintf(name.text, sizeof(name.text), "%.*s", (int)strcspn(parameter, "="), parameter);
    return name;
}

static void find_iommu_missing(const struct subject *subject, struct findings *ret)
{
    static const char *const options[] = {[KIND_UNKNOWN] = "CONFIG_IOMMU_SUPPORT",
                                          [KIND_INTEL] = "CONFIG_INTEL_IOMMU",
                                          [KIND_AMD] = "CONFIG_AMD_IOMMU",
                                          [KIND_VIRTIO] = "CONFIG_VIRTIO_IOMMU",
                                          [KIND_ARM] = "CONFIG_ARM_SMMU_V3"};
    struct facts *facts = subject->facts;
    enum kind kind = kind_of(facts);
    const char *parameter = find_off_switch(facts, kind);

    enum answer by_default = is_on_by_default(facts);

    evidence_cmdline(facts, &ret->evidence,
                     parameter != NULL ? parameter_name(parameter).text : "intel_iommu");
    if (parameter != NULL) {
        text_printf(&ret->evidence, "; /" SYS_CLASS_IOMMU ": %s", facts->iommu.listed ? "empty" : "absent");
        remedy_replace_parameter(facts, &ret->remedy, parameter,
                                 strcmp(parameter, "intel_iommu=off") == 0 ? "intel_iommu=on" : "",
                                 EFFECT_NEEDED);
        findings_add(ret, SEVERITY_ERROR, "The IOMMU is off because of a kernel parameter: %s.", parameter);
    } else if (facts_kernel_option(facts, options[kind]) == ANSWER_NO) {
        text_printf(&ret->evidence, "; /%s: %s is not set", facts->config.file, options[kind]);
        text_append(&ret->remedy.lines, REMEDY_KERNEL REMEDY_REBOOT);
        findings_add(ret, SEVERITY_ERROR, "The IOMMU is off: this kernel was built without a driver for it.");
    } else if (kind == KIND_INTEL && by_default != ANSWER_YES &&
               !facts_parameter_says(facts, "intel_iommu", "on", "off")) {
        report_not_told(facts, by_default, ret);
    } else if (kind == KIND_VIRTIO && facts_module(facts, "virtio_iommu") == MODULE_AVAILABLE) {
        text_printf(&ret->evidence, "; /%s: absent", path_of_module("virtio_iommu", NULL).text);
        remedy_load_early(facts, &ret->remedy, "virtio_iommu");
        findings_add(ret, SEVERITY_ERROR,
                     "The IOMMU is off: its driver virtio_iommu must be loaded before the devices get "
                     "theirs.");
    } else {
        static const char *const words[] = {[KIND_UNKNOWN] = "iommu",
                                            [KIND_INTEL] = "DMAR",
                                            [KIND_AMD] = "AMD-Vi",
                                            [KIND_VIRTIO] = "virtio_iommu",
                                            [KIND_ARM] = "smmu"};
        evidence_log(facts, &ret->evidence, words[kind], NULL);
        if (!facts->firmware.listed)
            remedy_firmware(facts, &ret->remedy);
        remedy_see_log(facts, &ret->remedy);
        findings_add(ret, SEVERITY_ERROR,
                     "The IOMMU is off although nothing turned it off; the kernel log may say why.");
    }
}

static void check_iommu(const struct subject *subject, struct findings *ret)
{
    const struct iommu_facts *iommu = &subject->facts->iommu;

    if (firmware_lacks(subject))
        return; /* iommu-firmware has reported that */
    if (!subject->inventory->has_iommu) {
        find_iommu_missing(subject, ret);
        return;
    }
    if (iommu->units > 0)
        text_printf(&ret->evidence, "/" SYS_CLASS_IOMMU ": %zu, %s", iommu->units, iommu->first);
    else
        text_append(&ret->evidence, "/" SYS_IOMMU_GROUPS ": not empty");
    findings_add(ret, SEVERITY_OK, "The IOMMU is on (%s).",
                 iommu->driver[0] != '\0' ? iommu->driver : "kind unknown");
}

static const struct check iommu_enabled_check = {
    .id = "iommu-enabled",
    .scope = CHECK_HOST,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_FINISH,
    .sentence = "Finally reboot to bring the changes into effect and check that it is indeed enabled.",
    .text = "groups and units in /sys; if there are none, what turned it off: intel_iommu=off, "
            "amd_iommu=off, iommu=off, or the kernel's default",
    .run = check_iommu,
};

/* Parameters that are often given and do nothing. Sources: iommu_setup() in arch/x86/kernel/pci-dma.c,
 * intel_iommu_setup(), parse_amd_iommu_options(). */
static const struct vain {
    const char *name, *value;
    unsigned kinds; /* of IOMMU, a bit each: it does nothing there */
    const char *why;
} vain_parameters[] = {
    {"amd_iommu", "on", ~0U, "the kernel does not know this value, and AMD's IOMMU is on by default"},
    {"amd_iommu", "pt", ~0U, "the kernel does not know this value; iommu=pt is meant"},
    {"amd_iommu", "off", ~(1U << KIND_AMD), "this host's IOMMU is not AMD's"},
    {"intel_iommu", "on", ~(1U << KIND_INTEL), "this host's IOMMU is not Intel's"},
    {"intel_iommu", "off", ~(1U << KIND_INTEL), "this host's IOMMU is not Intel's"},
    {"intel_iommu", "igfx_off", ~(1U << KIND_INTEL), "this host's IOMMU is not Intel's"},
    {"intel_iommu", "pt", ~0U, "the kernel does not know this value; iommu=pt is meant"},
    {"iommu", "on", ~0U,
     "the kernel does not know this value; intel_iommu=on turns Intel's on, and others are "
     "on by default"},
    {"pt", "on", ~0U, "there is no such parameter; iommu=pt is meant"},
    {"iommu_pt", "on", ~0U, "there is no such parameter; iommu=pt is meant"},
};

/* Each of them that is on the command line. Only a parameter that is that value alone can be taken off. */
static void report_vain(const struct facts *facts, enum kind kind, struct findings *ret)
{
    char value[64];

    for (size_t i = 0; i < COUNT_OF(vain_parameters); i++) {
        const struct vain *vain = &vain_parameters[i];
        if ((vain->kinds & 1U << kind) == 0 || !facts_parameter_says(facts, vain->name, vain->value, NULL))
            continue;
        autofree char *parameter = xasprintf("%s=%s", vain->name, vain->value);
        evidence_cmdline(facts, &ret->evidence, vain->name);
        facts_parameter(facts, vain->name, value, sizeof(value));
        if (strcmp(value, vain->value) == 0)
            remedy_replace_parameter(facts, &ret->remedy, parameter, "", EFFECT_LATER);
        findings_add(ret, SEVERITY_INFO, "%s has no effect: %s.", parameter, vain->why);
    }
}

static void check_iommu_parameter(const struct subject *subject, struct findings *ret)
{
    struct facts *facts = subject->facts;
    enum kind kind = kind_of(facts);
    const char *integrated = "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF";

    if (!subject->inventory->has_iommu)
        return;
    report_vain(facts, kind, ret);
    evidence_cmdline(facts, &ret->evidence, "intel_iommu");
    if (kind != KIND_INTEL) {
        findings_add(ret, SEVERITY_OK, "This host's IOMMU needs no kernel parameter.");
    } else if (!facts->cmdline_known) {
        findings_add(ret, SEVERITY_OK, "The IOMMU is on, whether by the kernel's command line or by itself.");
    } else if (facts_parameter_says(facts, "intel_iommu", "on", "off")) {
        findings_add(ret, SEVERITY_OK, "The kernel's command line turns the IOMMU on.");
    } else if (facts_kernel_option(facts, integrated) == ANSWER_YES) {
        text_printf(&ret->evidence, "; /%s: %s=y", facts->config.file, integrated);
        remedy_add_parameter(facts, &ret->remedy, "intel_iommu=on");
        findings_add(ret, SEVERITY_INFO,
                     "This kernel turns the IOMMU on by itself, but not for integrated graphics; "
                     "intel_iommu=on includes them.");
    } else {
        findings_add(ret, SEVERITY_OK, "This kernel turns the IOMMU on by itself.");
    }
}

static const struct check iommu_parameter_check = {
    .id = "iommu-parameter",
    .scope = CHECK_HOST,
    .fixable = true,
    .section = MANUAL_HOST,
    .sentence = "For Intel CPUs, you also need to enable the IOMMU on the kernel command line "
                "(intel_iommu=on). For AMD CPUs it should be enabled automatically.",
    .text = "parameters that do nothing; a kernel that leaves integrated graphics out",
    .run = check_iommu_parameter,
};

static void check_passthrough_mode(const struct subject *subject, struct findings *ret)
{
    struct facts *facts = subject->facts;
    const char *domain = facts_default_domain(facts, subject->groups);
    bool told = facts_parameter_says(facts, "iommu", "pt", "nopt") ||
                facts_parameter_says(facts, "iommu.passthrough", "1", "0");

    if (!subject->inventory->has_iommu)
        return;
    evidence_cmdline(facts, &ret->evidence, "iommu");
    if (domain[0] != '\0')
        text_printf(&ret->evidence, "; /" SYS_IOMMU_GROUPS "/*/type: %s", domain);
    if (strcmp(domain, "identity") == 0 || (domain[0] == '\0' && told))
        findings_add(ret, SEVERITY_OK, "The host's own DMA bypasses translation (passthrough mode).");
    else if (facts->iommu.can_pass == ANSWER_NO)
        findings_add(ret, SEVERITY_INFO,
                     "The IOMMU has no passthrough mode: the host's own DMA is translated.");
    else if (told) {
        findings_add(ret, SEVERITY_INFO, "Passthrough mode is on, but not for all devices.");
    } else {
        remedy_prefer_parameter(facts, &ret->remedy, "iommu=pt");
        findings_add(
            ret, SEVERITY_INFO,
            "The host's own DMA is translated; passthrough mode might make the host's devices faster.");
    }
}

static const struct check passthrough_mode_check = {
    .id = "passthrough-mode",
    .scope = CHECK_HOST,
    .fixable = true,
    .section = MANUAL_PASSTHROUGH_MODE,
    .sentence = "If your hardware supports IOMMU passthrough mode, enabling this mode might increase "
                "performance (iommu=pt).",
    .text = "the groups' type, iommu=pt, the units' capability",
    .run = check_passthrough_mode,
};

const struct check *const checks_iommu[] = {&cpu_virtualization_check, &iommu_firmware_check,
                                            &iommu_enabled_check,      &iommu_parameter_check,
                                            &passthrough_mode_check,   NULL};
