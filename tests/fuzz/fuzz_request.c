/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole request as it is sent, "METHOD URI\nCONTENT-TYPE\nBODY": decoded, routed among the real endpoints
 * and validated, it gives parameters of their declared types, or an error that can be told in either format.
 * And the same bytes as plain HTTP on a port of TLS. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/validate.h"
#include "server/http/redirect.h"
#include "server/request/reply.h"
#include "server/request/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is told is JSON. */
static void tell(const struct error *err, const json_t *errors, enum format format)
{
    autofree char *text = reply_print_error(err, errors, format);
    autojson json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (read == NULL || !json_is_string(json_object_get(read, "message")))
        abort();
}

static void check_parameter(const struct schema *declared, const json_t *value)
{
    if (declared == NULL || (declared->type == SCHEMA_STRING && !json_is_string(value)) ||
        (declared->type == SCHEMA_BOOLEAN && (uint64_t)json_integer_value(value) > 1) ||
        (declared->type == SCHEMA_ARRAY && !json_is_array(value)))
        abort();
}

static int route_and_validate(struct decoded *decoded, json_t **ret_errors, struct error *err)
{
    const struct routes routes = {endpoint_table, endpoint_count, "pve1"};
    const struct endpoint *endpoint;
    const char *name;
    json_t *value;

    if (route_find(&routes, decoded, &endpoint, err) != 0 ||
        route_check_node(&routes, endpoint, decoded->params, err) != 0 ||
        validate_parameters(endpoint->parameters, decoded->params, ret_errors, err) != 0)
        return -1;
    json_object_foreach(decoded->params, name, value)
        check_parameter(schema_find(endpoint->parameters, name), value);
    return 0;
}

static void serve(const char *method, const char *uri, const char *type, const char *body, size_t length)
{
    autojson json_t *errors = NULL;
    struct decoded decoded;
    struct error err;

    if (request_decode(method, uri, type, body, length, &decoded, &err) != 0) {
        tell(&err, NULL, request_format(uri));
        return;
    }
    if (decoded.path[0] != '/' || strstr(decoded.path, "//") != NULL || decoded.format != request_format(uri))
        abort();
    if (route_and_validate(&decoded, &errors, &err) != 0)
        tell(&err, errors, decoded.format);
    decoded_release(&decoded);
}

/* One answer and no header but ours, whatever was asked for. */
static void redirect(const char *head)
{
    autotext struct text text = {0};
    int lines = 0;

    redirect_print(head, "192.0.2.1:8006", &text);
    for (const char *at = text_string(&text); (at = strstr(at, "\r\n")) != NULL; at += 2)
        lines++;
    if (lines > 5 || !text_ends_with(text_string(&text), "\r\n\r\n"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree char *copy = xstrndup((const char *)data, size);
    char *rest = copy, *line = strsep(&rest, "\n"), *type = rest != NULL ? strsep(&rest, "\n") : NULL;

    redirect((const char *)copy);
    char *method = strsep(&line, " ");
    serve(method, line != NULL ? line : "", type != NULL && type[0] != '\0' ? type : NULL,
          rest != NULL ? rest : "", rest != NULL ? strlen(rest) : 0);
    return 0;
}
