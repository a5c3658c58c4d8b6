/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A check of a device: who else sets its driver or its number of virtual functions at boot. */

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"

static const struct {
    const char *what, *text;
} kinds[] = {{"driver", "driver"}, {"vfs", "number of virtual functions"}};

/* Of what other checks tell of (sriov-sysfs-conf, sriov-module-option) only that there is more than one. */
static bool is_told_elsewhere(const json_t *owner)
{
    return strcmp(json_text(owner, "what"), "vfs") == 0 &&
           (strcmp(json_text(owner, "owner"), "sysfsutils") == 0 ||
            strcmp(json_text(owner, "owner"), "modprobe") == 0);
}

static void describe(const json_t *owner, struct findings *ret)
{
    const char *file = json_text(owner, "file"), *text = json_text(owner, "text");
    long long line = json_integer_value(json_object_get(owner, "line"));

    text_printf(&ret->evidence, "%s%s", ret->evidence.length > 0 ? "; " : "", file);
    if (line > 0)
        text_printf(&ret->evidence, ", line %lld", line);
    text_printf(&ret->evidence, ": %.200s", text);
}

/* What sysfs.conf does for a driver hostpci can take over; all else is the admin's to take out. */
static void advise(const struct subject *subject, const json_t *owner, struct remedy *remedy)
{
    const char *name = json_text(owner, "owner"), *file = json_text(owner, "file");
    const char *value = strchr(json_text(owner, "text"), '=');

    if (strcmp(name, "driverctl") == 0) {
        text_printf(&remedy->lines, "driverctl unset-override %s\n", subject->id);
    } else if (strcmp(name, "sysfsutils") == 0 && value != NULL &&
               strcmp(json_text(owner, "what"), "driver") == 0) {
        remedy_set_driver(remedy, subject->id,
                          json_pack("{s:s, s:i, s:i}", "driver", value + strspn(value, "= "), "persistent", 1,
                                    "take-over", 1));
    } else {
        text_printf(&remedy->lines, "# take that line out before hostpci keeps the same:\nnano %s\n", file);
    }
}

static void check_kind(const struct subject *subject, const json_t *list, size_t kind, struct findings *ret)
{
    autotext struct text names = {0};
    size_t i, count = 0, told = 0;
    const json_t *owner;

    json_array_foreach(list, i, owner) {
        if (strcmp(json_text(owner, "what"), kinds[kind].what) != 0)
            continue;
        describe(owner, ret);
        advise(subject, owner, &ret->remedy);
        text_printf(&names, "%s%s", count > 0 ? ", " : "", json_text(owner, "owner"));
        told += is_told_elsewhere(owner);
        count++;
    }
    if (count > 1)
        findings_add(ret, SEVERITY_WARNING,
                     "Its %s is set at boot in %zu places (%s): nobody knows which of them wins.",
                     kinds[kind].text, count, names.data);
    else if (count > told)
        findings_add(ret, SEVERITY_INFO,
                     "Its %s is set at boot by something else (%s), so hostpci does not keep another one.",
                     kinds[kind].text, names.data);
    text_release(&ret->evidence);
    remedy_release(&ret->remedy);
}

static void check_owners(const struct subject *subject, struct findings *ret)
{
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
        check_kind(subject, subject->owners, kind, ret);
}

static const struct check other_owner_check = {
    .id = "other-owner",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text =
        "who else sets its driver or its number of virtual functions at boot: sysfsutils, driverctl, udev, "
        "systemd, NetworkManager, netplan, modprobe.d, interfaces, rc.local, cron and units",
    .run = check_owners,
};

const struct check *const checks_owner[] = {&other_owner_check, NULL};
