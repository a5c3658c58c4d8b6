/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoint answers a path, and what the path says of its parameters. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "server/request/route.h"

static const struct endpoint root = {.method = METHOD_GET, .path = "/"};
static const struct endpoint nodes = {.method = METHOD_GET, .path = "/nodes"};
static const struct endpoint node = {.method = METHOD_GET, .path = "/nodes/{node}"};
static const struct endpoint device = {.method = METHOD_GET, .path = "/nodes/{node}/pci/{id}"};
static const struct endpoint all = {.method = METHOD_GET, .path = "/nodes/{node}/pci/all"};
static const struct endpoint change = {.method = METHOD_PUT, .path = "/nodes/{node}/pci/{id}"};
static const struct endpoint token = {.method = METHOD_GET, .path = "/access/users/{userid}/token/{tokenid}"};

static const struct endpoint *const table[] = {&root, &nodes, &node, &device, &all, &change, &token};
static const struct routes routes = {table, COUNT_OF(table), "pve1"};

/* The endpoint's path and the parameters, with ' for "; or the error's text. */
static char shown[2048];

static const char *find(const char *method, const char *uri)
{
    struct decoded decoded;
    const struct endpoint *endpoint;
    struct error err;

    cr_assert_eq(request_decode(method, uri, NULL, "", 0, &decoded, &err), 0, "%s", err.message);
    if (route_find(&routes, &decoded, &endpoint, &err) != 0) {
        snprintf(shown, sizeof(shown), "%s%s%s", err.field, err.field[0] != '\0' ? ": " : "", err.message);
    } else {
        autofree char *params = json_dumps(decoded.params, JSON_COMPACT);
        snprintf(shown, sizeof(shown), "%s %s", endpoint->path, params);
        cr_assert_eq(endpoint->method, decoded.method);
    }
    decoded_release(&decoded);
    for (char *c = shown; *c != '\0'; c++)
        *c = *c == '"' ? '\'' : *c;
    return shown;
}

Test(server_route, finds)
{
    static const char *const cases[][3] = {
        {"GET", "/api2/json", "/ {}"},
        {"GET", "/api2/json/nodes/", "/nodes {}"},
        {"GET", "/api2/json/nodes/pve2", "/nodes/{node} {'node':'pve2'}"},
        {"GET", "/api2/json/nodes/localhost", "/nodes/{node} {'node':'pve1'}"},
        {"GET", "/api2/json/nodes/pve1/pci/0000:01:00.0",
         "/nodes/{node}/pci/{id} {'node':'pve1','id':'0000:01:00.0'}"},
        {"GET", "/api2/json/nodes/pve1/pci/all", "/nodes/{node}/pci/all {'node':'pve1'}"},
        {"GET", "/api2/json/nodes/pve1/pci/alle", "/nodes/{node}/pci/{id} {'node':'pve1','id':'alle'}"},
        {"PUT", "/api2/json/nodes/pve1/pci/all", "/nodes/{node}/pci/{id} {'node':'pve1','id':'all'}"},
        {"GET", "/api2/json/nodes/pve1/pci/localhost",
         "/nodes/{node}/pci/{id} {'node':'pve1','id':'localhost'}"},
        {"GET", "/api2/json/access/users/root@pam/token/t",
         "/access/users/{userid}/token/{tokenid} {'userid':'root@pam','tokenid':'t'}"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(find(cases[i][0], cases[i][1]), cases[i][2], "%s: %s", cases[i][1], shown);
}

Test(server_route, finds_nothing)
{
    static const char *const cases[][3] = {
        {"GET", "/api2/json/node", "Method 'GET /node' not implemented"},
        {"GET", "/api2/json/nodesx", "Method 'GET /nodesx' not implemented"},
        {"GET", "/api2/json/nodes/pve1/pci", "Method 'GET /nodes/pve1/pci' not implemented"},
        {"GET", "/api2/json/nodes/pve1/pci/x/y", "Method 'GET /nodes/pve1/pci/x/y' not implemented"},
        {"POST", "/api2/json/nodes", "Method 'POST /nodes' not implemented"},
        {"GET", "/api2/json/{node}", "Method 'GET /{node}' not implemented"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(find(cases[i][0], cases[i][1]), cases[i][2], "%s: %s", cases[i][1], shown);
}

Test(server_route, parameter_of_the_path_that_is_sent_too)
{
    cr_expect_str_eq(find("GET", "/api2/json/nodes/pve2?node=pve2"), "/nodes/{node} {'node':'pve2'}");
    cr_expect_str_eq(
        find("GET", "/api2/json/nodes/pve2?node=pve3"),
        "node: duplicate parameter: it is part of the path, and was sent with a different value");
    cr_expect_str_eq(
        find("GET", "/api2/json/nodes/pve2?node=pve2&node=pve2"),
        "node: duplicate parameter: it is part of the path, and was sent with a different value");
}

Test(server_route, knows_its_own_node_only)
{
    autojson json_t *own = json_pack("{s:s}", "node", "pve1"), *other = json_pack("{s:s}", "node", "pve2");
    struct error err;

    cr_expect_eq(route_check_node(&routes, &node, own, &err), 0);
    cr_expect_eq(route_check_node(&routes, &node, other, &err), -1);
    cr_expect_eq(err.kind, ERROR_NO_HOST);
    cr_expect_str_eq(err.message, "hostname lookup 'pve2' failed - no such node: this one is 'pve1'");
    cr_expect_eq(route_check_node(&routes, &nodes, other, &err), 0,
                 "an ordinary parameter that is called so");
}

Test(server_route, methods_of_a_path)
{
    static const char *const paths[][2] = {{"/nodes/pve1/pci/x", "GET, HEAD, PUT, OPTIONS"},
                                           {"/nodes/pve1/pci/all", "GET, HEAD, PUT, OPTIONS"},
                                           {"/", "GET, HEAD, OPTIONS"},
                                           {"/pci", NULL}};

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        autofree char *methods = route_list_methods(&routes, paths[i][0]);
        if (paths[i][1] == NULL)
            cr_expect_null(methods);
        else
            cr_expect_str_eq(methods, paths[i][1], "%s", paths[i][0]);
    }
}
