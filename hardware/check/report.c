/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can it be passed through: what the checks add up to. */
#include "hardware/check/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/check.h"
#include "hardware/pci/class.h"
#include "hardware/settings/owner.h"

/* What the checks of the host say for all of its devices. */
struct host_state {
    struct text obstacle; /* empty: none */
    bool loads_vfio;      /* vfio_pci is yet to be loaded */
};

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"ready", "possible", "blocked"};

    return names[verdict];
}

static bool remaps_interrupts(const struct facts *facts)
{
    if (facts->iommu.remaps != ANSWER_UNKNOWN)
        return facts->iommu.remaps == ANSWER_YES;
    return facts->iommu.can_remap == ANSWER_YES && !facts_parameter_says(facts, "intremap", "off", "on");
}

int readiness_describe_host(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                            struct error *err)
{
    (void)err;
    autofacts struct facts facts;
    autogroups struct groups *groups = groups_sort(inventory);
    autofindings struct findings findings = {0};

    facts_read(sysroot, &facts);
    struct subject subject = {.facts = &facts, .inventory = inventory, .groups = groups, .folder = -1};
    check_run_lists(check_lists, CHECK_HOST, CHECK_ALL, &subject, &findings);
    json_t *host = json_pack("{s:i, s:i, s:i, s:o}", "enabled", inventory->has_iommu ? 1 : 0,
                             "interrupt-remapping", inventory->has_iommu && remaps_interrupts(&facts) ? 1 : 0,
                             "groups", (int)groups_count(groups), "checks", findings_to_json(&findings));
    if (facts.iommu.driver[0] != '\0')
        json_object_set_new(host, "driver", json_string(facts.iommu.driver));
    if (facts_default_domain(&facts, groups)[0] != '\0')
        json_object_set_new(host, "default-domain", json_string(facts_default_domain(&facts, groups)));
    *ret = host;
    return 0;
}

static void judge_host(const struct subject *subject, struct host_state *host)
{
    check_find_error(CHECK_HOST, subject, &host->obstacle);
    host->loads_vfio = facts_module(subject->facts, "vfio_pci") < MODULE_BUILT_IN;
}

static void append_member(struct text *list, const struct pci_device *member, bool first, bool last)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(member->address, id);
    text_printf(list, "%s%s (%s)", first ? "" : last ? " and " : ", ", id, member->driver);
}

/* The functions of its group that would be detached: the device itself first, then the others by address. For
 * a bridge, which no VM can have, there are none. */
static size_t list_detached(const struct subject *subject, const struct pci_device **ret, size_t most)
{
    struct members members = groups_find(subject->groups, subject->device->group);
    size_t count = 0;

    if (pci_is_bridge(subject->device))
        return 0;
    if (group_detaches(subject->device, subject->device))
        ret[count++] = subject->device;
    for (size_t i = 0; i < members.count && count < most; i++)
        if (members.list[i] != subject->device && group_detaches(subject->device, members.list[i]))
            ret[count++] = members.list[i];
    return count;
}

#define MOST_NAMED 16 /* in a sentence */

static enum verdict tell_what_happens(const struct subject *subject, const struct host_state *host,
                                      struct text *summary)
{
    const struct pci_device *detached[MOST_NAMED];
    size_t count = list_detached(subject, detached, MOST_NAMED);

    if (count == 0 && !host->loads_vfio) {
        text_append(summary, "It can be given to a VM at once");
        text_append(summary,
                    subject->device->nvidia ? ", as a vGPU: with mdev in the VM's configuration." : ".");
        return VERDICT_READY;
    }
    text_append(summary, "When a VM starts with it, ");
    text_append(summary, count > 0 ? "the host loses " : "vfio_pci is loaded.");
    for (size_t i = 0; i < count; i++)
        append_member(summary, detached[i], i == 0, i == count - 1);
    if (count > 0)
        text_append(summary, host->loads_vfio ? ", and vfio_pci is loaded." : ".");
    return VERDICT_POSSIBLE;
}

/* A bridge is blocked for being one, whatever the host lacks. */
static enum verdict judge(const struct subject *subject, const struct host_state *host, struct text *summary)
{
    if (!pci_is_bridge(subject->device) && host->obstacle.length > 0) {
        text_append(summary, host->obstacle.data);
        return VERDICT_BLOCKED;
    }
    if (check_find_error(CHECK_DEVICE, subject, summary))
        return VERDICT_BLOCKED;
    return tell_what_happens(subject, host, summary);
}

int readiness_verdicts(const struct sysroot *sysroot, const struct inventory *inventory,
                       const struct host_uses *uses, struct readiness **ret, struct error *err)
{
    (void)err;
    autofacts struct facts facts;
    autogroups struct groups *groups = groups_sort(inventory);
    struct readiness *list = xcalloc(inventory->count, sizeof(list[0]));
    struct host_state host = {.loads_vfio = false};

    facts_read(sysroot, &facts);
    struct subject subject = {
        .facts = &facts, .inventory = inventory, .groups = groups, .uses = uses, .folder = -1};
    judge_host(&subject, &host);
    for (size_t i = 0; i < inventory->count; i++) {
        struct text summary = {0};
        subject.device = &inventory->devices[i];
        pci_address_format(subject.device->address, subject.id);
        list[i].verdict = judge(&subject, &host, &summary);
        list[i].summary = text_take(&summary);
    }
    text_release(&host.obstacle);
    *ret = list;
    return 0;
}

