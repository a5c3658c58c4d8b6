/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: its IOMMU.
 *
 * Sources: Documentation/admin-guide/kernel-parameters.txt (intel_iommu, amd_iommu, iommu, intremap);
 * iommu_setup() in arch/x86/kernel/pci-dma.c, where iommu=off turns both vendors' off;
 * drivers/iommu/intel/Kconfig (INTEL_IOMMU_DEFAULT_ON; Debian adds INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF);
 * parse_amd_iommu_options() in drivers/iommu/amd/init.c, which knows no "on"; vfio_iommu_type1_attach_group()
 * in drivers/vfio/vfio_iommu_type1.c (allow_unsafe_interrupts). */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

enum kind { KIND_UNKNOWN, KIND_INTEL, KIND_AMD, KIND_VIRTIO, KIND_ARM };

/* The firmware's tables say it, not the CPU: QEMU gives guests on an AMD CPU an IOMMU of Intel's kind. */
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

bool check_cpu(const struct subject *subject, struct finding *ret)
{
    const struct cpu_facts *cpu = &subject->facts->cpu;

    if (cpu->virtualizes == ANSWER_UNKNOWN)
        return false;
    text_printf(&ret->evidence, "/" PROC_CPUINFO ": %s",
                cpu->model[0] != '\0' ? cpu->model : "no model name");
    if (cpu->virtualizes == ANSWER_YES)
        return find(ret, SEVERITY_OK, "The CPU can run virtual machines.");
    text_append(&ret->evidence, ", flags without vmx and svm");
    text_append(&ret->remedy,
                cpu->hypervisor
                    ? "# on the machine that runs this one (VMID: this one's number there):\n"
                      "qm set VMID -cpu host\n"
                    : "# in the firmware setup (BIOS/UEFI): enable Intel Virtualization Technology "
                      "(VT-x) or SVM\n");
    return find(ret, SEVERITY_WARNING,
                "The CPU cannot run virtual machines with KVM, or the firmware turned that off.");
}

static void remedy_guest(const struct facts *facts, struct text *remedy)
{
    text_append(remedy, "# on the machine that runs this one (VMID: this one's number there):\n"
                        "qm set VMID -machine q35,viommu=intel\n# then here:\n");
    remedy_add_parameter(facts, remedy, "intel_iommu=on");
}

static void remedy_firmware(const struct facts *facts, struct text *remedy)
{
    if (facts->cpu.hypervisor) {
        remedy_guest(facts, remedy);
        return;
    }
    text_append(remedy, "systemctl reboot --firmware-setup\n");
    text_append(remedy, facts->cpu.vendor == CPU_AMD
                            ? "# there enable IOMMU (AMD-Vi; often below AMD CBS, NBIO)\n"
                            : "# there enable VT-d (Intel Virtualization Technology for Directed I/O)\n");
}

/* True if the firmware is known to tell of no IOMMU, and there is none. */
static bool firmware_lacks(const struct subject *subject)
{
    const struct firmware_facts *firmware = &subject->facts->firmware;

    return !subject->inventory->has_iommu && subject->facts->iommu.units == 0 && firmware->listed &&
           !firmware->dmar && !firmware->ivrs && !firmware->viot && !firmware->iort;
}

bool check_firmware(const struct subject *subject, struct finding *ret)
{
    const struct firmware_facts *firmware = &subject->facts->firmware;

    if (!firmware->listed) /* no ACPI: the devicetree tells, or nobody */
        return false;
    text_printf(&ret->evidence, "/" SYS_ACPI_TABLES ":%s%s%s%s", firmware->dmar ? " DMAR" : "",
                firmware->ivrs ? " IVRS" : "", firmware->viot ? " VIOT" : "", firmware->iort ? " IORT" : "");
    if (firmware->dmar || firmware->ivrs || firmware->viot || firmware->iort)
        return find(ret, SEVERITY_OK, "The firmware tells the kernel of an IOMMU.");
    text_append(&ret->evidence, " no DMAR, IVRS, VIOT or IORT");
    if (!firmware_lacks(subject))
        return false;
    remedy_firmware(subject->facts, &ret->remedy);
    if (subject->facts->cpu.hypervisor)
        return find(
            ret, SEVERITY_ERROR,
            "This host is a virtual machine without an IOMMU: the machine that runs it must give it one.");
    return find(
        ret, SEVERITY_ERROR,
        "The firmware tells of no IOMMU: it is turned off in the firmware setup, or the hardware has none.");
}

