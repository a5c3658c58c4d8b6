/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What claims to be a QEMU that is asked something: it is understood or refused. */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "vm/qmp/qmp.h"

#define LIMIT 65536 /* of what the socket holds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    json_t *result = NULL;
    struct qmp *qmp = NULL;
    struct error err;

    if (size > LIMIT || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    if (size > 0 && write(pair[1], data, size) != (ssize_t)size)
        size = 0;
    shutdown(pair[1], SHUT_WR);
    if (qmp_adopt(pair[0], 1000, &qmp, &err) == 0) {
        if (qmp_execute(qmp, "query-status", NULL, 1000, &result, &err) == 0)
            json_decref(result);
        qmp_wait(qmp, "SHUTDOWN", 0, &err);
        qmp_close(qmp);
    }
    close(pair[1]);
    return 0;
}
