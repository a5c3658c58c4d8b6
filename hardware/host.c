/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host itself: kernel, CPUs, memory, load. */
#include "hardware/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/host_cpu.h"
#include "hardware/paths.h"

#define MOST_TEXT (16 * 1024 * 1024) /* /proc/cpuinfo and /proc/stat of thousands of CPUs */

int host_kernel_release(const struct sysroot *sysroot, char *buffer, size_t size)
{
    return sysfs_read(sysroot_fd(sysroot), PROC_OSRELEASE, buffer, size);
}

/* The file may be megabytes long; the first CPU's vendor is near its beginning. */
void host_cpu_vendor(const struct sysroot *sysroot, char vendor[static HOST_CPU_VENDOR_SIZE])
{
    char text[1024] = "";

    sysfs_read_bytes(sysroot_fd(sysroot), PROC_CPUINFO, text, sizeof(text) - 1);
    const char *line = strstr(text, "vendor_id\t: ");
    vendor[0] = '\0';
    if (line != NULL)
        sscanf(line, "vendor_id\t: %15s", vendor);
}

static void add_uptime(int root, json_t *host)
{
    char text[128];
    double seconds;

    if (sysfs_read(root, PROC_UPTIME, text, sizeof(text)) > 0 && sscanf(text, "%lf", &seconds) == 1 &&
        seconds >= 0 && seconds < 1e15)
        json_object_set_new(host, "uptime", json_integer((json_int_t)seconds));
}

/* Shares of the time of all CPUs since the host started. User time includes that of guests (proc(5)). */
static void add_cpu_time(int root, json_t *host)
{
    autofree char *text = NULL;
    uint64_t t[8] = {0}; /* user nice system idle iowait irq softirq steal */
    double total = 0;

    if (sysfs_read_whole(root, PROC_STAT, MOST_TEXT, &text) < 0)
        return;
    int count = sscanf(text,
                       "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                       " %" SCNu64,
                       &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    for (int i = 0; i < count; i++)
        total += (double)t[i];
    if (count < 4 || total <= 0)
        return;
    json_object_set_new(host, "wait", json_real((double)t[4] / total));
    json_object_set_new(host, "cpu", json_real((total - (double)t[3] - (double)t[4]) / total));
}

static void add_load(int root, json_t *host)
{
    char text[128], one[16], five[16], fifteen[16];

    if (sysfs_read(root, PROC_LOADAVG, text, sizeof(text)) > 0 &&
        sscanf(text, "%15s %15s %15s", one, five, fifteen) == 3)
        json_object_set_new(host, "loadavg", json_pack("[s, s, s]", one, five, fifteen));
}

/* Before Linux 6.1 there is no such file. */
static void read_machine(const struct sysroot *sysroot, char *machine, size_t size)
{
    struct utsname name;

    if (sysfs_read(sysroot_fd(sysroot), PROC_ARCH, machine, size) > 0)
        return;
    bool known = sysroot_is_host(sysroot) && uname(&name) == 0;
    snprintf(machine, size, "%s", known ? name.machine : "");
}

static void add_kernel(const struct sysroot *sysroot, json_t *host)
{
    char name[64], release[128], version[256], machine[65];
    int root = sysroot_fd(sysroot);

    if (sysfs_read(root, PROC_OSTYPE, name, sizeof(name)) <= 0 ||
        host_kernel_release(sysroot, release, sizeof(release)) <= 0 ||
        sysfs_read(root, PROC_VERSION, version, sizeof(version)) <= 0)
        return;
    read_machine(sysroot, machine, sizeof(machine));
    json_object_set_new(host, "kversion", json_sprintf("%s %s %s", name, release, version));
    json_object_set_new(host, "current-kernel",
                        json_pack("{s:s, s:s, s:s, s:s}", "sysname", name, "release", release, "version",
                                  version, "machine", machine));
}

/* An EFI variable is four bytes of attributes and the value. */
static void add_boot(int root, json_t *host)
{
    bool efi = sysfs_exists(root, SYS_EFI);
    json_t *boot = json_pack("{s:s}", "mode", efi ? "efi" : "legacy-bios");
    unsigned char variable[5];

    if (efi && sysfs_read_bytes(root, SYS_SECURE_BOOT, variable, sizeof(variable)) == sizeof(variable))
        json_object_set_new(boot, "secureboot", json_integer(variable[4] == 1));
    json_object_set_new(host, "boot-info", boot);
}

static void add_cpus(int root, json_t *host)
{
    autofree char *text = NULL;
    json_t *cpus = NULL;

    if (sysfs_read_whole(root, PROC_CPUINFO, MOST_TEXT, &text) >= 0)
        cpus = host_cpu_describe(text);
    if (cpus != NULL)
        json_object_set_new(host, "cpuinfo", cpus);
}

/* Finds a line such as "MemTotal:       16384000 kB" and gives its bytes. */
static bool find_memory(const char *text, const char *name, json_int_t *ret)
{
    size_t length = strlen(name);
    uint64_t kilobytes;

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, name, length) != 0 || line[length] != ':')
            continue;
        if (sscanf(line + length + 1, "%" SCNu64, &kilobytes) != 1 || kilobytes > INT64_MAX / 1024)
            return false;
        *ret = (json_int_t)(kilobytes * 1024);
        return true;
    }
    return false;
}

static void add_memory(int root, json_t *host)
{
    char text[8192];
    json_int_t total, free_now, available;

    if (sysfs_read(root, PROC_MEMINFO, text, sizeof(text)) < 0)
        return;
    if (find_memory(text, "MemTotal", &total) && find_memory(text, "MemFree", &free_now) &&
        find_memory(text, "MemAvailable", &available))
        json_object_set_new(host, "memory",
                            json_pack("{s:I, s:I, s:I, s:I}", "total", total, "used", total - available,
                                      "free", free_now, "available", available));
    if (find_memory(text, "SwapTotal", &total) && find_memory(text, "SwapFree", &free_now))
        json_object_set_new(
            host, "swap",
            json_pack("{s:I, s:I, s:I}", "total", total, "used", total - free_now, "free", free_now));
}

static void add_shared_pages(int root, json_t *host)
{
    long long pages, size = sysconf(_SC_PAGESIZE);

    if (sysfs_read_number(root, SYS_KSM_SHARING, &pages) >= 0 && pages >= 0 && pages < INT64_MAX / size)
        json_object_set_new(host, "ksm", json_pack("{s:I}", "shared", (json_int_t)(pages * size)));
}

static void add_root(int root, json_t *host)
{
    struct statvfs fs;

    if (fstatvfs(root, &fs) != 0)
        return;
    json_int_t unit = (json_int_t)fs.f_frsize;
    json_object_set_new(host, "rootfs",
                        json_pack("{s:I, s:I, s:I, s:I}", "total", (json_int_t)fs.f_blocks * unit, "used",
                                  (json_int_t)(fs.f_blocks - fs.f_bfree) * unit, "free",
                                  (json_int_t)fs.f_bfree * unit, "avail", (json_int_t)fs.f_bavail * unit));
}

int host_describe(const struct sysroot *sysroot, json_t **ret, struct error *err)
{
    (void)err;
    int root = sysroot_fd(sysroot);
    json_t *host = json_object();

    add_uptime(root, host);
    add_cpu_time(root, host);
    add_load(root, host);
    add_kernel(sysroot, host);
    add_boot(root, host);
    add_cpus(root, host);
    add_memory(root, host);
    add_shared_pages(root, host);
    add_root(root, host);
    *ret = host;
    return 0;
}
