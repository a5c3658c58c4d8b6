/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that run outside of the broker's confinement, by the helper. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/daemon/helper.h"
#include "broker/protocol.h"
#include "broker/worker/unit.h"
#include "tests/unit/hardware/fixture.h"

/* A worker, and a broker that answers it in a thread. */
struct scene {
    struct tree tree;
    struct worker worker;
    int broker;
    unsigned stop_at; /* the step that is refused; 0: none */
    unsigned steps;
    struct text log;
    pthread_t thread;
};

static void *answer_all(void *context)
{
    struct scene *scene = context;
    struct error err;
    json_t *got;

    while (protocol_receive(scene->broker, &got, &err) == 1) {
        autojson json_t *message = got, *answer = NULL;
        if (strcmp(json_text(message, "type"), "log") == 0)
            text_printf(&scene->log, "%s\n", json_text(message, "text"));
        if (strcmp(json_text(message, "type"), "step") != 0)
            continue;
        answer = json_pack("{s:s}", "type", "ok");
        if (++scene->steps == scene->stop_at) {
            error_set(&err, ERROR_FAILED, "stopped on request");
            json_decref(answer);
            answer = protocol_pack_error(&err);
            json_object_set_new(answer, "type", json_string("error"));
        }
        protocol_send(scene->broker, answer, &err);
    }
    return NULL;
}

static void begin(struct scene *scene)
{
    struct error err;
    int ends[2];

    *scene = (struct scene){.stop_at = 0};
    tree_make(&scene->tree);
    program_root = scene->tree.path;
    scene->worker = (struct worker){.sysroot = scene->tree.sysroot, .operation = "test"};
    cr_assert_eq(helper_start(scene->tree.sysroot, &scene->worker.helper, &err), 0, "%s", err.message);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    scene->worker.socket = ends[0];
    scene->broker = ends[1];
    cr_assert_eq(pthread_create(&scene->thread, NULL, answer_all, scene), 0);
}

static void end(struct scene *scene)
{
    close(scene->worker.socket);
    pthread_join(scene->thread, NULL);
    close(scene->broker);
    close(scene->worker.helper);
    text_release(&scene->log);
    tree_remove(&scene->tree);
}
#define autoscene __attribute__((cleanup(end)))

static void install(const struct scene *scene, const char *program, const char *script)
{
    autofree char *path = xasprintf("%s/%s", scene->tree.path, program);

    tree_write(&scene->tree, program, script);
    cr_assert_eq(chmod(path, 0755), 0);
}

static void expect_line(struct scene *scene, const char *line)
{
    cr_expect(strstr(text_string(&scene->log), line) != NULL, "'%s' is not in the log:\n%s", line,
              text_string(&scene->log));
}

Test(unit, runs_a_program_and_logs_what_it_says)
{
    autoscene struct scene scene;
    struct error err = {.message = ""};

    begin(&scene);
    install(&scene, "usr/sbin/update-initramfs",
            "#!/bin/sh\necho \"got $*\"\necho wrong >&2\nprintf 'no newline'\n");
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_UPDATE_INITRAMFS, NULL, &err), 0, "%s", err.message);
    close(scene.worker.socket);
    pthread_join(scene.thread, NULL);
    expect_line(&scene, "run `update-initramfs -u -k all`\n");
    expect_line(&scene, "update-initramfs: got -u -k all\n");
    expect_line(&scene, "update-initramfs: wrong\n");
    expect_line(&scene, "update-initramfs: no newline\n");
    cr_assert_eq(pthread_create(&scene.thread, NULL, answer_all, &scene), 0);
}

Test(unit, says_how_a_program_failed)
{
    autoscene struct scene scene;
    struct error err = {.message = ""};

    begin(&scene);
    install(&scene, "usr/sbin/update-grub", "#!/bin/sh\necho first\necho no room\nexit 3\n");
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_UPDATE_GRUB, NULL, &err), -1);
    cr_expect(strstr(err.message, "ended with status 3: no room") != NULL, "%s", err.message);
    install(&scene, "usr/sbin/update-grub", "#!/bin/sh\nkill -9 $$\n");
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_UPDATE_GRUB, NULL, &err), -1);
    cr_expect(strstr(err.message, "killed by signal 9") != NULL, "%s", err.message);
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_DRACUT, NULL, &err), -1);
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
    cr_expect(strstr(err.message, "/usr/bin/dracut' is not installed") != NULL, "%s", err.message);
}

