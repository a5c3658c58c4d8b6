/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: its state, and what the host has for it.
 *
 * Sources: Documentation/ABI/testing/sysfs-kernel-mm-hugepages of the Linux kernel; proc(5) (MemAvailable);
 * Documentation/driver-api/vfio.rst: what a device can reach by DMA, all of a guest's memory, is pinned. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/paths.h"
#include "passthrough/preflight/parts.h"
#include "vm/keys.h"

static void check_lock(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const char *lock = preflight_text(inspection, "lock");

    if (lock[0] == '\0')
        return;
    preflight_show_key(inspection, "lock", ret);
    text_append(&ret->remedy.lines, "# if nothing is working on it any more:\n");
    preflight_remedy_delete(inspection, "lock", ret);
    findings_add(ret, SEVERITY_ERROR, "VM is locked (%s)", lock);
}

static const struct check vm_locked_check = {
    .id = "vm-locked",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "the key lock",
    .run = check_lock,
};

static void check_template(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    if (preflight_number(inspection, "template", 0) == 0)
        return;
    preflight_show_key(inspection, "template", ret);
    text_append(&ret->remedy.lines, "# to make it an ordinary VM again:\n");
    preflight_remedy_delete(inspection, "template", ret);
    findings_add(ret, SEVERITY_ERROR, "you can't start a vm if it's a template");
}

static const struct check vm_template_check = {
    .id = "vm-template",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "the key template",
    .run = check_template,
};

static void check_running(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const char *device;
    const json_t *holder =
        reservations_find(inspection->availability.reserved, inspection->what->vmid, &device);

    if (holder == NULL)
        return;
    bool runs = strcmp(json_text(holder, "state"), "running") == 0;
    text_printf(&ret->evidence, "%s is reserved for it by process %lld", device,
                (long long)json_integer_value(json_object_get(holder, "process")));
    findings_add(ret, SEVERITY_ERROR, runs ? "VM %lld already running" : "VM %lld is being started",
                 inspection->what->vmid);
}

static const struct check vm_running_check = {
    .id = "vm-running",
    .scope = CHECK_VM,
    .blocks = true,
    .section = MANUAL_NOTHING,
    .text = "whether a process that is alive holds devices for it",
    .run = check_running,
};

static void check_qemu(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct vm_features *qemu;
    struct error err;

    if (qemu_features(inspection->what->qemu, &qemu, &err) == 0)
        return;
    text_append(&ret->evidence, qemu_binary(inspection->what->qemu));
    text_append(&ret->remedy.lines, "apt install qemu-system-x86\n");
    findings_add(ret, SEVERITY_ERROR, "%s; what else it would refuse of the configuration is unknown.",
                 err.message);
}

static const struct check qemu_check = {
    .id = "qemu",
    .scope = CHECK_VM,
    .blocks = true,
    .section = MANUAL_NOTHING,
    .text = "that QEMU is there and answers",
    .run = check_qemu,
};

static long long host_number(const json_t *host, const char *key)
{
    return (long long)json_integer_value(json_object_get(host, key));
}

static void check_processors(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    long long sockets = preflight_number(inspection, "sockets", 1),
              cores = preflight_number(inspection, "cores", 1), most = host_number(inspection->cpus, "cpus");

    if (most <= 0 || sockets > VM_CPU_LIMIT || cores > VM_CPU_LIMIT || sockets * cores <= most)
        return;
    preflight_show_key(inspection, "sockets", ret);
    preflight_show_key(inspection, "cores", ret);
    text_printf(&ret->evidence, "; /" PROC_CPUINFO ": %lld", most);
    if (sockets > 1)
        preflight_remedy_set(inspection, "sockets", "1", ret);
    autofree char *count = xasprintf("%lld", cores < most ? cores : most);
    preflight_remedy_set(inspection, "cores", count, ret);
    findings_add(ret, SEVERITY_ERROR, "MAX %lld vcpus allowed per VM on this node", most);
}

static const struct check processors_check = {
    .id = "processors",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "sockets times cores against the host's processors",
    .run = check_processors,
};

static bool gives_devices(const struct inspection *inspection)
{
    struct preflight_hostpci hostpci;
    unsigned at = 0;

    return preflight_next(inspection, &at, &hostpci);
}

static long long memory_of(const struct inspection *inspection)
{
    autojson json_t *values = preflight_values(inspection, "memory");
    const json_t *current = json_object_get(values, "current");

    return current != NULL ? (long long)json_integer_value(current) : VM_DEFAULT_MEMORY;
}

static void check_memory(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    long long wanted = memory_of(inspection), available = host_number(inspection->memory, "available") >> 20;
    bool pinned = gives_devices(inspection);

    if (json_object_get(inspection->memory, "available") == NULL || wanted <= available ||
        preflight_text(inspection, "hugepages")[0] != '\0')
        return;
    preflight_show_key(inspection, "memory", ret);
    text_printf(&ret->evidence, "; /" PROC_MEMINFO ": MemAvailable %lld MiB", available);
    text_append(&ret->remedy.lines, "# stop something else, or give it less:\n");
    autofree char *less = xasprintf("%lld", available < 16 ? 16 : available / 2);
    preflight_remedy_set(inspection, "memory", less, ret);
    findings_add(ret, SEVERITY_WARNING, "The VM has %lld MiB of memory and the host has %lld MiB left%s.",
                 wanted, available,
                 pinned ? ", and a VM with a device of the host takes all of its memory at the start" : "");
}

