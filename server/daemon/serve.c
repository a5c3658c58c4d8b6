/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci serve`: opens everything, answers requests, and closes everything again. */
#include "server/daemon/serve.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/login.h"
#include "api/node/node.h"
#include "api/qemu/power.h"
#include "api/qemu/task.h"
#include "api/request.h"
#include "base/activation.h"
#include "base/event.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "broker/run_dir.h"
#include "cluster/address.h"
#include "cluster/forward.h"
#include "cluster/key.h"
#include "passthrough/index.h"
#include "passthrough/start/watch.h"
#include "schema/validate.h"
#include "server/daemon/confine.h"
#include "server/daemon/privilege.h"
#include "server/daemon/settings.h"
#include "server/http/http.h"
#include "server/http/listen.h"
#include "server/http/response.h"
#include "server/http/tls.h"
#include "server/request/exchange.h"
#include "storage/commit.h"
#include "storage/replica/replica.h"

#define FAILED_LOGIN_MILLISECONDS 3000
#define STOP_SECONDS              10
#define KEY_LOOKS                 2 /* one to put the key there, one for a node that was slower */
#define STOP_TASKS_SECONDS        2 /* the next daemon resumes those that have not ended */

/* Hashing a password takes 16 MiB, so few are hashed at the same time. */
static const struct worker_limits
    worker_limits = {.threads = 8, .kept_threads = 2, .places = 128, .kept_places = 32, .share = 32},
    login_limits = {.threads = 3, .kept_threads = 1, .places = 32, .kept_places = 16, .share = 8},
    forward_limits = {.threads = 16, .places = 256, .share = 64};

/* A socket that is bound while we are still root, if we are. */
struct listener {
    int socket;
    bool tls;
    char *url;
};

struct daemon {
    struct settings settings;
    uid_t owner; /* the user who started us */
    struct listener listeners[SETTINGS_LISTENERS];
    size_t listener_count;
    int local; /* the local socket; -1: there is none yet */
    struct helpers helpers;
    struct etcd *etcd; /* NULL: a single node */
    struct replica *replica;
    char *announced; /* the URL that the other nodes know */
    char pin[FORWARD_PIN_SIZE];
    struct shared_key key;
    struct tls tls;
    struct service service;
    struct server server;
    struct http *http;
    struct start_watch *watch;
    char *vm_dir; /* RUN_DIR/vm, from the root on */
    bool answers; /* on all sockets */
};

static enum inventory_mode inventory_mode(const char *name)
{
    if (name == NULL)
        return INVENTORY_AUTO;
    return strcmp(name, "cached") == 0 ? INVENTORY_CACHED : INVENTORY_FRESH;
}

/* What access calls, which does not know the broker. */
static int ask_pam(void *broker, const char *user, const char *password, struct error *err)
{
    autojson json_t *result = NULL;
    json_t *arguments = json_pack("{s:s, s:s}", "user", user, "password", password);

    return broker_call(broker, "pam", NULL, arguments, NULL, NULL, &result, err);
}

/* The paths that command lines of QEMU name. */
static int open_paths(struct daemon *daemon, struct error *err)
{
    const struct settings *settings = &daemon->settings;
    autofree char *run = realpath(settings->run_dir, NULL);

    if (run == NULL)
        return error_set_errno(err, errno, "--run-dir: '%s'", settings->run_dir);
    daemon->vm_dir = xasprintf("%s/vm", run);
    daemon->service.paths = (struct vm_paths){.qemu = settings->qemu,
                                              .run = daemon->vm_dir,
                                              .rom = settings->rom_dir,
                                              .ovmf = QEMU_FIRMWARE,
                                              .only_4m = qemu_firmware_is_4m(QEMU_FIRMWARE),
                                              .store = settings->storage_dir};
    daemon->service.volume_dirs = (const char *const *)settings->volume_dirs;
    return 0;
}

static void tell_of_etcd(const char *trouble)
{
    if (trouble == NULL)
        log_info("this node follows the cluster's configuration");
    else
        log_warning("the cluster's configuration cannot be followed: %s", trouble);
}

/* Before anybody writes to the storage. */
static int open_replica(struct daemon *daemon, struct error *err)
{
    const struct settings *settings = &daemon->settings;
    const struct etcd_options options = {settings->etcd, settings->etcd_ca, settings->etcd_cert,
                                         settings->etcd_key};

    if (settings->etcd == NULL)
        return storage_forget_position(daemon->service.storage, err);
    if (etcd_open(&options, &daemon->etcd, err) != 0)
        return -1;
    if (settings->etcd_cert == NULL)
        log_warning(
            "etcd is called without a client certificate: whoever runs a program on its machine may "
            "write there, and so is root@pam; run it with --client-cert-auth, and name --etcd-cert and "
            "--etcd-key");
    return replica_open(daemon->service.storage, daemon->etcd, settings->node, tell_of_etcd, &daemon->replica,
                        err);
}

static void tell_of_members(const char *trouble)
{
    if (trouble == NULL)
        log_info("this node is registered in the cluster");
    else
        log_warning("this node is not registered in the cluster: %s", trouble);
}

static json_t *measure(void *context)
{
    const struct daemon *daemon = context;

    return node_measure(&daemon->service);
}

/* A node that does not succeed now tries again with the next round. */
static void share_key(void *context)
{
    struct daemon *daemon = context;
    struct error err;

    if (shared_key_sync(&daemon->key, &err) != 0)
        log_warning("the key of tickets is not the cluster's: %s", err.message);
}

/* Other nodes call the first listener with TLS. */
static int open_members(struct daemon *daemon, struct error *err)
{
    const struct listener *listener = &daemon->listeners[0];

    if (daemon->etcd == NULL)
        return 0;
    for (size_t i = daemon->listener_count; i-- > 0;)
        if (daemon->listeners[i].tls)
            listener = &daemon->listeners[i];
    if (forward_make_pin(daemon->tls.certificate, daemon->pin, err) != 0)
        return -1;
    daemon->key = (struct shared_key){.etcd = daemon->etcd,
                                      .path = xasprintf("%s/auth.key", daemon->settings.state_dir)};
    for (int i = 0; i < KEY_LOOKS && daemon->key.revision == 0; i++)
        share_key(daemon);
    daemon->announced = address_announce(listener->url, daemon->settings.etcd);
    const struct member_self self = {.name = daemon->settings.node,
                                     .url = daemon->announced,
                                     .fingerprint = daemon->tls.fingerprint,
                                     .pin = daemon->pin,
                                     .version = VERSION,
                                     .measure = measure,
                                     .each_round = share_key,
                                     .context = daemon};
    return members_open(daemon->etcd, &self, tell_of_members, &daemon->service.members, err);
}

static int open_service(struct daemon *daemon, struct error *err)
{
    const struct settings *settings = &daemon->settings;
    struct service *service = &daemon->service;
    autofree char *database = xasprintf("%s/hostpci.db", settings->state_dir);

    if (file_make_folder(settings->state_dir, 0700, err) != 0)
        return error_prefix(err, "--state-dir: ");
    if (open_paths(daemon, err) != 0 || sysroot_open(settings->sysroot, &service->sysroot, err) != 0 ||
        inventory_source_open(service->sysroot, inventory_mode(settings->inventory), &service->inventory,
                              err) != 0 ||
        names_open(service->sysroot, &service->names, err) != 0 ||
        storage_open(database, passthrough_index, &service->storage, err) != 0 ||
        open_replica(daemon, err) != 0 || access_open(service->storage, &service->access, err) != 0 ||
        tasks_open(service->storage, settings->node, &service->tasks, err) != 0 ||
        access_open_keys(service->access, settings->state_dir, err) != 0 ||
        tls_open(settings->state_dir, settings->node, &daemon->tls, err) != 0)
        return -1;
    upload_sweep(settings->storage_dir);
    service->node = settings->node;
    service->certificate = daemon->tls.certificate != NULL ? daemon->tls.certificate : "";
    service->fingerprint = daemon->tls.fingerprint;
    service->broker = broker_new(settings->run_dir);
    service->consoles = console_ports_new();
    access_set_pam(service->access, ask_pam, service->broker);
    login_set_limit(service->access, settings->login_day_count);
    return open_members(daemon, err);
}

static void close_service(struct daemon *daemon)
{
    broker_free(daemon->service.broker);
    console_ports_free(daemon->service.consoles);
    access_close(daemon->service.access);
    members_close(daemon->service.members);
    free(daemon->announced);
    shared_key_release(&daemon->key);
    replica_close(daemon->replica);
    etcd_close(daemon->etcd);
    storage_close(daemon->service.storage);
    names_close(daemon->service.names);
    inventory_source_close(daemon->service.inventory);
    sysroot_close(daemon->service.sysroot);
    tls_release(&daemon->tls);
    qemu_close(daemon->service.qemu);
    free(daemon->vm_dir);
}

static int open_server(struct daemon *daemon, struct error *err)
{
    struct server *server = &daemon->server;

    if (validate_table(endpoint_table, endpoint_count, err) != 0)
        return error_prefix(err, "the table of endpoints is wrong: ");
    server->service = &daemon->service;
    server->routes = (struct routes){endpoint_table, endpoint_count, daemon->settings.node};
    server->owner = daemon->owner;
    server->origins = (const char *const *)daemon->settings.cors;
    server->cache = reply_cache_new();
    server->streams = streams_new();
    event_begin(streams_wake, server->streams);
    pthread_mutex_init(&server->coalescer.mutex, NULL);
    pthread_mutex_init(&server->bodies.mutex, NULL);
    pthread_mutex_init(&server->gatherer.mutex, NULL);
    if (worker_pool_open(&worker_limits, &server->workers, err) != 0 ||
        worker_pool_open(&login_limits, &server->logins, err) != 0)
        return -1;
    if (daemon->etcd != NULL && (forwarder_open(&server->forwarder, err) != 0 ||
                                 worker_pool_open(&forward_limits, &server->forwards, err) != 0))
        return -1;
    return throttle_open(FAILED_LOGIN_MILLISECONDS, &server->throttle, err);
}

static void close_server(struct daemon *daemon)
{
    event_end();
    streams_free(daemon->server.streams);
    worker_pool_close(daemon->server.workers);
    worker_pool_close(daemon->server.logins);
    worker_pool_close(daemon->server.forwards);
    forwarder_close(daemon->server.forwarder);
    throttle_close(daemon->server.throttle);
    reply_cache_free(daemon->server.cache);
    pthread_mutex_destroy(&daemon->server.coalescer.mutex);
    pthread_mutex_destroy(&daemon->server.gatherer.mutex);
    pthread_mutex_destroy(&daemon->server.bodies.mutex);
}

static int bind_network(struct daemon *daemon, struct error *err)
{
    for (char **url = daemon->settings.listen; *url != NULL; url++) {
        struct listener *listener = &daemon->listeners[daemon->listener_count];
        if (listen_url(*url, &listener->socket, &listener->tls, &listener->url, err) != 0)
            return -1;
        daemon->listener_count++;
    }
    return 0;
}

static int answer_network(struct daemon *daemon, struct error *err)
{
    for (size_t i = 0; i < daemon->listener_count; i++) {
        const struct listener *listener = &daemon->listeners[i];
        if (http_answer(daemon->http, listener->socket, false, listener->tls ? &daemon->tls : NULL, err) != 0)
            return -1;
        log_info("listening on %s", listener->url);
    }
    return 0;
}

/* The service manager may have made the socket; otherwise we make it while we are still root. */
static int bind_local(struct daemon *daemon, struct error *err)
{
    const struct settings *settings = &daemon->settings;

    daemon->local = activation_take_socket(SOCK_STREAM);
    if (daemon->local >= 0)
        return 0;
    if (run_dir_prepare(settings->run_dir, err) != 0 ||
        listen_local(settings->socket, &daemon->local, err) != 0)
        return -1;
    daemon->helpers.publisher.path = settings->socket;
    return 0;
}

/* The socket gets its name only when the daemon can answer, so that whoever waits for the name can connect.
 */
static int answer_local(struct daemon *daemon, struct error *err)
{
    const char *path = daemon->settings.socket;
    struct publisher *publisher = &daemon->helpers.publisher;
    autofree char *temporary = publisher->path != NULL ? xasprintf("%s.new", path) : xstrdup(path);

    if (http_answer(daemon->http, daemon->local, true, NULL, err) != 0)
        return -1;
    if (!response_check_phrases(temporary))
        log_warning("this libmicrohttpd does not let us choose reason phrases: clients that read nothing "
                    "else will not "
                    "see why a request failed");
    if (publisher->path != NULL && publisher_publish(publisher, err) != 0)
        return -1;
    daemon->answers = true;
    log_info("listening on %s", path);
    return 0;
}

/* To be called when the earlier daemon's tasks have been resumed, since one of them may be about the same
 * VM's end. */
static void watch_guests(struct daemon *daemon)
{
    const struct start_host host = qemu_start_host(&daemon->service);

    daemon->watch = start_watch_new(&host);
    if (daemon->watch == NULL)
        log_warning("there is no thread left to notice that VMs have ended");
}

static int open_all(struct daemon *daemon, struct error *err)
{
    if (bind_network(daemon, err) != 0 || bind_local(daemon, err) != 0 ||
        privilege_drop(&daemon->settings, &daemon->helpers, err) != 0 || confine_front(err) != 0 ||
        qemu_open(daemon->settings.qemu, &daemon->service.qemu, err) != 0 || confine_programs(err) != 0 ||
        open_service(daemon, err) != 0 || open_server(daemon, err) != 0 ||
        tasks_recover(daemon->service.tasks, qemu_task_resume, &daemon->service, err) != 0)
        return -1;
    if (http_new(&daemon->server, daemon->settings.thread_count, &daemon->http, err) != 0 ||
        answer_network(daemon, err) != 0)
        return -1;
    watch_guests(daemon);
    return answer_local(daemon, err);
}

static void wait_for_signal(struct daemon *daemon)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    while (sigwait(&set, &number) != 0 || number == SIGCHLD)
        own_broker_check(&daemon->helpers.broker);
    log_info("%s: stopping", number == SIGINT ? "interrupted" : "asked to stop");
}

/* All threads inherit the signal mask: only wait_for_signal receives signals. */
static void prepare_process(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    limits_prepare();
    mallopt(M_ARENA_MAX,
            2); /* with an arena for each thread, each would keep the memory of its largest reply */
    memory_guard_json();
    json_object_seed(0);
}

/* Requests and tasks that still run use everything here. Then nothing is freed, and the process just ends. */
static void stop(struct daemon *daemon)
{
    notify_manager("STOPPING=1");
    publisher_stop(&daemon->helpers.publisher);
    if (daemon->http != NULL && !http_stop(daemon->http, STOP_SECONDS)) {
        log_warning("stopping although some requests have not ended within %d seconds", STOP_SECONDS);
        _exit(EXIT_FAILURE);
    }
    http_free(daemon->http);
    console_ports_stop(daemon->service.consoles);
    start_watch_free(daemon->watch);
    own_broker_stop(&daemon->helpers.broker); /* before the tasks, which learn from it how they ended */
    if (!tasks_close(daemon->service.tasks, STOP_TASKS_SECONDS)) {
        log_info("some tasks go on in the broker; the next daemon follows them");
        _exit(daemon->answers ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close_server(daemon);
    close_service(daemon);
    for (size_t i = 0; i < daemon->listener_count; i++)
        free(daemon->listeners[i].url);
}

int serve_main(int argc, char **argv)
{
    struct daemon daemon = {.owner = getuid(), .local = -1};
    struct error err;

    prepare_process();
    if (settings_read(argc, argv, &daemon.settings, &err) != 0) {
        log_error("%s", err.message);
        return EXIT_FAILURE;
    }
    if (daemon.settings.help) {
        autotext struct text help = {0};
        settings_print_help(&help);
        fputs(text_string(&help), stdout);
        return EXIT_SUCCESS;
    }
    int result = open_all(&daemon, &err);
    if (result == 0) {
        notify_manager("READY=1");
        wait_for_signal(&daemon);
    } else {
        log_error("%s", err.message);
    }
    stop(&daemon);
    settings_release(&daemon.settings);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
