/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A played network card. */
#include "tests/unit/broker/card.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/slice/vf_link.h"
#include "tests/hosts/kernel.h"

#define INDEX      7
#define MOST_STORE 262144

static const char *card, *refused = "", *ignored = "";
static char tree[128], store[160];

static int open_tree(void)
{
    int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);

    cr_assert_geq(fd, 0, "%s: %s", tree, strerror(errno));
    return fd;
}

static int load(json_t **ret)
{
    autoclose int folder = open_tree();
    autofree char *text = NULL;
    unsigned count = kernel_vfs(card);
    int length = sysfs_read_whole(folder, store, MOST_STORE, &text);

    if (length < 0)
        return length;
    json_t *all = count > 0 ? json_loads(text, 0, NULL) : json_array();
    while (json_array_size(all) < count)
        json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:s, s:i}", "mac", "00:00:00:00:00:00", "vlan",
                                             0, "qos", 0, "proto", "802.1q", "trust", 0));
    *ret = all;
    return 0;
}

static int save(const json_t *all)
{
    autoclose int folder = open_tree();
    autofree char *text = json_dumps(all, 0);

    return sysfs_replace(folder, store, text, 0600);
}

static int play_read(int interface, json_t **ret)
{
    return interface == INDEX ? load(ret) : -ENODEV;
}

/* The driver says all the settings that it was told, and those that it was not. */
static int play_write(int interface, unsigned vf, const char *group, const json_t *settings)
{
    autojson json_t *all = NULL;

    if (interface != INDEX || strcmp(group, refused) == 0)
        return -EOPNOTSUPP;
    int error = load(&all);
    if (error != 0 || strcmp(group, ignored) == 0)
        return error;
    json_object_update(json_array_get(all, vf), (json_t *)(uintptr_t)settings);
    return save(all);
}

bool card_play(const struct testbed *testbed, const char *id)
{
    static const struct vf_door door = {play_read, play_write};
    autofree char *file = xasprintf("sys/bus/pci/devices/%s/net/" CARD_INTERFACE "/ifindex", id);

    if (vf_door == &door && strcmp(tree, testbed->tree.path) == 0)
        return false;
    card = id;
    snprintf(tree, sizeof(tree), "%s", testbed->tree.path);
    snprintf(store, sizeof(store), "sys/bus/pci/devices/%s/net/" CARD_INTERFACE "/settings", id);
    tree_write(&testbed->tree, file, "7\n");
    tree_write(&testbed->tree, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    tree_write(&testbed->tree, store, "[]");
    vf_door = &door;
    return true;
}

void card_refuse(const char *group)
{
    refused = group;
}

void card_ignore(const char *group)
{
    ignored = group;
}

json_t *card_settings(void)
{
    json_t *all = NULL;
    int error = load(&all);

    cr_assert_eq(error, 0, "%s: %s", store, strerror(-error));
    return all;
}

void card_put_setting(unsigned vf, const char *name, json_t *value)
{
    autojson json_t *all = card_settings();

    json_object_set_new(json_array_get(all, vf), name, value);
    cr_assert_eq(save(all), 0);
}

void card_lose_settings(void)
{
    autojson json_t *none = json_array();

    cr_assert_eq(save(none), 0);
}
