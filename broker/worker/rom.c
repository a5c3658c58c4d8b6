/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation rom: reads the expansion ROM of a function, and saves it as a romfile. Its content never goes
 * over a socket: what it is, does. */
#include "broker/worker/rom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/impact.h"
#include "broker/worker/undo.h"
#include "hardware/bind/rom_bar.h"
#include "hardware/pci/class.h"
#include "hardware/pci/rom.h"

const struct schema operation_rom_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "name",
     .type = SCHEMA_STRING,
     .optional = true,
     .pattern = "[A-Za-z0-9][A-Za-z0-9._+-]{0,127}",
     .text = "Saves it as a romfile of this name, which hostpciN can then name. Left out: the log says what "
             "is in "
             "it."},
    {.name = "overwrite",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "Even if there is a romfile of that name."},
    {.name = "force",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "Even while a driver of the host or a virtual machine has the device, whose registers may not "
             "answer during that time; and even if the ROM is damaged, or belongs to another device."},
    {.name = NULL}};

struct reading {
    struct worker *worker;
    const struct plan_function *function;
    bool forced;
    struct rom_bar was;
    unsigned char *data;
    size_t length;
    struct rom rom;
};

static bool has(const struct worker *worker, const char *flag)
{
    return json_integer_value(json_object_get(worker->arguments, flag)) != 0;
}

static int announce(const struct reading *reading, const char *what, struct error *err)
{
    return worker_step(reading->worker, reading->function->id, what, err);
}

/* While the ROM is read, the function may not answer at its BARs, which a driver does not expect. */
static int check_idle(const struct reading *reading, struct plan *plan, struct error *err)
{
    const char *driver = reading->function->was.driver, *id = reading->function->id;

    plan->list[0].loses_driver = driver[0] != '\0';
    if (impact_check(reading->worker, plan, "asked for its ROM", reading->forced ? FORCED : FORCE_ASKED,
                     err) != 0)
        return -1;
    if (driver[0] == '\0' || driver_is_vfio(driver) || strcmp(driver, "pci-stub") == 0 || reading->forced)
        return 0;
    return error_set(
        err, ERROR_FAILED,
        "%s has the driver %s, and may not answer to it while its ROM is read: give it to vfio-pci "
        "first (hostpci set /nodes/localhost/hardware/pci/%s/driver --driver vfio-pci), or say force=1",
        id, driver, id);
}

/* What the broker could not write to at its start stays closed to it (broker/daemon/mounts.h). */
static int check_folder(const char *folder, struct error *err)
{
    struct stat status;

    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return error_set(err, ERROR_FAILED,
                         "the ROM folder '%s' does not exist: make it (mkdir -p %s), then restart the "
                         "broker, which can only write to a folder that existed when it started",
                         folder, folder);
    if (access(folder, W_OK) != 0 && errno == EROFS)
        return error_set(
            err, ERROR_FAILED,
            "the broker may not write to the ROM folder '%s': restart it if the folder is new; under "
            "systemd another folder than /usr/share/kvm also needs the line ReadWritePaths=%s in a "
            "drop-in of hostpci-broker.service",
            folder, folder);
    return 0;
}

/* Before anything is touched; the name is looked at once more when the file is made. */
static int check_name(const struct worker *worker, struct error *err)
{
    const char *name = json_text(worker->arguments, "name");
    autofree char *path = xasprintf("%s/%s", worker->rom_dir, name);
    struct stat status;

    if (name[0] == '\0')
        return 0;
    if (check_folder(worker->rom_dir, err) != 0)
        return -1;
    if (lstat(path, &status) == 0 && !has(worker, "overwrite"))
        return error_set_field(err, "name", "'%s' exists already: choose another name, or say overwrite=1",
                               path);
    return 0;
}

