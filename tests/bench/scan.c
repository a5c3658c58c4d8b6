/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench-scan: an lspci made of the hardware room, to be measured against the real one. Lists all PCI
 * functions, a line each: what a snapshot holds, the JSON with names that the API gives, or the verdicts; or
 * times the status of one device. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "hardware/check/report.h"
#include "hardware/pci/device.h"
#include "hardware/pci/inventory.h"
#include "hardware/pci/names.h"

static void print_line(const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    printf("%s %06" PRIx32 " %04x:%04x %04x:%04x %d %s\n", id, device->class_code, device->vendor,
           device->device, device->subsystem_vendor, device->subsystem_device, device->group, device->driver);
}

static void print_object(const struct pci_device *device, struct names *names)
{
    autojson json_t *row = device_summarize(device, names);

    json_dumpf(row, stdout, JSON_COMPACT);
    putchar('\n');
}

/* What a run needs; freed by the end of the process. */
struct host {
    struct sysroot *sysroot;
    struct inventory *inventory;
};

static int list_snapshot(const struct host *host, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < host->inventory->count; i++)
        print_line(&host->inventory->devices[i]);
    return 0;
}

static int list_names(const struct host *host, struct error *err)
{
    struct names *names;

    if (names_open(host->sysroot, &names, err) != 0)
        return -1;
    for (size_t i = 0; i < host->inventory->count; i++)
        print_object(&host->inventory->devices[i], names);
    names_close(names);
    return 0;
}

static int list_verdicts(const struct host *host, struct error *err)
{
    autohostuses struct host_uses *usage = NULL;
    struct readiness *verdicts;

    if (host_uses_scan(host->sysroot, host->inventory, &usage, err) != 0 ||
        readiness_verdicts(host->sysroot, host->inventory, usage, &verdicts, err) != 0)
        return -1;
    for (size_t i = 0; i < host->inventory->count; i++)
        printf("%s %s\n", verdict_name(verdicts[i].verdict), verdicts[i].summary);
    readiness_free(verdicts, host->inventory->count);
    return 0;
}

/* All that GET .../status reads of the last device. */
static int describe_one(const struct host *host, struct names *names, struct error *err)
{
    struct pci_address address = host->inventory->devices[host->inventory->count - 1].address;
    autohostuses struct host_uses *usage = NULL;
    autojson json_t *status = NULL, *readiness = NULL;

    if (host_uses_scan(host->sysroot, host->inventory, &usage, err) != 0 ||
        device_describe(host->sysroot, host->inventory, names, address, &status, err) != 0)
        return -1;
    return readiness_describe_device(host->sysroot, host->inventory, usage, address, NULL, &readiness, err);
}

/* In a process that runs already, as the daemon does: milliseconds of each of a hundred times. */
static int time_status(const struct host *host, struct error *err)
{
    struct timespec begin, end;
    struct names *names;

    if (names_open(host->sysroot, &names, err) != 0)
        return -1;
    for (int i = 0; i < 100; i++) {
        clock_gettime(CLOCK_MONOTONIC, &begin);
        if (describe_one(host, names, err) != 0)
            return -1;
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.3f\n",
               (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6);
    }
    names_close(names);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const struct host *host, struct error *err);
} modes[] = {
    {"--snapshot", list_snapshot},
    {"--names", list_names},
    {"--verdicts", list_verdicts},
    {"--status", time_status},
};

static int run(const char *mode, const char *root, struct error *err)
{
    struct host host;

    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (strcmp(mode, modes[i].name) != 0)
            continue;
        if (sysroot_open(root, &host.sysroot, err) != 0 ||
            inventory_scan(host.sysroot, &host.inventory, err) != 0)
            return -1;
        return modes[i].run(&host, err);
    }
    return error_set(err, ERROR_INVALID, "usage: bench-scan --snapshot|--names|--verdicts|--status SYSROOT");
}

int main(int argc, char **argv)
{
    struct error err;

    if (run(argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "", &err) != 0) {
        fprintf(stderr, "bench-scan: %s\n", err.message);
        return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
