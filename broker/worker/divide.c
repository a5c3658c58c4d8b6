/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dividing a physical function into virtual ones, and making it whole again. */
#include "broker/worker/divide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/worker/unit.h"
#include "broker/worker/vf_nvme.h"
#include "hardware/slice/nvme.h"

/* One physical function while its count changes. */
struct division {
    struct worker *worker;
    struct pci_address address;
    char id[PCI_ADDRESS_SIZE];
    struct driver_state driver;
    struct vfs_state now;
    bool done; /* something was changed */
    bool made; /* virtual functions are new */
};

__attribute__((format(printf, 3, 4))) static int announce(struct division *division, struct error *err,
                                                          const char *format, ...)
{
    char text[128];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return worker_step(division->worker, division->id, text, err);
}

static int read_now(struct division *division, const struct driver_state *was, struct error *err)
{
    const struct sysroot *sysroot = division->worker->sysroot;

    if (announce(division, err, "read driver and sriov_numvfs") != 0 ||
        driver_read_state(sysroot, division->address, &division->driver, err) != 0)
        return -1;
    if (division->driver.vendor != was->vendor || division->driver.device != was->device)
        return error_set(err, ERROR_NOT_FOUND, "another device (%04x:%04x) is at %s now, where %04x:%04x was",
                         division->driver.vendor, division->driver.device, division->id, was->vendor,
                         was->device);
    return vfs_read(sysroot, division->address, &division->now, err);
}

static int set_autoprobe(struct division *division, bool autoprobe, struct error *err)
{
    if (division->now.autoprobe == autoprobe)
        return 0;
    if (announce(division, err, "write %d to sriov_drivers_autoprobe", (int)autoprobe) != 0)
        return -1;
    division->done = true;
    if (vfs_set_autoprobe(division->worker->sysroot, division->address, autoprobe, err) != 0)
        return -1;
    division->now.autoprobe = autoprobe;
    return 0;
}

/* NVIDIA's driver wants its own program to do it ("Virtual GPU Software User Guide", "Preparing the Virtual
 * Function for an NVIDIA vGPU"). It takes no count, so what it made is compared with what was asked for. */
static bool has_program(const struct worker *worker, const char *driver)
{
    return strcmp(driver, "nvidia") == 0 && program_may_run(worker->sysroot) &&
           program_is_there(PROGRAM_SRIOV_ENABLE);
}

int divide_check_count(const struct worker *worker, const struct plan_function *physical, unsigned total,
                       unsigned count, struct error *err)
{
    if (count == 0 || count == total || !has_program(worker, physical->was.driver))
        return 0;
    return error_set_field(err, "numvfs",
                           "value %u is neither 0 nor %u: sriov-manage, which changes the count for the "
                           "driver nvidia, makes all virtual functions of %s or removes them",
                           count, total, physical->id);
}

/* The program may change autoprobe as well. */
static int run_program(struct division *division, unsigned count, struct error *err)
{
    struct worker *worker = division->worker;

    division->done = true;
    if (unit_run(worker, division->id, count > 0 ? PROGRAM_SRIOV_ENABLE : PROGRAM_SRIOV_DISABLE, division->id,
                 err) != 0 ||
        announce(division, err, "read sriov_numvfs") != 0 ||
        vfs_read(worker->sysroot, division->address, &division->now, err) != 0)
        return -1;
    if (division->now.count != count)
        return error_set(err, ERROR_FAILED,
                         "sriov-manage says that it worked, but %s has %u virtual functions, not %u: see "
                         "dmesg, and whether the driver has its vGPU mode on",
                         division->id, division->now.count, count);
    return vfs_wait(worker->sysroot, division->address, count, err);
}

static int set_count(struct division *division, unsigned count, struct error *err)
{
    if (division->now.count == count)
        return 0;
    if (has_program(division->worker, division->driver.driver))
        return run_program(division, count, err);
    if (announce(division, err, "write %u to sriov_numvfs", count) != 0)
        return -1;
    division->done = true;
    if (vfs_set_count(division->worker->sysroot, division->address, division->driver.driver, count, err) != 0)
        return -1;
    division->now.count = count;
    return vfs_wait(division->worker->sysroot, division->address, count, err);
}

static int change_count(struct division *division, unsigned count, struct error *err)
{
    if (division->now.count == count)
        return 0;
    if (set_count(division, 0, err) != 0 || (count > 0 && set_autoprobe(division, false, err) != 0) ||
        set_count(division, count, err) != 0)
        return -1;
    division->made = count > 0;
    return 0;
}