/* The parameter that turns this kind off; NULL: none is there. */
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

static bool find_iommu_off(const struct subject *subject, const char *parameter, struct finding *ret)
{
    text_printf(&ret->evidence, "; /" SYS_CLASS_IOMMU ": %s",
                subject->facts->iommu.listed ? "empty" : "absent");
    remedy_replace_parameter(subject->facts, &ret->remedy, parameter,
                             strcmp(parameter, "intel_iommu=off") == 0 ? "intel_iommu=on" : "");
    return find(ret, SEVERITY_ERROR, "The IOMMU is off because the kernel was told so: %s.", parameter);
}

/* Neither turned off nor on by the admin. */
static bool find_intel_default(const struct subject *subject, struct finding *ret)
{
    struct facts *facts = subject->facts;

    if (facts_parameter_says(facts, "intel_iommu", "on", "off") ||
        facts_kernel_option(facts, "CONFIG_INTEL_IOMMU_DEFAULT_ON") == ANSWER_YES ||
        facts_kernel_option(facts, "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF") == ANSWER_YES)
        return false;
    if (facts_kernel_option(facts, "CONFIG_INTEL_IOMMU_DEFAULT_ON") == ANSWER_NO)
        text_printf(&ret->evidence, "; /%s: CONFIG_INTEL_IOMMU_DEFAULT_ON is not set", facts->config.file);
    remedy_add_parameter(facts, &ret->remedy, "intel_iommu=on");
    return find(ret, SEVERITY_ERROR,
                "The IOMMU is off: this kernel turns Intel's on only when told so on its command line.");
}

static bool find_without_driver(const struct subject *subject, const char *option, struct finding *ret)
{
    struct facts *facts = subject->facts;

    if (facts_kernel_option(facts, option) != ANSWER_NO)
        return false;
    text_printf(&ret->evidence, "; /%s: %s is not set", facts->config.file, option);
    text_append(&ret->remedy, "apt install linux-image-amd64\n" REMEDY_REBOOT);
    return find(ret, SEVERITY_ERROR, "The IOMMU is off: this kernel was built without a driver for it.");
}

static bool find_virtio_unloaded(const struct subject *subject, struct finding *ret)
{
    if (facts_module(subject->facts, "virtio_iommu") != MODULE_AVAILABLE)
        return false;
    text_printf(&ret->evidence, "; /%s: absent", path_of_module("virtio_iommu", NULL).text);
    text_append(&ret->remedy,
                "echo virtio_iommu >> /etc/initramfs-tools/modules\n" REMEDY_INITRAMFS REMEDY_REBOOT);
    return find(ret, SEVERITY_ERROR,
                "The IOMMU is off: its driver virtio_iommu must be loaded before the devices get theirs.");
}

static bool find_iommu_missing(const struct subject *subject, struct finding *ret)
{
    static const char *const options[] = {[KIND_UNKNOWN] = "CONFIG_IOMMU_SUPPORT",
                                          [KIND_INTEL] = "CONFIG_INTEL_IOMMU",
                                          [KIND_AMD] = "CONFIG_AMD_IOMMU",
                                          [KIND_VIRTIO] = "CONFIG_VIRTIO_IOMMU",
                                          [KIND_ARM] = "CONFIG_ARM_SMMU_V3"};
    struct facts *facts = subject->facts;
    enum kind kind = kind_of(facts);
    const char *parameter = find_off_switch(facts, kind);

    evidence_cmdline(facts, &ret->evidence);
    if (parameter != NULL)
        return find_iommu_off(subject, parameter, ret);
    if (find_without_driver(subject, options[kind], ret) ||
        (kind == KIND_INTEL && find_intel_default(subject, ret)) ||
        (kind == KIND_VIRTIO && find_virtio_unloaded(subject, ret)))
        return true;
    evidence_log(facts, &ret->evidence, kind == KIND_AMD ? "AMD-Vi" : "DMAR", NULL);
    if (!facts->firmware.listed)
        remedy_firmware(facts, &ret->remedy);
    text_append(&ret->remedy, "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi\n");
    return find(ret, SEVERITY_ERROR,
                "The IOMMU is off although nothing turned it off; the kernel log may say why.");
}

