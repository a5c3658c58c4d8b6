/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/config: a VM's configuration, read and changed as clients do. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM     QEMU "/100"
#define CONFIG VM "/config"
#define FORM   "application/x-www-form-urlencoded; charset=UTF-8"

static void start(void)
{
    START(.host = "workstation");
    vm_create("100", "name", "web", "memory", "2048", "net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0", NULL);
}

TestSuite(qemu_config, .init = start, .timeout = 120);

static const json_t *config(void)
{
    return get(CONFIG, NULL);
}

static bool config_has(const char *key)
{
    return has(config(), key);
}

DAEMON_TEST(qemu_config, tells_numbers_as_numbers_but_some_as_strings)
{
    put(CONFIG, "cores", "4", "onboot", "1", "cpulimit", "1.5", "migrate_downtime", "0.25", "description",
        "first\nsecond", "balloon", "0", NULL);
    const json_t *now = config();
    cr_assert_eq(number_of(now, "cores"), 4);
    cr_assert_eq(number_of(now, "onboot"), 1);
    cr_assert_eq(number_of(now, "balloon"), 0);
    cr_assert_str_eq(text_of(now, "memory"), "2048");
    cr_assert_str_eq(text_of(now, "cpulimit"), "1.5");
    cr_assert_str_eq(text_of(now, "migrate_downtime"), "0.25");
    cr_assert_str_eq(text_of(now, "description"), "first\nsecond");
    cr_assert_eq(strlen(text_of(now, "digest")), 40);
    cr_assert(text_starts_with(text_of(now, "meta"), "creation-qemu=") ||
              text_starts_with(text_of(now, "meta"), "ctime="));
}

DAEMON_TEST(qemu_config, missing_vm_is_told_as_a_missing_file)
{
    static const char text[] = "Configuration file 'nodes/" NODE "/qemu-server/101.conf' does not exist";

    fails(500, text, "GET", QEMU "/101/config", NULL);
    fails(500, text, "PUT", QEMU "/101/config", "memory", "1024", NULL);
    fails(500, text, "POST", QEMU "/101/config", "memory", "1024", NULL);
}

DAEMON_TEST(qemu_config, has_no_snapshots)
{
    fails(500, "snapshot 'before' does not exist: hostpci has no snapshots", "GET", CONFIG, "snapshot",
          "before", NULL);
}

/* Nor can the password be guessed from the digest: the same password gives another digest each time. */
DAEMON_TEST(qemu_config, password_is_never_told)
{
    put(CONFIG, "cipassword", "geheim", NULL);
    autofree char *first = xstrdup(text_of(config(), "digest"));
    put(CONFIG, "cipassword", "geheim", NULL);
    cr_assert_str_neq(text_of(config(), "digest"), first);
    cr_assert_str_eq(text_of(config(), "cipassword"), "**********");
    cr_assert_str_eq(text_of(get(CONFIG, "current", "1", NULL), "cipassword"), "**********");
}

DAEMON_TEST(qemu_config, put_returns_null_and_post_a_task)
{
    is_json(put(CONFIG, "memory", "1024", NULL), "null");
    cr_assert_str_eq(text_of(config(), "memory"), "1024");
    const json_t *upid = post(CONFIG, "memory", "4096", NULL);
    cr_assert_not_null(strstr(json_string_value(upid), ":qmconfig:100:root@pam:"));
    cr_assert_str_eq(vm_task_end(json_string_value(upid)), "OK");
    cr_assert_str_eq(text_of(config(), "memory"), "4096");
    is_json(post(CONFIG, "memory", "512", "background_delay", "10", NULL), "null");
    cr_assert_str_eq(text_of(config(), "memory"), "512");
    wrong_parameter("background_delay", "value must have a maximum value of 30", "POST", CONFIG, "memory",
                    "512", "background_delay", "31", NULL);
    wrong_parameter("background_delay",
                    "property is not defined in schema and the schema does not allow additional properties",
                    "PUT", CONFIG, "memory", "512", "background_delay", "1", NULL);
}

