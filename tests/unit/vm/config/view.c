/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: what there is to see of a document. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "schema/format.h"
#include "tests/unit/vm/config/fixture.h"

#define DOCUMENT                                                                                             \
    "{'node':'n1','config':{'boot':'','cores':1,'kvm':0,'meta':'ctime=1','scsi0':'/a','net0':'e1000'},"      \
    "'pending':{'cores':2,'vga':'none'},'delete':{'scsi0':2,'net0':1}}"

Test(vm_config_view, as_it_is_and_as_it_will_be)
{
    autojson json_t *document = fixture_json(DOCUMENT);

    fixture_expect_json(vm_config_view(document, true), "{'boot':'','cores':1,'kvm':0,'meta':'ctime=1',"
                                                        "'scsi0':'/a','net0':'e1000'}");
    fixture_expect_json(vm_config_view(document, false),
                        "{'boot':'','cores':2,'kvm':0,'meta':'ctime=1','vga':'none'}");
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(document, "config"), "cores")), 1,
                 "a view is a copy");
}

/* As Proxmox's files, which cannot hold an empty value, have it read. */
Test(vm_config_view, an_empty_value_is_shown_as_a_blank)
{
    autojson json_t *document = fixture_json(DOCUMENT);

    fixture_expect_json(vm_config_show(document, false),
                        "{'boot':' ','cores':2,'kvm':0,'meta':'ctime=1','vga':'none'}");
}

Test(vm_config_view, what_is_pending_is_listed_by_key)
{
    autojson json_t *document = fixture_json(DOCUMENT);

    fixture_expect_json(vm_config_list_pending(document), "[{'key':'boot','value':' '},"
                                                          "{'key':'cores','value':1,'pending':2},"
                                                          "{'key':'kvm','value':0},"
                                                          "{'key':'meta','value':'ctime=1'},"
                                                          "{'key':'net0','value':'e1000','delete':1},"
                                                          "{'key':'scsi0','value':'/a','delete':2},"
                                                          "{'key':'vga','pending':'none'}]");
}

Test(vm_config_view, nothing_is_pending)
{
    autojson json_t *document = fixture_json("{'config':{'cores':1}}");

    fixture_expect_json(vm_config_list_pending(document), "[{'key':'cores','value':1}]");
}

Test(vm_config_view, every_key_that_a_change_touches_is_named_once)
{
    autojson json_t *set = fixture_json("{'cdrom':'none','cores':1}");
    struct vm_change change = {.set = set,
                               .remove = (const char *const[]){"net0", "ide2", NULL},
                               .revert = (const char *const[]){"net0", "vga", NULL}};
    autosplit char **touched = vm_config_touched(&change);
    static const char *const expected[] = {"cores", "ide2", "net0", "vga"};

    for (size_t i = 0; i < COUNT_OF(expected); i++)
        cr_assert_str_eq(touched[i], expected[i]);
    cr_expect_null(touched[COUNT_OF(expected)]);
}
