/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci fix` on each variant of the golden host whose finding has a call: a kernel is played behind it,
 * and whoever asks again is not told to make the same call.
 *
 * What the call does to a device is seen at once, and the finding is gone. What is read at boot alone changes
 * nothing before: such a finding may stay, without its call. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/check.h"
#include "schema/format.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/program.h"
#include "tests/hosts/kernel.h"

#define VARIANTS "tests/golden"
#define GPU      "0000:01:00.0"
#define NIC      "0000:03:00.1"
#define SLICES   4 /* side by side; each has one daemon at a time */

/* The driver that the kernel chooses for a function that the host has without one. */
static const struct {
    const char *variant, *id, *driver;
} chosen[] = {{"sriov-orphan", NIC, "i40e"}, {"sriov-without-driver", NIC, "i40e"}};

/* What the next boot brings where the call makes a new initramfs, a program of the host that is not run here:
 * a driver for the graphics card, or a file. */
static const struct {
    const char *variant, *driver, *file, *text;
} booted[] = {
    {"blacklist-not-in-effect", "vfio-pci", NULL, NULL},
    {"ids-not-in-effect", "vfio-pci", NULL, NULL},
    {"initramfs-old", NULL, "boot/initrd.img-6.1.0-28-amd64", "new"},
    {"unsafe-interrupts-later", NULL, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
     "Y\n"},
};

static void choose(const char *variant)
{
    for (size_t i = 0; i < COUNT_OF(chosen); i++)
        if (strcmp(chosen[i].variant, variant) == 0)
            kernel_choose(chosen[i].id, chosen[i].driver);
}

static void boot(const char *variant)
{
    for (size_t i = 0; i < COUNT_OF(booted); i++) {
        if (strcmp(booted[i].variant, variant) != 0)
            continue;
        if (booted[i].driver != NULL)
            kernel_put(GPU, booted[i].driver, "");
        else
            host_write(booted[i].file, booted[i].text);
    }
}

static int is_variant(const struct dirent *entry)
{
    return text_ends_with(entry->d_name, ".json") && strcmp(entry->d_name, "golden.json") != 0;
}

/* Whether the same call is told for that check; its path has this node's name instead of localhost. */
static bool is_told(const json_t *report, const char *check, const json_t *action)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(report, "checks"), i, row) {
        const json_t *told = json_object_get(row, "action");
        const char *below = json_text(action, "path") + strlen("/nodes/localhost");
        autofree char *path = xasprintf("/nodes/" NODE "%s", below);
        if (strcmp(json_text(row, "id"), check) == 0 && strcmp(json_text(told, "path"), path) == 0 &&
            json_equal(json_object_get(told, "parameters"), json_object_get(action, "parameters")))
            return true;
    }
    return false;
}

/* Whether it is said in the same words, with whatever call. */
static bool is_said(const json_t *report, const json_t *finding)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(report, "checks"), i, row)
        if (strcmp(json_text(row, "id"), json_text(finding, "id")) == 0 &&
            strcmp(json_text(row, "message"), json_text(finding, "message")) == 0)
            return true;
    return false;
}

static void fix(const char *variant, const char *id, const json_t *finding)
{
    const char *check = json_text(finding, "id");
    const json_t *action = json_object_get(finding, "action");
    bool of_host = check_find(check)->scope == CHECK_HOST;
    autofree char *host = xasprintf("golden:%s", variant);
    autofree char *path = of_host ? xstrdup("/nodes/localhost/hardware/iommu")
                                  : xasprintf("/nodes/localhost/hardware/pci/%s/status", id);

    START(.host = host, .kernel = true);
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    choose(variant);
    cr_expect(is_told(get(path, NULL), check, action), "%s: %s", variant, check);
    free(program_run((const char *const[]){"fix", check, "--yes", of_host ? NULL : "--device", id, NULL}));
    boot(variant);
    cr_expect_not(is_told(get(path, NULL), check, action), "%s: %s was fixed and is told again", variant,
                  check);
    if (strstr(json_text(action, "path"), "/pci/") != NULL)
        cr_expect_not(is_said(get(path, NULL), finding), "%s: %s was fixed and is said again", variant,
                      check);
    daemon_stop();
    kernel_uninstall();
}

static void fix_variant(const char *file)
{
    autofree char *path = xasprintf(VARIANTS "/%s", file);
    autofree char *variant = xstrndup(file, strlen(file) - strlen(".json"));
    autojson json_t *expected = json_load_file(path, 0, NULL);
    const json_t *finding = json_object_get(expected, "meant");

    cr_assert_not_null(expected, "%s", path);
    if (json_object_get(finding, "action") != NULL)
        fix(variant, json_text_or(expected, "id", GPU), finding);
}

ParameterizedTestParameters(fix_golden, call_is_made_and_not_told_again)
{
    static size_t slices[SLICES] = {0, 1, 2, 3};

    return cr_make_param_array(size_t, slices, COUNT_OF(slices));
}

ParameterizedTest(const size_t *slice, fix_golden, call_is_made_and_not_told_again, .timeout = 240)
{
    struct dirent **entries;
    int count = scandir(VARIANTS, &entries, is_variant, alphasort);

    cr_assert_gt(count, 0, VARIANTS " is empty, or this is not run in the top directory");
    for (size_t i = 0; i < (size_t)count; i++) {
        if (i % SLICES == *slice)
            fix_variant(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}
