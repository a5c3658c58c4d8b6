/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's folder and record. */
#include "broker/machine/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/user.h"

#define RECORD_LIMIT 262144

char *machine_path(const char *run_dir, long long vmid, const char *file)
{
    return xasprintf("%s/vm/%lld%s%s", run_dir, vmid, file != NULL ? "/" : "", file != NULL ? file : "");
}

json_t *machine_load(const char *folder, const char *file)
{
    autofree char *path = xasprintf("%s/%s", folder, file), *text = NULL;
    struct error ignored;

    if (file_read(path, RECORD_LIMIT, &text, NULL, &ignored) != 0)
        return NULL;
    return json_loads(text, 0, NULL);
}

int machine_save(const char *folder, const char *file, const json_t *content, struct error *err)
{
    autofree char *path = xasprintf("%s/%s", folder, file), *text = json_dumps(content, JSON_COMPACT);

    return file_replace(path, text, strlen(text), 0600, err);
}

static struct process unpack_process(const json_t *file, const char *pid, const char *start)
{
    return (struct process){(pid_t)json_integer_value(json_object_get(file, pid)),
                            (unsigned long long)json_integer_value(json_object_get(file, start))};
}

static void read_pid(struct machine *machine)
{
    autojson json_t *file = machine_load(machine->folder, "pid");

    machine->qemu = unpack_process(file, "pid", "start");
    machine->supervisor = unpack_process(file, "supervisor", "supervisor-start");
}

/* In a run folder that outlives a reboot, the pids are other processes' by now. */
static bool is_past(const json_t *record)
{
    const char *boot = json_string_value(json_object_get(record, "boot"));
    char now[PROCESS_BOOT_SIZE];

    process_read_boot(now);
    return boot != NULL && strcmp(boot, now) != 0;
}

int machine_find(const char *run_dir, long long vmid, struct machine *ret, struct error *err)
{
    struct machine machine = {.folder = machine_path(run_dir, vmid, NULL), .vmid = vmid};

    if (access(machine.folder, F_OK) != 0) {
        free(machine.folder);
        return error_set(err, ERROR_NOT_FOUND, "VM %lld not running", vmid);
    }
    machine.record = machine_load(machine.folder, "machine");
    machine.past = is_past(machine.record);
    if (!machine.past)
        read_pid(&machine);
    *ret = machine;
    return 0;
}

void machine_release(struct machine *machine)
{
    free(machine->folder);
    json_decref(machine->record);
    *machine = (struct machine){.folder = NULL};
}

static int compare_numbers(const void *a, const void *b)
{
    const long long *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

json_t *machine_list(const char *run_dir)
{
    autofree char *path = xasprintf("%s/vm", run_dir);
    autofree long long *list = NULL;
    json_t *array = json_array();
    size_t count = 0;
    DIR *folder = opendir(path);

    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        unsigned long long vmid;
        if (!text_to_number(entry->d_name, 10, 999999999, &vmid))
            continue;
        list = xrealloc(list, count + 1, sizeof(*list));
        list[count++] = (long long)vmid;
    }
    if (folder != NULL)
        closedir(folder);
    if (count > 0)
        qsort(list, count, sizeof(*list), compare_numbers);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_integer(list[i]));
    return array;
}

static bool is_taken(const json_t *used, uid_t uid)
{
    size_t i;
    const json_t *other;

    json_array_foreach(used, i, other)
        if ((uid_t)json_integer_value(other) == uid)
            return true;
    return user_has_id(uid);
}

/* The folder of machines is locked, so that two starts do not choose the same. */
static int choose_user(const char *run_dir, uid_t base, uid_t *ret, struct error *err)
{
    autojson json_t *machines = machine_list(run_dir), *used = json_array();
    size_t i;
    const json_t *vmid;

    json_array_foreach(machines, i, vmid) {
        automachine struct machine machine = {0};
        struct error ignored;
        if (machine_find(run_dir, json_integer_value(vmid), &machine, &ignored) == 0)
            json_array_append(used, json_object_get(machine.record, "uid"));
    }
    for (uid_t slot = 0; slot < MACHINE_UID_COUNT; slot++)
        if (!is_taken(used, base + slot)) {
            *ret = base + slot;
            return 0;
        }
    return error_set(err, ERROR_FAILED, "no user is left for this VM: all from %u to %u are taken", base,
                     base + MACHINE_UID_COUNT - 1);
}

static int lock_machines(const char *run_dir, int *ret, struct error *err)
{
    autofree char *path = xasprintf("%s/vm", run_dir);

    if (file_make_folder(path, 0711, err) != 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) != 0) {
        int reason = errno;
        if (fd >= 0)
            close(fd);
        return error_set_errno(err, reason, "cannot lock '%s'", path);
    }
    *ret = fd;
    return 0;
}

int machine_make(const char *run_dir, uid_t base, long long vmid, json_t *record, struct machine *ret,
                 struct error *err)
{
    char boot[PROCESS_BOOT_SIZE];
    struct machine machine = {.folder = machine_path(run_dir, vmid, NULL), .vmid = vmid, .record = record};
    autoclose int lock = -1;
    uid_t uid = 0;
    int status = lock_machines(run_dir, &lock, err);

    if (status == 0 && geteuid() == 0)
        status = choose_user(run_dir, base, &uid, err);
    if (status == 0 && mkdir(machine.folder, 0711) != 0)
        status = errno == EEXIST ? error_set(err, ERROR_CONFLICT, "VM %lld already running", vmid)
                                 : error_set_errno(err, errno, "cannot make '%s'", machine.folder);
    if (status == 0) {
        if (uid != 0)
            json_object_set_new(record, "uid", json_integer((json_int_t)uid));
        process_read_boot(boot);
        json_object_set_new(record, "boot", json_string(boot));
        status = machine_save(machine.folder, "machine", record, err);
        if (status != 0)
            rmdir(machine.folder);
    }
    if (status != 0) {
        machine_release(&machine);
        return -1;
    }
    *ret = machine;
    return 0;
}

/* Signals the supervisor, because the broker may not signal QEMU, which runs as another user. */
void machine_signal(const struct machine *machine, int signal)
{
    autoclose int supervisor = process_watch(machine->supervisor);

    if (supervisor >= 0)
        syscall(SYS_pidfd_send_signal, supervisor, signal == SIGKILL ? SIGUSR1 : SIGTERM, NULL, 0);
}

char *machine_describe_end(const struct machine *machine, json_t **ret_lines)
{
    autojson json_t *end = machine_load(machine->folder, "end");
    const json_t *killed = json_object_get(end, "signal");

    *ret_lines = json_incref(json_object_get(end, "lines"));
    if (end == NULL)
        return xstrdup("QEMU has ended, and its parent process with it, so that nothing is known of why");
    if (killed != NULL)
        return xasprintf("QEMU was killed by signal %d", (int)json_integer_value(killed));
    return xasprintf("QEMU exited with code %d", (int)json_integer_value(json_object_get(end, "code")));
}

int machine_remove(const struct machine *machine, struct error *err)
{
    int folder = open(machine->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = folder >= 0 ? fdopendir(folder) : NULL;

    if (stream == NULL)
        return errno == ENOENT ? 0 : error_set_errno(err, errno, "cannot open '%s'", machine->folder);
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(folder, entry->d_name, 0);
    closedir(stream);
    if (rmdir(machine->folder) != 0 && errno != ENOENT)
        return error_set_errno(err, errno, "cannot remove '%s'", machine->folder);
    return 0;
}
