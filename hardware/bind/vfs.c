/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many virtual functions a physical function has. */
#include "hardware/bind/vfs.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "hardware/bind/attribute.h"
#include "hardware/pci/sriov.h"

#define LOOKS   300 /* for virtual functions that are not there yet */
#define LOOK_MS 10

static int read_number(const struct sysroot *sysroot, struct pci_address address, const char *name,
                       long long most, long long *ret, struct error *err)
{
    struct host_path file = pci_path(address, name);
    int result = sysfs_read_number(sysroot_fd(sysroot), file.text, ret);

    if (result >= 0 && *ret >= 0 && *ret <= most)
        return 0;
    return attribute_fail(sysroot, address, result < 0 ? -result : EINVAL, NULL, err, "read /%s", file.text);
}

int vfs_read(const struct sysroot *sysroot, struct pci_address address, struct vfs_state *ret,
             struct error *err)
{
    long long count, autoprobe;

    if (read_number(sysroot, address, "sriov_numvfs", UINT16_MAX, &count, err) != 0 ||
        read_number(sysroot, address, "sriov_drivers_autoprobe", 1, &autoprobe, err) != 0)
        return -1;
    *ret = (struct vfs_state){.count = (unsigned)count, .autoprobe = autoprobe != 0};
    return 0;
}

/* numvfs_store() answers ENOENT both without a driver and for one that cannot make virtual functions. */
static const char *explain_missing(const struct sysroot *sysroot, const char *driver)
{
    const char *known = sriov_explain_driver(sysroot, driver);

    return known != NULL
               ? known
               : "its driver cannot make virtual functions through sysfs: look with modinfo -p for an option "
                 "of the module such as max_vfs, or take the vendor's driver";
}

int vfs_set_count(const struct sysroot *sysroot, struct pci_address address, const char *driver,
                  unsigned count, struct error *err)
{
    const struct errno_meaning meanings[] = {
        {ENOENT, explain_missing(sysroot, driver)},
        {ENOMEM, "the firmware left no address space or too few bus numbers for so many, as dmesg says: "
                 "enable SR-IOV and Above 4G Decoding in the firmware setup, or start the kernel with "
                 "pci=realloc (\"not enough MMIO\") or pci=assign-busses (\"bus ... out of range\")"},
        {ENOSPC, "the card's driver has no room for so many, in its queues, memory or interrupts: ask for "
                 "fewer, or lower what the physical function itself uses; dmesg says more"},
        {ERANGE, "that is more than the device or its driver allows now: ask for fewer"},
        {EINVAL, "the driver does not allow that number: ask for fewer; dmesg says more"},
        {EPERM, "the driver does not allow that number: ask for fewer; dmesg says more"},
        {EBUSY, "the driver refuses while it is busy, or somebody else changed the count at this moment: see "
                "dmesg, and try again"},
        {EAGAIN, "the driver is being reset at this moment: try again"},
        {EOPNOTSUPP, "the driver cannot do that in its present mode; dmesg says more"},
        {ENOSYS, "this kernel was built without SR-IOV (CONFIG_PCI_IOV)"},
        {EIO, "the device does not answer as it should: its numbers of initial and total virtual functions "
              "differ, or it failed; dmesg says more"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "sriov_numvfs");
    char value[16];
    long long now;

    snprintf(value, sizeof(value), "%u", count);
    if (attribute_write(sysroot, address, file.text, value, meanings, err) != 0 ||
        read_number(sysroot, address, "sriov_numvfs", UINT16_MAX, &now, err) != 0)
        return -1;
    if (now != (long long)count)
        return error_set(err, ERROR_FAILED, "the kernel took '%u' for /%s, which holds %lld nevertheless",
                         count, file.text, now);
    return 0;
}

int vfs_set_autoprobe(const struct sysroot *sysroot, struct pci_address address, bool autoprobe,
                      struct error *err)
{
    struct host_path file = pci_path(address, "sriov_drivers_autoprobe");
    long long now;

    if (attribute_write(sysroot, address, file.text, autoprobe ? "1" : "0", NULL, err) != 0 ||
        read_number(sysroot, address, "sriov_drivers_autoprobe", 1, &now, err) != 0)
        return -1;
    if ((now != 0) != autoprobe)
        return error_set(err, ERROR_FAILED, "the kernel took '%d' for /%s, which holds %lld nevertheless",
                         (int)autoprobe, file.text, now);
    return 0;
}

/* 1: there is one; 0: there is none. */
static int find(int folder, unsigned index, struct pci_address *ret)
{
    char name[24], id[PCI_ADDRESS_SIZE];

    snprintf(name, sizeof(name), "virtfn%u", index);
    return sysfs_read_link_name(folder, name, id, sizeof(id)) >= 0 && pci_address_parse(id, ret);
}

static bool is_whole(const struct sysroot *sysroot, int folder, unsigned index, bool grouped)
{
    struct pci_address vf;
    char name[32];

    if (!find(folder, index, &vf))
        return false;
    return sysfs_read_link_name(sysroot_fd(sysroot), pci_path(vf, "physfn").text, name, sizeof(name)) >= 0 &&
           (!grouped || sysfs_read_link_name(sysroot_fd(sysroot), pci_path(vf, "iommu_group").text, name,
                                             sizeof(name)) >= 0);
}

/* Those below *from are known to be there already. */
static bool are_there(const struct sysroot *sysroot, struct pci_address address, unsigned count,
                      unsigned *from)
{
    autoclose int folder = pci_open_folder(sysroot, address);
    struct pci_address more;
    char group[32];

    if (folder < 0)
        return false;
    bool grouped = sysfs_read_link_name(folder, "iommu_group", group, sizeof(group)) >= 0;
    while (*from < count && is_whole(sysroot, folder, *from, grouped))
        (*from)++;
    return *from == count && !find(folder, count, &more);
}

int vfs_wait(const struct sysroot *sysroot, struct pci_address address, unsigned count, struct error *err)
{
    char id[PCI_ADDRESS_SIZE];
    unsigned from = 0;

    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if (are_there(sysroot, address, count, &from))
            return 0;
        if (pci_is_gone(sysroot, address))
            break;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    pci_address_format(address, id);
    if (pci_is_gone(sysroot, address))
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    if (from == count)
        return error_set(err, ERROR_FAILED,
                         "%s is to have %u virtual functions, but the link /%s has not gone away", id, count,
                         pci_path(address, "virtfn*").text);
    return error_set(err, ERROR_FAILED,
                     "the kernel says that %s has %u virtual functions, but virtfn%u did not come with its "
                     "links and IOMMU group: see dmesg | grep %s",
                     id, count, from, id);
}

int vfs_find(const struct sysroot *sysroot, struct pci_address address, unsigned index,
             struct pci_address *ret, struct error *err)
{
    autoclose int folder = pci_open_folder(sysroot, address);
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    if (folder >= 0 && find(folder, index, ret))
        return 0;
    if (pci_is_gone(sysroot, address))
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    return error_set(err, ERROR_FAILED, "%s has no virtual function %u: there is no link /%s/virtfn%u", id,
                     index, pci_path(address, NULL).text, index);
}
