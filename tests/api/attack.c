/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an attacker has, and a well-behaved client. */
#include "tests/api/attack.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"

#define MEMORY_LIMIT_KIB (64L * 1024)
#define KEPT_KIB         (16L * 1024) /* what free(3) keeps for later */
#define PROGRESS_SECONDS 60           /* a test that makes no progress at all ends after this */

static char *auditor, *good;
static long memory_before;

static long read_memory(const char *name)
{
    autofree char *path = xasprintf("/proc/%d/status", (int)daemon_pid()), *status = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 65536, &status, NULL, &err), 0, "%s", err.message);
    return strtol(strstr(status, name) + strlen(name), NULL, 10);
}

static char *make_token(const char *user)
{
    autofree char *path = xasprintf("/access/users/%s/token/ci", user);
    const json_t *token = post(path, "privsep", "0", NULL);

    return xasprintf("Authorization: PVEAPIToken=%s=%s", text_of(token, "full-tokenid"),
                     text_of(token, "value"));
}

void attack_start(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    START(.host = "workstation");
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    post("/access/users", "userid", "auditor@pve", "password", "Secret-of-88", NULL);
    put("/access/acl", "path", "/", "roles", "PVEAuditor", "users", "auditor@pve", NULL);
    auditor = make_token("auditor@pve");
    good = make_token("root@pam");
    memory_before = read_memory("VmRSS:");
}

const char *attack_auditor(void)
{
    return auditor;
}

int attack_connect(int host)
{
    int fd = attack_try(host);

    cr_assert_geq(fd, 0, "%s", strerror(errno));
    return fd;
}

int attack_try(int host)
{
    unsigned long long port;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (unsigned)host)};

    cr_assert(text_to_number(strrchr(daemon_url(), ':') + 1, 10, 65535, &port));
    cr_assert_geq(fd, 0, "%s", strerror(errno));
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0, "%s", strerror(errno));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

void attack_close(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static struct {
    pthread_t thread;
    atomic_bool ends;
    atomic_uint rounds;
    char failure[512]; /* the first reply that was none, or not 200 */
    atomic_bool failed;
} client;

static void ask(int fd, const char *header, const char *method, const char *path, const char *body)
{
    autofree char *reply = NULL;

    raw_print(fd,
              "%s /api2/json%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%sContent-Length: %zu\r\n\r\n%s",
              method, path, header, header[0] != '\0' ? "\r\n" : "", strlen(body), body);
    reply = raw_read(fd, PROGRESS_SECONDS);
    close(fd);
    if (raw_status(reply) == 200 || client.failed)
        return;
    snprintf(client.failure, sizeof(client.failure), "%s %s: %.300s", method, path, reply);
    client.failed = true;
}

static void *call_again_and_again(void *argument)
{
    static const char entry[] = "id=mine&map=node%3d" NODE ",path%3d0000:01:00.0,id%3d10de:2484";

    (void)argument;
    while (!client.ends && !client.failed) {
        ask(raw_connect(), "", "GET", "/version", "");
        ask(raw_connect(), "", "POST", "/cluster/mapping/pci", entry);
        ask(raw_connect_tcp(), good, "GET", "/nodes/" NODE "/hardware/pci/0000:01:00.0/status", "");
        ask(raw_connect_tcp(), good, "GET", "/cluster/mapping/pci", "");
        ask(raw_connect(), "", "DELETE", "/cluster/mapping/pci/mine", "");
        client.rounds++;
    }
    return NULL;
}

void good_client_start(void)
{
    client.ends = client.failed = false;
    cr_assert_eq(pthread_create(&client.thread, NULL, call_again_and_again, NULL), 0);
}

void good_client_proceeds(unsigned rounds)
{
    unsigned wanted = client.rounds + rounds;
    double end = machine_slept() + PROGRESS_SECONDS;

    while (client.rounds < wanted && !client.failed && machine_slept() < end)
        machine_sleep(1);
    cr_assert(!client.failed, "a well-behaved client was not served: %s", client.failure);
    cr_assert_geq(client.rounds, wanted, "a well-behaved client waits");
}

void good_client_stop(void)
{
    client.ends = true;
    pthread_join(client.thread, NULL);
    cr_assert(!client.failed, "a well-behaved client was not served: %s", client.failure);
}

/* A sanitizer keeps what was freed. Each of them reserves terabytes of addresses for its own notes. */
static bool is_sanitized(void)
{
    return read_memory("VmSize:") > 1L << 30;
}

void attack_memory_is_small(void)
{
    long peak = read_memory("VmHWM:"), now = 0;

    if (is_sanitized())
        return;
    cr_assert_lt(peak, MEMORY_LIMIT_KIB, "%ld KiB", peak);
    for (int i = 0; i < 500; i++) {
        if ((now = read_memory("VmRSS:")) < memory_before + KEPT_KIB)
            return;
        nanosleep(&(const struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_assert_fail("%ld KiB before the attack, %ld KiB after it", memory_before, now);
}

unsigned attack_count_descriptors(void)
{
    autofree char *path = xasprintf("/proc/%d/fd", (int)daemon_pid());
    DIR *folder = opendir(path);
    unsigned count = 0;

    cr_assert_not_null(folder, "%s", path);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}
