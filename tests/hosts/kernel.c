/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel: what is set and counted, and the hook. */
#include "tests/hosts/kernel.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/hosts/kernel_parts.h"

#define MOST_FUNCTIONS 256

/* All processes share it. */
struct shared {
    atomic_uint counts[SYSFS_ACCESSES];
    atomic_bool held; /* no access begins */
    atomic_uint busy; /* how many have begun, without faulty ones */
    struct {
        atomic_bool set;
        enum sysfs_access access;
        char path[256], until[512], unplug[24];
        unsigned first, last;
        int error;
        bool after;
        atomic_uint count;
        atomic_int hanging; /* thread; 0: none */
    } fault;
    size_t function_count;
    struct kernel_function functions[MOST_FUNCTIONS];
};

char kernel_tree[512];
_Thread_local bool kernel_looks;
static struct shared *shared;

const char *kernel_path(const char *format, ...)
{
    static _Thread_local char paths[4][PATH_MAX];
    static _Thread_local unsigned next;
    char *path = paths[next++ % COUNT_OF(paths)];
    va_list args;

    int length = snprintf(path, PATH_MAX, "%s/", kernel_tree);
    va_start(args, format);
    vsnprintf(path + length, PATH_MAX - (size_t)length, format, args);
    va_end(args);
    return path;
}

struct kernel_function *kernel_find(const char *id)
{
    for (size_t i = 0; i < shared->function_count; i++)
        if (strcmp(shared->functions[i].id, id) == 0)
            return &shared->functions[i];
    return NULL;
}

struct kernel_function *kernel_enter(const char *id)
{
    struct kernel_function *function = kernel_find(id);

    if (function != NULL)
        return function;
    kernel_must(shared->function_count < MOST_FUNCTIONS, "play so many functions");
    function = &shared->functions[shared->function_count];
    snprintf(function->id, sizeof(function->id), "%s", id);
    shared->function_count++;
    return function;
}

static struct kernel_function *find_surely(const char *id)
{
    struct kernel_function *function = kernel_find(id);

    if (function != NULL)
        return function;
    fprintf(stderr, "the played kernel has no function %s\n", id);
    abort();
}

static void sleep_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* A thread that was killed holds no lock any more. */
static bool is_alive(int thread)
{
    return thread != 0 && kill(thread, 0) == 0;
}

static void wait_for_lock(struct kernel_function *function)
{
    if (function == NULL || function->holder == 0 || function->holder == gettid())
        return;
    while (is_alive(function->holder))
        sleep_a_moment();
    kernel_finish_unbind(function);
}

/* `function`, which may be NULL, is locked in the meantime. */
static void hang(struct kernel_function *function)
{
    shared->fault.hanging = gettid();
    if (function != NULL)
        function->holder = gettid();
    while (access(shared->fault.until, F_OK) != 0)
        sleep_a_moment();
    if (function != NULL)
        function->holder = 0;
    shared->fault.hanging = 0;
}

static void do_nothing(struct kernel_function *function)
{
    (void)function;
}

static bool is_unbind(const char *path)
{
    return strstr(path, "/drivers/") != NULL && strstr(path, "/unbind") != NULL;
}

static int do_access(enum sysfs_access kind, const char *path, const char *value)
{
    return kind == SYSFS_WRITE  ? kernel_write(path, value, do_nothing)
           : kind == SYSFS_READ ? kernel_read(path)
                                : 1;
}

static int do_late(enum sysfs_access kind, const char *path, const char *value)
{
    struct kernel_function *function = kind == SYSFS_WRITE ? kernel_locked(kind, path, value) : NULL;

    if (kind == SYSFS_WRITE && is_unbind(path))
        return kernel_write(path, value, hang);
    if (!shared->fault.after)
        hang(function);
    int result = do_access(kind, path, value);
    if (shared->fault.after)
        hang(function);
    return result;
}

static int do_wrong(enum sysfs_access kind, const char *path, const char *value)
{
    int error = shared->fault.error, result = 1;

    if (shared->fault.unplug[0] != '\0' &&
        access(kernel_path(KERNEL_DEVICES "/%s", shared->fault.unplug), F_OK) == 0)
        kernel_unplug(shared->fault.unplug);
    if (shared->fault.until[0] != '\0')
        result = do_late(kind, path, value);
    else if (error == 0 || shared->fault.after)
        result = do_access(kind, path, value);
    return error != 0 ? -error : result;
}

static bool is_faulty(enum sysfs_access kind, const char *path)
{
    if (!shared->fault.set || kind != shared->fault.access || strstr(path, shared->fault.path) == NULL)
        return false;
    unsigned number = ++shared->fault.count;
    return number >= shared->fault.first && number <= shared->fault.last;
}