bool check_iommu(const struct subject *subject, struct finding *ret)
{
    const struct iommu_facts *iommu = &subject->facts->iommu;

    if (firmware_lacks(subject))
        return false; /* check_firmware has said it */
    if (!subject->inventory->has_iommu)
        return find_iommu_missing(subject, ret);
    if (iommu->units > 0)
        text_printf(&ret->evidence, "/" SYS_CLASS_IOMMU ": %zu, %s", iommu->units, iommu->first);
    else
        text_append(&ret->evidence, "/" SYS_IOMMU_GROUPS ": not empty");
    return find(ret, SEVERITY_OK, "The IOMMU is on (%s).",
                iommu->driver[0] != '\0' ? iommu->driver : "kind unknown");
}

static bool find_vain_parameter(const struct facts *facts, enum kind kind, struct finding *ret)
{
    bool intel = facts_parameter_says(facts, "intel_iommu", "on", NULL);
    bool amd = facts_parameter_says(facts, "amd_iommu", "on", NULL);

    if (amd && kind == KIND_INTEL)
        remedy_replace_parameter(facts, &ret->remedy, "amd_iommu=on", "");
    if (amd)
        return find(
            ret, SEVERITY_INFO,
            "amd_iommu=on has no effect: the kernel knows no such value, AMD's IOMMU is on by itself.");
    return intel && kind != KIND_INTEL &&
           find(ret, SEVERITY_INFO, "intel_iommu=on has no effect: this host's IOMMU is not Intel's.");
}

bool check_iommu_parameter(const struct subject *subject, struct finding *ret)
{
    struct facts *facts = subject->facts;
    enum kind kind = kind_of(facts);
    const char *integrated = "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF";

    if (!subject->inventory->has_iommu)
        return false;
    evidence_cmdline(facts, &ret->evidence);
    if (find_vain_parameter(facts, kind, ret))
        return true;
    if (kind != KIND_INTEL)
        return find(ret, SEVERITY_OK, "This host's IOMMU needs no kernel parameter.");
    if (facts_parameter_says(facts, "intel_iommu", "on", "off"))
        return find(ret, SEVERITY_OK, "The kernel was told to use the IOMMU.");
    if (facts_kernel_option(facts, integrated) == ANSWER_YES) {
        text_printf(&ret->evidence, "; /%s: %s=y", facts->config.file, integrated);
        remedy_add_parameter(facts, &ret->remedy, "intel_iommu=on");
        return find(
            ret, SEVERITY_INFO,
            "This kernel turns the IOMMU on by itself, but not for integrated graphics; to pass those too, "
            "tell it.");
    }
    return find(ret, SEVERITY_OK, "This kernel turns the IOMMU on by itself.");
}

/* Why interrupts are not remapped, and what to do. */
static void explain_no_remapping(const struct facts *facts, struct finding *ret)
{
    const struct iommu_facts *iommu = &facts->iommu;
    char value[64];

    if (facts_parameter_says(facts, "intremap", "off", "on")) {
        evidence_cmdline(facts, &ret->evidence);
        remedy_replace_parameter(facts, &ret->remedy, "intremap=off", "");
    } else if (facts_parameter(facts, "nointremap", value, sizeof(value))) {
        evidence_cmdline(facts, &ret->evidence);
        remedy_replace_parameter(facts, &ret->remedy, "nointremap", "");
    } else if (iommu->weak_unit[0] != '\0') {
        text_printf(&ret->evidence, "/%s: %s, bit 3 is clear",
                    path_below(SYS_CLASS_IOMMU, iommu->weak_unit, "intel-iommu/ecap").text,
                    iommu->weak_value);
    } else if (facts->firmware.dmar_flags >= 0 && (facts->firmware.dmar_flags & 1) == 0) {
        text_printf(&ret->evidence, "/" SYS_ACPI_TABLES "/DMAR: flags 0x%02x, bit 0 is clear",
                    (unsigned)facts->firmware.dmar_flags);
        text_append(&ret->remedy,
                    "# in the firmware setup (BIOS/UEFI): enable interrupt remapping, or x2APIC\n");
    } else if (iommu->chip[0] != '\0') {
        text_printf(&ret->evidence, "/" PROC_INTERRUPTS ": %s, none that begins with IR-", iommu->chip);
    } else {
        text_printf(&ret->evidence, "/" SYS_CLASS_IOMMU ": %s", iommu->first);
    }
    if (ret->remedy.length == 0 && facts->cpu.hypervisor)
        remedy_guest(facts, &ret->remedy);
}

