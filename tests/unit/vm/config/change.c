/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: what a change makes of a document, and what it must not do. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/vm/config/fixture.h"

struct row {
    const char *about, *before;
    struct config_wanted wanted;
    const char *after;
};

static void expect_each(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        autojson json_t *got = config_try(rows[i].before, &rows[i].wanted, &err);
        autojson json_t *expected = fixture_json(rows[i].after);
        autofree char *text = got != NULL ? json_dumps(got, JSON_SORT_KEYS) : xstrdup(err.message);
        cr_expect(json_equal(got, expected), "%s: %s", rows[i].about, text);
    }
}

#define EXPECT(...)                                                                                          \
    do {                                                                                                     \
        static const struct row rows[] = {__VA_ARGS__};                                                      \
        expect_each(rows, COUNT_OF(rows));                                                                   \
    } while (0)

Test(vm_config_change, a_vm_that_does_not_run_takes_everything)
{
    EXPECT({.about = "a key is set and another one removed",
            .before = "{'node':'n1','config':{'cores':1,'memory':'512'}}",
            .wanted = {.set = "{'cores':4}", .remove = "memory"},
            .after = "{'node':'n1','config':{'cores':4}}"},
           {.about = "what was left over from when it ran, too",
            .before = "{'config':{'cores':1,'acpi':0},'pending':{'cores':2},'delete':{'acpi':1}}",
            .wanted = {.set = "{'name':'web'}"},
            .after = "{'config':{'cores':2,'name':'web'}}"},
           {.about = "but not what is forgotten at the same time",
            .before = "{'config':{'cores':1},'pending':{'cores':2,'kvm':0}}",
            .wanted = {.revert = "cores"},
            .after = "{'config':{'cores':1,'kvm':0}}"},
           {.about = "to remove what is not there is no error",
            .before = "{'config':{'cores':1}}",
            .wanted = {.remove = "hostpci0 vga"},
            .after = "{'config':{'cores':1}}"},
           {.about = "meta stays",
            .before = "{'config':{'meta':'ctime=1'}}",
            .wanted = {.set = "{'cores':1}"},
            .after = "{'config':{'meta':'ctime=1','cores':1}}"},
           {.about = "an empty description is none",
            .before = "{'config':{'description':'x','cores':1}}",
            .wanted = {.set = "{'description':''}"},
            .after = "{'config':{'cores':1}}"});
}

Test(vm_config_change, a_vm_that_runs_takes_some_at_once_and_the_rest_when_it_starts)
{
    EXPECT(
        {.about = "a device and a name",
         .before = "{'config':{'name':'old'}}",
         .wanted = {.set = "{'name':'new','hostpci0':'0000:01:00'}", .running = true},
         .after = "{'config':{'name':'new'},'pending':{'hostpci0':'0000:01:00'}}"},
        {.about = "every key of that kind",
         .before = "{'config':{'tags':'x'}}",
         .wanted = {.set = "{'description':'d','onboot':1,'protection':1,'startup':'1','lock':'backup'}",
                    .remove = "tags",
                    .running = true},
         .after = "{'config':{'description':'d','onboot':1,'protection':1,'startup':'1','lock':'backup'}}"},
        {.about = "removed at the next start",
         .before = "{'config':{'hostpci0':'0000:01:00'}}",
         .wanted = {.remove = "hostpci0", .running = true},
         .after = "{'config':{'hostpci0':'0000:01:00'},'delete':{'hostpci0':1}}"},
        {.about = "by force",
         .before = "{'config':{'scsi0':'/a'}}",
         .wanted = {.remove = "scsi0", .force = true, .running = true},
         .after = "{'config':{'scsi0':'/a'},'delete':{'scsi0':2}}"},
        {.about = "removed before it was ever there",
         .before = "{'config':{'cores':1},'pending':{'kvm':0}}",
         .wanted = {.remove = "kvm", .running = true},
         .after = "{'config':{'cores':1}}"},
        {.about = "set to what it is, nothing is pending any more",
         .before = "{'config':{'cores':1},'pending':{'cores':2}}",
         .wanted = {.set = "{'cores':1}", .running = true},
         .after = "{'config':{'cores':1}}"},
        {.about = "nor removed",
         .before = "{'config':{'cores':1},'delete':{'cores':1}}",
         .wanted = {.set = "{'cores':1}", .running = true},
         .after = "{'config':{'cores':1}}"},
        {.about = "set after it was removed",
         .before = "{'config':{'cores':1},'delete':{'cores':1}}",
         .wanted = {.set = "{'cores':2}", .running = true},
         .after = "{'config':{'cores':1},'pending':{'cores':2}}"},
        {.about = "removed after it was set",
         .before = "{'config':{'cores':1},'pending':{'cores':2}}",
         .wanted = {.remove = "cores", .running = true},
         .after = "{'config':{'cores':1},'delete':{'cores':1}}"});
}

