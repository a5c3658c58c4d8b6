/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network cards. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "vm/command/parts.h"

static int add_handed(struct vm_build *build, unsigned index, const char *bridge, bool virtio,
                      long long queues, struct error *err)
{
    const struct vm_command *what = build->what;
    autofree char *interface = xasprintf("tap%ui%u", what->vmid, index), *handed = NULL;
    const struct vm_file file = {.kind = VM_FILE_TAP,
                                 .path = interface,
                                 .bridge = bridge,
                                 .queues = queues > 1 ? (unsigned)queues : 1,
                                 .vhost = virtio};

    if (what->hand(what->hand_context, &file, &handed, err) != 0)
        return -1;
    vm_build_add(build, VM_DEVICES, "-netdev", "tap,id=net%u,%s%s", index, handed, virtio ? ",vhost=on" : "");
    return 0;
}

/* A card on a bridge of the host has a tap interface. Without a bridge, QEMU itself acts as a router (user
 * networking). */
static int add_back_end(struct vm_build *build, unsigned index, const json_t *values, bool virtio,
                        long long queues, struct error *err)
{
    const struct vm_paths *paths = build->what->paths;
    const char *name = vm_build_text(build, "name");
    autotext struct text text = {0};

    if (json_text_or(values, "bridge", NULL) == NULL) {
        if (name != NULL)
            vm_build_add(build, VM_DEVICES, "-netdev", "user,id=net%u,hostname=%s", index, name);
        else
            vm_build_add(build, VM_DEVICES, "-netdev", "user,id=net%u,hostname=vm%u", index,
                         build->what->vmid);
        return 0;
    }
    if (build->what->hand != NULL)
        return add_handed(build, index, json_text(values, "bridge"), virtio, queues, err);
    autofree char *up = vm_command_escape(paths->net_up != NULL ? paths->net_up : "no");
    autofree char *down = vm_command_escape(paths->net_down != NULL ? paths->net_down : "no");
    text_printf(&text, "tap,id=net%u,ifname=tap%ui%u,script=%s,downscript=%s", index, build->what->vmid,
                index, up, down);
    if (virtio)
        text_append(&text, ",vhost=on");
    if (queues > 1)
        text_printf(&text, ",queues=%lld", queues);
    vm_build_add(build, VM_DEVICES, "-netdev", "%s", text_string(&text));
    return 0;
}

static void add_front_end(struct vm_build *build, unsigned index, const json_t *values, bool virtio,
                          long long queues)
{
    struct vm_key_name id = vm_key_name("net", index);
    const char *model = json_text_or(values, "model", NULL), *mac = json_text_or(values, "macaddr", NULL);
    bool isa = strcmp(model, "ne2k_isa") == 0, bridge = json_text_or(values, "bridge", NULL) != NULL;
    long long mtu = vm_value_number(values, "mtu", 1);
    autotext struct text text = {0};

    if (mtu <= 1) /* 1 means the bridge's MTU, which is also the default */
        mtu = build->what->bridge_mtu != NULL ? build->what->bridge_mtu[index] : 0;
    text_append(&text, virtio ? "virtio-net-pci" : model);
    if (mac != NULL)
        text_printf(&text, ",mac=%s", mac);
    text_printf(&text, ",netdev=%s%s,id=%s", id.text, isa ? "" : vm_build_address(build, id.text).text,
                id.text);
    if (queues > 1 && virtio)
        text_printf(&text, ",vectors=%lld,mq=on,packed=on", 2 * queues + 2);
    if (virtio)
        text_append(&text, ",rx_queue_size=1024,tx_queue_size=256");
    text_append(&text, vm_build_bootindex(build, id.text).text);
    if (virtio && bridge && mtu != 0)
        text_printf(&text, ",host_mtu=%lld", mtu);
    if (virtio && vm_value_number(values, "host-tunnel", 0) == 0 &&
        vm_build_machine_at_least(build, 11, 0, 1))
        text_append(&text, ",host_tunnel=off");
    vm_build_add(build, VM_DEVICES, "-device", "%s", text_string(&text));
}

int vm_build_add_nets(struct vm_build *build, struct error *err)
{
    for (unsigned i = 0; i < VM_NETS; i++) {
        struct vm_key_name key = vm_key_name("net", i);
        autojson json_t *values = NULL;
        if (vm_value_parts(build->what->config, key.text, &values, err) != 0)
            return -1;
        if (json_object_size(values) == 0)
            continue;
        bool virtio = strcmp(json_text_or(values, "model", NULL), "virtio") == 0;
        long long queues = virtio ? vm_value_number(values, "queues", 0) : 0;
        if (!virtio && json_object_get(values, "mtu") != NULL)
            return error_set_field(err, key.text, "%s: mtu can only be set for a virtio card, not for %s",
                                   key.text, json_text_or(values, "model", NULL));
        if (add_back_end(build, i, values, virtio, queues, err) != 0)
            return -1;
        add_front_end(build, i, values, virtio, queues);
    }
    return 0;
}
