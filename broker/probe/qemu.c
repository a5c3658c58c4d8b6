/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the QEMU of this host can do: the daemon's side. */
#include "broker/probe/qemu.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "broker/probe/asker.h"

#define ANSWER_SECONDS (QEMU_ASKER_SECONDS + 5)
#define FAILURE_MILLISECONDS                                                                                 \
    3000 /* for so long callers get the same error at once, and do not ask in turn                           \
          */

/* What identifies a binary, and with which modules. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modules_changed;
};

struct known {
    struct identity binary;
    struct vm_features *features;
    struct known *older;
};

struct qemu {
    const char *binary;
    pid_t asker;
    int socket;           /* used by whoever set `asking` */
    pthread_mutex_t lock; /* guards what is below */
    pthread_cond_t asked;
    bool asking;
    struct known *newest; /* callers may still use the older ones */
    struct identity failed;
    long long failed_at; /* 0: never */
    struct error failure;
};

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->changed, b->changed) && same_time(a->modules_changed, b->modules_changed);
}

static int start_asker(struct qemu *qemu, struct error *err)
{
    static const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot start the process that asks QEMU");
    qemu->asker = fork();
    if (qemu->asker == 0)
        qemu_asker_run(qemu->binary, ends[1]);
    close(ends[1]);
    qemu->socket = ends[0];
    if (qemu->asker < 0 ||
        setsockopt(qemu->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
        return error_set_errno(err, errno, "cannot start the process that asks QEMU");
    return 0;
}

int qemu_open(const char *binary, struct qemu **ret, struct error *err)
{
    struct qemu *qemu = xcalloc(1, sizeof(*qemu));

    qemu->binary = binary;
    if (start_asker(qemu, err) != 0) {
        qemu_close(qemu);
        return -1;
    }
    pthread_mutex_init(&qemu->lock, NULL);
    pthread_cond_init(&qemu->asked, NULL);
    *ret = qemu;
    return 0;
}

void qemu_close(struct qemu *qemu)
{
    if (qemu == NULL)
        return;
    if (qemu->socket > 0)
        close(qemu->socket);
    if (qemu->asker > 0)
        TEMP_FAILURE_RETRY(waitpid(qemu->asker, NULL, 0));
    for (struct known *known = qemu->newest, *older; known != NULL; known = older) {
        older = known->older;
        vm_features_free(known->features);
        free(known);
    }
    free(qemu);
}

const char *qemu_binary(const struct qemu *qemu)
{
    return qemu->binary;
}

/* When the folder of QEMU's modules last changed. Debian has some devices in modules, which come and go with
 * packages of their own while the binary stays the same. */
static struct timespec modules_changed(const char *binary)
{
    static const char *const folders[] = {"lib/x86_64-linux-gnu/qemu", "lib/aarch64-linux-gnu/qemu",
                                          "lib64/qemu", "lib/qemu"};
    const char *slash = strrchr(binary, '/');
    struct stat status;

    for (size_t i = 0; i < COUNT_OF(folders) && slash != NULL; i++) {
        autofree char *folder = xasprintf("%.*s/../%s", (int)(slash - binary), binary, folders[i]);
        if (stat(folder, &status) == 0)
            return status.st_mtim;
    }
    return (struct timespec){0};
}

static int identify(const char *binary, struct identity *ret, struct error *err)
{
    struct stat status;

    if (stat(binary, &status) == 0) {
        *ret = (struct identity){status.st_dev, status.st_ino, status.st_size, status.st_mtim,
                                 modules_changed(binary)};
        return 0;
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return error_set(err, ERROR_FAILED,
                         "QEMU is missing, there is no '%s': `apt install qemu-system-x86` installs it, or "
                         "name another one with --qemu",
                         binary);
    return error_set_errno(err, errno, "cannot examine '%s'", binary);
}

static bool receive(int socket, void *data, size_t length)
{
    return length == 0 || recv(socket, data, length, MSG_WAITALL) == (ssize_t)length;
}

/* After a failure the socket is closed: what comes next on it could be part of another answer. */
static int exchange(int socket, bool *ret_failed, char **ret, size_t *ret_length, struct error *err)
{
    struct qemu_answer header;

    if (send(socket, "?", 1, MSG_NOSIGNAL) != 1 || !receive(socket, &header, sizeof(header)) ||
        header.length > VM_FEATURES_LIMIT) {
        shutdown(socket, SHUT_RDWR);
        return error_set(err, ERROR_FAILED, "the process that asks QEMU is gone: restart hostpci");
    }
    autofree char *data = xcalloc(header.length + 1, 1);
    if (!receive(socket, data, header.length)) {
        shutdown(socket, SHUT_RDWR);
        return error_set(err, ERROR_FAILED, "the process that asks QEMU is gone: restart hostpci");
    }
    *ret_failed = header.failed != 0;
    *ret_length = header.length;
    *ret = TAKE(data);
    return 0;
}

static int ask(const struct qemu *qemu, struct vm_features **ret, struct error *err)
{
    autofree char *answers = NULL;
    size_t length = 0;
    bool failed = false;

    if (exchange(qemu->socket, &failed, &answers, &length, err) != 0)
        return -1;
    if (failed)
        return error_set(err, ERROR_FAILED, "%s", answers);
    if (vm_features_parse(answers, length, ret, err) != 0)
        return error_prefix(err, "'%s' does not answer as QEMU does: ", qemu->binary);
    return 0;
}

/* The features or the failure that is known already; 1: none is. Called with the lock held. */
static int recall(const struct qemu *qemu, const struct identity *binary, const struct vm_features **ret,
                  struct error *err)
{
    if (qemu->newest != NULL && same(&qemu->newest->binary, binary)) {
        *ret = qemu->newest->features;
        return 0;
    }
    if (qemu->failed_at == 0 || !same(&qemu->failed, binary) ||
        clock_milliseconds() - qemu->failed_at > FAILURE_MILLISECONDS)
        return 1;
    *err = qemu->failure;
    return -1;
}

/* Called with the lock held. */
static void remember(struct qemu *qemu, const struct identity *binary, struct vm_features *features,
                     const struct error *failure)
{
    if (features == NULL) {
        qemu->failed = *binary;
        qemu->failed_at = clock_milliseconds();
        qemu->failure = *failure;
        return;
    }
    struct known *known = xcalloc(1, sizeof(*known));
    *known = (struct known){*binary, features, qemu->newest};
    qemu->newest = known;
}

int qemu_features(struct qemu *qemu, const struct vm_features **ret, struct error *err)
{
    struct vm_features *features = NULL;
    struct identity binary = {0};
    int result;

    if (identify(qemu->binary, &binary, err) != 0)
        return -1;
    pthread_mutex_lock(&qemu->lock);
    while ((result = recall(qemu, &binary, ret, err)) == 1 && qemu->asking)
        pthread_cond_wait(&qemu->asked, &qemu->lock);
    if (result == 1) {
        qemu->asking = true;
        pthread_mutex_unlock(&qemu->lock);
        result = ask(qemu, &features, err);
        pthread_mutex_lock(&qemu->lock);
        qemu->asking = false;
        remember(qemu, &binary, features, err);
        pthread_cond_broadcast(&qemu->asked);
        if (result == 0)
            *ret = features;
    }
    pthread_mutex_unlock(&qemu->lock);
    return result;
}

bool qemu_firmware_is_4m(const char *folder)
{
    autofree char *path = xasprintf("%s/OVMF_CODE.fd", folder);

    return access(path, F_OK) != 0;
}
