/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a physical function does for each of its virtual functions. */
#include "hardware/slice/vf_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"

#define LINK_LOOK_MS 50
#define LINK_LOOKS   160

const struct vf_group vf_groups[] = {
    {"mac", {"mac"}},
    {"vlan", {"vlan", "qos", "proto"}},
    {"min-tx-rate", {"min-tx-rate", "max-tx-rate"}},
    {"trust", {"trust"}},
    {"spoofchk", {"spoofchk"}},
    {"query-rss", {"query-rss"}},
    {"link-state", {"link-state"}},
    {NULL, {NULL}},
};

const struct vf_door *vf_door;

/* Representors of virtual functions are interfaces of the physical one as well; "pf0vf3" is the name of their
 * port. Source: Documentation/networking/representors.rst of the Linux kernel. */
static bool is_representor(int interfaces, const char *name)
{
    autofree char *file = xasprintf("%s/phys_port_name", name);
    char port[64];

    return sysfs_read(interfaces, file, port, sizeof(port)) > 0 && strstr(port, "vf") != NULL;
}

struct vf_interface vf_interface_find(const struct sysroot *sysroot, struct pci_address physical)
{
    autoclose int folder = pci_open_folder(sysroot, physical);
    autoclose int interfaces = folder < 0 ? -1 : sysfs_open_folder(folder, "net");
    struct vf_interface found = {.index = 0};
    autolist char **names = NULL;

    if (interfaces < 0 || sysfs_list(interfaces, ".", &names) < 0)
        return found;
    for (char **name = names; *name != NULL; name++) {
        autofree char *file = xasprintf("%s/ifindex", *name);
        long long index;
        if (is_representor(interfaces, *name) || sysfs_read_number(interfaces, file, &index) < 0 ||
            index <= 0)
            continue;
        found.index = (int)index;
        snprintf(found.name, sizeof(found.name), "%s", *name);
        return found;
    }
    return found;
}

/* Its carrier can be read only while it is up. */
void vf_interface_wait(const struct sysroot *sysroot, const struct vf_interface *interface)
{
    struct host_path file = path_below(SYS_CLASS_NET, interface->name, "carrier");
    long long carrier;

    for (unsigned looks = 0; looks < LINK_LOOKS; looks++) {
        if (sysfs_read_number(sysroot_fd(sysroot), file.text, &carrier) < 0 || carrier != 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = LINK_LOOK_MS * 1000000L}, NULL);
    }
}

static const struct vf_door *find_door(const struct sysroot *sysroot)
{
    return vf_door != NULL ? vf_door : sysroot_is_host(sysroot) ? &vf_netlink : NULL;
}

static int refuse_door(struct error *err)
{
    return error_set(
        err, ERROR_FAILED,
        "the settings of virtual functions are known only to the kernel of this host, and --sysroot names "
        "another one");
}

int vf_link_read(const struct sysroot *sysroot, const struct vf_interface *interface, json_t **ret,
                 struct error *err)
{
    const struct vf_door *door = find_door(sysroot);

    if (door == NULL)
        return refuse_door(err);
    int result = door->read(interface->index, ret);
    if (result == 0)
        return 0;
    return error_set_errno(err, -result,
                           "cannot read the virtual functions of %s (as `ip link show %s` does)",
                           interface->name, interface->name);
}

static const struct {
    int error;
    const char *text;
} meanings[] = {
    {EOPNOTSUPP, "the card's driver cannot do that; leave this setting out"},
    {EINVAL,
     "the card's driver refuses that value, or cannot set it while the interface is down; dmesg says more"},
    {ERANGE, "the card cannot do so much; dmesg says more"},
    {EPERM, "the card's driver does not allow that now; dmesg says more"},
    {ENODEV, "there is no such interface any more"},
    {EBUSY, "the card is being reset at this moment: try again"},
};

static int explain(const struct vf_interface *interface, unsigned vf, const char *command, int number,
                   struct error *err)
{
    const char *meaning = "dmesg may say more";

    for (size_t i = 0; i < COUNT_OF(meanings); i++)
        if (meanings[i].error == number)
            meaning = meanings[i].text;
    return error_set(err, ERROR_FAILED, "cannot `ip link set %s vf %u%s`: %s (%s): %s", interface->name, vf,
                     command, strerror(number), strerrorname_np(number), meaning);
}

