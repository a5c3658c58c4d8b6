/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests about who gets which device. */
#include "tests/unit/passthrough/assign/fixture.h"

#include <criterion/criterion.h>

#include "base/memory.h"
#include "base/text.h"

void world_remove(struct world *world)
{
    inventory_source_close(world->source);
    storage_close(world->storage);
    tree_remove(&world->tree);
    fixture_remove(&world->fixture);
}

void world_make(struct world *world, const char *host)
{
    struct error err;

    fixture_make(&world->fixture);
    tree_make_host(&world->tree, host);
    world->storage = fixture_open(world->fixture.path);
    world->reserve = (struct reserve){world->storage, world->tree.sysroot};
    cr_assert_eq(inventory_source_open(world->tree.sysroot, INVENTORY_FRESH, &world->source, &err), 0);
}

void world_add_mapping(const struct world *world, const char *id, const char *body)
{
    fixture_put(world->storage, "mapping-pci", id, body);
}

void world_take_item(const struct world *world, long long vmid, const struct reserve_item *item)
{
    struct error err;

    cr_assert_eq(reserve_take(&world->reserve, vmid, item, 1, &err), 0, "%s", err.message);
}

void world_take(const struct world *world, long long vmid, const char *device)
{
    world_take_item(world, vmid, &(const struct reserve_item){.device = device, .key = "hostpci0"});
}

char *world_describe(const struct choices *choices)
{
    struct text text = {0};

    for (int i = 0; i < VM_HOSTPCI; i++) {
        const struct choice *choice = &choices->list[i];
        if (!choice->configured)
            continue;
        text_append(&text, text.length > 0 ? "\n" : "");
        if (!choice->chosen)
            text_printf(&text, "! %s", choice->failure.message);
        for (char **id = choice->ids; id != NULL && *id != NULL; id++)
            text_printf(&text, "%s%s", id == choice->ids ? "" : " ", *id);
        if (choice->uuid[0] != '\0')
            text_printf(&text, "=%s", choice->uuid);
    }
    return text_take(&text);
}

int world_choose_and_reserve(const struct world *world, long long vmid, const char *config, char **ret,
                             struct error *err)
{
    autojson json_t *parsed = fixture_json(config);
    autochoices struct choices choices = {0};
    const struct choose what = {.storage = world->storage,
                                .sysroot = world->tree.sysroot,
                                .node = WORLD_NODE,
                                .vmid = vmid,
                                .config = parsed};

    if (choose_and_reserve(&what, world->source, &choices, err) != 0)
        return -1;
    *ret = world_describe(&choices);
    return 0;
}
