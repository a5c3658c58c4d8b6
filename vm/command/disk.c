/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks and CD-ROM drives as the guest sees them: controllers, addresses, boot order. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "vm/command/parts.h"
#include "vm/disk.h"
#include "vm/refusal.h"

static const struct bus {
    const char *stem;
    unsigned count;
} buses[] = {[VM_IDE] = {"ide", VM_IDES},
             [VM_SATA] = {"sata", VM_SATAS},
             [VM_SCSI] = {"scsi", VM_SCSIS},
             [VM_VIRTIO] = {"virtio", VM_VIRTIOS}};

/* The order in which the boot disk of a VM without boot=order= is chosen. */
static const unsigned boot_buses[] = {VM_IDE, VM_SCSI, VM_VIRTIO, VM_SATA};

/* cdrom is another name for ide2. */
static const char *disk_text(const struct vm_build *build, const char *key)
{
    const char *text = vm_build_text(build, key);

    return text == NULL && strcmp(key, "ide2") == 0 ? vm_build_text(build, "cdrom") : text;
}

static void release_disk(struct vm_build_disk *disk)
{
    free(disk->file);
}

static int read_disk(const struct vm_build *build, unsigned bus, unsigned index, struct vm_build_disk *ret,
                     json_t **ret_values, struct error *err)
{
    struct vm_key_name key = vm_key_name(buses[bus].stem, index);
    const char *text = disk_text(build, key.text);
    char *file;

    if (text == NULL)
        return 0;
    if (vm_disk_parse(key.text, text, ret_values, err) != 0)
        return vm_refuse_key(key.text, err);
    if (vm_disk_path(key.text, *ret_values, build->what->paths->store, &file, err) != 0)
        return -1;
    *ret = (struct vm_build_disk){.bus = bus,
                                  .index = index,
                                  .values = *ret_values,
                                  .file = file,
                                  .cdrom = vm_disk_is_cdrom(*ret_values),
                                  .host_drive = strcmp(json_text(*ret_values, "file"), "cdrom") == 0};
    snprintf(ret->key, sizeof(ret->key), "%s", key.text);
    return 0;
}

/* boot: order=scsi0;net0 */
static void read_order(struct vm_build *build, const char *order)
{
    autosplit char **devices = format_split_list(order);

    for (size_t i = 0; devices[i] != NULL; i++)
        json_object_set_new(build->boot, devices[i], json_integer(100 + (json_int_t)i));
}

/* The bootindex of the first device of a kind: its letter's position in hundreds. c are disks, d CD-ROM
 * drives, n network cards. */
static long long base_of(const char *letters, char letter)
{
    const char *found = strchr(letters, letter);

    return found != NULL ? 100 * (found - letters + 1) : 0;
}

static int read_boot_letters(struct vm_build *build, const char *letters, struct error *err)
{
    long long next_disk = base_of(letters, 'c'), next_cdrom = base_of(letters, 'd');
    const char *boot_disk = vm_build_text(build, "bootdisk");
    bool found = false;

    for (size_t i = 0; i < COUNT_OF(boot_buses); i++)
        for (unsigned j = 0; j < buses[boot_buses[i]].count; j++) {
            autojson json_t *values = NULL;
            __attribute__((cleanup(release_disk))) struct vm_build_disk disk = {0};
            if (read_disk(build, boot_buses[i], j, &disk, &values, err) != 0)
                return -1;
            if (values == NULL)
                continue;
            if (disk.cdrom && next_cdrom != 0)
                json_object_set_new(build->boot, disk.key, json_integer(next_cdrom++));
            if (disk.cdrom || next_disk == 0)
                continue;
            if (!found && (boot_disk == NULL || strcmp(boot_disk, disk.key) == 0)) {
                json_object_set_new(build->boot, disk.key, json_integer(next_disk));
                found = true;
            }
            next_disk++;
        }
    return 0;
}

