/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: which devices it gets, and what the checks of the host and of these devices say, as
 * far as it matters. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/paths.h"
#include "hardware/pci/card.h"
#include "hardware/pci/sriov.h"
#include "hardware/slice/mdev.h"
#include "passthrough/preflight/parts.h"
#include "schema/format.h"

static enum severity severity_of(const json_t *check)
{
    enum severity severity = SEVERITY_ERROR;

    while (severity > SEVERITY_OK && strcmp(json_text(check, "severity"), severity_names[severity]) != 0)
        severity--;
    return severity;
}

/* A finding matters if it is not ok and its check blocks, or else if it is a warning. A broker of another
 * version may have checks that are not known here. */
static bool matters(const json_t *check, enum check_scope scope)
{
    const struct check *known = check_find(json_text(check, "id"));
    bool blocks = known == NULL || known->blocks;

    if ((known != NULL ? known->scope : CHECK_DEVICE) != scope)
        return false;
    if (scope == CHECK_HOST && !blocks)
        return false;
    return severity_of(check) >= (blocks ? SEVERITY_INFO : SEVERITY_WARNING);
}

static bool has_part(const struct text *text, const char *part, const char *between)
{
    const char *all = text_string(text), *at = all;
    size_t length = strlen(part), gap = strlen(between);

    for (; (at = strstr(at, part)) != NULL; at++) {
        bool begins = at == all || ((size_t)(at - all) >= gap && strncmp(at - gap, between, gap) == 0);
        if (begins && (at[length] == '\0' || strncmp(at + length, between, gap) == 0))
            return true;
    }
    return false;
}

static void append_once(struct text *text, const char *more, const char *between)
{
    if (more[0] == '\0' || has_part(text, more, between))
        return;
    text_printf(text, "%s%s", text->length > 0 ? between : "", more);
}

/* Adds a finding of another check, under that check's id. */
static void pass_on(const json_t *check, const char *who, const char *evidence, const char *remedy,
                    json_t *action, struct findings *ret)
{
    autofree char *message = xasprintf("%s%s", who, json_text(check, "message"));

    text_append(&ret->evidence, evidence);
    text_printf(&ret->remedy.lines, "%s%s", remedy, remedy[0] != '\0' ? "\n" : "");
    ret->remedy.action = json_incref(action);
    findings_add_as(ret, json_text(check, "id"), severity_of(check), message);
}

static void check_host(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const json_t *check;
    size_t i;

    json_array_foreach(json_object_get(inspection->host, "checks"), i, check)
        if (matters(check, CHECK_HOST))
            pass_on(check, "", json_text(check, "evidence"), json_text(check, "remedy"),
                    json_object_get(check, "action"), ret);
}

static const struct check host_check = {
    .id = "host",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_GENERAL,
    .sentence = "Your hardware needs to support IOMMU (I/O Memory Management Unit) interrupt remapping.",
    .text = "each check of the host that can find an error and is not ok, under its own id",
    .run = check_host,
};

/* "0000:01:00: reason" of each alternative that was passed over. */
static void show_passed_over(const struct assignment *assignment, struct text *evidence)
{
    for (size_t i = 0; i < assignment->passed_over_count; i++)
        text_printf(evidence, "; %s: %s", assignment->passed_over[i].path,
                    assignment->passed_over[i].message);
}

/* Either the mapping has no entry for this node, or all of its devices were passed over. */
static void remedy_mapping(const struct assignment *assignment, struct findings *ret)
{
    const char *mapping = assignment->hostpci.mapping;

    if (assignment->passed_over_count == 0)
        text_printf(&ret->remedy.lines,
                    "# add one of this host's devices to the mapping, by its ID:\n"
                    "hostpci get /nodes/localhost/hardware/pci\n"
                    "hostpci create /nodes/localhost/hardware/pci/ID/map --mapping %s\n",
                    mapping);
    else
        text_printf(&ret->remedy.lines,
                    "# see what the mapping stands for, and which VM has it:\n"
                    "hostpci get /cluster/mapping/pci --check-node localhost\n"
                    "hostpci get /cluster/mapping/pci/%s/capacity\n",
                    mapping);
}