#define UNSAFE_FILE "/etc/modprobe.d/vfio-unsafe-interrupts.conf"

#define REMEDY_UNSAFE                                                                                        \
    "# only as a last resort, and if you trust the guests (it can make the host unstable):\n"                \
    "echo \"options vfio_iommu_type1 allow_unsafe_interrupts=1\" > " UNSAFE_FILE                             \
    "\n" REMEDY_INITRAMFS REMEDY_REBOOT

static bool allows_unsafe(const struct facts *facts)
{
    char value[16];

    return facts_module_parameter(facts, "vfio_iommu_type1", "allow_unsafe_interrupts", value,
                                  sizeof(value)) &&
           (value[0] == 'Y' || value[0] == '1');
}

/* The module takes the option when it is loaded, which may be yet to come. */
static const struct setting *find_unsafe_setting(const struct facts *facts)
{
    const struct setting *setting = NULL;
    char value[16];

    if (!host_settings_option(&facts->settings, "vfio_iommu_type1", "allow_unsafe_interrupts", value,
                              sizeof(value), &setting))
        return NULL;
    return strchr("1yY", value[0]) != NULL ? setting : NULL;
}

bool check_interrupt_remapping(const struct subject *subject, struct finding *ret)
{
    const struct facts *facts = subject->facts;
    const struct iommu_facts *iommu = &facts->iommu;
    char value[16];
    bool told_off = facts_parameter_says(facts, "intremap", "off", "on") ||
                    facts_parameter(facts, "nointremap", value, sizeof(value));

    if (!subject->inventory->has_iommu)
        return false;
    if (iommu->remaps == ANSWER_YES) {
        text_printf(&ret->evidence, "/" PROC_INTERRUPTS ": %s", iommu->chip);
        return find(ret, SEVERITY_OK, "The IOMMU remaps interrupts.");
    }
    if (iommu->remaps == ANSWER_UNKNOWN && iommu->can_remap != ANSWER_NO && !told_off) {
        text_append(&ret->evidence,
                    "/" PROC_INTERRUPTS ": cannot be read, or has no interrupt chip that tells");
        return find(ret, SEVERITY_INFO,
                    iommu->can_remap == ANSWER_YES
                        ? "The IOMMU can remap interrupts and nothing turns that off."
                        : "Whether the IOMMU remaps interrupts cannot be told.");
    }
    explain_no_remapping(facts, ret);
    if (allows_unsafe(facts))
        return find(
            ret, SEVERITY_WARNING,
            "Interrupts are not remapped: a guest can disturb the host; unsafe interrupts are allowed.");
    text_append(&ret->remedy, REMEDY_UNSAFE);
    return find(ret, SEVERITY_ERROR,
                "Interrupts are not remapped, so that VFIO refuses all devices unless unsafe interrupts are "
                "allowed.");
}

bool check_unsafe_interrupts(const struct subject *subject, struct finding *ret)
{
    const struct facts *facts = subject->facts;
    const struct setting *setting = find_unsafe_setting(facts);

    if (!allows_unsafe(facts) && setting == NULL)
        return false;
    if (allows_unsafe(facts))
        text_printf(&ret->evidence, "/%s: Y",
                    path_of_module("vfio_iommu_type1", "parameters/allow_unsafe_interrupts").text);
    if (setting != NULL)
        evidence_setting(setting, &ret->evidence);
    if (facts->iommu.remaps == ANSWER_YES) {
        if (setting != NULL)
            text_printf(&ret->remedy,
                        "sed -i '/allow_unsafe_interrupts/d' /%s\n" REMEDY_INITRAMFS REMEDY_REBOOT,
                        setting->file);
        return find(
            ret, SEVERITY_WARNING,
            "Unsafe interrupts are allowed although the IOMMU remaps interrupts: not needed, and a risk.");
    }
    if (allows_unsafe(facts))
        return find(ret, SEVERITY_INFO, "Unsafe interrupts are allowed: guests can make the host unstable.");
    text_append(&ret->remedy, REMEDY_INITRAMFS REMEDY_REBOOT);
    return find(ret, SEVERITY_INFO, "Unsafe interrupts are configured, but not yet in effect.");
}

