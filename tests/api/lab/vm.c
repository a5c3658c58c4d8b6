/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM inside the lab's machine. */
#include "tests/api/lab/vm.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/lab/machine.h"
#include "tests/api/program.h"

#define SECONDS 60
#define SECTOR  512

static pid_t vm; /* 0: none */

/* What an obliging guest boots: it says that it runs, then gives up each device that it is asked for, by the
 * ACPI registers of QEMU's machine `pc` (docs/specs/acpi_pci_hotplug.rst of QEMU: AE10h selects the bus,
 * AE04h says which slots shall be given up, a bit there written to AE08h gives it up). What it is asked for
 * before it runs is lost. */
/* clang-format off */
static const uint8_t obliging_guest[] = {
    0xfb,             /*        sti           the timer wakes it 18 times a second */
    0xb0, 0x21,       /*        mov al, '!' */
    0xe6, 0xe9,       /*        out E9h, al   QEMU's -debugcon */
    0xba, 0x10, 0xae, /*        mov dx, AE10h */
    0x66, 0x31, 0xc0, /*        xor eax, eax */
    0x66, 0xef,       /*        out dx, eax */
    0xf4,             /* again: hlt */
    0xba, 0x04, 0xae, /*        mov dx, AE04h */
    0x66, 0xed,       /*        in eax, dx */
    0xba, 0x08, 0xae, /*        mov dx, AE08h */
    0x66, 0xef,       /*        out dx, eax */
    0xeb, 0xf3,       /*        jmp again */
};
/* clang-format on */

static char *write_sector(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = xasprintf("%s/guest-%d", folder != NULL ? folder : "/tmp", (int)getpid());
    uint8_t sector[SECTOR] = {[SECTOR - 2] = 0x55, [SECTOR - 1] = 0xaa};
    struct error err;

    memcpy(sector, obliging_guest, sizeof(obliging_guest));
    cr_assert_eq(file_replace(path, sector, sizeof(sector), 0600, &err), 0, "%s", err.message);
    return path;
}

bool vm_holds(void)
{
    autofree char *folder = xasprintf("/proc/%d/fd", (int)vm);
    DIR *files = vm != 0 ? opendir(folder) : NULL;
    const struct dirent *entry;
    bool found = false;

    while (files != NULL && !found && (entry = readdir(files)) != NULL) {
        autofree char *path = xasprintf("%s/%s", folder, entry->d_name);
        char target[PATH_MAX] = "";
        found = readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "vfio-device") != NULL;
    }
    if (files != NULL)
        closedir(files);
    return found;
}

static bool is_empty(const char *path)
{
    struct stat info;

    return stat(path, &info) != 0 || info.st_size == 0;
}

static void wait_until_held(const char *said)
{
    double end = machine_slept() + SECONDS;

    while (!vm_holds() || (said != NULL && is_empty(said))) {
        cr_assert_eq(waitpid(vm, NULL, WNOHANG), 0, "the VM ended");
        cr_assert_lt(machine_slept(), end, "the VM does not hold the device, or does not run");
        machine_sleep(50);
    }
}

void vm_start(const char *id, bool obliging)
{
    autofree char *sector = write_sector(), *said = xasprintf("%s.said", sector);
    autofree char *device = xasprintf("vfio-pci,host=%s,rombar=0", id);
    autofree char *drive = xasprintf("if=ide,format=raw,snapshot=on,file=%s", sector);
    autofree char *console = xasprintf("file:%s", said);
    const char *const argv[] = {"/usr/bin/qemu-system-x86_64",
                                "-accel",
                                "tcg",
                                "-M",
                                "pc",
                                "-m",
                                "64",
                                "-nodefaults",
                                "-display",
                                "none",
                                "-device",
                                device,
                                "-debugcon",
                                console,
                                obliging ? "-drive" : NULL,
                                drive,
                                NULL};

    unlink(said);
    vm = program_start(argv, "/dev/null", "/dev/stderr", 0);
    wait_until_held(obliging ? said : NULL);
}

pid_t vm_pid(void)
{
    return vm;
}

void vm_end(void)
{
    if (vm == 0)
        return;
    kill(vm, SIGKILL);
    waitpid(vm, NULL, 0);
    vm = 0;
}
