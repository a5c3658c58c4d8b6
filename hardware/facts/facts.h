/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the host that matter for PCI passthrough: kernel, CPU, firmware tables, IOMMU units, interrupt
 * chips, modules and settings. They are read once for a request and shared by all checks; nothing is ever
 * changed.
 *
 * What cannot be read is unknown, and named in `unreadable`. Big files (the kernel's configuration,
 * modules.dep, the kernel log) are read when a check first asks for them. Not thread-safe: each request has
 * facts of its own. */
#ifndef HOSTPCI_HARDWARE_FACTS_FACTS_H
#define HOSTPCI_HARDWARE_FACTS_FACTS_H

#include <jansson.h>
#include <stdbool.h>

#include "hardware/facts/settings.h"
#include "hardware/iommu/group.h"
#include "hardware/sysfs.h"

enum cpu_vendor { CPU_OTHER, CPU_INTEL, CPU_AMD };
enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };

struct cpu_facts {
    enum cpu_vendor vendor;
    char model[128];
    /* VMX or SVM: flags of proc/cpuinfo; unknown where there are no such flags. Also where KVM has started
     * without them, as it can inside a VM; it registers its device only then (virt/kvm/kvm_main.c). */
    enum answer virtualizes;
    bool hypervisor;        /* this host is itself a VM: the flag "hypervisor" (CPUID 1, ECX bit 31) */
    unsigned physical_bits; /* of addresses; 0: unknown */
};

/* Tables in sys/firmware/acpi/tables; their names are open to all, their content to root. Sources: "Intel
 * Virtualization Technology for Directed I/O", 8.1 (DMAR); "AMD I/O Virtualization Technology", 5 (IVRS);
 * ACPI 6.5 (VIOT); Arm DEN 0049 (IORT). */
struct firmware_facts {
    bool listed; /* the folder could be read */
    bool dmar, ivrs, viot, iort;
    int dmar_flags; /* bit 0: the firmware supports interrupt remapping; -1: not readable */
};

/* Units in sys/class/iommu: dmarN (Intel), ivhdN (AMD), smmu*, or a PCI id (virtio). */
struct iommu_facts {
    bool listed;
    size_t units;
    char first[64]; /* the name of one of them */
    const char
        *driver; /* intel-iommu, amd-iommu, arm-smmu, arm-smmu-v3, virtio-iommu; "" when there is none */
    enum answer can_remap; /* extended capability register, bit 3, of all of Intel's */
    enum answer can_pass;  /* the same, bit 6: "pass through" translation type */
    enum answer remaps;    /* chips in proc/interrupts: IR-... on x86, ITS-... on Arm */
    char chip[64];         /* a chip that says so */
    char weak_unit[64];    /* one that cannot remap, "" */
    char weak_value[32];   /* what its register held */
};

struct lazy_text {
    bool asked;
    char *text; /* NULL: cannot be read */
    char *file;
};

struct facts {
    const struct sysroot *sysroot;
    char release[128]; /* of the kernel; "" if unknown */
    unsigned version;  /* 6001 for 6.1; 0 if unknown */
    char *cmdline;     /* the kernel's; "" if it cannot be read */
    bool cmdline_known;
    struct cpu_facts cpu;
    struct firmware_facts firmware;
    struct iommu_facts iommu;
    bool lockdown; /* sys/kernel/security/lockdown is not [none] */
    struct host_settings settings;
    json_t *unreadable; /* [{file, reason}] */
    bool domain_asked;
    char domain[32];
    struct lazy_text config, builtin, dependencies, log;
};

void facts_read(const struct sysroot *sysroot, struct facts *ret);
void facts_release(struct facts *facts);
#define autofacts __attribute__((cleanup(facts_release)))

/* Notes a file that could not be read, unless it is noted already; `number` is -errno. An absent file is
 * noted only if it was `expected`. */
void facts_note(struct facts *facts, const char *file, int number, bool expected);

/* The last value of a parameter on the kernel's command line, "" for one without; false if it is not there.
 * '-' and '_' in names are the same (parameq() in kernel/params.c). */
bool facts_parameter(const struct facts *facts, const char *name, char *value, size_t size);

/* The last parameter of that name, as it is written, with its value; NULL: it is not there. */
const char *facts_find_parameter(const struct facts *facts, const char *name, size_t *length);

/* The parameter is there with `word` among its comma-separated values, and none of the words in `unless` (may
 * be NULL) comes after it: intel_iommu=on,sm_on. */
bool facts_parameter_says(const struct facts *facts, const char *name, const char *word, const char *unless);

enum module_state {
    MODULE_UNKNOWN, /* the kernel's lib/modules cannot be read */
    MODULE_MISSING,
    MODULE_AVAILABLE, /* can be loaded */
    MODULE_BUILT_IN,
    MODULE_LOADED,
};

/* `name` is written with '_'. Sources: Documentation/ABI/testing/sysfs-module, modules.dep(5),
 * modules.builtin of kbuild. */
enum module_state facts_module(struct facts *facts, const char *name);

/* Text of sys/module/NAME/parameters/PARAMETER; false if there is none. */
bool facts_module_parameter(const struct facts *facts, const char *name, const char *parameter, char *value,
                            size_t size);

/* CONFIG_* of the kernel's configuration: set (y or m), said to be not set, or unknown. It is read from
 * proc/config.gz, else boot/config-RELEASE, else usr/lib/modules/RELEASE/config; facts->config.file says
 * which it was. */
enum answer facts_kernel_option(struct facts *facts, const char *name);

/* How the host itself uses its groups, by their `type`: identity (DMA bypasses the IOMMU), DMA, DMA-FQ,
 * mixed; "" if unknown. */
const char *facts_default_domain(struct facts *facts, const struct groups *groups);

/* Lines of the kernel log without their prefix, at most the last 1 MiB: dev/kmsg, else var/log/kern.log, else
 * var/log/dmesg; NULL if none can be read. facts->log.file says which it was. */
const char *facts_kernel_log(struct facts *facts);

#endif
