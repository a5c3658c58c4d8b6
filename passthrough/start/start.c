/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a VM: the daemon's half. */
#include "passthrough/start/start.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/call.h"
#include "passthrough/assign/claim.h"
#include "passthrough/machine.h"
#include "passthrough/preflight/preflight.h"
#include "passthrough/start/parts.h"
#include "passthrough/vm_document.h"
#include "storage/edit.h"
#include "vm/config/config.h"
#include "vm/value.h"

#define LEAST_SECONDS     30
#define HUGEPAGES_SECONDS 150
#define SECONDS_A_CARD    5

long long start_find_timeout(const json_t *config)
{
    autojson json_t *memory = NULL;
    struct error ignored;
    const char *key;
    json_t *value;
    long long seconds = LEAST_SECONDS, cards = 0;
    bool devices = false;

    vm_value_parts(config, "memory", &memory, &ignored);
    long long gib = vm_value_number(memory, "current", VM_DEFAULT_MEMORY) / 1024;
    if (gib > seconds)
        seconds = gib;
    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        devices |= text_starts_with(key, "hostpci");
        cards += text_starts_with(key, "net");
    }
    if (devices)
        seconds *= 4;
    if (json_object_get(config, "hugepages") != NULL && seconds < HUGEPAGES_SECONDS)
        seconds = HUGEPAGES_SECONDS;
    return seconds + SECONDS_A_CARD * cards;
}

struct applying {
    const struct start_host *host;
    long long vmid;
};

static int apply_pending(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct applying *applying = context;
    autojson json_t *document = NULL;
    int64_t revision = 0;

    if (vm_document_read(storage, applying->host->node, applying->vmid, &document, &revision, err) != 0)
        return -1;
    json_t *next = json_deep_copy(document);
    json_object_set_new(next, "config", vm_config_view(document, false));
    json_object_del(next, "pending");
    json_object_del(next, "delete");
    vm_config_settle_volumes(document, next, applying->vmid);
    vm_document_put(set, applying->vmid, revision, next);
    return 0;
}

int start_read_unlocked(const struct start_host *host, long long vmid, bool skip_lock, json_t **ret,
                        struct error *err)
{
    autojson json_t *document = NULL;

    if (vm_document_read(host->storage, host->node, vmid, &document, NULL, err) != 0)
        return -1;
    const char *lock = json_text_or(json_object_get(document, "config"), "lock", NULL);
    if (lock != NULL && !skip_lock)
        return error_set(err, ERROR_FAILED, "VM is locked (%s)", lock);
    *ret = TAKE(document);
    return 0;
}

/* Reads the VM as it will be started; pending changes become its configuration. */
static int read_startable(const struct start_host *host, long long vmid, bool skip_lock, json_t **ret,
                          struct error *err)
{
    const struct machines_source source = {host->broker, host->storage, host->sysroot};
    autojson json_t *document = NULL, *machines = NULL, *found = NULL;

    if (vm_document_read(host->storage, host->node, vmid, &found, NULL, err) != 0)
        return -1;
    if (vm_value_number(json_object_get(found, "config"), "template", 0) != 0)
        return error_set(err, ERROR_FAILED, "you can't start a vm if it's a template");
    if (start_read_unlocked(host, vmid, skip_lock, &document, err) != 0 ||
        machines_list(&source, &machines, err) != 0)
        return -1;
    if (machine_check_none(machines_find(machines, vmid), vmid, err) != 0)
        return -1;
    if (json_object_get(document, "pending") == NULL && json_object_get(document, "delete") == NULL) {
        *ret = TAKE(document);
        return 0;
    }
    if (edit_run(host->storage, apply_pending, &(struct applying){host, vmid}, err) != 0)
        return -1;
    return vm_document_read(host->storage, host->node, vmid, ret, NULL, err);
}