bool check_passthrough_mode(const struct subject *subject, struct finding *ret)
{
    struct facts *facts = subject->facts;
    const char *domain = facts_default_domain(facts, subject->groups);
    bool told = facts_parameter_says(facts, "iommu", "pt", "nopt") ||
                facts_parameter_says(facts, "iommu.passthrough", "1", "0");

    if (!subject->inventory->has_iommu)
        return false;
    evidence_cmdline(facts, &ret->evidence);
    if (domain[0] != '\0')
        text_printf(&ret->evidence, "; /" SYS_IOMMU_GROUPS "/*/type: %s", domain);
    if (strcmp(domain, "identity") == 0 || (domain[0] == '\0' && told))
        return find(ret, SEVERITY_OK, "The host's own DMA bypasses translation (passthrough mode).");
    if (facts->iommu.can_pass == ANSWER_NO)
        return find(ret, SEVERITY_INFO,
                    "The IOMMU has no passthrough mode: the host's own DMA is translated.");
    if (told)
        return find(ret, SEVERITY_INFO, "Passthrough mode is on, but not for all devices.");
    remedy_add_parameter(facts, &ret->remedy, "iommu=pt");
    return find(ret, SEVERITY_INFO,
                "The host's own DMA is translated; passthrough mode might make the host's devices faster.");
}

bool check_acs_override(const struct subject *subject, struct finding *ret)
{
    char value[128], parameter[160];

    if (!facts_parameter(subject->facts, "pcie_acs_override", value, sizeof(value)))
        return false;
    evidence_cmdline(subject->facts, &ret->evidence);
    snprintf(parameter, sizeof(parameter), "pcie_acs_override=%s", value);
    remedy_replace_parameter(subject->facts, &ret->remedy, parameter, "");
    return find(
        ret, SEVERITY_WARNING,
        "The kernel was told to believe in an isolation of devices that the hardware does not promise: "
        "devices in different groups may reach each other, and so may guests.");
}

bool check_no_iommu_mode(const struct subject *subject, struct finding *ret)
{
    char value[16];

    if (!facts_module_parameter(subject->facts, "vfio", "enable_unsafe_noiommu_mode", value, sizeof(value)) ||
        (value[0] != 'Y' && value[0] != '1'))
        return false;
    struct host_path file = path_of_module("vfio", "parameters/enable_unsafe_noiommu_mode");
    text_printf(&ret->evidence, "/%s: Y", file.text);
    text_printf(&ret->remedy, "echo N > /%s\n", file.text);
    return find(
        ret, SEVERITY_WARNING,
        "VFIO also takes devices without an IOMMU: a guest with one could overwrite the host's memory.");
}

bool check_nested(const struct subject *subject, struct finding *ret)
{
    if (!subject->facts->cpu.hypervisor)
        return false;
    text_append(&ret->evidence, "/" PROC_CPUINFO ": flag hypervisor");
    if (subject->inventory->has_iommu)
        return find(ret, SEVERITY_INFO,
                    "This host is itself a virtual machine, with an IOMMU of its own (%s).",
                    subject->facts->iommu.driver);
    return find(ret, SEVERITY_INFO, "This host is itself a virtual machine, without a working IOMMU.");
}

#define MOST_GROUPS_SHOWN 8

bool check_groups(const struct subject *subject, struct finding *ret)
{
    size_t shared = 0;

    if (!subject->inventory->has_iommu)
        return false;
    for (size_t i = 0; i < groups_count(subject->groups); i++) {
        struct members members = groups_at(subject->groups, i);
        if (group_is_isolated(members) || ++shared > MOST_GROUPS_SHOWN)
            continue;
        text_printf(&ret->evidence, "%s/%s: %zu", shared > 1 ? "; " : "",
                    path_of_group(members.list[0]->group, "devices").text, members.count);
    }
    if (shared == 0)
        return find(ret, SEVERITY_OK, "No IOMMU group holds more than one device.");
    return find(ret, SEVERITY_INFO,
                "%zu of %zu IOMMU groups hold several devices, which can only be passed through together.",
                shared, groups_count(subject->groups));
}