/* {TYPE: what is left of it beside what the VM's other hostpciN get}, which the parent's types are added to.
 */
static void count_types(const struct inspection *inspection, const char *parent, json_t *ret)
{
    const struct availability *availability = &inspection->availability;
    autojson json_t *given = assignments_list_given(&inspection->assignments, availability), *types = NULL;
    struct pci_address address;
    const json_t *type;
    struct error err;
    size_t i;

    if (!pci_address_parse(parent, &address) ||
        mdev_list_types(inspection->what->sysroot, address, &types, &err) != 0)
        return;
    json_array_foreach(types, i, type) {
        const char *name = json_text(type, "type");
        struct left left;
        if (availability_count_left(availability, parent, name, inspection->what->vmid, given, &left, &err) !=
            0)
            continue;
        json_int_t sum = json_integer_value(json_object_get(ret, name)) + left.possible;
        json_object_set_new(ret, name, json_integer(sum));
    }
}

/* Says which types there are, with what is left of each, and proposes the first of which something is. */
static void show_types(const struct inspection *inspection, const struct preflight_hostpci *hostpci,
                       const char *of, json_t *left, struct findings *ret)
{
    const char *proposal = NULL, *type;
    bool first = true;
    json_t *count;

    text_printf(&ret->evidence, "; types of %s:%s", of, json_object_size(left) == 0 ? " none" : "");
    json_object_foreach(left, type, count) {
        text_printf(&ret->evidence, "%s %s (%lld left)", first ? "" : ",", type,
                    (long long)json_integer_value(count));
        if (json_integer_value(count) > 0 && proposal == NULL)
            proposal = type;
        first = false;
    }
    if (proposal != NULL)
        preflight_remedy_edit(inspection, hostpci->key, "mdev", json_string(proposal), ret);
    else
        text_append(&ret->remedy.lines,
                    "# stop a VM that has one of its mediated devices, or give this VM fewer:\n"
                    "hostpci get /nodes/localhost/hardware/mdev\n");
}

/* Adds the types of the mapping's devices that were passed over because they lack the wanted type. */
static void count_types_of_mapping(const struct inspection *inspection, const struct assignment *assignment,
                                   json_t *left)
{
    for (size_t i = 0; i < assignment->passed_over_count; i++) {
        const struct passed_over *alternative = &assignment->passed_over[i];
        if (alternative->why != ASSIGN_NO_TYPE && alternative->why != ASSIGN_NONE_LEFT)
            continue;
        autosplit char **paths = format_split_list(alternative->path);
        for (char **path = paths; *path != NULL; path++)
            count_types(inspection, *path, left);
    }
}

/* A mediated device that an earlier start has left has the name that this start needs. */
static void remedy_mdev(const struct inspection *inspection, const struct preflight_hostpci *hostpci,
                        struct findings *ret)
{
    const struct assignment *assignment = hostpci->assignment;
    autojson json_t *left = json_object();
    char uuid[VM_UUID_SIZE];

    vm_hostpci_uuid(hostpci->index, (unsigned)inspection->what->vmid, uuid);
    if (assignment->failure.reason == ASSIGN_NAME_TAKEN) {
        remedy_add_call(&ret->remedy, "delete", json_object(), REMEDY_NODE "/hardware/mdev/%s", uuid);
    } else if (assignment->hostpci.hosts != NULL) {
        count_types(inspection, assignment->hostpci.hosts[0], left);
        show_types(inspection, hostpci, assignment->hostpci.hosts[0], left, ret);
    } else {
        count_types_of_mapping(inspection, assignment, left);
        if (json_object_size(left) == 0)
            remedy_mapping(assignment, ret);
        else
            show_types(inspection, hostpci, "the mapping's devices", left, ret);
    }
}

#define FEW_VFS 4

