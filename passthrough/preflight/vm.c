/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: its state, and what the host has for it.
 *
 * Sources: Documentation/ABI/testing/sysfs-kernel-mm-hugepages of the Linux kernel; proc(5) (MemAvailable);
 * Documentation/driver-api/vfio.rst: what a device can reach by DMA, all of a guest's memory, is pinned. */
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "passthrough/preflight/parts.h"

void preflight_lock(struct inspection *inspection)
{
    const char *lock = preflight_text(inspection, "lock");

    if (lock[0] == '\0')
        return;
    struct finding *finding = preflight_tell(inspection, SEVERITY_ERROR, "VM is locked (%s)", lock);
    preflight_show_key(inspection, "lock", finding);
    text_append(&finding->remedy, "# if nothing works on it any more:\n");
    preflight_remedy_delete(inspection, "lock", finding);
}

void preflight_template(struct inspection *inspection)
{
    if (preflight_number(inspection, "template", 0) == 0)
        return;
    struct finding *finding =
        preflight_tell(inspection, SEVERITY_ERROR, "you can't start a vm if it's a template");
    preflight_show_key(inspection, "template", finding);
    text_append(&finding->remedy, "# if it shall be an ordinary VM again:\n");
    preflight_remedy_delete(inspection, "template", finding);
}

void preflight_running(struct inspection *inspection)
{
    const char *device;
    const json_t *holder =
        reservations_find(inspection->availability.reserved, inspection->what->vmid, &device);

    if (holder == NULL)
        return;
    bool runs = strcmp(json_text(holder, "state"), "running") == 0;
    struct finding *finding =
        preflight_tell(inspection, SEVERITY_ERROR,
                       runs ? "VM %lld already running" : "VM %lld is being started", inspection->what->vmid);
    text_printf(&finding->evidence, "%s is reserved for it by process %lld", device,
                (long long)json_integer_value(json_object_get(holder, "process")));
}

static long long host_number(const json_t *host, const char *key)
{
    return (long long)json_integer_value(json_object_get(host, key));
}

void preflight_processors(struct inspection *inspection)
{
    long long sockets = preflight_number(inspection, "sockets", 1),
              cores = preflight_number(inspection, "cores", 1), most = host_number(inspection->cpus, "cpus");

    if (most <= 0 || sockets > VM_CPU_LIMIT || cores > VM_CPU_LIMIT || sockets * cores <= most)
        return;
    struct finding *finding =
        preflight_tell(inspection, SEVERITY_ERROR, "MAX %lld vcpus allowed per VM on this node", most);
    preflight_show_key(inspection, "sockets", finding);
    preflight_show_key(inspection, "cores", finding);
    text_printf(&finding->evidence, "; /" PROC_CPUINFO ": %lld", most);
    if (sockets > 1)
        preflight_remedy_set(inspection, "sockets", "1", finding);
    autofree char *count = xasprintf("%lld", cores < most ? cores : most);
    preflight_remedy_set(inspection, "cores", count, finding);
}

static bool gives_devices(const struct inspection *inspection)
{
    struct place place;
    unsigned at = 0;

    return preflight_next(inspection, &at, &place);
}

static long long memory_of(const struct inspection *inspection)
{
    autojson json_t *values = preflight_values(inspection, "memory");
    const json_t *current = json_object_get(values, "current");

    return current != NULL ? (long long)json_integer_value(current) : 512;
}

void preflight_memory(struct inspection *inspection)
{
    long long wanted = memory_of(inspection), available = host_number(inspection->memory, "available") >> 20;
    bool pinned = gives_devices(inspection);

    if (json_object_get(inspection->memory, "available") == NULL || wanted <= available ||
        preflight_text(inspection, "hugepages")[0] != '\0')
        return;
    struct finding *finding = preflight_tell(
        inspection, SEVERITY_WARNING, "The VM has %lld MiB of memory and the host has %lld MiB left%s.",
        wanted, available,
        pinned ? ", and a VM with a device of the host takes all of its memory at the start" : "");
    preflight_show_key(inspection, "memory", finding);
    text_printf(&finding->evidence, "; /" PROC_MEMINFO ": MemAvailable %lld MiB", available);
    text_append(&finding->remedy, "# stop something else, or give it less:\n");
    autofree char *less = xasprintf("%lld", available < 16 ? 16 : available / 2);
    preflight_remedy_set(inspection, "memory", less, finding);
}