/* What one would type for it. */
static char *print_command(const struct vf_group *group, const json_t *settings)
{
    struct text text = {0};

    for (const char *const *member = group->members; *member != NULL; member++) {
        const json_t *value = json_object_get(settings, *member);
        bool flag = strcmp(*member, "trust") == 0 || strcmp(*member, "spoofchk") == 0 ||
                    strcmp(*member, "query-rss") == 0;
        autofree char *name = xstrdup(*member);
        for (char *dash = name; (dash = strchr(dash, '-')) != NULL;)
            *dash = '_';
        if (json_is_string(value))
            text_printf(&text, " %s %s", strcmp(name, "link_state") == 0 ? "state" : name,
                        json_string_value(value));
        else if (flag)
            text_printf(&text, " %s %s", name, json_integer_value(value) != 0 ? "on" : "off");
        else if (value != NULL)
            text_printf(&text, " %s %lld", name, (long long)json_integer_value(value));
    }
    return text_take(&text);
}

/* All members of the group: as wanted, else as they are, else as the kernel has them at first. */
static json_t *complete(const struct vf_group *group, const json_t *settings, const json_t *now)
{
    json_t *whole = json_object();

    for (const char *const *member = group->members; *member != NULL; member++) {
        json_t *value = json_object_get(settings, *member);
        if (value == NULL)
            value = json_object_get(now, *member);
        if (value != NULL)
            json_object_set(whole, *member, value);
        else
            json_object_set_new(whole, *member,
                                strcmp(*member, "proto") == 0 ? json_string("802.1q") : json_integer(0));
    }
    return whole;
}

int vf_link_write(const struct sysroot *sysroot, const struct vf_interface *interface, unsigned vf,
                  const struct vf_group *group, const json_t *settings, const json_t *now, struct error *err)
{
    const struct vf_door *door = find_door(sysroot);
    autojson json_t *whole = complete(group, settings, now);
    autofree char *command = print_command(group, whole);

    if (door == NULL)
        return refuse_door(err);
    int result = door->write(interface->index, vf, group->name, whole);
    return result == 0 ? 0 : explain(interface, vf, command, -result, err);
}

/* NULL if all of them are so. Not every driver tells everything. */
static const char *find_difference(const struct vf_group *group, const json_t *wanted, const json_t *now)
{
    for (const char *const *member = group->members; *member != NULL; member++) {
        const json_t *value = json_object_get(wanted, *member), *has = json_object_get(now, *member);
        if (value != NULL && has != NULL && !json_equal(has, value))
            return *member;
    }
    return NULL;
}

static int check_one(const struct vf_interface *interface, unsigned vf, const json_t *wanted,
                     const json_t *now, struct error *err)
{
    for (const struct vf_group *group = vf_groups; group->name != NULL; group++) {
        const char *member = find_difference(group, wanted, now);
        if (member == NULL)
            continue;
        autojson json_t *whole = complete(group, wanted, now);
        autofree char *command = print_command(group, whole);
        autofree char *text = json_dumps(json_object_get(now, member), JSON_ENCODE_ANY);
        return error_set(err, ERROR_FAILED,
                         "the kernel took `ip link set %s vf %u%s`, but %s is %s nevertheless",
                         interface->name, vf, command, member, text);
    }
    return 0;
}

int vf_link_check(const struct sysroot *sysroot, const struct vf_interface *interface, const json_t *settings,
                  struct error *err)
{
    autojson json_t *all = NULL;
    const char *name;
    json_t *wanted;

    if (vf_link_read(sysroot, interface, &all, err) != 0)
        return -1;
    json_object_foreach((json_t *)(uintptr_t)settings, name, wanted) {
        unsigned vf = (unsigned)strtoul(name, NULL, 10);
        if (check_one(interface, vf, wanted, json_array_get(all, vf), err) != 0)
            return -1;
    }
    return 0;
}

bool vf_link_make_mac(const struct sysroot *sysroot, struct pci_address physical, unsigned vf,
                      char mac[static VF_MAC_SIZE])
{
    char machine[64], id[PCI_ADDRESS_SIZE], hash[SHA256_HEX_SIZE];

    if (sysfs_read(sysroot_fd(sysroot), "etc/machine-id", machine, sizeof(machine)) < 32)
        return false;
    pci_address_format(physical, id);
    autofree char *seed =
        xasprintf("hostpci %s %s %u", machine, id, vf); /* the id itself is told to nobody */
    hash_sha256(seed, strlen(seed), hash);
    unsigned first = (unsigned)strtoul((char[]){hash[0], hash[1], '\0'}, NULL, 16);
    snprintf(mac, VF_MAC_SIZE, "%02x:%.2s:%.2s:%.2s:%.2s:%.2s", (first & 0xfcU) | 2U, hash + 2, hash + 4,
             hash + 6, hash + 8, hash + 10);
    return true;
}