/* "hostpciN=… and digest, removal is delete=hostpciN without digest"; values as the interface sends them */
DAEMON_TEST(qemu_config, web_interface_adds_and_removes_devices)
{
    static const char *const values[][2] = {
        {"hostpci0=mapping%3Da40%2Cmdev%3Dnvidia-558", "mapping=a40,mdev=nvidia-558"},
        {"hostpci0=0000%3A81%3A00.0%2Cpcie%3D1", "0000:81:00.0,pcie=1"},
        {"hostpci0=0000%3A01%3A00%2Crombar%3D0%2Cvendor-id%3D0x10de%2Cx-vga%3D1",
         "0000:01:00,rombar=0,vendor-id=0x10de,x-vga=1"}};

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        autofree char *form = xasprintf("%s&digest=%s", values[i][0], text_of(config(), "digest"));
        const struct reply *reply =
            CALL(.method = "PUT", .path = "/api2/extjs" CONFIG, .content_type = FORM, .body = form);
        cr_assert_eq(number_of(reply->json, "success"), 1, "%s", reply->body);
        cr_assert(json_is_null(reply->data));
        cr_assert_str_eq(text_of(config(), "hostpci0"), values[i][1]);
    }
    const struct reply *removed =
        CALL(.method = "PUT", .path = "/api2/extjs" CONFIG, .content_type = FORM, .body = "delete=hostpci0");
    cr_assert_eq(number_of(removed->json, "success"), 1, "%s", removed->body);
    cr_assert_not(config_has("hostpci0"));
}

/* proxmoxer repeats lists, others join them; all of them form-encode. */
DAEMON_TEST(qemu_config, delete_is_repeated_or_joined)
{
    static const char *const forms[] = {"delete=onboot&delete=tags", "delete=onboot%2Ctags",
                                        "delete=onboot,tags", "delete=onboot%3Btags", "delete=onboot%20tags"};

    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        put(CONFIG, "onboot", "1", "tags", "b;a", NULL);
        cr_assert_str_eq(text_of(config(), "tags"), "a;b");
        const struct reply *reply =
            CALL(.method = "PUT", .path = CONFIG, .content_type = FORM, .body = forms[i]);
        cr_assert_eq(reply->status, 200, "%s", reply->body);
        cr_assert_not(config_has("onboot"), "%s", forms[i]);
        cr_assert_not(config_has("tags"), "%s", forms[i]);
    }
}

/* go-proxmox sends JSON, with numbers and booleans as such. */
DAEMON_TEST(qemu_config, takes_json)
{
    const struct reply *reply = CALL(.method = "PUT", .path = CONFIG, .content_type = "application/json",
                                     .body = "{\"memory\":1024,\"onboot\":true,\"cores\":\"2\",\"delete\":"
                                             "[\"name\"]}");

    cr_assert_eq(reply->status, 200, "%s", reply->body);
    const json_t *now = config();
    cr_assert_str_eq(text_of(now, "memory"), "1024");
    cr_assert_eq(number_of(now, "onboot"), 1);
    cr_assert_eq(number_of(now, "cores"), 2);
    cr_assert_not(has(now, "name"));
}

