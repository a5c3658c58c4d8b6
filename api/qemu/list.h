/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of VMs for /nodes/{node}/qemu and /cluster/resources, and which VMs run. */
#ifndef HOSTPCI_API_QEMU_LIST_H
#define HOSTPCI_API_QEMU_LIST_H

#include "api/request.h"
#include "passthrough/machine.h"

struct machines_source qemu_machines(const struct service *service);

/* {VMID: machine (passthrough/machine.h)} of the VMs that run on this node. The caller drops. */
int qemu_list_running(const struct service *service, json_t **ret, struct error *err);

/* What /nodes/{node}/qemu/{vmid}/devices shows: passthrough/guest.h. */
int qemu_list_devices(const struct service *service, long long vmid, json_t **ret, struct error *err);

struct qemu_seen {
    long long vmid;
    const json_t *document;
    const json_t *machine; /* NULL: it does not run */
};

typedef json_t *qemu_row_function(const struct service *service, const struct qemu_seen *seen);

/* Appends a row for each VM, of all nodes, that the caller may see, in the order of their ids as strings.
 * make_row returns NULL for a VM that is to be left out. */
int qemu_list_visible(struct request *request, qemu_row_function *make_row, json_t *list, struct error *err);

/* The members that rows of both lists have. */
json_t *qemu_describe(const struct service *service, const struct qemu_seen *seen);

/* The same, with the members that only a VM of this node has. */
json_t *qemu_describe_here(const struct service *service, const struct qemu_seen *seen);
long long qemu_count_cpus(const json_t *document);

#define QEMU_SIZE(key, about)                                                                                \
    {.name = (key), .type = SCHEMA_INTEGER, .optional = true, .range = AT_LEAST(0), .text = (about)}
#define QEMU_PROPERTIES                                                                                      \
    OPTIONAL_TEXT("name", "Its name, or VM and its id."),                                                    \
        OPTIONAL_TEXT("lock", "Why changes are refused, such as backup or migrate."),                        \
        OPTIONAL_TEXT("tags", "Separated by ;."),                                                            \
        {.name = "template",                                                                                 \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .fallback = "0",                                                                                    \
         .text = "Whether it is a template for other VMs."},                                                 \
        {.name = "cpu",                                                                                      \
         .type = SCHEMA_NUMBER,                                                                              \
         .optional = true,                                                                                   \
         .range = AT_LEAST(0),                                                                               \
         .text = "Used CPU, 0 to 1."},                                                                       \
        QEMU_SIZE("mem", "Used memory in bytes."),                                                           \
        QEMU_SIZE("memhost", "Memory of its QEMU process in bytes."),                                        \
        QEMU_SIZE("maxmem", "Memory in bytes."), QEMU_SIZE("disk", "Always 0: only the guest knows."),       \
        QEMU_SIZE("maxdisk", "Size of its first disk in bytes."),                                            \
        QEMU_SIZE("diskread", "Bytes read since its start."),                                                \
        QEMU_SIZE("diskwrite", "Bytes written since its start."),                                            \
        QEMU_SIZE("netin", "Bytes received since its start."),                                               \
        QEMU_SIZE("netout", "Bytes sent since its start."), QEMU_SIZE("uptime", "Seconds since its start.")

#define QEMU_PRESSURE(key, about)                                                                            \
    {.name = (key), .type = SCHEMA_NUMBER, .optional = true, .range = AT_LEAST(0), .text = (about)}
#define QEMU_PROPERTIES_HERE                                                                                 \
    OPTIONAL_NUMBER("cpus", "Number of its processors."),                                                    \
        OPTIONAL_FLAG("serial", "Whether it has a serial port."),                                            \
        OPTIONAL_NUMBER("pid", "Pid of its QEMU process, while it runs."),                                   \
        OPTIONAL_TEXT("qmpstatus", "As QEMU says: running, paused, prelaunch, io-error ..."),                \
        OPTIONAL_TEXT("running-machine", "Its machine type, while it runs."),                                \
        OPTIONAL_TEXT("running-qemu", "The version of its QEMU, while it runs."),                            \
        QEMU_PRESSURE("pressurecpusome",                                                                     \
                      "Percentage of the last 10 s in which some of its threads waited for a CPU."),         \
        QEMU_PRESSURE("pressurecpufull", "The same for all of them."),                                       \
        QEMU_PRESSURE("pressureiosome", "The same for some of them that waited for a disk."),                \
        QEMU_PRESSURE("pressureiofull", "The same for all of them."),                                        \
        QEMU_PRESSURE("pressurememorysome", "The same for some of them that waited for memory."),            \
        QEMU_PRESSURE("pressurememoryfull", "The same for all of them.")

#endif