Test(vm_config_change, what_is_pending_is_forgotten)
{
    EXPECT({.about = "the value that is stays",
            .before = "{'config':{'cores':1},'pending':{'cores':2,'kvm':0}}",
            .wanted = {.revert = "cores", .running = true},
            .after = "{'config':{'cores':1},'pending':{'kvm':0}}"},
           {.about = "what was to come does not",
            .before = "{'config':{},'pending':{'hostpci0':'mapping=gpu'}}",
            .wanted = {.revert = "hostpci0", .running = true},
            .after = "{'config':{}}"},
           {.about = "what was to go does not go",
            .before = "{'config':{'cores':1},'delete':{'cores':1}}",
            .wanted = {.revert = "cores", .running = true},
            .after = "{'config':{'cores':1}}"},
           {.about = "cdrom is ide2",
            .before = "{'config':{},'pending':{'ide2':'none,media=cdrom'}}",
            .wanted = {.revert = "cdrom", .running = true},
            .after = "{'config':{}}"},
           {.about = "nothing is pending",
            .before = "{'config':{'cores':1}}",
            .wanted = {.revert = "cores", .running = true},
            .after = "{'config':{'cores':1}}"});
}

Test(vm_config_change, values_are_stored_in_their_form)
{
    EXPECT({.about = "numbers as text, integers and booleans as integers",
            .before = "{'config':{}}",
            .wanted = {.set = "{'cpulimit':0.1,'cores':2,'kvm':0,'memory':'2048'}"},
            .after = "{'config':{'cpulimit':'0.1','cores':2,'kvm':0,'memory':'2048'}}"},
           {.about = "tags, sorted; drives with their file first",
            .before = "{'config':{}}",
            .wanted = {.set = "{'tags':'Web;db','scsi0':'size=1024M,file=/srv/a.raw'}"},
            .after = "{'config':{'tags':'db;web','scsi0':'/srv/a.raw,size=1G'}}"},
           {.about = "no blanks around, as a file has none",
            .before = "{'config':{}}",
            .wanted = {.set = "{'args':' -S\\t','scsi0':'/a,product=disk ,media=disk'}"},
            .after = "{'config':{'args':'-S','scsi0':'/a,media=disk,product=disk'}}"},
           {.about = "a description keeps its lines and blanks",
            .before = "{'config':{}}",
            .wanted = {.set = "{'description':' a \\n\\n b '}"},
            .after = "{'config':{'description':' a \\n\\n b '}}"},
           {.about = "cdrom is an ide2 that is one",
            .before = "{'config':{}}",
            .wanted = {.set = "{'cdrom':'/srv/a.iso'}"},
            .after = "{'config':{'ide2':'/srv/a.iso,media=cdrom'}}"},
           {.about = "an empty one, too",
            .before = "{'config':{}}",
            .wanted = {.set = "{'cdrom':'none'}"},
            .after = "{'config':{'ide2':'none,media=cdrom'}}"},
           {.about = "and is removed by that name",
            .before = "{'config':{'ide2':'none,media=cdrom'}}",
            .wanted = {.remove = "cdrom"},
            .after = "{'config':{}}"});
}