/* It is there once its physical function has so many, and will be at each start of the host. */
static void remedy_make_vfs(const struct inspection *inspection, const struct sriov_slot *slot,
                            struct findings *ret)
{
    const struct pci_device *physical = inventory_find(inspection->inventory, slot->physical_function);
    unsigned few = slot->possible < FEW_VFS ? slot->possible : FEW_VFS;
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(slot->physical_function, id);
    text_printf(&ret->evidence, "; it would be virtual function %u of %s, which has %u of at most %u",
                slot->index, id, slot->exist, slot->possible);
    if (sriov_explain_driver(inspection->what->sysroot, physical->driver) != NULL)
        remedy_add_call(&ret->remedy, "set", json_pack("{s:s}", "driver", "auto"),
                        REMEDY_NODE "/hardware/pci/%s/driver", id);
    if (slot->exist > 0)
        text_printf(&ret->remedy.lines, "# this removes the %u that there are, and makes them again:\n",
                    slot->exist);
    remedy_add_call(
        &ret->remedy, "set",
        json_pack("{s:i, s:i}", "numvfs", (int)(slot->index < few ? few : slot->index + 1), "persistent", 1),
        REMEDY_NODE "/hardware/pci/%s/sriov", id);
}

/* False unless what is missing could be a virtual function. */
static bool remedy_missing_vf(const struct inspection *inspection, const struct assignment *assignment,
                              struct findings *ret)
{
    struct pci_address address;
    struct sriov_slot slot;

    if (assignment->failure.reason != ASSIGN_ABSENT || assignment->hostpci.hosts == NULL)
        return false;
    for (char **host = assignment->hostpci.hosts; *host != NULL; host++)
        if (pci_address_parse(*host, &address) && inventory_find(inspection->inventory, address) == NULL &&
            sriov_find_slot(inspection->what->sysroot, inspection->inventory, address, &slot)) {
            remedy_make_vfs(inspection, &slot, ret);
            return true;
        }
    return false;
}

static void remedy_assignment(const struct inspection *inspection, const struct preflight_hostpci *hostpci,
                              struct findings *ret)
{
    const struct assignment *assignment = hostpci->assignment;

    if (assignment->failure.reason == ASSIGN_NO_IOMMU)
        text_append(&ret->remedy.lines, "hostpci get /nodes/localhost/hardware/iommu\n");
    else if (assignment->hostpci.mdev != NULL)
        remedy_mdev(inspection, hostpci, ret);
    else if (assignment->hostpci.mapping != NULL)
        remedy_mapping(assignment, ret);
    else if (!remedy_missing_vf(inspection, assignment, ret))
        text_append(&ret->remedy.lines, "# choose another of the host's devices:\n"
                                        "hostpci get /nodes/localhost/hardware/pci\n");
}

/* An earlier key was refused for the same reason. */
static bool is_repeated(const struct inspection *inspection, const struct preflight_hostpci *hostpci)
{
    const char *reason = hostpci->assignment->failure.message;
    struct preflight_hostpci earlier;

    for (unsigned at = 0; preflight_next(inspection, &at, &earlier) && earlier.index < hostpci->index;)
        if (!earlier.assignment->assigned && strcmp(earlier.assignment->failure.message, reason) == 0)
            return true;
    return false;
}

/* One finding for each reason, with the keys that were refused for it. */
static void check_chosen(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci, other;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        const char *reason = hostpci.assignment->failure.message;
        if (hostpci.assignment->assigned || is_repeated(inspection, &hostpci))
            continue;
        for (unsigned from = hostpci.index; preflight_next(inspection, &from, &other);) {
            if (other.assignment->assigned || strcmp(other.assignment->failure.message, reason) != 0)
                continue;
            preflight_show_key(inspection, other.key, ret);
            show_passed_over(other.assignment, &ret->evidence);
        }
        remedy_assignment(inspection, &hostpci, ret);
        findings_add(ret, SEVERITY_ERROR, "%s", reason);
    }
}

static const struct check device_chosen_check = {
    .id = "device-chosen",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_CLUSTERS,
    .sentence = "It is also possible to map devices on a cluster level, so that they can be properly used "
                "with HA and hardware changes are detected",
    .text = "each hostpciN that gets no device, and why each alternative of a mapping was passed over",
    .run = check_chosen,
};

