/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running VM's guest agent. */
#include "broker/worker/vm_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "vm/qmp/agent.h"

#define TURN_MS      5000
#define HANDSHAKE_MS 3000
#define ANSWER_MS    10000
#define REFUSAL_MS   1000 /* of a shutdown, whose only answer is that it is refused */

static char *path_of(const struct machine *machine)
{
    return xasprintf("%s/%lld.qga", machine->folder, machine->vmid);
}

bool vm_guest_has_channel(const struct machine *machine)
{
    autofree char *path = path_of(machine);

    return access(path, F_OK) == 0;
}

/* The lock is on the folder, which is root's alone, and ends with the descriptor. */
static int take_turn(const struct machine *machine, int *ret, struct error *err)
{
    long long deadline = clock_milliseconds() + TURN_MS;
    autoclose int folder = open(machine->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return error_set_errno(err, errno, "cannot open '%s'", machine->folder);
    while (flock(folder, LOCK_EX | LOCK_NB) != 0) {
        if (clock_milliseconds() >= deadline)
            return error_set(err, ERROR_BUSY, "got timeout");
        nanosleep(&(const struct timespec){.tv_nsec = 20000000}, NULL);
    }
    *ret = folder;
    folder = -1;
    return 0;
}

static int open_agent(const struct machine *machine, const char *command, int *ret_turn, int *ret,
                      struct error *err)
{
    autofree char *path = path_of(machine);

    if (take_turn(machine, ret_turn, err) != 0)
        return error_set(err, ERROR_FAILED, "VM %lld qga command '%s' failed - got timeout", machine->vmid,
                         command);
    return agent_open(path, HANDSHAKE_MS, ret, err);
}

int vm_guest_ask(const struct machine *machine, const char *command, json_t **ret, struct error *err)
{
    autoclose int turn = -1, agent = -1;

    if (open_agent(machine, command, &turn, &agent, err) != 0)
        return -1;
    if (agent_execute(agent, command, ANSWER_MS, ret, err) == 0)
        return 0;
    err->kind = ERROR_FAILED;
    return error_prefix(err, "VM %lld qga command '%s' failed - ", machine->vmid, command);
}

int vm_guest_shut_down(const struct machine *machine, struct error *err)
{
    autoclose int turn = -1, agent = -1;
    autojson json_t *refusal = NULL;
    struct error silence;

    if (open_agent(machine, "guest-shutdown", &turn, &agent, err) != 0)
        return -1;
    if (agent_execute(agent, "guest-shutdown", REFUSAL_MS, &refusal, &silence) != 0 ||
        json_object_get(refusal, "error") == NULL)
        return 0;
    return error_set(err, ERROR_FAILED, "the guest agent refuses guest-shutdown");
}