void readiness_free(struct readiness *list, size_t count)
{
    for (size_t i = 0; list != NULL && i < count; i++)
        free(list[i].summary);
    free(list);
}

static json_t *detached_to_json(const struct subject *subject)
{
    struct members members = groups_find(subject->groups, subject->device->group);
    autofree const struct pci_device **detached = xcalloc(members.count + 1, sizeof(detached[0]));
    size_t count = list_detached(subject, detached, members.count + 1);
    json_t *list = json_array();
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < count; i++) {
        pci_address_format(detached[i]->address, id);
        json_array_append_new(list, json_pack("{s:s, s:s}", "id", id, "driver", detached[i]->driver));
    }
    return list;
}

static void append_uses(const struct subject *subject, const struct pci_device *device, json_t *list)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->uses, device->address, &uses);
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    for (size_t i = 0; i < count; i++) {
        autotext struct text sentence = {0};
        host_use_describe(&uses[i], &sentence);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", use_kind_names[uses[i].kind], "name",
                            uses[i].name, "weight", use_weight_names[uses[i].weight], "message",
                            text_string(&sentence), "evidence", uses[i].evidence, "id", id));
    }
}

static json_t *uses_to_json(const struct subject *subject)
{
    struct members members = groups_find(subject->groups, subject->device->group);
    json_t *list = json_array();

    append_uses(subject, subject->device, list);
    for (size_t i = 0; i < members.count; i++)
        if (members.list[i] != subject->device && group_detaches(subject->device, members.list[i]))
            append_uses(subject, members.list[i], list);
    return list;
}

/* Nothing else is worth saying of a bridge. The last check of the host says what could not be read, also for
 * the device. */
static json_t *device_checks_to_json(const struct subject *subject)
{
    autofindings struct findings findings = {0};

    if (pci_is_bridge(subject->device)) {
        check_run(check_find("bridge"), subject, &findings);
    } else {
        check_run_lists(check_lists, CHECK_DEVICE, subject->folder < 0 ? CHECK_BLOCKING : CHECK_ALL, subject,
                        &findings);
        size_t own = findings.count;
        check_run_lists(check_lists, CHECK_HOST, CHECK_BLOCKING, subject, &findings);
        findings_keep(&findings, own, SEVERITY_WARNING); /* what stands in the way of each device */
        check_run(check_find("unreadable-files"), subject, &findings);
    }
    return findings_to_json(&findings);
}

/* Fills the subject's facts, groups and owners in for the time of the call. */
static json_t *describe(const struct sysroot *sysroot, struct subject *subject)
{
    autofacts struct facts facts;
    autogroups struct groups *groups = groups_sort(subject->inventory);
    autojson json_t *owners = owner_list(sysroot, subject->device);
    autotext struct text summary = {0};
    struct host_state host = {.loads_vfio = false};

    facts_read(sysroot, &facts);
    subject->facts = &facts;
    subject->groups = groups;
    subject->owners = owners;
    json_array_extend(facts.unreadable, (json_t *)host_uses_unreadable(subject->uses));
    judge_host(subject, &host);
    enum verdict verdict = judge(subject, &host, &summary);
    text_release(&host.obstacle);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:O}", "verdict", verdict_name(verdict), "summary",
                     text_string(&summary), "detaches", detached_to_json(subject), "checks",
                     device_checks_to_json(subject), "host-use", uses_to_json(subject), "owners", owners);
}

static int find_subject(const struct inventory *inventory, const struct host_uses *uses,
                        struct pci_address address, struct subject *ret, struct error *err)
{
    *ret = (struct subject){
        .inventory = inventory, .uses = uses, .device = inventory_find(inventory, address), .folder = -1};
    pci_address_format(address, ret->id);
    if (ret->device == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", ret->id);
    return 0;
}

int readiness_describe_device(const struct sysroot *sysroot, const struct inventory *inventory,
                              const struct host_uses *uses, struct pci_address address, const json_t *rom,
                              json_t **ret, struct error *err)
{
    struct subject subject;

    if (find_subject(inventory, uses, address, &subject, err) != 0)
        return -1;
    subject.rom = rom;
    autoclose int folder = pci_open_folder(sysroot, address);
    if (folder < 0)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", subject.id);
    subject.folder = folder;
    *ret = describe(sysroot, &subject);
    return 0;
}

int readiness_describe_held(const struct sysroot *sysroot, const struct inventory *inventory,
                            const struct host_uses *uses, struct pci_address address, json_t **ret,
                            struct error *err)
{
    struct subject subject;

    if (find_subject(inventory, uses, address, &subject, err) != 0)
        return -1;
    subject.held = true;
    *ret = describe(sysroot, &subject);
    return 0;
}