DAEMON_TEST(qemu_config, wrong_changes_are_told_at_once)
{
    static const char *const methods[] = {"PUT", "POST"};

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        const char *method = methods[i];
        fails(500, "no options specified", method, CONFIG, NULL);
        wrong_parameter("delete", "unknown option 'colour'", method, CONFIG, "delete", "colour", NULL);
        wrong_parameter("revert", "unknown option 'colour'", method, CONFIG, "revert", "colour", NULL);
        wrong_parameter(
            "colour", "property is not defined in schema and the schema does not allow additional properties",
            method, CONFIG, "colour", "red", NULL);
        wrong_parameter("onboot", "type check ('boolean') failed - got 'True'", method, CONFIG, "onboot",
                        "True", NULL);
        wrong_parameter("balloon", "balloon value too large (must be smaller than assigned memory)", method,
                        CONFIG, "balloon", "4096", NULL);
        wrong_parameter("hostpci0", "Cannot set both 'host' and 'mapping'.", method, CONFIG, "hostpci0",
                        "01:00.0,mapping=gpu", NULL);
        wrong_parameter("cdrom", "cdrom and ide2 are the same: give one of them", method, CONFIG, "cdrom",
                        "none", "ide2", "none", NULL);
        wrong_parameter("delete", "missing property - 'force' requires this property", method, CONFIG,
                        "memory", "1024", "force", "1", NULL);
    }
    const struct reply *both =
        CALL(.method = "PUT", .path = CONFIG, .content_type = FORM, .body = "memory=1024&delete=memory");
    cr_assert_eq(both->status, 400, "%s", both->body);
    is_json(member(config(), "memory"), "'2048'");
    is_json(put(CONFIG, "delete", "hostpci7", NULL), "null");
}