Test(vm_config_change, what_is_missing_is_made)
{
    EXPECT({.about = "a card's address",
            .before = "{'config':{}}",
            .wanted = {.set = "{'net1':'virtio,bridge=vmbr0'}"},
            .after = "{'config':{'net1':'virtio=BC:24:11:AA:BB:01,bridge=vmbr0'}}"},
           {.about = "also when there was one that is not repeated",
            .before = "{'config':{'net1':'virtio=BC:24:11:00:00:77'}}",
            .wanted = {.set = "{'net1':'e1000'}"},
            .after = "{'config':{'net1':'e1000=BC:24:11:AA:BB:01'}}"},
           {.about = "one that is given stays as it was typed",
            .before = "{'config':{}}",
            .wanted = {.set = "{'net1':'model=virtio,macaddr=02:00:00:00:00:ab'}"},
            .after = "{'config':{'net1':'virtio=02:00:00:00:00:ab'}}"},
           {.about = "a generation",
            .before = "{'config':{'vmgenid':'11111111-2222-3333-4444-555555555555'}}",
            .wanted = {.set = "{'vmgenid':'1'}"},
            .after = "{'config':{'vmgenid':'" GENERATION "'}}"},
           {.about = "or none",
            .before = "{'config':{'vmgenid':'11111111-2222-3333-4444-555555555555'}}",
            .wanted = {.set = "{'vmgenid':'0'}"},
            .after = "{'config':{}}"},
           {.about = "or none at the next start",
            .before = "{'config':{'vmgenid':'" SMBIOS "'}}",
            .wanted = {.set = "{'vmgenid':'0'}", .running = true},
            .after = "{'config':{'vmgenid':'" SMBIOS "'},'delete':{'vmgenid':1}}"});
}

Test(vm_config_change, the_boot_order_follows)
{
    EXPECT({.about = "a new CD-ROM joins",
            .before = "{'config':{'boot':'order=scsi0','scsi0':'/a'}}",
            .wanted = {.set = "{'ide2':'/a.iso,media=cdrom','scsi1':'/b','ide0':'none'}"},
            .after = "{'config':{'boot':'order=scsi0;ide0;ide2','scsi0':'/a','scsi1':'/b','ide0':'none',"
                     "'ide2':'/a.iso,media=cdrom'}}"},
           {.about = "also one of nothing",
            .before = "{'config':{'boot':''}}",
            .wanted = {.set = "{'cdrom':'none'}"},
            .after = "{'config':{'boot':'order=ide2','ide2':'none,media=cdrom'}}"},
           {.about = "another medium is no new drive",
            .before = "{'config':{'boot':'order=net0','ide2':'none,media=cdrom','net0':'e1000'}}",
            .wanted = {.set = "{'ide2':'/a.iso,media=cdrom'}"},
            .after = "{'config':{'boot':'order=net0','ide2':'/a.iso,media=cdrom','net0':'e1000'}}"},
           {.about = "one that the order has already is in it once",
            .before = "{'config':{'boot':'order=ide2;net0','net0':'e1000'}}",
            .wanted = {.set = "{'cdrom':'none'}"},
            .after = "{'config':{'boot':'order=ide2;net0','net0':'e1000','ide2':'none,media=cdrom'}}"},
           {.about = "letters stay letters",
            .before = "{'config':{'boot':'cdn'}}",
            .wanted = {.set = "{'cdrom':'none'}"},
            .after = "{'config':{'boot':'cdn','ide2':'none,media=cdrom'}}"},
           {.about = "without an order none is made",
            .before = "{'config':{}}",
            .wanted = {.set = "{'cdrom':'none'}"},
            .after = "{'config':{'ide2':'none,media=cdrom'}}"},
           {.about = "what is removed leaves",
            .before = "{'config':{'boot':'order=scsi0;net0','scsi0':'/a','net0':'e1000'}}",
            .wanted = {.remove = "scsi0"},
            .after = "{'config':{'boot':'order=net0','net0':'e1000'}}"},
           {.about = "until there is nothing left",
            .before = "{'config':{'boot':'order=scsi0','scsi0':'/a'}}",
            .wanted = {.remove = "scsi0"},
            .after = "{'config':{'boot':''}}"},
           {.about = "of a running VM at its next start",
            .before = "{'config':{'boot':'order=hostpci0;net0','hostpci0':'01:00','net0':'e1000'}}",
            .wanted = {.remove = "hostpci0", .running = true},
            .after = "{'config':{'boot':'order=hostpci0;net0','hostpci0':'01:00','net0':'e1000'},"
                     "'pending':{'boot':'order=net0'},'delete':{'hostpci0':1}}"},
           {.about = "what was to come and does not",
            .before = "{'config':{'boot':''},'pending':{'boot':'order=net0','net0':'e1000'}}",
            .wanted = {.revert = "net0", .running = true},
            .after = "{'config':{'boot':''}}"},
           {.about = "an order that is given is the order",
            .before = "{'config':{'boot':'order=net0','net0':'e1000'}}",
            .wanted = {.set = "{'boot':'order=scsi0','scsi0':'/a','ide2':'none'}"},
            .after = "{'config':{'boot':'order=scsi0','net0':'e1000','scsi0':'/a','ide2':'none'}}"},
           {.about = "what a file named without having it is not this change's",
            .before = "{'config':{'boot':'order=scsi7;net0','net0':'e1000'}}",
            .wanted = {.set = "{'cores':2}"},
            .after = "{'config':{'boot':'order=scsi7;net0','net0':'e1000','cores':2}}"});
}