/* The path below the tree of what the access is about; NULL if it does not exist. */
static const char *find_path(int folder, const char *path)
{
    static _Thread_local char whole[2 * PATH_MAX];
    char link[64], target[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, target, sizeof(target) - 1);
    target[length > 0 ? length : 0] = '\0';
    snprintf(whole, sizeof(whole), "%s/%s", target, path);
    size_t tree = strlen(kernel_tree);
    return strncmp(whole, kernel_tree, tree) == 0 ? whole + tree + 1 : NULL;
}

static void begin_access(void)
{
    shared->busy++;
    while (shared->held) {
        shared->busy--;
        sleep_a_moment();
        shared->busy++;
    }
}

void kernel_hold(void)
{
    shared->held = true;
    while (shared->busy > 0)
        sleep_a_moment();
}

void kernel_go_on(void)
{
    shared->held = false;
}

static int play(enum sysfs_access kind, int folder, const char *path, const char *value)
{
    const char *below = kernel_looks ? NULL : find_path(folder, path);

    if (below == NULL)
        return 1;
    shared->counts[kind]++;
    wait_for_lock(kernel_locked(kind, below, value));
    if (is_faulty(kind, below))
        return do_wrong(kind, below, value);
    begin_access();
    int result = do_access(kind, below, value);
    shared->busy--;
    return result;
}

void kernel_install(const char *tree)
{
    char *real = realpath(tree, NULL);

    if (real == NULL || strlen(real) >= sizeof(kernel_tree)) {
        fprintf(stderr, "the played kernel cannot use %s\n", tree);
        abort();
    }
    snprintf(kernel_tree, sizeof(kernel_tree), "%s", real);
    free(real);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    shared->function_count = kernel_boot(shared->functions, MOST_FUNCTIONS);
    sysfs_hook = play;
}

void kernel_uninstall(void)
{
    sysfs_hook = NULL;
    munmap(shared, sizeof(*shared));
    shared = NULL;
}

static void set_name(char name[static KERNEL_NAME], const char *value)
{
    snprintf(name, KERNEL_NAME, "%s", value);
}

void kernel_choose(const char *id, const char *driver)
{
    set_name(find_surely(id)->choice, driver);
}

void kernel_refuse(const char *id, const char *driver)
{
    set_name(find_surely(id)->refused, driver);
}

void kernel_set_vf_driver(const char *id, const char *driver, unsigned group)
{
    struct kernel_function *function = find_surely(id);

    set_name(function->vfs.driver, driver);
    function->vfs.group = group;
}

void kernel_limit_vfs(const char *id, unsigned most, int error)
{
    struct kernel_function *function = find_surely(id);

    function->vfs.most = most;
    function->vfs.error = error;
}

void kernel_set_reset(const char *id, const char *method, int error)
{
    struct kernel_function *function = find_surely(id);
    size_t i = 0;

    while (i < KERNEL_RESET - 1 && function->resets[i].method[0] != '\0' &&
           strcmp(function->resets[i].method, method) != 0)
        i++;
    snprintf(function->resets[i].method, sizeof(function->resets[i].method), "%s", method);
    function->resets[i].error = error;
}

unsigned kernel_resets(const char *id)
{
    return find_surely(id)->reset_count;
}

void kernel_set_fault(const struct kernel_fault *fault)
{
    shared->fault.set = false;
    shared->fault.count = 0;
    shared->fault.hanging = 0;
    if (fault == NULL)
        return;
    shared->fault.access = fault->access;
    snprintf(shared->fault.path, sizeof(shared->fault.path), "%s", fault->path != NULL ? fault->path : "");
    snprintf(shared->fault.until, sizeof(shared->fault.until), "%s",
             fault->until != NULL ? fault->until : "");
    snprintf(shared->fault.unplug, sizeof(shared->fault.unplug), "%s",
             fault->unplug != NULL ? fault->unplug : "");
    shared->fault.first = fault->first;
    shared->fault.last = fault->last != 0 ? fault->last : fault->first;
    shared->fault.error = fault->error;
    shared->fault.after = fault->after;
    shared->fault.set = true;
}

unsigned kernel_fault_count(void)
{
    return shared->fault.count;
}

bool kernel_fault_hangs(void)
{
    return is_alive(shared->fault.hanging);
}

unsigned kernel_count(enum sysfs_access kind)
{
    return shared->counts[kind];
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

void kernel_remove_folder(const char *path)
{
    kernel_must(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0, "remove a folder");
}
