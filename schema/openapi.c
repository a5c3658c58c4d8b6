/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The OpenAPI 3.1 document of all endpoints, made from their declarations. */
#include "schema/openapi.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/path.h"
#include "schema/validate.h"

static json_t *describe_schema(const struct schema *schema);

static void set_string(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(object, key, json_string(value));
}

static json_t *describe_range(const struct schema *schema, double value)
{
    return schema->type == SCHEMA_INTEGER ? json_integer((json_int_t)value) : json_real(value);
}

static void describe_limits(const struct schema *schema, json_t *ret)
{
    set_string(ret, "pattern", schema->pattern);
    set_string(ret, "format", schema->format);
    if (schema->min_length != 0)
        json_object_set_new(ret, "minLength", json_integer((json_int_t)schema->min_length));
    if (schema->max_length != 0)
        json_object_set_new(ret, "maxLength", json_integer((json_int_t)schema->max_length));
    if (schema->range != NULL) {
        json_object_set_new(ret, "minimum", describe_range(schema, schema->range->minimum));
        if (schema->range->maximum < AT_LEAST(0)->maximum)
            json_object_set_new(ret, "maximum", describe_range(schema, schema->range->maximum));
    }
    if (schema->values != NULL) {
        json_t *values = json_array();
        for (const char *const *value = schema->values; *value != NULL; value++)
            json_array_append_new(values, json_string(*value));
        if (schema->nullable)
            json_array_append_new(values, json_null());
        json_object_set_new(ret, "enum", values);
    }
}

/* The default, in the type of the parameter; a default that is only a word for the documentation becomes
 * x-default. */
static void describe_fallback(const struct schema *schema, json_t *ret)
{
    struct error err;
    json_t *value = schema->fallback != NULL ? json_string(schema->fallback) : NULL;

    if (value == NULL)
        return;
    if (schema->type == SCHEMA_STRING || validate_value(schema, schema->name, &value, &err) == 0)
        json_object_set(ret, "default", value);
    else
        set_string(ret, "x-default", schema->fallback);
    json_decref(value);
}

static int stem_length(const struct schema *indexed)
{
    return (int)strcspn(indexed->name, "[");
}

/* Describes hostpci0 to hostpci15 by name; all refer to one schema, hostpciN. */
static void describe_indexed(const struct schema *schema, json_t *ret)
{
    int stem = stem_length(schema);

    for (unsigned i = 0; i < schema->count; i++) {
        autofree char *name = xasprintf("%.*s%u", stem, schema->name, i);
        autofree char *reference = xasprintf("#/components/schemas/%.*sN", stem, schema->name);
        json_object_set_new(ret, name, json_pack("{s:s}", "$ref", reference));
    }
}

static void describe_property(const struct schema *schema, json_t *properties, json_t *required)
{
    if (schema->count > 0) {
        describe_indexed(schema, properties);
    } else if (json_object_get(properties, schema->name) ==
               NULL) { /* the first declaration counts, as in schema_find */
        json_object_set_new(properties, schema->name, describe_schema(schema));
        if (!schema->optional)
            json_array_append_new(required, json_string(schema->name));
    }
}

static json_t *describe_properties(const struct schema *list, json_t *required)
{
    json_t *properties = json_object();

    SCHEMA_FOREACH(p, list)
        describe_property(p, properties, required);
    return properties;
}

static void describe_object(const struct schema *list, bool open, json_t *ret)
{
    autojson json_t *required = json_array();

    json_object_set_new(ret, "properties", describe_properties(list, required));
    if (json_array_size(required) > 0)
        json_object_set(ret, "required", required);
    json_object_set_new(ret, "additionalProperties", json_boolean(open));
}

/* OpenAPI has no type for a string of keys and values, so the description lists the keys. */
static void describe_property_string(const struct schema *schema, json_t *ret)
{
    autotext struct text text = {0};

    text_printf(&text, "%s%sKeys, comma-separated key=value:", schema->text != NULL ? schema->text : "",
                schema->text != NULL ? " " : "");
    SCHEMA_FOREACH(key, schema->property_string)
        if (key->alias == NULL)
            text_printf(&text, "%s %s%s%s%s%s", key != schema->property_string ? ";" : "", key->name,
                        key->optional ? "" : " (required)", key->text != NULL ? " - " : "",
                        key->text != NULL ? key->text : "", "");
    set_string(ret, "description", text_string(&text));
}

