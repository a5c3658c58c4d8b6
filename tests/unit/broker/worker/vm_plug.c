/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations vm_plug and vm_unplug: what a QEMU, played by a child of the test, is told in which order, and
 * where the functions are afterwards. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/process.h"
#include "broker/program.h"
#include "tests/unit/broker/scenario.h"
#include "tests/unit/vm/fixture.h"
#include "vm/qmp/qmp.h"

#define BINARY "/usr/bin/qemu-system-x86_64"
#define MOST   6000 /* looks of 10 ms */
#define PLUG_WITH(options)                                                                                   \
    "{'vmid': 100, 'key': 'hostpci2', 'config': {'memory': '64', 'kvm': 0, 'hostpci2': '01:00" options "'}," \
    " 'assigned': {'hostpci2': {'ids': ['" SCREEN "', '" SOUND "']}}}"
#define PLUG   PLUG_WITH(",rombar=0")
#define UNPLUG "{'vmid': 100, 'key': 'hostpci2'}"

struct played {
    const char *folder;
    const char *refused; /* a device that is not taken; NULL: none */
    json_t *devices;     /* [{name}] */
};

static void note(const struct played *qemu, const char *word, const char *id)
{
    autofree char *path = xasprintf("%s/told", qemu->folder);
    autofile FILE *file = fopen(path, "a");

    if (file != NULL)
        fprintf(file, "%s %s\n", word, id);
}

static void answer(struct played *qemu, FILE *socket, const json_t *message)
{
    const json_t *arguments = json_object_get(message, "arguments");
    const char *command = json_text(message, "execute"), *id = json_text(arguments, "id");
    int number = (int)json_integer_value(json_object_get(message, "id"));

    if (strncmp(command, "device_", 7) == 0)
        note(qemu, command, id);
    if (strcmp(command, "device_add") == 0 && qemu->refused != NULL && strcmp(id, qemu->refused) == 0) {
        fprintf(socket, "{\"error\": {\"desc\": \"not this one\"}, \"id\": %d}\n", number);
        return;
    }
    if (strcmp(command, "device_add") == 0)
        json_array_append_new(qemu->devices, json_pack("{s:s}", "name", id));
    if (strcmp(command, "device_del") == 0) /* as of a card: all its functions go */
        json_array_clear(qemu->devices);
    autojson json_t *reply = json_pack("{s:O, s:i}", "return", qemu->devices, "id", number);
    autofree char *line = json_dumps(reply, JSON_COMPACT);
    fprintf(socket, "%s\n", line);
    if (strcmp(command, "device_del") == 0)
        fprintf(socket, "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"%s\"}}\n", id);
}

static void serve(struct played *qemu, int fd)
{
    autofile FILE *socket = fdopen(fd, "r+");
    char line[65536];

    setvbuf(socket, NULL, _IONBF, 0);
    fprintf(socket, "{\"QMP\": {}}\n");
    while (fgets(line, sizeof(line), socket) != NULL) {
        autojson json_t *message = json_loads(line, 0, NULL);
        answer(qemu, socket, message);
    }
}

static pid_t play(const struct testbed *testbed, const char *refused)
{
    autofree char *folder = xasprintf("%s/run/vm/100", testbed->tree.path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/100.qmp", folder);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 4), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct played qemu = {folder, refused, json_array()};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            serve(&qemu, accept(fd, NULL, NULL));
    }
    close(fd);
    return pid;
}

/* What QEMU can do is kept, so that it is not asked. */
static void write_features(const struct testbed *testbed)
{
    autofree char *answers = vm_fake_answers("7.2"), *path = NULL;
    struct stat binary;

    if (stat(BINARY, &binary) != 0)
        cr_skip_test("the package qemu-system-x86 is not installed");
    path = xasprintf("run/vm/qemu-%llu-%lld", (unsigned long long)binary.st_ino,
                     (long long)binary.st_mtim.tv_sec);
    tree_write(&testbed->tree, path, answers);
}

