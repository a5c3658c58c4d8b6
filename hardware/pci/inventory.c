/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshot of all PCI functions of the host. Three system calls for a file and one for a link add up when
 * there are thousands of functions, so only `modalias` and the links to driver, group and physical function
 * are read. `uevent` would have both ids and driver, but reading it blocks while an unbind does. */
#include "hardware/pci/inventory.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"
#include "hardware/pci/modalias.h"

#define NVIDIA  0x10de
#define PIECE   512 /* functions for which a thread is worth its start */
#define THREADS 4

struct shared_inventory {
    struct inventory inventory; /* first: users have a pointer to it */
    atomic_uint users;
    struct pci_device devices[];
};

static atomic_uint_fast64_t last_generation;

/* Only in the kernel's own spelling: any other name is not that of a PCI function. */
static bool parse_name(const char *name, struct pci_address *ret)
{
    char canonical[PCI_ADDRESS_SIZE];

    if (!pci_address_parse(name, ret))
        return false;
    pci_address_format(*ret, canonical);
    return strcmp(name, canonical) == 0;
}

int pci_open_folder(const struct sysroot *sysroot, struct pci_address address)
{
    return sysfs_open_folder(sysroot_fd(sysroot), pci_path(address, NULL).text);
}

/* A single answer might be wrong, and a function that is given up is not restored; so ask twice. */
bool pci_is_gone(const struct sysroot *sysroot, struct pci_address address)
{
    for (int i = 0; i < 2; i++) {
        autoclose int folder = pci_open_folder(sysroot, address);
        if (folder != -ENOENT)
            return false;
    }
    return true;
}

static int read_group(int devices, const char *path)
{
    char name[16];
    unsigned long long group;

    if (sysfs_read_link_name(devices, path, name, sizeof(name)) < 0 ||
        !text_to_number(name, 10, INT_MAX, &group))
        return -1;
    return (int)group;
}

static bool read_device(int devices, const char *name, struct pci_device *ret)
{
    char text[PATH_MAX], path[64];

    snprintf(path, sizeof(path), "%s/modalias", name);
    if (sysfs_read(devices, path, text, sizeof(text)) < 0 || !pci_modalias_parse(text, ret))
        return false;
    snprintf(path, sizeof(path), "%s/driver", name);
    if (sysfs_read_link_name(devices, path, text, sizeof(text)) >= 0)
        snprintf(ret->driver, sizeof(ret->driver), "%.*s", (int)sizeof(ret->driver) - 1, text);
    snprintf(path, sizeof(path), "%s/iommu_group", name);
    ret->group = read_group(devices, path);
    snprintf(path, sizeof(path), "%s/physfn", name);
    ret->virtual_function = sysfs_read_link_name(devices, path, text, sizeof(text)) >= 0 &&
                            pci_address_parse(text, &ret->physical_function);
    snprintf(path, sizeof(path), "%s/mdev_supported_types", name);
    ret->mdev = sysfs_exists(devices, path);
    snprintf(path, sizeof(path), "%s/nvidia/creatable_vgpu_types", name);
    ret->nvidia = !ret->mdev && ret->vendor == NVIDIA && ret->virtual_function && sysfs_exists(devices, path);
    ret->mdev |= ret->nvidia;
    return true;
}

static int compare_devices(const void *a, const void *b)
{
    return pci_address_compare(((const struct pci_device *)a)->address,
                               ((const struct pci_device *)b)->address);
}

/* Some of the functions, which one thread reads. */
struct piece {
    int folder;
    char **names;
    size_t length;              /* of names */
    struct pci_device *devices; /* room for as many */
    size_t count;               /* of devices that were read */
    size_t skipped;
    struct pci_address first_skipped;
};

/* A function that has vanished meanwhile was not skipped. */
static void note_skipped(const char *name, struct pci_address address, struct piece *piece)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/modalias", name);
    if (!sysfs_exists(piece->folder, path))
        return;
    if (piece->skipped++ == 0)
        piece->first_skipped = address;
}

static void *read_piece(void *argument)
{
    struct piece *piece = argument;

    for (size_t i = 0; i < piece->length; i++) {
        const char *name = piece->names[i];
        struct pci_device *device = &piece->devices[piece->count];
        *device = (struct pci_device){.group = -1};
        if (!parse_name(name, &device->address))
            continue;
        if (read_device(piece->folder, name, device))
            piece->count++;
        else
            note_skipped(name, device->address, piece);
    }
    return NULL;
}

static size_t count_pieces(size_t length)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t pieces = length / PIECE, most = processors < 1 ? 1 : (size_t)processors;

    most = most < THREADS ? most : THREADS;
    return pieces < 1 ? 1 : pieces < most ? pieces : most;
}

/* Reads the first piece itself, and those for which there is no thread. The threads block all signals, which
 * are for those who wait for them. */
