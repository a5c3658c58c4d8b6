/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The display, the channels between host and guest, and the small devices. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "vm/command/parts.h"
#include "vm/refusal.h"

static const struct display {
    const char *type, *device;
} displays[] = {
    {"std", "VGA"},
    {"cirrus", "cirrus-vga"},
    {"vmware", "vmware-svga"},
    {"virtio", "virtio-vga"},
    {"virtio-gl", "virtio-vga-gl"},
    {"qxl", "qxl-vga"},
    {"qxl2", "qxl-vga"},
    {"qxl3", "qxl-vga"},
    {"qxl4", "qxl-vga"},
};

static const char *device_of(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(displays); i++)
        if (strcmp(displays[i].type, type) == 0)
            return displays[i].device;
    return NULL; /* none and serialN */
}

/* The display of a VM that has no key vga. With x-vga it is the card that is passed through. */
static const char *default_display(const struct vm_build *build)
{
    if (build->x_vga)
        return "none";
    return build->windows == 5 ? "cirrus" : "std";
}

static void add_screen(struct vm_build *build, const char *type, long long memory)
{
    bool virtio = text_starts_with(type, "virtio"), qxl = text_starts_with(type, "qxl");
    autotext struct text text = {0};

    text_printf(&text, "%s,id=vga", device_of(type));
    if (memory != 0 && virtio)
        text_printf(&text, ",max_hostmem=%lld", memory * 1048576);
    else if (memory != 0)
        text_printf(&text, ",vgamem_mb=%lld", memory);
    if (qxl && build->windows == 0)
        text_append(&text, ",max_outputs=4");
    text_append(&text, vm_build_address(build, "vga").text);
    if (strcmp(type, "std") == 0 && build->windows != 0 && !build->ovmf)
        text_append(&text, ",edid=off");
    vm_build_add(build, VM_DEVICES, "-device", "%s", text_string(&text));
    if (strcmp(type, "virtio-gl") == 0)
        vm_build_add(build, VM_DEVICES, "-display", "egl-headless,gl=core");
    if (qxl && build->windows != 0 && type[3] != '\0') /* Windows needs one card for each screen */
        for (unsigned i = 1; i < (unsigned)(type[3] - '0'); i++) {
            struct vm_key_name id = vm_key_name("vga", i);
            vm_build_add(build, VM_DEVICES, "-device", "qxl,id=%s%s", id.text,
                         vm_build_address(build, id.text).text);
        }
}

/* The channel that carries a console's clipboard and pointer. */
static void add_console_channel(struct vm_build *build, const char *type, const char *clipboard)
{
    if (clipboard == NULL && !text_starts_with(type, "qxl") && !text_starts_with(type, "virtio"))
        return;
    vm_build_add(build, VM_DEVICES, "-device", "virtio-serial,id=spice%s",
                 vm_build_address(build, "spice0").text);
    if (clipboard == NULL)
        return;
    vm_build_add(build, VM_DEVICES, "-chardev", "qemu-vdagent,id=vdagent,name=vdagent,clipboard=on");
    vm_build_add(build, VM_DEVICES, "-device", "virtserialport,chardev=vdagent,name=com.redhat.spice.0");
}

/* A pointing device with absolute coordinates, unless the display has its own. */
static void add_tablet(struct vm_build *build, const char *type)
{
    bool fallback = !text_starts_with(type, "qxl") && !text_starts_with(type, "serial");

    if (vm_build_number(build, "tablet", fallback) != 0)
        vm_build_add(build, VM_DEVICES, "-device", "usb-tablet,id=tablet,bus=%s,port=1",
                     build->machine.q35 ? "ehci.0" : "uhci.0");
}

int vm_build_add_display(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;
    const struct vm_command *what = build->what;
    autofree char *run = vm_command_escape(what->paths->run);

    if (vm_value_parts(build->what->config, "vga", &values, err) != 0)
        return -1;
    const char *type = json_text_or(values, "type", NULL);
    if (type == NULL)
        type = default_display(build);
    if (text_starts_with(type, "serial") && vm_build_text(build, type) == NULL)
        return error_set_field(err, "vga", "%s is the display, but %s is not set", type, type);
    add_tablet(build, type);
    if (device_of(type) == NULL) {
        build->no_graphics = true;
        if (strcmp(type, "none") == 0)
            vm_build_add(build, VM_HEAD, "-vga", "none");
        vm_build_add(build, VM_HEAD, "-nographic", NULL);
    } else {
        if (what->hand != NULL) /* the broker hands over each client that connects */
            vm_build_add(build, VM_HEAD, "-vnc", "none,password=on");
        else
            vm_build_add(build, VM_HEAD, "-vnc", "unix:%s/%u.vnc,password=on", run, what->vmid);
        add_screen(build, type, vm_value_number(values, "memory", 0));
    }
    add_console_channel(build, type, json_text_or(values, "clipboard", NULL));
    return 0;
}