void preflight_balloon(struct inspection *inspection)
{
    long long balloon = preflight_number(inspection, "balloon", 0);

    if (balloon == 0 || !gives_devices(inspection))
        return;
    struct finding *finding = preflight_tell(
        inspection, SEVERITY_INFO,
        "A VM with a device of the host keeps all of its memory: the balloon gives none back.");
    preflight_show_key(inspection, "balloon", finding);
    preflight_remedy_set(inspection, "balloon", "0", finding);
}

/* MiB of a page: the largest that fits for "any", as the command line has it. */
static long long page_of(const struct inspection *inspection, const char *pages)
{
    if (strcmp(pages, "any") == 0)
        return memory_of(inspection) % 1024 == 0 ? 1024 : 2;
    return strcmp(pages, "1024") == 0 ? 1024 : 2;
}

void preflight_hugepages(struct inspection *inspection)
{
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
    struct finding *finding = preflight_tell(inspection, SEVERITY_ERROR,
                                             "The VM needs %lld huge pages of %lld MiB, and %lld are free.",
                                             wanted, page, status == 0 ? unused : 0);
    preflight_show_key(inspection, "hugepages", finding);
    if (status == 0)
        text_printf(&finding->evidence, "; /%s: %lld", file.text, unused);
    else
        text_printf(&finding->evidence, "; /%s: absent", file.text);
    text_printf(&finding->remedy, "echo %lld > /%s\n", wanted,
                path_below(SYS_HUGEPAGES, size, "nr_hugepages").text);
    text_append(&finding->remedy, "# or without them:\n");
    preflight_remedy_delete(inspection, "hugepages", finding);
}

void preflight_kvm(struct inspection *inspection)
{
    const struct cpu_facts *cpu = &inspection->facts.cpu;

    if (preflight_number(inspection, "kvm", 1) == 0 ||
        sysfs_exists(sysroot_fd(inspection->what->sysroot), "dev/kvm"))
        return;
    struct finding *finding = preflight_tell(
        inspection, SEVERITY_ERROR,
        "KVM virtualisation configured, but not available. Either disable in VM configuration or "
        "enable in BIOS.");
    text_append(&finding->evidence, "/dev/kvm: absent");
    if (cpu->virtualizes == ANSWER_NO)
        text_append(&finding->remedy,
                    "# in the firmware setup (BIOS/UEFI): enable Intel Virtualization Technology "
                    "(VT-x) or SVM\n");
    else
        text_printf(&finding->remedy, "modprobe %s\n", cpu->vendor == CPU_AMD ? "kvm_amd" : "kvm_intel");
    text_append(&finding->remedy, "# or slowly, without it:\n");
    preflight_remedy_set(inspection, "kvm", "0", finding);
}

/* Where the module is not loaded yet, the host's checks say so. */
void preflight_vfio(struct inspection *inspection)
{
    if (!gives_devices(inspection) || facts_module(&inspection->facts, "vfio") != MODULE_LOADED ||
        sysfs_exists(sysroot_fd(inspection->what->sysroot), "dev/vfio/vfio"))
        return;
    struct finding *finding =
        preflight_tell(inspection, SEVERITY_ERROR,
                       "The kernel module vfio is loaded, but its device /dev/vfio/vfio is missing.");
    text_append(&finding->evidence, "/" SYS_MODULES "/vfio: there; /dev/vfio/vfio: absent");
    text_append(&finding->remedy, "# in a container: let it have /dev/vfio; else:\n"
                                  "mkdir -p /dev/vfio && mknod -m 666 /dev/vfio/vfio c 10 196\n");
}
