/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests that need a host. */
#include "tests/unit/hardware/fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

void tree_make(struct tree *tree)
{
    struct error err;

    const char *above = getenv("TMPDIR");
    int length =
        snprintf(tree->path, sizeof(tree->path), "%s/hostpci-tree-XXXXXX", above != NULL ? above : "/tmp");

    cr_assert_lt(length, (int)sizeof(tree->path), "the path of $TMPDIR is too long");
    cr_assert_not_null(mkdtemp(tree->path));
    cr_assert_eq(sysroot_open(tree->path, &tree->sysroot, &err), 0, "%s", err.message);
}

static void run_make_host(const char *first, const char *second, const char *third)
{
    const char *program = getenv("HOSTPCI_MAKE_HOST");
    char *arguments[] = {xstrdup("make-host"), xstrdup(first), xstrdup(second), third ? xstrdup(third) : NULL,
                         NULL};
    pid_t child;
    int status;

    cr_assert_not_null(program, "set HOSTPCI_MAKE_HOST to the program that tests/hosts builds");
    cr_assert_eq(posix_spawn(&child, program, NULL, NULL, arguments, environ), 0, "cannot start %s", program);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "make-host %s %s failed", first, second);
    for (char **argument = arguments; *argument != NULL; argument++)
        free(*argument);
}

void tree_make_host(struct tree *tree, const char *name)
{
    tree_make(tree);
    run_make_host(name, tree->path, NULL);
}

void tree_unplug(const struct tree *tree, const char *id)
{
    run_make_host("--unplug", id, tree->path);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

void tree_remove(struct tree *tree)
{
    sysroot_close(tree->sysroot);
    nftw(tree->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The whole path, whose folders are made. */
static char *prepare(const struct tree *tree, const char *file)
{
    char *path = xasprintf("%s/%s", tree->path, file);
    autofree char *folder = xstrdup(path);
    struct error err;

    *strrchr(folder, '/') = '\0';
    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    unlink(path);
    return path;
}

void tree_write_bytes(const struct tree *tree, const char *file, const void *bytes, size_t size)
{
    autofree char *path = prepare(tree, file);
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    cr_assert_geq(fd, 0, "cannot create %s", path);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
}

/* The kernel has the content of a function's `uevent` in its modalias and its driver link, too. */
static void tell_twice(const struct tree *tree, const char *file, const char *text)
{
    unsigned class_code, vendor, device, subsystem_vendor, subsystem_device;
    const char *rest = strstr(text, "PCI_CLASS=");
    char driver[64] = "";
    struct error err;

    sscanf(text, "DRIVER=%63s", driver);
    if (rest == NULL || sscanf(rest, "PCI_CLASS=%x\nPCI_ID=%x:%x\nPCI_SUBSYS_ID=%x:%x", &class_code, &vendor,
                               &device, &subsystem_vendor, &subsystem_device) != 5)
        return;
    autofree char *modalias = xasprintf("%.*s/modalias", (int)(strlen(file) - strlen("/uevent")), file);
    autofree char *link = xasprintf("%.*s/driver", (int)(strlen(file) - strlen("/uevent")), file);
    autofree char *alias =
        xasprintf("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", vendor, device, subsystem_vendor,
                  subsystem_device, class_code >> 16, class_code >> 8 & 0xff, class_code & 0xff);
    tree_write(tree, modalias, alias);
    free(prepare(tree, link));
    if (driver[0] == '\0')
        return;
    autofree char *target = xasprintf("../../drivers/%s", driver);
    autofree char *folder = xasprintf("%s/sys/bus/pci/drivers/%s", tree->path, driver);
    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    tree_link(tree, link, target);
}

void tree_write(const struct tree *tree, const char *file, const char *text)
{
    tree_write_bytes(tree, file, text, strlen(text));
    if (text_ends_with(file, "/uevent"))
        tell_twice(tree, file, text);
}

void tree_link(const struct tree *tree, const char *at, const char *target)
{
    autofree char *path = prepare(tree, at);

    cr_assert_eq(symlink(target, path), 0);
}

void tree_delete(const struct tree *tree, const char *file)
{
    autofree char *path = xasprintf("%s/%s", tree->path, file);

    cr_assert_eq(unlink(path), 0);
}

void tree_add_function(const struct tree *tree, const char *id, const char *driver, const char *class_code,
                       const char *ids, const char *subsystem)
{
    autofree char *file = xasprintf("sys/bus/pci/devices/%s/uevent", id);
    autotext struct text text = {0};

    if (driver != NULL)
        text_printf(&text, "DRIVER=%s\n", driver);
    text_printf(&text, "PCI_CLASS=%s\nPCI_ID=%s\nPCI_SUBSYS_ID=%s\nPCI_SLOT_NAME=%s\n", class_code, ids,
                subsystem, id);
    tree_write(tree, file, text_string(&text));
}

struct inventory *tree_scan(const struct tree *tree)
{
    struct inventory *inventory;
    struct error err;

    cr_assert_eq(inventory_scan(tree->sysroot, &inventory, &err), 0, "%s", err.message);
    return inventory;
}

struct pci_address address_of(const char *id)
{
    struct pci_address address;

    cr_assert(pci_address_parse(id, &address), "%s", id);
    return address;
}

const struct pci_device *device_of(const struct inventory *inventory, const char *id)
{
    return inventory_find(inventory, address_of(id));
}

static json_t *parse(const char *text)
{
    autofree char *json = xstrdup(text);
    json_error_t reason;

    for (char *quote = json; (quote = strchr(quote, '\'')) != NULL;)
        *quote = '"';
    json_t *value = json_loads(json, JSON_DECODE_ANY, &reason);
    cr_assert_not_null(value, "%s: %s", reason.text, text);
    return value;
}

static void compare(const json_t *value, const char *text)
{
    autojson json_t *expected = parse(text);
    autofree char *found = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : xstrdup("nothing");

    cr_assert(json_equal(value, expected), "expected %s\n   found %s", text, found);
}

void expect_json(json_t *value, const char *text)
{
    compare(value, text);
    json_decref(value);
}

void expect_member(const json_t *object, const char *key, const char *text)
{
    const json_t *value = json_object_get(object, key);

    if (text == NULL)
        cr_assert_null(value, "there should be no '%s'", key);
    else
        compare(value, text);
}
