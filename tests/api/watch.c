/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci watch`: what changes, as it happens. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"

#define LOOKS 600 /* of a tenth of a second */

static pid_t watcher;
static char *output;

static void tidy(void)
{
    if (watcher > 0)
        kill(watcher, SIGKILL);
}

TestSuite(watch, .fini = tidy, .timeout = 240);

static void start_watch(const char *format)
{
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    output = xasprintf("%s/watched", daemon_state());
    watcher =
        program_start((const char *const[]){program_hostpci(), "watch", "--output-format", format, NULL},
                      output, output, 0);
}

/* Changes something until that is told: nobody knows when it has begun to watch. */
static void wait_for(const char *text)
{
    for (int looks = 0;; looks++) {
        autofree char *told = NULL;
        struct error err;
        if (file_read(output, 1 << 20, &told, NULL, &err) == 0 && strstr(told, text) != NULL)
            return;
        cr_assert_lt(looks, LOOKS, "'%s' is not told: %s", text, told);
        post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484",
             NULL);
        usleep(100000);
        delete ("/cluster/mapping/pci/gpu", NULL);
    }
}

DAEMON_TEST(watch, prints_a_line_for_each_event)
{
    START(.host = "workstation");
    start_watch("text");
    wait_for("  mapping-pci gpu\n");
    wait_for("  mapping-pci gpu removed\n");
    free(output);
}

DAEMON_TEST(watch, prints_json_and_survives_a_restart)
{
    START(.host = "workstation");
    start_watch("json");
    wait_for("\"type\":\"mapping-pci\",\"id\":\"gpu\"}\n");
    daemon_stop();
    daemon_start_again();
    wait_for("\"type\":\"reset\"}\n");
    free(output);
}

DAEMON_TEST(watch, says_why_it_cannot)
{
    START(.host = "workstation");
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    program_fails(2, "takes no argument", (const char *const[]){"watch", "gpu", NULL});
    program_fails(1, "Authentication failed!",
                  (const char *const[]){"watch", "--server", daemon_url(), "--token", "a@pve!b=c", NULL});
}