static const struct check memory_free_check = {
    .id = "memory-free",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "memory against MemAvailable of /" PROC_MEMINFO,
    .run = check_memory,
};

static void check_balloon(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    long long balloon = preflight_number(inspection, "balloon", 0);

    if (balloon == 0 || !gives_devices(inspection))
        return;
    preflight_show_key(inspection, "balloon", ret);
    preflight_remedy_set(inspection, "balloon", "0", ret);
    findings_add(ret, SEVERITY_INFO,
                 "A VM with a device of the host keeps all of its memory: the balloon gives none back.");
}

static const struct check balloon_check = {
    .id = "balloon",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "a balloon in a VM with a device, which pins all of its memory",
    .run = check_balloon,
};

/* The MiB of a huge page; for "any" the largest that divides the memory, as vm/command has it. */
static long long page_of(const struct inspection *inspection, const char *pages)
{
    if (strcmp(pages, "any") == 0)
        return memory_of(inspection) % 1024 == 0 ? 1024 : 2;
    return strcmp(pages, "1024") == 0 ? 1024 : 2;
}

static void check_hugepages(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const char *pages = preflight_text(inspection, "hugepages");
    long long unused = 0;

    if (pages[0] == '\0')
        return;
    long long page = page_of(inspection, pages), wanted = (memory_of(inspection) + page - 1) / page;
    autofree char *size = xasprintf("hugepages-%lldkB", page << 10);
    struct host_path file = path_below(SYS_HUGEPAGES, size, "free_hugepages");
    int status = sysfs_read_number(sysroot_fd(inspection->what->sysroot), file.text, &unused);
    if (status == 0 && unused >= wanted)
        return;
    preflight_show_key(inspection, "hugepages", ret);
    if (status == 0)
        text_printf(&ret->evidence, "; /%s: %lld", file.text, unused);
    else
        text_printf(&ret->evidence, "; /%s: absent", file.text);
    text_printf(&ret->remedy.lines, "echo %lld > /%s\n", wanted,
                path_below(SYS_HUGEPAGES, size, "nr_hugepages").text);
    text_append(&ret->remedy.lines, "# or without them:\n");
    preflight_remedy_delete(inspection, "hugepages", ret);
    findings_add(ret, SEVERITY_ERROR, "The VM needs %lld huge pages of %lld MiB, and %lld are free.", wanted,
                 page, status == 0 ? unused : 0);
}

static const struct check hugepages_check = {
    .id = "hugepages",
    .scope = CHECK_VM,
    .blocks = true,
    .section = MANUAL_NOTHING,
    .text = "free huge pages of the size that is wanted",
    .run = check_hugepages,
};

static void check_kvm(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const struct cpu_facts *cpu = &inspection->facts.cpu;

    if (preflight_number(inspection, "kvm", 1) == 0 ||
        sysfs_exists(sysroot_fd(inspection->what->sysroot), "dev/kvm"))
        return;
    text_append(&ret->evidence, "/dev/kvm: absent");
    if (cpu->virtualizes == ANSWER_NO)
        text_append(&ret->remedy.lines,
                    "# in the firmware setup (BIOS/UEFI): enable Intel Virtualization Technology "
                    "(VT-x) or SVM\n");
    else
        text_printf(&ret->remedy.lines, "modprobe %s\n", cpu->vendor == CPU_AMD ? "kvm_amd" : "kvm_intel");
    text_append(&ret->remedy.lines, "# or slowly, without it:\n");
    preflight_remedy_set(inspection, "kvm", "0", ret);
    findings_add(ret, SEVERITY_ERROR,
                 "KVM virtualisation configured, but not available. Either disable in VM configuration or "
                 "enable in BIOS.");
}

static const struct check kvm_check = {
    .id = "kvm",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "/dev/kvm, unless kvm=0",
    .run = check_kvm,
};

/* If the module is not loaded yet, a check of the host says so. */
static void check_vfio(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    if (!gives_devices(inspection) || facts_module(subject->facts, "vfio") != MODULE_LOADED ||
        sysfs_exists(sysroot_fd(inspection->what->sysroot), "dev/vfio/vfio"))
        return;
    text_append(&ret->evidence, "/" SYS_MODULES "/vfio: there; /dev/vfio/vfio: absent");
    text_append(&ret->remedy.lines, "# in a container: let it have /dev/vfio; else:\n"
                                    "mkdir -p /dev/vfio && mknod -m 666 /dev/vfio/vfio c 10 196\n");
    findings_add(ret, SEVERITY_ERROR,
                 "The kernel module vfio is loaded, but its device /dev/vfio/vfio is missing.");
}

static const struct check vfio_device_check = {
    .id = "vfio-device",
    .scope = CHECK_VM,
    .blocks = true,
    .section = MANUAL_MODULES,
    .sentence = "You have to make sure the following modules are loaded.",
    .text = "/dev/vfio/vfio, where the module is loaded; the checks of the host cover the rest",
    .run = check_vfio,
};

const struct check *const preflight_vm_checks[] = {&vm_locked_check,
                                                   &vm_template_check,
                                                   &vm_running_check,
                                                   &qemu_check,
                                                   &kvm_check,
                                                   &vfio_device_check,
                                                   &processors_check,
                                                   &memory_free_check,
                                                   &balloon_check,
                                                   &hugepages_check,
                                                   NULL};