static void read_pieces(struct piece *pieces, size_t count)
{
    pthread_t threads[THREADS];
    bool started[THREADS] = {false};
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 1; i < count; i++)
        started[i] = pthread_create(&threads[i], NULL, read_piece, &pieces[i]) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < count; i++)
        if (!started[i])
            read_piece(&pieces[i]);
    for (size_t i = 1; i < count; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
}

static void add_piece(const struct piece *piece, struct shared_inventory *shared)
{
    struct inventory *inventory = &shared->inventory;

    memmove(&shared->devices[inventory->count], piece->devices, piece->count * sizeof(piece->devices[0]));
    if (inventory->skipped == 0)
        inventory->first_skipped = piece->first_skipped;
    inventory->skipped += piece->skipped;
    inventory->count += piece->count;
}

/* They have no pointers to each other, so they can be sorted afterwards. */
static void read_devices(int folder, char **names, size_t length, struct shared_inventory *shared)
{
    size_t count = count_pieces(length), part = length / count;
    struct piece pieces[THREADS];

    for (size_t i = 0; i < count; i++)
        pieces[i] = (struct piece){.folder = folder,
                                   .names = names + i * part,
                                   .length = i + 1 < count ? part : length - i * part,
                                   .devices = shared->devices + i * part};
    read_pieces(pieces, count);
    for (size_t i = 0; i < count; i++)
        add_piece(&pieces[i], shared);
    for (size_t i = 0; i < shared->inventory.count; i++)
        shared->inventory.has_iommu |= shared->devices[i].group >= 0;
    qsort(shared->devices, shared->inventory.count, sizeof(shared->devices[0]), compare_devices);
}

/* Of the functions that have the same domain, the first one is on its lowest bus. */
static bool is_lowest_bus(const struct inventory *inventory, const struct pci_device *device)
{
    const struct pci_device *first = device;

    while (first > inventory->devices && first[-1].address.domain == device->address.domain)
        first--;
    return first->address.bus == device->address.bus;
}

/* The kernel has a folder for each root bus, "pci0000:40". Those of Intel's VMD, whose domains begin at
 * 10000, are below the VMD. */
static void mark_root_buses(const struct sysroot *sysroot, const struct inventory *inventory,
                            struct pci_device *devices)
{
    autolist char **names = NULL;
    unsigned domain, bus;

    for (size_t i = 0; i < inventory->count; i++)
        devices[i].on_root_bus = devices[i].address.bus == 0 || (devices[i].address.domain > 0xffff &&
                                                                 is_lowest_bus(inventory, &devices[i]));
    if (sysfs_list(sysroot_fd(sysroot), SYS_DEVICES, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        if (sscanf(*name, "pci%x:%x", &domain, &bus) != 2)
            continue;
        for (size_t i = 0; i < inventory->count; i++)
            devices[i].on_root_bus |= devices[i].address.domain == domain && devices[i].address.bus == bus;
    }
}

int inventory_scan(const struct sysroot *sysroot, struct inventory **ret, struct error *err)
{
    /* before anything is read, since the scan that begins later knows more */
    uint64_t generation = atomic_fetch_add(&last_generation, 1) + 1;
    autolist char **names = NULL;
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), SYS_PCI_DEVICES);
    int count = folder >= 0 ? sysfs_list(folder, ".", &names) : folder;

    if (count < 0 && count != -ENOENT) /* without it the host has no PCI */
        return error_set_errno(err, -count, "cannot list the PCI devices in /" SYS_PCI_DEVICES);
    struct shared_inventory *shared =
        xcalloc(1, sizeof(*shared) + (count > 0 ? (size_t)count : 0) * sizeof(shared->devices[0]));
    shared->inventory.devices = shared->devices;
    shared->inventory.generation = generation;
    atomic_init(&shared->users, 1);
    read_devices(folder, names, count > 0 ? (size_t)count : 0, shared);
    mark_root_buses(sysroot, &shared->inventory, shared->devices);
    *ret = &shared->inventory;
    return 0;
}

struct inventory *inventory_retain(struct inventory *inventory)
{
    atomic_fetch_add(&((struct shared_inventory *)inventory)->users, 1);
    return inventory;
}

void inventory_release(struct inventory *inventory)
{
    struct shared_inventory *shared = (struct shared_inventory *)inventory;

    if (shared != NULL && atomic_fetch_sub(&shared->users, 1) == 1)
        free(shared);
}

void cleanup_inventory(struct inventory **inventory)
{
    inventory_release(*inventory);
}

const struct pci_device *inventory_find(const struct inventory *inventory, struct pci_address address)
{
    struct pci_device wanted = {.address = address};

    return bsearch(&wanted, inventory->devices, inventory->count, sizeof(wanted), compare_devices);
}