/* {id, vendor, device, rom: {sleeps, enabled}} of broker/protocol.h. */
static json_t *pack_claims(const struct plan *plan, const struct rom_bar *was)
{
    json_t *claims = plan_pack_claims(plan, false);

    json_object_set_new(
        json_array_get(claims, 0), "rom",
        json_pack("{s:i, s:I}", "sleeps", (int)was->may_sleep, "enabled", (json_int_t)was->enabled));
    return claims;
}

static int prepare(struct reading *reading, struct plan *plan, json_t **ret_claims, struct error *err)
{
    if (plan_read(reading->worker, plan, err) != 0 || check_idle(reading, plan, err) != 0 ||
        rom_bar_read_state(reading->worker->sysroot, plan->list[0].device->address, &reading->was, err) != 0)
        return -1;
    autojson json_t *claims = pack_claims(plan, &reading->was);
    if (worker_claim(reading->worker, claims, err) != 0)
        return -1;
    *ret_claims = TAKE(claims);
    return 0;
}

static int read_rom(struct reading *reading, struct error *err)
{
    const struct sysroot *sysroot = reading->worker->sysroot;
    struct pci_address address = reading->function->device->address;

    if (reading->was.may_sleep && (announce(reading, "keep it awake", err) != 0 ||
                                   rom_bar_allow_sleep(sysroot, address, false, err) != 0))
        return -1;
    if (!reading->was.decodes && reading->was.enabled >= 0 && reading->function->was.driver[0] == '\0' &&
        (announce(reading, "enable it", err) != 0 ||
         rom_bar_enable_function(sysroot, address, true, err) != 0))
        return -1;
    if (announce(reading, "switch its ROM on", err) != 0 ||
        rom_bar_switch(sysroot, address, true, err) != 0 || announce(reading, "read its ROM", err) != 0)
        return -1;
    return rom_bar_read(sysroot, address, &reading->data, &reading->length, err);
}

/* What a claim says that the function had, and how far it is from that. */
struct way_back {
    struct worker *worker;
    const char *id;
    struct pci_address address;
    bool slept;
    long long enabled;
};

static int check_device(const struct way_back *back, const json_t *claim, struct error *err)
{
    struct driver_state now;

    if (worker_step(back->worker, back->id, "read its ids", err) != 0 ||
        driver_read_state(back->worker->sysroot, back->address, &now, err) != 0)
        return -1;
    if (now.vendor == json_integer_value(json_object_get(claim, "vendor")) &&
        now.device == json_integer_value(json_object_get(claim, "device")))
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "another device is at %s now", back->id);
}

static int go_back(const struct way_back *back, struct error *err)
{
    const struct sysroot *sysroot = back->worker->sysroot;
    struct rom_bar now;

    if (worker_step(back->worker, back->id, "switch its ROM off", err) != 0 ||
        rom_bar_switch(sysroot, back->address, false, err) != 0 ||
        rom_bar_read_state(sysroot, back->address, &now, err) != 0)
        return -1;
    if (now.enabled > back->enabled && back->enabled >= 0 &&
        (worker_step(back->worker, back->id, "disable it", err) != 0 ||
         rom_bar_enable_function(sysroot, back->address, false, err) != 0))
        return -1;
    if (!back->slept || now.may_sleep)
        return 0;
    return worker_step(back->worker, back->id, "let it sleep", err) != 0
               ? -1
               : rom_bar_allow_sleep(sysroot, back->address, true, err);
}

int rom_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const json_t *was = json_object_get(claim, "rom");
    struct way_back back = {.worker = worker,
                            .id = json_text(claim, "id"),
                            .slept = json_integer_value(json_object_get(was, "sleeps")) != 0,
                            .enabled = json_integer_value(json_object_get(was, "enabled"))};
    struct error err;

    pci_address_parse(back.id, &back.address);
    if (check_device(&back, claim, &err) == 0 && go_back(&back, &err) == 0) {
        text_append(where, "has its ROM switched off");
    } else if (err.kind == ERROR_NOT_FOUND) {
        worker_log(worker, "%s: %s", back.id, err.message);
        text_append(where, "is gone");
    } else {
        worker_log(worker, "%s: its ROM cannot be switched off: %s", back.id, err.message);
        text_printf(where, "is left with its ROM switched on (%s)", err.message);
        return -1;
    }
    worker_release(worker, back.id);
    return 0;
}

