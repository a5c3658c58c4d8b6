/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a QEMU binary can do, from its answers. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/vm/fixture.h"

static const char greeting[] = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n{\"return\": {}}\r\n";
static const char version[] =
    "{\"return\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}}, \"id\": \"version\"}\r\n";
static const char machines[] = "{\"return\": [{\"name\": \"pc-q35-7.2\", \"alias\": \"q35\"}, {\"name\": "
                               "\"none\"}], \"id\": \"machines\"}\r\n";
static const char cpus[] = "{\"return\": [{\"name\": \"host\"}], \"id\": \"cpus\"}\r\n";
static const char devices[] = "{\"return\": [{\"name\": \"lsi53c895a\", \"parent\": \"x\"}, {\"name\": "
                              "\"ich9-ahci\", \"parent\": \"x\"}], "
                              "\"id\": \"devices\"}\r\n";

static int parse(const char *const *parts, struct vm_features **ret, struct error *err)
{
    autotext struct text text = {0};

    for (; *parts != NULL; parts++)
        text_append(&text, *parts);
    return vm_features_parse(text_string(&text), text.length, ret, err);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(vm_capability, names_and_aliases_are_known)
{
    autofeatures struct vm_features *qemu = NULL;
    struct error err;

    cr_assert_eq(parse(PARTS(greeting, version, machines, cpus,
                             "{\"error\": {\"class\": \"DeviceNotFound\"}, \"id\": \"vfio-pci\"}\r\n",
                             "{\"event\": \"SHUTDOWN\"}\r\n", devices),
                       &qemu, &err),
                 0, "%s", err.message);
    cr_expect(vm_features_has_machine(qemu, "q35") && vm_features_has_machine(qemu, "pc-q35-7.2"));
    cr_expect(!vm_features_has_machine(qemu, "pc"));
    cr_expect(vm_features_has_device(qemu, "lsi") && vm_features_has_device(qemu, "ahci") &&
              !vm_features_has_device(qemu, "VGA"));
    cr_expect(vm_features_has_cpu(qemu, "host"));
    cr_expect(!vm_features_has_property(qemu, "vfio-pci", "host"), "it has no such device");
    cr_expect(vm_version_at_least(vm_features_version(qemu), 7, 2));
    cr_expect(!vm_version_at_least(vm_features_version(qemu), 7, 3));
    cr_expect(!vm_version_at_least(vm_features_version(qemu), 8, 0));
}

Test(vm_capability, what_is_missing_is_told)
{
    struct vm_features *qemu = NULL;
    struct error err;

    cr_expect_eq(parse(PARTS(greeting, machines, cpus, devices), &qemu, &err), -1);
    cr_expect_str_eq(err.message, "QEMU did not report its version");
    cr_expect_eq(parse(PARTS(version, cpus, devices), &qemu, &err), -1);
    cr_expect_str_eq(err.message, "QEMU did not report which machines it has");
    cr_expect_eq(parse(PARTS("qemu: command not found\n"), &qemu, &err), -1);
    cr_expect_eq(parse(PARTS(""), &qemu, &err), -1);
    cr_expect_eq(parse(PARTS("{\"return\": 5, \"id\": \"version\"}\n"), &qemu, &err), -1);
    cr_expect_eq(
        parse(PARTS(version, "{\"return\": [1, {\"name\": 2}], \"id\": \"machines\"}\n"), &qemu, &err), -1);
    cr_expect_null(qemu);
}
