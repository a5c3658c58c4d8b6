/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What claims to be a guest agent: its reply is one of the protocol, or refused. */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "vm/qmp/agent.h"

#define LIMIT 65536 /* of what the socket holds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    json_t *reply = NULL;
    struct error err;

    if (size > LIMIT || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    if (size > 0 && write(pair[1], data, size) != (ssize_t)size)
        size = 0;
    shutdown(pair[1], SHUT_WR);
    if (agent_execute(pair[0], "guest-info", 1000, &reply, &err) == 0)
        json_decref(reply);
    close(pair[0]);
    close(pair[1]);
    return 0;
}