int vm_build_read_boot(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;

    build->boot = json_object();
    if (vm_value_parts(build->what->config, "boot", &values, err) != 0)
        return -1;
    const char *order = json_text_or(values, "order", NULL), *letters = json_text_or(values, "legacy", NULL);
    const char *given = vm_build_text(build, "boot");
    if (order != NULL || (given != NULL && letters == NULL)) {
        read_order(build, order != NULL ? order : "");
        return 0;
    }
    if (letters == NULL)
        letters = "cdn";
    long long net = base_of(letters, 'n');
    for (unsigned i = 0; i < VM_NETS && net != 0; i++) {
        struct vm_key_name key = vm_key_name("net", i);
        if (vm_build_text(build, key.text) != NULL)
            json_object_set_new(build->boot, key.text, json_integer(net++));
    }
    return read_boot_letters(build, letters, err);
}

static void print_decoded(struct text *text, const json_t *values, const char *key)
{
    const char *value = json_text_or(values, key, NULL);

    autotext struct text plain = {0};

    if (value == NULL)
        return;
    vm_value_append_decoded(&plain, value);
    autofree char *escaped = vm_command_escape(text_string(&plain));
    text_printf(text, ",%s=%s", key, escaped);
}

static void print_given(struct text *text, const json_t *values, const char *key)
{
    const char *value = json_text_or(values, key, NULL);

    if (value != NULL)
        text_printf(text, ",%s=%s", key, value);
}

/* With writethrough and directsync the guest sees a disk without a cache to flush. */
static const char *write_cache(const json_t *values)
{
    const char *cache = json_text_or(values, "cache", NULL);

    return cache != NULL && (strcmp(cache, "directsync") == 0 || strcmp(cache, "writethrough") == 0) ? "off"
                                                                                                     : "on";
}

static void print_common(struct vm_build *build, const struct vm_build_disk *disk, struct text *text)
{
    const json_t *values = disk->values;

    if (vm_value_number(values, "ssd", 0) != 0)
        text_append(text, ",rotation_rate=1");
    print_given(text, values, "wwn");
    print_given(text, values, "vendor");
    print_given(text, values, "product");
    text_append(text, vm_build_bootindex(build, disk->key).text);
    print_decoded(text, values, "serial");
    print_decoded(text, values, "model");
    if (!disk->cdrom && vm_build_machine_at_least(build, 10, 0, 0))
        text_printf(text, ",write-cache=%s", write_cache(values));
    print_given(text, values, "rerror");
    print_given(text, values, "werror");
}

/* ",drive=drive-ide0,id=ide0". From machine version 10 on, an empty CD-ROM drive has no back end to name. */
static void print_back_end(struct vm_build *build, const struct vm_build_disk *disk, struct text *text)
{
    if (disk->file != NULL || !vm_build_machine_at_least(build, 10, 0, 0))
        text_printf(text, ",drive=drive-%s", disk->key);
    text_printf(text, ",id=%s", disk->key);
}

static void add_io_thread(struct vm_build *build, const struct vm_build_disk *disk, const char *id,
                          struct text *text)
{
    if (vm_value_number(disk->values, "iothread", 0) == 0)
        return;
    vm_build_add(build, VM_DEVICES, "-object", "iothread,id=iothread-%s", id);
    text_printf(text, ",iothread=iothread-%s", id);
}

static void print_virtio(struct vm_build *build, const struct vm_build_disk *disk, struct text *text)
{
    text_append(text, "virtio-blk-pci");
    print_back_end(build, disk, text);
    text_append(text, vm_build_address(build, disk->key).text);
    add_io_thread(build, disk, disk->key, text);
}

static void print_ide(struct vm_build *build, const struct vm_build_disk *disk, struct text *text)
{
    static const unsigned q35_channels[VM_IDES] = {0, 2, 1, 3}; /* each for one disk */
    bool q35 = build->machine.q35;

    text_printf(text, "%s,bus=ide.%u,unit=%u", disk->cdrom ? "ide-cd" : "ide-hd",
                q35 ? q35_channels[disk->index] : disk->index / 2, q35 ? 0 : disk->index % 2);
    print_back_end(build, disk, text);
}

