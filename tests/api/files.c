/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files outside /api2, which anybody may read: the page and the description of the API. */
#include <string.h>
#include <unistd.h>

#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/raw.h"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(files, .init = start, .timeout = 120);

/* The whole reply to a request through TCP, without any credential; the caller frees it. */
static char *ask(const char *method, const char *path)
{
    int fd = raw_connect_tcp();

    raw_print(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    char *reply = raw_read(fd, 10);
    close(fd);
    return reply;
}

static const char *body_of(const char *reply)
{
    const char *end = strstr(reply, "\r\n\r\n");

    cr_assert_not_null(end, "%s", reply);
    return end + strlen("\r\n\r\n");
}

DAEMON_TEST(files, description_of_the_api_is_that_of_the_command)
{
    autofree char *yaml = ask("GET", "/openapi.yaml");
    autofree char *printed = program_run((const char *const[]){"openapi", NULL});

    cr_assert_eq(raw_status(yaml), 200);
    cr_assert_str_eq(body_of(yaml), printed);
}

DAEMON_TEST(files, description_has_every_endpoint)
{
    static const char *const methods[] = {"get", "post", "put", "delete"};
    autofree char *reply = ask("GET", "/openapi.json");
    autojson json_t *description = json_loads(body_of(reply), 0, NULL);

    cr_assert_eq(strncmp(text_of(description, "openapi"), "3.1", 3), 0);
    for (size_t i = 0; i < endpoint_count; i++) {
        const json_t *path = json_object_get(member(description, "paths"), endpoint_table[i]->path);
        cr_assert(has(path, methods[endpoint_table[i]->method]), "%s", endpoint_table[i]->path);
    }
}

DAEMON_TEST(files, page)
{
    autofree char *page = ask("GET", "/"), *head = ask("HEAD", "/");

    cr_assert_eq(raw_status(page), 200);
    cr_assert_not_null(strstr(page, "\r\nContent-Type: text/html"), "%s", page);
    cr_assert_not_null(strstr(page, "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; "
                                    "style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
                                    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'\r\n"),
                       "%s", page);
    cr_assert_eq(raw_status(head), 200);
    cr_assert_str_empty(body_of(head));
}

DAEMON_TEST(files, there_are_no_others)
{
    static const char *const paths[] = {"/index.php",      "/../etc/passwd",   "/%2e%2e/%2e%2e/etc/passwd",
                                        "/openapi.yaml/x", "/reference.js%00", "//etc/passwd"};

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        autofree char *reply = ask("GET", paths[i]);
        cr_assert(raw_status(reply) == 400 || raw_status(reply) == 501, "%s: %s", paths[i], reply);
    }
}
