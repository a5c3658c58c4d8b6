/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs on this node. */
#include "passthrough/machine.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/hardware/fixture.h"

/* A broker that takes each question and hangs up. */
static pid_t play_silent(const char *run_dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    autofree char *path = xasprintf("%s/broker.sock", run_dir);
    cr_assert_lt(strlen(path), sizeof(address.sun_path));
    stpcpy(address.sun_path, path);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 4), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char question[4096];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int client = accept(fd, NULL, NULL);
            recv(client, question, sizeof(question), 0);
            close(client);
        }
    }
    close(fd);
    return pid;
}

/* Without a broker none is started; with one that does not answer any may run. */
Test(passthrough_machine, is_unknown_while_the_broker_does_not_answer)
{
    autotree struct tree tree = {0};
    autojson json_t *none = NULL, *unknown = NULL;
    struct error err;

    tree_make(&tree);
    struct broker *broker = broker_new(tree.path);
    cr_assert_eq(machines_read(broker, &none, &err), 0, "%s", err.message);
    cr_expect_eq(json_object_size(none), 0);
    pid_t pid = play_silent(tree.path);
    cr_expect_eq(machines_read(broker, &unknown, &err), -1);
    cr_expect(err.kind == ERROR_BUSY &&
                  strncmp(err.message, "which VMs run is unknown: the broker ", 37) == 0,
              "%s", err.message);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    broker_free(broker);
}
