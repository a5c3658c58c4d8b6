/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM uses, from its process, its control group and its network interfaces. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"
#include "hardware/process.h"
#include "passthrough/machine.h"

#define SAMPLES   1024 /* VMs whose last processor use is remembered */
#define SAMPLE_MS 1000

/* The processor time that a process had used at a moment, and the share computed from it. */
struct sample {
    long long vmid, process, at, used;
    double share;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sample samples[SAMPLES]; /* a VM's is at its id modulo SAMPLES */

/* The share of `cpus` processors since the last sample, or the last share if that is too recent; -1 if there
 * is none yet. */
static double take_sample(long long vmid, long long process, long long used, long long cpus)
{
    struct sample *last = &samples[vmid % SAMPLES];
    long long now = clock_milliseconds();
    double share = -1;

    pthread_mutex_lock(&lock);
    bool known = last->vmid == vmid && last->process == process && used >= last->used;
    if (!known)
        *last = (struct sample){vmid, process, now, used, -1};
    else if (now - last->at >= SAMPLE_MS && cpus > 0) {
        share = (double)(used - last->used) / (double)(now - last->at) / (double)cpus;
        *last = (struct sample){vmid, process, now, used, share};
    } else
        share = last->share;
    pthread_mutex_unlock(&lock);
    return share;
}

static void set_number(json_t *row, const char *key, long long value)
{
    if (value >= 0)
        json_object_set_new(row, key, json_integer((json_int_t)value));
}

static void set_pressure(json_t *row, const char *some, const char *full, const double percent[2])
{
    if (percent[0] >= 0)
        json_object_set_new(row, some, json_real(percent[0]));
    if (percent[1] >= 0)
        json_object_set_new(row, full, json_real(percent[1]));
}

/* 0 if there is no such counter. */
static long long read_counter(const struct sysroot *sysroot, const char *interface, const char *file)
{
    autofree char *below = xasprintf("statistics/%s", file);
    long long count;

    return sysfs_read_number(sysroot_fd(sysroot), path_below(SYS_CLASS_NET, interface, below).text, &count) >=
                   0
               ? count
               : 0;
}

/* What the host sends to a tap interface is what the guest receives. */
json_t *machine_list_nics(const struct sysroot *sysroot, long long vmid)
{
    autofree char *prefix = xasprintf("tap%lldi", vmid);
    json_t *nics = json_object();
    autolist char **names = NULL;

    if (sysfs_list(sysroot_fd(sysroot), SYS_CLASS_NET, &names) < 0)
        return nics;
    for (char **name = names; *name != NULL; name++)
        if (text_starts_with(*name, prefix))
            json_object_set_new(nics, *name,
                                json_pack("{s:I, s:I}", "netin",
                                          (json_int_t)read_counter(sysroot, *name, "tx_bytes"), "netout",
                                          (json_int_t)read_counter(sysroot, *name, "rx_bytes")));
    return nics;
}

static void add_network(const struct sysroot *sysroot, long long vmid, json_t *row)
{
    autojson json_t *nics = machine_list_nics(sysroot, vmid);
    long long in = 0, out = 0;
    const char *name;
    json_t *nic;

    json_object_foreach(nics, name, nic) {
        in += json_integer_value(json_object_get(nic, "netin"));
        out += json_integer_value(json_object_get(nic, "netout"));
    }
    set_number(row, "netin", in);
    set_number(row, "netout", out);
}

/* The group's memory has the page cache of the disks in it, so `mem` is the process's. */
static void add_group(const struct sysroot *sysroot, long long vmid, int process, json_t *row)
{
    autofree char *name = xasprintf("hostpci-vm@%lld.service", vmid);
    struct group_usage group;

    if (!process_read_group(sysroot, process, name, &group))
        return;
    set_number(row, "memhost", group.memory);
    set_number(row, "diskread", group.read);
    set_number(row, "diskwrite", group.written);
    set_pressure(row, "pressurecpusome", "pressurecpufull", group.cpu);
    set_pressure(row, "pressureiosome", "pressureiofull", group.io);
    set_pressure(row, "pressurememorysome", "pressurememoryfull", group.ram);
}

void machine_add_usage(const struct sysroot *sysroot, long long vmid, const json_t *machine, long long cpus,
                       json_t *row)
{
    int process = (int)json_integer_value(json_object_get(machine, "pid"));
    struct process_usage usage = {0};
    double share = -1;

    if (process_read_usage(sysroot, process, &usage) == 0)
        share = take_sample(vmid, process, usage.cpu, cpus);
    json_object_set_new(row, "cpu", share < 0 ? json_integer(0) : json_real(share));
    set_number(row, "mem", usage.memory);
    set_number(row, "memhost", usage.memory);
    set_number(row, "disk", 0);
    set_number(row, "uptime", usage.uptime);
    add_network(sysroot, vmid, row);
    add_group(sysroot, vmid, process, row);
}
