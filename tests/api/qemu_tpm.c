/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM with a TPM, which really runs, if the package swtpm is installed; and what is said where it is not. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/machine/machine.h"
#include "broker/machine/tpm.h"
#include "tests/api/call.h"
#include "tests/api/console.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define STATE   "local:100/vm-100-disk-0.raw"
#define MIB     (1 << 20)
#define SECONDS 60

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("a broker is started by root");
    START(.host = NULL);
    guest_create(&guest_of_button);
    put(VM "/config", "tpmstate0", "local:1,version=v2.0", "machine", "q35", NULL);
}

TestSuite(qemu_tpm, .init = start, .fini = console_kill_vm, .timeout = 240);

static void needs_program(bool installed)
{
    if ((access(TPM_PROGRAM, X_OK) == 0) != installed)
        cr_skip_test("the package swtpm is %s", installed ? "not installed" : "installed");
}

static struct stat look(void)
{
    autofree char *path = xasprintf("%s/images/100/vm-100-disk-0.raw", daemon_store());
    struct stat found;

    cr_assert_eq(stat(path, &found), 0, "%s", path);
    cr_expect_leq(found.st_size, 4 * MIB);
    cr_expect_eq(found.st_mode & 07777, 0600);
    return found;
}

static void stop(void)
{
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    cr_expect_eq(look().st_uid, 0);
}

static void has_tpm(void)
{
    const char *told = json_string_value(post(VM "/monitor", "command", "info tpm", NULL));

    cr_expect_not_null(strstr(told, "tpm0: model=tpm-tis"), "%s", told);
    cr_expect_eq(look().st_uid, MACHINE_UID_BASE, "it is not the VM's");
}

/* "swtpm", which the program writes at the state's beginning, in whatever order of bytes. */
static bool is_written(void)
{
    autofree char *path = xasprintf("%s/images/100/vm-100-disk-0.raw", daemon_store());
    autoclose int fd = open(path, O_RDONLY);
    char bytes[8] = "";

    return read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
           memchr(bytes, 'w', sizeof(bytes)) != NULL;
}

DAEMON_TEST(qemu_tpm, keeps_its_state_in_a_volume_that_goes_with_the_vm)
{
    needs_program(true);
    cr_expect_str_eq(text_of(get(VM "/config", NULL), "tpmstate0"), STATE ",size=4M,version=v2.0");
    for (unsigned i = 0; i < 2; i++) {
        console_start_vm();
        has_tpm();
        stop();
        cr_expect(is_written());
    }
    cr_expect_str_eq(vm_task_end(json_string_value(delete (VM, NULL))), "OK");
    is_json(get("/nodes/" NODE "/storage/local/content", NULL), "[]");
}

DAEMON_TEST(qemu_tpm, is_of_version_one_by_default)
{
    needs_program(true);
    put(VM "/config", "tpmstate0", STATE, NULL);
    console_start_vm();
    has_tpm();
    stop();
}

/* Its supervisor gives it back; here somebody kills that one. */
DAEMON_TEST(qemu_tpm, gives_its_state_back_however_it_ends)
{
    needs_program(true);
    console_start_vm();
    autofree char *folder = xasprintf("%s/vm/100", daemon_run());
    autojson json_t *file = machine_load(folder, "pid");
    double end = machine_slept() + SECONDS;

    cr_assert_eq(kill((pid_t)number_of(file, "supervisor"), SIGKILL), 0);
    while (access(folder, F_OK) == 0 && machine_slept() < end)
        machine_sleep(50);
    cr_expect_eq(look().st_uid, 0);
    console_start_vm();
    has_tpm();
    stop();
}

DAEMON_TEST(qemu_tpm, is_refused_where_it_cannot_be_had)
{
    wrong_parameter("tpmstate0", "the state of a TPM is raw, not qcow2", "PUT", VM "/config", "tpmstate0",
                    "local:1,format=qcow2", NULL);
    put(VM "/config", "tpmstate0", "/nowhere/tpm.raw", NULL);
    cr_expect_not_null(strstr(vm_task_end(json_string_value(post(VM "/status/start", NULL))),
                              "tpmstate0: '/nowhere/tpm.raw' is not a volume of the storage 'local'"));
}

DAEMON_TEST(qemu_tpm, takes_a_package)
{
    needs_program(false);
    cr_expect_not_null(
        strstr(vm_task_end(json_string_value(post(VM "/status/start", NULL))), "install the package swtpm"));
}
