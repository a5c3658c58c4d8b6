/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All VMs of this node, up and down. */
#include "passthrough/start/all.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/call.h"
#include "passthrough/machine.h"
#include "passthrough/start/parts.h"
#include "passthrough/vm_document.h"
#include "storage/local.h"
#include "vm/value.h"

#define PIECE      64
#define ID_SIZE    16
#define UP_SECONDS 3
#define LOOK_NS    100000000L

/* Looks for half a minute, for a module that is loaded late; longer on a host that is too busy to look that
 * often. */
#define LOOKS 300

struct guest_order {
    long long vmid;
    struct start_order startup;
    char upid[UPID_SIZE]; /* of its task; "" if there is none */
};

struct guests {
    struct guest_order *list;
    size_t count;
};

struct start_order start_parse_order(const char *startup)
{
    struct start_order order = {ULLONG_MAX, -1, -1};
    autofree char *copy = xstrdup(startup);
    char *rest = copy, *part;
    unsigned long long number;

    while ((part = strsep(&rest, ",")) != NULL) {
        const char *value = strchr(part, '=');
        if (!text_to_number(value != NULL ? value + 1 : part, 10, INT_MAX, &number))
            continue;
        if (text_starts_with(part, "up="))
            order.up = (long long)number;
        else if (text_starts_with(part, "down="))
            order.down = (long long)number;
        else
            order.order = number;
    }
    return order;
}

static int compare(const void *a, const void *b)
{
    const struct guest_order *one = a, *other = b;

    if (one->startup.order != other->startup.order)
        return one->startup.order < other->startup.order ? -1 : 1;
    return (one->vmid > other->vmid) - (one->vmid < other->vmid);
}

static bool is_listed(const struct start_all *what, const char *id)
{
    for (const char *const *vm = what->vms; vm != NULL && *vm != NULL; vm++)
        if (strcmp(*vm, id) == 0)
            return true;
    return what->vms == NULL;
}

static void add(struct guests *guests, const char *id, const json_t *config)
{
    struct guest_order *guest;

    guests->list = xrealloc(guests->list, guests->count + 1, sizeof(*guests->list));
    guest = &guests->list[guests->count++];
    *guest = (struct guest_order){.vmid = strtoll(id, NULL, 10),
                                  .startup = start_parse_order(json_text(config, "startup"))};
}

/* Lists those that run, or else those that do not and should be started. */
static int list_guests(const struct start_host *host, const struct start_all *what, bool running,
                       struct guests *ret, struct error *err)
{
    const struct machines_source source = {host->broker, host->storage, host->sysroot};
    autojson json_t *machines = NULL;
    char last[ID_SIZE] = "";
    size_t count;

    if (machines_list(&source, &machines, err) != 0)
        return -1;
    do {
        autojson json_t *piece = NULL;
        const char *id;
        json_t *document;
        if (vm_document_list_after(host->storage, last, PIECE, &piece, err) != 0)
            return -1;
        count = json_object_size(piece);
        json_object_foreach(piece, id, document) {
            const json_t *config = json_object_get(document, "config");
            bool runs = json_object_get(machines, id) != NULL;
            bool wanted = what->force || vm_value_number(config, "onboot", 0) != 0;
            snprintf(last, sizeof(last), "%s", id);
            if (strcmp(vm_document_node(document), host->node) == 0 && is_listed(what, id) &&
                runs == running && (running || (wanted && vm_value_number(config, "template", 0) == 0)))
                add(ret, id, config);
        }
    } while (count == PIECE);
    if (ret->count > 0)
        qsort(ret->list, ret->count, sizeof(*ret->list), compare);
    return 0;
}