static pid_t make(struct testbed *testbed, const char *refused)
{
    testbed_make_host(testbed);
    autofree char *script = xasprintf("%s/hostpci", testbed->tree.path);
    write_features(testbed);
    tree_write(&testbed->tree, "hostpci", "#!/bin/sh\nexit 0\n");
    cr_assert_eq(chmod(script, 0755), 0);
    program_root = testbed->tree.path;
    tree_write(&testbed->tree, "run/vm/100/machine",
               "{\"vmid\": 100, \"functions\": [], \"mediated\": [], \"hostpci\": {}}");
    tree_write(&testbed->tree, "run/vm/100/order", "{\"own\": []}");
    pid_t pid = play(testbed, refused);
    unsigned long long start = 0;
    cr_assert(process_start_time(pid, &start));
    autofree char *file =
        xasprintf("{\"supervisor\": %d, \"supervisor-start\": %llu, \"pid\": %d, \"start\": "
                  "%llu}",
                  (int)pid, start, (int)pid, start);
    tree_write(&testbed->tree, "run/vm/100/pid", file);
    testbed_start_broker(testbed);
    return pid;
}

static void was_told(const struct testbed *testbed, const char *expected)
{
    autofree char *path = xasprintf("%s/run/vm/100/told", testbed->tree.path), *text = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 65536, &text, NULL, &err), 0, "%s", err.message);
    cr_expect_str_eq(text, expected);
}

static json_t *load(const struct testbed *testbed, const char *file)
{
    autofree char *path = xasprintf("%s/run/vm/100/%s", testbed->tree.path, file);
    json_t *content = json_load_file(path, 0, NULL);

    cr_assert_not_null(content, "%s", path);
    return content;
}

static void has_groups(const struct testbed *testbed, const char *own)
{
    autojson json_t *order = load(testbed, "order");

    expect_json(json_incref(json_object_get(order, "own")), own);
}

static void end(struct testbed *testbed, pid_t qemu)
{
    autofree char *folder = xasprintf("%s/run/vm/100", testbed->tree.path);

    kill(qemu, SIGKILL);
    waitpid(qemu, NULL, 0);
    for (unsigned i = 0; access(folder, F_OK) == 0; i++) {
        cr_assert_lt(i, MOST, "'%s' is left", folder);
        nanosleep(&(const struct timespec){.tv_nsec = 10000000}, NULL);
    }
    testbed_wait_until_idle(testbed);
    expect_nothing_open(testbed);
}

/* Function 0 comes last, and is the one that is asked for. */
Test(vm_plug, comes_with_function_0_last_and_goes)
{
    autotestbed struct testbed testbed;
    pid_t qemu = make(&testbed, NULL);

    testbed_do(&testbed, "vm_plug", PLUG, "{}");
    expect_binding(SCREEN, "vfio-pci", "vfio-pci");
    expect_binding(SOUND, "vfio-pci", "vfio-pci");
    has_groups(&testbed, "['/dev/vfio/1']");
    testbed_fail(&testbed, "vm_plug", PLUG, "VM 100 has a hostpci2 already");
    testbed_do(&testbed, "vm_unplug", UNPLUG, "{}");
    was_told(&testbed, "device_add hostpci2.1\ndevice_add hostpci2.0\ndevice_del hostpci2.0\n");
    expect_binding(SCREEN, "vfio-pci", "vfio-pci");
    has_groups(&testbed, "[]");
    testbed_do(&testbed, "vm_unplug", UNPLUG, "{}");
    autojson json_t *record = load(&testbed, "machine");
    expect_json(json_incref(json_object_get(record, "functions")), "[]");
    end(&testbed, qemu);
}

/* In reverse, also what QEMU had taken already. */
Test(vm_plug, that_qemu_refuses_is_undone)
{
    autotestbed struct testbed testbed;
    pid_t qemu = make(&testbed, "hostpci2.0");

    testbed_fail(&testbed, "vm_plug", PLUG, "not this one");
    was_told(&testbed, "device_add hostpci2.1\ndevice_add hostpci2.0\ndevice_del hostpci2.1\n");
    expect_binding(SCREEN, "nouveau", "");
    expect_binding(SOUND, "snd_hda_intel", "");
    has_groups(&testbed, "[]");
    end(&testbed, qemu);
}

Test(vm_plug, romfile_that_is_not_there_is_named_before_anything_is_taken)
{
    autotestbed struct testbed testbed;
    pid_t qemu = make(&testbed, NULL);

    testbed_fail(&testbed, "vm_plug", PLUG_WITH(",romfile=none-such.rom"), "romfile: cannot read '");
    expect_binding(SCREEN, "nouveau", "");
    end(&testbed, qemu);
}