static json_t *describe_schema(const struct schema *schema)
{
    json_t *ret = json_object();

    const char *other = schema->nullable ? "null" : schema->or_integer ? "integer" : NULL;

    if (schema->type == SCHEMA_BOOLEAN) { /* on the wire a boolean is 1 or 0 */
        json_object_set_new(ret, "type", json_string("integer"));
        json_object_set_new(ret, "enum", json_pack("[i,i]", 0, 1));
    } else if (other != NULL) {
        json_object_set_new(ret, "type", json_pack("[s,s]", schema_type_name(schema->type), other));
    } else {
        set_string(ret, "type", schema_type_name(schema->type));
    }
    set_string(ret, "description", schema->text);
    describe_limits(schema, ret);
    describe_fallback(schema, ret);
    if (schema->property_string != NULL)
        describe_property_string(schema, ret);
    if (schema->type == SCHEMA_ARRAY)
        json_object_set_new(ret, "items", describe_schema(schema->items));
    if (schema->type == SCHEMA_OBJECT)
        describe_object(schema->properties, schema->open, ret);
    return ret;
}

static bool has_body(const struct endpoint *endpoint)
{
    return endpoint->method == METHOD_POST || endpoint->method == METHOD_PUT;
}

static json_t *describe_parameter(const struct schema *schema, const char *in)
{
    json_t *ret = json_pack("{s:s, s:s, s:b}", "name", schema->name, "in", in, "required", !schema->optional);

    set_string(ret, "description", schema->text);
    if (schema->type == SCHEMA_ARRAY) {
        set_string(ret, "style", "form");
        json_object_set_new(ret, "explode", json_true());
    }
    json_object_set_new(ret, "schema", describe_schema(schema));
    return ret;
}

static json_t *describe_parameters(const struct endpoint *endpoint)
{
    json_t *parameters = json_array();

    SCHEMA_FOREACH(p, endpoint->parameters)
        if (path_captures(endpoint->path, p->name))
            json_array_append_new(parameters, describe_parameter(p, "path"));
        else if (!has_body(endpoint))
            json_array_append_new(parameters, describe_parameter(p, "query"));
    return parameters;
}

static json_t *describe_body(const struct endpoint *endpoint)
{
    autojson json_t *required = json_array(), *properties = json_object();

    SCHEMA_FOREACH(p, endpoint->parameters)
        if (!path_captures(endpoint->path, p->name))
            describe_property(p, properties, required);
    if (json_object_size(properties) == 0)
        return NULL;
    autojson json_t *schema =
        json_pack("{s:s, s:O, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    return json_pack("{s:b, s:{s:{s:O}, s:{s:O}}}", "required", json_array_size(required) > 0, "content",
                     "application/x-www-form-urlencoded", "schema", schema, "application/json", "schema",
                     schema);
}

/* The reply of an index is not declared: it is a list of the children, with one key each. */
static json_t *describe_data(const struct endpoint *endpoint)
{
    const struct schema key[] = {{.name = endpoint->index_key, .type = SCHEMA_STRING}, {.name = NULL}};
    const struct schema row = {.type = SCHEMA_OBJECT, .properties = key};
    const struct schema index = {.type = SCHEMA_ARRAY, .items = &row};

    return describe_schema(endpoint->index_key != NULL ? &index : &endpoint->returns);
}

static json_t *describe_responses(const struct endpoint *endpoint)
{
    static const struct {
        const char *status;
        const char *response;
    } failures[] = {
        {"400", "Invalid"}, {"401", "Unauthenticated"}, {"403", "Forbidden"},
        {"500", "Failed"},  {"501", "NoMethod"},        {"503", "Busy"},
    };
    json_t *responses =
        json_pack("{s:{s:s, s:{s:{s:{s:s, s:[s], s:{s:o}}}}}}", "200", "description",
                  "The request succeeded.", "content", "application/json", "schema", "type", "object",
                  "required", "data", "properties", "data", describe_data(endpoint));

    if (endpoint->text_type != NULL)
        json_object_set_new(json_object_get(responses, "200"), "content",
                            json_pack("{s:{s:{s:s}}}", "text/plain", "schema", "type", "string"));
    if (endpoint->download != NULL)
        json_object_set_new(json_object_get(json_object_get(responses, "200"), "content"), "text/plain",
                            json_pack("{s:{s:s}}", "schema", "type", "string"));
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        autofree char *reference = xasprintf("#/components/responses/%s", failures[i].response);
        json_object_set_new(responses, failures[i].status, json_pack("{s:s}", "$ref", reference));
    }
    return responses;
}

