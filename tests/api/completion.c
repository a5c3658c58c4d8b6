/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion for bash (dist/hostpci.bash), by bash itself, and for zsh and fish, where they are installed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/program.h"

#define SECONDS 60

static const char script[] =
    ". dist/hostpci.bash; COMP_LINE=\"$0 $1\" COMP_POINT=$((${#0} + 1 + ${#1})); _hostpci; "
    "printf '%s\\n' \"${COMPREPLY[@]}\"";

static void start(void)
{
    START(.host = "golden");
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
}

TestSuite(completion, .init = start, .timeout = 120);

/* What bash offers after `hostpci LINE`, a line each. */
static char *complete(const char *line)
{
    autofree char *output = xasprintf("%s/completed", daemon_run());
    autofree char *errors = xasprintf("%s/complaints", daemon_run());
    const char *const argv[] = {"/bin/bash", "-c", script, program_hostpci(), line, NULL};
    char *offered, *complaints;
    struct error err;

    int status = program_wait(program_start(argv, output, errors, 0), SECONDS);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "bash ended with %d", status);
    cr_assert_eq(file_read(output, 1 << 20, &offered, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(file_read(errors, 1 << 20, &complaints, NULL, &err), 0, "%s", err.message);
    cr_assert_str_eq(complaints, "");
    free(complaints);
    return offered;
}

static void offers(const char *line, const char *expected)
{
    autofree char *offered = complete(line);

    cr_expect_str_eq(offered, expected, "after '%s'", line);
}

DAEMON_TEST(completion, commands_and_options_come_from_the_program)
{
    offers("devi", "devices\n");
    offers("ima", "\n");
    offers("im", "import\n");
    offers("qm sho", "showcmd\n");
    offers("qm ter", "terminal\n");
    offers("wat", "watch\n");
    offers("get / --output", "--output-format\n");
}

DAEMON_TEST(completion, names_come_from_the_server)
{
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    post("/nodes/" NODE "/qemu", "vmid", "4711", NULL);
    offers("map g", "gpu\n");
    offers("qm config 47", "4711\n");
    offers("get /cluster/mapping/pci/g", "/cluster/mapping/pci/gpu\n");
    offers("get /cluster/map", "/cluster/mapping\n");
}

/* bash replaces only what comes after the last colon. */
DAEMON_TEST(completion, pci_ids_have_colons)
{
    offers("why 0000:01:00.0", "00.0\n");
    offers("map gpu 0000:01:00.1", "00.1\n");
}

DAEMON_TEST(completion, without_a_server_nothing_is_offered)
{
    setenv("HOSTPCI_SOCKET", "/nowhere", 1);
    offers("why 0000:", "\n");
    offers("get /cluster/map", "\n");
}

/* What a shell prints that runs the script with the program and the line; skips the test without that shell.
 */
static void shell_offers(const char *shell, const char *with, const char *line, const char *expected)
{
    autofree char *output = xasprintf("%s/completed", daemon_run()), *offered = NULL;
    const char *const argv[] = {shell, "-c", with, program_hostpci(), line, NULL};
    struct error err;

    if (access(shell, X_OK) != 0)
        cr_skip_test("%s is not installed", shell);
    setenv("HOSTPCI_COMPLETION", "dist/hostpci.bash", 1);
    int status = program_wait(program_start(argv, output, output, 0), SECONDS);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with %d", shell, status);
    cr_assert_eq(file_read(output, 1 << 20, &offered, NULL, &err), 0, "%s", err.message);
    cr_expect_str_eq(offered, expected, "%s after '%s'", shell, line);
}

/* zsh completes only on a terminal, so a stand-in for its builtin prints what it is given and begins as the
 * word does. */
DAEMON_TEST(completion, for_zsh_is_the_same)
{
    static const char with[] =
        "compadd() { shift ${argv[(i)--]}; print -lr -- ${(M)@:#${words[CURRENT]}*}; }; "
        "words=($0 ${(s: :)1}); CURRENT=${#words}; . dist/hostpci.zsh";

    shell_offers("/usr/bin/zsh", with, "wat", "watch\n");
    shell_offers("/usr/bin/zsh", with, "qm ter", "terminal\n");
    shell_offers("/usr/bin/zsh", with, "why 0000:01:00.0", "0000:01:00.0\n");
    shell_offers("/usr/bin/zsh", with, "get / --output", "--output-format\n");
    shell_offers("/usr/bin/zsh", with, "get /cluster/map", "/cluster/mapping\n");
}

DAEMON_TEST(completion, for_fish_is_the_same)
{
    static const char with[] = "source dist/hostpci.fish; function hostpci; end; "
                               "set -x PATH (path dirname $argv[1]) $PATH; complete -C \"hostpci $argv[2]\"";

    shell_offers("/usr/bin/fish", with, "wat", "watch\n");
    shell_offers("/usr/bin/fish", with, "qm ter", "terminal\n");
    shell_offers("/usr/bin/fish", with, "why 0000:01:00.0", "0000:01:00.0\n");
    shell_offers("/usr/bin/fish", with, "get /cluster/map", "/cluster/mapping\n");
}