static void pause_for(struct task *task, long long seconds)
{
    for (long long i = 0; i < seconds * 10 && !task_is_stopped(task); i++)
        nanosleep(&(const struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

/* Waits for the end of the VM's task, and logs a failure. */
static void wait_for_guest(const struct start_host *host, struct task *task, const struct guest_order *guest,
                           const char *verb)
{
    for (;;) {
        autojson json_t *state = NULL;
        struct error gone;
        if (local_read_task(host->storage, guest->upid, &state, &gone) != 0)
            return;
        const char *result = json_text_or(state, "result", NULL);
        if (result != NULL && strcmp(result, "error") == 0)
            task_warn(task, "%s VM %lld failed: %s", verb, guest->vmid, json_text(state, "status"));
        if (result != NULL)
            return;
        nanosleep(&(const struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

/* "0000:01:00.0 (sriov)", once: what runs may be pending once more. */
static void add_kept(const json_t *row, struct text *ret)
{
    autofree char *name = xasprintf("%s (%s)", json_text(row, "function"), json_text(row, "operation"));

    if (strstr(text_string(ret), name) == NULL)
        text_printf(ret, "%s%s", ret->length > 0 ? ", " : "", name);
}

/* What is kept and can still come: a text for the log, "" if there is none. What the kernel does not answer
 * for is not waited for, and what waits for something else only while there is `time`. */
static void find_kept(const struct start_host *host, bool time, struct text *ret)
{
    autojson json_t *known = NULL;
    struct error nobody;
    const json_t *row;
    size_t i;

    if (broker_call(host->broker, "kept", NULL, json_object(), NULL, NULL, &known, &nobody) != 0)
        return;
    json_array_foreach(json_object_get(known, "kept"), i, row) {
        const char *state = json_text(row, "state");
        bool comes = strcmp(state, "next") == 0 || strcmp(state, "driver") == 0;
        if (strcmp(state, "running") == 0 || (comes && time))
            add_kept(row, ret);
    }
}

static void wait_for_kept(const struct start_host *host, struct task *task)
{
    autofree char *said = xstrdup("");

    for (unsigned looks = 0; !task_is_stopped(task); looks++) {
        autotext struct text left = {0};
        find_kept(host, looks < LOOKS, &left);
        if (left.length == 0)
            return;
        if (strcmp(said, left.data) != 0)
            task_log(task, "Waiting for the persistent settings of %s", left.data);
        free(said);
        said = xstrdup(left.data);
        nanosleep(&(const struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

static int check_stop(const struct task *task, struct error *err)
{
    return task_is_stopped(task) ? error_set(err, ERROR_FAILED, "interrupted by signal") : 0;
}

int start_all_up(const struct start_host *host, const struct start_all *what, struct task *task,
                 struct error *err)
{
    struct guests guests = {0};
    int status = list_guests(host, what, false, &guests, err);

    if (status == 0 && guests.count > 0) {
        wait_for_kept(host, task);
        status = check_stop(task, err);
    }
    for (size_t i = 0; status == 0 && i < guests.count; i++) {
        struct guest_order *guest = &guests.list[i];
        struct error why;
        task_log(task, "Starting VM %lld", guest->vmid);
        if (start_begin_task(host, guest->vmid, what->user, guest->upid, &why) != 0)
            task_warn(task, "Starting VM %lld failed: %s", guest->vmid, why.message);
        else
            wait_for_guest(host, task, guest, "Starting");
        if (i + 1 < guests.count && guest->startup.up > 0)
            task_log(task, "Waiting for %lld seconds (startup delay)", guest->startup.up);
        if (i + 1 < guests.count)
            pause_for(task, guest->startup.up >= 0 ? guest->startup.up : UP_SECONDS);
        status = check_stop(task, err);
    }
    free(guests.list);
    return status;
}

struct shutdown {
    struct start_host host;
    long long vmid;
    struct stop_options options;
};

static int run_shutdown(struct task *task, void *argument, struct error *err)
{
    const struct shutdown *self = argument;

    return start_stop(&self->host, self->vmid, &self->options, task, err);
}

static void begin_shutdown(const struct start_host *host, const struct start_all *what, struct task *task,
                           struct guest_order *guest)
{
    autofree char *id = xasprintf("%lld", guest->vmid);
    struct shutdown *self = xcalloc(1, sizeof(*self));
    const struct task_start start = {.type = "qmshutdown",
                                     .id = id,
                                     .user = what->user,
                                     .run = run_shutdown,
                                     .argument = self,
                                     .release = free};
    long long seconds = guest->startup.down >= 0 ? guest->startup.down : what->timeout;
    struct error why;

    *self = (struct shutdown){*host, guest->vmid, {false, true, what->force_stop, seconds}};
    task_log(task, "Stopping VM %lld (timeout = %lld seconds)", guest->vmid, seconds);
    if (task_begin(host->tasks, &start, guest->upid, &why) == 0)
        return;
    free(self);
    guest->upid[0] = '\0';
    task_warn(task, "Stopping VM %lld failed: %s", guest->vmid, why.message);
}

/* The VMs of one order, of which `last` is the highest, at once. */
static size_t shut_order_down(const struct start_host *host, const struct start_all *what, struct task *task,
                              struct guests *guests, size_t last)
{
    size_t first = last;

    while (first > 0 && guests->list[first - 1].startup.order == guests->list[last].startup.order)
        first--;
    for (size_t i = last + 1; i-- > first;)
        begin_shutdown(host, what, task, &guests->list[i]);
    for (size_t i = last + 1; i-- > first;)
        if (guests->list[i].upid[0] != '\0')
            wait_for_guest(host, task, &guests->list[i], "Stopping");
    return first;
}

int start_all_down(const struct start_host *host, const struct start_all *what, struct task *task,
                   struct error *err)
{
    struct guests guests = {0};
    int status = list_guests(host, what, true, &guests, err);

    for (size_t left = guests.count; status == 0 && left > 0;) {
        left = shut_order_down(host, what, task, &guests, left - 1);
        status = check_stop(task, err);
    }
    free(guests.list);
    return status;
}
