/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of endpoints, and how handlers read a request. */
#include "api/request.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "api/endpoints.h"
#include "base/memory.h"
#include "schema/usage.h"
#include "schema/validate.h"

#define ENDPOINT(name) &name,
const struct endpoint *const endpoint_table[] = {
#include "api/endpoints.def"
};
#undef ENDPOINT
const size_t endpoint_count = COUNT_OF(endpoint_table);

static const struct schema *declaration(const struct request *request, const char *name)
{
    const struct schema *schema = schema_find(request->endpoint->parameters, name);

    assert(schema != NULL && "a handler reads a parameter that its endpoint does not declare");
    return schema;
}

bool param_given(const struct request *request, const char *name)
{
    return declaration(request, name) != NULL && json_object_get(request->params, name) != NULL;
}

const char *param_string(const struct request *request, const char *name)
{
    const char *fallback = declaration(request, name)->fallback;
    const char *given = json_string_value(json_object_get(request->params, name));

    return given != NULL ? given : fallback;
}

long long param_integer(const struct request *request, const char *name)
{
    const char *fallback = declaration(request, name)->fallback;
    const json_t *given = json_object_get(request->params, name);

    if (given != NULL)
        return json_integer_value(given);
    return fallback != NULL ? strtoll(fallback, NULL, 10) : 0;
}

bool param_boolean(const struct request *request, const char *name)
{
    return param_integer(request, name) != 0;
}

json_t *param_array(const struct request *request, const char *name)
{
    return declaration(request, name) != NULL ? json_object_get(request->params, name) : NULL;
}

struct pci_address param_pci_address(const struct request *request)
{
    struct pci_address address;
    bool parsed = pci_address_parse(param_string(request, "pci-id-or-mapping"), &address);

    assert(parsed && "the format pci-id accepts something that is not a PCI address");
    return address;
}

char *request_caller(const struct request *request)
{
    const struct identity *caller = &request->caller;

    return caller->token[0] == '\0' ? xstrdup(caller->user) : xasprintf("%s!%s", caller->user, caller->token);
}

int request_run(struct request *request, json_t **ret, struct error *err)
{
    const struct endpoint *endpoint = request->endpoint;

    if (endpoint->index_key == NULL)
        return endpoint->run(request, ret, err);
    *ret = usage_list_children(endpoint_table, endpoint_count, endpoint->path, endpoint->index_key);
    return 0;
}

int request_list_none(struct request *request, json_t **ret, struct error *err)
{
    (void)request, (void)err;
    *ret = json_array();
    return 0;
}
