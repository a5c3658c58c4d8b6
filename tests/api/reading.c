/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading this machine itself: what the API tells against what sysfs and procfs say. The suites whose names
 * begin with `reading` run in the lab too, where there are IOMMU groups and virtual functions. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define DEVICES "/sys/bus/pci/devices"
#define PCI     "/nodes/" NODE "/hardware/pci"

static void start(void)
{
    START(.host = NULL);
}

TestSuite(reading, .init = start, .timeout = 120);

static size_t count_entries(const char *folder)
{
    DIR *open = opendir(folder);
    size_t count = 0;

    for (const struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    if (open != NULL)
        closedir(open);
    return count;
}

/* First line of an attribute of a device, "" if it has none; the caller frees it. */
static char *attribute(const char *id, const char *name)
{
    autofree char *path = xasprintf(DEVICES "/%s/%s", id, name);
    struct error err;
    char *text;

    if (file_read(path, 65536, &text, NULL, &err) != 0)
        return xstrdup("");
    text[strcspn(text, "\n")] = '\0';
    if (strcmp(text, "unknown") == 0) /* the power state of host bridges; left out like what is not there */
        text[0] = '\0';
    return text;
}

/* Last part of where a link of a device leads, "" if there is none; the caller frees it. */
static char *link_of(const char *id, const char *name)
{
    autofree char *path = xasprintf(DEVICES "/%s/%s", id, name);
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    if (length <= 0)
        return xstrdup("");
    target[length] = '\0';
    return xstrdup(strrchr(target, '/') + 1);
}

static const json_t *list_all(void)
{
    return get(PCI, "pci-class-blacklist", "", NULL);
}

static void is_text(const json_t *device, const char *name, const char *expected)
{
    cr_assert_str_eq(has(device, name) ? text_of(device, name) : "", expected, "%s of %s", name,
                     text_of(device, "id"));
}

static void is_attribute(const json_t *device, const char *name, const char *file)
{
    autofree char *expected = attribute(text_of(device, "id"), file);

    is_text(device, name, expected);
}

static void is_link(const json_t *device, const char *name, const char *file)
{
    autofree char *expected = link_of(text_of(device, "id"), file);

    is_text(device, name, expected);
}

DAEMON_TEST(reading, list_has_every_device_of_sysfs)
{
    const json_t *list = list_all();
    size_t i;
    json_t *device;

    cr_assert_eq(json_array_size(list), count_entries(DEVICES));
    json_array_foreach(list, i, device) {
        autofree char *folder = xasprintf(DEVICES "/%s", text_of(device, "id"));
        cr_assert_eq(access(folder, F_OK), 0, "%s", folder);
    }
}

DAEMON_TEST(reading, list_tells_what_sysfs_tells)
{
    const json_t *list = list_all();
    size_t i;
    json_t *device;

    json_array_foreach(list, i, device) {
        autofree char *group = link_of(text_of(device, "id"), "iommu_group");
        autofree char *told = xasprintf("%lld", number_of(device, "iommugroup"));
        is_attribute(device, "vendor", "vendor");
        is_attribute(device, "device", "device");
        is_attribute(device, "class", "class");
        is_attribute(device, "subsystem_vendor", "subsystem_vendor");
        is_attribute(device, "subsystem_device", "subsystem_device");
        is_link(device, "driver", "driver");
        is_link(device, "physfn", "physfn");
        cr_assert_str_eq(told, *group != '\0' ? group : "-1");
    }
}

DAEMON_TEST(reading, virtual_functions_are_numbered_as_in_sysfs)
{
    const json_t *list = list_all();
    size_t i;
    json_t *device, *function;
    const char *name;

    json_array_foreach(list, i, device) {
        autofree char *count = attribute(text_of(device, "id"), "sriov_numvfs");
        autofree char *told = xasprintf("%zu", json_object_size(json_object_get(device, "virtfns")));
        cr_assert_str_eq(told, *count != '\0' ? count : "0");
        json_object_foreach(json_object_get(device, "virtfns"), name, function) {
            autofree char *expected = link_of(text_of(device, "id"), name);
            cr_assert_str_eq(json_string_value(function), expected);
        }
    }
}

DAEMON_TEST(reading, default_list_leaves_out_memory_bridges_and_processors)
{
    const json_t *all = list_all(), *some = get(PCI, NULL);
    size_t i;
    json_t *device;

    json_array_foreach(all, i, device) {
        const char *class = text_of(device, "class");
        bool hidden = text_starts_with(class, "0x05") || text_starts_with(class, "0x06") ||
                      text_starts_with(class, "0x0b");
        cr_assert_eq(has_row(some, "id", text_of(device, "id")), !hidden);
    }
}

DAEMON_TEST(reading, status_of_every_device)
{
    const json_t *list = list_all();
    size_t i;
    json_t *device;

    json_array_foreach(list, i, device) {
        autofree char *path = xasprintf(PCI "/%s/status", text_of(device, "id"));
        const json_t *status = get(path, NULL);
        is_attribute(status, "revision", "revision");
        is_attribute(status, "power-state", "power_state");
        is_link(status, "driver", "driver");
        cr_assert(json_equal(member(status, "iommugroup"), member(device, "iommugroup")));
        autofree char *node = attribute(text_of(device, "id"), "numa_node");
        cr_assert_eq(has(status, "numa-node"), *node != '\0' && *node != '-');
    }
}

DAEMON_TEST(reading, groups_are_those_of_sysfs)
{
    const json_t *groups = get("/nodes/" NODE "/hardware/iommu/groups", NULL);
    size_t i, j;
    json_t *group, *id;

    cr_assert_eq(json_array_size(groups), count_entries("/sys/kernel/iommu_groups"));
    json_array_foreach(groups, i, group) {
        autofree char *number = xasprintf("%lld", number_of(group, "group"));
        json_array_foreach(member(group, "devices"), j, id) {
            autofree char *expected = link_of(json_string_value(id), "iommu_group");
            cr_assert_str_eq(number, expected);
        }
    }
}

DAEMON_TEST(reading, mediated_devices_are_those_of_sysfs)
{
    cr_assert_eq(json_array_size(get("/nodes/" NODE "/hardware/mdev", NULL)),
                 count_entries("/sys/bus/mdev/devices"));
}

DAEMON_TEST(reading, node_is_this_machine)
{
    const json_t *status = get("/nodes/" NODE "/status", NULL);
    struct utsname name;

    cr_assert_eq(uname(&name), 0);
    cr_assert_str_eq(text_of(member(status, "current-kernel"), "release"), name.release);
    cr_assert_eq(number_of(member(status, "cpuinfo"), "cpus"), sysconf(_SC_NPROCESSORS_ONLN));
    cr_assert_eq(number_of(member(status, "memory"), "total"),
                 sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
}

/* What a new user does: takes a device of the list, maps it, and is told that it is right. */
DAEMON_TEST(reading, mapping_of_a_device_of_this_machine_is_right)
{
    const json_t *device = json_array_get(list_all(), 0);

    if (device == NULL)
        cr_skip_test("this machine has no PCI device");
    autofree char *entry = xasprintf(
        "node=" NODE ",path=%s,id=%s:%s,subsystem-id=%s:%s,iommugroup=%lld", text_of(device, "id"),
        text_of(device, "vendor") + 2, text_of(device, "device") + 2, text_of(device, "subsystem_vendor") + 2,
        text_of(device, "subsystem_device") + 2, number_of(device, "iommugroup"));
    post("/cluster/mapping/pci", "id", "mine", "map", entry, NULL);
    is_json(member(row(get("/cluster/mapping/pci", "check-node", NODE, NULL), "id", "mine"), "checks"), "[]");
}
