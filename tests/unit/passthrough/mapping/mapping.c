/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource mappings compared with hardware that is as it was, or that changed. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "passthrough/mapping/mapping.h"
#include "schema/property_string.h"

static const struct pci_device devices[] = {
    {.address = {0, 1, 0, 0},
     .vendor = 0x10de,
     .device = 0x2231,
     .subsystem_vendor = 0x10de,
     .subsystem_device = 0x1459,
     .group = 14},
    {.address = {0, 1, 0, 1},
     .vendor = 0x10de,
     .device = 0x1aef,
     .subsystem_vendor = 0x10de,
     .subsystem_device = 0x1459,
     .group = 14},
    {.address = {0, 2, 0, 0}, .vendor = 0x8086, .device = 0x1234, .group = -1},
};
static struct inventory inventory = {.devices = devices, .count = 3, .has_iommu = true};
static const struct mapping_hardware hardware = {.pci = &inventory};

/* The first message about a mapping with this one entry, "" if there is none. */
static char message[512];

static const char *check(const char *entry)
{
    autojson json_t *parsed = NULL, *checks = NULL;
    struct error err = {0};

    cr_assert_eq(property_string_parse(&mapping_pci_entry, entry, &parsed, &err), 0, "%s", err.message);
    autojson json_t *body = json_pack("{s:[O]}", "map", parsed);
    checks = mapping_check(&mapping_pci, "gpu", body, "n1", &hardware);
    const char *found = json_string_value(json_object_get(json_array_get(checks, 0), "message"));
    snprintf(message, sizeof(message), "%s", found != NULL ? found : "");
    return message;
}

#define CHANGED "PCI device mapping invalid (hardware probably changed): "

Test(mapping_check, nothing_to_say_when_all_is_as_written)
{
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10de:2231,subsystem-id=10de:1459,iommugroup=14"),
                     "");
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10DE:2231,subsystem-id=10DE:1459,iommugroup=14"), "",
                     "hexadecimal digits have no case");
}

Test(mapping_check, a_path_without_function_is_compared_with_the_first)
{
    cr_expect_str_eq(check("node=n1,path=0000:01:00,id=10de:2231,subsystem-id=10de:1459,iommugroup=14"), "");
}

Test(mapping_check, every_path_of_an_entry_must_match)
{
    cr_expect_str_eq(
        check("node=n1,path=0000:01:00.0;0000:01:00.1,id=10de:2231,subsystem-id=10de:1459,iommugroup=14"),
        CHANGED "'id' does not match for 'gpu' (10de:1aef != 10de:2231)");
}

Test(mapping_check, each_difference_is_told)
{
    cr_expect_str_eq(check("node=n1,path=0000:09:00.0,id=10de:2231"), CHANGED
                     "pci device '0000:09:00.0' not found, but a device 10de:2231 is at 0000:01:00.0");
    cr_expect_str_eq(check("node=n1,path=10000:01:00.0,id=10de:2231"), CHANGED
                     "pci device '10000:01:00.0' not found, but a device 10de:2231 is at 0000:01:00.0");
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10de:2232"),
                     CHANGED "'id' does not match for 'gpu' (10de:2231 != 10de:2232)");
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10de:2231,iommugroup=14"), CHANGED
                     "missing expected property 'subsystem-id' for device '0000:01:00.0': it is 10de:1459");
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10de:2231,subsystem-id=10de:0001,iommugroup=14"),
                     CHANGED "'subsystem-id' does not match for 'gpu' (10de:1459 != 10de:0001)");
}

Test(mapping_check, all_differences_are_told_at_once)
{
    autojson json_t *body = json_pack("{s:[{s:s, s:s, s:s, s:i}]}", "map", "node", "n1", "path",
                                      "0000:02:00.0", "id", "10de:1aef", "iommugroup", 3);
    autojson json_t *checks = mapping_check(&mapping_pci, "gpu", body, "n1", &hardware);
    struct error err;

    cr_assert_eq(json_array_size(checks), 2);
    cr_assert_neq(mapping_check_entry(&mapping_pci, "gpu", json_array_get(json_object_get(body, "map"), 0),
                                      &hardware, &err),
                  0);
    cr_expect_str_eq(err.message,
                     CHANGED "'id' does not match for 'gpu' (8086:1234 != 10de:1aef), but a device "
                             "10de:1aef is at 0000:01:00.1; unexpected property 'iommugroup' for "
                             "device '0000:02:00.0', which has none");
}

Test(mapping_check, groups_are_compared)
{
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10de:2231,subsystem-id=10de:1459"),
                     CHANGED "missing expected property 'iommugroup' for device '0000:01:00.0': it is 14");
    cr_expect_str_eq(check("node=n1,path=0000:01:00.0,id=10de:2231,subsystem-id=10de:1459,iommugroup=15"),
                     CHANGED "'iommugroup' does not match for 'gpu' (14 != 15)");
    cr_expect_str_eq(check("node=n1,path=0000:02:00.0,id=8086:1234,iommugroup=3"),
                     CHANGED "unexpected property 'iommugroup' for device '0000:02:00.0', which has none");
}

Test(mapping_check, what_a_device_does_not_have_may_be_written_as_nothing)
{
    cr_expect_str_eq(check("node=n1,path=0000:02:00.0,id=8086:1234"), "");
    cr_expect_str_eq(check("node=n1,path=0000:02:00.0,id=8086:1234,subsystem-id=0000:0000,iommugroup=-1"),
                     "");
    cr_expect_str_eq(check("node=n1,path=0000:02:00.0,id=8086:1234,subsystem-id=10de:1459"),
                     CHANGED "unexpected property 'subsystem-id' for device '0000:02:00.0', which has none");
}

Test(mapping_check, a_mapping_without_an_entry_for_the_node_is_a_warning)
{
    autojson json_t *body =
        json_pack("{s:[{s:s, s:s, s:s}]}", "map", "node", "n2", "path", "0000:01:00.0", "id", "10de:2231");
    autojson json_t *checks = mapping_check(&mapping_pci, "gpu", body, "n1", &hardware);
    const char *severity = NULL, *text = NULL;

    cr_assert_eq(json_unpack(checks, "[{s:s, s:s}]", "severity", &severity, "message", &text), 0);
    cr_assert_str_eq(severity, "warning");
    cr_assert_str_eq(text, "No mapping for node n1.");
}

Test(mapping_entry, is_refused_with_a_text_for_what_is_wrong)
{
    static const struct {
        const char *entry;
        const char *problem;
    } cases[] = {
        {"path=0000:01:00.0,id=10de:2231", "node: property is missing and it is not optional"},
        {"node=n1,path=01:00.0,id=10de:2231", "path: value does not match the regex pattern"},
        {"node=n1,path=0000:01:00.0;,id=10de:2231", "path: value does not match the regex pattern"},
        {"node=n1,path=../../etc/passwd,id=10de:2231", "path: value does not match the regex pattern"},
        {"node=n1,path=0000:01:00.0,id=10de", "id: value does not match the regex pattern"},
        {"node=-,path=0000:01:00.0,id=10de:2231",
         "node: invalid format - value does not look like a valid node name\n"},
        {"node=n1,path=0000:01:00.0,id=10de:2231,iommugroup=x",
         "iommugroup: type check ('integer') failed - got 'x'"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *values = NULL;
        struct error err = {0};
        cr_expect_eq(property_string_parse(&mapping_pci_entry, cases[i].entry, &values, &err), -1);
        cr_expect_str_eq(err.message, cases[i].problem, "%s: %s", cases[i].entry, err.message);
    }
}