/* If a driver refuses one, the others get theirs all the same. */
static int probe_one(struct division *division, unsigned index, struct error *err)
{
    struct worker *worker = division->worker;
    char id[PCI_ADDRESS_SIZE], driver[DRIVER_NAME_SIZE];
    struct pci_address vf;
    struct error refused;

    if (vfs_find(worker->sysroot, division->address, index, &vf, err) != 0)
        return -1;
    pci_address_format(vf, id);
    if (worker_step(worker, id, "ask the kernel to bind a driver", err) != 0)
        return -1;
    if (driver_probe(worker->sysroot, vf, NULL, driver, &refused) != 0)
        worker_log(worker, "warning: %s: %s", id, refused.message);
    else if (driver[0] != '\0')
        worker_log(worker, "%s: has %s", id, driver);
    return 0;
}

static int probe_all(struct division *division, struct error *err)
{
    for (unsigned i = 0; division->made && division->now.autoprobe && i < division->now.count; i++)
        if (probe_one(division, i, err) != 0)
            return -1;
    return 0;
}

static bool is_drive(const struct division *division)
{
    return strcmp(division->driver.driver, "nvme") == 0;
}

/* An NVMe drive's virtual functions work only after this. */
static int make_settings(struct division *division, const json_t *settings, struct error *err)
{
    int changed = is_drive(division) ? vf_nvme_apply(division->worker, division->address, division->now.count,
                                                     division->made, settings, err)
                                     : vf_settings_apply(division->worker, division->address, settings, err);

    division->done |= changed > 0;
    return changed < 0 ? -1 : 0;
}

int divide_function(struct worker *worker, struct pci_address address, const struct driver_state *was,
                    struct vfs_state wanted, const json_t *settings, struct error *err)
{
    struct division division = {.worker = worker, .address = address};

    pci_address_format(address, division.id);
    if (read_now(&division, was, err) != 0 || change_count(&division, wanted.count, err) != 0 ||
        make_settings(&division, settings, err) != 0 ||
        set_autoprobe(&division, wanted.autoprobe, err) != 0 || probe_all(&division, err) != 0)
        return -1;
    return division.done ? 1 : 0;
}

/* An NVMe drive's driver starts it again after a reset. */
static void wait_for_drive(const struct division *division)
{
    const struct sysroot *sysroot = division->worker->sysroot;
    char node[NVME_NODE_SIZE];
    struct error ignored;

    if (is_drive(division) && nvme_find(sysroot, division->address, node, &ignored) == 0)
        nvme_wait(sysroot, division->address, node);
}

int divide_renew(struct worker *worker, struct pci_address address, const struct driver_state *was,
                 struct error *err)
{
    struct division division = {.worker = worker, .address = address};

    pci_address_format(address, division.id);
    if (read_now(&division, was, err) != 0)
        return -1;
    if (division.now.count == 0)
        return 0;
    division.made = true; /* as if they were new */
    wait_for_drive(&division);
    autojson json_t *settings = vf_settings_kept(worker, address, division.now.count);
    if (make_settings(&division, settings, err) != 0)
        return -1;
    return division.done ? 1 : 0;
}

static struct vfs_state parse(const json_t *claim, const char *count, const char *autoprobe)
{
    return (struct vfs_state){
        .count = (unsigned)json_integer_value(json_object_get(claim, count)),
        .autoprobe = json_integer_value(json_object_get(claim, autoprobe)) != 0,
    };
}

int divide_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const char *id = json_text(claim, "id");
    struct driver_state was = {.vendor = (uint16_t)json_integer_value(json_object_get(claim, "vendor")),
                               .device = (uint16_t)json_integer_value(json_object_get(claim, "device"))};
    struct vfs_state former = parse(claim, "numvfs", "autoprobe");
    struct vfs_state wanted = parse(claim, "wanted-numvfs", "wanted-autoprobe");
    struct pci_address address;
    struct error back, forward, *last = &back;

    pci_address_parse(id, &address);
    int moved = divide_function(worker, address, &was, former, json_object_get(claim, "settings"), &back);
    if (moved >= 0) {
        if (moved > 0)
            worker_log(worker, "%s: has %u virtual functions again", id, former.count);
        worker_release(worker, id);
        text_printf(where, "has %u virtual functions as before", former.count);
        return 0;
    }
    if (back.kind != ERROR_NOT_FOUND) {
        worker_log(worker, "%s: cannot get its former %u virtual functions: %s", id, former.count,
                   back.message);
        if (divide_function(worker, address, &was, wanted, json_object_get(claim, "wanted-settings"),
                            &forward) >= 0) {
            worker_release(worker, id);
            text_printf(where, "could not go back and has %u virtual functions, as was asked for",
                        wanted.count);
            return 0;
        }
        last = &forward;
    }
    if (last->kind == ERROR_NOT_FOUND) {
        worker_log(worker, "%s: %s", id, last->message);
        worker_release(worker, id);
        text_append(where, "is gone");
        return 0;
    }
    worker_log(worker, "%s: cannot get the %u virtual functions that were asked for either: %s", id,
               wanted.count, forward.message);
    text_printf(where, "is left half-way (%s)", back.message);
    return -1;
}
