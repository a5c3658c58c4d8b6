/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can it be passed through, and if not why and what to do: the host's report, a device's verdict and the list
 * with verdicts. What each check says is tested for every golden host in tests/unit/hardware/check/golden.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define IOMMU "/nodes/" NODE "/hardware/iommu"
#define PCI   "/nodes/" NODE "/hardware/pci"
#define CARD  PCI "/0000:01:00.0/status"

TestSuite(readiness, .timeout = 120);

static const json_t *check_of(const json_t *reply, const char *id)
{
    return row(member(reply, "checks"), "id", id);
}

DAEMON_TEST(readiness, host_that_is_set_up_right)
{
    START(.host = "golden");
    const json_t *host = get(IOMMU, NULL);

    cr_assert_eq(number_of(host, "enabled"), 1);
    cr_assert_eq(number_of(host, "interrupt-remapping"), 1);
    cr_assert_str_eq(text_of(host, "driver"), "intel-iommu");
    cr_assert_gt(number_of(host, "groups"), 0);
    cr_assert_str_eq(text_of(check_of(host, "iommu-enabled"), "severity"), "ok");
}

DAEMON_TEST(readiness, host_whose_iommu_was_turned_off_is_told_by_which_parameter)
{
    START(.host = "golden:intel-iommu-off");
    const json_t *host = get(IOMMU, NULL), *check = check_of(host, "iommu-enabled");

    cr_assert_eq(number_of(host, "enabled"), 0);
    cr_assert_str_eq(text_of(check, "severity"), "error");
    cr_assert_not_null(strstr(text_of(check, "evidence"), "intel_iommu=off"), "%s",
                       text_of(check, "evidence"));
    cr_assert(has(check, "remedy"));
}

DAEMON_TEST(readiness, card_that_is_ready)
{
    START(.host = "golden");
    const json_t *card = get(CARD, NULL);

    cr_assert_str_eq(text_of(card, "verdict"), "ready");
    is_json(member(card, "detaches"), "[]");
    is_json(member(card, "host-use"), "[]");
}

DAEMON_TEST(readiness, card_that_the_host_drives_is_possible_and_its_group_goes_along)
{
    START(.host = "golden:host-drivers");
    const json_t *card = get(CARD, NULL);

    cr_assert_str_eq(text_of(card, "verdict"), "possible");
    is_json(member(card, "detaches"), "[{'id':'0000:01:00.0','driver':'nouveau'},"
                                      "{'id':'0000:01:00.1','driver':'snd_hda_intel'}]");
}

DAEMON_TEST(readiness, action_is_the_call_that_does_the_remedy_on_this_node)
{
    START(.host = "golden:host-drivers");
    const json_t *check = check_of(get(CARD, NULL), "driver-in-use");

    is_json(member(check, "action"), "{'method':'PUT','path':'" PCI "/0000:01:00.0/driver',"
                                     "'parameters':{'driver':'vfio-pci','scope':'group'}}");
    cr_assert_not_null(strstr(text_of(check, "remedy"),
                              "hostpci set /nodes/localhost/hardware/pci/0000:01:00.0"
                              "/driver --driver vfio-pci --scope group"));
}

DAEMON_TEST(readiness, card_that_shares_its_group_with_the_root_disk_is_blocked)
{
    START(.host = "golden:group-with-root-disk");
    const json_t *card = get(CARD, NULL);
    const json_t *use = row(member(card, "host-use"), "weight", "critical");

    cr_assert_str_eq(text_of(card, "verdict"), "blocked");
    cr_assert_str_neq(text_of(use, "id"), "0000:01:00.0", "the disk's, not the card's");
    cr_assert_str_eq(text_of(use, "kind"), "block");
}

DAEMON_TEST(readiness, group_of_several_devices_is_not_isolated)
{
    START(.host = "golden:group-with-disk");
    long long number = number_of(get(CARD, NULL), "iommugroup");
    const json_t *groups = get(IOMMU "/groups", NULL);
    size_t i;
    json_t *group;

    json_array_foreach(groups, i, group)
        cr_assert_eq(number_of(group, "isolated"), number_of(group, "group") != number);
}

DAEMON_TEST(readiness, list_has_the_same_verdicts_when_asked)
{
    START(.host = "golden:group-with-root-disk");
    const json_t *list = get(PCI, "verdict", "1", NULL);
    size_t i;
    json_t *device;

    cr_assert_gt(json_array_size(list), 0);
    json_array_foreach(list, i, device) {
        autofree char *path = xasprintf(PCI "/%s/status", text_of(device, "id"));
        const json_t *status = get(path, NULL);
        cr_expect_str_eq(text_of(device, "verdict"), text_of(status, "verdict"), "%s", path);
        cr_expect_str_eq(text_of(device, "summary"), text_of(status, "summary"), "%s", path);
    }
    cr_assert_not(has(json_array_get(get(PCI, NULL), 0), "verdict"), "only when asked");
}

DAEMON_TEST(readiness, what_cannot_be_read_is_named_and_the_rest_is_told)
{
    START(.host = "workstation"); /* which has neither ACPI tables nor the list of interrupts */
    const json_t *card = get(CARD, NULL);

    cr_assert(has(check_of(card, "unreadable-files"), "evidence"));
    cr_assert(has(card, "verdict"));
}
