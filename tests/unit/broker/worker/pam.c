/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation pam in the broker's confinement, with PAM's real modules: libpam itself wants to talk to the
 * kernel's audit, and gives up every login if that fails in a way that it does not know. */
#include <criterion/criterion.h>
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/daemon/confine.h"
#include "broker/daemon/mounts.h"
#include "broker/operations.h"
#include "broker/worker/worker.h"
#include "tests/unit/storage/fixture.h"

TestSuite(broker_pam, .timeout = 120);

#define PASSWORD "the-right-one"
#define WITH_FAILLOCK                                                                                        \
    "auth required pam_faillock.so preauth deny=3\n"                                                         \
    "auth [success=1 default=ignore] pam_unix.so\n"                                                          \
    "auth [default=die] pam_faillock.so authfail deny=3\n"                                                   \
    "auth required pam_faillock.so authsucc deny=3\n"                                                        \
    "account required pam_unix.so\n"
#define PLAIN "auth required pam_unix.so\naccount required pam_unix.so\n"

enum { FAILED = 98, NO_NAMESPACE = 99 };

/* In the child, which sees another file there, or another folder. */
static bool put_over(const char *from, const char *to)
{
    return mount(from, to, NULL, MS_BIND, NULL) == 0;
}

static bool write_file(const char *folder, const char *name, const char *text)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    struct error err;

    return file_replace(path, text, strlen(text), 0600, &err) == 0 && chmod(path, 0644) == 0;
}

/* A host with one user, "joe", and this configuration of PAM. */
static bool make_host(const char *folder, const char *configuration)
{
    autofree char *passwd = xasprintf("%s/passwd", folder), *shadow = xasprintf("%s/shadow", folder),
                  *line = xasprintf("joe:%s:19000:0:99999:7:::\n", crypt(PASSWORD, "$6$salt")),
                  *pam = xasprintf("%s/pam.d", folder);

    return mkdir(pam, 0755) == 0 && write_file(pam, "hostpci", configuration) &&
           write_file(folder, "passwd", "root:x:0:0::/:/bin/sh\njoe:x:1234:1234::/:/bin/sh\n") &&
           write_file(folder, "shadow", line) && (mkdir("/run/faillock", 0755) == 0 || errno == EEXIST) &&
           mount("tmpfs", "/run/faillock", "tmpfs", 0, NULL) == 0 && put_over(passwd, "/etc/passwd") &&
           put_over(shadow, "/etc/shadow") && put_over(pam, "/etc/pam.d");
}

static bool confine(void)
{
    struct error err;

    return mounts_restrict((const char *const[MOUNTS_OWN]){NULL}, &err) == 0 && broker_confine(&err) == 0;
}

static bool logs_in(const char *password)
{
    autojson json_t *arguments = json_pack("{s:s, s:s}", "user", "joe", "password", password);
    autojson json_t *result = NULL;
    struct worker worker = {.socket = -1, .helper = -1, .arguments = arguments};
    struct sysroot *sysroot = NULL;
    struct error err;

    if (sysroot_open("/", &sysroot, &err) != 0)
        return false;
    worker.sysroot = sysroot;
    bool works = operation_pam.run(&worker, &result, &err) == 0;
    if (!works)
        fprintf(stderr, "%s\n", err.message);
    sysroot_close(sysroot);
    return works;
}

/* In a child, which returns 0 if all is as it should be. */
static void in_broker(const char *configuration, int (*body)(void))
{
    struct fixture fixture;
    int status;

    if (geteuid() != 0)
        cr_skip_test("only root reads /etc/shadow");
    fixture_make(&fixture);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(NO_NAMESPACE);
        _exit(make_host(fixture.folder, configuration) && confine() ? body() : FAILED);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    fixture_remove(&fixture);
    cr_assert(WIFEXITED(status), "wait status %d", status);
    if (WEXITSTATUS(status) == NO_NAMESPACE)
        cr_skip_test("this machine lets nobody make a mount namespace");
    cr_assert_eq(WEXITSTATUS(status), 0);
}

static int try_both(void)
{
    if (!logs_in(PASSWORD))
        return 1;
    return logs_in("a-wrong-one") ? 2 : 0;
}

Test(broker_pam, right_password_is_right_and_another_one_wrong)
{
    in_broker(PLAIN, try_both);
}

static int guess(void)
{
    struct stat tally;

    if (!logs_in(PASSWORD))
        return 1;
    for (int i = 0; i < 3; i++)
        if (logs_in("a-wrong-one"))
            return 2;
    if (stat("/run/faillock/joe", &tally) != 0 || tally.st_size == 0)
        return 3;
    return logs_in(PASSWORD) ? 4 : 0;
}

Test(broker_pam, faillock_counts_and_locks)
{
    in_broker(WITH_FAILLOCK, guess);
}

/* Where another program made the file before, it is the user's, and root's group may write to it. */
static int guess_with_a_tally(void)
{
    int file = open("/run/faillock/joe", O_CREAT | O_WRONLY | O_CLOEXEC, 0660);

    if (file < 0)
        return 5;
    close(file);
    return guess();
}

Test(broker_pam, faillock_counts_on_in_a_file_that_is_there)
{
    in_broker(WITH_FAILLOCK, guess_with_a_tally);
}
