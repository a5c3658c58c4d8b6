/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: what stays with the host, because it is a bridge or because the host uses it. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
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
static void append_line(struct text *remedy, const char *start, const char *line, size_t length,
                        const char *end)
{
    autofree char *whole = xasprintf("%s%.*s%s\n", start, (int)length, line, end);
    const char *at = strstr(text_string(remedy), whole);

    if (length > 0 && (at == NULL || (at != remedy->data && at[-1] != '\n')))
        text_append(remedy, whole);
}

static void append_remedy(const struct host_use *use, struct text *remedy)
{
    autotext struct text advice = {0}, command = {0};

    host_use_remedy(use, &advice, &command);
    append_line(remedy, "# ", text_string(&advice), advice.length, command.length > 0 ? ":" : "");
    for (const char *line = text_string(&command); *line != '\0'; line += line[0] == '\n') {
        size_t length = strcspn(line, "\n");
        append_line(remedy, "", line, length, "");
        line += length;
    }
}

/* Adds the uses that weigh this much, with their evidence and what ends those that can be ended. */
static void append_uses(const struct subject *subject, struct pci_address address, enum use_weight weight,
                        struct text *list, struct findings *ret)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->uses, address, &uses);

    for (size_t i = 0; i < count; i++) {
        if (uses[i].weight != weight)
            continue;
        text_append(list, list->length > 0 ? "; " : "");
        host_use_describe(&uses[i], list);
        text_printf(&ret->evidence, "%s%s", ret->evidence.length > 0 ? "; " : "", uses[i].evidence);
        if (weight == USE_ACTIVE)
            append_remedy(&uses[i], &ret->remedy);
    }
}

/* Adds the uses of the function and of the others of its device that are detached with it. Returns the weight
 * of the heaviest of all. */
static enum use_weight list_uses(const struct subject *subject, enum use_weight weight, struct text *list,
                                 struct findings *ret)
{
    struct members members = members_of(subject);
    enum use_weight heaviest = host_uses_weigh(subject->uses, subject->device->address);

    append_uses(subject, subject->device->address, weight, list, ret);
    for (size_t i = 0; i < members.count; i++) {
        const struct pci_device *member = members.list[i];
        if (member == subject->device || !pci_address_same_slot(member->address, subject->device->address) ||
            !group_detaches(subject->device, member))
            continue;
        append_uses(subject, member->address, weight, list, ret);
        enum use_weight own = host_uses_weigh(subject->uses, member->address);
        heaviest = own > heaviest ? own : heaviest;
    }
    return heaviest;
}

static void check_host_use(const struct subject *subject, struct findings *ret)
{
    autotext struct text uses = {0};

    switch (list_uses(subject, USE_CRITICAL, &uses, ret)) {
    case USE_CRITICAL:
        text_append(&ret->remedy,
                    "# choose another device; or move the system to a disk on another controller\n");
        findings_add(ret, SEVERITY_ERROR, "The host cannot run without it: %s.", text_string(&uses));
        break;
    case USE_ACTIVE:
        list_uses(subject, USE_ACTIVE, &uses, ret);
        findings_add(ret, SEVERITY_ERROR, "The host is using it: %s.", text_string(&uses));
        break;
    case USE_IDLE:
        list_uses(subject, USE_IDLE, &uses, ret);
        findings_add(ret, SEVERITY_INFO, "The host would lose it while a VM has it: %s.", text_string(&uses));
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
