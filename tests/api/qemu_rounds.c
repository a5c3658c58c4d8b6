/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that start and end again and again, in whatever way, and at once: nothing may be left of them. The
 * number of rounds is HOSTPCI_ROUNDS, 5 by default. These tests need the package qemu-system-x86. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define SECONDS 60
#define VMS     4

static void start(void)
{
    START(.host = NULL);
}

/* The file of a machine that names its processes, or an empty object. */
static json_t *read_processes(const char *vmid)
{
    autofree char *path = xasprintf("%s/vm/%s/pid", daemon_run(), vmid);
    json_t *file = json_load_file(path, 0, NULL);

    return file != NULL ? file : json_object();
}

static void kill_one(const char *vmid, const char *which)
{
    autojson json_t *file = read_processes(vmid);
    pid_t pid = (pid_t)json_integer_value(json_object_get(file, which));

    if (pid > 1)
        kill(pid, SIGKILL);
}

/* A test that fails leaves no QEMU behind: each ends with its supervisor. */
static void tidy(void)
{
    for (unsigned vmid = 100; vmid < 100 + VMS; vmid++) {
        autofree char *id = xasprintf("%u", vmid);
        kill_one(id, "supervisor");
    }
}

TestSuite(qemu_rounds, .init = start, .fini = tidy, .timeout = 3600);

static unsigned rounds(void)
{
    const char *given = getenv("HOSTPCI_ROUNDS");
    unsigned long long number = 5;

    cr_assert(given == NULL || text_to_number(given, 10, 1000, &number));
    return (unsigned)number;
}

/* The names in a folder; "" if there is none. The caller frees. */
static char *list(const char *folder)
{
    DIR *stream = opendir(folder);
    struct text text = {0};

    for (const struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;)
        if (entry->d_name[0] != '.')
            text_printf(&text, "%s ", entry->d_name);
    if (stream != NULL)
        closedir(stream);
    return text_take(&text);
}

static size_t count_words(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == ' ';
    return count;
}

static size_t count_open(pid_t pid)
{
    autofree char *folder = xasprintf("/proc/%d/fd", (int)pid), *files = list(folder);

    return count_words(files);
}

/* The broker, the daemon's other child beside the one that asks QEMU. */
static pid_t find_broker(void)
{
    autofree char *path = xasprintf("/proc/%d/task/%d/children", (int)daemon_pid(), (int)daemon_pid());
    autofile FILE *file = fopen(path, "r");
    pid_t found = 0;

    for (int pid; file != NULL && fscanf(file, "%d", &pid) == 1;) {
        autofree char *words = xasprintf("/proc/%d/cmdline", pid), *text = NULL;
        struct error err;
        size_t length;
        if (file_read(words, 65536, &text, &length, &err) == 0 && length > strlen("hostpci") + 1 &&
            strcmp(text + strlen(text) + 1, "broker") == 0)
            found = pid;
    }
    return found;
}

/* What could be left. Which files QEMU's features are kept in is no VM's business. */
struct state {
    char *interfaces, *folders;
    size_t daemon, broker, children;
};

static void release(struct state *state)
{
    free(state->interfaces);
    free(state->folders);
}
#define autostate __attribute__((cleanup(release)))

static char *list_machines(void)
{
    autofree char *folder = xasprintf("%s/vm", daemon_run()), *names = list(folder);
    struct text text = {0};
    char *rest = names;

    for (const char *name; (name = strsep(&rest, " ")) != NULL;)
        if (name[0] >= '0' && name[0] <= '9')
            text_printf(&text, "%s ", name);
    return text_take(&text);
}

static size_t count_children(pid_t pid)
{
    autofree char *path = xasprintf("/proc/%d/task/%d/children", (int)pid, (int)pid), *text = NULL;
    struct error err;

    return file_read(path, 65536, &text, NULL, &err) == 0 ? count_words(text) : 0;
}

static void look(struct state *ret)
{
    pid_t broker = find_broker();

    *ret = (struct state){.interfaces = list("/sys/class/net"),
                          .folders = list_machines(),
                          .daemon = count_open(daemon_pid()),
                          .broker = count_open(broker),
                          .children = count_children(broker)};
}

/* Connections to the daemon come and go, so that it may have a few more or fewer. */
static bool is_same(const struct state *a, const struct state *b)
{
    return strcmp(a->interfaces, b->interfaces) == 0 && strcmp(a->folders, b->folders) == 0 &&
           a->daemon <= b->daemon + 4 && a->broker <= b->broker && a->children <= b->children;
}

static void wait_until_as_before(const struct state *before)
{
    double end = machine_slept() + SECONDS;

    for (;;) {
        autostate struct state now;
        look(&now);
        if (is_same(&now, before))
            return;
        cr_assert_lt(
            machine_slept(), end,
            "left: machines '%s', interfaces '%s' (before: '%s'), open files %zu and %zu (before: %zu, "
            "%zu), children %zu (%zu)",
            now.folders, now.interfaces, before->interfaces, now.daemon, now.broker, before->daemon,
            before->broker, now.children, before->children);
        machine_sleep(100);
    }
}

