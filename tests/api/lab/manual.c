/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines about virtual machines of Proxmox VE's manual ("PCI(e) Passthrough") and of README.md, typed one
 * after the other: each starts a VM that really has the device, and all is as before when it has stopped.
 * tests/lab/topology/manual after tests/lab/setup-manual. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/running.h"
#include "tests/api/shell.h"
#include "tests/api/vm.h"

#define DIVIDED     "0000:00:02.0"
#define DIVIDED_TOO "0000:00:02.1"
#define DRIVE_PART  "0000:01:00.1" /* of four virtual functions */
#define SCREEN      "0000:02:00.0"
#define SOUND       "0000:02:00.1"
#define CARD        "0000:03:00.0"

#define MIB_64      "-kvm 0 -cpu qemu64 -memory 64 -serial0 socket"
#define SCREENLESS  "-vga none " MIB_64
#define SECONDS     120

static void start(void)
{
    lab_start();
    shell_start();
}

TestSuite(lab_manual, .init = start, .timeout = 600);

/* A line of the manual: what follows `qm set VMID`. */
struct example {
    const char *made; /* what the VM has before */
    const char *typed;
    const char *functions[2]; /* of the host, which it gets */
    const char *seen[2];      /* what its guest reads: device, vendor, subsystem, its vendor */
};

static size_t count_functions(const struct example *example)
{
    return example->functions[1] != NULL ? 2 : 1;
}

/* The devices that a process has opened in the kernel's vfio. */
static size_t count_open(pid_t pid)
{
    autofree char *folder = xasprintf("/proc/%d/fd", (int)pid);
    DIR *files = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;

    cr_assert_not_null(files, "%s", folder);
    while ((entry = readdir(files)) != NULL) {
        autofree char *path = xasprintf("%s/%s", folder, entry->d_name);
        char target[PATH_MAX] = "";
        count += readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "vfio-device") != NULL;
    }
    closedir(files);
    return count;
}

static int connect_to_guest(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/vm/100/100.serial0", daemon_run());
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0, "%s", address.sun_path);
    return fd;
}

/* Waits until the guest of guest_of_list has said these lines. */
static void guest_sees(const struct example *example)
{
    autoclose int fd = connect_to_guest();
    char said[65536] = "";
    size_t length = 0, found = 0;
    double end = machine_slept() + SECONDS;

    while (found < count_functions(example)) {
        ssize_t count = recv(fd, said + length, sizeof(said) - 1 - length, MSG_DONTWAIT);
        length += count > 0 ? (size_t)count : 0;
        said[length] = '\0';
        cr_assert(machine_slept() < end && length < sizeof(said) - 1,
                  "%s: the guest does not see '%s' in:\n%s", example->typed, example->seen[found], said);
        while (found < count_functions(example) && strstr(said, example->seen[found]) != NULL)
            found++;
        machine_sleep(50);
    }
}

static void type(const char *line)
{
    free(shell_type("%s", line));
}

static void is_in(const char *part, const char *printed)
{
    cr_assert_not_null(strstr(printed, part), "'%s' is not in:\n%s", part, printed);
}

static void has_devices(const struct example *example)
{
    autofree char *printed = shell_type("qm devices 100"), *status = shell_type("qm status 100");

    is_in("running", status);
    cr_assert_eq(count_open(running_pid()), count_functions(example), "%s", example->typed);
    for (size_t i = 0; i < count_functions(example); i++) {
        cr_assert_str_eq(machine_driver(example->functions[i]), "vfio-pci");
        is_in(example->functions[i], printed);
    }
    guest_sees(example);
}

struct before {
    char drivers[2][64];
};

static struct before look(const struct example *example)
{
    struct before before = {0};

    for (size_t i = 0; i < count_functions(example); i++)
        snprintf(before.drivers[i], sizeof(before.drivers[i]), "%s", machine_driver(example->functions[i]));
    return before;
}

/* Without `reattach` a function stays with vfio-pci, until `hostpci attach`. */
static void as_before(const struct example *example, const struct before *before)
{
    for (size_t i = 0; i < count_functions(example); i++) {
        free(shell_type("hostpci attach %s", example->functions[i]));
        cr_assert_str_eq(machine_driver(example->functions[i]), before->drivers[i], "%s: %s is with '%s'",
                         example->typed, example->functions[i], machine_driver(example->functions[i]));
        cr_assert_str_eq(machine_override(example->functions[i]), "");
    }
}

static void create(const char *made)
{
    free(shell_type("qm create 100 -ide0 %s/images/guest.raw,format=raw,cache=writeback -boot order=ide0 %s",
                    daemon_state(), made));
}

static void run_example(const struct example *example)
{
    struct before before = look(example);

    create(example->made);
    free(shell_type("qm set 100 %s", example->typed));
    type("qm start 100");
    has_devices(example);
    type("qm stop 100");
    running_ends();
    as_before(example, &before);
    type("qm destroy 100");
}

#define EXAMPLE(name, ...)                                                                                   \
    LAB_TEST(lab_manual, name)                                                                               \
    {                                                                                                        \
        free(guest_make_disk(&guest_of_list));                                                               \
        run_example(&(const struct example){__VA_ARGS__});                                                   \
    }

