/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks and CD-ROM drives as the guest sees them: controllers, places, boot order. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "vm/command/parts.h"
#include "vm/disk.h"

static const struct bus {
    const char *stem;
    unsigned count;
} buses[] = {[VM_IDE] = {"ide", VM_IDES},
             [VM_SATA] = {"sata", VM_SATAS},
             [VM_SCSI] = {"scsi", VM_SCSIS},
             [VM_VIRTIO] = {"virtio", VM_VIRTIOS}};

/* Older than the others: the order in which a boot disk is looked for. */
static const unsigned boot_buses[] = {VM_IDE, VM_SCSI, VM_VIRTIO, VM_SATA};

/* `cdrom` is another name for ide2. */
static const char *drive_text(const struct vm_build *build, const char *key)
{
    const char *text = vm_text(build, key);

    return text == NULL && strcmp(key, "ide2") == 0 ? vm_text(build, "cdrom") : text;
}

static int read_drive(const struct vm_build *build, unsigned bus, unsigned index, struct vm_disk *ret,
                      json_t **ret_values, struct error *err)
{
    struct vm_name key = vm_indexed(buses[bus].stem, index);
    const char *text = drive_text(build, key.text), *file;

    if (text == NULL)
        return 0;
    if (vm_disk_parse(key.text, text, ret_values, err) != 0)
        return error_prefix(err, "%s: ", key.text);
    if (vm_disk_path(key.text, *ret_values, &file, err) != 0)
        return -1;
    *ret = (struct vm_disk){.bus = bus,
                            .index = index,
                            .values = *ret_values,
                            .file = file,
                            .cdrom = vm_disk_is_cdrom(*ret_values),
                            .disc = strcmp(json_text(*ret_values, "file"), "cdrom") == 0};
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

/* Letters say what comes first, in hundreds: c disks, d CD-ROM drives, n network cards. */
static long long base_of(const char *letters, char letter)
{
    const char *found = strchr(letters, letter);

    return found != NULL ? 100 * (found - letters + 1) : 0;
}

static int read_old_disks(struct vm_build *build, const char *letters, struct error *err)
{
    long long disk = base_of(letters, 'c'), disc = base_of(letters, 'd');
    const char *boot_disk = vm_text(build, "bootdisk");
    bool found = false;

    for (size_t i = 0; i < COUNT_OF(boot_buses); i++)
        for (unsigned j = 0; j < buses[boot_buses[i]].count; j++) {
            autojson json_t *values = NULL;
            struct vm_disk drive = {0};
            if (read_drive(build, boot_buses[i], j, &drive, &values, err) != 0)
                return -1;
            if (values == NULL)
                continue;
            if (drive.cdrom && disc != 0)
                json_object_set_new(build->boot, drive.key, json_integer(disc++));
            if (drive.cdrom || disk == 0)
                continue;
            if (!found && (boot_disk == NULL || strcmp(boot_disk, drive.key) == 0)) {
                json_object_set_new(build->boot, drive.key, json_integer(disk));
                found = true;
            }
            disk++;
        }
    return 0;
}

int vm_boot_read(struct vm_build *build, struct error *err)
{
    autojson json_t *values = NULL;

    build->boot = json_object();
    if (vm_value_parts(build->what->config, "boot", &values, err) != 0)
        return -1;
    const char *order = json_text_or(values, "order", NULL), *letters = json_text_or(values, "legacy", NULL);
    const char *given = vm_text(build, "boot");
    if (order != NULL || (given != NULL && letters == NULL)) {
        read_order(build, order != NULL ? order : "");
        return 0;
    }
    if (letters == NULL)
        letters = "cdn";
    long long net = base_of(letters, 'n');
    for (unsigned i = 0; i < VM_NETS && net != 0; i++) {
        struct vm_name key = vm_indexed("net", i);
        if (vm_text(build, key.text) != NULL)
            json_object_set_new(build->boot, key.text, json_integer(net++));
    }
    return read_old_disks(build, letters, err);
}

/* "%20" and the like; a sequence that is none stays as it is. */
static char *decode(const char *value)
{
    struct text text = {0};

    for (; *value != '\0'; value++) {
        char digits[3] = {value[0], value[0] != '\0' ? value[1] : '\0', '\0'};
        unsigned long long number;
        if (*value == '%') {
            memcpy(digits, value + 1, strnlen(value + 1, 2));
            if (strlen(digits) == 2 && text_to_number(digits, 16, 255, &number) && number != 0) {
                text_append_bytes(&text, &(char){(char)number}, 1);
                value += 2;
                continue;
            }
        }
        text_append_bytes(&text, value, 1);
    }
    return text_take(&text);
}

static void print_decoded(struct text *text, const json_t *values, const char *key)
{
    const char *value = json_text_or(values, key, NULL);

    if (value == NULL)
        return;
    autofree char *plain = decode(value);
    autofree char *escaped = vm_escape(plain);
    text_printf(text, ",%s=%s", key, escaped);
}

static void print_given(struct text *text, const json_t *values, const char *key)
{
    const char *value = json_text_or(values, key, NULL);

    if (value != NULL)
        text_printf(text, ",%s=%s", key, value);
}

/* With writethrough and directsync the guest is told that there is no cache to flush. */
static const char *write_cache(const json_t *values)
{
    const char *cache = json_text_or(values, "cache", NULL);

    return cache != NULL && (strcmp(cache, "directsync") == 0 || strcmp(cache, "writethrough") == 0) ? "off"
                                                                                                     : "on";
}

static void print_common(struct vm_build *build, const struct vm_disk *drive, struct text *text)
{
    const json_t *values = drive->values;

    if (vm_value_number(values, "ssd", 0) != 0)
        text_append(text, ",rotation_rate=1");
    print_given(text, values, "wwn");
    print_given(text, values, "vendor");
    print_given(text, values, "product");
    text_append(text, vm_bootindex(build, drive->key).text);
    print_decoded(text, values, "serial");
    print_decoded(text, values, "model");
    if (!drive->cdrom && vm_machine_at_least(build, 10, 0, 0))
        text_printf(text, ",write-cache=%s", write_cache(values));
    print_given(text, values, "rerror");
    print_given(text, values, "werror");
}

/* ",drive=drive-ide0,id=ide0"; an empty CD-ROM drive has no node from version 10 on. */
static void print_back_end(struct vm_build *build, const struct vm_disk *drive, struct text *text)
{
    if (drive->file != NULL || !vm_machine_at_least(build, 10, 0, 0))
        text_printf(text, ",drive=drive-%s", drive->key);
    text_printf(text, ",id=%s", drive->key);
}

static void add_io_thread(struct vm_build *build, const struct vm_disk *drive, const char *id,
                          struct text *text)
{
    if (vm_value_number(drive->values, "iothread", 0) == 0)
        return;
    vm_add(build, VM_DEVICES, "-object", "iothread,id=iothread-%s", id);
    text_printf(text, ",iothread=iothread-%s", id);
}

static void print_virtio(struct vm_build *build, const struct vm_disk *drive, struct text *text)
{
    text_append(text, "virtio-blk-pci");
    print_back_end(build, drive, text);
    text_append(text, vm_place(build, drive->key).text);
    add_io_thread(build, drive, drive->key, text);
}

static void print_ide(struct vm_build *build, const struct vm_disk *drive, struct text *text)
{
    static const unsigned q35_channels[VM_IDES] = {0, 2, 1, 3}; /* each with one drive */
    bool q35 = build->machine.q35;

    text_printf(text, "%s,bus=ide.%u,unit=%u", drive->cdrom ? "ide-cd" : "ide-hd",
                q35 ? q35_channels[drive->index] : drive->index / 2, q35 ? 0 : drive->index % 2);
    print_back_end(build, drive, text);
}

static void print_sata(struct vm_build *build, const struct vm_disk *drive, struct text *text)
{
    if (!build->has_ahci)
        vm_add(build, VM_DEVICES, "-device", "ahci,id=ahci0,multifunction=on%s",
               vm_place(build, "ahci0").text);
    build->has_ahci = true;
    text_printf(text, "%s,bus=ahci0.%u", drive->cdrom ? "ide-cd" : "ide-hd", drive->index);
    print_back_end(build, drive, text);
}

/* Each disk has a controller of its own. */
static void add_single_controller(struct vm_build *build, const struct vm_disk *drive)
{
    struct vm_name id = vm_indexed("virtioscsi", drive->index);
    long long queues = vm_value_number(drive->values, "queues", 0);
    autotext struct text text = {0};

    text_printf(&text, "virtio-scsi-pci,id=%s%s", id.text, vm_place(build, id.text).text);
    add_io_thread(build, drive, id.text, &text);
    if (queues != 0)
        text_printf(&text, ",num_queues=%lld", queues);
    vm_add(build, VM_DEVICES, "-device", "%s", text_string(&text));
}

static void add_controller(struct vm_build *build, const char *kind, unsigned index)
{
    struct vm_name id = vm_indexed("scsihw", index);

    if (!build->scsi_controllers[index])
        vm_add(build, VM_DEVICES, "-device", "%s,id=%s%s", kind, id.text, vm_place(build, id.text).text);
    build->scsi_controllers[index] = true;
}

static const char *scsi_driver(const struct vm_disk *drive)
{
    if (drive->cdrom)
        return "scsi-cd";
    bool block =
        vm_value_number(drive->values, "scsiblock", 0) != 0 && text_starts_with(drive->file, "/dev/");
    return block ? "scsi-block" : "scsi-hd";
}

static void print_scsi(struct vm_build *build, const struct vm_disk *drive, struct text *text)
{
    const char *hardware = vm_text(build, "scsihw");
    const char *kind = hardware != NULL ? hardware : "lsi";
    bool single = strcmp(kind, "virtio-scsi-single") == 0, lsi = text_starts_with(kind, "lsi");
    unsigned most = lsi ? 7 : 256, controller = single ? drive->index : drive->index / most;

    if (single)
        add_single_controller(build, drive);
    else
        add_controller(build, kind, controller);
    text_printf(text, "%s,bus=%s%u.0", scsi_driver(drive), single ? "virtioscsi" : "scsihw", controller);
    if (lsi || strcmp(kind, "pvscsi") == 0)
        text_printf(text, ",scsi-id=%u", drive->index % most);
    else
        text_printf(text, ",channel=0,scsi-id=0,lun=%u", drive->index);
    print_back_end(build, drive, text);
    if (vm_machine_at_least(build, 10, 0, 0))
        text_printf(text, ",device_id=drive-%s", drive->key);
}

static void (*const printers[])(struct vm_build *, const struct vm_disk *, struct text *) = {
    [VM_IDE] = print_ide, [VM_SATA] = print_sata, [VM_SCSI] = print_scsi, [VM_VIRTIO] = print_virtio};

static int add_drive(struct vm_build *build, const struct vm_disk *drive, struct error *err)
{
    autotext struct text text = {0};

    if (vm_add_backend(build, drive, err) != 0)
        return -1;
    printers[drive->bus](build, drive, &text);
    print_common(build, drive, &text);
    vm_add(build, VM_DEVICES, "-device", "%s", text_string(&text));
    return 0;
}

int vm_add_drives(struct vm_build *build, struct error *err)
{
    for (unsigned bus = 0; bus < COUNT_OF(buses); bus++)
        for (unsigned i = 0; i < buses[bus].count; i++) {
            autojson json_t *values = NULL;
            struct vm_disk drive = {0};
            if (read_drive(build, bus, i, &drive, &values, err) != 0)
                return -1;
            if (values != NULL && add_drive(build, &drive, err) != 0)
                return -1;
        }
    return 0;
}
