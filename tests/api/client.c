/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of this program against the daemon: `hostpci get` and the other commands. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"

#define MAPPINGS "/cluster/mapping/pci"

static const char entry[] = "node=" NODE ",path=0000:01:00.0,id=10de:2484";

static void start(void)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
}

TestSuite(client, .init = start, .timeout = 120);

#define RUN(...)                 program_run((const char *const[]){__VA_ARGS__, NULL})
#define FAILS(status, text, ...) program_fails(status, text, (const char *const[]){__VA_ARGS__, NULL})

DAEMON_TEST(client, gets_what_the_api_gives)
{
    autofree char *printed = RUN("get", "/nodes/localhost/hardware/pci", "--output-format", "json");
    autojson json_t *list = json_loads(printed, 0, NULL);

    cr_assert(json_equal(list, get("/nodes/" NODE "/hardware/pci", NULL)));
    autofree char *table = RUN("get", "/nodes/localhost/hardware/pci");
    cr_assert_not_null(strstr(table, "0000:01:00.0"));
    autofree char *yaml = RUN("get", "/version", "--output-format", "yaml");
    cr_assert_not_null(strstr(yaml, "hostpci-version: "));
}

DAEMON_TEST(client, sends_parameters)
{
    autofree char *all = RUN("get", "/nodes/localhost/hardware/pci", "--pci-class-blacklist", "", "--verbose",
                             "0", "--output-format", "json");
    autojson json_t *list = json_loads(all, 0, NULL);

    cr_assert_eq(json_array_size(list), 12);
    cr_assert_not(has(json_array_get(list, 0), "vendor_name"));
}

DAEMON_TEST(client, creates_changes_and_deletes)
{
    free(RUN("create", MAPPINGS, "--id", "gpu", "--map", entry, "--mdev", "1"));
    cr_assert_eq(number_of(get(MAPPINGS "/gpu", NULL), "mdev"), 1);
    free(
        RUN("set", "/cluster/mapping/pci/gpu", "--map", entry, "--map", entry, "--description", "a b & c=d"));
    cr_assert_str_eq(text_of(get(MAPPINGS "/gpu", NULL), "description"), "a b & c=d");
    cr_assert_eq(json_array_size(member(get(MAPPINGS "/gpu", NULL), "map")), 2);
    free(RUN("delete", "/cluster/mapping/pci/gpu"));
    is_json(get(MAPPINGS, NULL), "[]");
}

DAEMON_TEST(client, lists_children_and_explains_parameters)
{
    autofree char *children = RUN("ls", "/nodes/localhost"), *usage = RUN("usage", MAPPINGS);

    cr_assert_not_null(strstr(children, "hardware"));
    cr_assert_not_null(strstr(children, "version"));
    cr_assert_not_null(strstr(usage, "hostpci create " MAPPINGS " --id"));
    cr_assert_not_null(strstr(usage, "--check-node"));
}

DAEMON_TEST(client, tells_the_errors_of_the_daemon)
{
    FAILS(1, "mapping 'none' not found", "get", "/cluster/mapping/pci/none");
    FAILS(1, "mdev: type check ('boolean') failed - got 'perhaps'", "create", MAPPINGS, "--id", "gpu",
          "--map", entry, "--mdev", "perhaps");
    FAILS(1, "map[0]: ", "create", MAPPINGS, "--id", "gpu", "--map", "nonsense");
    is_json(get(MAPPINGS, NULL), "[]");
}

DAEMON_TEST(client, speaks_https_with_a_token_and_a_certificate_it_knows)
{
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    autofree char *pin = xstrdup(text_of(row(get("/nodes", NULL), "node", NODE), "ssl_fingerprint"));
    autofree char *wrong = xstrdup(pin), *authority = xasprintf("%s/tls.pem", daemon_state());

    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    unsetenv("HOSTPCI_SOCKET");
    free(RUN("get", "/version", "--server", daemon_url(), "--token", token, "--fingerprint", pin));
    free(RUN("get", "/version", "--server", daemon_url(), "--token", token, "--cacert", authority));
    FAILS(3, "does not have the certificate that --fingerprint names", "get", "/version", "--server",
          daemon_url(), "--token", token, "--fingerprint", wrong);
    FAILS(3, "certificate", "get", "/version", "--server", daemon_url(), "--token", token);
    FAILS(1, "Authentication failed!", "get", "/version", "--server", daemon_url(), "--token",
          "root@pam!ci=x", "--fingerprint", pin);
}

DAEMON_TEST(client, says_when_there_is_no_daemon)
{
    daemon_stop();
    FAILS(3, daemon_socket(), "get", "/version");
}

DAEMON_TEST(client, tells_the_versions_of_what_it_runs_on)
{
    autofree char *short_one = program_run((const char *const[]){"version", NULL});
    autofree char *long_one = program_run((const char *const[]){"version", "--verbose", NULL});

    cr_expect_eq(strncmp(short_one, "hostpci ", strlen("hostpci ")), 0);
    cr_expect_eq(strncmp(long_one, short_one, strlen(short_one)), 0);
    cr_expect_not_null(strstr(long_one, "\nkernel: Linux "));
    cr_expect_not_null(strstr(long_one, "\nlibmicrohttpd: "));
}
