/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of operations that outlive the client that asked for them. */
#include "tests/unit/broker/client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

pid_t client_start(struct testbed *testbed, const char *id, const char *arguments)
{
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child != 0)
        return child;
    autofree char *said = xasprintf("%s/said", testbed->tree.path);
    autofree char *json = xstrdup(arguments);
    struct error err = {.message = ""};
    json_t *result;
    for (char *quote = json; (quote = strchr(quote, '\'')) != NULL;)
        *quote = '"';
    int status =
        broker_call(testbed->client, "driver", id, json_loads(json, 0, NULL), NULL, NULL, &result, &err);
    file_replace(said, err.message, strlen(err.message), 0600, &err);
    _exit(status == 0 ? 0 : 1);
}

void client_expect(const struct testbed *testbed, pid_t client, const char *part)
{
    autofree char *path = xasprintf("%s/said", testbed->tree.path), *said = NULL;
    struct error err;
    int status;

    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(file_read(path, 4096, &said, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(WEXITSTATUS(status), 1, "it should fail");
    cr_assert_not_null(strstr(said, part), "it should say '%s': %s", part, said);
}

void client_hang(const struct testbed *testbed, enum sysfs_access access, const char *file)
{
    kernel_set_fault(
        &(struct kernel_fault){.access = access, .path = file, .first = 1, .until = testbed_until(testbed)});
}

void client_wait_for_hang(void)
{
    for (int i = 0; !kernel_fault_hangs(); i++) {
        cr_assert_lt(i, 5000, "nobody hangs");
        usleep(2000);
    }
}

void client_let_go(const struct testbed *testbed)
{
    kernel_set_fault(NULL);
    testbed_let_go(testbed);
}

void client_add_line(void *context, int number, const char *text)
{
    struct lines *lines = context;

    cr_assert_eq(number, ++lines->count, "no line is missing, none comes twice");
    text_printf(&lines->text, "%s\n", text);
}

char *client_follow(const struct testbed *testbed, const char *id, const char *part)
{
    struct lines lines = {.count = 0};
    autojson json_t *result = NULL;
    struct error err = {.message = ""};

    int status = broker_follow(testbed->client, id, 0, client_add_line, &lines, &result, &err);
    char *log = text_take(&lines.text);
    cr_assert_eq(status, part == NULL ? 0 : -1, "%s\n%s", err.message, log);
    if (part != NULL)
        cr_assert_not_null(strstr(err.message, part), "it should say '%s': %s", part, err.message);
    return log;
}

void client_follow_to_error(const struct testbed *testbed, const char *id, const char *part, const char *line)
{
    autofree char *log = client_follow(testbed, id, part);

    cr_assert_not_null(strstr(log, line), "the log should have '%s':\n%s", line, log);
}