/* Logs a finding that prevents the start: what is wrong, and what to do. */
static void log_finding(struct task *task, const json_t *check)
{
    autofree char *remedy = xstrdup(json_text(check, "remedy"));
    char *rest = remedy, *line;

    task_log(task, "%s [%s]", json_text(check, "message"), json_text(check, "id"));
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            task_log(task, "    %s", line);
}

/* Whether the finding is what the task ends with, rather than the one so far: the first, but that a device
 * cannot be had comes before all others. */
static bool is_worse(const json_t *finding, const json_t *worst)
{
    return worst == NULL || (strcmp(json_text(finding, "id"), "device-chosen") == 0 &&
                             strcmp(json_text(worst, "id"), "device-chosen") != 0);
}

/* Logs every reason why the start would fail; one of them is the error. */
static int check(const struct start_host *host, long long vmid, const json_t *document,
                 const struct start_options *options, struct task *task, struct error *err)
{
    const struct preflight preflight = {.storage = host->storage,
                                        .sysroot = host->sysroot,
                                        .inventory = host->inventory,
                                        .broker = host->broker,
                                        .qemu = host->qemu,
                                        .paths = host->paths,
                                        .volume_dirs = host->volume_dirs,
                                        .node = host->node,
                                        .vmid = vmid,
                                        .document = document};
    autojson json_t *report = NULL;
    const json_t *finding, *worst = NULL;
    size_t i;

    if (preflight_run(&preflight, &report, err) != 0)
        return -1;
    json_array_foreach(json_object_get(report, "checks"), i, finding) {
        if (strcmp(json_text(finding, "severity"), "error") != 0 ||
            (options->skip_lock && strcmp(json_text(finding, "id"), "vm-locked") == 0))
            continue;
        log_finding(task, finding);
        if (is_worse(finding, worst))
            worst = finding;
    }
    return worst == NULL ? 0 : error_set(err, ERROR_FAILED, "%s", json_text(worst, "message"));
}

static bool has_devices(const struct assignments *assignments)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++)
        if (assignments->list[i].assigned)
            return true;
    return false;
}

json_t *start_describe_assigned(const struct assignments *assignments)
{
    json_t *all = json_object();

    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *own = &assignments->list[i];
        json_t *ids = json_array();
        for (char **id = own->ids; own->assigned && *id != NULL; id++)
            json_array_append_new(ids, json_string(*id));
        if (!own->assigned) {
            json_decref(ids);
            continue;
        }
        json_t *row = json_pack("{s:o}", "ids", ids);
        if (own->uuid[0] != '\0')
            json_object_set_new(row, "uuid", json_string(own->uuid));
        if (own->live_migration)
            json_object_set_new(row, "live-migration", json_integer(1));
        json_object_set_new(all, vm_key_name("hostpci", i).text, row);
    }
    return all;
}

/* The document's configuration with the options of this start. */
static json_t *make_config(const json_t *document, const struct start_options *options)
{
    json_t *config = vm_config_view(document, false);

    if (options->machine != NULL)
        json_object_set_new(config, "machine", json_string(options->machine));
    if (options->cpu != NULL)
        json_object_set_new(config, "cpu", json_string(options->cpu));
    return config;
}

void start_log_line(void *context, int number, const char *text)
{
    (void)number;
    task_log(context, "%s", text);
}

/* In Proxmox VE's words. */
static void warn_of_lost_variables(const json_t *config, struct task *task)
{
    if (strcmp(json_text(config, "bios"), "ovmf") == 0 && json_object_get(config, "efidisk0") == NULL)
        task_warn(task, "no efidisk configured! Using temporary efivars disk.");
}

/* Everything that follows the reservation. */
static int start_reserved(const struct start_host *host, long long vmid, json_t *config,
                          const struct start_options *options, const struct assignments *assignments,
                          struct task *task, struct error *err)
{
    const struct reservations reservations = {host->storage, host->sysroot};
    struct command_line_host line = {host->storage, host->sysroot, host->node, NULL, host->paths};
    autojson json_t *usb = NULL, *result = NULL;
    long long seconds = options->timeout > 0 ? options->timeout : start_find_timeout(config);

