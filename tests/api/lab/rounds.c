/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM with all kinds of things of the host, which starts and ends again and again, in whatever way: nothing
 * of it may be left. The number of rounds is HOSTPCI_ROUNDS, 4 by default. tests/lab/topology/manual after
 * tests/lab/setup-manual. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/lab/running.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define PCI       "/nodes/" NODE "/hardware/pci"
#define CARD      "0000:03:00.0"
#define SCREEN    "0000:02:00.0"
#define SOUND     "0000:02:00.1"
#define PART      "0000:00:02.0,mdev=i915-GVTg_V5_4"
#define FIRST_UID 1900000000u
#define SECONDS   60

TestSuite(lab_rounds, .init = lab_start, .timeout = 3600);

static unsigned rounds(void)
{
    const char *given = getenv("HOSTPCI_ROUNDS");
    unsigned long long number = 4;

    cr_assert(given == NULL || text_to_number(given, 10, 1000, &number));
    return (unsigned)number;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The names in a folder, which may be missing, each with its owner. */
static void add_folder(struct text *text, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, by_name);

    text_printf(text, "%s:", folder);
    for (int i = 0; i < count; i++) {
        autofree char *path = xasprintf("%s/%s", folder, entries[i]->d_name);
        struct stat found = {.st_uid = 0};
        if (entries[i]->d_name[0] != '.' && lstat(path, &found) == 0)
            text_printf(text, " %s(%u)", entries[i]->d_name, found.st_uid);
        free(entries[i]);
    }
    free(entries);
    text_append(text, "\n");
}

/* Those of VMs' users, and the supervisors. */
static void add_processes(struct text *text)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;

    text_append(text, "processes:");
    while ((entry = readdir(processes)) != NULL) {
        autofree char *folder = xasprintf("/proc/%s", entry->d_name), *path = xasprintf("%s/cmdline", folder);
        autofree char *words = NULL;
        struct stat found;
        struct error err;
        size_t length = 0;
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || stat(folder, &found) != 0 ||
            file_read(path, 65536, &words, &length, &err) != 0)
            continue;
        const char *second = length > strlen(words) + 1 ? words + strlen(words) + 1 : "";
        if (found.st_uid >= FIRST_UID || strcmp(second, "supervise") == 0)
            text_printf(text, " %s", words);
    }
    closedir(processes);
    text_append(text, "\n");
}

static void add_memory(struct text *text)
{
    static const char *const lines[] = {"Mlocked:", "Unevictable:", "HugePages_Free:"};
    autofree char *all = NULL;
    struct error err;

    cr_assert_eq(file_read("/proc/meminfo", 65536, &all, NULL, &err), 0, "%s", err.message);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const char *line = strstr(all, lines[i]);
        if (line != NULL)
            text_printf(text, "%.*s\n", (int)strcspn(line, "\n"), line);
    }
}

static void add_reserved(struct text *text, const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);
    autofree char *user =
        json_dumps(json_object_get(get(path, NULL), "used-by"), JSON_COMPACT | JSON_SORT_KEYS);

    text_printf(text, "%s: %s\n", id, user != NULL ? user : "nobody");
}

/* What could be left of it. */
static char *look(void)
{
    static const char *const folders[] = {"/dev/vfio", "/sys/class/net", "/sys/bus/mdev/devices",
                                          "/sys/fs/cgroup"};
    struct text text = {0};

    for (size_t i = 0; i < COUNT_OF(folders); i++)
        add_folder(&text, folders[i]);
    add_processes(&text);
    add_memory(&text);
    add_reserved(&text, CARD);
    add_reserved(&text, SCREEN);
    text_printf(&text, "drivers: %s", machine_driver(CARD));
    text_printf(&text, " %s %s\n", machine_driver(SCREEN), machine_driver(SOUND));
    return text_take(&text);
}

static void wait_until_as_before(const char *before, unsigned round)
{
    double end = machine_slept() + SECONDS;

    running_ends();
    for (;;) {
        autofree char *now = look();
        if (strcmp(now, before) == 0)
            return;
        cr_assert_lt(machine_slept(), end, "round %u: now\n%sbefore\n%s", round, now, before);
        machine_sleep(100);
    }
}

static void does(const char *verb)
{
    autofree char *path = xasprintf(QEMU "/100/status/%s", verb);
    autofree char *upid = xstrdup(json_string_value(post(path, NULL, NULL)));

    task_succeeds(upid);
}

static void stop(void)
{
    does("stop");
}

static void kill_qemu(void)
{
    cr_assert_eq(kill(running_pid(), SIGKILL), 0);
}

static void kill_supervisor(void)
{
    autofree char *path = xasprintf("%s/vm/100/pid", daemon_run());
    autojson json_t *file = json_load_file(path, 0, NULL);

    cr_assert_eq(kill((pid_t)json_integer_value(json_object_get(file, "supervisor")), SIGKILL), 0);
}

/* Nobody is there to see it end. */
static void kill_all(void)
{
    pid_t qemu = running_pid();

    daemon_kill();
    lab_broker_kill();
    cr_assert_eq(kill(qemu, SIGKILL), 0);
    lab_broker_start(0);
    daemon_start_again();
}

static void (*const ways[])(void) = {stop, kill_qemu, kill_supervisor, kill_all};

/* Without systemd its control group is the supervisor's work. */
static void has_group(void)
{
    autofree char *path = xasprintf("/proc/%d/cgroup", (int)running_pid()), *text = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &text, NULL, &err), 0, "%s", err.message);
    cr_assert_str_eq(text, "0::/hostpci-vm@100.service\n");
    cr_assert_gt(number_of(get(QEMU "/100/status/current", NULL), "memhost"), 0);
}

LAB_TEST(lab_rounds, leave_nothing_behind)
{
    RUN("ip", "link", "add", "vmbr0", "type", "bridge");
    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "cpu", "qemu64", "serial0", "socket", "net0",
              "virtio,bridge=vmbr0", "hostpci0", CARD ",reattach=1", "hostpci1", PART, "hostpci2",
              "02:00,reattach=1", NULL);
    does("start"); /* what is asked and loaded once is */
    stop();
    running_ends();
    autofree char *before = look();
    for (unsigned i = 0; i < rounds(); i++) {
        does("start");
        has_group();
        ways[i % COUNT_OF(ways)]();
        wait_until_as_before(before, i);
    }
    RUN("ip", "link", "delete", "vmbr0");
}
