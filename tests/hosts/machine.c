/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine around the PCI functions: /proc, CPUs, memory, NUMA nodes. */
#include "tests/hosts/parts.h"
#include "tests/hosts/use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned nodes_of(const struct machine *machine)
{
    return machine->nodes ? machine->nodes : 1;
}

/* CPUs first to last of a node; node -1 is all of them, as the kernel has it. */
static void cpus_of(const struct machine *machine, int node, unsigned *first, unsigned *last)
{
    unsigned each = machine->cpus / nodes_of(machine);
    *first = node < 0 ? 0 : (unsigned)node * each;
    *last = node < 0 ? machine->cpus - 1 : *first + each - 1;
}

struct path machine_cpu_list(const struct machine *machine, int node)
{
    unsigned first, last;
    cpus_of(machine, node, &first, &last);
    return first == last ? path("%u", first) : path("%u-%u", first, last);
}

struct path machine_cpu_mask(const struct machine *machine, int node)
{
    unsigned first, last;
    cpus_of(machine, node, &first, &last);
    uint64_t mask = (~0ULL >> (63 - (last - first))) << first;
    if (machine->cpus <= 32)
        return path("%0*llx", (int)(machine->cpus + 3) / 4, (unsigned long long)mask);
    return path("%0*llx,%08llx", (int)(machine->cpus - 32 + 3) / 4, (unsigned long long)(mask >> 32),
                (unsigned long long)(mask & 0xffffffff));
}

static void write_cpuinfo(const struct machine *machine)
{
    bool amd = strncmp(machine->model, "AMD", 3) == 0;
    unsigned each = machine->cpus / nodes_of(machine);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        fail("out of memory");
    for (unsigned i = 0; i < machine->cpus; i++) {
        fprintf(out, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %d\n", i,
                amd ? "AuthenticAMD" : "GenuineIntel", amd ? 25 : 6);
        fprintf(out, "model name\t: %s\ncpu MHz\t\t: 3600.000\ncache size\t: 8192 KB\n", machine->model);
        fprintf(out, "physical id\t: %u\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", i / each, each,
                i % each / 2, (each + 1) / 2);
        fprintf(out, "flags\t\t: fpu vme de pse tsc msr pae cx8 apic sep sse sse2 ht lm %s aes avx avx2%s\n",
                amd ? "svm" : "vmx", machine->guest ? " hypervisor" : "");
        fprintf(out, "address sizes\t: %d bits physical, 48 bits virtual\n\n", amd ? 48 : 39);
    }
    fclose(out);
    tree_write("proc/cpuinfo", MODE_READ, "%s", text);
    free(text);
}

static void write_meminfo(const struct machine *machine)
{
    unsigned long total = machine->memory * 1024UL;
    tree_write("proc/meminfo", MODE_READ,
               "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n"
               "Buffers:          123456 kB\nCached:         %8lu kB\nSwapCached:            0 kB\n"
               "SwapTotal:       8388604 kB\nSwapFree:        8388604 kB\nKSM:                   0 kB\n"
               "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n",
               total, total / 2, total / 4 * 3, total / 4);
}

static void write_stat(const struct machine *machine)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        fail("out of memory");
    fprintf(out, "cpu  %u 0 %u %u 2000 0 100 0 0 0\n", 9000 * machine->cpus, 3000 * machine->cpus,
            800000 * machine->cpus);
    for (unsigned i = 0; i < machine->cpus; i++)
        fprintf(out, "cpu%u 9000 0 3000 800000 %u 0 %u 0 0 0\n", i, 2000 / machine->cpus,
                100 / machine->cpus);
    fprintf(out, "ctxt 7654321\nbtime 1767225600\nprocesses 4321\nprocs_running 1\nprocs_blocked 0\n");
    fclose(out);
    tree_write("proc/stat", MODE_READ, "%s", text);
    free(text);
}

static void write_kernel(const struct machine *machine, const char *name)
{
    tree_write(
        "proc/version", MODE_READ,
        "Linux version %s (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU "
        "Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian\n",
        machine->release);
    tree_write("proc/cmdline", MODE_READ, "%s\n", machine->cmdline);
    int fd = tree_open_folder("proc/sys/kernel");
    tree_put(fd, "osrelease", MODE_READ, "%s\n", machine->release);
    tree_put(fd, "ostype", MODE_READ, "Linux\n");
    tree_put(fd, "version", MODE_READ, "#1 SMP PREEMPT_DYNAMIC Debian\n");
    tree_put(fd, "hostname", MODE_CHANGE, "%s\n", name);
    close(fd);
    tree_write("proc/sys/kernel/random/boot_id", MODE_READ, "6f1c2a58-3d4e-4b7a-9c60-5e8f7a1b2c3d\n");
}

static void write_nodes(const struct machine *machine)
{
    tree_write("sys/devices/system/cpu/online", MODE_READ, "%s\n", machine_cpu_list(machine, -1).text);
    for (int i = 0; i < (int)nodes_of(machine); i++) {
        struct path node = path("sys/devices/system/node/node%d", i);
        tree_write(path("%s/cpulist", node.text).text, MODE_READ, "%s\n", machine_cpu_list(machine, i).text);
    }
}

void machine_write(const struct machine *machine, const char *name)
{
    write_kernel(machine, name);
    write_cpuinfo(machine);
    write_meminfo(machine);
    write_stat(machine);
    write_nodes(machine);
    firmware_write(machine);
    module_write_lists(machine->release);
    tree_write("proc/loadavg", MODE_READ, "0.25 0.13 0.08 1/234 4321\n");
    tree_write("proc/uptime", MODE_READ, "9876.54 %u.21\n", 9000 * machine->cpus);
    tree_link_raw("proc/self", "1");
    mount_write("0:22", "/sys", "sysfs", "sysfs");
    mount_write("0:23", "/proc", "proc", "proc");
    mount_write("259:2", "/", "ext4", "/dev/nvme0n1p2");
    tree_write("dev/kvm", 0660, "%s", "");
    tree_write("dev/vfio/vfio", 0666, "%s", "");
}