enum victim { BOTH, QEMU, WORKER, BROKER, VICTIMS };

static size_t count_in_qemu(const struct testbed *testbed)
{
    autofree char *path = xasprintf("%s/run/vm/100/100.qmp", testbed->tree.path);
    autoqmp struct qmp *qmp = NULL;
    autojson json_t *devices = NULL;
    struct error err;

    cr_assert_eq(qmp_open(path, 10000, &qmp, &err), 0, "%s", err.message);
    cr_assert_eq(qmp_execute(qmp, "qom-list", json_object(), 10000, &devices, &err), 0, "%s", err.message);
    return json_array_size(devices);
}

static bool is_recorded(const struct testbed *testbed)
{
    autojson json_t *record = load(testbed, "machine");

    return json_object_get(json_object_get(record, "hostpci"), "hostpci2") != NULL;
}

/* The broker is idle afterwards, and stops no more. False if the operation has fewer steps. */
static bool kill_at(struct testbed *testbed, const char *operation, const char *arguments, unsigned step,
                    enum victim victim, pid_t qemu)
{
    struct error err;

    testbed_stop_broker(testbed, SIGTERM);
    testbed->stop_at = step;
    testbed_start_broker(testbed);
    struct testbed_call *call = testbed_begin(testbed, operation, arguments);
    bool stopped = testbed_wait_for_stop(testbed, call);
    if (stopped && victim == QEMU)
        cr_assert_eq(kill(qemu, SIGKILL), 0);
    testbed_kill_stopped(testbed, stopped && (victim == BOTH || victim == WORKER),
                         !stopped || victim == BOTH || victim == BROKER);
    json_decref(testbed_end(call, &err));
    testbed_wait_until_idle(testbed);
    return stopped;
}

/* The VM has it, or has not; asked again it does what it was asked. */
static bool kill_plug_at(unsigned step, enum victim victim)
{
    autotestbed struct testbed testbed;
    pid_t qemu = make(&testbed, NULL);

    bool stopped = kill_at(&testbed, "vm_plug", PLUG_WITH(",reattach=1"), step, victim, qemu);
    if (victim != QEMU) {
        bool has = is_recorded(&testbed);
        cr_expect_eq(count_in_qemu(&testbed), has ? 2 : 0, "%u of %d: recorded: %d", step, victim, has);
        if (!has)
            testbed_do(&testbed, "vm_plug", PLUG_WITH(",reattach=1"), "{}");
        expect_binding(SOUND, "vfio-pci", "vfio-pci");
        has_groups(&testbed, "['/dev/vfio/1']");
    }
    end(&testbed, qemu);
    expect_binding(SCREEN, "nouveau", "");
    expect_binding(SOUND, "snd_hda_intel", "");
    return stopped;
}

static bool kill_unplug_at(unsigned step, enum victim victim)
{
    autotestbed struct testbed testbed;
    pid_t qemu = make(&testbed, NULL);

    testbed_do(&testbed, "vm_plug", PLUG_WITH(",reattach=1"), "{}");
    bool stopped = kill_at(&testbed, "vm_unplug", UNPLUG, step, victim, qemu);
    if (victim != QEMU) {
        testbed_do(&testbed, "vm_unplug", UNPLUG, "{}");
        cr_expect(count_in_qemu(&testbed) == 0 && !is_recorded(&testbed), "%u of %d", step, victim);
        expect_binding(SOUND, "snd_hda_intel", "");
        has_groups(&testbed, "[]");
    }
    end(&testbed, qemu);
    expect_binding(SCREEN, "nouveau", "");
    expect_binding(SOUND, "snd_hda_intel", "");
    return stopped;
}

static void kill_at_each(bool (*kill_one)(unsigned step, enum victim victim))
{
    for (enum victim victim = BOTH; victim < (scenario_wants_all() ? VICTIMS : WORKER); victim++) {
        unsigned step = 1;
        while (kill_one(step, victim))
            step++;
        cr_expect_gt(step, 4, "it has only %u steps", step - 1);
    }
}

Test(vm_plug, may_be_killed_at_each_step)
{
    kill_at_each(kill_plug_at);
}

Test(vm_plug, may_be_killed_at_each_step_of_the_way_back)
{
    kill_at_each(kill_unplug_at);
}
