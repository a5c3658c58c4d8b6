/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of real kernels: tests/lab/topology/used after tests/lab/setup-used, booted with an IOMMU
 * (suite lab_used) and in each way in which an IOMMU can be off or different (suite lab_iommu, a boot a test;
 * see suite_lab of tests/run). */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define PCI     "/nodes/" NODE "/hardware/pci"
#define IOMMU   "/nodes/" NODE "/hardware/iommu"

#define DISPLAY "0000:00:08.0"
#define USB     "0000:00:06.0"
#define DRIVE   "0000:01:00.0"
#define CARD    "0000:02:00.0"
#define FIRST   "0000:04:01.0" /* of two cards in one group */
#define SECOND  "0000:04:02.0"

static void start(void)
{
    if (getenv("LAB") == NULL)
        cr_skip_test("only in the lab");
    START(.host = NULL);
}

TestSuite(lab_used, .init = start, .timeout = 600);
TestSuite(lab_iommu, .init = start, .timeout = 600);

static const json_t *status_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);

    return get(path, NULL);
}

/* The finding of a check, of the host or of a device, that must be that severe. */
static const json_t *finding(const json_t *object, const char *id, const char *severity)
{
    const json_t *found = row(member(object, "checks"), "id", id);

    cr_expect_str_eq(text_of(found, "severity"), severity, "%s: %s", id, text_of(found, "message"));
    return found;
}

static void contains(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "'%s' is not in '%s'", part, text);
}

/* Nothing is worse than "info". */
static void no_complaint(const json_t *object)
{
    size_t i;
    json_t *one;

    json_array_foreach(member(object, "checks"), i, one) {
        const char *severity = text_of(one, "severity");
        cr_expect(strcmp(severity, "ok") == 0 || strcmp(severity, "info") == 0, "%s: %s", text_of(one, "id"),
                  text_of(one, "message"));
    }
}

/* The use of a device, that must be of that kind and weight; and that blocks it. */
static void blocked_by(const char *id, const char *kind, const char *weight, const char *message)
{
    const json_t *status = status_of(id), *use = row(member(status, "host-use"), "kind", kind);

    cr_expect_str_eq(text_of(status, "verdict"), "blocked");
    cr_expect_str_eq(text_of(use, "weight"), weight);
    contains(text_of(use, "message"), message);
    contains(text_of(finding(status, "host-use", "error"), "message"), message);
}

DAEMON_TEST(lab_used, drive_with_a_mounted_file_system_is_blocked)
{
    blocked_by(DRIVE, "block", "active", "mounted on /srv/lab");
}

DAEMON_TEST(lab_used, card_with_the_default_route_is_blocked)
{
    blocked_by(CARD, "network", "active", "default route (192.0.2.1)");
}

DAEMON_TEST(lab_used, usb_controller_with_the_keyboard_is_blocked)
{
    blocked_by(USB, "usb", "active", "QEMU USB Keyboard");
}

DAEMON_TEST(lab_used, usb_keyboard_is_listed_and_can_be_mapped)
{
    const json_t *keyboard = row(get("/nodes/" NODE "/hardware/usb", NULL), "product", "QEMU USB Keyboard");
    autofree char *entry =
        xasprintf("node=" NODE ",id=%s:%s,path=%lld-%s", text_of(keyboard, "vendid"),
                  text_of(keyboard, "prodid"), number_of(keyboard, "busnum"), text_of(keyboard, "usbpath"));

    cr_expect_eq(number_of(keyboard, "level"), 1);
    post("/cluster/mapping/usb", "id", "keyboard", "map", entry, NULL);
    const json_t *mapping = row(get("/cluster/mapping/usb", "check-node", NODE, NULL), "id", "keyboard");
    is_json(member(mapping, "errors"), "[]");
}

DAEMON_TEST(lab_used, display_of_the_firmware_and_the_console_is_blocked)
{
    blocked_by(DISPLAY, "display", "active", "console");
    finding(status_of(DISPLAY), "boot-vga", "warning");
}

static bool is_isolated(long long number)
{
    const json_t *groups = get(IOMMU "/groups", NULL);
    size_t i;
    json_t *group;

    json_array_foreach(groups, i, group)
        if (number_of(group, "group") == number)
            return number_of(group, "isolated") != 0;
    cr_assert_fail("no group %lld", number);
    return false;
}

static long long group_of(const char *id)
{
    return number_of(row(get(PCI, "pci-class-blacklist", "", NULL), "id", id), "iommugroup");
}