/* Whether it worked or not, the ROM is switched off. */
static int finish(const struct reading *reading, const json_t *claims, int result, struct error *err)
{
    autotext struct text where = {0};

    reading->worker->undoing = true;
    int undone = undo_claims(reading->worker, claims, &where);
    reading->worker->undoing = false;
    if (result == 0 && undone == 0)
        return 0;
    struct error reason = *err;
    return error_set(err, result == 0 ? ERROR_FAILED : reason.kind, "%s; %s",
                     result == 0 ? "its ROM was read" : reason.message, text_string(&where));
}

static void log_image(const struct reading *reading, const struct rom_image *image)
{
    autotext struct text what = {0};

    text_printf(&what,
                image->code == ROM_CODE_BIOS   ? "for a BIOS%s"
                : image->code == ROM_CODE_UEFI ? "for UEFI%s"
                                               : "of another kind%s",
                image->summed && !image->sum_right ? ", with a wrong checksum" : "");
    if (image->efi)
        text_printf(&what, " on %s%s", rom_machine_name(image->machine).text,
                    image->compression != 0 ? ", compressed" : "");
    worker_log(reading->worker, "%s: the image at %zu has %zu bytes and is %s (%04x:%04x)",
               reading->function->id, image->offset, image->length, text_string(&what), image->vendor,
               image->device);
}

static void note(const struct reading *reading, json_t *notes, const char *text)
{
    worker_log(reading->worker, "%s: %s", reading->function->id, text);
    json_array_append_new(notes, json_string(text));
}

static json_t *list_notes(const struct reading *reading)
{
    const struct pci_device *device = reading->function->device;
    json_t *notes = json_array();

    if (reading->was.shadow)
        note(reading, notes,
             "this is the copy that the firmware left in main memory: it may have been changed since, has no "
             "image "
             "for UEFI, and may be of another card; to read the ROM itself, let the host start on another "
             "card");
    if (!reading->rom.complete)
        note(reading, notes, reading->rom.fault);
    if (rom_find_damage(&reading->rom) != NULL)
        note(reading, notes, "the checksum of its image for a BIOS is wrong: it is damaged, or was changed");
    if (!rom_fits(&reading->rom, device->vendor, device->device)) {
        autofree char *ids = rom_list_ids(&reading->rom);
        autofree char *text =
            xasprintf("it is for %s, and this device is %04x:%04x", ids, device->vendor, device->device);
        note(reading, notes, text);
    }
    if (!rom_has_uefi(&reading->rom, ROM_MACHINE_X64))
        note(reading, notes,
             "it is not UEFI capable: with OVMF its screen stays dark until the guest's driver runs");
    return notes;
}

static json_t *describe(const struct reading *reading)
{
    const struct pci_device *device = reading->function->device;
    bool fits = rom_fits(&reading->rom, device->vendor, device->device);

    for (size_t i = 0; i < reading->rom.count; i++)
        log_image(reading, &reading->rom.images[i]);
    json_t *ret = rom_describe(&reading->rom);
    json_object_set_new(ret, "id", json_string(reading->function->id));
    json_object_set_new(ret, "fits", json_integer(fits));
    if (reading->was.shadow)
        json_object_set_new(ret, "shadow", json_integer(1));
    json_object_set_new(ret, "notes", list_notes(reading));
    return ret;
}

/* What the device's status shows until it is read again. */
static void save_fact(const struct reading *reading)
{
    const struct plan_function *function = reading->function;

    worker_save_fact(reading->worker, "rom", function->id, &function->was,
                     json_pack("{s:I, s:i, s:i, s:i, s:i}", "time", (json_int_t)time(NULL), "bios",
                               (int)rom_has_bios(&reading->rom), "uefi",
                               (int)rom_has_uefi(&reading->rom, ROM_MACHINE_X64), "complete",
                               (int)reading->rom.complete, "shadow", (int)reading->was.shadow));
}

