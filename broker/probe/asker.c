/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that starts QEMU to ask it. It has one thread and does one thing at a time. */
#include "broker/probe/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/exec.h"
#include "base/memory.h"
#include "base/text.h"
#include "vm/probe/features.h"

#define SOCKET 3 /* the only file beside standard input, output and error */

int qemu_ask(const char *binary, int asker, struct text *ret, struct error *err)
{
    autotext struct text questions = {0};

    for (const char *const *question = vm_features_questions; *question != NULL; question++)
        text_printf(&questions, "%s\n", *question);
    return exec_ask(&(const struct exec_question){.path = binary,
                                                  .argv = vm_features_arguments,
                                                  .input = text_string(&questions),
                                                  .limit = VM_FEATURES_LIMIT,
                                                  .seconds = QEMU_ASKER_SECONDS,
                                                  .asker = asker},
                    ret, err);
}

static bool send_all(const void *data, size_t length)
{
    while (length > 0) {
        ssize_t count = TEMP_FAILURE_RETRY(send(SOCKET, data, length, MSG_NOSIGNAL));
        if (count < 0)
            return false;
        data = (const char *)data + count;
        length -= (size_t)count;
    }
    return true;
}

static bool answer(const char *binary)
{
    autotext struct text text = {0};
    struct error err;
    bool failed = qemu_ask(binary, SOCKET, &text, &err) != 0;
    const char *data = failed ? err.message : text_string(&text);
    struct qemu_answer header = {failed, (uint32_t)(failed ? strlen(err.message) : text.length)};

    return send_all(&header, sizeof(header)) && send_all(data, header.length);
}

/* The daemon must not be able to control this process, which may start programs. */
static bool confine(int socket)
{
    struct error err;

    return dup2(socket, SOCKET) == SOCKET && fcntl(SOCKET, F_SETFD, FD_CLOEXEC) == 0 &&
           close_range(SOCKET + 1, ~0U, 0) == 0 && freopen("/dev/null", "r", stdin) != NULL &&
           freopen("/dev/null", "w", stdout) != NULL && capability_keep(0, &err) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void qemu_asker_run(const char *binary, int socket)
{
    char byte;

    prctl(PR_SET_NAME, "hostpci-qemu");
    if (!confine(socket))
        _exit(EXIT_FAILURE);
    while (TEMP_FAILURE_RETRY(recv(SOCKET, &byte, 1, 0)) == 1 && answer(binary))
        ;
    _exit(EXIT_SUCCESS);
}