static void print_sata(struct vm_build *build, const struct vm_build_disk *disk, struct text *text)
{
    if (!build->has_ahci)
        vm_build_add(build, VM_DEVICES, "-device", "ahci,id=ahci0,multifunction=on%s",
                     vm_build_address(build, "ahci0").text);
    build->has_ahci = true;
    text_printf(text, "%s,bus=ahci0.%u", disk->cdrom ? "ide-cd" : "ide-hd", disk->index);
    print_back_end(build, disk, text);
}

/* Each disk has a controller of its own. */
static void add_single_controller(struct vm_build *build, const struct vm_build_disk *disk)
{
    struct vm_key_name id = vm_key_name("virtioscsi", disk->index);
    long long queues = vm_value_number(disk->values, "queues", 0);
    autotext struct text text = {0};

    text_printf(&text, "virtio-scsi-pci,id=%s%s", id.text, vm_build_address(build, id.text).text);
    add_io_thread(build, disk, id.text, &text);
    if (queues != 0)
        text_printf(&text, ",num_queues=%lld", queues);
    vm_build_add(build, VM_DEVICES, "-device", "%s", text_string(&text));
}

static void add_controller(struct vm_build *build, const char *kind, unsigned index)
{
    struct vm_key_name id = vm_key_name("scsihw", index);

    if (!build->scsi_controllers[index])
        vm_build_add(build, VM_DEVICES, "-device", "%s,id=%s%s", kind, id.text,
                     vm_build_address(build, id.text).text);
    build->scsi_controllers[index] = true;
}

static const char *scsi_driver(const struct vm_build_disk *disk)
{
    if (disk->cdrom)
        return "scsi-cd";
    bool block = vm_value_number(disk->values, "scsiblock", 0) != 0 && vm_disk_is_device(disk->file);
    return block ? "scsi-block" : "scsi-hd";
}

static void print_scsi(struct vm_build *build, const struct vm_build_disk *disk, struct text *text)
{
    const char *hardware = vm_build_text(build, "scsihw");
    const char *kind = hardware != NULL ? hardware : "lsi";
    bool single = strcmp(kind, "virtio-scsi-single") == 0, lsi = text_starts_with(kind, "lsi");
    unsigned most = lsi ? 7 : 256, controller = single ? disk->index : disk->index / most;

    if (single)
        add_single_controller(build, disk);
    else
        add_controller(build, kind, controller);
    text_printf(text, "%s,bus=%s%u.0", scsi_driver(disk), single ? "virtioscsi" : "scsihw", controller);
    if (lsi || strcmp(kind, "pvscsi") == 0)
        text_printf(text, ",scsi-id=%u", disk->index % most);
    else
        text_printf(text, ",channel=0,scsi-id=0,lun=%u", disk->index);
    print_back_end(build, disk, text);
    if (vm_build_machine_at_least(build, 10, 0, 0))
        text_printf(text, ",device_id=drive-%s", disk->key);
}

static void (*const printers[])(struct vm_build *, const struct vm_build_disk *, struct text *) = {
    [VM_IDE] = print_ide, [VM_SATA] = print_sata, [VM_SCSI] = print_scsi, [VM_VIRTIO] = print_virtio};

static int add_disk(struct vm_build *build, const struct vm_build_disk *disk, struct error *err)
{
    autotext struct text text = {0};

    if (vm_build_add_backend(build, disk, err) != 0)
        return -1;
    printers[disk->bus](build, disk, &text);
    print_common(build, disk, &text);
    vm_build_add(build, VM_DEVICES, "-device", "%s", text_string(&text));
    return 0;
}

int vm_build_add_disks(struct vm_build *build, struct error *err)
{
    for (unsigned bus = 0; bus < COUNT_OF(buses); bus++)
        for (unsigned i = 0; i < buses[bus].count; i++) {
            autojson json_t *values = NULL;
            __attribute__((cleanup(release_disk))) struct vm_build_disk disk = {0};
            if (read_disk(build, bus, i, &disk, &values, err) != 0)
                return -1;
            if (values != NULL && add_disk(build, &disk, err) != 0)
                return -1;
        }
    return 0;
}
