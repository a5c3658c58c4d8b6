/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci broker`: opens what it needs, joins the loop, the jobs and the clients, and runs. */
#include "broker/daemon/broker.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/activation.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/text.h"
#include "base/user.h"
#include "broker/daemon/client.h"
#include "broker/daemon/confine.h"
#include "broker/daemon/helper.h"
#include "broker/daemon/job_run.h"
#include "broker/daemon/kept.h"
#include "broker/daemon/listen.h"
#include "broker/daemon/machines.h"
#include "broker/daemon/mounts.h"
#include "broker/machine/machine.h"
#include "broker/probe/qemu.h"
#include "broker/run_dir.h"
#include "hardware/paths.h"
#include "hardware/pci/events.h"
#include "store/store.h"

#define LEAST_UID_BASE 65536
#define NO_BOOT_ID     "unknown" /* in a folder that only looks like a host */
#define STOP_MS        10000     /* for what runs when the broker is asked to stop */
#define SETTLE_MS      200       /* after an event, in which the kernel binds a driver to a new function */

struct daemon {
    const char *path; /* of its socket */
    char *run_dir;
    bool bound; /* by us, not by the service manager */
    struct sysroot *sysroot;
    uid_t users[CLIENT_USERS];
    int listener, signals, events; /* -1: not open */
    struct jobs jobs;              /* with the loop and the journal */
    struct clients *clients;
    bool stopping;
    struct loop_timer deadline, settled;
};

#define MOST_VOLUME_DIRS 64

struct options {
    const char *run_dir, *broker_dir, *user, *sysroot, *rom_dir, *qemu, *store, *first_uid;
    uid_t uid_base;
    const char *volume_dirs[MOST_VOLUME_DIRS + 1]; /* ends with NULL */
    size_t volume_dir_count;
    bool help;
};

static const char help[] =
    "usage: hostpci broker [OPTION]...\n\n"
    "  --run-dir DIR\n        the folder of its socket, broker.sock (default /run/hostpci)\n"
    "  --broker-dir DIR\n        its journal, for root alone (default /var/lib/hostpci-broker)\n"
    "  --user NAME\n        who may ask beside root: the user of `hostpci serve` (default hostpci)\n"
    "  --sysroot DIR\n        the host's files (/sys, /proc, ...) lie below this folder (default /)\n"
    "  --rom-dir DIR\n        where it saves ROMs, as `hostpci serve --rom-dir` (default /usr/share/kvm)\n"
    "  --qemu PATH\n        the QEMU that it starts (default " QEMU_BINARY ")\n"
    "  --volume-dir DIR\n        it gives virtual machines the files below this folder; may be repeated "
    "(default /var/lib/hostpci/images)\n"
    "  --storage-dir DIR\n        the folder of the storage `local`, as `hostpci serve --storage-dir` "
    "(default " STORE_FOLDER ")\n"
    "  --uid-base N\n        the QEMU of each virtual machine runs as a user of its own, from this number on "
    "(default 1900000000)\n";

static int add_volume_dir(struct options *options, const char *folder, struct error *err)
{
    if (options->volume_dir_count == MOST_VOLUME_DIRS)
        return error_set(err, ERROR_INVALID, "--volume-dir: there may be %d of them at most",
                         MOST_VOLUME_DIRS);
    options->volume_dirs[options->volume_dir_count++] = folder;
    return 0;
}

/* All of them must be numbers of users, and none of those that systems give to people and services. */
static int parse_uid_base(const char *text, uid_t *ret, struct error *err)
{
    unsigned long long number = MACHINE_UID_BASE;

    if (text != NULL && (!text_to_number(text, 10, (uint32_t)INT32_MAX - MACHINE_UID_COUNT, &number) ||
                         number < LEAST_UID_BASE))
        return error_set(err, ERROR_INVALID, "--uid-base: '%.20s' is not a number from %d to %d", text,
                         LEAST_UID_BASE, INT32_MAX - MACHINE_UID_COUNT);
    *ret = (uid_t)number;
    return 0;
}

static int read_options(int argc, char **argv, struct options *options, struct error *err)
{
    static const struct option names[] = {{"run-dir", required_argument, NULL, 'r'},
                                          {"broker-dir", required_argument, NULL, 'b'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"sysroot", required_argument, NULL, 's'},
                                          {"rom-dir", required_argument, NULL, 'm'},
                                          {"qemu", required_argument, NULL, 'q'},
                                          {"volume-dir", required_argument, NULL, 'v'},
                                          {"storage-dir", required_argument, NULL, 'l'},
                                          {"uid-base", required_argument, NULL, 'i'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *folder = NULL;
    int found;

    optind = 0; /* glibc starts over */
    while ((found = getopt_long(argc, argv, "+:h", names, NULL)) != -1) {
        const char **option = found == 'r'   ? &options->run_dir
                              : found == 'b' ? &options->broker_dir
                              : found == 'u' ? &options->user
                              : found == 'm' ? &options->rom_dir
                              : found == 'q' ? &options->qemu
                              : found == 'v' ? &folder
                              : found == 'l' ? &options->store
                              : found == 'i' ? &options->first_uid
                                             : &options->sysroot;
        if (found == 'h')
            options->help = true;
        else if (found == ':' || found == '?')
            return error_set(err, ERROR_INVALID, "option '%.60s' %s; `hostpci broker --help` lists them",
                             argv[optind - 1], found == ':' ? "needs a value" : "is unknown");
        else if ((*option = optarg)[0] == '\0')
            return error_set(err, ERROR_INVALID,
                             "'%.60s' is empty; `hostpci broker --help` says what it takes",
                             argv[optind - 1]);
        else if (found == 'v' && add_volume_dir(options, folder, err) != 0)
            return -1;
    }
    if (options->volume_dir_count == 0)
        options->volume_dirs[0] = "/var/lib/hostpci/images";
    if (optind < argc)
        return error_set(err, ERROR_INVALID, "'%.60s' is not an option; `hostpci broker --help` lists them",
                         argv[optind]);
    return parse_uid_base(options->first_uid, &options->uid_base, err);
}

/* Root, the broker's own user, and the one that the front runs as. */
static int choose_users(const char *name, uid_t users[static CLIENT_USERS], struct error *err)
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
        log_warning(
            "there is no user 'hostpci', so 'nobody' may ask instead; create that user, or give --user");
    }
    return 0;
}

static void read_boot(const struct sysroot *sysroot, char *boot, size_t size)
{
    if (sysfs_read(sysroot_fd(sysroot), PROC_BOOT_ID, boot, size) <= 0)
        snprintf(boot, size, "%s", NO_BOOT_ID);
}

static int open_signals(int *ret, struct error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (*ret = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
        return error_set_errno(err, errno, "cannot wait for signals");
    return 0;
}

/* Everybody may enter the socket's folder, whatever the service manager's umask is; the journal sets modes of
 * its own. */
static void prepare_process(void)
{
    umask(0022);
    limits_prepare();
    memory_guard_json();
    json_object_seed(0);
}

__attribute__((weak)) long broker_stop_at(void)
{
    return 0;
}

static void on_news(void *context, int64_t number)
{
    struct daemon *daemon = context;

    if (daemon->clients != NULL)
        clients_send_news(daemon->clients, number);
}

static void on_deadline(void *context)
{
    struct daemon *daemon = context;

    loop_stop(daemon->jobs.loop);
}

/* The socket goes at once: whoever waits for this broker's end may start the next one. */
static void on_signal(void *context, short events)
{
    struct daemon *daemon = context;
    struct signalfd_siginfo signal;

    (void)events;
    if (read(daemon->signals, &signal, sizeof(signal)) != sizeof(signal) || daemon->stopping)
        return;
    log_info("%s: stopping", signal.ssi_signo == SIGINT ? "interrupted" : "asked to stop");
    notify_manager("STOPPING=1");
    daemon->stopping = true;
    if (daemon->bound)
        unlink(daemon->path);
    clients_refuse_more(daemon->clients);
    loop_set_timer(daemon->jobs.loop, &daemon->deadline, STOP_MS, on_deadline, daemon);
}

static void on_settled(void *context)
{
    struct daemon *daemon = context;

    if (!daemon->stopping)
        kept_apply(daemon->jobs.kept);
}

static void on_events(void *context, short events)
{
    struct daemon *daemon = context;

    (void)events;
    kept_take_events(daemon->jobs.kept, daemon->events);
    loop_set_timer(daemon->jobs.loop, &daemon->settled, SETTLE_MS, on_settled, daemon);
}

/* Whether something runs, or has ended and its client does not know it yet. Operations that wait for the
 * kernel do not count. */
static bool is_busy(const struct daemon *daemon)
{
    for (const struct job *job = daemon->jobs.list; job != NULL; job = job->next)
        if (job_has_worker(job) && !job_is_silent(job))
            return true;
    return clients_wait_for_answers(daemon->clients);
}

static void before_wait(void *context)
{
    struct daemon *daemon = context;

    clients_free_ended(daemon->clients);
    if (jobs_free_ended(&daemon->jobs) > 0 && !daemon->stopping) {
        kept_apply(daemon->jobs.kept);
        machines_look(daemon->jobs.machines);
    }
    clients_take_turns(daemon->clients);
    if (daemon->stopping && !is_busy(daemon))
        loop_stop(daemon->jobs.loop);
}

/* Whether it is root, and no unit restricts which of the host's files it can write. */
static bool is_started_by_hand(const struct daemon *daemon)
{
    return daemon->bound && geteuid() == 0;
}

static int open_sysroot(const struct options *options, struct daemon *daemon, struct error *err)
{
    sysroot_close(TAKE(daemon->sysroot));
    if (sysroot_open(options->sysroot, &daemon->sysroot, err) != 0)
        return error_prefix(err, "--sysroot: ");
    if (sysroot_is_host(daemon->sysroot) && geteuid() != 0)
        return error_set(err, ERROR_FORBIDDEN, "only root can change this host: start the broker as root");
    return 0;
}

/* After the folders were made, and before anything is opened that the restriction would then not affect. */
static int restrict_mounts(const struct options *options, struct daemon *daemon, struct error *err)
{
    const char *sysroot = sysroot_is_host(daemon->sysroot) ? NULL : options->sysroot;

    if (journal_make_folder(options->broker_dir, err) != 0)
        return error_prefix(err, "--broker-dir: ");
    if (sysroot == NULL) /* as the package does; without it only saving a ROM fails, and says so */
        mkdir(options->rom_dir, 0755);
    if (mounts_restrict((const char *const[MOUNTS_OWN]){sysroot, options->run_dir, options->broker_dir,
                                                        options->rom_dir, options->store},
                        err) != 0)
        return -1;
    return open_sysroot(options, daemon, err);
}

/* Fails quietly: without it everything except the storage `local` works. */
static void prepare_store(const char *folder, uid_t user)
{
    struct error err;

    if (store_prepare(folder, user, &err) != 0)
        log_warning("nobody can make disks or keep ISO images: %s", err.message);
}

/* Called before anything is read that an event could change. Without events everything else works. */
static void open_events(struct daemon *daemon)
{
    if (!sysroot_is_host(daemon->sysroot))
        return;
    daemon->events = pci_events_open();
    if (daemon->events < 0)
        log_warning("cannot receive the kernel's device events (%s): persistent settings of devices that "
                    "appear later are applied at the next start of the broker",
                    strerror(-daemon->events));
}

static int open_all(const struct options *options, struct daemon *daemon, struct error *err)
{
    char boot[64];

    if (open_sysroot(options, daemon, err) != 0 ||
        helper_start(daemon->sysroot, &daemon->jobs.helper, err) != 0 ||
        choose_users(options->user, daemon->users, err) != 0 || open_signals(&daemon->signals, err) != 0)
        return -1;
    daemon->listener = activation_take_socket(SOCK_SEQPACKET);
    daemon->bound = daemon->listener < 0;
    if (daemon->bound && run_dir_prepare(options->run_dir, err) != 0)
        return -1;
    prepare_store(options->store, daemon->users[CLIENT_USERS - 1]);
    if (is_started_by_hand(daemon) && restrict_mounts(options, daemon, err) != 0)
        return -1;
    daemon->run_dir = realpath(options->run_dir, NULL);
    if (daemon->run_dir == NULL)
        return error_set_errno(err, errno, "--run-dir: '%s'", options->run_dir);
    read_boot(daemon->sysroot, boot, sizeof(boot));
    if (journal_open(options->broker_dir, boot, &daemon->jobs.journal, err) != 0)
        return error_prefix(err, "--broker-dir: ");
    if (daemon->bound &&
        broker_listen(daemon->path, daemon->users[CLIENT_USERS - 1], &daemon->listener, err) != 0)
        return -1;
    open_events(daemon);
    return broker_confine(err);
}

/* What an earlier broker left is brought back before the persistent choices are applied, and both have begun
 * before anybody can ask for more. */
static int start(const struct options *options, struct daemon *daemon, struct error *err)
{
    struct jobs *jobs = &daemon->jobs;
    autojson json_t *open = NULL;
    size_t i;
    json_t *row;

    jobs->loop = loop_new();
    jobs->sysroot = daemon->sysroot;
    jobs->rom_dir = options->rom_dir;
    jobs->run_dir = daemon->run_dir;
    jobs->qemu = options->qemu;
    jobs->volume_dirs = options->volume_dirs;
    jobs->store = options->store;
    jobs->uid_base = options->uid_base;
    jobs->stop_at = broker_stop_at();
    jobs->changed = on_news;
    jobs->context = daemon;
    if (journal_list_open(jobs->journal, &open, err) != 0 || kept_new(jobs, &jobs->kept, err) != 0)
        return -1;
    json_array_foreach(open, i, row)
        job_resume(jobs, row);
    kept_apply(jobs->kept);
    jobs->machines = machines_new(jobs);
    machines_look(jobs->machines);
    daemon->clients = clients_new(jobs->loop, jobs, daemon->listener, daemon->users);
    daemon->listener = -1;
    loop_watch(jobs->loop, daemon->signals, POLLIN, on_signal, daemon);
    if (daemon->events >= 0)
        loop_watch(jobs->loop, daemon->events, POLLIN, on_events, daemon);
    loop_before_wait(jobs->loop, before_wait, daemon);
    return daemon->bound ? broker_publish(daemon->path, err) : 0;
}

static void close_all(struct daemon *daemon)
{
    unsigned left = 0;

    for (const struct job *job = daemon->jobs.list; job != NULL; job = job->next)
        left += job->id != NULL && job->state != JOB_ENDED;
    if (left > 0)
        log_warning("%u operations did not end: the next broker brings back what they changed", left);
    clients_free(daemon->clients); /* they know their jobs, but no job knows its clients */
    machines_free(daemon->jobs.machines);
    if (daemon->jobs.loop != NULL)
        jobs_clear(&daemon->jobs);
    loop_free(daemon->jobs.loop);
    kept_free(daemon->jobs.kept);
    if (daemon->listener >= 0)
        close(daemon->listener);
    if (daemon->signals >= 0)
        close(daemon->signals);
    if (daemon->events >= 0)
        close(daemon->events);
    if (daemon->jobs.helper >= 0)
        close(daemon->jobs.helper);
    journal_close(daemon->jobs.journal);
    sysroot_close(daemon->sysroot);
    free(daemon->run_dir);
}

static int run(const struct options *options, struct error *err)
{
    autofree char *path = xasprintf("%s/broker.sock", options->run_dir);
    struct daemon daemon = {.path = path, .listener = -1, .signals = -1, .events = -1, .jobs.helper = -1};

    int result = open_all(options, &daemon, err);
    if (result == 0)
        result = start(options, &daemon, err);
    if (result == 0) {
        log_info("listening on %s", path);
        notify_manager("READY=1");
        result = loop_run(daemon.jobs.loop, err);
    }
    close_all(&daemon);
    return result;
}

int broker_main(int argc, char **argv)
{
    struct options options = {.run_dir = "/run/hostpci",
                              .broker_dir = "/var/lib/hostpci-broker",
                              .sysroot = "/",
                              .rom_dir = "/usr/share/kvm",
                              .qemu = QEMU_BINARY,
                              .store = STORE_FOLDER};
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