static const struct refusal {
    const char *before;
    struct config_wanted wanted;
    const char *field, *message;
    enum error_kind kind;
} refusals[] = {
    {"{'config':{}}", {0}, "", "no options specified", ERROR_FAILED},
    {"{'config':{}}", {.remove = "nothing"}, "delete", "unknown option 'nothing'", ERROR_INVALID},
    {"{'config':{'meta':'ctime=1'}}", {.remove = "meta"}, "delete", "unknown option 'meta'", ERROR_INVALID},
    {"{'config':{}}", {.revert = "hostpci16"}, "revert", "unknown option 'hostpci16'", ERROR_INVALID},
    {"{'config':{}}", {.set = "{'meta':'ctime=1'}"}, "meta", "unknown option 'meta'", ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'cores':1}", .remove = "cores"},
     "cores",
     "duplicate delete/set: 'cores' cannot be in delete and be set too",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'cdrom':'none'}", .remove = "ide2"},
     "cdrom",
     "duplicate delete/set: 'cdrom' cannot be in delete and be set too",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'cores':1}", .revert = "cores"},
     "cores",
     "duplicate revert/set: 'cores' cannot be in revert and be set too",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'cdrom':'none','ide2':'none'}"},
     "cdrom",
     "cdrom and ide2 are the same: give one of them",
     ERROR_INVALID},
    {"{'config':{'lock':'backup'}}", {.set = "{'cores':1}"}, "", "VM is locked (backup)", ERROR_FAILED},
    {"{'config':{'lock':'backup'}}",
     {.set = "{'cores':1}", .remove = "lock"},
     "",
     "VM is locked (backup)",
     ERROR_FAILED},
    {"{'config':{'protection':1,'scsi0':'/a'}}",
     {.remove = "scsi0"},
     "",
     "can't remove drive 'scsi0' - protection mode enabled",
     ERROR_FAILED},
    {"{'config':{'protection':1},'pending':{'efidisk0':'/a'}}",
     {.remove = "efidisk0", .running = true},
     "",
     "can't remove drive 'efidisk0' - protection mode enabled",
     ERROR_FAILED},
    {"{'config':{'protection':1,'ide2':'none'}}",
     {.set = "{'protection':0}", .remove = "cdrom"},
     "",
     "can't remove drive 'ide2' - protection mode enabled",
     ERROR_FAILED},
    {"{'config':{'memory':'1024'}}",
     {.set = "{'balloon':1025}"},
     "balloon",
     "balloon value too large (must be smaller than assigned memory)",
     ERROR_INVALID},
    {"{'config':{'memory':'1024','balloon':1024}}",
     {.remove = "memory"},
     "balloon",
     "balloon value too large (must be smaller than assigned memory)",
     ERROR_INVALID},
    {"{'config':{'memory':'1024'},'pending':{'memory':'768'}}",
     {.set = "{'balloon':1000}", .running = true},
     "balloon",
     "balloon value too large (must be smaller than assigned memory)",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'boot':'order=scsi0'}"},
     "boot",
     "invalid boot device 'scsi0'",
     ERROR_INVALID},
    {"{'config':{'scsi0':'/a'}}",
     {.set = "{'boot':'order=scsi0'}", .remove = "scsi0"},
     "boot",
     "invalid boot device 'scsi0'",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'args':'-S\\n-x'}"},
     "args",
     "args: a value cannot have a line end",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'hostpci0':'02:00,mapping=gpu'}"},
     "hostpci0",
     "Cannot set both 'host' and 'mapping'.",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'cdrom':'none,snapshot=1'}"},
     "cdrom",
     "a CD-ROM cannot have snapshot",
     ERROR_INVALID},
    {"{'config':{}}", {.set = "{'cores':0}"}, "cores", "value must have a minimum value of 1", ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'serial0':'/dev/ '}"},
     "serial0",
     "value does not match the regex pattern",
     ERROR_INVALID},
    {"{'config':{}}",
     {.set = "{'scsi0':'file=/ ,'}"},
     "scsi0",
     "invalid format - format error\nscsi0.file: invalid format - value is neither none, cdrom, a path nor "
     "STORAGE:VOLUME\n\n",
     ERROR_INVALID},
};