static void describe_permission(const struct permission *permission, struct text *ret)
{
    const char *separator = permission->any ? " or " : " and ";

    switch (permission->kind) {
    case PERMISSION_ROOT:
        text_append(ret, "root@pam only");
        return;
    case PERMISSION_WORLD:
        text_append(ret, "no login needed");
        return;
    case PERMISSION_ALL:
        text_append(ret, "any login");
        return;
    case PERMISSION_SELF:
        text_append(ret, "the user itself");
        return;
    case PERMISSION_PRIVILEGES:
    case PERMISSION_USER_GROUP:
        for (const char *const *privilege = permission->privileges; *privilege != NULL; privilege++)
            text_printf(ret, "%s%s", privilege != permission->privileges ? separator : "", *privilege);
        text_printf(ret, " on %s", permission->path != NULL ? permission->path : "a group of the user");
        return;
    case PERMISSION_REALM:
        text_append(ret, "Realm.AllocateUser on the realm of the user");
        return;
    case PERMISSION_NOT_ROOT:
        text_append(ret, "the user is not root@pam");
        return;
    case PERMISSION_MODIFY:
        text_printf(ret, "Permissions.Modify on %s, or the privilege to allocate what is below",
                    permission->path);
        return;
    case PERMISSION_OR:
    case PERMISSION_AND:
        for (const struct permission *check = permission->checks; check->kind != PERMISSION_ROOT; check++) {
            text_append(ret, check == permission->checks         ? ""
                             : permission->kind == PERMISSION_OR ? "; or "
                                                                 : "; and ");
            describe_permission(check, ret);
        }
        return;
    }
}

/* "GET /nodes/{node}/hardware" is "get_nodes_node_hardware". */
static char *operation_id(const struct endpoint *endpoint)
{
    struct text id = {0};

    for (const char *c = method_names[endpoint->method]; *c != '\0'; c++)
        text_printf(&id, "%c", tolower((unsigned char)*c));
    for (const char *c = strcmp(endpoint->path, "/") == 0 ? "/root" : endpoint->path; *c != '\0'; c++)
        if (*c != '{' && *c != '}')
            text_printf(&id, "%c", isalnum((unsigned char)*c) ? *c : '_');
    return text_take(&id);
}

/* The tag is the first segment of the endpoint's path. */
static char *tag_of(const struct endpoint *endpoint)
{
    const char *first = endpoint->path + 1;

    return *first != '\0' ? xstrndup(first, strcspn(first, "/")) : xstrdup("index");
}

/* [{name, description}]; the description is that of the endpoint at /NAME. */
static json_t *describe_tags(const struct endpoint *const *table, size_t count)
{
    autojson json_t *texts = json_object();
    json_t *tags = json_array(), *text;
    const char *name;

    for (size_t i = 0; i < count; i++) {
        autofree char *tag = tag_of(table[i]);
        if (table[i]->method == METHOD_GET && strchr(table[i]->path + 1, '/') == NULL)
            json_object_set_new(texts, tag, json_string(table[i]->text));
    }
    json_object_foreach(texts, name, text)
        json_array_append_new(tags, json_pack("{s:s, s:O}", "name", name, "description", text));
    return tags;
}

/* How a caller must authenticate, where that differs from the document's default (a token or a ticket; a
 * ticket without a CSRF token is only enough to read); else NULL. */
static json_t *describe_security(const struct endpoint *endpoint)
{
    bool reads = endpoint->method == METHOD_GET;

    if (endpoint->permission.kind == PERMISSION_WORLD)
        return json_array();
    if (endpoint->no_tokens && reads)
        return json_pack("[{s:[]}]", "ticket");
    if (endpoint->no_tokens)
        return json_pack("[{s:[], s:[]}]", "ticket", "csrf");
    return reads ? NULL : json_pack("[{s:[]}, {s:[], s:[]}]", "token", "ticket", "csrf");
}