EXAMPLE(one_function, SCREENLESS, "-hostpci0 00:02.0", {DIVIDED}, {"11e81234 11001af4"})
EXAMPLE(all_functions, SCREENLESS, "-hostpci0 00:02", {DIVIDED, DIVIDED_TOO},
        {"11e81234 11001af4", "00051b36 11001af4"})
EXAMPLE(primary_screen, "-machine q35 " MIB_64, "-hostpci0 02:00,pcie=on,x-vga=on", {SCREEN, SOUND},
        {"11111234 11001af4", "26688086 11001af4"})
EXAMPLE(other_ids, SCREENLESS, "-hostpci0 02:00,device-id=0x10f6,sub-vendor-id=0x0000", {SCREEN, SOUND},
        {"10f61234 11000000", "26688086 11001af4"})
EXAMPLE(no_rom, SCREENLESS, "-hostpci0 02:00,rombar=off", {SCREEN, SOUND},
        {"11111234 11001af4", "26688086 11001af4"})
EXAMPLE(intels_iommu, "-hostpci0 03:00.0,pcie=on " SCREENLESS, "-machine q35,viommu=intel", {CARD},
        {"10d38086 00008086"})
EXAMPLE(virtual_iommu, "-hostpci0 03:00.0,pcie=on " SCREENLESS, "-machine q35,viommu=virtio", {CARD},
        {"10d38086 00008086"})

LAB_TEST(lab_manual, rom_of_a_file)
{
    static const struct example example = {SCREENLESS,
                                           "-hostpci0 02:00,romfile=vbios.bin",
                                           {SCREEN, SOUND},
                                           {"11111234 11001af4", "26688086 11001af4"}};

    free(guest_make_disk(&guest_of_list));
    type("mkdir -p /usr/share/kvm && head -c 65536 /dev/zero > /usr/share/kvm/vbios.bin");
    run_example(&example);
}

LAB_TEST(lab_manual, virtual_function)
{
    static const struct example example = {
        SCREENLESS, "-hostpci0 01:00.1", {DRIVE_PART}, {"00101b36 11001af4"}};

    free(guest_make_disk(&guest_of_list));
    /* Its driver would bind them, fail, and unbind them half a second later. */
    type("echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe");
    type("echo 4 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs");
    run_example(&example);
    type("echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs");
    type("echo 1 > /sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe");
}

/* The device is none of the host's functions. */
LAB_TEST(lab_manual, mediated_device)
{
    static const struct example example = {.typed = "-hostpci0 00:02.0,mdev=i915-GVTg_V5_4",
                                           .functions = {DIVIDED},
                                           .seen = {"11e81234 00000000"}};

    free(guest_make_disk(&guest_of_list));
    create(SCREENLESS);
    free(shell_type("qm set 100 %s", example.typed));
    type("qm start 100");
    cr_assert_eq(count_open(running_pid()), 1);
    cr_assert_str_eq(machine_driver(DIVIDED), "i915");
    type("test -d /sys/bus/mdev/devices/00000000-0000-0000-0000-000000000100");
    guest_sees(&example);
    type("qm stop 100");
    running_ends();
    type("test ! -e /sys/bus/mdev/devices/00000000-0000-0000-0000-000000000100");
    type("qm destroy 100");
}

/* Until then the power button is not heard: guest_of_button asks for it by a bit of that port. */
static void wait_for_guest_of_button(void)
{
    double end = machine_slept() + SECONDS;

    for (bool ready = false; !ready; machine_sleep(100)) {
        autojson json_t *said =
            running_ask("human-monitor-command", json_pack("{s:s}", "command-line", "i /h 0x602"));
        ready = strstr(json_string_value(said), "0x0100") != NULL;
        cr_assert_lt(machine_slept(), end, "the guest does not run: %s", json_string_value(said));
    }
}

/* The README's lines from `qm create` to `qm shutdown`. Its VM is made as small as the lab's machine, and has
 * a guest that knows the power button. */
LAB_TEST(lab_manual, lines_of_the_readme)
{
    static const char last[] = "hostpci qm shutdown 100";
    autofree char *readme = NULL;
    struct error err;
    bool ended = false;

    free(guest_make_disk(&guest_of_button));
    cr_assert_eq(file_read("README.md", 1 << 20, &readme, NULL, &err), 0, "%s", err.message);
    char *rest = strstr(readme, "hostpci qm create 100 -name guest");
    cr_assert_not_null(rest);
    for (bool first = true; !ended; first = false) {
        const char *line = strsep(&rest, "\n");
        cr_assert_not_null(line);
        ended = strncmp(line + strspn(line, " "), last, strlen(last)) == 0;
        if (ended) {
            cr_assert_eq(count_open(running_pid()), 2);
            wait_for_guest_of_button();
        }
        type(line);
        if (first)
            free(shell_type("qm set 100 -ide0 %s/images/guest.raw,cache=writeback -boot order=ide0 " MIB_64,
                            daemon_state()));
    }
    running_ends();
    type("hostpci attach 02:00");
    cr_assert_str_eq(machine_driver(SOUND), "snd_hda_intel");
    type("qm destroy 100");
}
