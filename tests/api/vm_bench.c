/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the start of a VM without devices of the host costs: from the request until QEMU is executed, and
 * twenty VMs at once against as many QEMUs that are started directly. tests/bench/run asks for it and reads
 * the lines that begin with "bench:", in ms. Needs the package qemu-system-x86. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/vm.h"

#define BINARY "/usr/bin/qemu-system-x86_64"
#define ROUNDS 9
#define VMS    20

static void start(void)
{
    if (getenv("HOSTPCI_BENCH") == NULL)
        cr_skip_test("only tests/bench/run asks for it");
    START(.host = NULL);
}

TestSuite(vm_bench, .init = start, .timeout = 600);

static double milliseconds_since(double began)
{
    return (machine_now() - began) * 1000;
}

static void create(unsigned vmid)
{
    autofree char *id = xasprintf("%u", vmid);

    vm_create(id, "kvm", "0", "memory", "32", "vga", "none", NULL);
}

/* Gives the UPID, which the caller frees. */
static char *begin(unsigned vmid, const char *verb)
{
    autofree char *path = xasprintf(QEMU "/%u/status/%s", vmid, verb);

    return xstrdup(json_string_value(post(path, NULL, NULL)));
}

static void ends(char *upid)
{
    cr_assert_str_eq(vm_task_end(upid), "OK");
    free(upid);
}

/* The kernel tells when the file is opened to be executed. */
static double measure_execution(void)
{
    char event[sizeof(struct inotify_event) + 256];
    autoclose int watch = inotify_init1(IN_CLOEXEC);

    cr_assert_geq(inotify_add_watch(watch, BINARY, IN_OPEN), 0);
    double began = machine_now();
    char *upid = begin(100, "start");
    cr_assert_gt(read(watch, event, sizeof(event)), 0);
    double took = milliseconds_since(began);
    ends(upid);
    ends(begin(100, "stop"));
    return took;
}

DAEMON_TEST(vm_bench, execution)
{
    double took[ROUNDS];

    create(100);
    measure_execution(); /* what QEMU can do is asked once */
    for (size_t i = 0; i < ROUNDS; i++)
        took[i] = measure_execution();
    printf("bench: execution %.1f\n", machine_median(took, ROUNDS));
}

/* Until each has answered: the first process ends when QEMU is ready. */
static double measure_peers(void)
{
    pid_t pids[VMS];
    int status;
    double began = machine_now();

    for (unsigned i = 0; i < VMS; i++) {
        autofree char *file = xasprintf("%s/peer-%u", daemon_state(), i);
        const char *const argv[] = {BINARY,     "-accel",   "tcg",        "-m",          "32",   "-vga",
                                    "none",     "-display", "none",       "-nodefaults", "-cpu", "qemu64",
                                    "-pidfile", file,       "-daemonize", "-M",          "pc",   NULL};
        pids[i] = program_start(argv, "/dev/null", "/dev/stderr", 0);
    }
    for (unsigned i = 0; i < VMS; i++)
        cr_assert(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    double took = milliseconds_since(began);
    for (unsigned i = 0; i < VMS; i++) {
        autofree char *path = xasprintf("%s/peer-%u", daemon_state(), i);
        autofile FILE *file = fopen(path, "r");
        int pid = 0;
        cr_assert(file != NULL && fscanf(file, "%d", &pid) == 1 && pid > 1);
        kill(pid, SIGKILL);
    }
    return took;
}

static double measure_ours(void)
{
    char *upids[VMS];
    double began = machine_now();

    for (unsigned i = 0; i < VMS; i++)
        upids[i] = begin(100 + i, "start");
    for (unsigned i = 0; i < VMS; i++)
        ends(upids[i]);
    double took = milliseconds_since(began);
    for (unsigned i = 0; i < VMS; i++)
        upids[i] = begin(100 + i, "stop");
    for (unsigned i = 0; i < VMS; i++)
        ends(upids[i]);
    return took;
}

DAEMON_TEST(vm_bench, twenty)
{
    double ours[ROUNDS], peers[ROUNDS];

    for (unsigned i = 0; i < VMS; i++)
        create(100 + i);
    measure_ours();
    for (size_t i = 0; i < ROUNDS; i++) {
        peers[i] = measure_peers();
        ours[i] = measure_ours();
    }
    printf("bench: twenty %.0f %.0f\n", machine_median(ours, ROUNDS), machine_median(peers, ROUNDS));
}