Test(vm_config_change, what_cannot_be_is_refused_and_says_why)
{
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const struct refusal *row = &refusals[i];
        struct error err = {0};
        autojson json_t *got = config_try(row->before, &row->wanted, &err);
        cr_expect_null(got, "%s", row->message);
        cr_expect_str_eq(err.message, row->message, "%s", err.message);
        cr_expect_str_eq(err.field, row->field, "%s: '%s'", row->message, err.field);
        cr_expect_eq(err.kind, row->kind, "%s", row->message);
    }
}

/* Each of its values may be long; all together they are no more than a file of it may be. */
Test(vm_config_change, it_does_not_outgrow_its_file)
{
    autojson json_t *document = fixture_json("{'config':{}}"), *set = json_object();
    json_t *config = json_object_get(document, "config"), *ret = NULL;
    struct vm_change change = {.set = set, .fresh = &config_fresh};
    char path[60001] = "/";
    struct error err = {0};

    memset(path + 1, 'x', sizeof(path) - 2);
    path[sizeof(path) - 1] = '\0';
    for (int i = 0; i < 17; i++) {
        autofree char *key = xasprintf("scsi%d", i);
        json_object_set_new(config, key, json_string(path));
    }
    json_object_set_new(set, "scsi17", json_string(path));
    cr_assert_eq(vm_config_change(document, &change, &ret, &err), -1);
    cr_expect_str_eq(err.message, "the configuration would have more than 1048576 bytes");
    json_object_update(set, config);
    cr_assert_eq(vm_config_create("n1", &change, &ret, &err), -1);
    json_object_clear(set);
    json_object_set_new(set, "scsi17", json_string("/a"));
    cr_assert_eq(vm_config_change(document, &change, &ret, &err), 0, "%s", err.message);
    json_decref(ret);
}

Test(vm_config_change, what_looks_alike_is_allowed)
{
    EXPECT({.about = "a lock goes",
            .before = "{'config':{'lock':'backup'}}",
            .wanted = {.remove = "lock", .running = true},
            .after = "{'config':{}}"},
           {.about = "or does not count",
            .before = "{'config':{'lock':'backup'}}",
            .wanted = {.set = "{'cores':1}", .skip_lock = true},
            .after = "{'config':{'lock':'backup','cores':1}}"},
           {.about = "protection is for what there is, and for drives",
            .before = "{'config':{'protection':1,'net0':'e1000'}}",
            .wanted = {.remove = "scsi0 net0"},
            .after = "{'config':{'protection':1}}"},
           {.about = "all memory may be the least",
            .before = "{'config':{}}",
            .wanted = {.set = "{'balloon':512}"},
            .after = "{'config':{'balloon':512}}"},
           {.about = "what was unfit before does not hinder another change",
            .before = "{'config':{'balloon':4096}}",
            .wanted = {.set = "{'name':'x'}"},
            .after = "{'config':{'balloon':4096,'name':'x'}}"});
}
