/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_console: a connection to a running VM's screen or serial port. It is one end of a pair of
 * sockets, or the client's end of one of QEMU's; QEMU's monitor stays here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/operations.h"
#include "broker/worker/vm_end.h"
#include "vm/qmp/qmp.h"

#define QMP_MS        3000
#define PASSWORD_TIME "+30" /* seconds in which it may be used */
#define PATIENCE      20
#define LOOKS         20 /* at a port that another terminal has, which may just have been closed */
#define LOOK_NS       100000000

const struct schema operation_vm_console_arguments[] = {
    ARGUMENT_VMID,
    {.name = "port",
     .type = SCHEMA_STRING,
     .values = VALUES("screen", "serial0", "serial1", "serial2", "serial3"),
     .text = "Where it leads to."},
    {.name = "password",
     .type = SCHEMA_STRING,
     .optional = true,
     .max_length = 8,
     .text = "Of screen: what QEMU asks for; VNC knows no more than 8 characters."},
    {.name = NULL}};

static int set_password(struct qmp *qmp, const char *password, struct error *err)
{
    if (qmp_execute(qmp, "set_password", json_pack("{s:s, s:s}", "protocol", "vnc", "password", password),
                    QMP_MS, NULL, err) != 0)
        return -1;
    return qmp_execute(qmp, "expire_password",
                       json_pack("{s:s, s:s}", "protocol", "vnc", "time", PASSWORD_TIME), QMP_MS, NULL, err);
}

/* QEMU listens nowhere: it is given each connection. */
static int open_screen(const struct machine *machine, const char *password, int *ret, struct error *err)
{
    autofree char *path = xasprintf("%s/%lld.qmp", machine->folder, machine->vmid);
    autoqmp struct qmp *qmp = NULL;
    int ends[2];

    if (qmp_open(path, QMP_MS, &qmp, err) != 0 || set_password(qmp, password, err) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot make a connection to the VM's screen");
    autoclose int ours = ends[0], theirs = ends[1];
    qmp_pass(qmp, theirs);
    if (qmp_execute(qmp, "getfd", json_pack("{s:s}", "fdname", "console"), QMP_MS, NULL, err) != 0 ||
        qmp_execute(qmp, "add_client",
                    json_pack("{s:s, s:s, s:b}", "protocol", "vnc", "fdname", "console", "skipauth", 0),
                    QMP_MS, NULL, err) != 0)
        return -1;
    *ret = ours;
    ours = -1;
    return 0;
}

/* QEMU answers one connection to a serial port; others wait, without a word, until that one ends. It says
 * "disconnected:unix:..." of a socket that has none. */
static int is_taken(struct qmp *qmp, const char *port, bool *ret, struct error *err)
{
    static const char free_one[] = "disconnected:";
    autojson json_t *chardevs = NULL;
    const json_t *row;
    size_t i;

    if (qmp_execute(qmp, "query-chardev", NULL, QMP_MS, &chardevs, err) != 0)
        return -1;
    *ret = false;
    json_array_foreach(chardevs, i, row)
        *ret |= strcmp(json_text(row, "label"), port) == 0 &&
                !text_starts_with(json_text(row, "filename"), free_one);
    return 0;
}

static int wait_until_free(const struct machine *machine, const char *port, struct error *err)
{
    autofree char *path = xasprintf("%s/%lld.qmp", machine->folder, machine->vmid);
    const struct timespec nap = {.tv_nsec = LOOK_NS};
    autoqmp struct qmp *qmp = NULL;
    bool taken = true;

    if (qmp_open(path, QMP_MS, &qmp, err) != 0)
        return -1;
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if (is_taken(qmp, port, &taken, err) != 0)
            return -1;
        if (!taken)
            return 0;
        nanosleep(&nap, NULL);
    }
    return error_set(err, ERROR_FAILED,
                     "another terminal has %s of VM %lld: close that one, or stop its task, and try again",
                     port, machine->vmid);
}

static int open_serial(const struct machine *machine, const char *port, int *ret, struct error *err)
{
    autofree char *path = xasprintf("%s/%lld.%s", machine->folder, machine->vmid, port);

    if (wait_until_free(machine, port, err) != 0)
        return -1;
    *ret = qmp_connect(path, QMP_MS, err);
    return *ret >= 0 ? 0 : -1;
}

static int open_console(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    const char *port = json_text(worker->arguments, "port"),
               *password = json_text(worker->arguments, "password");
    long long vmid = vm_id(worker);

    if (machine_find(worker->run_dir, vmid, &machine, err) != 0 || !process_runs(machine.qemu))
        return error_set(err, ERROR_FAILED, "VM %lld not running", vmid);
    *ret = json_object();
    return strcmp(port, "screen") == 0 ? open_screen(&machine, password, &worker->given, err)
                                       : open_serial(&machine, port, &worker->given, err);
}

const struct operation operation_vm_console = {
    .name = "vm_console",
    .text = "Connects to a running VM's screen or serial port.",
    .arguments = operation_vm_console_arguments,
    .patience = PATIENCE,
    .run = open_console,
};
