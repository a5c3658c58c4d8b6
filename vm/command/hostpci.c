/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostpciN: which address, port and options a device of the host has in the guest. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "vm/command/parts.h"
#include "vm/refusal.h"

#define FIXED_PORTS 4 /* ich9-pcie-port-1 to 4 always exist */

static const char *const override_properties[VM_ID_OVERRIDES] = {
    "x-pci-vendor-id", "x-pci-device-id", "x-pci-sub-vendor-id", "x-pci-sub-device-id"};

static bool is_set(const struct vm_hostpci *hostpci)
{
    return hostpci->hosts != NULL || hostpci->mapping != NULL;
}

/* Reads all hostpciN before anything is added, since other parts depend on x-vga and legacy-igd. */
int vm_build_read_hostpci(struct vm_build *build, struct error *err)
{
    autojson json_t *vga = NULL;

    if (vm_value_parts(build->what->config, "vga", &vga, err) != 0)
        return -1;
    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        struct vm_key_name key = vm_key_name("hostpci", i);
        struct vm_hostpci *hostpci = &build->hostpci[i];
        const char *value = vm_build_text(build, key.text);
        if (value == NULL)
            continue;
        if (vm_hostpci_parse(value, hostpci, err) != 0 ||
            vm_hostpci_check(hostpci, build->machine.q35, json_text_or(vga, "type", NULL), err) != 0)
            return vm_refuse_key(key.text, err);
        build->x_vga |= hostpci->x_vga;
        build->legacy_igd |= hostpci->legacy_igd;
    }
    return 0;
}

static int check_assigned(const struct vm_build *build, unsigned index, struct error *err)
{
    const struct vm_hostpci *hostpci = &build->hostpci[index];
    const struct vm_assigned *assigned = &build->what->assigned[index];

    if (assigned->count == 0 && hostpci->mapping != NULL)
        return error_set_field(err, vm_key_name("hostpci", index).text,
                               "could not find a free device for 'hostpci%u'", index);
    if (assigned->count == 0)
        return error_set_field(err, vm_key_name("hostpci", index).text, "no PCI device found for '%s'",
                               hostpci->hosts[0]);
    if (assigned->count > 8)
        return error_set_field(err, vm_key_name("hostpci", index).text,
                               "hostpci%u: %zu functions are too many: a device has at most 8", index,
                               assigned->count);
    if (hostpci->legacy_igd && (assigned->count > 1 || strcmp(assigned->ids[0], "0000:00:02.0") != 0))
        return error_set_field(err, vm_key_name("hostpci", index).text,
                               "hostpci%u: legacy-igd is for the host's device 00:02.0, not '%s'", index,
                               assigned->ids[0]);
    return 0;
}

/* A function can only be given to one device of the guest, but one parent can have several mediated devices.
 */
static int check_unique(const struct vm_build *build, json_t *seen, unsigned index, struct error *err)
{
    const struct vm_assigned *assigned = &build->what->assigned[index];

    for (size_t i = 0; i < assigned->count && assigned->uuid == NULL; i++) {
        if (json_object_get(seen, assigned->ids[i]) != NULL)
            return error_set_field(err, vm_key_name("hostpci", index).text,
                                   "device '%s' assigned more than once", assigned->ids[i]);
        json_object_set_new(seen, assigned->ids[i], json_true());
    }
    return 0;
}

/* Ports beyond the fixed ones share the slots 10 and 11. A guest looks at the other functions of a slot only
 * if it finds function 0, so that one is added as soon as another is needed. A port cannot be plugged in
 * itself, so all are there from the start if a device may be. */
static void add_ports(struct vm_build *build)
{
    bool wanted[VM_HOSTPCI + 1] = {false};
    bool all = build->machine.q35 && vm_value_hotplugs(build->what->config, "pci");

    for (unsigned i = FIXED_PORTS; i < VM_HOSTPCI; i++)
        if (is_set(&build->hostpci[i]) && build->hostpci[i].pcie)
            wanted[i + 1] = wanted[i < FIXED_PORTS + 8 ? FIXED_PORTS + 1 : FIXED_PORTS + 9] = true;
    for (unsigned port = FIXED_PORTS + 1; port <= VM_HOSTPCI; port++) {
        unsigned position = port - FIXED_PORTS - 1;
        if (all || wanted[port])
            vm_build_add(build, VM_BUSES, "-device",
                         "pcie-root-port,id=ich9-pcie-port-%u,bus=pcie.0,addr=%x.%u,x-speed=16,x-width=32,"
                         "multifunction=on,port=%u,chassis=%u",
                         port, 0x10 + position / 8, position % 8, port, port);
    }
}

static int print_host(const struct vm_build *build, unsigned index, size_t function, struct text *text,
                      struct error *err)
{
    const struct vm_assigned *assigned = &build->what->assigned[index];
    const struct vm_features *qemu = build->what->qemu;
    struct vm_version version = vm_build_version(build);