static json_t *describe_operation(const struct endpoint *endpoint)
{
    autofree char *id = operation_id(endpoint);
    autotext struct text permission = {0};
    autofree char *tag = tag_of(endpoint);

    describe_permission(&endpoint->permission, &permission);
    autofree char *text = xasprintf("%s\n\nPermission: %s.", endpoint->text, text_string(&permission));
    json_t *ret = json_pack("{s:s, s:[s], s:s, s:s}", "operationId", id, "tags", tag, "summary",
                            endpoint->text, "description", text);
    json_t *parameters = describe_parameters(endpoint);
    if (json_array_size(parameters) > 0)
        json_object_set(ret, "parameters", parameters);
    json_decref(parameters);
    json_t *body = has_body(endpoint) ? describe_body(endpoint) : NULL;
    if (body != NULL)
        json_object_set_new(ret, "requestBody", body);
    json_object_set_new(ret, "responses", describe_responses(endpoint));
    json_t *security = describe_security(endpoint);
    if (security != NULL)
        json_object_set_new(ret, "security", security);
    return ret;
}

static json_t *describe_failure(const char *description)
{
    return json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", description, "content", "application/json",
                     "schema", "$ref", "#/components/schemas/Error");
}

static json_t *describe_credentials(void)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "token",
                     "type", "apiKey", "in", "header", "name", "Authorization", "description",
                     "An API token: PVEAPIToken=USER@REALM!TOKENID=SECRET", "ticket", "type", "apiKey", "in",
                     "cookie", "name", "PVEAuthCookie", "description",
                     "The ticket of a login (POST /access/ticket), percent-encoded.", "csrf", "type",
                     "apiKey", "in", "header", "name", "CSRFPreventionToken", "description",
                     "The CSRF token of the login. A request with a ticket needs it to change something.");
}

static json_t *describe_failures(void)
{
    return json_pack("{s:o, s:{s:s}, s:o, s:o, s:o, s:o}", "Invalid",
                     describe_failure("A parameter is invalid; `errors` has a message for each."),
                     "Unauthenticated", "description",
                     "No valid ticket or API token was sent. The body is empty.", "Forbidden",
                     describe_failure("The user lacks a permission, which the message names."), "Failed",
                     describe_failure("The operation failed, or its object does not exist."), "NoMethod",
                     describe_failure("The API has no such path or method."), "Busy",
                     describe_failure("The server is busy, or its broker does not answer; try again later."));
}

/* Collects the schemas to which describe_indexed refers. A name has the same schema wherever it is declared.
 */
static void collect_indexed(const struct schema *schema, json_t *ret)
{
    if (schema->count > 0) {
        autofree char *name = xasprintf("%.*sN", stem_length(schema), schema->name);
        json_t *described = describe_schema(schema), *other = json_object_get(ret, name);
        assert(other == NULL || json_equal(other, described));
        json_object_set_new(ret, name, described);
    }
    if (schema->items != NULL)
        collect_indexed(schema->items, ret);
    SCHEMA_FOREACH(p, schema->properties)
        collect_indexed(p, ret);
}

static json_t *describe_schemas(const struct endpoint *const *table, size_t count)
{
    json_t *schemas = json_pack("{s:{s:s, s:[s,s], s:{s:{s:s}, s:{s:s}, s:{s:s, s:s, s:{s:s}}}}}", "Error",
                                "type", "object", "required", "data", "message", "properties", "data", "type",
                                "null", "message", "type", "string", "errors", "type", "object",
                                "description", "For each invalid parameter, what is wrong with it",
                                "additionalProperties", "type", "string");

    for (size_t i = 0; i < count; i++) {
        SCHEMA_FOREACH(p, table[i]->parameters)
            collect_indexed(p, schemas);
        collect_indexed(&table[i]->returns, schemas);
    }
    return schemas;
}

json_t *openapi_describe(const struct endpoint *const *table, size_t count, const char *version)
{
    json_t *paths = json_object();

    for (size_t i = 0; i < count; i++) {
        autofree char *method = xstrdup(method_names[table[i]->method]);
        for (char *c = method; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        if (json_object_get(paths, table[i]->path) == NULL)
            json_object_set_new(paths, table[i]->path, json_object());
        json_object_set_new(json_object_get(paths, table[i]->path), method, describe_operation(table[i]));
    }
    return json_pack("{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:o,"
                     " s:{s:o, s:o, s:o}}",
                     "openapi", "3.1.0", "info", "title", "hostpci", "version", version, "description",
                     "PCI(e) passthrough for a Linux host: a REST API compatible with Proxmox VE's.",
                     "license", "name", "GPL-2.0-or-later", "identifier", "GPL-2.0-or-later", "servers",
                     "url", "/api2/json", "security", "token", "ticket", "tags", describe_tags(table, count),
                     "paths", paths, "components", "securitySchemes", describe_credentials(), "responses",
                     describe_failures(), "schemas", describe_schemas(table, count));
}
