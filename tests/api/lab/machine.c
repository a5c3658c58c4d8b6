/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's machine by its own kernel's files. */
#include "tests/api/lab/machine.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define DEVICES "/sys/bus/pci/devices"
#define SECONDS 60

static char *before;
static unsigned long slept; /* milliseconds */

/* One line, without its end; false if it cannot be read. */
static bool read_line(const char *path, char *value, size_t size)
{
    autofile FILE *file = fopen(path, "r");

    if (file == NULL || fgets(value, (int)size, file) == NULL)
        return false;
    value[strcspn(value, "\n")] = '\0';
    return true;
}

bool machine_read(const char *id, const char *attribute, char *value, size_t size)
{
    autofree char *path = xasprintf(DEVICES "/%s/%s", id, attribute);

    return read_line(path, value, size);
}

bool machine_has(const char *id)
{
    autofree char *path = xasprintf(DEVICES "/%s", id);

    return access(path, F_OK) == 0;
}

char *machine_entry(const char *id, const char *folder)
{
    autofree char *pattern = xasprintf(DEVICES "/%s/%s/*", id, folder);
    glob_t found;

    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s is empty", pattern);
    char *name = xstrdup(strrchr(found.gl_pathv[0], '/') + 1);
    globfree(&found);
    return name;
}

static char *next_buffer(size_t *size)
{
    static char buffers[2][256];
    static unsigned next;

    *size = sizeof(buffers[0]);
    return buffers[next++ % COUNT_OF(buffers)];
}

const char *machine_driver(const char *id)
{
    autofree char *path = xasprintf(DEVICES "/%s/driver", id);
    char target[PATH_MAX];
    size_t size;
    char *name = next_buffer(&size);
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    target[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(name, size, "%.*s", (int)size - 1, slash != NULL ? slash + 1 : "");
    return name;
}

const char *machine_override(const char *id)
{
    size_t size;
    char *value = next_buffer(&size);

    if (!machine_read(id, "driver_override", value, size) || strcmp(value, "(null)") == 0)
        *value = '\0';
    return value;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Calls `add` with each name in the folder, sorted. */
static void add_each(struct text *text, const char *folder, void (*add)(struct text *, const char *))
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, by_name);

    cr_assert_geq(count, 0, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        add(text, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void add_function(struct text *text, const char *id)
{
    static const char *const attributes[] = {"vendor",       "device",       "driver_override",
                                             "reset_method", "sriov_numvfs", "sriov_drivers_autoprobe",
                                             "enable"};
    char value[256];

    text_printf(text, "%s driver=%s", id, machine_driver(id));
    for (size_t i = 0; i < COUNT_OF(attributes); i++)
        if (machine_read(id, attributes[i], value, sizeof(value)))
            text_printf(text, " %s=%s", attributes[i], value);
    text_append(text, "\n");
}

static void add_module(struct text *text, const char *name)
{
    autofree char *path = xasprintf("/sys/module/%s/initstate", name); /* not of what is built in */

    if (access(path, F_OK) == 0)
        text_printf(text, "module %s\n", name);
}

static void add_process(struct text *text, const char *pid)
{
    autofree char *path = xasprintf("/proc/%s/comm", pid);
    char name[64];

    if (strspn(pid, "0123456789") == strlen(pid) && read_line(path, name, sizeof(name)) &&
        strcmp(name, "hostpci") == 0)
        text_printf(text, "process %s %s\n", name, pid);
}

static void add_file(struct text *text, const char *path)
{
    autofile FILE *file = fopen(path, "r");
    char line[1024];

    cr_assert_not_null(file, "%s", path);
    while (fgets(line, sizeof(line), file) != NULL)
        text_append(text, line);
}

static char *describe(void)
{
    struct text text = {0};

    add_each(&text, DEVICES, add_function);
    add_each(&text, "/sys/module", add_module);
    add_each(&text, "/proc", add_process);
    add_file(&text, "/proc/mounts");
    add_file(&text, "/proc/net/route");
    return text_take(&text);
}

void machine_remember(void)
{
    if (getenv("LAB") == NULL)
        cr_skip_test("only in the lab");
    free(before);
    before = describe();
}

/* What is in one and not in the other, line by line. */
static void add_difference(struct text *text, const char *sign, const char *lines, const char *others)
{
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n") + 1) {
        autofree char *one = xasprintf("%.*s\n", (int)strcspn(line, "\n"), line);
        if (strstr(others, one) == NULL)
            text_printf(text, "%s %s", sign, one);
    }
}

static char *find_difference(void)
{
    autofree char *now = describe();
    struct text text = {0};

    add_difference(&text, "before:", before, now);
    add_difference(&text, "now:", now, before);
    return text_take(&text);
}

/* What ends with a daemon needs a moment. */
void machine_is_as_before(void)
{
    autofree char *difference = find_difference();
    double end = machine_slept() + SECONDS;

    while (*difference != '\0' && machine_slept() < end) {
        machine_sleep(100);
        free(difference);
        difference = find_difference();
    }
    cr_assert_str_empty(difference, "the machine is not as it was before:\n%s", difference);
}

void machine_write(const char *path, const char *value)
{
    autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

    cr_assert_neq(fd, -1, "%s: %s", path, strerror(errno));
    cr_assert_eq(write(fd, value, strlen(value)), (ssize_t)strlen(value), "'%s' to %s: %s", value, path,
                 strerror(errno));
}

void machine_set(const char *id, const char *attribute, const char *value)
{
    autofree char *path = xasprintf(DEVICES "/%s/%s", id, attribute);

    machine_write(path, value);
}

void machine_wait(const char *id, bool present)
{
    double end = machine_slept() + SECONDS;

    while (machine_has(id) != present) {
        cr_assert_lt(machine_slept(), end, "%s does not %s", id, present ? "come" : "go");
        machine_sleep(20);
    }
}

void machine_wait_driver(const char *id, const char *driver)
{
    double end = machine_slept() + SECONDS;

    while (strcmp(machine_driver(id), driver) != 0) {
        cr_assert_lt(machine_slept(), end, "%s has driver '%s', not '%s'", id, machine_driver(id), driver);
        machine_sleep(20);
    }
}

void machine_run(const char *const *argv)
{
    int status = 0;
    pid_t pid;

    cr_assert_eq(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ), 0, "%s", argv[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0, "%s %s: wait status %d", argv[0], argv[1], status);
}

double machine_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

double machine_median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), by_size);
    return values[count / 2];
}

double machine_slept(void)
{
    return (double)slept / 1000;
}

void machine_sleep(unsigned milliseconds)
{
    slept += milliseconds;
    nanosleep(&(const struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L}, NULL);
}
