/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: what stays with the host, because it is a bridge or because the host uses it. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/card.h"
#include "hardware/pci/class.h"

static void check_bridge(const struct subject *subject, struct findings *ret)
{
    if (!pci_is_bridge(subject->device))
        return;
    text_printf(&ret->evidence, "/%s: 0x%06x", path_of_function(subject->id, "class").text,
                (unsigned)subject->device->class_code);
    findings_add(ret, SEVERITY_ERROR,
                 "It is a bridge: bridges stay with the host, only devices are passed through.");
}

static const struct check bridge_check = {
    .id = "bridge",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .section = MANUAL_FINISH,
    .sentence =
        "It is okay if the device is in an IOMMU group together with [...] its root port or PCI(e) bridge.",
    .text = "base class 06; a bridge itself is never passed through",
    .run = check_bridge,
};

/* A line of a remedy, unless it is there already. */
static void append_line(struct text *lines, const char *start, const char *line, size_t length,
                        const char *end)
{
    autofree char *whole = xasprintf("%s%.*s%s\n", start, (int)length, line, end);
    const char *at = strstr(text_string(lines), whole);

    if (length > 0 && (at == NULL || (at != lines->data && at[-1] != '\n')))
        text_append(lines, whole);
}

static void append_remedy(const struct host_use *use, struct text *lines)
{
    autotext struct text advice = {0}, command = {0};

    host_use_remedy(use, &advice, &command);
    append_line(lines, "# ", text_string(&advice), advice.length, command.length > 0 ? ":" : "");
    for (const char *line = text_string(&command); *line != '\0'; line += line[0] == '\n') {
        size_t length = strcspn(line, "\n");
        append_line(lines, "", line, length, "");
        line += length;
    }
}

/* It is detached together with the subject, as a part of the same card. */
static bool comes_along(const struct subject *subject, const struct pci_device *member)
{
    return member != subject->device && pci_is_companion(subject->device, member) &&
           group_detaches(subject->device, member);
}

/* Adds the uses that weigh this much, with their evidence and what ends those that can be ended. Those of
 * another function than the subject begin with its id. */
static void append_uses(const struct subject *subject, const struct pci_device *device,
                        enum use_weight weight, struct text *list, struct findings *ret)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->uses, device->address, &uses);
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    for (size_t i = 0; i < count; i++) {
        if (uses[i].weight != weight)
            continue;
        text_append(list, list->length > 0 ? "; " : "");
        if (device != subject->device)
            text_printf(list, "%s: ", id);
        host_use_describe(&uses[i], list);
        text_printf(&ret->evidence, "%s%s", ret->evidence.length > 0 ? "; " : "", uses[i].evidence);
        if (weight == USE_ACTIVE)
            append_remedy(&uses[i], &ret->remedy.lines);
    }
}

/* Adds the uses of the function and of its companions that are detached with it. */
static void list_uses(const struct subject *subject, enum use_weight weight, struct text *list,
                      struct findings *ret)
{
    struct members members = members_of(subject);

    append_uses(subject, subject->device, weight, list, ret);
    for (size_t i = 0; i < members.count; i++)
        if (comes_along(subject, members.list[i]))
            append_uses(subject, members.list[i], weight, list, ret);
}

/* The weight of the heaviest of these. */
static enum use_weight weigh(const struct subject *subject)
{
    struct members members = members_of(subject);
    enum use_weight heaviest = host_uses_weigh(subject->uses, subject->device->address);

    for (size_t i = 0; i < members.count; i++) {
        enum use_weight own = comes_along(subject, members.list[i])
                                  ? host_uses_weigh(subject->uses, members.list[i]->address)
                                  : USE_NONE;
        heaviest = own > heaviest ? own : heaviest;
    }
    return heaviest;
}

static void check_host_use(const struct subject *subject, struct findings *ret)
{
    autotext struct text uses = {0};
    enum use_weight weight = weigh(subject);
    bool own = host_uses_weigh(subject->uses, subject->device->address) == weight;

    list_uses(subject, weight, &uses, ret);
    switch (weight) {
    case USE_CRITICAL:
        text_append(&ret->remedy.lines,
                    "# choose another device; or move the system to a disk on another controller\n");
        findings_add(ret, SEVERITY_ERROR, "The host cannot run without it: %s.", text_string(&uses));
        break;
    case USE_ACTIVE:
        findings_add(ret, SEVERITY_ERROR,
                     own ? "The host is using it: %s."
                         : "The host is using another function of its card, which goes with it: %s.",
                     text_string(&uses));
        break;
    case USE_IDLE:
        findings_add(ret, SEVERITY_INFO,
                     own && !group_detaches(subject->device, subject->device)
                         ? "Nothing on the host needs it now: %s."
                         : "The host would lose it while a VM has it: %s.",
                     text_string(&uses));
        break;
    case USE_NONE:
        findings_add(ret, SEVERITY_OK, "Nothing on the host is known to use it.");
        break;
    }
}

static const struct check host_use_check = {
    .id = "host-use",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .section = MANUAL_INTRODUCTION,
    .sentence = "if you pass through a device to a virtual machine, you cannot use that device anymore on "
                "the host or in any other VM.",
    .text = "disks, network, displays, USB, sound, VMs that use it",
    .run = check_host_use,
};

const struct check *const checks_use[] = {&bridge_check, &host_use_check, NULL};
