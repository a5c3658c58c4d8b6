/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci broker`: opens what it needs, runs, closes it. */
#include "broker/daemon/broker.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/user.h"
#include "broker/daemon/confine.h"
#include "broker/daemon/loop.h"
#include "hardware/paths.h"

#define NO_BOOT_ID "unknown" /* of a folder that only looks like a host */

struct options {
    const char *run_dir, *broker_dir, *user, *sysroot;
    bool help;
};

static const char help[] =
    "usage: hostpci broker [OPTION]...\n\n"
    "  --run-dir DIR\n        the folder of its socket, broker.sock (default /run/hostpci)\n"
    "  --broker-dir DIR\n        its journal, for root alone (default /var/lib/hostpci-broker)\n"
    "  --user NAME\n        who may ask beside root: the user of `hostpci serve` (default hostpci)\n"
    "  --sysroot DIR\n        the host's files (/sys, /proc, ...) lie below this folder (default /)\n";

static int read_options(int argc, char **argv, struct options *options, struct error *err)
{
    static const struct option names[] = {
        {"run-dir", required_argument, NULL, 'r'}, {"broker-dir", required_argument, NULL, 'b'},
        {"user", required_argument, NULL, 'u'},    {"sysroot", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int found;

    optind = 0; /* starts anew, with glibc */
    while ((found = getopt_long(argc, argv, "+:h", names, NULL)) != -1) {
        const char **place = found == 'r'   ? &options->run_dir
                             : found == 'b' ? &options->broker_dir
                             : found == 'u' ? &options->user
                                            : &options->sysroot;
        if (found == 'h')
            options->help = true;
        else if (found == ':' || found == '?')
            return error_set(err, ERROR_INVALID, "option '%.60s' %s; `hostpci broker --help` lists them",
                             argv[optind - 1], found == ':' ? "needs a value" : "is unknown");
        else if ((*place = optarg)[0] == '\0')
            return error_set(err, ERROR_INVALID,
                             "'%.60s' is empty; `hostpci broker --help` says what it takes",
                             argv[optind - 1]);
    }
    if (optind < argc)
        return error_set(err, ERROR_INVALID, "'%.60s' is not an option; `hostpci broker --help` lists them",
                         argv[optind]);
    return 0;
}

/* Beside root and itself: the user that the front runs as. */
static int choose_users(const char *name, uid_t users[static 3], struct error *err)
{
    struct user user;

    users[0] = 0;
    users[1] = users[2] = geteuid();
    if (user_find(name != NULL ? name : "hostpci", &user)) {
        users[2] = user.uid;
    } else if (name != NULL) {
        return error_set(err, ERROR_INVALID, "--user: there is no user '%.60s' in /etc/passwd", name);
    } else if (user_find("nobody", &user)) {
        users[2] = user.uid;
        log_warning("there is no user hostpci: 'nobody' may ask in its place; make one, or give --user");
    }
    return 0;
}

static void read_boot(const struct sysroot *sysroot, char *boot, size_t size)
{
    if (sysfs_read(sysroot_fd(sysroot), PROC_BOOT_ID, boot, size) <= 0)
        snprintf(boot, size, "%s", NO_BOOT_ID);
}

static int take_signals(int *ret, struct error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (*ret = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
        return error_set_errno(err, errno, "cannot wait for signals");
    return 0;
}

/* The socket's folder is for all to enter, whatever the service manager's umask is; the journal makes its own
 * mode. And each client takes a descriptor. */
static void prepare_process(void)
{
    struct rlimit files;

    umask(0022);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    memory_guard_json();
    json_object_seed(0);
}

static void read_stop(struct loop *loop)
{
    const char *text = getenv("HOSTPCI_BROKER_STOP_AT");
    unsigned long long number = 0;

    if (text != NULL && text_to_number(text, 10, LONG_MAX, &number))
        loop->stop_at = (long)number;
}

static int open_all(const struct options *options, struct sysroot **sysroot, struct loop *loop,
                    struct error *err)
{
    char boot[64];

    if (sysroot_open(options->sysroot, sysroot, err) != 0)
        return error_prefix(err, "--sysroot: ");
    if (sysroot_is_host(*sysroot) && geteuid() != 0)
        return error_set(err, ERROR_FORBIDDEN, "only root can change this host: start the broker as root");
    loop->sysroot = *sysroot;
    read_boot(*sysroot, boot, sizeof(boot));
    if (choose_users(options->user, loop->users, err) != 0 || take_signals(&loop->signals, err) != 0)
        return -1;
    if (file_make_folder(options->run_dir, 0755, err) != 0)
        return error_prefix(err, "--run-dir: ");
    if (journal_open(options->broker_dir, boot, &loop->journal, err) != 0)
        return error_prefix(err, "--broker-dir: ");
    if (broker_listen(loop->path, &loop->listener, err) != 0)
        return -1;
    return broker_confine(err);
}

static int run(const struct options *options, struct error *err)
{
    autofree char *path = xasprintf("%s/broker.sock", options->run_dir);
    struct loop loop = {.path = path, .listener = -1, .signals = -1};
    struct sysroot *sysroot = NULL;

    read_stop(&loop);
    int result = open_all(options, &sysroot, &loop, err);
    if (result == 0)
        result = loop_run(&loop, err);
    if (loop.listener >= 0)
        close(loop.listener);
    if (loop.signals >= 0)
        close(loop.signals);
    journal_close(loop.journal);
    sysroot_close(sysroot);
    return result;
}

int broker_main(int argc, char **argv)
{
    struct options options = {
        .run_dir = "/run/hostpci", .broker_dir = "/var/lib/hostpci-broker", .sysroot = "/"};
    struct error err;

    prepare_process();
    if (read_options(argc, argv, &options, &err) != 0) {
        log_error("%s", err.message);
        return EXIT_FAILURE;
    }
    if (options.help) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (run(&options, &err) == 0)
        return EXIT_SUCCESS;
    log_error("%s", err.message);
    return EXIT_FAILURE;
}
