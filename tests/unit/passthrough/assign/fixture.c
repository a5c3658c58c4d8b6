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
    world->reservations = (struct reservations){world->storage, world->tree.sysroot};
    cr_assert_eq(inventory_source_open(world->tree.sysroot, INVENTORY_FRESH, &world->source, &err), 0);
}

void world_add_mapping(const struct world *world, const char *id, const char *body)
{
    fixture_put(world->storage, "mapping-pci", id, body);
}

void world_reserve_item(const struct world *world, long long vmid, const struct reservation *item)
{
    struct error err;

    cr_assert_eq(reservations_take(&world->reservations, vmid, item, 1, &err), 0, "%s", err.message);
}

void world_reserve(const struct world *world, long long vmid, const char *device)
{
    world_reserve_item(world, vmid, &(const struct reservation){.device = device, .key = "hostpci0"});
}

char *world_describe(const struct assignments *assignments)
{
    struct text text = {0};

    for (int i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *own = &assignments->list[i];
        if (!own->configured)
            continue;
        text_append(&text, text.length > 0 ? "\n" : "");
        if (!own->assigned)
            text_printf(&text, "! %s", own->failure.message);
        for (char **id = own->ids; id != NULL && *id != NULL; id++)
            text_printf(&text, "%s%s", id == own->ids ? "" : " ", *id);
        if (own->uuid[0] != '\0')
            text_printf(&text, "=%s", own->uuid);
    }
    return text_take(&text);
}

int world_claim(const struct world *world, long long vmid, const char *config, char **ret, struct error *err)
{
    autojson json_t *parsed = fixture_json(config);
    autoassignments struct assignments assignments = {0};
    const struct assign what = {
        .storage = world->storage, .node = WORLD_NODE, .vmid = vmid, .config = parsed};

    if (claim_devices(&what, &world->reservations, world->source, &assignments, err) != 0)
        return -1;
    *ret = world_describe(&assignments);
    return 0;
}