/* A finding that several functions have in common. */
struct shared {
    const json_t *check;
    const char *first; /* the id of one of them */
    struct text who, evidence, remedy;
    json_t *action; /* of the first that has one; borrowed */
    unsigned last;  /* index of the key that `who` ends with */
};

struct shares {
    struct shared *list;
    size_t count;
};

static bool are_companions(const struct inspection *inspection, const char *id, const char *other_id)
{
    struct pci_address one, other;

    if (!pci_address_parse(id, &one) || !pci_address_parse(other_id, &other))
        return false;
    const struct pci_device *first = inventory_find(inspection->inventory, one),
                            *second = inventory_find(inspection->inventory, other);
    return first != NULL && second != NULL && first->group >= 0 && first->group == second->group &&
           pci_is_companion(first, second);
}

/* Host uses of one card are the same for each of its functions, but in another order. */
static bool is_same(const struct inspection *inspection, const struct shared *shared, const json_t *check,
                    const char *id)
{
    if (strcmp(json_text(shared->check, "id"), json_text(check, "id")) != 0)
        return false;
    return strcmp(json_text(shared->check, "message"), json_text(check, "message")) == 0 ||
           (strcmp(json_text(check, "id"), "host-use") == 0 && are_companions(inspection, shared->first, id));
}

static struct shared *find_shared(const struct inspection *inspection, struct shares *shares,
                                  const json_t *check, const char *id)
{
    for (size_t i = 0; i < shares->count; i++)
        if (is_same(inspection, &shares->list[i], check, id))
            return &shares->list[i];
    shares->list = xrealloc(shares->list, shares->count + 1, sizeof(shares->list[0]));
    shares->list[shares->count] = (struct shared){.check = check, .first = id};
    return &shares->list[shares->count++];
}

static void share_check(const struct inspection *inspection, struct shares *shares, const json_t *check,
                        const struct preflight_hostpci *hostpci, const char *id)
{
    struct shared *shared = find_shared(inspection, shares, check, id);

    if (shared->who.length == 0)
        text_printf(&shared->who, "%s, %s", hostpci->key, id);
    else if (shared->last != hostpci->index)
        text_printf(&shared->who, "; %s, %s", hostpci->key, id);
    else
        text_printf(&shared->who, ", %s", id);
    shared->last = hostpci->index;
    append_once(&shared->evidence, json_text(check, "evidence"), "; ");
    append_once(&shared->remedy, json_text(check, "remedy"), "\n");
    if (shared->action == NULL)
        shared->action = json_object_get(check, "action");
}

/* Adds what the status of each function says, once for all functions for which it is the same. */
static void check_functions(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct shares shares = {0};
    struct preflight_hostpci hostpci;
    const json_t *check;
    size_t i;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        for (char **id = hostpci.assignment->ids; preflight_is_whole(hostpci.assignment) && *id != NULL; id++)
            json_array_foreach(json_object_get(json_object_get(inspection->described, *id), "checks"), i,
                               check)
                if (matters(check, CHECK_DEVICE))
                    share_check(inspection, &shares, check, &hostpci, *id);
    for (i = 0; i < shares.count; i++) {
        struct shared *shared = &shares.list[i];
        autofree char *who = xasprintf("%s: ", text_string(&shared->who));
        pass_on(shared->check, who, text_string(&shared->evidence), text_string(&shared->remedy),
                shared->action, ret);
        text_release(&shared->who);
        text_release(&shared->evidence);
        text_release(&shared->remedy);
    }
    free(shares.list);
}

static const struct check device_check = {
    .id = "device",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "The most used variant of PCI(e) passthrough is to pass through a whole PCI(e) card",
    .text = "checks of each function that is given, under their own ids: those that can find an error, and "
            "the warnings of the others",
    .run = check_functions,
};

const struct check *const preflight_hardware_checks[] = {&host_check, &device_chosen_check, &device_check,
                                                         NULL};
