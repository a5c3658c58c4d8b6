/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: what those of the host and of devices (hardware/check/check.h) say, as far as it
 * matters.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passthrough/preflight/parts.h"

static enum severity severity_of(const json_t *check)
{
    enum severity severity = SEVERITY_ERROR;

    while (severity > SEVERITY_OK && strcmp(json_text(check, "severity"), severity_names[severity]) != 0)
        severity--;
    return severity;
}

/* Of what decides all that is not well, of the rest what may harm. A broker of another version may have
 * checks that are not known here. */
static bool matters(const json_t *check, enum check_scope scope)
{
    const struct check *known = check_find(json_text(check, "id"));
    bool decides = known == NULL || known->decides;

    if ((known != NULL ? known->scope : CHECK_DEVICE) != scope)
        return false;
    if (scope == CHECK_HOST && !decides)
        return false;
    return severity_of(check) >= (decides ? SEVERITY_INFO : SEVERITY_WARNING);
}

static void append_once(struct text *text, const char *more, const char *between)
{
    if (more[0] == '\0' || strstr(text_string(text), more) != NULL)
        return;
    text_printf(text, "%s%s", text->length > 0 ? between : "", more);
}

/* As another room's check found it, under that check's id. */
static struct finding *tell_check(struct inspection *inspection, const json_t *check, const char *who)
{
    struct finding *finding =
        preflight_tell(inspection, severity_of(check), "%s%s", who, json_text(check, "message"));
    struct told *told = &inspection->list[inspection->count - 1];

    snprintf(told->id, sizeof(told->id), "%s", json_text(check, "id"));
    text_append(&finding->evidence, json_text(check, "evidence"));
    append_once(&finding->remedy, json_text(check, "remedy"), "");
    text_append(&finding->remedy, finding->remedy.length > 0 ? "\n" : "");
    return finding;
}

void preflight_host(struct inspection *inspection)
{
    const json_t *check;
    size_t i;

    json_array_foreach(json_object_get(inspection->host, "checks"), i, check)
        if (matters(check, CHECK_HOST))
            tell_check(inspection, check, "");
}

/* Functions by the check that they have in common. */
struct shared {
    const json_t *check;
    struct text who, evidence, remedy;
    unsigned last; /* index of the key that `who` ends with */
};

struct shares {
    struct shared *list;
    size_t count;
};

/* The uses of one device are told with each of its functions in another order. */
static bool is_same(const struct inspection *inspection, const struct shared *shared, const json_t *check,
                    const char *id)
{
    struct pci_address one, other;

    if (strcmp(json_text(shared->check, "id"), json_text(check, "id")) != 0)
        return false;
    if (strcmp(json_text(shared->check, "message"), json_text(check, "message")) == 0)
        return true;
    const char *open = strrchr(text_string(&shared->who), ' ');
    if (strcmp(json_text(check, "id"), "host-use") != 0 || !pci_address_parse(id, &one) ||
        !pci_address_parse(open != NULL ? open + 1 : "", &other) || !pci_address_same_slot(one, other))
        return false;
    const struct pci_device *first = inventory_find(inspection->inventory, one),
                            *second = inventory_find(inspection->inventory, other);
    return first != NULL && second != NULL && first->group >= 0 && first->group == second->group;
}

static struct shared *find_shared(const struct inspection *inspection, struct shares *shares,
                                  const json_t *check, const char *id)
{
    for (size_t i = 0; i < shares->count; i++)
        if (is_same(inspection, &shares->list[i], check, id))
            return &shares->list[i];
    shares->list = xrealloc(shares->list, shares->count + 1, sizeof(shares->list[0]));
    shares->list[shares->count] = (struct shared){.check = check};
    return &shares->list[shares->count++];
}

static void share_check(const struct inspection *inspection, struct shares *shares, const json_t *check,
                        const struct place *place, const char *id)
{
    struct shared *shared = find_shared(inspection, shares, check, id);

    if (shared->who.length == 0)
        text_printf(&shared->who, "%s, %s", place->key, id);
    else if (shared->last != place->index)
        text_printf(&shared->who, "; %s, %s", place->key, id);
    else
        text_printf(&shared->who, ", %s", id);
    shared->last = place->index;
    append_once(&shared->evidence, json_text(check, "evidence"), "; ");
    append_once(&shared->remedy, json_text(check, "remedy"), "\n");
}

static void tell_shared(struct inspection *inspection, struct shared *shared)
{
    autofree char *who = xasprintf("%s: ", text_string(&shared->who));
    autojson json_t *check = json_copy((json_t *)(uintptr_t)shared->check);

    json_object_set_new(check, "evidence", json_string(text_string(&shared->evidence)));
    json_object_set_new(check, "remedy", json_string(text_string(&shared->remedy)));
    tell_check(inspection, check, who);
    text_release(&shared->who);
    text_release(&shared->evidence);
    text_release(&shared->remedy);
}

/* What status says of each function that is given, said once for all that it is true of. */
void preflight_functions(struct inspection *inspection)
{
    struct shares shares = {0};
    struct place place;
    const json_t *check;
    size_t i;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);)
        for (char **id = place.choice->ids; choice_is_whole(place.choice) && *id != NULL; id++)
            json_array_foreach(json_object_get(json_object_get(inspection->seen, *id), "checks"), i, check)
                if (matters(check, CHECK_DEVICE))
                    share_check(inspection, &shares, check, &place, *id);
    for (i = 0; i < shares.count; i++)
        tell_shared(inspection, &shares.list[i]);
    free(shares.list);
}