static int add_serials(struct vm_build *build, struct error *err)
{
    for (unsigned i = 0; i < VM_SERIALS; i++) {
        struct vm_key_name id = vm_key_name("serial", i);
        const char *path = vm_build_text(build, id.text);
        if (path == NULL)
            continue;
        if (strcmp(path, "socket") == 0) {
            autofree char *socket = NULL;
            if (vm_build_socket(build, id.text, &socket, err) != 0)
                return -1;
            vm_build_add(build, VM_DEVICES, "-chardev", "socket,id=%s,%s,server=on,wait=off", id.text,
                         socket);
        } else {
            autofree char *escaped = vm_command_escape(path);
            vm_build_add(build, VM_DEVICES, "-chardev", "serial,id=%s,path=%s", id.text, escaped);
        }
        vm_build_add(build, VM_DEVICES, "-device", "isa-serial,chardev=%s", id.text);
    }
    return 0;
}

static int add_agent(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;
    autofree char *socket = NULL;

    if (vm_value_parts(build->what->config, "agent", &values, err) != 0)
        return -1;
    if (vm_value_number(values, "enabled", 0) == 0)
        return 0;
    const char *type = json_text_or(values, "type", NULL);
    if (vm_build_socket(build, "qga", &socket, err) != 0)
        return -1;
    vm_build_add(build, VM_DEVICES, "-chardev", "socket,%s,server=on,wait=off,id=qga0", socket);
    if (type != NULL && strcmp(type, "isa") == 0) {
        vm_build_add(build, VM_DEVICES, "-device", "isa-serial,chardev=qga0");
        return 0;
    }
    vm_build_add(build, VM_DEVICES, "-device", "virtio-serial,id=qga0%s",
                 vm_build_address(build, "qga0").text);
    vm_build_add(build, VM_DEVICES, "-device", "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0");
    return 0;
}

static int add_random(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;
    char limit[64] = "";

    if (vm_value_parts(build->what->config, "rng0", &values, err) != 0)
        return -1;
    if (json_object_size(values) == 0)
        return 0;
    long long bytes = vm_value_number(values, "max_bytes", 1024);
    if (bytes != 0)
        snprintf(limit, sizeof(limit), ",max-bytes=%lld,period=%lld", bytes,
                 vm_value_number(values, "period", 1000));
    const struct vm_file source = {.kind = VM_FILE_RANDOM, .path = json_text_or(values, "source", NULL)};
    autofree char *file = NULL;
    if (vm_build_volume(build, &source, &file, err) != 0)
        return vm_refuse_key("rng0", err);
    vm_build_add(build, VM_DEVICES, "-object", "rng-random,filename=%s,id=rng0", file);
    vm_build_add(build, VM_DEVICES, "-device", "virtio-rng-pci,rng=rng0%s%s", limit,
                 vm_build_address(build, "rng0").text);
    return 0;
}

static int add_watchdog(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;

    if (vm_value_parts(build->what->config, "watchdog", &values, err) != 0)
        return -1;
    if (json_object_size(values) == 0)
        return 0;
    const char *model = json_text_or(values, "model", NULL), *action = json_text_or(values, "action", NULL);
    bool isa = model != NULL && strcmp(model, "ib700") == 0;
    vm_build_add(build, VM_DEVICES, "-device", "%s%s", isa ? "ib700" : "i6300esb",
                 isa ? "" : vm_build_address(build, "watchdog0").text);
    if (action != NULL)
        vm_build_add(build, VM_DEVICES, "-watchdog-action", "%s", action);
    return 0;
}

int vm_build_add_channels(struct vm_build *build, struct error *err)
{
    if (add_serials(build, err) != 0 || add_agent(build, err) != 0 || add_random(build, err) != 0 ||
        add_watchdog(build, err) != 0)
        return -1;
    if (vm_build_number(build, "balloon", 1) != 0)
        vm_build_add(build, VM_DEVICES, "-device", "virtio-balloon-pci,id=balloon0%s,free-page-reporting=on",
                     vm_build_address(build, "balloon0").text);
    return 0;
}
