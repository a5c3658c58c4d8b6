/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint's declaration in the words of Proxmox's API schema. */
#include "tests/unit/api/contract_describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/validate.h"

static void set_string(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(object, key, json_string(value));
}

static json_t *list_words(const char *const *words)
{
    json_t *list = json_array();

    for (; words != NULL && *words != NULL; words++)
        json_array_append_new(list, json_string(*words));
    return list;
}

/* A whole number as one, as the contract has them. */
static json_t *number(double value)
{
    return value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
}

/* Of a number maybe a word that tells where it comes from. */
static json_t *describe_default(const struct schema *schema)
{
    if (schema->type == SCHEMA_STRING || strspn(schema->fallback, "0123456789.") == 0)
        return json_string(schema->fallback);
    return number(strtod(schema->fallback, NULL));
}

static void set_limits(const struct schema *schema, json_t *ret)
{
    if (schema->range != NULL) {
        json_object_set_new(ret, "minimum", number(schema->range->minimum));
        if (schema->range->maximum < 9007199254740992.0)
            json_object_set_new(ret, "maximum", number(schema->range->maximum));
    }
    if (schema->min_length != 0)
        json_object_set_new(ret, "minLength", json_integer((json_int_t)schema->min_length));
    if (schema->max_length != 0)
        json_object_set_new(ret, "maxLength", json_integer((json_int_t)schema->max_length));
    if (schema->values != NULL)
        json_object_set_new(ret, "enum", list_words(schema->values));
    set_string(ret, "pattern", schema->pattern);
    set_string(ret, "format", schema->format);
    if (schema->fallback != NULL)
        json_object_set_new(ret, "default", describe_default(schema));
}

static json_t *describe_list(const struct schema *list);

/* A key that is another's; it has no value of its own. */
static json_t *describe_alias(const struct schema *schema)
{
    json_t *ret = json_pack("{s:s}", "alias", schema->alias);

    set_string(ret, "keyAlias", schema->key_alias);
    return ret;
}

static void set_property_string(const struct schema *schema, json_t *ret)
{
    json_t *keys = describe_list(schema->property_string);

    if (schema->default_key != NULL)
        json_object_set_new(json_object_get(keys, schema->default_key), "default_key", json_integer(1));
    json_object_set_new(ret, "format", keys);
}

static json_t *describe_schema(const struct schema *schema)
{
    if (schema->alias != NULL)
        return describe_alias(schema);
    json_t *ret = json_pack("{s:s}", "type", schema_type_name(schema->type));

    if (schema->optional)
        json_object_set_new(ret, "optional", json_integer(1));
    set_limits(schema, ret);
    if (schema->property_string != NULL)
        set_property_string(schema, ret);
    if (schema->items != NULL)
        json_object_set_new(ret, "items", describe_schema(schema->items));
    if (schema->properties != NULL)
        json_object_set_new(ret, "properties", describe_list(schema->properties));
    return ret;
}

static json_t *describe_list(const struct schema *list)
{
    json_t *ret = json_object();

    SCHEMA_FOREACH(schema, list)
        if (json_object_get(ret, schema->name) == NULL) /* the first counts, as for schema_find */
            json_object_set_new(ret, schema->name, describe_schema(schema));
    return ret;
}

static json_t *describe_check(const struct permission *permission);

static json_t *describe_group_check(const struct permission *permission)
{
    static const char *const rules[] = {[GROUPS_UPDATE] = "update", [GROUPS_CREATE] = "create"};
    json_t *ret = json_pack("[s, o]", "userid-group", list_words(permission->privileges));

    if (permission->groups != GROUPS_NOT_ASKED) {
        json_array_append_new(ret, json_string("groups_param"));
        json_array_append_new(ret, json_string(rules[permission->groups]));
    }
    return ret;
}

static json_t *describe_all(const char *word, const struct permission *checks)
{
    json_t *ret = json_pack("[s]", word);

    for (; checks->kind != PERMISSION_ROOT; checks++)
        json_array_append_new(ret, describe_check(checks));
    return ret;
}

static json_t *describe_check(const struct permission *permission)
{
    switch (permission->kind) {
    case PERMISSION_PRIVILEGES: {
        json_t *ret = json_pack("[s, s, o]", "perm", permission->path, list_words(permission->privileges));
        if (permission->any) {
            json_array_append_new(ret, json_string("any"));
            json_array_append_new(ret, json_integer(1));
        }
        return ret;
    }
    case PERMISSION_OR:
        return describe_all("or", permission->checks);
    case PERMISSION_AND:
        return describe_all("and", permission->checks);
    case PERMISSION_SELF:
        return json_pack("[s, s]", "userid-param", "self");
    case PERMISSION_REALM:
        return json_pack("[s, s]", "userid-param", "Realm.AllocateUser");
    case PERMISSION_USER_GROUP:
        return describe_group_check(permission);
    case PERMISSION_NOT_ROOT:
        return json_pack("[s, s]", "userid-param", "not root@pam");
    case PERMISSION_MODIFY:
        return json_pack("[s, s]", "perm-modify", permission->path);
    case PERMISSION_ROOT:
    case PERMISSION_WORLD:
    case PERMISSION_ALL:
        break;
    }
    return json_null();
}

static json_t *describe_permission(const struct permission *permission)
{
    if (permission->kind == PERMISSION_ROOT)
        return NULL;
    if (permission->kind == PERMISSION_WORLD || permission->kind == PERMISSION_ALL)
        return json_pack("{s:s}", "user", permission->kind == PERMISSION_ALL ? "all" : "world");
    return json_pack("{s:o}", "check", describe_check(permission));
}

/* An index returns rows of one member. */
static json_t *describe_reply(const struct endpoint *endpoint)
{
    if (endpoint->index_key == NULL)
        return describe_schema(&endpoint->returns);
    return json_pack("{s:s, s:{s:s, s:{s:{s:s}}}}", "type", "array", "items", "type", "object", "properties",
                     endpoint->index_key, "type", "string");
}

json_t *contract_describe(const struct endpoint *endpoint)
{
    json_t *ret = json_pack("{s:o, s:o}", "parameters", describe_list(endpoint->parameters), "returns",
                            describe_reply(endpoint));
    json_t *permission = describe_permission(&endpoint->permission);

    if (permission != NULL)
        json_object_set_new(ret, "permissions", permission);
    if (endpoint->on_node)
        json_object_set_new(ret, "proxyto", json_string("node"));
    if (endpoint->no_tokens)
        json_object_set_new(ret, "allowtoken", json_false());
    return ret;
}