    if (assigned->uuid != NULL)
        text_printf(text, "vfio-pci,sysfsdev=/sys/bus/mdev/devices/%s", assigned->uuid);
    else
        text_printf(text, "vfio-pci,host=%s", assigned->ids[function]);
    if (!assigned->live_migration)
        return 0;
    if (vm_features_has_property(qemu, "vfio-pci", "enable-migration"))
        text_append(text, ",enable-migration=on");
    else if (vm_features_has_property(qemu, "vfio-pci", "x-enable-migration"))
        text_append(text, ",x-enable-migration=on");
    else
        return error_set_field(
            err, vm_key_name("hostpci", index).text,
            "hostpci%u: QEMU %u.%u.%u cannot migrate a passed-through device: unset the mapping's "
            "live-migration-capable",
            index, version.major, version.minor, version.micro);
    return 0;
}

/* Where the function is in the guest: ",id=hostpci0,bus=pci.0,addr=0x10"; if the device has several
 * functions,
 * ",id=hostpci0.1,bus=pci.0,addr=0x10.1". The addresses come from vm/address.c; with pcie=1 it is the port
 * with the number of the hostpciN, plus one. */
static void print_address(struct vm_build *build, unsigned index, size_t function, bool several,
                          struct text *text)
{
    const struct vm_hostpci *hostpci = &build->hostpci[index];
    struct vm_key_name id = vm_key_name("hostpci", index);
    char number[24] = "";

    if (several)
        snprintf(number, sizeof(number), ".%zu", function);
    text_printf(text, ",id=%s%s", id.text, number);
    if (hostpci->pcie)
        text_printf(text, ",bus=ich9-pcie-port-%u,addr=0x0", index + 1);
    else
        text_append(text, vm_build_address(build, hostpci->legacy_igd ? "legacy-igd" : id.text).text);
    text_append(text, number);
}

/* Before QEMU opens a romfile it looks whether its user may read a file of that name, so that no descriptor
 * can stand for it. */
static int print_romfile(struct vm_build *build, unsigned index, struct text *text, struct error *err)
{
    const struct vm_command *what = build->what;
    autofree char *from = xasprintf("%s/%s", what->paths->rom, build->hostpci[index].romfile);
    autofree char *path = xasprintf("%s/%u.hostpci%u.rom", what->paths->run, what->vmid, index);
    autofree char *handed = NULL;
    const struct vm_file file = {.kind = VM_FILE_ROM, .path = path, .from = from};

    if (what->hand != NULL && what->hand(what->hand_context, &file, &handed, err) != 0)
        return -1;
    autofree char *escaped = vm_command_escape(handed != NULL ? handed : from);
    text_printf(text, ",romfile=%s", escaped);
    return 0;
}

/* Options of the device as a whole, which are set on its first function. */
static int print_options(struct vm_build *build, unsigned index, bool several, struct text *text,
                         struct error *err)
{
    const struct vm_hostpci *hostpci = &build->hostpci[index];

    if (!hostpci->rombar)
        text_append(text, ",rombar=0");
    if (hostpci->x_vga && !build->ovmf)
        text_append(text, ",x-vga=on");
    if (several)
        text_append(text, ",multifunction=on");
    if (hostpci->romfile != NULL && print_romfile(build, index, text, err) != 0)
        return -1;
    text_append(text, vm_build_bootindex(build, vm_key_name("hostpci", index).text).text);
    for (size_t i = 0; i < VM_ID_OVERRIDES; i++)
        if (hostpci->overrides[i] != NULL)
            text_printf(text, ",%s=%s", override_properties[i], hostpci->overrides[i]);
    return 0;
}

static int add_functions(struct vm_build *build, unsigned index, struct error *err)
{
    const struct vm_assigned *assigned = &build->what->assigned[index];
    size_t count = assigned->uuid != NULL ? 1 : assigned->count;

    for (size_t i = 0; i < count; i++) {
        autotext struct text text = {0};
        if (print_host(build, index, i, &text, err) != 0)
            return -1;
        print_address(build, index, i, count > 1, &text);
        if (i == 0 && print_options(build, index, count > 1, &text, err) != 0)
            return -1;
        vm_build_add(build, VM_PASSTHROUGH, "-device", "%s", text_string(&text));
    }
    return 0;
}

int vm_build_add_hostpci(struct vm_build *build, struct error *err)
{
    autojson json_t *seen = json_object();

    add_ports(build);
    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        if (!is_set(&build->hostpci[i]))
            continue;
        if (check_assigned(build, i, err) != 0 || check_unique(build, seen, i, err) != 0 ||
            add_functions(build, i, err) != 0)
            return -1;
    }
    return 0;
}
