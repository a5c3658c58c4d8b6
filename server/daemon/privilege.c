/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stops being root. */
#include "server/daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/user.h"
#include "server/daemon/folders.h"

#define NOBODY 65534

static struct user choose_user(const char *name)
{
    struct user user = {.name = "nobody", .uid = NOBODY, .gid = NOBODY};

    if (user_find(name, &user)) {
        if (user.uid == 0)
            log_warning("--user %s: whoever finds a hole in this daemon will be root on this host", name);
        return user;
    }
    user_find("nobody", &user);
    log_warning(
        "there is no user '%s' in /etc/passwd, so the daemon runs as nobody, as other programs may do: they "
        "can read its files. Make the user with `useradd --system --user-group --home-dir %s --shell "
        "/usr/sbin/nologin %s`",
        name, "/var/lib/hostpci", name);
    return user;
}

static void start_broker(const struct settings *settings, const struct user *user, struct own_broker *ret)
{
    struct error why;

    if (strcmp(settings->broker_dir, SETTINGS_NO_BROKER) != 0 &&
        own_broker_start(settings, user->name, ret, &why) != 0)
        log_error("%s. Without a broker the host can be read, but nothing on it can be changed", why.message);
}

/* Two things survive the change: the group of the local socket, so that we can connect to it, too; and
 * PR_SET_PDEATHSIG, which the kernel clears when the user changes. */
static int become(const struct user *user, struct error *err)
{
    gid_t group;
    size_t groups = user_find_group(USER_OWN_GROUP, &group) ? 1 : 0;
    int end_with_parent = 0;

    prctl(PR_GET_PDEATHSIG, &end_with_parent);
    capability_limit(0); /* before the change, since it needs a capability itself */
    if (setgroups(groups, &group) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
        setresuid(user->uid, user->uid, user->uid) != 0)
        return error_set_errno(err, errno, "cannot become the user %s", user->name);
    /* without PR_SET_DUMPABLE we could not read our own /proc/self */
    if (prctl(PR_SET_PDEATHSIG, end_with_parent) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "cannot make /proc/self readable");
    return 0;
}

/* The first folder on the path that we may not enter; the path itself if we may enter all its parents. */
static char *find_closed(const char *path)
{
    char *part = xstrdup(path);

    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (access(part, X_OK) != 0)
            return part;
        *slash = '/';
    }
    return part;
}

/* Checks again as the user: root could reach any folder. */
static int check_reach(const char *option, const char *path, const struct user *user, struct error *err)
{
    if (access(path, R_OK | X_OK) == 0)
        return 0;
    autofree char *closed = find_closed(path);
    return error_set(
        err, ERROR_FAILED,
        "the daemon runs as the user %s, who cannot reach '%s' because '%s' is closed to it: open that "
        "(chmod o+x '%s'), or name another folder with --%s",
        user->name, path, closed, closed, option);
}

static int stop_being_root(const struct settings *settings, struct helpers *helpers, struct error *err)
{
    struct user user = choose_user(settings->user);

    if (folders_prepare_state(settings->state_dir, &user, err) != 0)
        return -1;
    start_broker(settings, &user, &helpers->broker);
    if (publisher_start(&helpers->publisher, err) != 0 || become(&user, err) != 0 ||
        check_reach("state-dir", settings->state_dir, &user, err) != 0 ||
        check_reach("run-dir", settings->run_dir, &user, err) != 0 ||
        check_reach("sysroot", settings->sysroot, &user, err) != 0)
        return -1;
    log_info("running as the user %s", user.name);
    return 0;
}

int privilege_drop(const struct settings *settings, struct helpers *helpers, struct error *err)
{
    return geteuid() == 0 ? stop_being_root(settings, helpers, err) : 0;
}