static void create(const char *vmid)
{
    vm_create(vmid, "kvm", "0", "memory", "32", "vga", "none", "serial0", "socket", NULL);
}

static const char *end_of(const char *vmid, const char *verb)
{
    autofree char *path = xasprintf(QEMU "/%s/status/%s", vmid, verb);

    return vm_task_end(json_string_value(post(path, NULL, NULL)));
}

static void wait_until_gone(void)
{
    double end = machine_slept() + SECONDS;

    for (autofree char *names = list_machines(); names[0] != '\0'; free(names), names = list_machines()) {
        cr_assert_lt(machine_slept(), end, "left: %s", names);
        machine_sleep(50);
    }
}

DAEMON_TEST(qemu_rounds, leave_nothing_behind)
{
    static const char *const ways[] = {"stop", "pid", "supervisor"};
    autostate struct state before = {NULL};

    create("100");
    cr_assert_str_eq(end_of("100", "start"), "OK"); /* what is asked and kept once is */
    cr_assert_str_eq(end_of("100", "stop"), "OK");
    wait_until_gone();
    look(&before);
    for (unsigned i = 0; i < rounds(); i++) {
        const char *way = ways[i % COUNT_OF(ways)];
        cr_assert_str_eq(end_of("100", "start"), "OK", "round %u", i);
        if (strcmp(way, "stop") == 0)
            cr_assert_str_eq(end_of("100", "stop"), "OK", "round %u", i);
        else
            kill_one("100", way);
        wait_until_gone();
    }
    wait_until_as_before(&before);
}

/* Of two starts of one VM one wins; of several VMs all start, each as a user of its own. */
DAEMON_TEST(qemu_rounds, of_starts_at_once_end_well)
{
    char *upids[VMS], *again;
    autojson json_t *users = json_object();

    for (unsigned i = 0; i < VMS; i++) {
        autofree char *id = xasprintf("%u", 100 + i);
        create(id);
    }
    for (unsigned i = 0; i < VMS; i++) {
        autofree char *path = xasprintf(QEMU "/%u/status/start", 100 + i);
        upids[i] = xstrdup(json_string_value(post(path, NULL, NULL)));
    }
    again = xstrdup(json_string_value(post(VM "/status/start", NULL, NULL)));
    autofree char *first = xstrdup(vm_task_end(upids[0])), *second = xstrdup(vm_task_end(again));
    bool won = strcmp(first, "OK") == 0;
    cr_expect_str_eq(won ? first : second, "OK");
    cr_expect_str_eq(won ? second : first, "VM 100 already running");
    for (unsigned i = 0; i < VMS; i++) {
        autofree char *path = xasprintf("%s/vm/%u/machine", daemon_run(), 100 + i);
        cr_expect(i == 0 || strcmp(vm_task_end(upids[i]), "OK") == 0, "VM %u", 100 + i);
        autojson json_t *record = json_load_file(path, 0, NULL);
        autofree char *user = xasprintf("%lld", json_integer_value(json_object_get(record, "uid")));
        json_object_set_new(users, user, json_true());
        free(upids[i]);
    }
    free(again);
    cr_expect_eq(json_object_size(users), geteuid() == 0 ? VMS : 1);
    for (unsigned i = 0; i < VMS; i++) {
        autofree char *id = xasprintf("%u", 100 + i);
        cr_expect_str_eq(end_of(id, "stop"), "OK");
    }
    wait_until_gone();
}

/* A request that the broker's end cuts off is to be repeated. */
static void wait_for_status(const char *status)
{
    double end = machine_slept() + SECONDS;
    const struct reply *reply;

    do {
        cr_assert_lt(machine_slept(), end, "it is not %s", status);
        machine_sleep(50);
        reply = CALL(.method = "GET", .path = VM "/status/current");
    } while (reply->status == 503 || strcmp(text_of(reply->data, "status"), status) != 0);
}

/* What the last broker said counts as long as its processes are there. */
DAEMON_TEST(qemu_rounds, are_known_without_a_broker)
{
    create("100");
    cr_assert_str_eq(end_of("100", "start"), "OK");
    wait_for_status("running");
    kill(find_broker(), SIGKILL);
    for (double end = machine_slept() + SECONDS; find_broker() != 0; machine_sleep(10))
        cr_assert_lt(machine_slept(), end);
    wait_for_status("running");
    cr_expect_eq(number_of(json_array_get(get(QEMU, NULL), 0), "vmid"), 100);
    cr_expect_str_eq(text_of(json_array_get(get(QEMU, NULL), 0), "status"), "running");
    fails(500, "VM 100 is running - destroy failed", "DELETE", VM, NULL);
    kill_one("100", "pid");
    wait_for_status("stopped");
}
