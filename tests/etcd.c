/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real etcd for a test. */
#include "tests/etcd.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exec.h"
#include "base/memory.h"
#include "storage/etcd/etcd.h"

#define ETCD    "/usr/bin/etcd"
#define OPENSSL "/usr/bin/openssl"
#define LOOKS   1500 /* of 20 ms */

bool etcd_servers_possible(void)
{
    return access(ETCD, X_OK) == 0 && access(OPENSSL, X_OK) == 0;
}

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0, "%s", strerror(errno));
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void make_certificate(struct etcd_servers *servers)
{
    autofree char *output = NULL;
    struct error err;

    snprintf(servers->certificate, sizeof(servers->certificate), "%s/etcd.pem", servers->folder);
    snprintf(servers->key, sizeof(servers->key), "%s/etcd.key", servers->folder);
    const char *const argv[] = {OPENSSL,
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:prime256v1",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=etcd",
                                "-addext",
                                "subjectAltName=IP:127.0.0.1",
                                "-addext",
                                "extendedKeyUsage=serverAuth,clientAuth",
                                "-keyout",
                                servers->key,
                                "-out",
                                servers->certificate,
                                NULL};
    cr_assert_eq(exec_run(argv, 60, &output, &err), 0, "%s", err.message);
    cr_assert_eq(chmod(servers->key, 0644), 0); /* a test's daemon may be nobody */
}

static void print_cluster(const struct etcd_servers *servers, struct text *ret)
{
    for (unsigned i = 0; i < servers->count; i++)
        text_printf(ret, "%sm%u=http://127.0.0.1:%u", i > 0 ? "," : "", i, servers->peer_ports[i]);
}

static void become_etcd(const struct etcd_servers *servers, unsigned member)
{
    autotext struct text cluster = {0};
    autofree char *log = xasprintf("%s/m%u.log", servers->folder, member);
    autofree char *data = xasprintf("%s/m%u", servers->folder, member);
    autofree char *name = xasprintf("m%u", member);
    autofree char *client =
        xasprintf("%s://127.0.0.1:%u", servers->tls ? "https" : "http", servers->ports[member]);
    autofree char *peer = xasprintf("http://127.0.0.1:%u", servers->peer_ports[member]);
    const char *argv[] = {ETCD,
                          "--name",
                          name,
                          "--data-dir",
                          data,
                          "--listen-client-urls",
                          client,
                          "--advertise-client-urls",
                          client,
                          "--listen-peer-urls",
                          peer,
                          "--initial-advertise-peer-urls",
                          peer,
                          "--initial-cluster",
                          NULL,
                          "--heartbeat-interval=50",
                          "--election-timeout=500",
                          servers->tls ? "--client-cert-auth" : NULL,
                          "--trusted-ca-file",
                          servers->certificate,
                          "--cert-file",
                          servers->certificate,
                          "--key-file",
                          servers->key,
                          NULL};

    print_cluster(servers, &cluster);
    argv[14] = text_string(&cluster);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(ETCD, (char *const *)argv);
    _exit(127);
}

void etcd_servers_run(struct etcd_servers *servers, unsigned member)
{
    servers->pids[member] = fork();
    cr_assert_geq(servers->pids[member], 0);
    if (servers->pids[member] == 0)
        become_etcd(servers, member);
}

void etcd_servers_wait(struct etcd_servers *servers)
{
    const struct etcd_options options = {servers->endpoints, servers->tls ? servers->certificate : NULL,
                                         servers->tls ? servers->certificate : NULL,
                                         servers->tls ? servers->key : NULL};
    struct etcd *etcd;
    struct error err;

    cr_assert_eq(etcd_open(&options, &etcd, &err), 0, "%s", err.message);
    for (int looks = 0;; looks++) {
        autoitems struct etcd_items items = {0};
        if (etcd_read(etcd, "a", NULL, 1, 0, &items, &err) == 0)
            break;
        cr_assert_lt(looks, LOOKS, "%s", err.message);
        usleep(20000);
    }
    etcd_close(etcd);
}

void etcd_servers_start(struct etcd_servers *servers, unsigned count, bool tls)
{
    autotext struct text endpoints = {0};

    *servers = (struct etcd_servers){.folder = "/tmp/hostpci-etcd-XXXXXX", .count = count, .tls = tls};
    cr_assert_not_null(mkdtemp(servers->folder));
    cr_assert_eq(chmod(servers->folder, 0755), 0);
    if (tls)
        make_certificate(servers);
    for (unsigned i = 0; i < count; i++) {
        servers->ports[i] = free_port();
        servers->peer_ports[i] = free_port();
        text_printf(&endpoints, "%s%s://127.0.0.1:%u", i > 0 ? "," : "", tls ? "https" : "http",
                    servers->ports[i]);
    }
    snprintf(servers->endpoints, sizeof(servers->endpoints), "%s", text_string(&endpoints));
    for (unsigned i = 0; i < count; i++)
        etcd_servers_run(servers, i);
    etcd_servers_wait(servers);
}

void etcd_servers_kill(struct etcd_servers *servers, unsigned member)
{
    if (servers->pids[member] <= 0)
        return;
    kill(servers->pids[member], SIGKILL);
    waitpid(servers->pids[member], NULL, 0);
    servers->pids[member] = 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void etcd_servers_stop(struct etcd_servers *servers)
{
    for (unsigned i = 0; i < servers->count; i++)
        etcd_servers_kill(servers, i);
    nftw(servers->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
