/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/status, with a program in the place of the one that ends the host. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/program.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"

#define STATUS "/nodes/" NODE "/status"
#define TASKS  "/nodes/" NODE "/tasks"

static char folder[64];

static void install(void)
{
    static const char script[] = "#!/bin/sh\necho \"shutdown $*\" >> \"$(dirname \"$0\")/ran\"\n";
    autofree char *sbin = xasprintf("%s/sbin", folder), *program = xasprintf("%s/shutdown", sbin);
    struct error err;

    cr_assert_eq(mkdir(sbin, 0755), 0);
    cr_assert_eq(file_replace(program, script, strlen(script), 0755, &err), 0, "%s", err.message);
}

static void start(void)
{
    snprintf(folder, sizeof(folder), "%s/hostpci-power-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    program_root = folder;
    START(.host = "golden", .kernel = true);
}

TestSuite(power, .init = start, .timeout = 120);

/* The task of the last command. */
static char *last_task(void)
{
    return xstrdup(
        text_of(json_array_get(get(TASKS, "typefilter", "nodepower", "source", "all", NULL), 0), "upid"));
}

static void command_runs(const char *command, const char *expected)
{
    autofree char *ran = xasprintf("%s/sbin/ran", folder), *text = NULL;
    struct error err;

    const json_t *nothing = post(STATUS, "command", command, NULL);
    cr_assert(json_is_null(nothing));
    autofree char *upid = last_task();
    task_succeeds(upid);
    cr_assert_eq(file_read(ran, 4096, &text, NULL, &err), 0, "%s", err.message);
    cr_assert_str_eq(text, expected);
}

DAEMON_TEST(power, starts_the_host_anew_or_switches_it_off)
{
    install();
    command_runs("reboot", "shutdown -r now\n");
    command_runs("shutdown", "shutdown -r now\nshutdown -P now\n");
    wrong_parameter("command", "value 'suspend' does not have a value in the enumeration 'reboot, shutdown'",
                    "POST", STATUS, "command", "suspend", NULL);
}

DAEMON_TEST(power, task_says_why_it_could_not)
{
    post(STATUS, "command", "reboot", NULL);
    autofree char *upid = last_task();
    task_fails(upid, "is not installed");
}

/* A tree that looks like a host cannot be switched off, and this host must not be. */
DAEMON_TEST(power, of_another_host_than_this_is_refused)
{
    daemon_stop();
    program_root = NULL;
    START(.host = "golden", .kernel = true);
    post(STATUS, "command", "shutdown", NULL);
    autofree char *upid = last_task();
    task_fails(upid, "--sysroot names another host");
}

DAEMON_TEST(power, needs_its_privilege)
{
    const json_t *created = post("/access/users/root@pam/token/ci", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));

    put("/access/acl", "path", "/", "roles", "PVEAuditor", "tokens", "root@pam!ci", NULL);
    call_with_token(credential);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.PowerMgmt)", "POST", STATUS, "command",
          "reboot", NULL);
}
