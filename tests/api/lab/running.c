/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VM 100 of the daemon, while it runs. */
#include "tests/api/lab/running.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "vm/qmp/qmp.h"

#define SECONDS 60
#define QMP_MS  60000

pid_t running_pid(void)
{
    struct broker *broker = broker_new(daemon_run());
    autojson json_t *all = NULL;
    struct error err;

    cr_assert_eq(broker_call(broker, "vms", NULL, json_object(), NULL, NULL, &all, &err), 0, "%s",
                 err.message);
    broker_free(broker);
    return (pid_t)json_integer_value(
        json_object_get(json_object_get(json_object_get(all, "vms"), "100"), "pid"));
}

static unsigned count_below(const json_t *devices, unsigned id)
{
    const json_t *device;
    unsigned count = 0;
    size_t i;

    json_array_foreach(devices, i, device)
        count += (json_integer_value(json_object_get(json_object_get(device, "id"), "device")) == id) +
                 count_below(json_object_get(json_object_get(device, "pci_bridge"), "devices"), id);
    return count;
}

json_t *running_ask(const char *command, json_t *arguments)
{
    autofree char *path = xasprintf("%s/vm/100/100.qmp", daemon_run());
    autoqmp struct qmp *qmp = NULL;
    json_t *answer = NULL;
    struct error err;

    cr_assert_eq(qmp_open(path, QMP_MS, &qmp, &err), 0, "%s", err.message);
    cr_assert_eq(qmp_execute(qmp, command, arguments, QMP_MS, &answer, &err), 0, "%s", err.message);
    return answer;
}

unsigned running_count(unsigned device)
{
    autojson json_t *buses = running_ask("query-pci", NULL);
    unsigned count = 0;
    const json_t *bus;
    size_t i;

    json_array_foreach(buses, i, bus)
        count += count_below(json_object_get(bus, "devices"), device);
    return count;
}

void running_ends(void)
{
    autofree char *folder = xasprintf("%s/vm/100", daemon_run());
    double end = machine_slept() + SECONDS;

    while (access(folder, F_OK) == 0 && machine_slept() < end)
        machine_sleep(50);
    cr_assert_neq(access(folder, F_OK), 0, "'%s' is left", folder);
    lab_broker_becomes_idle();
}
