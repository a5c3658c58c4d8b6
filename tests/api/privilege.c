/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which user the daemon has become after its start, what it may still do, and the broker that it has started.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/program.h"

#define NOBODY 65534

TestSuite(privilege, .timeout = 120);

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root has something to give up");
}

/* The user that a daemon started by root becomes on this machine. */
static uid_t expected_user(void)
{
    const struct passwd *user = getpwnam("hostpci");

    return user != NULL ? user->pw_uid : NOBODY;
}

/* A line of /proc/PID/status without its name; the caller frees it. */
static char *status_of(pid_t pid, const char *name)
{
    autofree char *path = xasprintf("/proc/%d/status", (int)pid), *text = NULL,
                  *begin = xasprintf("\n%s:\t", name);
    struct error err;

    cr_assert_eq(file_read(path, 65536, &text, NULL, &err), 0, "%s", err.message);
    const char *line = strstr(text, begin);
    cr_assert_not_null(line, "%s has no %s", path, name);
    line += strlen(begin);
    return xstrndup(line, strcspn(line, "\n"));
}

static void status_is(pid_t pid, const char *name, const char *expected)
{
    autofree char *value = status_of(pid, name);

    cr_expect_str_eq(value, expected, "%s: %s", name, value);
}

/* The daemon's child that is the one that asks QEMU (broker/probe/qemu.h), or is not; 0: it has none. */
static pid_t find_child(bool asker)
{
    autofree char *path = xasprintf("/proc/%d/task/%d/children", (int)daemon_pid(), (int)daemon_pid()),
                  *text = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &text, NULL, &err), 0, "%s", err.message);
    for (char *next = text; *next != '\0' && *next != '\n';) {
        pid_t pid = (pid_t)strtol(next, &next, 10);
        autofree char *name_path = xasprintf("/proc/%d/comm", (int)pid), *name = NULL;
        next += strspn(next, " ");
        if (file_read(name_path, 64, &name, NULL, &err) == 0 &&
            (strcmp(name, "hostpci-qemu\n") == 0) == asker)
            return pid;
    }
    return 0;
}

static pid_t find_broker(void)
{
    return find_child(false);
}

static void expect_confined(pid_t pid)
{
    static const char none[] = "0000000000000000";

    status_is(pid, "CapPrm", none);
    status_is(pid, "CapEff", none);
    status_is(pid, "CapInh", none);
    status_is(pid, "CapAmb", none);
    status_is(pid, "NoNewPrivs", "1");
    status_is(pid, "Seccomp", "2");
}

