/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing and reserving as one: again, when another start was faster. */
#include <stdlib.h>

#include "base/memory.h"
#include "passthrough/assign/choose.h"
#include "passthrough/assign/supply.h"

#define ATTEMPTS 100 /* at devices that other starts take at the same time */

struct items {
    struct reserve_item *list;
    size_t count;
    char keys[VM_HOSTPCI][sizeof("hostpci15")];
};

static void add_item(struct items *items, struct reserve_item item)
{
    items->list = xrealloc(items->list, items->count + 1, sizeof(*items->list));
    items->list[items->count++] = item;
}

/* NVIDIA's own interface makes a vGPU of the function itself: that has a type, but no parent. */
static void add_choice(struct items *items, const struct choice *choice, const char *key,
                       const struct choose *choose)
{
    const struct supply supply = {.taken = choose->taken};
    const struct reserve_item item = {.key = key, .type = choice->hostpci.mdev};

    if (choice->uuid[0] == '\0') {
        for (char **id = choice->ids; *id != NULL; id++) {
            add_item(items, item);
            items->list[items->count - 1].device = *id;
        }
        return;
    }
    add_item(items, item);
    struct reserve_item *added = &items->list[items->count - 1];
    added->device = choice->uuid;
    added->parent = choice->ids[0];
    added->siblings = supply_count_siblings(&supply, choice->ids[0], choose->vmid);
}

static int reserve_choices(const struct choose *choose, const struct choices *choices, struct error *err)
{
    const struct reserve reserve = {choose->storage, choose->sysroot};
    struct items items = {0};

    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (choices->list[i].chosen) {
            snprintf(items.keys[i], sizeof(items.keys[i]), "hostpci%u", i);
            add_choice(&items, &choices->list[i], items.keys[i], choose);
        }
    int result = reserve_take(&reserve, choose->vmid, items.list, items.count, err);
    free(items.list);
    return result;
}

static int try_once(const struct choose *settings, struct inventory_source *source, struct choices *ret,
                    struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autojson json_t *taken = NULL;
    autochoices struct choices choices = {0};
    struct choose choose = *settings;

    if (choose_look(&choose, source, &inventory, &taken, err) != 0 ||
        choose_devices(&choose, &choices, err) != 0)
        return -1;
    if (choices_check(&choices, err) != 0) {
        err->kind = ERROR_FAILED; /* not to be tried again */
        return -1;
    }
    if (reserve_choices(&choose, &choices, err) != 0)
        return -1;
    *ret = choices;
    choices = (struct choices){0};
    return 0;
}

int choose_and_reserve(const struct choose *choose, struct inventory_source *source, struct choices *ret,
                       struct error *err)
{
    int result = -1;

    for (int attempt = 0; attempt < ATTEMPTS && result != 0; attempt++) {
        result = try_once(choose, source, ret, err);
        if (result != 0 && err->kind != ERROR_BUSY)
            break;
    }
    return result;
}
