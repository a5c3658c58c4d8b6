/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that come and go while a VM runs. */
#include "passthrough/start/plug.h"

#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/call.h"
#include "hardware/paths.h"
#include "passthrough/assign/claim.h"
#include "passthrough/machine.h"
#include "passthrough/preflight/preflight.h"
#include "passthrough/start/parts.h"
#include "vm/value.h"

#define NVIDIA "0x10de" /* vendor */

bool start_plugs(const json_t *config)
{
    return vm_value_hotplugs(config, "pci");
}

static void log_line(void *context, int number, const char *text)
{
    if (context != NULL)
        start_log_line(context, number, text);
}

static int call(const struct start_host *host, const char *operation, json_t *arguments, struct task *task,
                struct error *err)
{
    autojson json_t *answer = NULL;
    char uuid[UUID_SIZE];
    struct error late;

    uuid_make(uuid);
    autofree char *id = xasprintf("%s:%s", uuid, operation);
    int result = broker_call(host->broker, operation, id, arguments, log_line, task, &answer, err);
    if (inventory_source_refresh(host->inventory, &late) != 0 && task != NULL)
        task_warn(task, "the list of devices could not be read again: %s", late.message);
    return result;
}

/* The values of all other hostpciN are left out: only what is new is given. */
static json_t *make_config(const json_t *config, const char *key, const char *value)
{
    json_t *copy = json_object();
    const char *name;
    json_t *other;

    json_object_foreach((json_t *)(uintptr_t)config, name, other)
        if (!text_starts_with(name, "hostpci"))
            json_object_set(copy, name, other);
    json_object_set_new(copy, key, json_string(value));
    return copy;
}

static int find_process(const struct start_host *host, long long vmid, pid_t *ret, struct error *err)
{
    const struct machines_source source = {host->broker, host->storage, host->sysroot};
    autojson json_t *machine = NULL;

    if (machines_require(&source, vmid, &machine, err) != 0)
        return -1;
    *ret = (pid_t)json_integer_value(json_object_get(machine, "pid"));
    return *ret > 0 ? 0 : error_set(err, ERROR_BUSY, "VM %lld is being started", vmid);
}

static bool is_nvidia(const struct start_host *host, const char *id)
{
    char vendor[16] = "";

    return sysfs_read(sysroot_fd(host->sysroot), path_of_function(id, "vendor").text, vendor,
                      sizeof(vendor)) > 0 &&
           strncmp(vendor, NVIDIA, strlen(NVIDIA)) == 0;
}

static void warn_of_nvidia(const struct start_host *host, const json_t *config,
                           const struct assignments *assignments, struct task *task)
{
    for (size_t i = 0; i < VM_HOSTPCI && strcmp(json_text(config, "ostype"), "l26") == 0; i++)
        for (char **id = assignments->list[i].ids; id != NULL && *id != NULL; id++)
            if (is_nvidia(host, *id))
                task_warn(task, PREFLIGHT_NVIDIA_HANGS, *id);
}

static int plug_reserved(const struct start_host *host, long long vmid, const json_t *config, const char *key,
                         const struct assignments *assignments, struct task *task, struct error *err)
{
    json_t *assigned = start_describe_assigned(assignments);

    if (task != NULL)
        warn_of_nvidia(host, config, assignments, task);
    return call(host, "vm_plug",
                json_pack("{s:I, s:s, s:O, s:o}", "vmid", (json_int_t)vmid, "key", key, "config", config,
                          "assigned", assigned),
                task, err);
}

int start_unplug(const struct start_host *host, long long vmid, const char *key, struct task *task,
                 struct error *err)
{
    const struct reservations reservations = {host->storage, host->sysroot};

    if (call(host, "vm_unplug", json_pack("{s:I, s:s}", "vmid", (json_int_t)vmid, "key", key), task, err) !=
        0)
        return -1;
    return reservations_release(&reservations, vmid, key, err);
}

int start_plug(const struct start_host *host, long long vmid, const json_t *config, const char *key,
               const char *value, struct task *task, struct error *err)
{
    const struct reservations reservations = {host->storage, host->sysroot};
    autojson json_t *wanted = make_config(config, key, value);
    autoassignments struct assignments assignments = {0};
    struct assign assign = {
        .storage = host->storage, .node = host->node, .vmid = vmid, .config = wanted, .plugs = true};
    struct error late;

    if (find_process(host, vmid, &assign.process, err) != 0 ||
        claim_devices(&assign, &reservations, host->inventory, &assignments, err) != 0)
        return -1;
    if (plug_reserved(host, vmid, wanted, key, &assignments, task, err) == 0)
        return 0;
    if (start_unplug(host, vmid, key, task, &late) != 0 &&
        task != NULL) /* the guest may have it, and keep it */
        task_warn(task, "its devices are still reserved: %s", late.message);
    return -1;
}