/* Read as root, since the file is closed to the daemon's own user. */
static unsigned count_files(const char *folder)
{
    DIR *list = opendir(folder);
    unsigned count = 0;

    cr_assert_not_null(list, "%s", folder);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

static void expect_owner(const char *path, uid_t uid, mode_t mode)
{
    struct stat status;

    cr_assert_eq(stat(path, &status), 0, "%s", path);
    cr_expect_eq(status.st_uid, uid, "%s: %u", path, status.st_uid);
    cr_expect_eq(status.st_mode & 07777, mode, "%s: %o", path, status.st_mode & 07777);
}

DAEMON_TEST(privilege, started_by_root_it_is_nobody_special)
{
    need_root();
    START(.host = "workstation", .own_key = true);
    autofree char *uid = xasprintf("%u\t%u\t%u\t%u", expected_user(), expected_user(), expected_user(),
                                   expected_user()),
                  *database = xasprintf("%s/hostpci.db", daemon_state());

    status_is(daemon_pid(), "Uid", uid);
    status_is(daemon_pid(), "CapBnd", "0000000000000000");
    expect_confined(daemon_pid());
    expect_owner(daemon_state(), expected_user(), 0700);
    expect_owner(database, expected_user(), 0600);
    expect_owner(daemon_run(), 0, 0755);
    expect_owner(daemon_socket(), 0, 0660);
    get("/version", NULL); /* root on the local socket is still root@pam */
}

DAEMON_TEST(privilege, started_by_an_ordinary_user_it_is_confined_too)
{
    START(.host = "workstation", .as_nobody = true);
    autofree char *database = xasprintf("%s/hostpci.db", daemon_state());

    expect_confined(daemon_pid());
    cr_expect_eq(find_broker(), 0, "it has no broker");
    expect_owner(database, geteuid() == 0 ? NOBODY : geteuid(), 0600);
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
}

DAEMON_TEST(privilege, what_root_left_behind_is_handed_over)
{
    need_root();
    START(.host = "workstation", .own_key = true);
    autofree char *database = xasprintf("%s/hostpci.db", daemon_state()),
                  *other = xasprintf("%s/other", daemon_state()),
                  *link = xasprintf("%s/hostpci.db-link", daemon_state());
    struct error err;

    post("/access/users/root@pam/token/ci", NULL);
    daemon_kill(); /* its socket stays there */
    cr_assert_eq(chown(database, 0, 0), 0);
    cr_assert_eq(chown(daemon_state(), 0, 0), 0);
    cr_assert_eq(chown(daemon_socket(), 0, 0), 0);
    cr_assert_eq(file_replace(other, "x", 1, 0600, &err), 0);
    cr_assert_eq(symlink(other, link), 0);
    daemon_start_again();
    get("/access/users/root@pam/token/ci", NULL);
    expect_owner(database, expected_user(), 0600);
    expect_owner(daemon_state(), expected_user(), 0700);
    expect_owner(other, 0, 0600);
}

DAEMON_TEST(privilege, folders_of_somebody_else_are_left_alone)
{
    need_root();
    START(.host = "workstation", .own_key = true);
    autofree char *folder = xasprintf("%s.home", daemon_state()), *file = xasprintf("%s/.profile", folder);
    struct error err;

    daemon_stop();
    cr_assert_eq(mkdir(folder, 0755), 0);
    cr_assert_eq(file_replace(file, "x", 1, 0600, &err), 0);
    daemon_refuses((const char *const[]){"--state-dir", folder, NULL},
                   "use --state-dir to choose a folder that "
                   "nothing else uses");
    daemon_refuses((const char *const[]){"--run-dir", folder, NULL}, "use --run-dir to choose a folder that "
                                                                     "nothing else uses");
    expect_owner(folder, 0, 0755);
    expect_owner(file, 0, 0600);
}

DAEMON_TEST(privilege, folder_that_is_closed_to_the_user_is_named)
{
    need_root();
    START(.host = "workstation", .own_key = true);
    autofree char *folder = xasprintf("%s.closed", daemon_state()), *state = xasprintf("%s/a/state", folder),
                  *text = xasprintf("'%s' is closed to it: open that (chmod o+x '%s')", folder, folder);

    daemon_stop();
    cr_assert_eq(mkdir(folder, 0700), 0);
    daemon_refuses((const char *const[]){"--state-dir", state, NULL}, text);
}

DAEMON_TEST(privilege, user_can_be_chosen)
{
    static const char *const as_root[] = {"--user", "root", NULL},
                             *const daemon[] = {"--user", "daemon", NULL},
                             *const nowhere[] = {"--user", "no-such-user", NULL};

    need_root();
    START(.host = "workstation", .arguments = as_root);
    autofree char *warned = daemon_log();
    cr_expect_not_null(strstr(warned, "warning: --user root: whoever finds a hole"), "%s", warned);
    status_is(daemon_pid(), "Uid", "0\t0\t0\t0");
    expect_confined(daemon_pid());
    daemon_stop();

    START(.host = "workstation", .arguments = daemon);
    expect_owner(daemon_state(), getpwnam("daemon")->pw_uid, 0700);
    daemon_stop();

    START(.host = "workstation", .arguments = nowhere);
    autofree char *said = daemon_log();
    cr_expect_not_null(
        strstr(said, "there is no user 'no-such-user' in /etc/passwd, so the daemon runs as nobody"), "%s",
        said);
    expect_owner(daemon_state(), NOBODY, 0700);
}

static void wait_until_gone(pid_t pid)
{
    double end = machine_slept() + PROGRAM_SECONDS;

    while (kill(pid, 0) == 0) {
        cr_assert_leq(machine_slept(), end, "the broker, process %d, is still there", (int)pid);
        machine_sleep(5);
    }
}

static void check_asker_ends(void (*end)(void))
{
    need_root();
    START(.host = "workstation", .own_key = true);
    pid_t asker = find_child(true);

    cr_assert_neq(asker, 0);
    status_is(asker, "CapPrm", "0000000000000000");
    status_is(asker, "NoNewPrivs", "1");
    autofree char *ours = status_of(daemon_pid(), "Uid"), *folder = xasprintf("/proc/%d/fd", (int)asker);
    status_is(asker, "Uid", ours);
    cr_expect_eq(count_files(folder), 4, "three standard ones and its socket");
    end();
    wait_until_gone(asker);
    daemon_start_again();
}

DAEMON_TEST(privilege, who_asks_qemu_has_nothing_and_ends_with_its_daemon)
{
    check_asker_ends(daemon_stop);
}

DAEMON_TEST(privilege, who_asks_qemu_ends_when_its_daemon_is_killed)
{
    check_asker_ends(daemon_kill);
}

static void check_broker_ends(void (*end)(void))
{
    need_root();
    START(.host = "workstation", .own_key = true);
    pid_t broker = find_broker();

    cr_assert_neq(broker, 0);
    status_is(broker, "Uid", "0\t0\t0\t0");
    status_is(broker, "NoNewPrivs", "1");
    end();
    wait_until_gone(broker);
    daemon_start_again();
    cr_assert_neq(find_broker(), 0, "the next one has its own");
}

/* As under its unit: /proc/PID/root is the host as that process sees it. */
static void expect_closed(pid_t pid, const char *path, int flags, int expected)
{
    autofree char *whole = xasprintf("/proc/%d/root%s", (int)pid, path);
    autoclose int fd = open(whole, flags | O_CLOEXEC, 0600);

    cr_expect_eq(fd, -1, "%s", path);
    cr_expect_eq(errno, expected, "%s: %s", path, strerror(errno));
}

DAEMON_TEST(privilege, broker_that_it_started_can_write_to_the_host_where_it_must_alone)
{
    need_root();
    START(.host = "workstation", .own_key = true);
    pid_t broker = find_broker();

    cr_assert_neq(broker, 0);
    expect_closed(broker, "/etc/hostpci-test", O_WRONLY | O_CREAT, EROFS);
    expect_closed(broker, daemon_state(), O_RDWR | O_TMPFILE, EROFS);
    expect_closed(broker, "/dev/tty", O_RDONLY, EACCES);
    autofree char *journal = xasprintf("/proc/%d/root%s", (int)broker, daemon_broker());
    autoclose int fd = open(journal, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    cr_expect_geq(fd, 0, "%s: %s", journal, strerror(errno));
}

DAEMON_TEST(privilege, broker_ends_with_its_daemon)
{
    check_broker_ends(daemon_stop);
}

DAEMON_TEST(privilege, broker_ends_when_its_daemon_is_killed)
{
    check_broker_ends(daemon_kill);
}

DAEMON_TEST(privilege, broker_that_was_killed_is_told_and_reading_goes_on)
{
    double end = machine_slept() + PROGRAM_SECONDS;
    bool told = false;

    need_root();
    START(.host = "workstation", .own_key = true);
    pid_t broker = find_broker();
    cr_assert_neq(broker, 0);
    cr_assert_eq(kill(broker, SIGKILL), 0);
    while (!told) {
        autofree char *log = daemon_log();
        told = strstr(log, "the broker was killed by signal 9") != NULL;
        cr_assert_leq(machine_slept(), end, "%s", log);
    }
    get("/nodes/" NODE "/hardware/pci", NULL);
}

DAEMON_TEST(privilege, broker_that_does_not_start_is_told_and_reading_works)
{
    static const char *const nowhere[] = {"--broker-dir", "/proc/nowhere", NULL};

    need_root();
    START(.host = "workstation", .arguments = nowhere);
    autofree char *log = daemon_log();
    cr_expect_not_null(strstr(log, "Without a broker the host can be read, but nothing on it can be changed"),
                       "%s", log);
    get("/nodes/" NODE "/hardware/pci", NULL);
}