/* "hostpci0.host", as Proxmox VE names it, not "host". */
DAEMON_TEST(qemu_config, part_that_is_wrong_is_told_with_its_key)
{
    static const char *const rows[][3] = {
        {"hostpci3", "01:00.0,pcie=maybe", "hostpci3.pcie: type check ('boolean') failed - got 'maybe'"},
        {"hostpci3", "01:00.0,color=red",
         "hostpci3.color: property is not defined in schema and the schema does not allow additional "
         "properties"},
        {"hostpci3", "host=first",
         "hostpci3.host: invalid format - value is not a PCI device such as 0000:01:00.0; a mapping of that "
         "name is given as mapping=first\n"},
        {"hostpci3", "1:0.0",
         "hostpci3.host: invalid format - value is not a list of PCI devices such as 0000:01:00.0;01:00.1, "
         "in lower case; a mapping is given as mapping=NAME\n"},
        {"net1", "bridge=vmbr0", "net1.model: property is missing and it is not optional"},
        {"scsi4", "/a.raw,ssd=some", "scsi4.ssd: type check ('boolean') failed - got 'some'"},
        {"usb2", "host=spice,usb3=2", "usb2.usb3: type check ('boolean') failed - got '2'"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *wanted = xasprintf("invalid format - format error\n%s\n", rows[i][2]);
        wrong_parameter(rows[i][0], wanted, "PUT", CONFIG, rows[i][0], rows[i][1], NULL);
    }
}

DAEMON_TEST(qemu_config, digest_must_be_the_current_one)
{
    static const char text[] = "checksum mismatch (file change by other user?)";
    autofree char *digest = xstrdup(text_of(config(), "digest"));

    put(CONFIG, "memory", "1024", "digest", digest, NULL);
    fails(500, text, "PUT", CONFIG, "memory", "512", "digest", digest, NULL);
    fails(500, text, "POST", CONFIG, "memory", "512", "digest", digest, NULL);
    cr_assert_str_eq(text_of(config(), "memory"), "1024");
    cr_assert_str_neq(text_of(config(), "digest"), digest);
    put(CONFIG, "memory", "2048", NULL);
    cr_assert_str_eq(text_of(config(), "digest"), digest, "the same contents, the same digest");
}

DAEMON_TEST(qemu_config, cdrom_is_ide2)
{
    put(CONFIG, "cdrom", "/images/a.iso", NULL);
    cr_assert_str_eq(text_of(config(), "ide2"), "/images/a.iso,media=cdrom");
    cr_assert_not(config_has("cdrom"));
    put(CONFIG, "cdrom", "none", NULL);
    cr_assert_str_eq(text_of(config(), "ide2"), "none,media=cdrom");
    put(CONFIG, "delete", "cdrom", NULL);
    cr_assert_not(config_has("ide2"));
}

DAEMON_TEST(qemu_config, card_without_address_gets_one)
{
    put(CONFIG, "net1", "virtio,bridge=vmbr0", "net2", "e1000", NULL);
    const char *first = text_of(config(), "net1"), *second = text_of(config(), "net2");
    cr_assert(text_starts_with(first, "virtio=BC:24:11:"), "%s", first);
    cr_assert(text_starts_with(second, "e1000=BC:24:11:"), "%s", second);
    cr_assert_str_neq(first + strlen("virtio="), second + strlen("e1000="));
}

DAEMON_TEST(qemu_config, locked_vm_is_left_alone)
{
    put(CONFIG, "lock", "backup", NULL);
    fails(500, "VM is locked (backup)", "PUT", CONFIG, "memory", "512", NULL);
    fails(500, "VM is locked (backup)", "POST", CONFIG, "memory", "512", NULL);
    put(CONFIG, "memory", "512", "skiplock", "1", NULL);
    cr_assert_str_eq(text_of(config(), "lock"), "backup");
    cr_assert_str_eq(text_of(config(), "memory"), "512");
    put(CONFIG, "delete", "lock", NULL);
    cr_assert_not(config_has("lock"));
}

DAEMON_TEST(qemu_config, stopped_vm_takes_everything_at_once)
{
    put(CONFIG, "hostpci0", "01:00.0", "memory", "1024", NULL);
    cr_assert_str_eq(text_of(get(CONFIG, "current", "1", NULL), "hostpci0"), "01:00.0");
}

/* "hostpci on a running VM stays pending, still 200"; "revert restores the current value, or drops
 * pending-only" */
DAEMON_TEST(qemu_config, running_vm_has_what_it_cannot_take_pending)
{
    vm_run(100);
    is_json(put(CONFIG, "hostpci0", "01:00.0", "memory", "1024", "name", "db", NULL), "null");
    const json_t *next = config(), *now = get(CONFIG, "current", "1", NULL);
    cr_assert_str_eq(text_of(next, "hostpci0"), "01:00.0");
    cr_assert_str_eq(text_of(next, "memory"), "1024");
    cr_assert_not(has(now, "hostpci0"));
    cr_assert_str_eq(text_of(now, "memory"), "2048");
    cr_assert_str_eq(text_of(now, "name"), "db", "a name is nothing to a running machine");
    cr_assert_str_eq(text_of(now, "digest"), text_of(next, "digest"));

    put(CONFIG, "revert", "hostpci0,memory", NULL);
    cr_assert_not(config_has("hostpci0"));
    cr_assert_str_eq(text_of(config(), "memory"), "2048");

    put(CONFIG, "delete", "net0", NULL);
    cr_assert_not(config_has("net0"));
    cr_assert(has(get(CONFIG, "current", "1", NULL), "net0"));
    put(CONFIG, "revert", "net0", NULL);
    cr_assert(config_has("net0"));
}

DAEMON_TEST(qemu_config, vm_whose_process_is_gone_is_stopped)
{
    vm_run(100);
    host_remove("proc/4321/stat");
    put(CONFIG, "hostpci0", "01:00.0", NULL);
    cr_assert(has(get(CONFIG, "current", "1", NULL), "hostpci0"));
}

/* A client that sends no digest gets no conflict with the changes of others, and none of these is lost. */
DAEMON_TEST(qemu_config, changes_at_the_same_time_are_all_made)
{
    const char *upids[8];

    for (unsigned i = 0; i < COUNT_OF(upids); i++) {
        autofree char *key = xasprintf("hostpci%u", i), *value = xasprintf("02:00.%u", i);
        upids[i] = json_string_value(post(CONFIG, key, value, NULL));
    }
    for (size_t i = 0; i < COUNT_OF(upids); i++)
        cr_expect_str_eq(vm_task_end(upids[i]), "OK");
    for (unsigned i = 0; i < COUNT_OF(upids); i++) {
        autofree char *key = xasprintf("hostpci%u", i);
        cr_expect(config_has(key), "%s", key);
    }
}