    if (command_line_find_usb(&line, config, &usb, err) != 0)
        return -1;
    warn_of_lost_variables(config, task);
    json_t *arguments =
        json_pack("{s:I, s:O, s:o, s:O, s:I}", "vmid", (json_int_t)vmid, "config", config, "assigned",
                  start_describe_assigned(assignments), "usb", usb, "timeout", (json_int_t)seconds);
    if (broker_call(host->broker, "vm_start", task_upid(task), arguments, start_log_line, task, &result,
                    err) != 0)
        return -1;
    if (!has_devices(assignments))
        return 0;
    return reservations_hand_over(&reservations, vmid,
                                  (pid_t)json_integer_value(json_object_get(result, "pid")), err);
}

static int claim_and_start(const struct start_host *host, long long vmid, const struct start_options *options,
                           struct task *task, struct error *err)
{
    const struct reservations reservations = {host->storage, host->sysroot};
    autojson json_t *document = NULL, *config = NULL;
    autoassignments struct assignments assignments = {0};
    struct error late;

    if (read_startable(host, vmid, options->skip_lock, &document, err) != 0 ||
        check(host, vmid, document, options, task, err) != 0)
        return -1;
    config = make_config(document, options);
    const struct assign assign = {
        .storage = host->storage, .node = host->node, .vmid = vmid, .config = config};
    if (claim_devices(&assign, &reservations, host->inventory, &assignments, err) != 0)
        return -1;
    int status = start_reserved(host, vmid, config, options, &assignments, task, err);
    if (status != 0 && reservations_release(&reservations, vmid, NULL, &late) != 0)
        task_warn(task, "its devices are still reserved: %s", late.message);
    if (inventory_source_refresh(host->inventory, &late) != 0)
        task_warn(task, "the list of devices could not be read again: %s", late.message);
    return status;
}

/* The VMs that are being started. A second start of one would take the first one's devices for its own, and
 * give them back when it fails. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long long being_started[TASK_RUNNING];

static long long *find_place(long long vmid)
{
    for (size_t i = 0; i < COUNT_OF(being_started); i++)
        if (being_started[i] == vmid)
            return &being_started[i];
    return NULL;
}

/* False if it is being started already. */
static bool enter(long long vmid)
{
    pthread_mutex_lock(&lock);
    long long *place = find_place(vmid) == NULL ? find_place(0) : NULL;
    if (place != NULL)
        *place = vmid;
    pthread_mutex_unlock(&lock);
    return place != NULL;
}

static void leave(long long vmid)
{
    pthread_mutex_lock(&lock);
    *find_place(vmid) = 0;
    pthread_mutex_unlock(&lock);
}

int start_run(const struct start_host *host, long long vmid, const struct start_options *options,
              struct task *task, struct error *err)
{
    if (!enter(vmid))
        return error_set(err, ERROR_FAILED, "VM %lld already running", vmid);
    int status = claim_and_start(host, vmid, options, task, err);
    leave(vmid);
    return status;
}

struct order {
    struct start_host host;
    long long vmid;
};

static int run_order(struct task *task, void *argument, struct error *err)
{
    const struct order *order = argument;
    const struct start_options options = {.timeout = -1};

    return start_run(&order->host, order->vmid, &options, task, err);
}

int start_begin_task(const struct start_host *host, long long vmid, const char *user,
                     char upid[static UPID_SIZE], struct error *err)
{
    autofree char *id = xasprintf("%lld", vmid);
    struct order *order = xcalloc(1, sizeof(*order));
    const struct task_start start = {
        .type = "qmstart", .id = id, .user = user, .run = run_order, .argument = order, .release = free};

    *order = (struct order){*host, vmid};
    if (task_begin(host->tasks, &start, upid, err) == 0)
        return 0;
    free(order);
    return -1;
}