Test(unit, gives_a_program_an_argument_of_its_form_only)
{
    static const struct {
        enum program which;
        const char *argument;
    } wrong[] = {{PROGRAM_SRIOV_ENABLE, NULL},
                 {PROGRAM_SRIOV_ENABLE, "ALL"},
                 {PROGRAM_SRIOV_DISABLE, "0000:01:00.0 -e ALL"},
                 {PROGRAM_UPDATE_GRUB, "-o/etc/passwd"},
                 {PROGRAM_IMAGE, NULL},
                 {PROGRAM_IMAGE, "/etc/passwd"},
                 {PROGRAM_IMAGE, "/run/hostpci/vm/100"},
                 {PROGRAM_IMAGE, "/run/hostpci/vm/image-1/../../vm/image-2"},
                 {PROGRAM_IMAGE, "/run/hostpci/vm/image-1 "},
                 {PROGRAM_SUPERVISE, "/run/hostpci/vm/image-1"},
                 {PROGRAM_KERNEL_INSTALL, "../../tmp/x"},
                 {PROGRAM_KERNEL_INSTALL, "-v"},
                 {PROGRAM_KERNEL_INSTALL, NULL},
                 {PROGRAMS, NULL}};
    struct program_command command;
    struct error err;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect_eq(program_fill(wrong[i].which, wrong[i].argument, &command, &err), -1, "%zu", i);
        cr_expect_eq(err.kind, ERROR_INVALID);
    }
    cr_assert_eq(program_fill(PROGRAM_SRIOV_ENABLE, "01:00.0", &command, &err), 0, "%s", err.message);
    cr_expect_str_eq(command.text, "sriov-manage -e 0000:01:00.0");
    cr_expect_str_eq(command.unit, "hostpci-sriov-manage-0000:01:00.0.service");
    cr_assert_eq(program_fill(PROGRAM_KERNEL_INSTALL, "6.12.57+deb13-amd64", &command, &err), 0);
    cr_expect_str_eq(command.argv[3], "/boot/vmlinuz-6.12.57+deb13-amd64");
    cr_expect_str_eq(command.unit, "hostpci-kernel-install.service");
    cr_expect_null(command.argv[4]);
}

/* Whatever the worker lets through: the helper has its own opinion. */
Test(unit, helper_checks_each_order_itself)
{
    static const struct unit_order orders[] = {{.program = PROGRAMS},
                                               {.program = PROGRAM_SRIOV_ENABLE, "; id"}};
    autoscene struct scene scene;

    begin(&scene);
    install(&scene, "usr/lib/nvidia/sriov-manage", "#!/bin/sh\nexit 0\n");
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(2 * sizeof(int))];
        } control = {0};
        struct iovec part = {(void *)(uintptr_t)&orders[i], sizeof(orders[i])};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        int ends[2], status = 0;
        cr_assert_eq(pipe(ends), 0);
        *header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(2 * sizeof(int))};
        memcpy(CMSG_DATA(header), (const int[]){STDERR_FILENO, ends[1]}, 2 * sizeof(int));
        cr_assert_eq(sendmsg(scene.worker.helper, &message, 0), (ssize_t)sizeof(orders[i]));
        close(ends[1]);
        cr_assert_eq(read(ends[0], &status, sizeof(status)), (ssize_t)sizeof(status));
        cr_expect_neq(status, 0, "order %zu was taken", i);
        close(ends[0]);
    }
}

/* Every few seconds it is announced again, whatever it says meanwhile, and ended when that is refused. */
static void end_on_request(const char *does)
{
    autoscene struct scene scene;
    struct error err = {.message = ""};

    begin(&scene);
    scene.stop_at = 3;
    autofree char *script =
        xasprintf("#!/bin/sh\ncd \"$(dirname \"$0\")\"\ntrap 'echo > ended; exit 1' TERM\n%s\n", does);
    install(&scene, "usr/sbin/update-initramfs", script);
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_UPDATE_INITRAMFS, NULL, &err), -1);
    cr_expect_str_eq(err.message, "stopped on request");
    autofree char *ended = xasprintf("%s/usr/sbin/ended", scene.tree.path);
    for (int i = 0; access(ended, F_OK) != 0; i++) {
        cr_assert_lt(i, 1000, "the program goes on");
        poll(NULL, 0, 20);
    }
}

Test(unit, ends_a_silent_program_on_request, .timeout = 60)
{
    end_on_request("sleep 300 &\nwait");
}

Test(unit, ends_a_program_that_never_falls_silent_on_request, .timeout = 60)
{
    end_on_request("trap '' PIPE\nfor i in $(seq 40); do echo \"$i\"; sleep 1; done");
}

Test(unit, is_served_after_an_order_that_was_none)
{
    autoscene struct scene scene;
    struct error err;

    begin(&scene);
    cr_assert_eq(send(scene.worker.helper, "x", 1, 0), 1);
    install(&scene, "usr/sbin/update-initramfs", "#!/bin/sh\n");
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_UPDATE_INITRAMFS, NULL, &err), 0, "%s", err.message);
}

Test(unit, starts_nothing_for_another_host)
{
    autoscene struct scene scene;
    struct error err = {.message = ""};

    begin(&scene);
    program_root = NULL;
    cr_assert_eq(unit_run(&scene.worker, "host", PROGRAM_UPDATE_INITRAMFS, NULL, &err), 0, "%s", err.message);
    cr_expect_eq(scene.steps, 0);
}