DAEMON_TEST(lab_used, cards_behind_a_conventional_bridge_go_together)
{
    const json_t *status = status_of(FIRST);

    cr_expect_eq(group_of(FIRST), group_of(SECOND));
    cr_expect(!is_isolated(group_of(FIRST)));
    cr_expect(is_isolated(group_of(CARD)));
    cr_expect_str_eq(text_of(status, "verdict"), "possible");
    is_json(member(status, "detaches"),
            "[{'id':'" FIRST "','driver':'e1000'},{'id':'" SECOND "','driver':'e1000'}]");
    contains(text_of(finding(status, "group-shared", "warning"), "message"), SECOND);
    finding(status, "group-slot", "info");
}

DAEMON_TEST(lab_used, list_has_the_verdict_that_the_status_has)
{
    const json_t *list = get(PCI, "pci-class-blacklist", "", "verdict", "1", NULL);
    size_t i;
    json_t *device;

    cr_assert_gt(json_array_size(list), 10);
    json_array_foreach(list, i, device)
        cr_expect_str_eq(text_of(device, "verdict"), text_of(status_of(text_of(device, "id")), "verdict"),
                         "%s", text_of(device, "id"));
}

DAEMON_TEST(lab_used, host_is_said_to_be_ready)
{
    const json_t *host = get(IOMMU, NULL);

    cr_expect_eq(number_of(host, "enabled"), 1);
    cr_expect_eq(number_of(host, "interrupt-remapping"), 1);
    cr_expect_str_eq(text_of(host, "driver"), "intel-iommu");
    cr_expect_eq(strncmp(text_of(host, "default-domain"), "DMA", 3), 0);
    no_complaint(host);
    finding(host, "host-is-guest", "info");
}

/* Host and devices say the same reason. */
static void expect_obstacle(const char *id, const char *reason)
{
    const json_t *host = get(IOMMU, NULL), *status = status_of(CARD);

    contains(text_of(finding(host, id, "error"), "message"), reason);
    cr_expect_str_eq(text_of(status, "verdict"), "blocked");
    contains(text_of(status, "summary"), reason);
}

DAEMON_TEST(lab_iommu, without_one)
{
    const json_t *host = get(IOMMU, NULL);

    cr_expect_eq(number_of(host, "enabled"), 0);
    cr_expect_eq(number_of(host, "groups"), 0);
    cr_expect(!has(host, "driver"));
    expect_obstacle("iommu-firmware", "virtual machine without an IOMMU");
}

DAEMON_TEST(lab_iommu, turned_off)
{
    cr_expect_eq(number_of(get(IOMMU, NULL), "enabled"), 0);
    expect_obstacle("iommu-enabled", "intel_iommu=off");
}

DAEMON_TEST(lab_iommu, told_not_to_remap_interrupts)
{
    const json_t *host = get(IOMMU, NULL);

    cr_expect_eq(number_of(host, "enabled"), 1);
    cr_expect_eq(number_of(host, "interrupt-remapping"), 0);
    expect_obstacle("interrupt-remapping", "Interrupts are not remapped");
    contains(text_of(finding(host, "interrupt-remapping", "error"), "evidence"), "intremap=off");
}

DAEMON_TEST(lab_iommu, unable_to_remap_interrupts)
{
    expect_obstacle("interrupt-remapping", "Interrupts are not remapped");
    contains(text_of(finding(get(IOMMU, NULL), "interrupt-remapping", "error"), "evidence"), "ecap");
}

DAEMON_TEST(lab_iommu, passthrough_mode)
{
    const json_t *host = get(IOMMU, NULL);

    cr_expect_str_eq(text_of(host, "default-domain"), "identity");
    finding(host, "passthrough-mode", "ok");
    no_complaint(host);
}

DAEMON_TEST(lab_iommu, of_amd)
{
    const json_t *host = get(IOMMU, NULL);

    cr_expect_eq(number_of(host, "enabled"), 1);
    cr_expect_eq(number_of(host, "interrupt-remapping"), 1);
    cr_expect_str_eq(text_of(host, "driver"), "amd-iommu");
    no_complaint(host);
    cr_expect_eq(group_of(FIRST), group_of(SECOND));
    cr_expect(is_isolated(group_of(CARD)));
}

/* QEMU's virtual IOMMU: another kind, that no other check knows, and without interrupt remapping. */
DAEMON_TEST(lab_iommu, virtual_one_remaps_no_interrupts)
{
    const json_t *host = get(IOMMU, NULL);

    cr_expect_eq(number_of(host, "enabled"), 1);
    cr_expect_eq(number_of(host, "interrupt-remapping"), 0);
    expect_obstacle("interrupt-remapping", "Interrupts are not remapped");
    cr_expect(is_isolated(group_of(CARD)));
}