static int parse(struct reading *reading, struct error *err)
{
    rom_parse(reading->data, reading->length, &reading->rom);
    if (reading->rom.count > 0)
        return 0;
    if (reading->length < 2)
        return error_set(err, ERROR_FAILED, "the ROM of %s is empty", reading->function->id);
    return error_set(
        err, ERROR_FAILED,
        "what %s gives as its ROM is none: it begins with %02x %02x, where 55 aa has to be, and has "
        "%zu bytes",
        reading->function->id, reading->data[0], reading->data[1], reading->length);
}

static int check_worth(const struct reading *reading, struct error *err)
{
    const struct pci_device *device = reading->function->device;

    if (reading->forced)
        return 0;
    if (!reading->rom.complete || rom_find_damage(&reading->rom) != NULL)
        return error_set(
            err, ERROR_FAILED, "it is not saved, as it is damaged: %s; say force=1 to save what is there",
            !reading->rom.complete ? reading->rom.fault : "the checksum of its image for a BIOS is wrong");
    if (rom_fits(&reading->rom, device->vendor, device->device))
        return 0;
    autofree char *ids = rom_list_ids(&reading->rom);
    return error_set(
        err, ERROR_FAILED,
        "it is not saved, as it is of another device: the ROM is for %.200s, and %s is %04x:%04x; say "
        "force=1 to save it nevertheless",
        ids, reading->function->id, device->vendor, device->device);
}

/* QEMU reads it as a user of its own. */
static int save(const struct reading *reading, json_t *result, struct error *err)
{
    const struct worker *worker = reading->worker;
    const char *name = json_text(worker->arguments, "name");
    autofree char *path = xasprintf("%s/%s", worker->rom_dir, name);
    const unsigned char *first = reading->data + reading->rom.before;

    if (name[0] == '\0')
        return 0;
    if (check_worth(reading, err) != 0)
        return -1;
    if ((has(worker, "overwrite") ? file_replace : file_create)(path, first, reading->rom.size, 0644, err) !=
        0)
        return error_prefix(err, "the ROM was read, but not saved: ");
    worker_log(reading->worker, "%s: its ROM is saved as '%s' (%zu bytes); to use it: romfile=%s",
               reading->function->id, path, reading->rom.size, name);
    json_object_set_new(result, "file", json_string(path));
    return 0;
}

static int use(struct reading *reading, json_t **ret, struct error *err)
{
    if (parse(reading, err) != 0)
        return -1;
    autojson json_t *result = describe(reading);
    save_fact(reading);
    if (save(reading, result, err) != 0)
        return -1;
    *ret = TAKE(result);
    return 0;
}

static int run(struct worker *worker, json_t **ret, struct error *err)
{
    struct reading reading = {.worker = worker, .forced = has(worker, "force")};
    autoplan struct plan plan = {.list = NULL};
    autojson json_t *claims = NULL;
    struct pci_address address;

    if (!pci_address_parse(json_text(worker->arguments, "id"), &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (check_name(worker, err) != 0 ||
        plan_choose(worker->sysroot, address, SCOPE_FUNCTION, &plan, err) != 0 ||
        plan_claim(worker, &plan, false, err) != 0)
        return -1;
    reading.function = &plan.list[0];
    if (prepare(&reading, &plan, &claims, err) != 0) {
        plan_release_claims(worker, &plan);
        return -1;
    }
    int result = finish(&reading, claims, read_rom(&reading, err), err);
    if (result == 0)
        result = use(&reading, ret, err);
    free(reading.data);
    return result;
}

const struct operation operation_rom = {
    .name = "rom",
    .text = "Reads the ROM of a function, and saves it as a romfile.",
    .arguments = operation_rom_arguments,
    .changes = true,
    .run = run,
};
