/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's PCI bus: its drivers and functions, and what writes do to them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

/* It is released when its process ends, in whatever way. */
static int lock_bus(void)
{
    int fd = open(kernel_path("sys/bus/pci"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    kernel_must(fd >= 0 && flock(fd, LOCK_EX) == 0, "lock the bus");
    return fd;
}

static void set_uevent_driver(const char *id, const char *driver)
{
    char before[4096];
    autotext struct text after = {0};
    char *rest = before;

    kernel_read_text(kernel_function_file(id, "uevent"), before, sizeof(before));
    if (driver[0] != '\0')
        text_printf(&after, "DRIVER=%s\n", driver);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (line[0] != '\0' && !text_starts_with(line, "DRIVER="))
            text_printf(&after, "%s\n", line);
    kernel_write_text(kernel_function_file(id, "uevent"), text_string(&after));
}

bool kernel_is_vfio(const char *driver)
{
    return strstr(driver, "vfio") != NULL;
}

/* /dev/vfio/GROUP exists while a member of the group is bound to a vfio driver. */
static void update_group(const char *id)
{
    char group[KERNEL_NAME], driver[KERNEL_NAME];
    bool used = false;

    kernel_read_link(kernel_function_file(id, "iommu_group"), group);
    if (group[0] == '\0')
        return;
    char **names = NULL;
    int folder = open(kernel_path(KERNEL_DEVICES), O_PATH | O_DIRECTORY | O_CLOEXEC);
    kernel_looks = true;
    sysfs_list(folder, ".", &names);
    kernel_looks = false;
    for (char **name = names; name != NULL && *name != NULL; name++) {
        char other[KERNEL_NAME];
        kernel_read_link(kernel_function_file(*name, "iommu_group"), other);
        kernel_read_link(kernel_function_file(*name, "driver"), driver);
        used |= strcmp(group, other) == 0 && kernel_is_vfio(driver);
    }
    sysfs_free_list(&names);
    close(folder);
    mkdir(kernel_path("dev"), 0755);
    mkdir(kernel_path("dev/vfio"), 0755);
    if (used)
        kernel_write_text(kernel_path("dev/vfio/%s", group), "");
    else
        unlink(kernel_path("dev/vfio/%s", group));
}

void kernel_bind(const char *id, const char *driver)
{
    autofree char *folder = xasprintf(KERNEL_DEVICES "/%s", id),
                  *target = xasprintf(KERNEL_DRIVERS "/%s", driver);

    kernel_make_link(kernel_path(KERNEL_DRIVERS "/%s/%s", driver, id), folder);
    kernel_make_link(kernel_function_file(id, "driver"), target);
    set_uevent_driver(id, driver);
    update_group(id);
}

const char *kernel_driver(const char *id)
{
    static _Thread_local char name[KERNEL_NAME];

    kernel_read_link(kernel_function_file(id, "driver"), name);
    return name;
}

const char *kernel_override(const char *id)
{
    static _Thread_local char override[KERNEL_NAME];

    kernel_read_text(kernel_function_file(id, "driver_override"), override, sizeof(override));
    override[strcspn(override, "\n")] = '\0';
    return strcmp(override, "(null)") == 0 ? "" : override;
}

/* pci_match_device() and the driver's own probe. vfio-pci needs a group and refuses bridges. */
static bool does_fit(const struct kernel_function *function, const char *driver)
{
    char class_code[16];
    const char *override = kernel_override(function->id);

    if (override[0] != '\0' ? strcmp(override, driver) != 0 : strcmp(function->choice, driver) != 0)
        return false;
    if (strcmp(function->refused, driver) == 0)
        return false;
    kernel_read_text(kernel_function_file(function->id, "class"), class_code, sizeof(class_code));
    return !kernel_is_vfio(driver) || (kernel_is_there(kernel_function_file(function->id, "iommu_group")) &&
                                       !text_starts_with(class_code, "0x06"));
}

void kernel_probe(const struct kernel_function *function)
{
    char driver[KERNEL_NAME];

    if (kernel_driver(function->id)[0] != '\0' || !kernel_may_probe(function->id))
        return;
    const char *override = kernel_override(function->id);
    snprintf(driver, sizeof(driver), "%s", override[0] != '\0' ? override : function->choice);
    if (driver[0] != '\0' && kernel_is_there(kernel_path(KERNEL_DRIVERS "/%s", driver)) &&
        does_fit(function, driver))
        kernel_bind(function->id, driver);
}

static int write_bind(const struct kernel_function *function, const char *driver)
{
    if (kernel_driver(function->id)[0] != '\0')
        return -EBUSY;
    if (!does_fit(function, driver) || !kernel_may_probe(function->id))
        return -ENODEV;
    kernel_bind(function->id, driver);
    return 0;
}

static void let_go(struct kernel_function *function)
{
    unlink(kernel_path(KERNEL_DRIVERS "/%s/%s", function->leaving, function->id));
    function->leaving[0] = '\0';
    if (!kernel_is_there(kernel_function_file(function->id, "uevent")))
        return;
    set_uevent_driver(function->id, "");
    update_group(function->id);
}

static int write_unbind(struct kernel_function *function, const char *driver, int *lock,
                        void (*middle)(struct kernel_function *function))
{
    if (strcmp(kernel_driver(function->id), driver) != 0)
        return -ENODEV;
    unlink(kernel_function_file(function->id, "driver"));
    snprintf(function->leaving, sizeof(function->leaving), "%s", driver);
    close(*lock); /* the driver takes its time, while others go on */
    middle(function);
    *lock = lock_bus();
    let_go(function);
    return 0;
}

void kernel_finish_unbind(struct kernel_function *function)
{
    int lock = lock_bus();

    if (function->leaving[0] != '\0')
        let_go(function);
    close(lock);
}

static int write_override(const struct kernel_function *function, const char *value)
{
    autofree char *line = xstrdup(value);

    line[strcspn(line, "\n")] = '\0';
    autofree char *text = xasprintf("%s\n", line[0] != '\0' ? line : "(null)");
    kernel_write_text(kernel_function_file(function->id, "driver_override"), text);
    return 0;
}

/* The last two parts of a path: a function's or driver's name, and the file's. */
static void split(const char *path, char folder[static KERNEL_NAME], char name[static KERNEL_NAME])
{
    const char *slash = strrchr(path, '/'), *begin = slash;

    folder[0] = name[0] = '\0';
    if (slash == NULL)
        return;
    while (begin > path && begin[-1] != '/')
        begin--;
    snprintf(folder, KERNEL_NAME, "%.*s", (int)(slash - begin), begin);
    snprintf(name, KERNEL_NAME, "%s", slash + 1);
}

static bool has_function_in_value(const char *path)
{
    return text_ends_with(path, "/pci/drivers_probe") ||
           (strstr(path, KERNEL_DRIVERS "/") != NULL &&
            (text_ends_with(path, "/unbind") || text_ends_with(path, "/bind")));
}

struct kernel_function *kernel_locked(enum sysfs_access access, const char *path, const char *value)
{
    char folder[KERNEL_NAME], name[KERNEL_NAME];

    split(path, folder, name);
    if (access == SYSFS_WRITE && has_function_in_value(path))
        return kernel_find(value);
    if ((access == SYSFS_WRITE || access == SYSFS_READ) &&
        (strcmp(name, "driver_override") == 0 || strcmp(name, "sriov_numvfs") == 0 ||
         strcmp(name, "uevent") == 0))
        return kernel_find(folder);
    return NULL;
}

static int write_function(struct kernel_function *function, const char *name, const char *value)
{
    if (!kernel_is_there(kernel_path(KERNEL_DEVICES "/%s/%s", function->id, name)))
        return -ENOENT;
    if (strcmp(name, "driver_override") == 0)
        return write_override(function, value);
    if (strcmp(name, "reset_method") == 0)
        return kernel_write_methods(function, value);
    if (strcmp(name, "sriov_numvfs") == 0)
        return kernel_write_count(function, value);
    if (strcmp(name, "rom") == 0)
        return kernel_write_rom(function, value);
    if (strcmp(name, "enable") == 0)
        return kernel_write_enable(function, value);
    if (strcmp(name, "d3cold_allowed") == 0)
        return kernel_write_d3cold(function, value);
    return strcmp(name, "reset") == 0 ? kernel_write_reset(function, value) : 1;
}

int kernel_read(const char *path)
{
    char folder[KERNEL_NAME], name[KERNEL_NAME];

    split(path, folder, name);
    const struct kernel_function *function = strcmp(name, "rom") == 0 ? kernel_find(folder) : NULL;
    return function != NULL && kernel_is_there(kernel_function_file(folder, name)) ? kernel_read_rom(function)
                                                                                   : 1;
}

static int write_bus(const char *path, const char *value, int *lock,
                     void (*middle)(struct kernel_function *function))
{
    char folder[KERNEL_NAME], name[KERNEL_NAME];
    bool in_value = has_function_in_value(path);

    split(path, folder, name);
    struct kernel_function *function = kernel_find(in_value ? value : folder);
    if (in_value && strcmp(name, "drivers_probe") != 0 &&
        !kernel_is_there(kernel_path(KERNEL_DRIVERS "/%s", folder)))
        return -ENOENT;
    if (in_value && (function == NULL || !kernel_is_there(kernel_path(KERNEL_DEVICES "/%s", value))))
        return -ENODEV;
    if (function == NULL)
        return 1;
    if (strcmp(name, "drivers_probe") == 0)
        return kernel_probe(function), 0; /* whether anything was bound or not */
    if (strcmp(name, "bind") == 0)
        return write_bind(function, folder);
    if (strcmp(name, "unbind") == 0)
        return write_unbind(function, folder, lock, middle);
    return write_function(function, name, value);
}

static void do_nothing(struct kernel_function *function)
{
    (void)function;
}

void kernel_put(const char *id, const char *driver, const char *override)
{
    struct kernel_function *function = kernel_find(id);
    char now[KERNEL_NAME];

    kernel_must(function != NULL, "find a function to put");
    if (function == NULL)
        return; /* the program has ended, which no analyser sees */
    int lock = lock_bus();
    snprintf(now, sizeof(now), "%s", kernel_driver(id));
    if (strcmp(now, driver) != 0 && now[0] != '\0')
        write_unbind(function, now, &lock, do_nothing);
    if (strcmp(now, driver) != 0 && driver[0] != '\0')
        kernel_bind(id, driver);
    write_override(function, override);
    close(lock);
}

int kernel_write(const char *path, const char *value, void (*middle)(struct kernel_function *function))
{
    if (!text_starts_with(path, "sys/")) /* an ordinary file, whose folder may be named as a function */
        return 1;
    int lock = lock_bus();
    int result = kernel_write_slice(path, value);
    if (result == 1)
        result = write_bus(path, value, &lock, middle);

    close(lock);
    return result;
}

void kernel_add_driver(const char *driver)
{
    static const char *const files[] = {"bind", "unbind", "new_id", "remove_id"};

    kernel_must(mkdir(kernel_path("sys/bus/pci/drivers"), 0755) == 0 || errno == EEXIST, "make drivers");
    if (mkdir(kernel_path(KERNEL_DRIVERS "/%s", driver), 0755) != 0)
        return;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        kernel_write_text(kernel_path(KERNEL_DRIVERS "/%s/%s", driver, files[i]), "");
}

void kernel_remove_driver(const char *driver)
{
    kernel_remove_folder(kernel_path(KERNEL_DRIVERS "/%s", driver));
}

/* The link in the bus's folder goes first, as in device_del(). */
void kernel_remove(const char *id)
{
    char driver[KERNEL_NAME], group[KERNEL_NAME];
    autofree char *link = xstrdup(kernel_path(KERNEL_DEVICES "/%s", id));
    autofree char *folder = realpath(link, NULL), *aside = xasprintf("%s/gone-%s", kernel_tree, id);

    kernel_must(folder != NULL, link);
    kernel_read_link(kernel_function_file(id, "driver"), driver);
    kernel_read_link(kernel_function_file(id, "iommu_group"), group);
    if (unlink(link) != 0) /* in a small tree it is the folder itself */
        kernel_must(rename(link, aside) == 0, link);
    else
        kernel_must(rename(folder, aside) == 0, folder);
    if (driver[0] != '\0')
        unlink(kernel_path(KERNEL_DRIVERS "/%s/%s", driver, id));
    if (group[0] != '\0')
        unlink(kernel_path("sys/kernel/iommu_groups/%s/devices/%s", group, id));
    kernel_remove_folder(aside);
}

void kernel_unplug(const char *id)
{
    int lock = lock_bus();

    kernel_remove(id);
    close(lock);
}

void kernel_put_vfs(const char *id, unsigned count)
{
    char value[16];
    int lock = lock_bus();

    kernel_must(kernel_write_count(kernel_find(id), "0") == 0, "remove virtual functions");
    snprintf(value, sizeof(value), "%u", count);
    kernel_must(kernel_write_count(kernel_find(id), value) == 0, "make virtual functions");
    close(lock);
}
