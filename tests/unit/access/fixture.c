/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests about who may do what. */
#include "tests/unit/access/fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/auth_key.h"

/* Splits a line at colons; missing fields are empty. */
enum { FIELDS = 6 };
static void split_line(char *line, const char *fields[FIELDS])
{
    for (int i = 0; i < FIELDS; i++)
        fields[i] = line != NULL ? strsep(&line, ":") : "";
}

static json_t *split_names(const char *list)
{
    autofree char *copy = xstrdup(list);
    char *rest = copy;
    json_t *names = json_array();

    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        if (*name != '\0')
            json_array_append_new(names, json_string(name));
    return names;
}

/* The object below these keys, made if it is not there. */
static json_t *below(json_t *object, const char *key)
{
    json_t *child = json_object_get(object, key);

    if (child != NULL)
        return child;
    json_object_set_new(object, key, json_object());
    return json_object_get(object, key);
}

static void read_token(json_t *users, char *full, const char *privsep)
{
    char *id = strchr(full, '!');

    *id++ = '\0';
    json_object_set_new(below(below(below(users, full), "tokens"), id), "privsep",
                        json_integer(privsep[0] == '1'));
}

static void read_entry(json_t *acl, const char *propagate, const char *path, char *ids, const char *roles)
{
    autojson json_t *names = split_names(roles);
    json_t *role;
    size_t i;

    for (char *id; (id = strsep(&ids, ",")) != NULL;) {
        const char *kind = id[0] == '@' ? "groups" : strchr(id, '!') != NULL ? "tokens" : "users";
        json_t *granted = below(below(below(acl, path), kind), id[0] == '@' ? id + 1 : id);
        json_array_foreach(names, i, role)
            json_object_set_new(granted, json_string_value(role), json_integer(propagate[0] == '1'));
    }
}

static void read_line(json_t *documents, const char *line)
{
    autofree char *copy = xstrdup(line);
    const char *fields[FIELDS];

    split_line(copy, fields);
    json_t *kind = below(documents, fields[0]);
    if (strcmp(fields[0], "acl") == 0)
        read_entry(kind, fields[1], fields[2], (char *)(uintptr_t)fields[3], fields[4]);
    else if (strcmp(fields[0], "token") == 0)
        read_token(below(documents, "user"), (char *)(uintptr_t)fields[1], fields[3]);
    else if (strcmp(fields[0], "user") != 0)
        json_object_set_new(below(kind, fields[1]), strcmp(fields[0], "group") == 0 ? "members" : "privs",
                            split_names(fields[2]));
    else
        below(kind, fields[1]);
}

static void install(struct storage *storage, const char *const *lines)
{
    autojson json_t *documents = json_object();
    struct change_set *set = change_set_new();
    const char *kind, *id;
    json_t *list, *body;
    struct error err;

    for (; *lines != NULL; lines++)
        read_line(documents, *lines);
    json_object_foreach(documents, kind, list)
        json_object_foreach(list, id, body)
            change_set_put(set, kind, id, REVISION_ANY, json_incref(body));
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
}

struct identity identity_of(const char *who)
{
    struct identity identity = {0};
    size_t user = strcspn(who, "!");

    snprintf(identity.user, sizeof(identity.user), "%.*s", (int)user, who);
    snprintf(identity.token, sizeof(identity.token), "%s", who[user] == '!' ? who + user + 1 : "");
    return identity;
}

void make_world(struct world *world, const char *const *lines)
{
    struct error err;

    fixture_make(&world->fixture);
    world->storage = fixture_open(world->fixture.path);
    install(world->storage, lines);
    cr_assert_eq(access_open(world->storage, &world->access, &err), 0, "%s", err.message);
    auth_key_put(world->fixture.folder);
    cr_assert_eq(access_open_keys(world->access, world->fixture.folder, &err), 0, "%s", err.message);
}

void end_world(struct world *world)
{
    access_close(world->access);
    storage_close(world->storage);
    fixture_remove(&world->fixture);
}

void expect_documents(struct world *world, const char *kind, const char *text)
{
    struct error err;
    json_t *documents;

    cr_assert_eq(object_list(world->storage, kind, &documents, &err), 0, "%s", err.message);
    fixture_expect_json(documents, text);
}
